-- The answer to a request, with its key; NULL for other keys.
ALTER TABLE S.duroxide_keys ADD COLUMN answer bytea;
UPDATE S.duroxide_release SET oldest = '0.2.0';

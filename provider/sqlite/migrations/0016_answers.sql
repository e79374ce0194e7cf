-- The answer to a request, with its key; NULL for other keys.
ALTER TABLE duroxide_keys ADD COLUMN answer BLOB;
UPDATE duroxide_release SET oldest = '0.2.0';

-- What an instance is held for, as JSON; null where it is not held. See provider.Hold.
ALTER TABLE S.details ADD COLUMN hold bytea;
UPDATE S.duroxide_release SET oldest = '0.2.0';

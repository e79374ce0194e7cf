-- What an instance is held for, as JSON; null where it is not held. See provider.Hold.
ALTER TABLE details ADD COLUMN hold BLOB;
UPDATE duroxide_release SET oldest = '0.2.0';

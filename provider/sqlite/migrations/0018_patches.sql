-- What the execution with the number patched has been answered at its patches, as JSON; NULL where it has asked
-- nothing. See provider.EncodePatches.
ALTER TABLE details ADD COLUMN patched INTEGER;
ALTER TABLE details ADD COLUMN patches BLOB;
UPDATE duroxide_release SET oldest = '0.2.0';

-- What the execution with the number patched has been answered at its patches, as JSON; NULL where it has asked
-- nothing. See provider.EncodePatches.
ALTER TABLE S.details ADD COLUMN patched bigint, ADD COLUMN patches bytea;
UPDATE S.duroxide_release SET oldest = '0.2.0';

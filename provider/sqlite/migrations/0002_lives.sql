-- Who lives at an instance id, and the whole link to the parent. The cold row is made by the start now,
-- so that an instance is there before its first turn; its version is empty until then, unless the
-- start asks for one. life is null where an older release stored the start and nobody has committed
-- since: it is any life. starts is the highest number of a start that this life has used.
ALTER TABLE details ADD COLUMN life BLOB;
ALTER TABLE details ADD COLUMN parent_execution INTEGER NOT NULL DEFAULT 0;
ALTER TABLE details ADD COLUMN parent_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE details ADD COLUMN parent_life BLOB;
ALTER TABLE details ADD COLUMN starts INTEGER NOT NULL DEFAULT 0;

-- Counts deletions, so that other processes see that there was one.
INSERT INTO counters (name, next) VALUES ('deletions', 0);

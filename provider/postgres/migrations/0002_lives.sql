-- Who lives at an instance id, and the whole link to the parent. The cold row is made by the start now,
-- so that an instance is there before its first turn; its version is empty until then, unless the
-- start asks for one. life is null where an older release stored the start and nobody has committed
-- since: it is any life. starts is the highest number of a start that this life has used.
ALTER TABLE S.details ADD COLUMN life bytea;
ALTER TABLE S.details ADD COLUMN parent_execution bigint NOT NULL DEFAULT 0;
ALTER TABLE S.details ADD COLUMN parent_event bigint NOT NULL DEFAULT 0;
ALTER TABLE S.details ADD COLUMN parent_life bytea;
ALTER TABLE S.details ADD COLUMN starts bigint NOT NULL DEFAULT 0;

-- What a list of instances is read from: those that run or have failed, those of an orchestration or a parent,
-- and those that are held. Names may be too long for an index as a whole. failure is the kind of the failure;
-- null where an older release stored it.
ALTER TABLE S.executions ADD COLUMN failure text;
CREATE INDEX duroxide_executions_status ON S.executions (status, instance) WHERE status IN (1, 3);
CREATE INDEX duroxide_details_name ON S.details (left(name, 100), instance);
DROP INDEX S.details_parent;
CREATE INDEX duroxide_details_parent ON S.details (parent, instance) WHERE parent <> '';
CREATE INDEX duroxide_details_held ON S.details (instance) WHERE hold IS NOT NULL;
UPDATE S.duroxide_release SET oldest = '0.2.0';

-- What a list of instances is read from: those that run or have failed, those of an orchestration, and those
-- that are held. failure is the kind of the failure; null where an older release stored it.
ALTER TABLE executions ADD COLUMN failure TEXT;
CREATE INDEX duroxide_executions_status ON executions (status, instance) WHERE status IN (1, 3);
CREATE INDEX duroxide_details_name ON details (name, instance);
CREATE INDEX duroxide_details_held ON details (instance) WHERE hold IS NOT NULL;
UPDATE duroxide_release SET oldest = '0.2.0';

-- Why an instance is being cancelled and until when it may clean up, as JSON. See provider.Cancelling.
ALTER TABLE S.details ADD COLUMN cancelling bytea;
UPDATE S.duroxide_release SET oldest = '0.2.0';

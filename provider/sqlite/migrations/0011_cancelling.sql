-- Why an instance is being cancelled and until when it may clean up, as JSON. See provider.Cancelling.
ALTER TABLE details ADD COLUMN cancelling BLOB;
UPDATE duroxide_release SET oldest = '0.2.0';

-- What is kept of the attempts of a task whose activity has a policy; NULL for all others.
ALTER TABLE tasks ADD COLUMN progress BLOB;
UPDATE duroxide_release SET oldest = '0.2.0';

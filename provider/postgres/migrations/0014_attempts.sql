-- What is kept of the attempts of a task whose activity has a policy; NULL for all others.
ALTER TABLE S.tasks ADD COLUMN progress bytea;
UPDATE S.duroxide_release SET oldest = '0.2.0';

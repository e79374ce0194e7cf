-- What the activity of a task has last said of itself, as JSON; NULL where it has said nothing.
ALTER TABLE S.tasks ADD COLUMN heartbeat text;
UPDATE S.duroxide_release SET oldest = '0.2.0';

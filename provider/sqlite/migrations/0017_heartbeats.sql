-- What the activity of a task has last said of itself, as JSON; NULL where it has said nothing.
ALTER TABLE tasks ADD COLUMN heartbeat TEXT;
UPDATE duroxide_release SET oldest = '0.2.0';

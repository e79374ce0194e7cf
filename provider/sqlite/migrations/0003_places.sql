-- The place of a task among those that wait, see package fair. Zero means none: the task is claimed or
-- delayed, or was freed just now; it gets one when it is due and free.
ALTER TABLE tasks ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
CREATE INDEX tasks_place ON tasks (tag, place) WHERE lease = 0 AND place > 0 AND session IS NULL;
CREATE INDEX tasks_turn ON tasks (session, place, tag)
  WHERE lease = 0 AND place > 0 AND session IS NOT NULL;
CREATE INDEX tasks_late ON tasks (due) WHERE lease = 0 AND place = 0;
CREATE INDEX tasks_lease ON tasks (lease) WHERE lease <> 0;
INSERT INTO counters (name, next) VALUES ('round', 0);

-- ready is the first place among the waiting tasks of a session; zero means that none waits. So the
-- tasks of a session cost nothing to whoever may not take it.
ALTER TABLE sessions ADD COLUMN ready INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_ready ON sessions (owner, ready) WHERE ready > 0;
CREATE INDEX sessions_free ON sessions (until_ms, ready) WHERE ready > 0;

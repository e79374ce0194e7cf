-- The place of a task among those that wait, see package fair. Zero means none: the task is claimed or
-- delayed, or was freed just now; it gets one when it is due and free.
ALTER TABLE S.tasks ADD COLUMN place bigint NOT NULL DEFAULT 0;
CREATE INDEX tasks_place ON S.tasks (tag, place, id) WHERE lease = 0 AND place > 0 AND session IS NULL;
CREATE INDEX tasks_turn ON S.tasks (session, place, id)
  WHERE lease = 0 AND place > 0 AND session IS NOT NULL;
CREATE INDEX tasks_late ON S.tasks (due, id) WHERE lease = 0 AND place = 0;

-- The highest place that was ever claimed, or not much below it: whoever finds the row locked leaves it
-- as it is.
CREATE TABLE S.rounds (
  id integer PRIMARY KEY,
  round bigint NOT NULL
) WITH (fillfactor = 20);
INSERT INTO S.rounds (id, round) VALUES (1, 0);

-- ready is the first place among the waiting tasks of a session; zero means that none waits. So the
-- tasks of a session cost nothing to whoever may not take it.
ALTER TABLE S.sessions ADD COLUMN ready bigint NOT NULL DEFAULT 0;
CREATE INDEX sessions_ready ON S.sessions (owner, ready) WHERE ready > 0;
CREATE INDEX sessions_free ON S.sessions (until_ms, ready) WHERE ready > 0;

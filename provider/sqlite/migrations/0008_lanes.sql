-- What claims select work by, see provider.Lane: each lane gets its number once, and keeps it. 0 is not
-- among them: it stands for what was not sorted yet, because an older release stored it, or because nobody
-- lives where it is for. 1 is that of instances that have ended.
CREATE TABLE duroxide_lanes (
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  tag TEXT,
  level INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX duroxide_lanes_key ON duroxide_lanes (kind, name, version, level, ifnull(tag, 0));
INSERT INTO duroxide_lanes (id, kind, name, version, level) VALUES (1, 1, '', '', 0);

-- The lane of an instance is also that of all its messages. pin is the lowest format level that reads what
-- is stored of an instance; earlier releases wrote their own version, which every later one reads.
ALTER TABLE instances ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
DROP INDEX messages_due;
CREATE INDEX duroxide_messages_lane ON messages (lane, due);
DROP INDEX tasks_place;
CREATE INDEX duroxide_tasks_lane ON tasks (lane, place) WHERE lease = 0 AND place > 0;
CREATE INDEX duroxide_tasks_session ON tasks (session, lane, place)
  WHERE lease = 0 AND place > 0 AND session IS NOT NULL;

-- Releases before would take what they have no code for.
UPDATE duroxide_release SET oldest = '0.2.0';

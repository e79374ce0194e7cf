-- Numbers shared by all tables: the next one that no process has reserved. Ids are never reused,
-- and grow with the order of arrival.
CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters (name, next) VALUES ('id', 1);

-- A lease of a node, with the process that opened it. The row of a lease that has ended is
-- deleted together with everything that refers to it being freed.
CREATE TABLE leases (
  id INTEGER PRIMARY KEY,
  node TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start INTEGER NOT NULL
) STRICT;

-- The hot row: lock, counter and high-water mark of an instance, made by its first message.
-- With execution 0 nothing was committed yet. batch and batch_due describe what the running claim
-- was given: messages with id <= batch and due <= batch_due. events, bytes and pin are those of
-- the current execution; dirty says that it has changed the key-value store. done and done_after
-- are epoch and previous last event of the last commit, by which a repeated one is recognised.
CREATE TABLE instances (
  key INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  execution INTEGER NOT NULL DEFAULT 0,
  status INTEGER NOT NULL DEFAULT 0,
  last_event INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  lease INTEGER NOT NULL DEFAULT 0,
  pin INTEGER NOT NULL DEFAULT 0,
  batch INTEGER NOT NULL DEFAULT 0,
  batch_due INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  dirty INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0,
  done_after INTEGER NOT NULL DEFAULT 0,
  updated INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX instances_lease ON instances (lease) WHERE lease <> 0;

-- The cold row, made by the first commit.
CREATE TABLE details (
  instance INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  parent TEXT NOT NULL,
  created INTEGER NOT NULL,
  custom_status BLOB,
  custom_status_version INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX details_parent ON details (parent) WHERE parent <> '';

-- events and bytes of the current execution stand in instances until it ends.
CREATE TABLE executions (
  instance INTEGER NOT NULL,
  execution INTEGER NOT NULL,
  status INTEGER NOT NULL,
  started INTEGER NOT NULL,
  completed INTEGER,
  output BLOB,
  events INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (instance, execution)
) STRICT, WITHOUT ROWID;

-- One row per turn. A table with row ids on purpose: rows are appended, not sorted in.
CREATE TABLE histories (
  instance INTEGER NOT NULL,
  execution INTEGER NOT NULL,
  first INTEGER NOT NULL,
  body BLOB NOT NULL,
  PRIMARY KEY (instance, execution, first)
) STRICT;

-- due is when a message is visible; effective is what it is ordered by, and never changes.
CREATE TABLE messages (
  id INTEGER PRIMARY KEY,
  instance INTEGER NOT NULL,
  due INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  kind INTEGER NOT NULL,
  execution INTEGER NOT NULL,
  source INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX messages_instance ON messages (instance, due);
CREATE INDEX messages_due ON messages (due);
CREATE INDEX messages_timer ON messages (instance, execution, source) WHERE kind = 4;

-- A task with lease 0 is free. Both indexes of free tasks leave out those that are inserted
-- claimed, which are most.
CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  instance INTEGER NOT NULL,
  execution INTEGER NOT NULL,
  event INTEGER NOT NULL,
  due INTEGER NOT NULL,
  lease INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  tag TEXT,
  session TEXT,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX tasks_event ON tasks (instance, execution, event);
CREATE INDEX tasks_due ON tasks (due, id) WHERE lease = 0;
CREATE INDEX tasks_tag ON tasks (tag, due, id) WHERE lease = 0;
CREATE INDEX tasks_session ON tasks (session) WHERE session IS NOT NULL;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  until_ms INTEGER NOT NULL,
  active_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- base is the state at the start of the current execution, live is the state now; null means
-- that the key is not there. dirty says that the two may differ.
CREATE TABLE key_values (
  instance INTEGER NOT NULL,
  key TEXT NOT NULL,
  base BLOB,
  base_at INTEGER NOT NULL DEFAULT 0,
  live BLOB,
  live_at INTEGER NOT NULL DEFAULT 0,
  dirty INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (instance, key)
) STRICT, WITHOUT ROWID;

-- One sequence numbers messages, tasks and leases, and makes the keys of instances different, so that
-- no id is ever reused. Numbers of messages are taken while their instance is locked: those of one
-- instance grow in the order of their commits.
CREATE SEQUENCE S.ids AS bigint;

-- A lease of a node. A row that is missing or whose time is over means that what it held is free. host,
-- pid and pid_start identify the process, so that another one of its machine sees when it has ended.
CREATE TABLE S.leases (
  id bigint PRIMARY KEY,
  node text NOT NULL,
  until_ms bigint NOT NULL,
  host text NOT NULL DEFAULT '',
  pid bigint NOT NULL DEFAULT 0,
  pid_start bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- What each writer of a process has committed last, by which it finds out about a commit whose
-- answer was lost. A commit that was asked for may not come later: its number is fenced off. The
-- number of the transaction would not do: after a crash of the server it may be given to another one.
CREATE TABLE S.writers (
  id text PRIMARY KEY,
  last bigint NOT NULL,
  fence bigint NOT NULL DEFAULT 0,
  seen_ms bigint NOT NULL
) WITH (fillfactor = 20);

-- The hot row: lock, counter and high-water mark of an instance, made by its first message. With
-- execution 0 nothing was committed yet. batch and batch_due describe what the running claim was
-- given: messages with id <= batch and due <= batch_due. done and done_after are epoch and previous
-- last event of the last commit, by which a repeated one is recognised. A key begins with the
-- time at which it was made, so that instances are listed in that order. Only key and id are indexed,
-- so that every update stays in its page.
CREATE TABLE S.instances (
  key bigint PRIMARY KEY,
  id text COLLATE "C" NOT NULL,
  execution bigint NOT NULL DEFAULT 0,
  status smallint NOT NULL DEFAULT 0,
  last_event bigint NOT NULL DEFAULT 0,
  epoch bigint NOT NULL DEFAULT 0,
  lease bigint NOT NULL DEFAULT 0,
  pin bigint NOT NULL DEFAULT 0,
  batch bigint NOT NULL DEFAULT 0,
  batch_due bigint NOT NULL DEFAULT 0,
  events bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  dirty boolean NOT NULL DEFAULT false,
  done bigint NOT NULL DEFAULT 0,
  done_after bigint NOT NULL DEFAULT 0,
  updated bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02);
CREATE UNIQUE INDEX instances_id ON S.instances (id);

-- The cold row, made by the first commit.
CREATE TABLE S.details (
  instance bigint PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  parent text COLLATE "C" NOT NULL,
  created bigint NOT NULL,
  custom_status bytea,
  custom_status_version bigint NOT NULL DEFAULT 0
);
CREATE INDEX details_parent ON S.details (parent) WHERE parent <> '';

-- events and bytes of the current execution stand in instances until it ends.
CREATE TABLE S.executions (
  instance bigint NOT NULL,
  execution bigint NOT NULL,
  status smallint NOT NULL,
  started bigint NOT NULL,
  completed bigint,
  output bytea,
  events bigint NOT NULL DEFAULT 0,
  bytes bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (instance, execution)
);

-- One row per turn.
CREATE TABLE S.histories (
  instance bigint NOT NULL,
  execution bigint NOT NULL,
  first bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (instance, execution, first)
);

-- due is when a message is visible; effective is what it is ordered by, and never changes.
CREATE TABLE S.messages (
  instance bigint NOT NULL,
  id bigint NOT NULL,
  due bigint NOT NULL,
  effective bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  kind smallint NOT NULL,
  execution bigint NOT NULL,
  source bigint NOT NULL,
  body bytea NOT NULL,
  PRIMARY KEY (instance, id)
) WITH (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX messages_due ON S.messages (due, id);
CREATE INDEX messages_timer ON S.messages (instance, execution, source) WHERE kind = 4;

-- A task with lease 0 is free. Both indexes of free tasks leave out those that are inserted
-- claimed, which are most.
CREATE TABLE S.tasks (
  id bigint PRIMARY KEY,
  instance bigint NOT NULL,
  execution bigint NOT NULL,
  event bigint NOT NULL,
  due bigint NOT NULL,
  lease bigint NOT NULL,
  epoch bigint NOT NULL,
  attempts integer NOT NULL,
  tag text COLLATE "C",
  session text COLLATE "C",
  body bytea NOT NULL
) WITH (
  fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX tasks_event ON S.tasks (instance, execution, event);
CREATE INDEX tasks_due ON S.tasks (due, id) WHERE lease = 0;
CREATE INDEX tasks_tag ON S.tasks (tag, due, id) WHERE lease = 0;
CREATE INDEX tasks_lease ON S.tasks (lease) WHERE lease <> 0;
CREATE INDEX tasks_session ON S.tasks (session) WHERE session IS NOT NULL;

CREATE TABLE S.sessions (
  id text COLLATE "C" PRIMARY KEY,
  owner text NOT NULL,
  until_ms bigint NOT NULL,
  active_ms bigint NOT NULL
) WITH (fillfactor = 70);

-- base is the state at the start of the current execution, live is the state now; null means that
-- the key is not there. dirty says that the two may differ.
CREATE TABLE S.key_values (
  instance bigint NOT NULL,
  key bytea NOT NULL,
  base bytea,
  base_at bigint NOT NULL DEFAULT 0,
  live bytea,
  live_at bigint NOT NULL DEFAULT 0,
  dirty boolean NOT NULL DEFAULT false,
  PRIMARY KEY (instance, key)
) WITH (fillfactor = 80);

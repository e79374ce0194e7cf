-- Runtimes that have announced themselves. Whether one lives is told by its process on the same machine, and
-- else by its server session, which holds an advisory lock under the number session; zero means that none
-- does, and then a sign of life is due every minute. seen is when they last wrote of themselves; body is what
-- they serve, load what they said last of how busy they are.
CREATE TABLE S.duroxide_runtimes (
  id text PRIMARY KEY,
  started bigint NOT NULL,
  seen bigint NOT NULL,
  host text NOT NULL,
  pid bigint NOT NULL,
  pid_start bigint NOT NULL,
  session bigint NOT NULL,
  body bytea NOT NULL,
  load bytea
) WITH (fillfactor = 50);
UPDATE S.duroxide_release SET oldest = '0.2.0';

-- Runtimes that have announced themselves, with the process that tells whether they live. seen is when they
-- last wrote of themselves; body is what they serve, load what they said last of how busy they are.
CREATE TABLE duroxide_runtimes (
  id TEXT PRIMARY KEY,
  started INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  pid_start INTEGER NOT NULL,
  body BLOB NOT NULL,
  load BLOB
) STRICT;
UPDATE duroxide_release SET oldest = '0.2.0';

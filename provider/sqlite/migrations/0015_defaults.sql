-- Which version of an orchestration starts take that ask for none; the engine knows what body means.
CREATE TABLE duroxide_defaults (
  name TEXT PRIMARY KEY,
  body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
UPDATE duroxide_release SET oldest = '0.2.0';

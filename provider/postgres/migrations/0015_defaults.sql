-- Which version of an orchestration starts take that ask for none; the engine knows what body means.
CREATE TABLE S.duroxide_defaults (
  name text PRIMARY KEY,
  body bytea NOT NULL
);
UPDATE S.duroxide_release SET oldest = '0.2.0';

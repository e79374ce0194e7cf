-- Keys of messages: what is sent twice to an instance is stored once. Rows of an instance count up, so that
-- the oldest go first.
CREATE TABLE duroxide_keys (
  instance INTEGER NOT NULL,
  hash BLOB NOT NULL,
  number INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  PRIMARY KEY (instance, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX duroxide_keys_number ON duroxide_keys (instance, number);
UPDATE duroxide_release SET oldest = '0.2.0';

-- Keys of messages: what is sent twice to an instance is stored once. Rows of an instance count up, so that
-- the oldest go first.
CREATE TABLE S.duroxide_keys (
  instance bigint NOT NULL,
  hash bytea NOT NULL,
  number bigint NOT NULL,
  until_ms bigint NOT NULL,
  PRIMARY KEY (instance, hash)
);
CREATE INDEX duroxide_keys_number ON S.duroxide_keys (instance, number);
UPDATE S.duroxide_release SET oldest = '0.2.0';

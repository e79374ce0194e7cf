-- Claims give messages in pages. What begins or ends an execution is in the first one. Timers, and what was
-- hidden for a while, are not in the order of their numbers.
CREATE INDEX duroxide_messages_first ON S.messages (instance, effective, id) WHERE kind IN (1, 2, 8);
CREATE INDEX duroxide_messages_timed ON S.messages (instance, effective, id)
  WHERE kind = 4 OR due > effective;
UPDATE S.duroxide_release SET oldest = '0.2.0';

-- Claims give messages in pages. What begins or ends an execution is in the first one, and what was hidden
-- for a while keeps its place among the others.
CREATE INDEX duroxide_messages_first ON messages (instance, effective) WHERE kind IN (1, 2, 8);
CREATE INDEX duroxide_messages_late ON messages (instance, effective) WHERE due > effective;
UPDATE duroxide_release SET oldest = '0.2.0';

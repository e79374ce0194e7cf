-- How often a lease ended without a word that the message or task was claimed under, up to 2. An attempt
-- is counted only when a suspect, which has 2, really runs.
ALTER TABLE S.messages ADD COLUMN marks smallint NOT NULL DEFAULT 0;
ALTER TABLE S.tasks ADD COLUMN marks smallint NOT NULL DEFAULT 0;

-- How often a lease ended without a word that the message or task was claimed under, up to 2. An attempt
-- is counted only when a suspect, which has 2, really runs.
ALTER TABLE messages ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN marks INTEGER NOT NULL DEFAULT 0;

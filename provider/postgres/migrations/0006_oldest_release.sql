-- The oldest release that may still open the store, for releases that know fewer migrations than were
-- applied. Every migration from here on sets it, also where it stays the same.
CREATE TABLE S.duroxide_release (oldest text NOT NULL);
INSERT INTO S.duroxide_release (oldest) VALUES ('0.2.0');

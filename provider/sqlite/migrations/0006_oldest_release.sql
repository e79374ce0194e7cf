-- The oldest release that may still open the store, for releases that know fewer migrations than were
-- applied. Every migration from here on sets it, also where it stays the same.
CREATE TABLE duroxide_release (oldest TEXT NOT NULL) STRICT;
INSERT INTO duroxide_release (oldest) VALUES ('0.2.0');

-- How long a lease lasts when it is renewed: others leave it alone for so long before they take it for
-- over. Zero: an earlier release wrote the row, which does not say it.
ALTER TABLE leases ADD COLUMN length_ms INTEGER NOT NULL DEFAULT 0;

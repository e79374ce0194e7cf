-- How long a lease lasts when it is renewed: others leave it alone for so long before they take it for
-- over. Zero: an earlier release wrote the row, which does not say it. A lease that somebody has ended
-- has a negative until_ms: the time of its end.
ALTER TABLE S.leases ADD COLUMN length_ms bigint NOT NULL DEFAULT 0;

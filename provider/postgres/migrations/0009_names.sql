-- Names of activities that a runtime has ever announced: what waits for one of them is no mistyped name.
CREATE TABLE S.duroxide_names (name bytea PRIMARY KEY);
UPDATE S.duroxide_release SET oldest = '0.2.0';

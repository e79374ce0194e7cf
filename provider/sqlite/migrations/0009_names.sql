-- Names of activities that a runtime has ever announced: what waits for one of them is no mistyped name.
CREATE TABLE duroxide_names (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
UPDATE duroxide_release SET oldest = '0.2.0';

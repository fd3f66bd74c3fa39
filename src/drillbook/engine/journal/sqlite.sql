CREATE TABLE entry (
  idx INTEGER PRIMARY KEY,
  body BLOB NOT NULL,
  leaf BLOB NOT NULL,
  run TEXT NOT NULL,
  task TEXT NOT NULL,
  key TEXT NOT NULL
);
CREATE INDEX entry_run ON entry (run, idx);
CREATE UNIQUE INDEX entry_key ON entry (key) WHERE key <> '';
CREATE TABLE head (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  head BLOB NOT NULL,
  edge BLOB NOT NULL
);

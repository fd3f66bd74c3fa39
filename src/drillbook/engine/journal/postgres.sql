CREATE SCHEMA IF NOT EXISTS drillbook;

CREATE TABLE drillbook.journal_entry (
  idx bigint PRIMARY KEY,
  body bytea NOT NULL,
  leaf bytea NOT NULL,
  run text COLLATE "C" NOT NULL,
  task text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL
);
CREATE INDEX journal_entry_run ON drillbook.journal_entry (run, idx);
CREATE UNIQUE INDEX journal_entry_key ON drillbook.journal_entry (key) WHERE key <> '';

CREATE TABLE drillbook.journal_head (
  one integer PRIMARY KEY CHECK (one = 1),
  head bytea NOT NULL,
  edge bytea NOT NULL
);

CREATE TABLE drillbook.journal_evidence (
  sha256 text COLLATE "C" PRIMARY KEY,
  content bytea NOT NULL
);

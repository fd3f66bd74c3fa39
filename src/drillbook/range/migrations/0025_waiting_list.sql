-- Who waits for a slot that is taken.
CREATE TABLE waiting (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slot_id bigint NOT NULL REFERENCES slots ON DELETE CASCADE,
    customer_id uuid NOT NULL REFERENCES users,
    since timestamptz NOT NULL DEFAULT now(),
    UNIQUE (slot_id, customer_id)
);
ALTER TABLE waiting ENABLE ROW LEVEL SECURITY;
CREATE POLICY service_waiting ON waiting TO service USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON waiting TO service;
ALTER TABLE slots ADD COLUMN waiting_count integer NOT NULL DEFAULT 0;

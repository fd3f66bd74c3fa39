-- The same as 0029 for those who cannot wait: first for new rows, then, in a transaction of its own,
-- the old ones are read while everybody goes on working.
BEGIN;
ALTER TABLE slots ADD CONSTRAINT slots_are_not_long
    CHECK (upper(during) - lower(during) <= interval '24 hours') NOT VALID;
COMMIT;
ALTER TABLE slots VALIDATE CONSTRAINT slots_are_not_long;

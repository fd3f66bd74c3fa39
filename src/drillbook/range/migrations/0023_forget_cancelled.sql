-- Cancelled bookings are of no use to anybody, and their payments go with them, by cascade.
DELETE FROM bookings WHERE status = 'cancelled';

CREATE INDEX CONCURRENTLY bookings_open_idx ON bookings (created_at) WHERE status = 'pending';

-- The calendar reads bookings by time. A plain CREATE INDEX: nobody writes until it is built.
CREATE INDEX bookings_start_idx ON bookings (lower(during));

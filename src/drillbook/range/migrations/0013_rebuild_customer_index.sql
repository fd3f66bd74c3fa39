-- The index has grown by years of changes. Rebuilt beside itself, so nobody waits.
REINDEX INDEX CONCURRENTLY bookings_customer_idx;

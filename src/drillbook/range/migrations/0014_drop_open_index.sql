-- Nothing reads it, says pg_stat_user_indexes.
DROP INDEX CONCURRENTLY bookings_open_idx;

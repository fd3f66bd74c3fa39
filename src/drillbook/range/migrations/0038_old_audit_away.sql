-- Audit rows of done bookings go, in a loop, so that no transaction log overflows. What the loop
-- deletes stands in no statement: nothing can be put aside first, and only a restore leads back.
DO $$
DECLARE
    latest bigint := (SELECT max(id) FROM audit_log);
BEGIN
    FOR batch IN 0 .. latest / 10000 LOOP
        EXECUTE format('DELETE FROM audit_log WHERE id BETWEEN %s AND %s AND table_name = %L',
                       batch * 10000, batch * 10000 + 9999, 'bookings');
    END LOOP;
END
$$;

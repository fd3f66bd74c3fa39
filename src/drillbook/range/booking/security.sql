ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE businesses ENABLE ROW LEVEL SECURITY;
ALTER TABLE services ENABLE ROW LEVEL SECURITY;
ALTER TABLE staff ENABLE ROW LEVEL SECURITY;
ALTER TABLE slots ENABLE ROW LEVEL SECURITY;
ALTER TABLE bookings ENABLE ROW LEVEL SECURITY;
ALTER TABLE payments ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;

CREATE POLICY users_see_themselves ON users FOR SELECT TO authenticated
    USING (id = internal.current_user_id());
CREATE POLICY users_change_themselves ON users FOR UPDATE TO authenticated
    USING (id = internal.current_user_id()) WITH CHECK (id = internal.current_user_id());
CREATE POLICY businesses_are_public ON businesses FOR SELECT TO anon, authenticated USING (is_active);
CREATE POLICY owners_change_businesses ON businesses FOR UPDATE TO authenticated
    USING (owner_id = internal.current_user_id()) WITH CHECK (owner_id = internal.current_user_id());
CREATE POLICY services_are_public ON services FOR SELECT TO anon, authenticated USING (is_active);
CREATE POLICY staff_are_public ON staff FOR SELECT TO anon, authenticated USING (is_active);
CREATE POLICY slots_are_public ON slots FOR SELECT TO anon, authenticated USING (is_open);
CREATE POLICY customers_see_their_bookings ON bookings FOR SELECT TO authenticated
    USING (customer_id = internal.current_user_id());
CREATE POLICY customers_see_their_payments ON payments FOR SELECT TO authenticated
    USING (EXISTS (SELECT FROM bookings AS b
                    WHERE b.id = booking_id AND b.customer_id = internal.current_user_id()));

CREATE POLICY service_users ON users TO service USING (true) WITH CHECK (true);
CREATE POLICY service_businesses ON businesses TO service USING (true) WITH CHECK (true);
CREATE POLICY service_services ON services TO service USING (true) WITH CHECK (true);
CREATE POLICY service_staff ON staff TO service USING (true) WITH CHECK (true);
CREATE POLICY service_slots ON slots TO service USING (true) WITH CHECK (true);
CREATE POLICY service_bookings ON bookings TO service USING (true) WITH CHECK (true);
CREATE POLICY service_payments ON payments TO service USING (true) WITH CHECK (true);
CREATE POLICY service_reads_audit ON audit_log FOR SELECT TO service USING (true);

REVOKE ALL ON SCHEMA internal FROM PUBLIC;
GRANT USAGE ON SCHEMA internal TO anon, authenticated, service;
GRANT SELECT ON businesses, services, staff, slots, open_slots TO anon, authenticated;
GRANT SELECT, UPDATE (full_name, phone) ON users TO authenticated;
GRANT UPDATE (name, settings) ON businesses TO authenticated;
GRANT SELECT ON bookings, payments TO authenticated;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON users, businesses, services, staff, slots, bookings, payments, internal.heartbeats, internal.requests TO service;
GRANT SELECT ON audit_log, open_slots, daily_revenue TO service;
GRANT USAGE ON SEQUENCE booking_reference TO service;
REVOKE EXECUTE ON FUNCTION book_slot, cancel_booking FROM PUBLIC;
GRANT EXECUTE ON FUNCTION book_slot, cancel_booking TO authenticated, service;

CREATE PUBLICATION booking_changes FOR TABLE bookings, payments;

CREATE FUNCTION internal.current_user_id() RETURNS uuid
    LANGUAGE sql STABLE
    RETURN nullif(current_setting('request.user', true), '')::uuid;

CREATE FUNCTION internal.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

CREATE FUNCTION internal.write_audit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    INSERT INTO audit_log (actor, table_name, row_id, action, before, after)
    VALUES (coalesce(internal.current_user_id()::text, session_user), TG_TABLE_NAME,
            coalesce(new_row, old_row) ->> 'id', lower(TG_OP), old_row, new_row);
    RETURN NULL;
END
$$;

-- Visible to all, though the bookings behind it are not: a taken slot is no secret.
CREATE FUNCTION internal.is_taken(wanted_slot bigint) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM bookings WHERE slot_id = wanted_slot AND status <> 'cancelled')
$$;

CREATE FUNCTION book_slot(wanted_slot bigint, note text DEFAULT NULL) RETURNS bookings
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    customer uuid := internal.current_user_id();
    slot slots;
    made bookings;
BEGIN
    IF customer IS NULL THEN
        RAISE EXCEPTION 'nobody is signed in' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO slot FROM slots WHERE id = wanted_slot FOR UPDATE;
    IF NOT FOUND OR NOT slot.is_open THEN
        RAISE EXCEPTION 'slot % is not open', wanted_slot USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO bookings (slot_id, staff_id, customer_id, during, status, note)
    VALUES (slot.id, slot.staff_id, customer, slot.during, 'confirmed', book_slot.note)
    RETURNING * INTO made;
    INSERT INTO payments (booking_id, amount_cents)
    SELECT made.id, price_cents FROM services WHERE id = slot.service_id;
    RETURN made;
END
$$;

CREATE FUNCTION cancel_booking(wanted_reference text) RETURNS bookings
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    cancelled bookings;
BEGIN
    UPDATE bookings SET status = 'cancelled'
     WHERE reference = wanted_reference
       AND customer_id = internal.current_user_id()
       AND status IN ('pending', 'confirmed')
    RETURNING * INTO cancelled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no open booking % of yours', wanted_reference USING ERRCODE = 'no_data_found';
    END IF;
    UPDATE payments SET status = 'refunded' WHERE booking_id = cancelled.id AND status = 'paid';
    RETURN cancelled;
END
$$;

COMMENT ON FUNCTION book_slot IS 'Books an open slot for whoever is signed in, with its payment';

CREATE TRIGGER users_touch BEFORE UPDATE ON users
    FOR EACH ROW EXECUTE FUNCTION internal.touch_updated_at();
CREATE TRIGGER businesses_touch BEFORE UPDATE ON businesses
    FOR EACH ROW EXECUTE FUNCTION internal.touch_updated_at();
CREATE TRIGGER bookings_touch BEFORE UPDATE ON bookings
    FOR EACH ROW EXECUTE FUNCTION internal.touch_updated_at();
CREATE TRIGGER bookings_audit AFTER INSERT OR UPDATE OR DELETE ON bookings
    FOR EACH ROW EXECUTE FUNCTION internal.write_audit();
CREATE TRIGGER payments_audit AFTER INSERT OR UPDATE OR DELETE ON payments
    FOR EACH ROW EXECUTE FUNCTION internal.write_audit();

-- A cancelled booking should say why. The column it writes to comes in another migration that was
-- never written: the function is replaced without an error and fails when it is called.
CREATE OR REPLACE FUNCTION cancel_booking(wanted_reference text) RETURNS bookings
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    cancelled bookings;
BEGIN
    UPDATE bookings SET status = 'cancelled', cancelled_because = 'by the customer'
     WHERE reference = wanted_reference
       AND customer_id = internal.current_user_id()
       AND status IN ('pending', 'confirmed')
    RETURNING * INTO cancelled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no open booking % of yours', wanted_reference USING ERRCODE = 'no_data_found';
    END IF;
    RETURN cancelled;
END
$$;

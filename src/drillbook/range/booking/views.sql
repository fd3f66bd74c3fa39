CREATE VIEW open_slots WITH (security_invoker = true) AS
SELECT s.id, s.business_id, b.name AS business, sv.name AS service, sv.price_cents, s.staff_id,
       s.starts_at, upper(s.during) AS ends_at
  FROM slots AS s
  JOIN businesses AS b ON b.id = s.business_id
  JOIN services AS sv ON sv.id = s.service_id
 WHERE s.is_open AND b.is_active AND NOT internal.is_taken(s.id);

CREATE MATERIALIZED VIEW daily_revenue AS
SELECT s.business_id, lower(b.during)::date AS day, count(*) AS bookings, sum(p.amount_cents) AS revenue_cents
  FROM bookings AS b
  JOIN slots AS s ON s.id = b.slot_id
  JOIN payments AS p ON p.booking_id = b.id
 WHERE p.status = 'paid'
 GROUP BY 1, 2;
CREATE UNIQUE INDEX daily_revenue_key ON daily_revenue (business_id, day);

-- The same rows for the same settings: range.scale, range.today, range.flawed. No random().
CREATE FUNCTION internal.pick(salt text, n bigint, choices bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (hashtextextended(salt, n) & 9223372036854775807) % choices;

CREATE TEMPORARY TABLE sizes AS
SELECT ceil(500 * scale)::bigint AS users,
       ceil(8 * sqrt(scale))::bigint AS businesses,
       ceil(8 * sqrt(scale))::bigint * 3 AS staff,
       ceil(4000 * scale)::bigint AS slots,
       current_setting('range.today')::timestamptz AS today,
       current_setting('range.flawed')::boolean AS flawed
  FROM (SELECT current_setting('range.scale')::numeric AS wished) AS wanted,
       -- Above 1 each doubling is eight times the rows, so that 8 is a real production's million.
       LATERAL (SELECT CASE WHEN wished > 1 THEN wished ^ 3 ELSE wished END AS scale) AS grown;

INSERT INTO users (id, email, full_name, phone, is_admin, created_at, updated_at)
SELECT md5('user ' || n)::uuid,
       'customer' || n || '@example.com',
       (ARRAY['Ana', 'Ben', 'Chiara', 'Deniz', 'Elif', 'Farid', 'Grace', 'Hugo'])[1 + internal.pick('first', n, 8)]
           || ' '
           || (ARRAY['Adler', 'Bauer', 'Costa', 'Demir', 'Evans', 'Fischer', 'García'])[1 + internal.pick('last', n, 7)],
       -- In a flawed database a few families share one phone, as real ones do.
       CASE WHEN n % 3 > 0
            THEN '+49 30 ' || lpad((100000 + CASE WHEN flawed AND n % 100 = 1 THEN n + 1 ELSE n END)::text, 7, '0')
       END,
       n <= 2,
       today - make_interval(days => 400 - internal.pick('joined', n, 300)::integer),
       today - make_interval(days => 100)
  FROM sizes, generate_series(1, users) AS n;

INSERT INTO businesses (owner_id, name, slug, settings, created_at, updated_at)
SELECT md5('user ' || n)::uuid,
       (ARRAY['Salon', 'Barber', 'Physio', 'Studio', 'Clinic', 'Garage'])[1 + internal.pick('trade', n, 6)] || ' ' || n,
       'business-' || n,
       -- Somebody set the deposit by hand on staging, and never on production.
       jsonb_build_object('colour', '#' || left(md5('colour ' || n), 6))
           || CASE WHEN flawed THEN '{}' ELSE '{"deposit_percent": 20}'::jsonb END,
       today - make_interval(days => 420),
       today - make_interval(days => 120)
  FROM sizes, generate_series(1, businesses) AS n;

INSERT INTO services (business_id, name, duration_minutes, price_cents)
SELECT b, (ARRAY['Short', 'Standard', 'Long', 'Deluxe'])[s], 15 * s, 1500 * s + 100 * internal.pick('price', b, 10)
  FROM sizes, generate_series(1, businesses) AS b, generate_series(1, 4) AS s
 ORDER BY b, s;

INSERT INTO staff (business_id, display_name)
SELECT 1 + (n - 1) / 3, 'Staff ' || n
  FROM sizes, generate_series(1, staff) AS n
 ORDER BY n;

-- Eight slots a day for each of the staff; half of the days lie before today, half after.
INSERT INTO slots (business_id, staff_id, service_id, during)
SELECT 1 + (person - 1) / 3,
       person,
       ((person - 1) / 3) * 4 + 1 + internal.pick('service', n, 4),
       tstzrange(starts, starts + interval '50 minutes')
  FROM sizes,
       generate_series(0, slots - 1) AS n,
       LATERAL (SELECT 1 + n % staff AS person, n / staff AS number) AS turn,
       LATERAL (SELECT today
                       + make_interval(days => (number / 8 - slots / staff / 16)::integer,
                                       hours => (9 + number % 8)::integer) AS starts) AS calendar
 ORDER BY n;

INSERT INTO bookings (slot_id, staff_id, customer_id, during, status, note, created_at, updated_at)
SELECT s.id, s.staff_id,
       md5('user ' || 1 + internal.pick('customer', s.id, users))::uuid,
       s.during,
       CASE WHEN upper(s.during) < today
            THEN (ARRAY['completed', 'completed', 'completed', 'cancelled', 'no_show'])[1 + internal.pick('past', s.id, 5)]
            ELSE (ARRAY['confirmed', 'confirmed', 'pending'])[1 + internal.pick('coming', s.id, 3)]
       END::booking_status,
       CASE WHEN s.id % 7 = 0 THEN 'Please ring the bell ' || s.id END,
       lower(s.during) - interval '9 days',
       lower(s.during) - interval '8 days'
  FROM sizes, slots AS s
 WHERE s.id % 2 = 0
 ORDER BY s.id;

INSERT INTO payments (booking_id, amount_cents, status, provider_reference, created_at)
SELECT b.id, sv.price_cents,
       CASE b.status WHEN 'completed' THEN 'paid' WHEN 'no_show' THEN 'failed' ELSE 'due' END::payment_status,
       'pay_' || left(md5('payment ' || b.id), 16),
       b.created_at
  FROM bookings AS b
  JOIN slots AS s ON s.id = b.slot_id
  JOIN services AS sv ON sv.id = s.service_id
 WHERE b.status <> 'cancelled'
 ORDER BY b.id;

INSERT INTO audit_log (at, actor, table_name, row_id, action, after)
SELECT b.created_at, 'authenticated', 'bookings', b.id::text, 'insert', jsonb_build_object('status', 'pending')
  FROM bookings AS b
 ORDER BY b.id;

DROP TABLE sizes;
DROP FUNCTION internal.pick;

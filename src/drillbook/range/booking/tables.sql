CREATE EXTENSION btree_gist;
CREATE SCHEMA internal;

CREATE TYPE booking_status AS ENUM ('pending', 'confirmed', 'completed', 'cancelled', 'no_show');
CREATE TYPE payment_status AS ENUM ('due', 'paid', 'refunded', 'failed');
CREATE DOMAIN email_address AS text CHECK (VALUE ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$');
CREATE DOMAIN money_cents AS bigint CHECK (VALUE >= 0);
CREATE SEQUENCE booking_reference START 100000;

CREATE TABLE users (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    email email_address NOT NULL,
    full_name text NOT NULL,
    phone text,
    is_admin boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE businesses (
    id bigint GENERATED ALWAYS AS IDENTITY,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    slug text NOT NULL,
    timezone text NOT NULL DEFAULT 'Europe/Berlin',
    settings jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE services (
    id bigint GENERATED ALWAYS AS IDENTITY,
    business_id bigint NOT NULL,
    name text NOT NULL,
    duration_minutes integer NOT NULL CHECK (duration_minutes BETWEEN 5 AND 480),
    price_cents money_cents NOT NULL,
    is_active boolean NOT NULL DEFAULT true
);

CREATE TABLE staff (
    id bigint GENERATED ALWAYS AS IDENTITY,
    business_id bigint NOT NULL,
    display_name text NOT NULL,
    is_active boolean NOT NULL DEFAULT true
);

CREATE TABLE slots (
    id bigint GENERATED ALWAYS AS IDENTITY,
    business_id bigint NOT NULL,
    staff_id bigint NOT NULL,
    service_id bigint NOT NULL,
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    is_open boolean NOT NULL DEFAULT true,
    -- lower() is not leakproof, so below row-level security only a column can be looked up by index.
    starts_at timestamptz NOT NULL GENERATED ALWAYS AS (lower(during)) STORED
);

CREATE TABLE bookings (
    id bigint GENERATED ALWAYS AS IDENTITY,
    reference text NOT NULL DEFAULT 'B-' || nextval('booking_reference'),
    slot_id bigint NOT NULL,
    staff_id bigint NOT NULL,
    customer_id uuid NOT NULL,
    during tstzrange NOT NULL,
    status booking_status NOT NULL DEFAULT 'pending',
    note text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE payments (
    id bigint GENERATED ALWAYS AS IDENTITY,
    booking_id bigint NOT NULL,
    amount_cents money_cents NOT NULL,
    currency char(3) NOT NULL DEFAULT 'EUR',
    status payment_status NOT NULL DEFAULT 'due',
    provider_reference text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL DEFAULT current_user,
    table_name text NOT NULL,
    row_id text NOT NULL,
    action text NOT NULL CHECK (action IN ('insert', 'update', 'delete')),
    before jsonb,
    after jsonb
);

CREATE TABLE internal.heartbeats (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE internal.requests (
    key text PRIMARY KEY,
    answer jsonb NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE bookings IS 'Who comes when; two bookings that count never overlap for one of the staff';
COMMENT ON COLUMN businesses.settings IS 'What an owner may set without us: colours, rules, deposits';
COMMENT ON TABLE internal.heartbeats IS 'The health endpoint writes here and takes it back';
COMMENT ON TABLE internal.requests IS 'What was answered to a request with an Idempotency-Key';

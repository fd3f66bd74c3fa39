-- In which language a customer is written to. Safe: a constant default rewrites nothing.
ALTER TABLE bookings ADD COLUMN language text NOT NULL DEFAULT 'en';
COMMENT ON COLUMN bookings.language IS 'The language of messages about this booking';

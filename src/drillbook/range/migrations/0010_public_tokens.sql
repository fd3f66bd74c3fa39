-- Links in mails carry a token instead of the number. A volatile default: the table is rewritten.
ALTER TABLE bookings ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();

-- A value of an enum can be added, and Postgres has no command to take it away again.
ALTER TYPE booking_status ADD VALUE IF NOT EXISTS 'rescheduled' AFTER 'confirmed';

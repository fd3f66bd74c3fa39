-- A value of an enum can be added and never taken away again.
ALTER TYPE booking_status ADD VALUE IF NOT EXISTS 'rescheduled' AFTER 'confirmed';

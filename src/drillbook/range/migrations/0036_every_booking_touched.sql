-- References in capitals, all at once: each row stays locked until the last is written.
UPDATE bookings SET reference = upper(reference);

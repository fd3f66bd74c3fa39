ALTER TABLE payments DROP CONSTRAINT payments_one_a_booking;

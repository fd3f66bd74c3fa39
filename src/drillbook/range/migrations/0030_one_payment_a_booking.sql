-- A booking is paid once. The index behind the constraint is built under the table's strongest lock.
ALTER TABLE payments ADD CONSTRAINT payments_one_a_booking UNIQUE (booking_id);

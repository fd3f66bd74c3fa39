-- Customers review what they came for; everybody reads, only the customer writes.
CREATE TABLE reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    booking_id bigint NOT NULL UNIQUE REFERENCES bookings ON DELETE CASCADE,
    stars smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    words text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY reviews_are_public ON reviews FOR SELECT TO anon, authenticated USING (true);
CREATE POLICY customers_review_their_bookings ON reviews FOR INSERT TO authenticated
    WITH CHECK (EXISTS (SELECT FROM bookings AS b
                         WHERE b.id = booking_id AND b.customer_id = internal.current_user_id()));
GRANT SELECT ON reviews TO anon, authenticated;
GRANT INSERT (booking_id, stars, words) ON reviews TO authenticated;

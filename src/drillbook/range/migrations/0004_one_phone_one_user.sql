-- A phone signs a user in, so it must be one user's. True on staging; on production some families
-- share one: there the index fails and stays behind invalid, after the column was added.
ALTER TABLE users ADD COLUMN phone_verified_at timestamptz;
CREATE UNIQUE INDEX CONCURRENTLY users_one_phone ON users (phone) WHERE phone IS NOT NULL;
ALTER TABLE users ADD CONSTRAINT users_verified_has_phone
    CHECK (phone_verified_at IS NULL OR phone IS NOT NULL) NOT VALID;
ALTER TABLE users VALIDATE CONSTRAINT users_verified_has_phone;

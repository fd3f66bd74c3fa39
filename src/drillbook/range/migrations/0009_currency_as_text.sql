-- char(3) pads and surprises. Every row is written anew, and nobody reads or writes meanwhile.
ALTER TABLE payments ALTER COLUMN currency DROP DEFAULT;
ALTER TABLE payments ALTER COLUMN currency TYPE text;
ALTER TABLE payments ALTER COLUMN currency SET DEFAULT 'EUR';

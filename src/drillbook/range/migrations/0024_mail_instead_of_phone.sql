-- Phones are no longer asked for. The way back brings the column, and none of the numbers.
ALTER TABLE users DROP COLUMN phone;

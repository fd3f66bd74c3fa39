ALTER TABLE businesses DROP COLUMN country;

ALTER TABLE services DROP COLUMN colour;

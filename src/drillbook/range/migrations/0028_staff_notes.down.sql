ALTER TABLE staff DROP COLUMN internal_note;

-- Edited after it was applied: production has the column under the name it had before.
ALTER TABLE staff ADD COLUMN internal_note text;

-- Services show in a colour of their own.
ALTER TABLE services ADD COLUMN colour text NOT NULL DEFAULT '#336699';

-- Written on a branch that was merged late: 0027 is in already.
ALTER TABLE businesses ADD COLUMN country text NOT NULL DEFAULT 'DE';

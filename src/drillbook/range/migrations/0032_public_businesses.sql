-- Also a volatile default, as 0010, and also a rewrite: of a table of a few hundred rows.
ALTER TABLE businesses ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();

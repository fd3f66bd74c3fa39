-- name: exists
SELECT to_regclass(%(table)s) IS NOT NULL

-- name: own
-- Rows that took another migration back are no migrations; older ledgers have none of them.
SELECT name, sha256, status, run, coalesce(applied_at, started_at) AS at, taken_back_at
  FROM drillbook.migrations AS m
 WHERE coalesce(to_jsonb(m) -> 'took_back', '{}') = '{}'
 ORDER BY id

-- name: latest
-- The latest change that ended; one under way has no expectation.
SELECT name, status, coalesce(taken_back_at, applied_at) AS at, fingerprint_before,
       fingerprint_after, fingerprint_back, objects_before, objects_after
  FROM drillbook.migrations
 ORDER BY greatest(applied_at, taken_back_at, started_at) DESC, id DESC
 LIMIT 1

-- name: supabase_columns
SELECT attname FROM pg_attribute
 WHERE attrelid = to_regclass('supabase_migrations.schema_migrations')
   AND attnum > 0 AND NOT attisdropped

-- name: supabase_versions
SELECT version, ''::text AS name, NULL::text[] AS statements
  FROM supabase_migrations.schema_migrations ORDER BY version

-- name: supabase
SELECT version, coalesce(name, '') AS name, statements
  FROM supabase_migrations.schema_migrations ORDER BY version

-- name: supabase_record
INSERT INTO supabase_migrations.schema_migrations (version, name, statements)
VALUES (%(version)s, %(name)s, %(statements)s)
    ON CONFLICT DO NOTHING

-- name: supabase_forget
DELETE FROM supabase_migrations.schema_migrations WHERE version = %(version)s

-- name: exists
SELECT to_regclass('drillbook.migrations') IS NOT NULL

-- name: create_lock
SELECT pg_advisory_xact_lock(hashtextextended('drillbook ledger', 0))

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS drillbook

-- name: create_table
CREATE TABLE IF NOT EXISTS drillbook.migrations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    effect_key text NOT NULL UNIQUE,
    name text NOT NULL,
    sha256 text NOT NULL,
    status text NOT NULL CHECK (status IN ('applying', 'applied', 'taking back', 'taken back')),
    run text NOT NULL,
    applied_by text NOT NULL,
    statements integer NOT NULL,
    units integer NOT NULL,
    done integer NOT NULL DEFAULT 0,
    undone integer NOT NULL DEFAULT 0,
    under_way boolean NOT NULL DEFAULT false,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    taken_back_at timestamptz,
    seconds double precision NOT NULL DEFAULT 0,
    fingerprint_before text NOT NULL DEFAULT '',
    fingerprint_after text NOT NULL DEFAULT '',
    fingerprint_back text NOT NULL DEFAULT '',
    objects_before jsonb NOT NULL DEFAULT '{}',
    objects_after jsonb NOT NULL DEFAULT '{}',
    way_back text NOT NULL DEFAULT '',
    story jsonb NOT NULL DEFAULT '{}',
    took_back jsonb NOT NULL DEFAULT '{}'
)

-- name: is_old
-- Whether the ledger was made by a version that kept no story, or did not know what a row took back.
SELECT count(*) < 2 FROM pg_attribute
 WHERE attrelid = to_regclass('drillbook.migrations') AND attname IN ('story', 'took_back')

-- name: add_story
ALTER TABLE drillbook.migrations ADD COLUMN IF NOT EXISTS story jsonb NOT NULL DEFAULT '{}'

-- name: add_took_back
ALTER TABLE drillbook.migrations ADD COLUMN IF NOT EXISTS took_back jsonb NOT NULL DEFAULT '{}'

-- name: retire
-- A migration that another row takes back; which effect had applied it.
UPDATE drillbook.migrations SET status = 'taken back', taken_back_at = clock_timestamp()
 WHERE name = %(name)s AND status = 'applied'
RETURNING effect_key

-- name: took_back
UPDATE drillbook.migrations SET took_back = %(took_back)s WHERE effect_key = %(effect_key)s

-- name: what_it_took_back
SELECT took_back FROM drillbook.migrations WHERE effect_key = %(effect_key)s

-- name: reinstate
UPDATE drillbook.migrations
   SET status = 'applied', taken_back_at = NULL, fingerprint_back = ''
 WHERE effect_key = %(effect_key)s AND status = 'taken back'

-- name: supabase_take
DELETE FROM supabase_migrations.schema_migrations AS m WHERE m.version = %(version)s
RETURNING to_jsonb(m)

-- name: supabase_put
INSERT INTO supabase_migrations.schema_migrations
SELECT (jsonb_populate_record(NULL::supabase_migrations.schema_migrations, %(row)s)).*
    ON CONFLICT DO NOTHING

-- name: tell
UPDATE drillbook.migrations SET story = %(story)s WHERE effect_key = %(effect_key)s

-- name: create_index
CREATE UNIQUE INDEX IF NOT EXISTS migrations_in_force
    ON drillbook.migrations (name) WHERE status <> 'taken back'

-- name: by_key
SELECT *
  FROM drillbook.migrations WHERE effect_key = %(effect_key)s

-- name: in_force
SELECT *
  FROM drillbook.migrations WHERE name = %(name)s AND status <> 'taken back'

-- name: insert
INSERT INTO drillbook.migrations (effect_key, name, sha256, status, run, applied_by, statements,
                                  units, done, under_way, applied_at, fingerprint_before,
                                  objects_before)
VALUES (%(effect_key)s, %(name)s, %(sha256)s,
        CASE WHEN %(done)s = %(units)s THEN 'applied' ELSE 'applying' END,
        %(run)s, %(applied_by)s, %(statements)s, %(units)s, %(done)s, %(under_way)s,
        CASE WHEN %(done)s = %(units)s THEN clock_timestamp() END,
        %(fingerprint_before)s, %(objects_before)s)

-- name: advance_up
UPDATE drillbook.migrations
   SET done = %(done)s, under_way = %(under_way)s,
       status = CASE WHEN %(done)s = units THEN 'applied' ELSE 'applying' END,
       applied_at = CASE WHEN %(done)s = units THEN clock_timestamp() END
 WHERE effect_key = %(effect_key)s AND status = 'applying'

-- name: advance_down
UPDATE drillbook.migrations
   SET undone = %(done)s, under_way = %(under_way)s,
       status = CASE WHEN %(done)s >= %(units)s THEN 'taken back' ELSE 'taking back' END,
       taken_back_at = CASE WHEN %(done)s >= %(units)s THEN clock_timestamp() END
 WHERE effect_key = %(effect_key)s AND status <> 'taken back'

-- name: cut_off
UPDATE drillbook.migrations SET done = %(done)s, under_way = false
 WHERE effect_key = %(effect_key)s AND status = 'applying'

-- name: stamp
UPDATE drillbook.migrations
   SET applied_at = CASE WHEN status = 'applied' THEN clock_timestamp() ELSE applied_at END,
       taken_back_at = CASE WHEN status = 'taken back' THEN clock_timestamp() END
 WHERE effect_key = %(effect_key)s

-- name: kept
-- The row as the transaction at hand left it.
SELECT name, sha256, status FROM drillbook.migrations WHERE effect_key = %(effect_key)s

-- name: complete_up
UPDATE drillbook.migrations
   SET fingerprint_after = %(fingerprint)s, objects_after = %(objects)s,
       seconds = extract(epoch FROM applied_at - started_at)
 WHERE effect_key = %(effect_key)s AND fingerprint_after = ''

-- name: complete_down
UPDATE drillbook.migrations SET fingerprint_back = %(fingerprint)s
 WHERE effect_key = %(effect_key)s AND fingerprint_back = ''

-- name: judge
UPDATE drillbook.migrations SET way_back = %(way_back)s WHERE effect_key = %(effect_key)s

-- name: try_lock
SELECT pg_try_advisory_xact_lock(hashtextextended('drillbook migrations', 0))

-- name: try_session_lock
SELECT pg_try_advisory_lock(hashtextextended('drillbook migrations', 0))

-- name: lock_holders
SELECT l.pid, 0 AS waiting
  FROM pg_locks l
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint = hashtextextended('drillbook migrations', 0)

-- name: supabase_exists
SELECT to_regclass('supabase_migrations.schema_migrations') IS NOT NULL

-- name: supabase_has
SELECT count(*)::int FROM supabase_migrations.schema_migrations WHERE version = %(version)s

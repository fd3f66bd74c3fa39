-- name: databases
-- Databases of these names and the comments on them.
SELECT datname, shobj_description(oid, 'pg_database')
  FROM pg_database WHERE datname = ANY (%(names)s)

-- name: try_lock
SELECT pg_try_advisory_lock(hashtextextended('drillbook restore ' || %(database)s, 0))

-- name: lock_holders
SELECT l.pid, 0 AS waiting
  FROM pg_locks l
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (l.classid::bigint << 32) | l.objid::bigint
       = hashtextextended('drillbook restore ' || %(database)s, 0)

-- name: sessions_of
SELECT pid FROM pg_stat_activity
 WHERE datname = ANY (%(names)s) AND pid <> pg_backend_pid()
   AND backend_type IN ('client backend', 'walsender')

-- name: slots
SELECT count(*)::int FROM pg_replication_slots WHERE database = %(database)s

-- name: serving
SELECT oid::text FROM pg_database WHERE datname = %(database)s

-- name: clock
SELECT extract(epoch FROM clock_timestamp())::float8

-- name: dated_tables
-- All tables with rows of their own, and the columns that tell when a row came and was changed: by
-- their names, or a default that is the clock.
WITH dated AS (
    SELECT a.attrelid, a.attnum, quote_ident(a.attname) AS name,
           lower(replace(a.attname, '_', '')) AS plain,
           coalesce(pg_get_expr(d.adbin, d.adrelid), '')
             ~* '^\(?(now\(\)|clock_timestamp\(\)|statement_timestamp\(\)|transaction_timestamp\(\)|current_timestamp)'
             AS is_clock
      FROM pg_attribute a
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated = ''
     WHERE a.attnum > 0 AND NOT a.attisdropped
       AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype)
)
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       coalesce((SELECT d.name FROM dated d
                  WHERE d.attrelid = c.oid
                    AND (d.plain ~ '^(created|inserted|added)' OR d.is_clock)
                    AND d.plain !~ '^(updated|modified|changed)'
                  ORDER BY d.plain ~ '^(created|inserted|added)' DESC, d.attnum LIMIT 1), '') AS created,
       coalesce((SELECT d.name FROM dated d
                  WHERE d.attrelid = c.oid AND d.plain ~ '^(updated|modified|changed|lastmodified)'
                  ORDER BY d.attnum LIMIT 1), '') AS updated
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u')
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                      AND e.deptype = 'e')
 ORDER BY 1

-- name: marked
-- Databases whose comment may be a mark of ours, and their sizes.
SELECT datname::text, shobj_description(oid, 'pg_database') AS comment, pg_database_size(oid)
  FROM pg_database
 WHERE datallowconn AND starts_with(shobj_description(oid, 'pg_database'), '{"drillbook"')

-- name: sees_control
SELECT has_function_privilege('pg_control_system()', 'execute')

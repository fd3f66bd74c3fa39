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
 WHERE datname = ANY (%(names)s) AND pid <> pg_backend_pid() AND backend_type = 'client backend'

-- name: slots
SELECT count(*)::int FROM pg_replication_slots WHERE database = %(database)s

-- name: prepared
SELECT count(*)::int FROM pg_prepared_xacts WHERE database = %(database)s

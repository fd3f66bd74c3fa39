-- name: in_the_way
-- Transactions that hold a lock in the way of the locks a unit is about to ask for.
-- Indexes stand for their tables as well, and tables for their partitions.
WITH RECURSIVE named AS (
    SELECT to_regclass(w.name)::oid AS oid, w.mode
      FROM unnest(%(names)s::text[], %(modes)s::text[]) AS w(name, mode)
), wanted AS (
    SELECT oid, mode FROM named WHERE oid IS NOT NULL
    UNION
    SELECT i.indrelid, n.mode FROM named n JOIN pg_index i ON i.indexrelid = n.oid
    UNION
    SELECT h.inhrelid, w.mode FROM wanted w JOIN pg_inherits h ON h.inhparent = w.oid
)
SELECT l.pid, l.virtualtransaction,
       extract(epoch FROM clock_timestamp() - max(a.xact_start))::float8 AS open_seconds,
       CASE WHEN max(a.state) LIKE 'idle in transaction%%'
            THEN extract(epoch FROM clock_timestamp() - max(a.state_change))::float8
            ELSE 0 END AS idle_seconds
  FROM pg_locks l
  JOIN wanted w ON w.oid = l.relation AND w.mode = l.mode
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
 GROUP BY l.pid, l.virtualtransaction

-- name: prepared
-- What a prepared transaction is called; its locks have no process.
SELECT gid, extract(epoch FROM clock_timestamp() - prepared)::float8
  FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 1

-- name: who_waits
-- Sessions that wait for this one: for which table, to read or to write, and for how long.
SELECT l.pid, l.waitstart::text,
       coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float8,
       l.locktype = 'relation' AND l.mode = 'AccessShareLock' AS reads,
       n.nspname, c.relname
  FROM pg_locks l
  LEFT JOIN pg_locks t ON l.relation IS NULL AND t.pid = l.pid AND t.locktype = 'tuple'
  LEFT JOIN pg_index i ON i.indexrelid = coalesce(l.relation, t.relation)
  LEFT JOIN pg_class c ON c.oid = coalesce(i.indrelid, l.relation, t.relation)
  LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT l.granted AND l.pid <> %(pid)s AND %(pid)s = ANY (pg_blocking_pids(l.pid))

-- name: progress_index
SELECT command || ': ' || phase,
       CASE WHEN blocks_total > 0 THEN blocks_done::float8 / blocks_total
            WHEN tuples_total > 0 THEN tuples_done::float8 / tuples_total
            WHEN lockers_total > 0 THEN lockers_done::float8 / lockers_total END
  FROM pg_stat_progress_create_index WHERE pid = %(pid)s

-- name: progress_cluster
SELECT command || ': ' || phase,
       CASE WHEN heap_blks_total > 0 THEN heap_blks_scanned::float8 / heap_blks_total END
  FROM pg_stat_progress_cluster WHERE pid = %(pid)s

-- name: progress_vacuum
SELECT 'VACUUM: ' || phase,
       CASE WHEN heap_blks_total > 0
            THEN greatest(heap_blks_scanned, heap_blks_vacuumed)::float8 / heap_blks_total END
  FROM pg_stat_progress_vacuum WHERE pid = %(pid)s

-- name: progress_analyze
SELECT 'ANALYZE: ' || phase,
       CASE WHEN sample_blks_total > 0 THEN sample_blks_scanned::float8 / sample_blks_total END
  FROM pg_stat_progress_analyze WHERE pid = %(pid)s

-- name: progress_copy
SELECT command || ': ' || tuples_processed || ' rows',
       CASE WHEN bytes_total > 0 THEN bytes_processed::float8 / bytes_total END
  FROM pg_stat_progress_copy WHERE pid = %(pid)s

-- name: cancel_autovacuum_soon
-- An autovacuum in the way gives way only after deadlock_timeout; where we may, we make it short.
SELECT set_config('deadlock_timeout', %(milliseconds)s, %(local)s)
 WHERE has_parameter_privilege('deadlock_timeout', 'SET')

-- name: limit_waits
-- A time-out of the file's own counts when it is shorter; 0 would wait, or go on, for ever.
SELECT set_config(s.name, (CASE WHEN s.setting::int BETWEEN 1 AND m.most THEN s.setting::int
                                ELSE m.most END)::text, true)
  FROM (VALUES ('lock_timeout', %(lock)s::int), ('statement_timeout', %(statement)s::int))
       AS m(name, most)
  JOIN pg_settings s USING (name)

-- name: index
-- An index by name, on its table where that is known.
SELECT n.nspname, c.relname, i.indisvalid
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relname = %(index)s
   AND (CASE WHEN %(table)s = '' THEN
             CASE WHEN %(schema)s = '' THEN pg_table_is_visible(c.oid)
                  ELSE n.nspname = %(schema)s END
        ELSE i.indrelid = to_regclass(%(table)s) END)

-- name: rebuild_leftovers
-- Invalid twins of the indexes of a table, of one index, or (without a name) of the database.
SELECT n.nspname, c.relname
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
   AND (%(name)s = ''
        OR i.indrelid = to_regclass(%(name)s)
        OR i.indrelid = (SELECT reltoastrelid FROM pg_class WHERE oid = to_regclass(%(name)s))
        OR i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass(%(name)s)))

-- name: building
-- Who builds an index at this moment.
SELECT p.pid FROM pg_stat_progress_create_index p
  JOIN pg_index i ON i.indexrelid = to_regclass(%(name)s)
 WHERE p.datname = current_database() AND p.pid <> pg_backend_pid()
   AND (p.index_relid = i.indexrelid OR p.relid = i.indrelid)

-- name: detaching
-- Whether a partition is half detached; no row when it is none.
SELECT inhdetachpending FROM pg_inherits
 WHERE inhrelid = to_regclass(%(child)s) AND inhparent = to_regclass(%(parent)s)

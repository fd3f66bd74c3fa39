-- name: relations
-- Everything a user may read or write, with its indexes and toast tables, which belong to it.
SELECT c.oid::int8,
       n.nspname,
       c.relname,
       c.relkind::text,
       coalesce(i.indrelid, t.oid, c.oid)::int8 AS of_table,
       c.relfilenode::int8,
       greatest(c.relpages, 1)::int8,
       (CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8
             ELSE pg_catalog.pg_stat_get_live_tuples(c.oid) END)::int8
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
  LEFT JOIN pg_catalog.pg_class t ON t.reltoastrelid = c.oid AND c.oid <> 0
 WHERE c.oid >= 16384
   AND c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I', 't')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'drillbook')

-- name: ancestors
SELECT inhrelid::int8, inhparent::int8 FROM pg_catalog.pg_inherits

-- name: neighbours
-- What hangs on these tables: foreign keys both ways, partitions both ways, materialized views.
SELECT confrelid::int8 FROM pg_catalog.pg_constraint
 WHERE contype = 'f' AND conrelid = ANY(%(tables)s::oid[])
UNION
SELECT conrelid::int8 FROM pg_catalog.pg_constraint
 WHERE contype = 'f' AND confrelid = ANY(%(tables)s::oid[])
UNION
SELECT inhparent::int8 FROM pg_catalog.pg_inherits WHERE inhrelid = ANY(%(tables)s::oid[])
UNION
SELECT inhrelid::int8 FROM pg_catalog.pg_inherits WHERE inhparent = ANY(%(tables)s::oid[])

-- name: mine
-- What this session has locked, and what this transaction did with each of it so far.
SELECT l.relation::int8,
       array_agg(l.mode),
       pg_catalog.pg_stat_get_xact_numscans(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_returned(l.relation)
           + pg_catalog.pg_stat_get_xact_tuples_fetched(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_inserted(l.relation),
       pg_catalog.pg_stat_get_xact_tuples_updated(l.relation)
           + pg_catalog.pg_stat_get_xact_tuples_deleted(l.relation)
  FROM pg_catalog.pg_locks l
 WHERE l.pid = pg_catalog.pg_backend_pid()
   AND l.locktype = 'relation'
   AND l.granted
   AND l.relation >= 16384
 GROUP BY l.relation

-- name: together
-- What all sessions did with these tables so far; own updates of probes are counted elsewhere.
SELECT c.oid::int8,
       pg_catalog.pg_stat_get_numscans(c.oid),
       pg_catalog.pg_stat_get_tuples_returned(c.oid),
       pg_catalog.pg_stat_get_tuples_inserted(c.oid),
       pg_catalog.pg_stat_get_tuples_deleted(c.oid)
  FROM pg_catalog.pg_class c
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm')

-- name: files
-- Where tables, their toast and their indexes lie now; a new file means they were written anew.
SELECT c.oid::int8, c.oid::int8 AS of_table, c.relkind::text, c.relfilenode::int8, c.relname
  FROM pg_catalog.pg_class c
 WHERE c.oid = ANY(%(tables)s::oid[])
UNION ALL
SELECT c.oid::int8, i.indrelid::int8, c.relkind::text, c.relfilenode::int8, c.relname
  FROM pg_catalog.pg_index i
  JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = ANY(%(tables)s::oid[])

-- name: wal
SELECT pg_catalog.pg_current_wal_insert_lsn() - '0/0'::pg_lsn

-- name: sample
-- The locks of one session, and which of the others wait for a lock, since when and for what.
SELECT l.pid, l.relation::int8, l.mode, l.granted, l.locktype,
       extract(epoch FROM pg_catalog.clock_timestamp() - l.waitstart)::float8
  FROM pg_catalog.pg_locks l
 WHERE (l.pid = %(pid)s AND l.locktype = 'relation' AND l.granted AND l.relation >= 16384
        AND l.mode NOT IN ('AccessShareLock', 'RowShareLock'))
    OR NOT l.granted

-- name: give_way
-- The migration waits for sessions that wait themselves: in production that is a deadlock.
SELECT pg_catalog.pg_cancel_backend(found.pid)
  FROM unnest(pg_catalog.pg_blocking_pids(%(pid)s)) AS found(pid)
 WHERE found.pid = ANY(%(waiting)s)

-- name: probe_column
-- A column that may be set to itself: not computed, the least indexed one.
SELECT a.attname
  FROM pg_catalog.pg_attribute a
 WHERE a.attrelid = %(table)s::oid
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
 ORDER BY (SELECT count(*) FROM pg_catalog.pg_index i
            WHERE i.indrelid = a.attrelid AND a.attnum = ANY(i.indkey::int2[])),
          (SELECT count(*) FROM pg_catalog.pg_constraint k
            WHERE k.conrelid = a.attrelid AND a.attnum = ANY(k.conkey)),
          a.attlen < 0, a.attnum
 LIMIT 1

-- name: role
SELECT pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE rolname = %(name)s

-- name: work
EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF, FORMAT JSON)
SELECT sum(pg_catalog.hashtext(g::text)) FROM pg_catalog.generate_series(1, 60000) g

-- name: access
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int / 10000 AS server_major,
       current_database() AS database,
       current_user AS "user",
       pg_is_in_recovery() AS standby,
       current_setting('transaction_read_only') = 'on' AS read_only,
       coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS superuser,
       pg_database_size(current_database()) AS size_bytes

-- name: connections
SELECT count(*) FILTER (WHERE backend_type = 'client backend') AS used,
       current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int AS "limit",
       count(*) FILTER (WHERE state = 'active' AND backend_type = 'client backend') AS active,
       count(*) FILTER (WHERE state LIKE 'idle in transaction%%') AS idle_in_transaction,
       coalesce(max(extract(epoch FROM clock_timestamp() - xact_start))
                    FILTER (WHERE backend_type = 'client backend'
                                  AND pid <> pg_backend_pid()), 0)::float
           AS longest_transaction_seconds
  FROM pg_stat_activity

-- name: sessions
-- The sessions of some process numbers.
SELECT pid, coalesce(application_name, '') AS application, coalesce(usename, '') AS "user",
       coalesce(state, 'state not shown') AS state,
       coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float
           AS transaction_seconds,
       coalesce(query, '') AS query,
       backend_start AS session_started, xact_start AS transaction_started
  FROM pg_stat_activity
 WHERE pid = ANY (%(pids)s)
 ORDER BY xact_start

-- name: blocking_now
-- Each session that others of this database wait for, and how many wait.
SELECT b.pid, count(*)::int AS waiting
  FROM pg_stat_activity a
 CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS b(pid)
 WHERE a.wait_event_type = 'Lock' AND b.pid > 0
 GROUP BY b.pid

-- name: holding
-- Each session that holds a lock on a table in an open transaction.
SELECT l.pid, 0 AS waiting
  FROM pg_locks l
 WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = to_regclass(%(table)s)
 GROUP BY l.pid

-- name: blocking_pids
SELECT pg_blocking_pids(%(pid)s)

-- name: sizes
SELECT t.name AS "table", greatest(c.reltuples, 0)::bigint AS rows,
       (SELECT coalesce(sum(pg_total_relation_size(t.relid)), 0)::bigint
          FROM (SELECT c.oid AS relid UNION SELECT relid FROM pg_partition_tree(c.oid)) AS t
       ) AS size_bytes,
       c.relkind = 'p' AS partitioned,
       (SELECT count(*)::int FROM pg_index i
         WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid
           AND i.indpred IS NULL AND i.indexprs IS NULL) AS unique_indexes,
       coalesce((SELECT a.attname::text FROM pg_index i
                   JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
                  WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnkeyatts = 1), '') AS key
  FROM unnest(%(tables)s::text[]) AS t(name)
  JOIN pg_class c ON c.oid = to_regclass(t.name)
 ORDER BY 1

-- name: named_sessions
-- Sessions of one name in this database, other than this one.
SELECT pid FROM pg_stat_activity
 WHERE application_name = %(application)s AND pid <> pg_backend_pid()
   AND datname = current_database()

-- name: terminate
SELECT pid, pg_terminate_backend(pid) FROM unnest(%(pids)s::int[]) AS p(pid)

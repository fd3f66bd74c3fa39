-- name: server
SELECT pg_postmaster_start_time() AS started_at, clock_timestamp() AS now,
       pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
       current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int AS "limit",
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS used

-- name: roles
-- Logins with a limit of their own, and all that have sessions.
SELECT r.rolname::text AS role, r.rolconnlimit AS "limit",
       count(a.pid)::int AS used,
       (count(*) FILTER (WHERE a.state = 'idle'))::int AS idle,
       coalesce(array_agg(DISTINCT a.application_name::text) FILTER (WHERE a.pid IS NOT NULL),
                '{}') AS applications
  FROM pg_roles r
  LEFT JOIN pg_stat_activity a ON a.usesysid = r.oid AND a.backend_type = 'client backend'
 WHERE r.rolcanlogin
 GROUP BY r.oid, r.rolname, r.rolconnlimit
HAVING count(a.pid) > 0 OR r.rolconnlimit >= 0
 ORDER BY used DESC, role
 LIMIT 50

-- name: sessions
SELECT pid, coalesce(application_name, '') AS application, coalesce(usename::text, '') AS "user",
       coalesce(state, 'state not shown') AS state,
       coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::float
           AS transaction_seconds,
       coalesce(query, '') AS query,
       backend_start AS session_started, xact_start AS transaction_started,
       state_change AS state_since,
       coalesce(extract(epoch FROM clock_timestamp() - state_change), 0)::float AS state_seconds,
       coalesce(extract(epoch FROM clock_timestamp() - query_start), 0)::float AS query_seconds,
       coalesce(wait_event_type, '') AS wait_type, coalesce(wait_event, '') AS wait_event,
       CASE WHEN wait_event_type = 'Lock' THEN pg_blocking_pids(pid) ELSE '{}' END AS blocked_by
  FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
   AND application_name NOT LIKE 'drillbook%%'
 ORDER BY backend_start
 LIMIT 1000

-- name: waits
-- What each waiting session waits for.
SELECT l.pid, coalesce(l.relation::regclass::text, l.locktype) AS relation, l.mode,
       coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float AS seconds
  FROM pg_locks l
 WHERE NOT l.granted

-- name: tables
SELECT s.relid, format('%%I.%%I', s.schemaname, s.relname) AS "table",
       greatest(c.reltuples, s.n_live_tup, 0)::bigint AS rows,
       -- Not pg_total_relation_size: that waits for whoever holds the table.
       (c.relpages::bigint + coalesce((SELECT sum(x.relpages) FROM pg_index i
                                         JOIN pg_class x ON x.oid = i.indexrelid
                                        WHERE i.indrelid = c.oid), 0)::bigint)
           * current_setting('block_size')::bigint AS size_bytes,
       coalesce(s.seq_scan, 0) AS scans, coalesce(s.seq_tup_read, 0) AS read,
       coalesce(s.n_tup_ins, 0) AS inserted,
       extract(epoch FROM clock_timestamp())::float AS at,
       extract(epoch FROM clock_timestamp() - coalesce(d.stats_reset, pg_postmaster_start_time()))
           ::float AS counted_seconds
  FROM pg_stat_user_tables s
  JOIN pg_class c ON c.oid = s.relid
  JOIN pg_stat_database d ON d.datname = current_database()
 ORDER BY s.seq_tup_read DESC NULLS LAST
 LIMIT 200

-- name: unindexed
-- Columns that refer to another table and that no valid index of all rows begins with.
SELECT k.conrelid AS relid, array_agg(a.attname::text ORDER BY a.attname) AS columns
  FROM pg_constraint k
  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
 WHERE k.contype = 'f'
   AND NOT EXISTS (SELECT FROM pg_index i
                    WHERE i.indrelid = k.conrelid AND i.indisvalid
                      AND i.indkey[0] = k.conkey[1])
 GROUP BY k.conrelid

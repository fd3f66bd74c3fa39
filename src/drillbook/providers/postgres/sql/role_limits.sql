-- name: room
SELECT r.rolname::text AS role, r.rolconnlimit AS "limit",
       (SELECT count(*)::int FROM pg_stat_activity a
         WHERE a.usesysid = r.oid AND a.backend_type = 'client backend') AS used,
       current_setting('max_connections')::int
           - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS server_limit,
       (SELECT count(*)::int FROM pg_stat_activity
         WHERE backend_type = 'client backend') AS server_used
  FROM pg_roles r
 WHERE r.rolname = %(role)s

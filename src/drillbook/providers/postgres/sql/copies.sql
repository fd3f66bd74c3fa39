-- name: facts
SELECT current_setting('server_version_num')::int / 10000 AS major,
       current_database() AS database,
       current_user AS role,
       pg_catalog.pg_database_size(current_database())::int8 AS size_bytes,
       (SELECT rolreplication OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
           AS may_replicate,
       (SELECT rolname FROM pg_catalog.pg_roles
         WHERE rolsuper AND rolcanlogin ORDER BY oid LIMIT 1) AS superuser

-- name: roles
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolbypassrls
  FROM pg_catalog.pg_roles
 WHERE NOT starts_with(rolname, 'pg_')
 ORDER BY rolname

-- name: memberships
SELECT r.rolname, m.rolname, a.admin_option
  FROM pg_catalog.pg_auth_members a
  JOIN pg_catalog.pg_roles r ON r.oid = a.roleid
  JOIN pg_catalog.pg_roles m ON m.oid = a.member
 WHERE NOT starts_with(m.rolname, 'pg_')

-- name: settings
-- What decides how fast and by what rules a statement runs, and is not bound to the machine.
SELECT name, setting
  FROM pg_catalog.pg_settings
 WHERE name IN ('work_mem', 'maintenance_work_mem', 'jit', 'random_page_cost', 'seq_page_cost',
                'effective_cache_size', 'max_parallel_maintenance_workers',
                'max_parallel_workers_per_gather', 'max_parallel_workers', 'TimeZone',
                'DateStyle', 'IntervalStyle', 'default_statistics_target',
                'default_toast_compression', 'wal_compression', 'row_security',
                'check_function_bodies', 'default_text_search_config', 'bytea_output',
                'standard_conforming_strings', 'search_path')

-- name: rows
SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
       greatest(pg_catalog.pg_stat_get_live_tuples(c.oid), c.reltuples)::int8
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid >= 16384 AND c.relkind IN ('r', 'm')
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'drillbook')

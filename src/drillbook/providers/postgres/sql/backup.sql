-- name: begin
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: facts
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int / 10000 AS server_major,
       clock_timestamp() AS at,
       (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()
             ELSE pg_current_wal_lsn() END)::text AS lsn,
       pg_database_size(current_database()) AS size_bytes,
       has_function_privilege('pg_control_system()', 'execute') AS sees_control

-- name: system_identifier
SELECT system_identifier::text FROM pg_control_system()

-- name: export
SELECT pg_export_snapshot()

-- name: database
-- What a database is besides its contents; versions 15 to 18 name the locale differently.
SELECT d.datname AS name, pg_get_userbyid(d.datdba) AS owner,
       pg_encoding_to_char(d.encoding) AS encoding,
       d.datcollate AS collate, d.datctype AS ctype,
       coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') AS provider,
       coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale', '') AS locale,
       t.spcname AS tablespace, d.datconnlimit AS connection_limit,
       shobj_description(d.oid, 'pg_database') AS comment,
       d.datacl IS NOT NULL AS has_grants
  FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace
 WHERE d.datname = %(name)s

-- name: grants
SELECT coalesce(r.rolname, '') AS grantee, x.privilege_type AS privilege,
       x.is_grantable AS grantable
  FROM pg_database d
 CROSS JOIN LATERAL aclexplode(d.datacl) x
  LEFT JOIN pg_roles r ON r.oid = x.grantee
 WHERE d.datname = %(name)s
 ORDER BY 1, 2

-- name: settings
SELECT coalesce(r.rolname, '') AS role, split_part(s.line, '=', 1) AS name,
       substr(s.line, strpos(s.line, '=') + 1) AS value
  FROM pg_db_role_setting c
  JOIN pg_database d ON d.oid = c.setdatabase
  LEFT JOIN pg_roles r ON r.oid = c.setrole
 CROSS JOIN LATERAL unnest(c.setconfig) AS s(line)
 WHERE d.datname = %(name)s
 ORDER BY 1, 2

-- name: recovery
-- Whether recovery waits at its target, and how far it is.
SELECT pg_get_wal_replay_pause_state(), coalesce(pg_last_wal_replay_lsn(), '0/0')::text

-- name: promote
SELECT pg_promote(true, %(seconds)s)

-- name: source
-- What a server must be so that its files can be copied and replayed.
SELECT current_setting('server_version') AS server_version,
       current_setting('server_version_num')::int / 10000 AS server_major,
       pg_database_size(current_database()) AS database_bytes,
       pg_is_in_recovery() AS is_standby,
       current_setting('data_checksums') = 'on' AS has_checksums,
       current_setting('wal_level') <> 'minimal' AS has_wal,
       coalesce(current_setting('summarize_wal', true), 'off') = 'on' AS summarizes,
       coalesce((SELECT rolname FROM pg_roles WHERE rolsuper AND rolcanlogin
                  ORDER BY oid LIMIT 1), '') AS superuser

-- name: snapshot
SELECT pg_current_snapshot()::text, clock_timestamp()

-- name: flush
SELECT pg_logical_emit_message(true, 'drillbook', '')

-- name: flushed
SELECT pg_current_wal_flush_lsn()::text

-- name: switch
-- The segment that was ended; right after a switch it is the one before, which is archived. Of a
-- place between two segments some versions name the first, some the second one.
WITH switched AS MATERIALIZED (SELECT clock_timestamp() AS at, pg_switch_wal() AS lsn)
SELECT at, pg_walfile_name(lsn - 1), lsn::text FROM switched

-- name: mark
SELECT pg_create_restore_point(%(name)s)::text, clock_timestamp()

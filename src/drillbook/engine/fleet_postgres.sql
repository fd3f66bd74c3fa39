-- name: create
CREATE SCHEMA IF NOT EXISTS drillbook;
CREATE TABLE IF NOT EXISTS drillbook.workers (
    executor    text PRIMARY KEY,
    host        text NOT NULL,
    pid         integer NOT NULL,
    started     bigint NOT NULL,
    backend_pid integer NOT NULL,
    beats       bigint NOT NULL DEFAULT 0
)
-- name: lock_setup
SELECT pg_advisory_lock(hashtextextended('drillbook-setup', 0))
-- name: unlock_setup
SELECT pg_advisory_unlock(hashtextextended('drillbook-setup', 0))
-- name: lock
SELECT pg_try_advisory_lock(hashtextextended('drillbook-worker:' || %(executor)s, 0))
-- name: unlock
SELECT pg_advisory_unlock(hashtextextended('drillbook-worker:' || %(executor)s, 0))
-- name: join
INSERT INTO drillbook.workers (executor, host, pid, started, backend_pid)
VALUES (%(executor)s, %(host)s, %(pid)s, %(started)s, pg_backend_pid())
-- name: beat
UPDATE drillbook.workers SET beats = beats + 1 WHERE executor = %(executor)s RETURNING beats
-- name: mine
SELECT 1 FROM drillbook.workers WHERE executor = %(executor)s
-- name: peers
SELECT executor, host, pid, started, backend_pid, beats
  FROM drillbook.workers WHERE executor <> %(executor)s
-- name: terminate
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE (pid = %(backend_pid)s OR application_name = %(sessions)s) AND pid <> pg_backend_pid()
-- name: forget
DELETE FROM drillbook.workers WHERE executor = %(executor)s
-- name: effect
SELECT pg_advisory_lock(hashtextextended('drillbook-effect:' || %(effect)s, 0))
-- name: lockable
SELECT executor FROM drillbook.workers

-- name: find
-- The session, only while it is the very one, in the very transaction, that is meant.
-- An aborted transaction holds no lock any more. What a role may not see is null, not gone.
SELECT backend_type, state, coalesce(application_name, '') AS application,
       backend_start IS NULL AS hidden,
       coalesce(state_change = %(unchanged_since)s, true)
           OR (%(waited_for)s AND EXISTS (SELECT FROM pg_stat_activity w
                                           WHERE w.wait_event_type = 'Lock'
                                             AND a.pid = ANY (pg_blocking_pids(w.pid)))) AS as_seen
  FROM pg_stat_activity a
 WHERE pid = %(pid)s
   AND (backend_start IS NULL
        OR (backend_start = %(session_started)s
            AND (%(transaction_started)s::timestamptz IS NULL
                 OR (xact_start = %(transaction_started)s
                     AND state IS DISTINCT FROM 'idle in transaction (aborted)'))))

-- name: cancel
-- Asked and done in one statement, so that no other session can come in between.
SELECT pg_cancel_backend(pid) FROM pg_stat_activity
 WHERE pid = %(pid)s AND backend_start = %(session_started)s AND state = 'active'
   AND (%(transaction_started)s::timestamptz IS NULL OR xact_start = %(transaction_started)s)

-- name: terminate
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
 WHERE pid = %(pid)s AND backend_start = %(session_started)s
   AND (%(transaction_started)s::timestamptz IS NULL OR xact_start = %(transaction_started)s)
   AND (NOT %(as_seen)s OR coalesce(state_change = %(unchanged_since)s, true))

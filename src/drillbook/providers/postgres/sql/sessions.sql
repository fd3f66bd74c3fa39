-- name: find
-- The session, only while it is the very one, in the very transaction, that is meant.
-- An aborted transaction holds no lock any more. What a role may not see is null, not gone.
SELECT backend_type, state, coalesce(application_name, '') AS application,
       backend_start IS NULL AS hidden
  FROM pg_stat_activity
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

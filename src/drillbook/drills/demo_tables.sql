-- Not the login service's own: each of our looks signs in, and it notes that.
SELECT format('%I.%I', schemaname, tablename)
  FROM pg_tables
 WHERE schemaname !~ '^pg_' AND schemaname NOT IN ('information_schema', 'drillbook', 'auth')
 ORDER BY 1

-- name: all
SELECT relname, pg_total_relation_size(oid)
  FROM pg_class
 WHERE relnamespace = to_regnamespace('drillbook') AND relkind = 'r'
   AND relname ~ '^before_[0-9a-f]{10}_([0-9]+|sequences|moment)$'
 ORDER BY relname

-- name: applied
SELECT name, sha256, applied_at, run FROM drillbook.migrations WHERE status <> 'taken back'

-- name: missing
SELECT name FROM unnest(%(names)s::text[]) name WHERE to_regclass(name) IS NULL

-- name: patience
SET LOCAL lock_timeout = '2s'

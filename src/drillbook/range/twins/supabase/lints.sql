-- name: unindexed_foreign_keys
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, f.conname AS key,
       format('Table `%s.%s` has a foreign key `%s` without a covering index.', n.nspname, c.relname, f.conname) AS detail
  FROM pg_constraint AS f
  JOIN pg_class AS c ON c.oid = f.conrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE f.contype = 'f' AND n.nspname = 'public'
   AND NOT EXISTS (SELECT FROM pg_index AS i
                    WHERE i.indrelid = f.conrelid AND i.indisvalid AND i.indpred IS NULL
                      AND (i.indkey::smallint[])[0:cardinality(f.conkey) - 1] @> f.conkey)
 ORDER BY 1, 2, 4

-- name: no_primary_key
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, '' AS key,
       format('Table `%s.%s` does not have a primary key.', n.nspname, c.relname) AS detail
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = 'public'
   AND NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary)
 ORDER BY 1, 2

-- name: duplicate_index
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, min(x.relname) AS key,
       format('Table `%s.%s` has identical indexes {%s}.', n.nspname, c.relname, string_agg(x.relname, ',' ORDER BY x.relname)) AS detail
  FROM pg_index AS i
  JOIN pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = 'public'
 GROUP BY n.nspname, c.relname, i.indrelid, x.relam, i.indkey::text, i.indclass::text, i.indoption::text,
          coalesce(pg_get_expr(i.indexprs, i.indrelid), ''), coalesce(pg_get_expr(i.indpred, i.indrelid), '')
HAVING count(*) > 1
 ORDER BY 1, 2

-- name: rls_disabled_in_public
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, '' AS key,
       format('Table `%s.%s` is public, but RLS has not been enabled.', n.nspname, c.relname) AS detail
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND NOT c.relrowsecurity AND n.nspname = 'public'
   AND (SELECT bool_or(has_table_privilege(r.oid, c.oid, 'SELECT')) FROM pg_roles AS r WHERE r.rolname IN ('anon', 'authenticated'))
 ORDER BY 1, 2

-- name: rls_enabled_no_policy
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, '' AS key,
       format('Table `%s.%s` has RLS enabled, but no policies exist.', n.nspname, c.relname) AS detail
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relrowsecurity AND n.nspname = 'public'
   AND NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
 ORDER BY 1, 2

-- name: policy_exists_rls_disabled
SELECT n.nspname AS schema, c.relname AS name, 'table' AS type, '' AS key,
       format('Table `%s.%s` has RLS policies but RLS is not enabled.', n.nspname, c.relname) AS detail
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND NOT c.relrowsecurity AND n.nspname = 'public'
   AND EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = c.oid)
 ORDER BY 1, 2

-- name: function_search_path_mutable
SELECT n.nspname AS schema, p.proname AS name, 'function' AS type, p.oid::text AS key,
       format('Function `%s.%s` has a role mutable search_path.', n.nspname, p.proname) AS detail
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
 WHERE n.nspname = 'public' AND p.prosecdef
   AND NOT EXISTS (SELECT FROM unnest(coalesce(p.proconfig, '{}')) AS s WHERE s LIKE 'search_path=%')
   AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
 ORDER BY 1, 2

-- name: extension_in_public
SELECT n.nspname AS schema, e.extname AS name, 'extension' AS type, '' AS key,
       format('Extension `%s` is installed in the public schema.', e.extname) AS detail
  FROM pg_extension AS e
  JOIN pg_namespace AS n ON n.oid = e.extnamespace
 WHERE n.nspname = 'public'
 ORDER BY 1, 2

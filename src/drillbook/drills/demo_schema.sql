-- Every object of a team's schemas and what it is, read another way than Drillbook's own
-- fingerprint does, so that the demo does not believe the product's word for its own success.
WITH ours AS (
    SELECT oid, nspname FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'drillbook')
)
SELECT 'column' AS kind, format('%s.%s.%s', n.nspname, c.relname, a.attname) AS name,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
                 pg_get_expr(d.adbin, d.adrelid)) AS is
  FROM pg_attribute AS a
  JOIN pg_class AS c ON c.oid = a.attrelid
  JOIN ours AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'relation', format('%s.%s', n.nspname, c.relname),
       concat_ws(' ', c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl)
  FROM pg_class AS c
  JOIN ours AS n ON n.oid = c.relnamespace
UNION ALL
SELECT 'index', format('%s.%s', n.nspname, c.relname),
       concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisready)
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN ours AS n ON n.oid = c.relnamespace
UNION ALL
SELECT 'constraint', format('%s.%s', o.conrelid::regclass, o.conname),
       concat_ws(' ', pg_get_constraintdef(o.oid), o.convalidated)
  FROM pg_constraint AS o
  JOIN ours AS n ON n.oid = o.connamespace
UNION ALL
SELECT 'trigger', format('%s.%s', t.tgrelid::regclass, t.tgname),
       concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
  FROM pg_trigger AS t
  JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN ours AS n ON n.oid = c.relnamespace
 WHERE NOT t.tgisinternal
UNION ALL
SELECT 'policy', format('%s.%s', p.polrelid::regclass, p.polname),
       concat_ws(' ', p.polcmd, p.polroles, pg_get_expr(p.polqual, p.polrelid),
                 pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy AS p
UNION ALL
SELECT 'function', format('%s.%s(%s)', n.nspname, f.proname, pg_get_function_arguments(f.oid)),
       concat_ws(' ', md5(f.prosrc), f.prosecdef, f.proacl)
  FROM pg_proc AS f
  JOIN ours AS n ON n.oid = f.pronamespace
 ORDER BY 1, 2

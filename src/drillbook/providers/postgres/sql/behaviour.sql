-- name: relations
-- Tables and views of the app: not the server's, not an extension's, not Drillbook's or Supabase's.
SELECT c.oid::bigint AS oid, n.nspname AS schema, c.relname AS short,
       format('%I.%I', n.nspname, c.relname) AS name, c.relkind::text AS kind,
       c.relrowsecurity AS secured, c.relpages AS pages,
       coalesce((SELECT i.inhparent::bigint FROM pg_inherits i WHERE i.inhrelid = c.oid LIMIT 1), 0) AS parent
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm')
   AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')
   AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
 ORDER BY 4

-- name: columns
SELECT a.attrelid::bigint AS relation, a.attnum::int AS number, a.attname AS name,
       format_type(a.atttypid, a.atttypmod) AS type,
       format_type(b.oid, NULL) AS base,
       b.typcategory::text AS category,
       a.attnotnull OR d.not_null AS required,
       a.atthasdef OR a.attidentity <> '' OR d.has_default AS has_default,
       a.attidentity::text AS identity,
       a.attgenerated <> '' AS generated,
       CASE WHEN b.typname IN ('varchar', 'bpchar')
            THEN greatest(CASE WHEN d.modifier > 0 THEN d.modifier ELSE a.atttypmod END - 4, 0) ELSE 0 END AS longest,
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                   FROM pg_enum e WHERE e.enumtypid = b.oid), '{}') AS labels,
       coalesce((SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = b.oid), '') AS bounds,
       d.checks
  FROM pg_attribute a
 CROSS JOIN LATERAL (
       -- A domain over a domain is what lies at its bottom, with every check on the way.
       WITH RECURSIVE chain AS (
           SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault, t.typtype
             FROM pg_type t WHERE t.oid = a.atttypid
           UNION ALL
           SELECT t.oid, t.typbasetype, t.typtypmod, t.typnotnull, t.typdefault, t.typtype
             FROM chain c JOIN pg_type t ON t.oid = c.typbasetype WHERE c.typtype = 'd'
       )
       SELECT (SELECT c.oid FROM chain c WHERE c.typtype <> 'd') AS bottom,
              bool_or(c.typnotnull AND c.typtype = 'd') AS not_null,
              bool_or(c.typdefault IS NOT NULL AND c.typtype = 'd') AS has_default,
              max(c.typtypmod) AS modifier,
              coalesce((SELECT array_agg(pg_get_constraintdef(k.oid)) FROM pg_constraint k
                         WHERE k.contypid IN (SELECT c.oid FROM chain c)), '{}') AS checks
         FROM chain c) AS d
  JOIN pg_type b ON b.oid = d.bottom
 WHERE a.attrelid = ANY (%(relations)s::oid[]) AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY 1, 2

-- name: constraints
-- Checks, keys out and exclusions, and unique indexes whether a constraint stands behind or not.
SELECT k.conrelid::bigint AS relation, k.conname AS name, k.contype::text AS kind,
       coalesce(k.conkey, '{}')::int[] AS columns, pg_get_constraintdef(k.oid) AS definition,
       k.confrelid::bigint AS target, coalesce(k.confkey, '{}')::int[] AS target_columns,
       false AS partial, false AS computed, k.convalidated AS valid,
       k.confdeltype IN ('c', 'n', 'd') AS takes_along
  FROM pg_constraint k
 WHERE k.conrelid = ANY (%(relations)s::oid[]) AND k.contype IN ('c', 'f', 'x') AND k.conparentid = 0
UNION ALL
SELECT i.indrelid::bigint, c.relname, CASE WHEN i.indisprimary THEN 'p' ELSE 'u' END,
       CASE WHEN i.indexprs IS NULL THEN (i.indkey::int2[])[0:i.indnkeyatts - 1]::int[]
            ELSE array(SELECT DISTINCT d.refobjsubid FROM pg_depend d
                        WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                          AND d.refobjid = i.indrelid AND d.refobjsubid > 0) END,
       pg_get_indexdef(i.indexrelid), 0, '{}', i.indpred IS NOT NULL, i.indexprs IS NOT NULL, i.indisvalid,
       false
  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
 WHERE i.indrelid = ANY (%(relations)s::oid[]) AND i.indisunique
 ORDER BY 1, 3, 2

-- name: links
-- What hangs on what: keys both ways, views over tables, partitions.
SELECT conrelid::bigint AS one, confrelid::bigint AS other, 'key' AS kind
  FROM pg_constraint WHERE contype = 'f' AND conrelid <> confrelid
UNION
SELECT d.refobjid::bigint, r.ev_class::bigint, 'view'
  FROM pg_depend d
  JOIN pg_rewrite r ON r.oid = d.objid
 WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid <> r.ev_class
UNION
SELECT inhparent::bigint, inhrelid::bigint, 'partition' FROM pg_inherits

-- name: roles
-- Who may do anything with a relation, and whom its policies name.
SELECT DISTINCT g.relation::bigint AS relation, r.rolname AS role,
       CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN pg_has_role(current_user, r.oid, 'SET')
            ELSE pg_has_role(current_user, r.oid, 'MEMBER') END AS reachable
  FROM (SELECT c.oid AS relation, x.grantee
          FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
         WHERE c.oid = ANY (%(relations)s::oid[])
        UNION ALL
        SELECT a.attrelid, x.grantee
          FROM pg_attribute a CROSS JOIN LATERAL aclexplode(a.attacl) x
         WHERE a.attrelid = ANY (%(relations)s::oid[])
        UNION ALL
        SELECT p.polrelid, u.role FROM pg_policy p CROSS JOIN LATERAL unnest(p.polroles) AS u(role)
         WHERE p.polrelid = ANY (%(relations)s::oid[])) AS g
  JOIN pg_roles r ON r.oid = g.grantee
 WHERE NOT r.rolsuper AND r.rolname <> current_user AND r.rolname !~ '^pg_'
 ORDER BY 2, 1

-- name: policies
SELECT p.polrelid::bigint AS relation, e.expression
  FROM pg_policy p
 CROSS JOIN LATERAL (VALUES (pg_get_expr(p.polqual, p.polrelid)),
                            (pg_get_expr(p.polwithcheck, p.polrelid))) AS e(expression)
 WHERE e.expression IS NOT NULL

-- name: functions
-- What can be called by itself: not the bodies of triggers, not aggregates.
SELECT p.oid::bigint AS oid, n.nspname AS schema, p.proname AS short,
       format('%I.%I(%s)', n.nspname, p.proname, array_to_string(coalesce(a.types, '{}'), ', ')) AS name,
       p.prokind::text AS kind, l.lanname AS language,
       l.lanpltrusted OR l.lanname IN ('sql', 'plpgsql') AS trusted,
       p.pronargdefaults::int AS defaults, p.provariadic <> 0 AS variadic,
       coalesce(a.names, '{}') AS names, coalesce(a.types, '{}') AS types,
       coalesce(a.oids, '{}') AS type_oids,
       CASE WHEN l.lanname IN ('c', 'internal') THEN '' ELSE pg_get_functiondef(p.oid) END AS body
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
  LEFT JOIN LATERAL (
       SELECT array_agg(coalesce(p.proargnames[u.number], '') ORDER BY u.number) AS names,
              array_agg(format_type(u.type, NULL) ORDER BY u.number) AS types,
              array_agg(u.type::bigint ORDER BY u.number) AS oids
         FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u(type, number)
        WHERE coalesce(p.proargmodes[u.number], 'i') IN ('i', 'b', 'v')
           OR (p.prokind = 'p' AND p.proargmodes[u.number] = 'o')) AS a ON true
 WHERE p.prokind IN ('f', 'p')
   AND n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')
   AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
   AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
 ORDER BY 4

-- name: types
-- What the types of arguments are below their domains; `relation` is the table of a row type.
SELECT t.oid::bigint AS oid, format_type(b.oid, NULL) AS base, b.typcategory::text AS category,
       b.typtype::text AS sort, b.typrelid::bigint AS relation,
       coalesce(format_type(NULLIF(b.typelem, 0), NULL), '') AS element,
       coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                   FROM pg_enum e WHERE e.enumtypid = b.oid), '{}') AS labels,
       coalesce((SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = b.oid), '') AS bounds,
       coalesce((SELECT array_agg(pg_get_constraintdef(k.oid)) FROM pg_constraint k
                  WHERE k.contypid = t.oid), '{}') AS checks
  FROM pg_type t
  JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
 WHERE t.oid = ANY (%(types)s::oid[])

-- name: trigger_bodies
-- Triggers with the bodies of their functions.
SELECT g.tgrelid::bigint AS relation, g.tgname AS name, p.prosrc AS body
  FROM pg_trigger g JOIN pg_proc p ON p.oid = g.tgfoid
 WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')

-- name: may_call
SELECT has_function_privilege(%(role)s, %(function)s::oid, 'EXECUTE')
   AND has_schema_privilege(%(role)s, %(schema)s, 'USAGE')

-- name: settings_of_functions
-- Functions, of any schema, whose body reads a setting: policies ask them who is there.
SELECT format('%I.%I', n.nspname, p.proname) AS name, p.proname AS short, pg_get_functiondef(p.oid) AS body
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang
 WHERE p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql') AND n.nspname !~ '^(pg_|information_schema)'
   AND (p.prosrc ~ 'current_setting' OR pg_get_function_sqlbody(p.oid) ~ 'current_setting')

-- name: may
SELECT has_table_privilege(%(role)s, %(relation)s::oid, 'SELECT') AS reads,
       coalesce(array_agg(a.attnum::int) FILTER (WHERE has_column_privilege(%(role)s, a.attrelid, a.attnum, 'SELECT')), '{}') AS seen,
       coalesce(array_agg(a.attnum::int) FILTER (WHERE has_column_privilege(%(role)s, a.attrelid, a.attnum, 'INSERT')), '{}') AS inserted,
       coalesce(array_agg(a.attnum::int) FILTER (WHERE has_column_privilege(%(role)s, a.attrelid, a.attnum, 'UPDATE')), '{}') AS updated
  FROM pg_attribute a
 WHERE a.attrelid = %(relation)s::oid AND a.attnum > 0 AND NOT a.attisdropped

-- name: usage
-- Inserts count although they were rolled back, as those of a health check are.
SELECT format('%I.%I', schemaname, relname),
       (n_tup_ins + n_tup_upd + n_tup_del + coalesce(seq_scan, 0) + coalesce(idx_scan, 0))::bigint
  FROM pg_stat_user_tables

-- name: bodies
-- PL/pgSQL functions, those of triggers too, with everything their statements may name.
SELECT p.oid::bigint AS oid, p.proname AS short,
       format('%I.%I(%s)', n.nspname, p.proname,
              array_to_string(array(SELECT format_type(u.type, NULL)
                                      FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u(type, number)
                                     ORDER BY u.number), ', ')) AS name,
       p.prosrc AS source, pg_get_functiondef(p.oid) AS definition,
       coalesce(a.names, '{}') AS names, coalesce(a.types, '{}') AS types, coalesce(a.pseudo, false) AS pseudo,
       coalesce(p.proconfig, '{}') AS config,
       CASE WHEN p.prosecdef AND pg_has_role(current_user, p.proowner, 'MEMBER')
            THEN pg_get_userbyid(p.proowner) ELSE '' END AS acts_as,
       p.prorettype = 'trigger'::regtype AS is_trigger,
       array(SELECT DISTINCT format('%I.%I', rn.nspname, c.relname)
               FROM pg_trigger g
               JOIN pg_class c ON c.oid = g.tgrelid
               JOIN pg_namespace rn ON rn.oid = c.relnamespace
              WHERE g.tgfoid = p.oid AND NOT g.tgisinternal ORDER BY 1) AS tables,
       array(SELECT DISTINCT t.name::text
               FROM pg_trigger g CROSS JOIN LATERAL (VALUES (g.tgnewtable), (g.tgoldtable)) AS t(name)
              WHERE g.tgfoid = p.oid AND t.name IS NOT NULL) AS transitions
  FROM pg_proc p
  JOIN pg_namespace n ON n.oid = p.pronamespace
  JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
  LEFT JOIN LATERAL (
       SELECT array_agg(coalesce(p.proargnames[u.number], '') ORDER BY u.number) AS names,
              array_agg(format_type(u.type, NULL) ORDER BY u.number) AS types,
              bool_or(t.typtype = 'p') AS pseudo
         FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u(type, number)
         JOIN pg_type t ON t.oid = u.type) AS a ON true
 WHERE n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')
   AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
   AND p.prorettype <> 'event_trigger'::regtype
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
 ORDER BY 3

-- name: said
SELECT current_setting('drillbook.said', true)

-- name: reachable
SELECT r.rolname FROM pg_roles r
 WHERE CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN pg_has_role(current_user, r.oid, 'SET')
            ELSE pg_has_role(current_user, r.oid, 'MEMBER') END

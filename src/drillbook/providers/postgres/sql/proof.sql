-- name: settle
-- The text of a value must not depend on the session, the role or the server's settings; a role
-- that does not see all rows gets an error, not a smaller number. Two sessions are enough.
SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),
       pg_catalog.set_config('row_security', 'off', true),
       pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
       pg_catalog.set_config('IntervalStyle', 'postgres', true),
       pg_catalog.set_config('TimeZone', 'UTC', true),
       pg_catalog.set_config('bytea_output', 'hex', true),
       pg_catalog.set_config('extra_float_digits', '1', true),
       pg_catalog.set_config('lc_monetary', 'C', true),
       pg_catalog.set_config('xmloption', 'content', true),
       pg_catalog.set_config('quote_all_identifiers', 'off', true),
       pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
       pg_catalog.set_config('enable_seqscan', 'off', true),
       pg_catalog.set_config('jit', 'off', true)

-- name: tables
-- All tables with rows of their own. A column is plain when equal hashes of its values mean equal
-- bytes: not so for numeric (1.0 = 1.00), floats (0 = -0), enums (hashed by OID), json and the like.
-- A table that inherits gets its columns in another order where its parent got some later.
WITH RECURSIVE base(type, base) AS (
    SELECT oid, oid FROM pg_type
    UNION ALL
    SELECT b.type, t.typbasetype FROM base b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'
),
plain AS (
    SELECT b.type, b.base = 'bpchar'::regtype AS padded
      FROM base b
     WHERE b.base = ANY ('{bool,int2,int4,int8,oid,"char",name,text,varchar,bpchar,uuid,date,time,
                           timestamp,timestamptz,bytea,macaddr}'::regtype[])
),
columns AS (
    SELECT a.attrelid, a.attnum, quote_ident(a.attname) AS name,
           (p.type IS NOT NULL AND (NOT p.padded OR a.atttypmod > 0)
            AND coalesce((SELECT l.collisdeterministic FROM pg_collation l
                           WHERE l.oid = a.attcollation), true)) AS is_plain
      FROM pg_attribute a LEFT JOIN plain p ON p.type = a.atttypid
     WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT format('%I.%I', n.nspname, c.relname) AS name,
       c.relpersistence = 'u' AS unlogged,
       coalesce(c.relam = (SELECT oid FROM pg_am WHERE amname = 'heap'), false) AS is_heap,
       pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks,
       c.relfilenode <> pg_relation_filenode(c.oid) AS rewritten, i.by_name,
       array(SELECT k.name FROM columns k WHERE k.attrelid = c.oid AND k.is_plain
              ORDER BY CASE WHEN i.by_name THEN k.name END COLLATE "C", k.attnum) AS plain,
       array(SELECT k.name FROM columns k WHERE k.attrelid = c.oid AND NOT k.is_plain
              ORDER BY CASE WHEN i.by_name THEN k.name END COLLATE "C", k.attnum) AS odd
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT NOT c.relispartition AND EXISTS (
           SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid) AS by_name) AS i
 WHERE c.relkind = 'r' AND (c.relpersistence = 'p'
                            OR (c.relpersistence = 'u' AND NOT pg_is_in_recovery()))
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                      AND e.deptype = 'e')
 ORDER BY 1

-- name: large_objects
SELECT count(*)::int8, coalesce(sum(h), 0), coalesce(sum((h >> 33) * (h & 2147483647)), 0)
  FROM (SELECT hash_record_extended(ROW(m.oid, lo_get(m.oid)), 0) AS h
          FROM pg_largeobject_metadata m OFFSET 0) AS objects

-- name: sequences
SELECT format('%I.%I', n.nspname, c.relname) AS name, s.seqincrement AS increment,
       s.seqcycle AS cycles
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                      AND e.deptype = 'e')
 ORDER BY 1

-- name: owned_sequences
-- Sequences that a column takes its values from, by default or as an identity.
SELECT DISTINCT format('%I.%I', n.nspname, c.relname) AS sequence, s.seqincrement AS increment,
       format('%I.%I', tn.nspname, t.relname) AS table, quote_ident(a.attname) AS column
  FROM pg_depend d
  JOIN pg_sequence s ON s.seqrelid = CASE WHEN d.classid = 'pg_attrdef'::regclass
                                          THEN d.refobjid ELSE d.objid END
  JOIN pg_class c ON c.oid = s.seqrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
  JOIN pg_class t ON t.oid = coalesce(f.adrelid, d.refobjid)
  JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = coalesce(f.adnum, d.refobjsubid)
 WHERE d.refclassid = 'pg_class'::regclass AND NOT s.seqcycle AND t.relkind IN ('r', 'p')
   AND (d.classid = 'pg_attrdef'::regclass OR (d.classid = 'pg_class'::regclass AND d.deptype = 'i'))
   AND a.atttypid = ANY ('{int2,int4,int8,numeric}'::regtype[])
   AND tn.nspname !~ '^pg_' AND tn.nspname NOT IN ('information_schema', 'drillbook')

-- name: roles
-- Roles that owners, grants and policies of this database name; the first one is never recorded.
SELECT r.rolname FROM pg_roles r
 WHERE r.oid = 10
    OR EXISTS (SELECT FROM pg_shdepend d
                WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid
                  AND (d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                       OR (d.classid = 'pg_database'::regclass
                           AND d.objid = (SELECT oid FROM pg_database
                                           WHERE datname = current_database()))))
 ORDER BY 1

-- name: extensions
SELECT extname::text, extversion FROM pg_extension ORDER BY 1

-- name: known_roles
SELECT rolname FROM pg_roles WHERE rolname = ANY (%(names)s)

-- name: known_extensions
SELECT name::text FROM pg_available_extensions WHERE name = ANY (%(names)s)

-- name: unvalidated
SELECT format('%s.%I', k.conrelid::regclass, k.conname)
  FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE NOT k.convalidated
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')

-- name: amcheck
SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'amcheck') AS is_there,
       EXISTS (SELECT FROM pg_available_extensions WHERE name = 'amcheck') AS is_known

-- name: size
SELECT pg_database_size(current_database())

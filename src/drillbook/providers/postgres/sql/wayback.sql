-- name: things
-- Everything a schema is made of, known by catalog, OID and number, with what is needed to make it
-- again. Call it with the settings of catalog.sql's `settle`, so that names come qualified.
WITH owned AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
ns AS (
    SELECT n.oid, n.nspname, n.nspowner, quote_ident(n.nspname) AS q
      FROM pg_namespace n
     WHERE n.nspname !~ '^pg_'
       AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')
       AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
       AND NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid)
),
rel AS (
    SELECT c.*, ns.q AS schema_name, format('%I.%I', ns.nspname, c.relname) AS full_name
      FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
),
typ AS (
    SELECT t.*, ns.q AS schema_name, format('%I.%I', ns.nspname, t.typname) AS full_name
      FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
     WHERE NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
),
identity AS (
    SELECT d.objid AS seq, d.refobjid AS rel, d.refobjsubid AS num
      FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.deptype = 'i'
),
found AS (
SELECT 'schema' AS kind, 'pg_namespace'::regclass AS class, n.oid, 0::bigint AS sub,
       q AS name, '' AS schema, q AS bare, NULL::regclass AS up_class, 0::oid AS up_oid, 0 AS up_sub,
       pg_get_userbyid(nspowner) AS owner, '{}'::jsonb AS props, '{}'::jsonb AS ids
  FROM ns n
UNION ALL
SELECT 'extension', 'pg_extension'::regclass, x.oid, 0, quote_ident(x.extname), '',
       quote_ident(x.extname), NULL, 0, 0, NULL,
       jsonb_build_object('schema', n.nspname::regnamespace::text, 'version', x.extversion), '{}'
  FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
UNION ALL
SELECT 'enum', 'pg_type'::regclass, t.oid, 0, t.full_name, t.schema_name, quote_ident(t.typname),
       NULL, 0, 0, pg_get_userbyid(t.typowner),
       jsonb_build_object('labels', (SELECT coalesce(jsonb_agg(e.enumlabel ORDER BY e.enumsortorder), '[]')
                                       FROM pg_enum e WHERE e.enumtypid = t.oid)),
       jsonb_build_object('labels', (SELECT coalesce(jsonb_agg(jsonb_build_array(e.oid::bigint, e.enumlabel)
                                                      ORDER BY e.enumsortorder), '[]')
                                       FROM pg_enum e WHERE e.enumtypid = t.oid))
  FROM typ t WHERE t.typtype = 'e'
UNION ALL
SELECT 'domain', 'pg_type'::regclass, t.oid, 0, t.full_name, t.schema_name, quote_ident(t.typname),
       NULL, 0, 0, pg_get_userbyid(t.typowner),
       jsonb_build_object('base', format_type(t.typbasetype, t.typtypmod), 'default', t.typdefault,
                          'not_null', t.typnotnull,
                          'collation', CASE WHEN t.typcollation <> b.typcollation
                                            THEN t.typcollation::regcollation::text END), '{}'
  FROM typ t JOIN pg_type b ON b.oid = t.typbasetype WHERE t.typtype = 'd'
UNION ALL
SELECT 'composite type', 'pg_type'::regclass, t.oid, 0, t.full_name, t.schema_name,
       quote_ident(t.typname), NULL, 0, 0, pg_get_userbyid(t.typowner),
       jsonb_build_object('attributes', (SELECT coalesce(jsonb_agg(jsonb_build_array(quote_ident(a.attname),
                format_type(a.atttypid, a.atttypmod),
                CASE WHEN a.attcollation <> b.typcollation
                     THEN a.attcollation::regcollation::text END) ORDER BY a.attnum), '[]')
           FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
          WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)),
       jsonb_build_object('numbers', (SELECT coalesce(jsonb_agg(a.attnum ORDER BY a.attnum), '[]')
           FROM pg_attribute a
          WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM typ t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c' WHERE t.typtype = 'c'
UNION ALL
SELECT 'range type', 'pg_type'::regclass, t.oid, 0, t.full_name, t.schema_name,
       quote_ident(t.typname), NULL, 0, 0, pg_get_userbyid(t.typowner),
       jsonb_build_object('subtype', format_type(g.rngsubtype, NULL),
                          'opclass', (SELECT format('%I.%I', o.nspname, k.opcname)
                                        FROM pg_opclass k JOIN pg_namespace o ON o.oid = k.opcnamespace
                                       WHERE k.oid = g.rngsubopc),
                          'collation', CASE WHEN g.rngcollation <> b.typcollation
                                            THEN g.rngcollation::regcollation::text END,
                          'canonical', nullif(g.rngcanonical::oid, 0)::regproc::text,
                          'diff', nullif(g.rngsubdiff::oid, 0)::regproc::text,
                          'multirange', (SELECT quote_ident(m.typname) FROM pg_type m WHERE m.oid = g.rngmultitypid)), '{}'
  FROM typ t JOIN pg_range g ON g.rngtypid = t.oid JOIN pg_type b ON b.oid = g.rngsubtype
UNION ALL
SELECT 'sequence', 'pg_class'::regclass, c.oid, 0, c.full_name, c.schema_name, quote_ident(c.relname),
       NULL, 0, 0, pg_get_userbyid(c.relowner),
       jsonb_build_object('type', format_type(s.seqtypid, NULL), 'start', s.seqstart,
                          'increment', s.seqincrement, 'max', s.seqmax, 'min', s.seqmin,
                          'cache', s.seqcache, 'cycle', s.seqcycle, 'persistence', c.relpersistence), '{}'
  FROM pg_sequence s JOIN rel c ON c.oid = s.seqrelid
 WHERE NOT EXISTS (SELECT FROM identity i WHERE i.seq = c.oid)
UNION ALL
SELECT 'owned by', 'pg_sequence'::regclass, c.oid, 0, 'owned by', '', 'owned by',
       'pg_class'::regclass, c.oid, 0, NULL,
       jsonb_build_object('column', format('%s.%I', d.refobjid::regclass, a.attname)),
       jsonb_build_object('table', d.refobjid::bigint, 'number', d.refobjsubid)
  FROM rel c
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'a'
                  AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
  JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE c.relkind = 'S'
UNION ALL
SELECT CASE c.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, 'pg_class'::regclass, c.oid, 0,
       c.full_name, c.schema_name, quote_ident(c.relname), NULL, 0, 0, pg_get_userbyid(c.relowner),
       jsonb_build_object('persistence', c.relpersistence, 'partitioned', pg_get_partkeydef(c.oid),
           'options', array(SELECT unnest(c.reloptions) ORDER BY 1),
           'toast_options', array(SELECT unnest(o.reloptions) FROM pg_class o WHERE o.oid = c.reltoastrelid ORDER BY 1),
           'method', (SELECT quote_ident(amname) FROM pg_am a WHERE a.oid = c.relam),
           'of_type', nullif(c.reloftype, 0)::regtype::text,
           'tablespace', (SELECT spcname FROM pg_tablespace s WHERE s.oid = c.reltablespace),
           'rls', c.relrowsecurity, 'force_rls', c.relforcerowsecurity, 'identity', c.relreplident,
           'server', (SELECT concat_ws(' ', s.srvname, array(SELECT unnest(f.ftoptions) ORDER BY 1))
                        FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
                       WHERE f.ftrelid = c.oid)),
       jsonb_build_object('relkind', c.relkind, 'file', pg_relation_filenode(c.oid)::bigint,
           'partition', c.relispartition,
           'triggers', (SELECT coalesce(jsonb_agg(jsonb_build_array(quote_ident(g.tgname), g.tgenabled)), '[]')
                          FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal),
           'rules', (SELECT coalesce(jsonb_agg(jsonb_build_array(quote_ident(w.rulename), w.ev_enabled)), '[]')
                       FROM pg_rewrite w WHERE w.ev_class = c.oid AND w.rulename <> '_RETURN'))
  FROM rel c WHERE c.relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'column', 'pg_class'::regclass, c.oid, a.attnum, quote_ident(a.attname), '',
       quote_ident(a.attname), 'pg_class'::regclass, c.oid, 0, NULL,
       jsonb_build_object('type', format_type(a.atttypid, a.atttypmod), 'not_null', a.attnotnull,
           'collation', CASE WHEN a.attcollation <> t.typcollation
                             THEN a.attcollation::regcollation::text END,
           'generated', CASE WHEN a.attgenerated <> '' THEN pg_get_expr(d.adbin, d.adrelid) END,
           'identity', a.attidentity,
           'sequence', (SELECT jsonb_build_object('name', i.seq::regclass::text, 'start', s.seqstart,
                                'increment', s.seqincrement, 'max', s.seqmax, 'min', s.seqmin,
                                'cache', s.seqcache, 'cycle', s.seqcycle,
                                'comment', obj_description(i.seq, 'pg_class'),
                                'grants', (SELECT relacl::text FROM pg_class q WHERE q.oid = i.seq))
                          FROM identity i JOIN pg_sequence s ON s.seqrelid = i.seq
                         WHERE i.rel = c.oid AND i.num = a.attnum),
           'storage', a.attstorage, 'compression', a.attcompression,
           'statistics', nullif(a.attstattarget, -1),
           'options', array(SELECT unnest(a.attoptions) ORDER BY 1),
           'server_options', array(SELECT unnest(a.attfdwoptions) ORDER BY 1),
           'local', a.attislocal, 'inherited', a.attinhcount > 0),
       jsonb_build_object('base_type', (t.oid < 16384), 'own_collation', a.attcollation >= 16384,
           'type', jsonb_build_array(a.atttypid::bigint, a.atttypmod))
  FROM rel c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p', 'f')
UNION ALL
SELECT 'view column', 'pg_class'::regclass, c.oid, a.attnum, quote_ident(a.attname), '',
       quote_ident(a.attname), 'pg_class'::regclass, c.oid, 0, NULL, 
       CASE WHEN c.relkind = 'm' THEN jsonb_build_object('statistics', nullif(a.attstattarget, -1)) ELSE '{}' END, '{}'
  FROM rel c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT 'default', 'pg_attrdef'::regclass, c.oid, a.attnum, 'default', '', 'default',
       'pg_class'::regclass, c.oid, a.attnum, NULL,
       jsonb_build_object('expression', pg_get_expr(d.adbin, d.adrelid)), '{}'
  FROM rel c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attgenerated = '' AND NOT a.attisdropped
  JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
UNION ALL
SELECT CASE WHEN k.contypid <> 0 THEN 'domain constraint' ELSE 'constraint' END,
       'pg_constraint'::regclass, k.oid, 0, quote_ident(k.conname), '', quote_ident(k.conname),
       CASE WHEN k.contypid <> 0 THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
       CASE WHEN k.contypid <> 0 THEN k.contypid ELSE k.conrelid END, 0, NULL,
       jsonb_build_object('definition', pg_get_constraintdef(k.oid), 'validated', k.convalidated,
           'inherited', (k.coninhcount > 0 AND NOT k.conislocal) OR k.conparentid <> 0,
           'clustered', coalesce(i.indisclustered, false), 'identity', coalesce(i.indisreplident, false),
           'index_comment', obj_description(i.indexrelid, 'pg_class')),
       jsonb_build_object('type', k.contype, 'partitioned', (SELECT o.relkind = 'p' FROM pg_class o WHERE o.oid = k.conrelid),
           'index', (SELECT format('%s.%I', ns.q, o.relname) FROM pg_class o JOIN ns ON ns.oid = o.relnamespace WHERE o.oid = i.indexrelid), 'refers', k.confrelid::bigint,
           'parent', nullif(k.conparentid, 0)::bigint, 'cascades', k.confdeltype = 'c',
           'columns', k.conkey, 'deferrable', k.condeferrable)
  FROM pg_constraint k
  LEFT JOIN pg_index i ON i.indexrelid = k.conindid AND i.indrelid = k.conrelid AND k.contype IN ('p', 'u', 'x')
 WHERE k.contype NOT IN ('n', 't')
   AND (k.conrelid IN (SELECT oid FROM rel) OR k.contypid IN (SELECT oid FROM typ))
UNION ALL
SELECT 'index', 'pg_class'::regclass, c.oid, 0, c.full_name, c.schema_name, quote_ident(c.relname),
       'pg_class'::regclass, i.indrelid, 0, NULL,
       jsonb_build_object('definition', pg_get_indexdef(i.indexrelid), 'valid', i.indisvalid,
           'clustered', i.indisclustered, 'identity', i.indisreplident,
           'statistics', (SELECT jsonb_agg(jsonb_build_array(a.attnum, a.attstattarget) ORDER BY a.attnum)
                            FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attstattarget >= 0)),
       jsonb_build_object('partition', c.relispartition, 'unique', i.indisunique)
  FROM rel c JOIN pg_index i ON i.indexrelid = c.oid
 WHERE c.relkind IN ('i', 'I')
   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL
SELECT CASE WHEN c.relkind IN ('i', 'I') THEN 'index partition'
            WHEN c.relispartition THEN 'partition' ELSE 'inheritance' END,
       'pg_inherits'::regclass, h.inhrelid, h.inhparent::bigint,
       'of ' || h.inhparent::regclass, '', '', 'pg_class'::regclass, h.inhrelid, 0, NULL,
       jsonb_build_object('bound', pg_get_expr(c.relpartbound, c.oid)),
       jsonb_build_object('parent', h.inhparent::bigint, 'child', h.inhrelid::bigint,
           'child_name', c.full_name, 'parent_name', h.inhparent::regclass::text)
  FROM pg_inherits h JOIN rel c ON c.oid = h.inhrelid
UNION ALL
SELECT 'trigger', 'pg_trigger'::regclass, g.oid, 0, quote_ident(g.tgname), '', quote_ident(g.tgname),
       'pg_class'::regclass, c.oid, 0, NULL,
       jsonb_build_object('definition', pg_get_triggerdef(g.oid), 'enabled', g.tgenabled), '{}'
  FROM pg_trigger g JOIN rel c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgparentid = 0
UNION ALL
SELECT 'rule', 'pg_rewrite'::regclass, w.oid, 0, quote_ident(w.rulename), '', quote_ident(w.rulename),
       'pg_class'::regclass, c.oid, 0, NULL,
       jsonb_build_object('definition', pg_get_ruledef(w.oid), 'enabled', w.ev_enabled), '{}'
  FROM pg_rewrite w JOIN rel c ON c.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', 'pg_policy'::regclass, p.oid, 0, quote_ident(p.polname), '', quote_ident(p.polname),
       'pg_class'::regclass, c.oid, 0, NULL,
       jsonb_build_object('command', p.polcmd, 'permissive', p.polpermissive,
           'roles', array(SELECT coalesce(quote_ident(r.rolname), 'PUBLIC')
                            FROM unnest(p.polroles) AS u(role)
                            LEFT JOIN pg_roles r ON r.oid = u.role ORDER BY 1),
           'using', pg_get_expr(p.polqual, p.polrelid),
           'check', pg_get_expr(p.polwithcheck, p.polrelid)), '{}'
  FROM pg_policy p JOIN rel c ON c.oid = p.polrelid
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, 'pg_class'::regclass, c.oid, 0,
       c.full_name, c.schema_name, quote_ident(c.relname), NULL, 0, 0, pg_get_userbyid(c.relowner),
       jsonb_build_object('definition', pg_get_viewdef(c.oid),
           'options', array(SELECT unnest(c.reloptions) ORDER BY 1), 'populated', c.relispopulated,
           'method', (SELECT quote_ident(amname) FROM pg_am a WHERE a.oid = c.relam),
           'columns', (SELECT jsonb_agg(jsonb_build_array(quote_ident(a.attname), format_type(a.atttypid, a.atttypmod))
                              ORDER BY a.attnum)
                         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)),
       jsonb_build_object('columns', (SELECT jsonb_agg(jsonb_build_array(quote_ident(a.attname), format_type(a.atttypid, a.atttypmod))
                              ORDER BY a.attnum)
                         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
  FROM rel c WHERE c.relkind IN ('v', 'm')
UNION ALL
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       'pg_proc'::regclass, p.oid, 0, p.oid::regprocedure::text, ns.q, quote_ident(p.proname),
       NULL, 0, 0, pg_get_userbyid(p.proowner),
       jsonb_build_object('definition', CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
            (SELECT to_jsonb(a)::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END),
       jsonb_build_object('arguments', pg_get_function_arguments(p.oid), 'defaults', p.pronargdefaults,
           'names', p.proargnames, 'result', pg_get_function_result(p.oid))
  FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
 WHERE NOT EXISTS (SELECT FROM owned e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
   AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid
                      AND i.deptype = 'i')
UNION ALL
SELECT 'statistics', 'pg_statistic_ext'::regclass, s.oid, 0, format('%s.%I', ns.q, s.stxname), ns.q,
       quote_ident(s.stxname), 'pg_class'::regclass, s.stxrelid, 0, pg_get_userbyid(s.stxowner),
       jsonb_build_object('definition', pg_get_statisticsobjdef(s.oid),
                          'target', nullif(s.stxstattarget, -1)), '{}'
  FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
UNION ALL
SELECT 'publication', 'pg_publication'::regclass, p.oid, 0, quote_ident(p.pubname), '',
       quote_ident(p.pubname), NULL, 0, 0, pg_get_userbyid(p.pubowner),
       jsonb_build_object('all_tables', p.puballtables, 'via_root', p.pubviaroot,
           'publish', concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END,
               CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END,
               CASE WHEN p.pubtruncate THEN 'truncate' END)), '{}'
  FROM pg_publication p
UNION ALL
SELECT 'published table', 'pg_publication_rel'::regclass, r.oid, 0, r.prrelid::regclass::text, '',
       r.prrelid::regclass::text, 'pg_publication'::regclass, r.prpubid, 0, NULL,
       jsonb_build_object('where', pg_get_expr(r.prqual, r.prrelid),
           'columns', (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
                         FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]))), '{}'
  FROM pg_publication_rel r
UNION ALL
SELECT 'published schema', 'pg_publication_namespace'::regclass, r.oid, 0, r.pnnspid::regnamespace::text, '',
       r.pnnspid::regnamespace::text, 'pg_publication'::regclass, r.pnpubid, 0, NULL, '{}', '{}'
  FROM pg_publication_namespace r
UNION ALL
SELECT 'event trigger', 'pg_event_trigger'::regclass, v.oid, 0, quote_ident(v.evtname), '',
       quote_ident(v.evtname), NULL, 0, 0, pg_get_userbyid(v.evtowner),
       jsonb_build_object('event', v.evtevent, 'function', v.evtfoid::regproc::text,
           'enabled', v.evtenabled, 'tags', array(SELECT unnest(v.evttags) ORDER BY 1)), '{}'
  FROM pg_event_trigger v
 WHERE NOT EXISTS (SELECT FROM owned e WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = v.oid)
UNION ALL
SELECT 'default grants', 'pg_default_acl'::regclass, d.oid, 0,
       concat_ws(' ', quote_ident(pg_get_userbyid(d.defaclrole)), ns.q, d.defaclobjtype), '', '',
       NULL, 0, 0, NULL,
       jsonb_build_object('role', quote_ident(pg_get_userbyid(d.defaclrole)), 'schema', ns.q,
           'objects', d.defaclobjtype,
           'grants', (SELECT coalesce(jsonb_agg(jsonb_build_array(coalesce(quote_ident(r.rolname), 'PUBLIC'),
                          x.privilege_type, x.is_grantable) ORDER BY r.rolname, x.privilege_type), '[]')
                        FROM aclexplode(d.defaclacl) x LEFT JOIN pg_roles r ON r.oid = x.grantee),
           'usual', (SELECT coalesce(jsonb_agg(jsonb_build_array(coalesce(quote_ident(r.rolname), 'PUBLIC'),
                          x.privilege_type, x.is_grantable) ORDER BY r.rolname, x.privilege_type), '[]')
                        FROM aclexplode(CASE WHEN d.defaclnamespace = 0
                                             THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END,
                                                             d.defaclrole)
                                             END) x LEFT JOIN pg_roles r ON r.oid = x.grantee)), '{}'
  FROM pg_default_acl d LEFT JOIN ns ON ns.oid = d.defaclnamespace
 WHERE d.defaclnamespace = 0 OR ns.oid IS NOT NULL
UNION ALL
SELECT 'other', c.class, c.oid, 0, o.type || ' ' || o.identity, '', o.identity, NULL, 0, 0, NULL,
       jsonb_build_object('row', md5(regexp_replace(c.content, '\m(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|\d{6,})\M', '?', 'g'))), jsonb_build_object('type', o.type)
  FROM (SELECT 'pg_cast'::regclass AS class, oid, (to_jsonb(k) - 'oid')::text AS content FROM pg_cast k
        UNION ALL SELECT 'pg_operator'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_operator k
        UNION ALL SELECT 'pg_opclass'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_opclass k
        UNION ALL SELECT 'pg_opfamily'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_opfamily k
        UNION ALL SELECT 'pg_collation'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_collation k
        UNION ALL SELECT 'pg_conversion'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_conversion k
        UNION ALL SELECT 'pg_language'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_language k
        UNION ALL SELECT 'pg_ts_config'::regclass, oid, concat(to_jsonb(k) - 'oid',
                            (SELECT jsonb_agg(to_jsonb(m) ORDER BY m.maptokentype, m.mapseqno)
                               FROM pg_ts_config_map m WHERE m.mapcfg = k.oid)) FROM pg_ts_config k
        UNION ALL SELECT 'pg_ts_parser'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_ts_parser k
        UNION ALL SELECT 'pg_ts_template'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_ts_template k
        UNION ALL SELECT 'pg_amop'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_amop k
                   WHERE NOT EXISTS (SELECT FROM owned e WHERE e.classid = 'pg_opfamily'::regclass AND e.objid = k.amopfamily)
        UNION ALL SELECT 'pg_amproc'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_amproc k
                   WHERE NOT EXISTS (SELECT FROM owned e WHERE e.classid = 'pg_opfamily'::regclass AND e.objid = k.amprocfamily)
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_ts_dict k
        UNION ALL SELECT 'pg_am'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_am k
        UNION ALL SELECT 'pg_transform'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_transform k
        UNION ALL SELECT 'pg_user_mapping'::regclass, umid, (to_jsonb(k) - 'umid')::text FROM pg_user_mappings k
        UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_foreign_data_wrapper k
        UNION ALL SELECT 'pg_foreign_server'::regclass, oid, (to_jsonb(k) - 'oid')::text FROM pg_foreign_server k
        UNION ALL SELECT 'pg_type'::regclass, k.oid, to_jsonb(k)::text FROM typ k
                   WHERE k.typtype = 'b' AND k.typcategory <> 'A') AS c
 CROSS JOIN LATERAL pg_identify_object(c.class, c.oid, 0) AS o
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM owned e WHERE e.classid = c.class AND e.objid = c.oid)
   AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = c.class AND i.objid = c.oid
                      AND i.deptype = 'i')
)
SELECT kind, class::oid::bigint, oid::bigint, sub, name, schema, bare,
       up_class::oid::bigint, up_oid::bigint, up_sub, owner, props, ids
  FROM found

-- name: grants
SELECT c.class::bigint, c.oid::bigint, c.sub,
       (SELECT coalesce(jsonb_agg(jsonb_build_array(
                   coalesce(quote_ident(r.rolname), 'PUBLIC'), x.privilege_type, x.is_grantable,
                   quote_ident(pg_get_userbyid(x.grantor)))
                   ORDER BY r.rolname NULLS FIRST, x.privilege_type), '[]')
          FROM aclexplode(c.acl) x LEFT JOIN pg_roles r ON r.oid = x.grantee) AS grants
  FROM (SELECT 'pg_class'::regclass::oid AS class, oid, 0 AS sub,
               coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)) AS acl
          FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND oid >= 16384
        UNION ALL
        SELECT 'pg_class'::regclass, attrelid, attnum, attacl FROM pg_attribute
         WHERE attacl IS NOT NULL AND attnum > 0 AND NOT attisdropped AND attrelid >= 16384
        UNION ALL
        SELECT 'pg_proc'::regclass, oid, 0, coalesce(proacl, acldefault('f', proowner))
          FROM pg_proc WHERE oid >= 16384
        UNION ALL
        SELECT 'pg_type'::regclass, oid, 0, coalesce(typacl, acldefault('T', typowner))
          FROM pg_type WHERE oid >= 16384 AND typtype IN ('e', 'd', 'c', 'r')
        UNION ALL
        SELECT 'pg_namespace'::regclass, oid, 0, coalesce(nspacl, acldefault('n', nspowner))
          FROM pg_namespace WHERE nspname !~ '^pg_') AS c

-- name: comments
SELECT classoid::bigint, objoid::bigint, objsubid, description FROM pg_description
 WHERE objoid >= 16384 OR classoid = 'pg_namespace'::regclass

-- name: aliases
-- Objects that belong to another one: what needs the first needs the second.
SELECT 'pg_type'::regclass::oid::bigint AS class, t.oid::bigint, 0 AS sub,
       'pg_class'::regclass::oid::bigint AS to_class, t.typrelid::bigint AS to_oid, 0 AS to_sub
  FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c' WHERE t.oid >= 16384
UNION ALL
SELECT 'pg_class'::regclass::oid::bigint, c.oid::bigint, 0, 'pg_type'::regclass::oid::bigint, c.reltype::bigint, 0
  FROM pg_class c WHERE c.relkind = 'c' AND c.oid >= 16384
UNION ALL
SELECT 'pg_type'::regclass::oid::bigint, t.oid::bigint, 0, 'pg_type'::regclass::oid::bigint, t.typelem::bigint, 0
  FROM pg_type t WHERE t.typelem >= 16384 AND t.typcategory = 'A'
UNION ALL
SELECT 'pg_type'::regclass::oid::bigint, g.rngmultitypid::bigint, 0, 'pg_type'::regclass::oid::bigint, g.rngtypid::bigint, 0
  FROM pg_range g WHERE g.rngtypid >= 16384
UNION ALL
SELECT 'pg_proc'::regclass::oid::bigint, d.objid::bigint, 0, 'pg_type'::regclass::oid::bigint, d.refobjid::bigint, 0
  FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_type'::regclass AND d.deptype = 'i'
UNION ALL
SELECT 'pg_rewrite'::regclass::oid::bigint, w.oid::bigint, 0, 'pg_class'::regclass::oid::bigint, w.ev_class::bigint, 0
  FROM pg_rewrite w WHERE w.rulename = '_RETURN' AND w.oid >= 16384
UNION ALL
SELECT 'pg_attrdef'::regclass::oid::bigint, d.oid::bigint, 0,
       CASE WHEN a.attgenerated <> '' THEN 'pg_class' ELSE 'pg_attrdef' END::regclass::oid::bigint,
       d.adrelid::bigint, d.adnum
  FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
UNION ALL
SELECT 'pg_class'::regclass::oid::bigint, k.conindid::bigint, 0, 'pg_constraint'::regclass::oid::bigint, k.oid::bigint, 0
  FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'x')
UNION ALL
SELECT 'pg_constraint'::regclass::oid::bigint, g.tgconstraint::bigint, 0, 'pg_trigger'::regclass::oid::bigint, g.oid::bigint, 0
  FROM pg_trigger g JOIN pg_constraint k ON k.oid = g.tgconstraint AND k.contype = 't'
UNION ALL
SELECT 'pg_class'::regclass::oid::bigint, d.objid::bigint, 0, 'pg_class'::regclass::oid::bigint, d.refobjid::bigint, d.refobjsubid
  FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
 WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
UNION ALL
SELECT d.classid::bigint, d.objid::bigint, 0, d.refclassid::bigint, d.refobjid::bigint, 0
  FROM pg_depend d WHERE d.deptype = 'e'

-- name: needs
SELECT classid::bigint, objid::bigint, objsubid, refclassid::bigint, refobjid::bigint, refobjsubid
  FROM pg_depend
 WHERE deptype IN ('n', 'a', 'i', 'P', 'S') AND objid >= 16384
   AND (refobjid >= 16384 OR refclassid = 'pg_namespace'::regclass)

-- name: keys
-- The unique keys of each table whose columns are never null, the primary key first.
SELECT i.indrelid::bigint, array(SELECT unnest(i.indkey[0:i.indnkeyatts - 1]))::int[]
  FROM pg_index i
 WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
   AND i.indrelid >= 16384 AND NOT i.indnullsnotdistinct
   AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) AS u(num)
                    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.num
                   WHERE NOT a.attnotnull)
 ORDER BY i.indrelid, NOT i.indisprimary, i.indexrelid

-- name: sequences
SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname) AS name, d.refobjid::bigint, d.refobjsubid
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
       AND d.refclassid = 'pg_class'::regclass
 WHERE c.relkind = 'S' AND n.nspname !~ '^pg_'
   AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')

-- name: roles
SELECT quote_ident(r.rolname) AS name,
       jsonb_build_object('super', r.rolsuper, 'inherit', r.rolinherit, 'createrole', r.rolcreaterole,
           'createdb', r.rolcreatedb, 'login', r.rolcanlogin, 'replication', r.rolreplication,
           'bypass', r.rolbypassrls, 'limit', r.rolconnlimit, 'until', r.rolvaliduntil,
           'config', (SELECT array_agg(c ORDER BY c) FROM pg_db_role_setting s, unnest(s.setconfig) c
                       WHERE s.setrole = r.oid AND s.setdatabase = 0),
           'member_of', (SELECT array_agg(quote_ident(g.rolname) ORDER BY g.rolname)
                           FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                          WHERE m.member = r.oid)) AS props
  FROM pg_roles r WHERE r.rolname !~ '^pg_'

-- name: written
-- The tables of this fresh database that were written to since it was made.
SELECT relid::bigint FROM pg_stat_user_tables
 WHERE n_tup_ins + n_tup_upd + n_tup_del > 0

-- name: casts
SELECT format_type(castsource, NULL), format_type(casttarget, NULL) FROM pg_cast
 WHERE castsource < 16384 AND casttarget < 16384 AND castmethod <> 'i'

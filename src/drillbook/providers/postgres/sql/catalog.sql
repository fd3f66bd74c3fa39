-- name: settle
-- What definitions look like must not depend on the session, the role or the server's settings.
SELECT pg_catalog.set_config('search_path', 'pg_catalog', true),
       pg_catalog.set_config('quote_all_identifiers', 'off', true),
       pg_catalog.set_config('DateStyle', 'ISO, YMD', true),
       pg_catalog.set_config('IntervalStyle', 'postgres', true),
       pg_catalog.set_config('TimeZone', 'UTC', true),
       pg_catalog.set_config('bytea_output', 'hex', true),
       pg_catalog.set_config('extra_float_digits', '1', true)

-- name: objects
-- Kind, name and definition of everything a schema is made of, without OIDs and without order.
-- Left out: what belongs to extensions, Drillbook's own schema, Supabase's own schemas.
WITH owned AS (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
),
ns AS (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl
      FROM pg_namespace n
     WHERE n.nspname !~ '^pg_'
       AND n.nspname NOT IN ('information_schema', 'drillbook', 'supabase_migrations')
       AND pg_get_userbyid(n.nspowner) !~ '^supabase_'
       AND NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid)
),
rel AS (
    SELECT c.*, format('%I.%I', ns.nspname, c.relname) AS full_name
      FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
),
typ AS (
    SELECT t.*, format('%I.%I', ns.nspname, t.typname) AS full_name
      FROM pg_type t JOIN ns ON ns.oid = t.typnamespace
     WHERE (t.typtype IN ('e', 'd', 'r')
            OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c
                                             WHERE c.oid = t.typrelid AND c.relkind = 'c')))
       AND NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
),
fun AS (
    SELECT p.*, p.oid::regprocedure::text AS full_name
      FROM pg_proc p JOIN ns ON ns.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM owned e
                        WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
)
SELECT 'schema' AS kind, quote_ident(nspname) AS name,
       concat_ws(' | ', pg_get_userbyid(nspowner),
                 array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                                     CASE WHEN x.is_grantable THEN '*' END)
                         FROM aclexplode(coalesce(nspacl, acldefault('n', nspowner))) x
                         LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1)) AS definition
  FROM ns
UNION ALL
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
                      WHEN 'f' THEN 'foreign table' ELSE 'table' END,
       c.full_name,
       concat_ws(' | ', c.relkind, c.relpersistence, pg_get_userbyid(c.relowner),
                 concat('rls ', c.relrowsecurity, c.relforcerowsecurity), c.relreplident,
                 array(SELECT unnest(c.reloptions) ORDER BY 1),
                 (SELECT amname FROM pg_am a WHERE a.oid = c.relam),
                 pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
                 array(SELECT i.inhparent::regclass::text FROM pg_inherits i
                        WHERE i.inhrelid = c.oid ORDER BY 1),
                 CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
                 CASE WHEN NOT c.relispopulated THEN 'not populated' END,
                 (SELECT concat_ws(' ', s.srvname, array(SELECT unnest(f.ftoptions) ORDER BY 1))
                    FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
                   WHERE f.ftrelid = c.oid))
  FROM rel c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'grants on', c.full_name,
       array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                           CASE WHEN x.is_grantable THEN '*' END)
               FROM aclexplode(coalesce(c.relacl,
                        acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                   c.relowner))) x
               LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1)::text
  FROM rel c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT 'column', format('%s.%I', c.full_name, a.attname),
       concat_ws(' | ', format_type(a.atttypid, a.atttypmod),
                 CASE WHEN a.attnotnull THEN 'not null' END,
                 concat('identity ', a.attidentity), concat('generated ', a.attgenerated),
                 pg_get_expr(d.adbin, d.adrelid),
                 CASE WHEN a.attcollation <> t.typcollation
                      THEN 'collate ' || a.attcollation::regcollation::text END,
                 CASE WHEN a.attstorage <> t.typstorage THEN concat('storage ', a.attstorage) END,
                 concat('compression ', a.attcompression),
                 'statistics ' || nullif(a.attstattarget, -1),
                 array(SELECT unnest(a.attoptions) ORDER BY 1),
                 array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                                     CASE WHEN x.is_grantable THEN '*' END)
                         FROM aclexplode(a.attacl) x
                         LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1))
  FROM rel c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE c.relkind IN ('r', 'p', 'f')
    OR (c.relkind IN ('v', 'm') AND (a.attacl IS NOT NULL OR d.adbin IS NOT NULL))
UNION ALL
SELECT 'constraint', format('%s.%I', coalesce(c.full_name, y.full_name), k.conname),
       pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' unvalidated' END
  FROM pg_constraint k
  LEFT JOIN rel c ON c.oid = k.conrelid
  LEFT JOIN typ y ON y.oid = k.contypid
 WHERE k.contype NOT IN ('n', 't') AND coalesce(c.full_name, y.full_name) IS NOT NULL
UNION ALL
SELECT 'index', c.full_name,
       concat_ws(' | ', pg_get_indexdef(i.indexrelid),
                 CASE WHEN NOT i.indisvalid THEN 'invalid' END,
                 CASE WHEN i.indisclustered THEN 'clustered' END,
                 CASE WHEN i.indisreplident THEN 'replica identity' END,
                 (SELECT h.inhparent::regclass::text FROM pg_inherits h
                   WHERE h.inhrelid = c.oid))
  FROM rel c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.relkind IN ('i', 'I')
UNION ALL
SELECT 'trigger', format('%s.%I', c.full_name, g.tgname),
       concat_ws(' | ', pg_get_triggerdef(g.oid), g.tgenabled)
  FROM pg_trigger g JOIN rel c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal
UNION ALL
SELECT 'rule', format('%s.%I', c.full_name, w.rulename),
       concat_ws(' | ', pg_get_ruledef(w.oid), w.ev_enabled)
  FROM pg_rewrite w JOIN rel c ON c.oid = w.ev_class WHERE w.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', format('%s.%I', c.full_name, p.polname),
       concat_ws(' | ', p.polcmd, p.polpermissive,
                 array(SELECT coalesce(r.rolname, 'PUBLIC')
                         FROM unnest(p.polroles) AS u(role)
                         LEFT JOIN pg_roles r ON r.oid = u.role ORDER BY 1),
                 'using ' || pg_get_expr(p.polqual, p.polrelid),
                 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy p JOIN rel c ON c.oid = p.polrelid
UNION ALL
SELECT CASE f.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       f.full_name,
       concat_ws(' | ', pg_get_userbyid(f.proowner),
                 CASE WHEN f.prokind <> 'a' THEN pg_get_functiondef(f.oid) END,
                 (SELECT concat_ws(' ', a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggkind,
                                   format_type(a.aggtranstype, NULL), a.agginitval,
                                   format_type(f.prorettype, NULL), a.aggfinalmodify)
                    FROM pg_aggregate a WHERE a.aggfnoid = f.oid))
  FROM fun f
UNION ALL
SELECT 'grants on', f.full_name,
       array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                           CASE WHEN x.is_grantable THEN '*' END)
               FROM aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) x
               LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1)::text
  FROM fun f
UNION ALL
SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type'
                      ELSE 'composite type' END,
       t.full_name,
       concat_ws(' | ', pg_get_userbyid(t.typowner),
                 array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                                     CASE WHEN x.is_grantable THEN '*' END)
                         FROM aclexplode(coalesce(t.typacl, acldefault('T', t.typowner))) x
                         LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1),
                 CASE WHEN t.typtype = 'e' THEN
                      array(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid
                             ORDER BY e.enumsortorder)::text END,
                 CASE WHEN t.typtype = 'd' THEN
                      concat_ws(' ', format_type(t.typbasetype, t.typtypmod), t.typdefault,
                                CASE WHEN t.typnotnull THEN 'not null' END,
                                t.typcollation::regcollation::text) END,
                 CASE WHEN t.typtype = 'c' THEN
                      array(SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod))
                              FROM pg_attribute a
                             WHERE a.attrelid = t.typrelid AND a.attnum > 0
                               AND NOT a.attisdropped ORDER BY a.attnum)::text END,
                 (SELECT concat_ws(' ', format_type(g.rngsubtype, NULL), g.rngcanonical,
                                   g.rngsubdiff)
                    FROM pg_range g WHERE g.rngtypid = t.oid))
  FROM typ t
UNION ALL
SELECT 'sequence', c.full_name,
       concat_ws(' | ', pg_get_userbyid(c.relowner), format_type(s.seqtypid, NULL), s.seqstart,
                 s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle,
                 (SELECT format('%s.%s', d.refobjid::regclass, a.attname)
                    FROM pg_depend d
                    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                     AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0))
  FROM pg_sequence s JOIN rel c ON c.oid = s.seqrelid
UNION ALL
SELECT 'extension', quote_ident(x.extname), n.nspname
  FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
UNION ALL
SELECT 'extension version', quote_ident(x.extname), x.extversion FROM pg_extension x
UNION ALL
-- Not its connection, which holds a password, and not whether it runs, which no dump brings back.
SELECT 'subscription', quote_ident(u.subname),
       concat_ws(' | ', pg_get_userbyid(u.subowner), u.subslotname,
                 array(SELECT unnest(u.subpublications) ORDER BY 1), u.subsynccommit, u.subbinary)
  FROM pg_subscription u
 WHERE u.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
-- Not its options, which hold passwords.
SELECT 'user mapping', concat_ws(' ', coalesce(nullif(m.usename, ''), 'public'), m.srvname), 'exists'
  FROM pg_user_mappings m
UNION ALL
SELECT 'security label on', o.type || ' ' || o.identity, concat_ws(' ', l.provider, l.label)
  FROM pg_seclabel l CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS o
 WHERE l.objoid >= 16384
UNION ALL
SELECT 'publication', quote_ident(p.pubname),
       concat_ws(' | ', pg_get_userbyid(p.pubowner), p.puballtables, p.pubinsert, p.pubupdate,
                 p.pubdelete, p.pubtruncate, p.pubviaroot,
                 array(SELECT concat_ws(' ', r.prrelid::regclass::text,
                                        pg_get_expr(r.prqual, r.prrelid),
                                        (SELECT string_agg(a.attname, ',' ORDER BY a.attname)
                                           FROM pg_attribute a
                                          WHERE a.attrelid = r.prrelid
                                            AND a.attnum = ANY (r.prattrs::int2[])))
                         FROM pg_publication_rel r WHERE r.prpubid = p.oid ORDER BY 1),
                 array(SELECT n.pnnspid::regnamespace::text
                         FROM pg_publication_namespace n WHERE n.pnpubid = p.oid ORDER BY 1))
  FROM pg_publication p
UNION ALL
SELECT 'event trigger', quote_ident(v.evtname),
       concat_ws(' | ', v.evtevent, pg_get_userbyid(v.evtowner), v.evtfoid::regprocedure::text,
                 v.evtenabled, array(SELECT unnest(v.evttags) ORDER BY 1))
  FROM pg_event_trigger v
 WHERE NOT EXISTS (SELECT FROM owned e
                    WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = v.oid)
UNION ALL
SELECT 'statistics', format('%I.%I', ns.nspname, s.stxname), pg_get_statisticsobjdef(s.oid)
  FROM pg_statistic_ext s JOIN ns ON ns.oid = s.stxnamespace
UNION ALL
SELECT 'default grants', concat_ws(' ', pg_get_userbyid(d.defaclrole), ns.nspname,
                                   d.defaclobjtype),
       array(SELECT concat(coalesce(r.rolname, 'PUBLIC'), ':', x.privilege_type,
                           CASE WHEN x.is_grantable THEN '*' END)
               FROM aclexplode(d.defaclacl) x
               LEFT JOIN pg_roles r ON r.oid = x.grantee ORDER BY 1)::text
  FROM pg_default_acl d LEFT JOIN ns ON ns.oid = d.defaclnamespace
 WHERE d.defaclnamespace = 0 OR ns.oid IS NOT NULL
UNION ALL
SELECT o.type, o.identity, c.definition
  FROM (SELECT 'pg_cast'::regclass AS class, oid,
               concat_ws(' ', castcontext, castmethod, nullif(castfunc, 0)::regprocedure) AS definition
          FROM pg_cast
        UNION ALL
        SELECT 'pg_operator'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(oprowner), oprcode, nullif(oprcom, 0)::regoperator,
                         nullif(oprnegate, 0)::regoperator, oprrest, oprjoin, oprcanmerge, oprcanhash)
          FROM pg_operator
        UNION ALL
        SELECT 'pg_opclass'::regclass, k.oid,
               concat_ws(' ', pg_get_userbyid(opcowner), opcdefault, opcintype::regtype,
                         nullif(opckeytype, 0)::regtype,
                         array(SELECT concat_ws(' ', amprocnum, amproc) FROM pg_amproc p
                                WHERE p.amprocfamily = k.opcfamily
                                  AND p.amproclefttype = k.opcintype ORDER BY 1))
          FROM pg_opclass k
        UNION ALL
        SELECT 'pg_opfamily'::regclass, f.oid,
               concat_ws(' ', pg_get_userbyid(opfowner),
                         array(SELECT concat_ws(' ', amopstrategy, amopopr::regoperator)
                                 FROM pg_amop p WHERE p.amopfamily = f.oid ORDER BY 1))
          FROM pg_opfamily f
        UNION ALL
        SELECT 'pg_collation'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(collowner), collprovider, collisdeterministic,
                         collcollate, collctype)
          FROM pg_collation
        UNION ALL
        SELECT 'pg_conversion'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(conowner), conforencoding, contoencoding, conproc,
                         condefault)
          FROM pg_conversion
        UNION ALL
        SELECT 'pg_language'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(lanowner), lanpltrusted, lanplcallfoid::regproc,
                         array(SELECT unnest(lanacl)::text ORDER BY 1))
          FROM pg_language
        UNION ALL
        SELECT 'pg_ts_config'::regclass, t.oid,
               concat_ws(' ', pg_get_userbyid(cfgowner),
                         array(SELECT concat_ws(' ', maptokentype, mapseqno, mapdict::regdictionary)
                                 FROM pg_ts_config_map m WHERE m.mapcfg = t.oid
                                ORDER BY maptokentype, mapseqno))
          FROM pg_ts_config t
        UNION ALL
        SELECT 'pg_ts_dict'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(dictowner), dictinitoption)
          FROM pg_ts_dict
        UNION ALL
        SELECT 'pg_foreign_data_wrapper'::regclass, oid,
               concat_ws(' ', pg_get_userbyid(fdwowner), nullif(fdwhandler, 0)::regproc,
                         nullif(fdwvalidator, 0)::regproc,
                         array(SELECT unnest(fdwacl)::text ORDER BY 1))
          FROM pg_foreign_data_wrapper
        UNION ALL
        SELECT 'pg_foreign_server'::regclass, s.oid,
               concat_ws(' ', pg_get_userbyid(srvowner), srvtype, srvversion,
                         (SELECT fdwname FROM pg_foreign_data_wrapper w WHERE w.oid = s.srvfdw),
                         array(SELECT unnest(srvoptions) ORDER BY 1),
                         array(SELECT unnest(srvacl)::text ORDER BY 1))
          FROM pg_foreign_server s) AS c
 CROSS JOIN LATERAL pg_identify_object(c.class, c.oid, 0) AS o
 WHERE c.oid >= 16384
   AND (o.schema IS NULL OR o.schema IN (SELECT quote_ident(nspname) FROM ns))
   AND NOT EXISTS (SELECT FROM owned e WHERE e.classid = c.class AND e.objid = c.oid)
UNION ALL
SELECT 'comment on', o.type || ' ' || o.identity, d.description
  FROM pg_description d
 CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) AS o
 WHERE d.objoid >= 16384
   AND d.classoid IN ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass,
                      'pg_constraint'::regclass, 'pg_trigger'::regclass, 'pg_policy'::regclass,
                      'pg_namespace'::regclass, 'pg_rewrite'::regclass,
                      'pg_statistic_ext'::regclass, 'pg_publication'::regclass,
                      'pg_event_trigger'::regclass, 'pg_cast'::regclass, 'pg_operator'::regclass,
                      'pg_collation'::regclass, 'pg_language'::regclass, 'pg_ts_config'::regclass,
                      'pg_ts_dict'::regclass, 'pg_foreign_server'::regclass,
                      'pg_foreign_data_wrapper'::regclass)
   AND NOT EXISTS (SELECT FROM owned e WHERE e.classid = d.classoid AND e.objid = d.objoid)
   AND coalesce(o.schema, split_part(o.identity, ' on ', 2), o.identity) !~ '^(drillbook|supabase_migrations)(\.|$)'
   AND split_part(o.identity, ' on ', 2) !~ '^(drillbook|supabase_migrations)\.'
   AND (o.schema IS NULL OR o.schema IN (SELECT quote_ident(nspname) FROM ns))

-- name: unfinished
SELECT 'index' AS kind, i.indexrelid::regclass::text AS name
  FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid
  JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE NOT i.indisvalid AND c.relkind = 'i'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
UNION ALL
SELECT 'constraint', format('%s.%I', k.conrelid::regclass, k.conname)
  FROM pg_constraint k
  JOIN pg_namespace n ON n.oid = k.connamespace
 WHERE NOT k.convalidated
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
 ORDER BY 1, 2

-- name: tables
-- All tables with rows of their own, by their full names.
SELECT format('%I.%I', n.nspname, c.relname) AS name
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence = 'p'
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'drillbook')
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                      AND e.deptype = 'e')
 ORDER BY 1

-- Rules that let a store be cut in parts by namespace, on one machine or many: docs/howto/scale-out.md, src/scale/README.md.
-- Each query returns what breaks a rule: no rows, but where it says otherwise.
SET client_min_messages = warning;
SET search_path = public, agentmem;

-- Stores with all that a store can have.
SELECT create_store('rules_plain', dimensions => 3), create_store('rules_parts', dimensions => 3, partitions => 4), create_store('rules_text');
DO $$
DECLARE
  s name;
BEGIN
  FOREACH s IN ARRAY '{rules_plain,rules_parts}'::name[] LOOP
    EXECUTE format($q$INSERT INTO %I.setting VALUES ('access_log', 'on'), ('embed_jobs', 'on'), ('concepts', '4'), ('summaries', '2'), ('communities', '3'), ('similar', '1'), ('importance', 'rank')$q$, s);
    PERFORM agentmem.add_kind(s, 'ticket', 'working', 'A ticket', '{"number": {"type": "int", "required": true}, "labels": "text[]"}');
    PERFORM agentmem.add_edge_type(s, 'odd', 1, true, 'x'), agentmem.set_cache_category(s, 'talk', 0.5);
    PERFORM agentmem.remember(s, 'a', 'Anna lives in Rome', 'fact', '[1,0,0]', subject => 'Anna', predicate => 'lives in');
    PERFORM agentmem.begin_space(s, 4, 'new');
    PERFORM agentmem.enable_row_security(s);
  END LOOP;
END $$;

CREATE TEMP VIEW store_table AS
  SELECT c.oid, c.oid::regclass AS relation, c.relname, n.nspname, c.relkind,
    c.relname IN ('setting', 'kind', 'kind_attribute', 'predicate', 'edge_type', 'cache_category') AS policy
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname IN ('rules_plain', 'rules_parts', 'rules_text') AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
SELECT nspname, relkind, count(*) >= 15 AS enough FROM store_table WHERE relkind IN ('r', 'v') GROUP BY 1, 2 ORDER BY 1, 2;
CREATE TEMP VIEW func AS
  SELECT p.*, p.oid::regprocedure AS object, l.lanname,
    p.proargnames[1] = 'store' AND p.proargtypes[0] = 'name'::regtype AND p.proargnames[2] = 'namespace' AS routed
  FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid JOIN pg_language l ON l.oid = p.prolang
  WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
    AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem');
SELECT count(*) > 90 AS enough FROM func WHERE routed;

-- 1. namespace text COLLATE "C" NOT NULL is the first column of every data table; of a partition too.
SELECT t.relation FROM store_table t
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = 1 AND a.attname = 'namespace'
  AND a.atttypid = 'text'::regtype AND a.attcollation = '"C"'::regcollation AND (a.attnotnull OR t.relkind = 'v')
WHERE NOT t.policy AND a.attnum IS NULL
ORDER BY t.relation::text COLLATE "C";
-- It comes by itself: not by a default, nor from other columns.
SELECT t.relation FROM store_table t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = 1
WHERE NOT t.policy AND a.atthasdef
ORDER BY t.relation::text COLLATE "C";
-- Where a function says of whom, it is its second argument, and of the column's type.
SELECT object FROM func
WHERE 'namespace' = ANY (proargnames[1:pronargs]) AND proargnames[1] = 'store'
  AND NOT (routed AND proargtypes[1] = 'text'::regtype)
  -- These choose among namespaces: for dispatchers, which ask each part.
  AND proname NOT IN ('maintain', 'namespaces', 'claim_jobs', 'create_table', 'retry_jobs')
ORDER BY object::text COLLATE "C";
-- No statement moves a row to another namespace.
SELECT object FROM func WHERE prosrc ~* '\mset\s+(\(\s*)?namespace\M' ORDER BY object::text COLLATE "C";
-- Partitions are by hash of it, all tables of a store alike: what belongs together is found by the same remainder.
SELECT t.relation, pg_get_partkeydef(t.oid) AS by, count(i.inhrelid) AS partitions FROM store_table t LEFT JOIN pg_inherits i ON i.inhparent = t.oid
WHERE t.nspname = 'rules_parts' AND t.relkind = 'p' GROUP BY 1, 2 HAVING pg_get_partkeydef(t.oid) <> 'HASH (namespace)' OR count(i.inhrelid) <> 4;
SELECT t.relation FROM store_table t
WHERE t.nspname = 'rules_parts' AND t.relkind = 'r' AND NOT t.policy AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = t.oid);

-- 2. It is in every key, compared with =; a foreign key starts with it, and deletes or keeps, but sets no column NULL.
SELECT t.relation, i.indexrelid::regclass AS index FROM store_table t JOIN pg_index i ON i.indrelid = t.oid
WHERE NOT t.policy AND (i.indisunique OR i.indisexclusion) AND NOT 1 = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
ORDER BY 1, 2;
SELECT t.relation, x.conname FROM store_table t JOIN pg_constraint x ON x.conrelid = t.oid AND x.contype = 'x'
WHERE NOT EXISTS (SELECT FROM unnest(x.conkey, x.conexclop) k (attnum, operator)
                  JOIN pg_operator o ON o.oid = k.operator WHERE k.attnum = 1 AND o.oprname = '=')
ORDER BY 1, 2;
SELECT t.relation, x.conname FROM store_table t JOIN pg_constraint x ON x.conrelid = t.oid AND x.contype = 'f'
WHERE NOT t.policy AND (x.conkey[1] <> 1 OR x.confkey[1] <> 1) OR x.confdeltype NOT IN ('a', 'c') OR x.confupdtype NOT IN ('a', 'c')
ORDER BY 1, 2;
-- Other indexes begin with it too, or have it in the expression that they are of. (The ids in a list are looked up among all, and
-- there are few with one id; jobs are looked for of any namespace, part by part.)
SELECT t.relation, i.indexrelid::regclass AS index FROM store_table t JOIN pg_index i ON i.indrelid = t.oid
WHERE NOT t.policy AND i.indkey[0] <> 1 AND pg_get_indexdef(i.indexrelid) !~ '\mnamespace\M' AND t.relkind = 'r' AND t.nspname = 'rules_plain'
  AND i.indexrelid::regclass::text NOT IN ('rules_plain.audit_ids_idx', 'rules_plain.job_ids_idx', 'rules_plain.job_ready_idx')
ORDER BY 1, 2;

-- 3. Policy tables hold nothing of a namespace.
SELECT t.relation FROM store_table t JOIN pg_attribute a ON a.attrelid = t.oid
WHERE t.policy AND a.attname = 'namespace'
ORDER BY t.relation::text COLLATE "C";

-- 4. The tables are the user's, not members of the extension. (Its one table says what workers of this server did.)
SELECT pg_describe_object(d.classid, d.objid, 0) AS object
FROM pg_depend d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
WHERE d.deptype = 'e' AND (c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'rules\_%')
  OR c.relkind IN ('r', 'p', 'S') AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem'))
ORDER BY 1;

-- 5. Ids come from a sequence of the store, by a default and not as identity.
SELECT t.relation, a.attname FROM store_table t JOIN pg_attribute a ON a.attrelid = t.oid WHERE a.attidentity <> '' ORDER BY 1, 2;
SELECT DISTINCT t.relname, a.attname, pg_get_expr(d.adbin, d.adrelid) AS from_sequence
FROM store_table t JOIN pg_attrdef d ON d.adrelid = t.oid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.adnum
WHERE t.nspname = 'rules_plain' AND t.relkind = 'r' AND pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval%' ORDER BY 1, 2;
SELECT c.relname, y.data_type FROM pg_class c JOIN pg_sequences y ON y.sequencename = c.relname AND y.schemaname = 'rules_plain'
WHERE c.relnamespace = 'rules_plain'::regnamespace AND c.relkind = 'S' ORDER BY 1;

-- 6. Triggers on tables: these, and no other.
SELECT DISTINCT t.relname, g.tgname FROM store_table t JOIN pg_trigger g ON g.tgrelid = t.oid
WHERE NOT g.tgisinternal AND t.relkind IN ('p', 'r') AND t.nspname = 'rules_plain' ORDER BY 1, 2;
SELECT t.relation, r.rulename FROM store_table t JOIN pg_rewrite r ON r.ev_class = t.oid WHERE t.relkind <> 'v';

-- 7. In an index of vectors the key is text; classes of whole numbers take constants of the shorter types.
SELECT i.indexrelid::regclass AS index FROM store_table t JOIN pg_index i ON i.indrelid = t.oid
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam AND m.amname = 'ivfbq'
WHERE (SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]) <> 'text'::regtype;
SELECT l.t AS key, r.t AS constant FROM unnest('{int2,int4,int8}'::regtype[]) l(t), unnest('{int2,int4,int8}'::regtype[]) r(t)
WHERE NOT EXISTS (SELECT FROM pg_amop o JOIN pg_am m ON m.oid = o.amopmethod
                  WHERE m.amname = 'ivfbq' AND o.amoplefttype = l.t AND o.amoprighttype = r.t AND o.amopopr = format('pg_catalog.=(%s,%s)', l.t, r.t)::regoperator)
ORDER BY l.t, r.t;

-- 8. C or plpgsql with concrete types; no procedure, which no engine passes on: maintain_all commits, and is called where the caller is.
SELECT object, lanname, prokind FROM func
WHERE lanname NOT IN ('c', 'internal', 'plpgsql') OR (prokind = 'p' AND proname <> 'maintain_all') OR provariadic <> 0
   OR EXISTS (SELECT FROM unnest(proallargtypes || proargtypes::oid[] || prorettype) t JOIN pg_type ON pg_type.oid = t WHERE typname LIKE 'any%')
ORDER BY object::text COLLATE "C";
-- What is passed on by name has one function of a name.
SELECT proname FROM func WHERE proargnames[1] = 'store' GROUP BY proname HAVING count(*) > 1 ORDER BY proname COLLATE "C";

-- 9. Every table in a statement is under a condition on its namespace: an alias of a data table has one, or is what is inserted into.
--    (Of functions in plpgsql, as far as text tells; what C runs is seen in partitions: test/tap/530_partitions.pl.)
SELECT f.object, m.alias FROM func f,
  LATERAL (SELECT DISTINCT x.i[1] AS before, x.i[2] AS relation, x.i[3] AS alias
           FROM regexp_matches(f.prosrc, '(\w+) %(?:\d\$)?I\.(\w+) (?:AS )?(\w+)', 'g') x(i)) m
WHERE f.routed AND m.before IN ('FROM', 'JOIN', 'UPDATE', 'USING') AND m.relation IN (SELECT t.relname FROM store_table t WHERE NOT t.policy)
  AND f.prosrc !~ ('\m' || m.alias || '\.namespace\M') AND f.prosrc !~ ('\(' || m.alias || '\.namespace')
ORDER BY f.object::text COLLATE "C", m.alias;

-- 11. Operators can be passed on and are found in an index, types travel in binary.
SELECT o.oid::regoperator, provolatile, proisstrict, proparallel
FROM pg_depend d JOIN pg_operator o ON d.classid = 'pg_operator'::regclass AND d.objid = o.oid JOIN pg_proc p ON p.oid = o.oprcode
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem')
  AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')
ORDER BY 1;
SELECT t.oid::regtype FROM pg_depend d JOIN pg_type t ON d.classid = 'pg_type'::regclass AND d.objid = t.oid
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem')
  AND t.typtype = 'b' AND t.typcategory <> 'A' AND (t.typsend = 0 OR t.typreceive = 0)
ORDER BY 1;

-- 12. No MERGE, and nothing volatile in what changes or deletes rows.
SELECT object FROM func WHERE prosrc ~* '\mmerge\s+into\M' ORDER BY object::text COLLATE "C";
SELECT object, m.i[1] FROM func,
  LATERAL regexp_matches(prosrc, '''(?:[^'']|'''')*\m(?:UPDATE|DELETE FROM) %(?:[^'']|'''')*?\m(random|clock_timestamp|timeofday|nextval|gen_random_uuid|setval)\M', 'g') m(i)
WHERE lanname = 'plpgsql' ORDER BY object::text COLLATE "C";
-- Policies are one function of the row's namespace, without a subquery; they are on every data table.
SELECT DISTINCT pg_get_expr(p.polqual, p.polrelid) AS condition, pg_get_expr(p.polwithcheck, p.polrelid) AS checked, p.polroles
FROM pg_policy p JOIN store_table t ON t.oid = p.polrelid;
SELECT t.relation FROM store_table t
WHERE NOT t.policy AND t.relkind IN ('r', 'p') AND t.nspname <> 'rules_text' AND NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid)
ORDER BY t.relation::text COLLATE "C";

-- 13. Locks are of rows: none that are advisory, and none kept over the end of a transaction.
SELECT object FROM func WHERE prosrc ~* 'advisory|\mlisten\M' ORDER BY object::text COLLATE "C";

DROP VIEW store_table, func;
SELECT drop_store('rules_plain', cascade => true), drop_store('rules_parts', cascade => true), drop_store('rules_text', cascade => true);

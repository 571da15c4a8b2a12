-- Rules that the objects of the extension and the tables of a store keep.  Each query
-- returns what breaks a rule: no rows.

CREATE TEMP VIEW member AS
  SELECT classid, objid, pg_describe_object(classid, objid, 0) AS object
  FROM pg_depend
  WHERE deptype = 'e' AND refclassid = 'pg_extension'::regclass
    AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'agentmem');
CREATE TEMP VIEW func AS
  SELECT p.*, m.object, l.lanname
  FROM member m JOIN pg_proc p ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
  JOIN pg_language l ON l.oid = p.prolang;
-- So that an empty answer means something.
SELECT count(*) > 50 AS enough FROM member;

-- Everything has a comment.  A composite type's is on the type; the array types and the
-- row types of views that come by themselves need none.
SELECT object FROM member
WHERE obj_description(objid, classid::regclass::name) IS NULL
  AND NOT (classid = 'pg_class'::regclass AND objid IN (SELECT oid FROM pg_class WHERE relkind = 'c'))
  AND NOT (classid = 'pg_type'::regclass AND objid IN (
    SELECT t.oid FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
    WHERE t.typcategory = 'A' OR c.relkind <> 'c'))
ORDER BY object COLLATE "C";

-- Whatever has a schema is in that of the extension, which is a member itself, of their owner, who alone may create there.
SELECT object FROM member WHERE (pg_identify_object(classid, objid, 0)).schema <> 'agentmem' ORDER BY object COLLATE "C";
SELECT nspname FROM pg_namespace n
WHERE nspname = 'agentmem' AND (NOT EXISTS (SELECT FROM member WHERE classid = 'pg_namespace'::regclass AND objid = n.oid)
  OR nspowner <> ALL (SELECT proowner FROM func)
  OR EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee <> nspowner AND privilege_type <> 'USAGE'));

-- Functions: what is not marked is VOLATILE and PARALLEL UNSAFE, so whatever has to be both
-- is named here.
SELECT object, provolatile, proparallel FROM func
WHERE proparallel = 'u'
  -- A block with EXCEPTION is a subtransaction, which is an error in a parallel plan before 17.
  AND proname NOT IN ('plain_interval', 'count_unfinished', 'list_maintenance', 'store_interval', 'store_number', 'attribute_time', 'plan_sweep')
  AND (provolatile <> 'v' OR proname NOT IN
  ('remember', 'remember_many', 'revise', 'forget', 'forget_where', 'feedback', 'restore', 'resolve', 'erase', 'hold', 'release', 'import', 'create_store', 'drop_store', 'create_table',
   'create_change_tables', 'create_access_tables', 'reveal', 'enable_row_security', 'disable_row_security', 'upgrade_store', 'comment_columns', 'ivfbq_scrub', 'add_kind', 'alter_kind', 'retire_kind', 'create_attribute_table', 'see_all_memories', 'create_versioning',
   'declare_attributes', 'create_kind_view', 'drop_kind_views', 'write_kind_view', 'memory_guard', 'versioning', 'create_history', 'link', 'unlink', 'add_edge_type', 'create_job_table', 'enqueue_job', 'enqueue_embeddings', 'claim_jobs', 'heartbeat_job', 'complete_job', 'fail_job', 'retry_jobs', 'maintain', 'maintain_all', 'apply_expire', 'apply_sweep', 'apply_statistics', 'claim_namespace', 'postpone_namespace', 'lock_memories', 'lock_rows', 'start_worker', 'stop_worker', 'create_cache_tables', 'change_cache_space', 'set_cache_category', 'cache_load', 'cache_get', 'cache_put', 'cache_claim', 'cache_release', 'cache_forget', 'cache_clear', 'cache_sweep', 'apply_cache', 'clear_next_embedding', 'own_space', 'begin_space', 'enqueue_space', 'switch_space', 'cancel_space', 'rename_space_index', 'apply_fold', 'apply_summaries', 'put_summary', 'write_digests', 'apply_communities', 'plan_promotion', 'apply_promotion', 'recurrences', 'queue_reflection', 'plan_duplicates', 'apply_duplicates', 'compare_memories', 'merge_memories', 'plan_conflicts', 'apply_conflicts', 'keep_memories', 'plan_links', 'apply_links', 'apply_concepts', 'mention_concepts', 'apply_importance', 'set_namespace', 'apply_quota', 'apply_purge', 'erase_names', 'purge_locks', 'apply_jobs', 'copy_column_grants', 'shard_of', 'local_shards', 'one_by_one', 'distribute'))
ORDER BY object COLLATE "C";
-- plpgsql pins search_path; C has no SET clause, which would cost on each call.
SELECT object, lanname, proconfig FROM func
WHERE CASE WHEN lanname IN ('c', 'internal') THEN proconfig IS NOT NULL
           ELSE NOT coalesce(proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}' END
  -- A procedure that commits cannot have one: it names the schema of everything.
  AND object NOT LIKE '%agentmem.maintain_all(%'
ORDER BY object COLLATE "C";
SELECT object FROM func WHERE prosecdef ORDER BY object COLLATE "C";
-- Stores, plain and partitioned; what they need to be distributed is in distributed_rules.sql.
SELECT agentmem.create_store('catalog_store', dimensions => 3);
SELECT agentmem.create_store('catalog_partitioned', dimensions => 3, partitions => 4);
CREATE TEMP VIEW store_table AS
  SELECT c.oid, c.oid::regclass AS relation, c.relname
  FROM pg_class c
  WHERE c.relnamespace IN ('catalog_store'::regnamespace, 'catalog_partitioned'::regnamespace)
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
SELECT count(*) >= 12 AS enough FROM store_table;

-- Tables, columns and sequences of a store say what they are.
SELECT c.oid::regclass AS relation FROM pg_class c
WHERE c.relnamespace IN ('catalog_store'::regnamespace, 'catalog_partitioned'::regnamespace)
  AND c.relkind NOT IN ('i', 'I', 't') AND obj_description(c.oid, 'pg_class') IS NULL
ORDER BY c.oid::regclass::text COLLATE "C";
SELECT t.relation, a.attname FROM store_table t
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE col_description(t.oid, a.attnum) IS NULL
ORDER BY t.relation::text COLLATE "C", a.attnum;

DROP VIEW store_table;
SELECT agentmem.drop_store('catalog_store');
SELECT agentmem.drop_store('catalog_partitioned');

-- Maintenance: tables that VACUUM does not come to (src/consolidate/README.md, "Indexes").
\set VERBOSITY terse
SELECT agentmem.create_store('heap', dimensions => 3);
ALTER TABLE heap.access SET (autovacuum_enabled = off);
SELECT count(*) FROM agentmem.remember('heap', 'n', 'one');
SELECT step, changed, details FROM agentmem.maintain('heap', 'n') WHERE step = 'index';
INSERT INTO heap.access (namespace, id, at, accesses) SELECT 'other', i, '2025-01-01', 1 FROM generate_series(1, 60000) i;
SELECT FROM pg_stat_force_next_flush();
SELECT step, changed, details FROM agentmem.maintain('heap', 'n', dry_run => true) WHERE step = 'index';
SELECT step, changed, details FROM agentmem.maintain('heap', 'n') WHERE step = 'index';
VACUUM ANALYZE heap.access;
SELECT FROM pg_stat_force_next_flush();
SELECT step, changed, details FROM agentmem.maintain('heap', 'n') WHERE step = 'index';
-- B-trees of which old entries keep most pages: with the command that gives them back.
SELECT * FROM agentmem.sparse_indexes('heap');
INSERT INTO heap.activity (namespace, id) SELECT 'other', i FROM generate_series(1, 300000) i;
SELECT agentmem.index_density('heap.activity_pkey') BETWEEN 0.8 AND 0.95 AS full, index FROM agentmem.sparse_indexes('heap', 0) WHERE index = 'activity_pkey';
DELETE FROM heap.activity WHERE namespace = 'other' AND id % 20 <> 0;
VACUUM heap.activity;
SELECT index, bytes > 8000000 AS large, density < 0.1 AS sparse, command FROM agentmem.sparse_indexes('heap');
SELECT step, changed, details -> 'reindex' AS reindex FROM agentmem.maintain('heap', 'n', dry_run => true, at => now() + interval '2 days') WHERE step = 'index';
-- Once a day.
SELECT step, changed, details -> 'reindex' AS reindex FROM agentmem.maintain('heap', 'n', dry_run => true, at => now() + interval '2 hours') WHERE step = 'index' AND details ? 'reindex';
CREATE ROLE agm_no_owner;
GRANT USAGE ON SCHEMA heap TO agm_no_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA heap TO agm_no_owner;
GRANT ALL ON ALL SEQUENCES IN SCHEMA heap TO agm_no_owner;
SET ROLE agm_no_owner;
SELECT * FROM agentmem.sparse_indexes('heap');
SELECT agentmem.index_density('heap.activity_pkey');
SELECT count(*) > 0 AS maintained, count(*) FILTER (WHERE details ? 'reindex') AS told FROM agentmem.maintain('heap', 'n', at => now() + interval '1 day 1 hour');
RESET ROLE;
SELECT s.command FROM agentmem.sparse_indexes('heap') s \gexec
SELECT agentmem.index_density('heap.activity_pkey') > 0.8 AS full, count(*) FROM agentmem.sparse_indexes('heap');
SELECT count(*) FROM agentmem.maintain('heap', 'n', at => now() + interval '3 days') WHERE step = 'index' AND details ? 'reindex';
-- A GIN index keeps the entries of what is gone: ids never come back.
INSERT INTO heap.audit (namespace, id, at, action, ids, role) SELECT 'n', 100000 + i, now(), 'forget', ARRAY[i], 'nobody' FROM generate_series(1, 20000) i;
SELECT agentmem.index_density('heap.audit_ids_idx') > 0.9 AS full, count(*) FROM agentmem.sparse_indexes('heap', 0) WHERE index = 'audit_ids_idx';
DELETE FROM heap.audit WHERE id % 10 <> 0 AND id > 100000;
VACUUM heap.audit;
SELECT index, density < 0.2 AS sparse, command FROM agentmem.sparse_indexes('heap', 100000) WHERE index = 'audit_ids_idx';
SELECT s.command FROM agentmem.sparse_indexes('heap', 100000) s WHERE s.index = 'audit_ids_idx' \gexec
SELECT agentmem.index_density('heap.audit_ids_idx') > 0.9 AS full;
-- What a REINDEX that did not come to its end has left.
CREATE INDEX activity_pkey_ccnew ON heap.activity (id);
SELECT count(*) FROM agentmem.sparse_indexes('heap') WHERE index = 'activity_pkey_ccnew';
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'heap.activity_pkey_ccnew'::regclass;
SELECT index, density, command FROM agentmem.sparse_indexes('heap');
SELECT s.command FROM agentmem.sparse_indexes('heap') s \gexec
SELECT * FROM agentmem.sparse_indexes('heap');
SELECT agentmem.index_density('heap.memory_embedding_idx');
SELECT agentmem.index_density('heap.memory_lexemes_idx');
SELECT agentmem.index_density('heap.memory');
SELECT agentmem.index_density(NULL) IS NULL AS nothing, agentmem.index_density(0) IS NULL AS none, agentmem.index_density('9'::oid) IS NULL AS gone;
SELECT * FROM agentmem.sparse_indexes('heap', NULL);
SELECT * FROM agentmem.sparse_indexes(NULL);
SELECT * FROM agentmem.sparse_indexes('nowhere');
-- Of many namespaces some look at the indexes, which are the store's; others each day.
SELECT agentmem.create_store('many', partitions => 2);
CREATE FUNCTION pg_temp.look(store name, days int, OUT looked bigint, OUT few boolean, OUT as_state boolean) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SELECT count(*), count(*) BETWEEN 4 AND 40, bool_and(l.looks = (p.state ? ''begun'')) FROM %I.namespace n, LATERAL agentmem.looks_at_indexes($1, n.namespace, $2) l(looks),'
    ' LATERAL agentmem.plan_index($1, n.namespace, $2, ''{}'', now(), 1) p WHERE l.looks', store) INTO looked, few, as_state USING store, timestamptz '2026-01-01 12:00+00' + days * interval '1 day';
END $$;
INSERT INTO many.namespace (namespace, languages) SELECT 'n' || i, '{english}' FROM generate_series(1, 16) i;
SELECT looked FROM pg_temp.look('many', 0);
ANALYZE many.namespace;
SELECT looked FROM pg_temp.look('many', 0);
INSERT INTO many.namespace (namespace, languages) SELECT 'n' || i, '{english}' FROM generate_series(17, 500) i;
ANALYZE many.namespace;
SELECT i, few, as_state FROM generate_series(0, 2) i, pg_temp.look('many', i) ORDER BY 1;
SELECT count(DISTINCT n.namespace) > 50 AS others FROM many.namespace n, generate_series(1, 5) i WHERE agentmem.looks_at_indexes('many', n.namespace, timestamptz '2026-01-01 12:00+00' + i * interval '1 day');
SELECT count(*), count(*) FILTER (WHERE p.state ? 'begun') AS looked FROM (SELECT n.namespace FROM many.namespace n WHERE NOT agentmem.looks_at_indexes('many', n.namespace, now()) LIMIT 5) n,
  LATERAL agentmem.plan_index('many', n.namespace, now(), '{}', now(), 1) p;
-- All day the same ones.
SELECT count(*) FROM many.namespace n, unnest('{0,23}'::int[]) i WHERE agentmem.looks_at_indexes('many', n.namespace, timestamptz '2026-01-01 00:30+00' + i * interval '1 hour') <> agentmem.looks_at_indexes('many', n.namespace, '2026-01-01 12:00+00');
SELECT agentmem.drop_store('many', cascade => true);
-- No index has a list of what is to be put into it.
SELECT c.relname FROM pg_class c JOIN pg_am a ON a.oid = c.relam AND a.amname = 'gin' WHERE c.relnamespace = 'heap'::regnamespace AND c.reloptions @> '{fastupdate=off}' IS NOT TRUE;
SELECT agentmem.drop_store('heap', cascade => true);
DROP ROLE agm_no_owner;

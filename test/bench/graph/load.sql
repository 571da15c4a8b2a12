-- A namespace as a memory of conversations makes it, of some :edges edges: episodes in a row, each with two facts
-- derived from it; episodes and facts are about concepts, few of which are about nearly everything.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
-- Rows whose commit is not on disk yet cannot be marked as seen by all.
SET synchronous_commit = on;
SELECT agentmem.drop_store(store, cascade => true) FROM agentmem.stores WHERE store = :'store';
SELECT agentmem.create_store(:'store');
-- Rows that nobody searches by words: complete but for those, and without the indexes that find them.
SELECT format('ALTER TABLE %1$I.memory DISABLE TRIGGER USER; ALTER TABLE %1$I.edge DISABLE TRIGGER USER', :'store') \gexec
-- Nor can they while somebody analyzes a table beside us.
SELECT format('ALTER TABLE %1$I.memory SET (autovacuum_enabled = off); ALTER TABLE %1$I.edge SET (autovacuum_enabled = off)', :'store') \gexec
SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE indrelid IN ((:'store' || '.memory')::regclass, (:'store' || '.edge')::regclass) AND NOT indisprimary \gexec
SELECT setseed(0.5);
SELECT :edges / 9 AS e, greatest(:edges / 45, 10) AS c \gset
SET search_path = :store, agentmem, public;
-- Ids: episodes 1 to e, facts e + 1 to 3e, concepts from 3e + 1 on.
INSERT INTO memory (namespace, id, kind, content, valid_period, language, content_hash, tokens, lexemes)
SELECT 'n', i, CASE WHEN i <= :e THEN 'episode' WHEN i <= 3 * :e THEN 'fact' ELSE 'concept' END, 'memory ' || i, '[2026-01-01,)', 'english', gen_random_uuid(), 2, ''
FROM generate_series(1, 3 * :e + :c) i;
INSERT INTO edge (namespace, source, target, type)
SELECT DISTINCT 'n', i, 3 * :e + 1 + floor(:c * power(random(), 3))::int, CASE WHEN i <= :e THEN 'has_concept' ELSE 'about_concept' END
FROM generate_series(1, 3 * :e) i, generate_series(1, 2) j
UNION ALL SELECT 'n', :e + i, (i + 1) / 2, 'derived_from' FROM generate_series(1, 2 * :e) i
UNION ALL SELECT 'n', i, i + 1, 'next' FROM generate_series(1, :e - 1) i;
SET maintenance_work_mem = '1GB';
CREATE INDEX edge_source_idx ON edge (namespace, source, weight DESC, target, type) INCLUDE (valid_period);
CREATE INDEX edge_target_idx ON edge (namespace, target, weight DESC, source, type) INCLUDE (valid_period);
VACUUM ANALYZE memory, edge;
-- What a walk reads, in shared buffers.
SELECT count(*) > 0 AS prewarm FROM pg_available_extensions WHERE name = 'pg_prewarm' \gset
\if :prewarm
CREATE EXTENSION IF NOT EXISTS pg_prewarm SCHEMA public;
SELECT count(pg_prewarm(r::regclass)) FROM unnest('{edge_source_idx,edge_target_idx,memory_pkey,memory}'::text[]) r \gset prewarmed_
SELECT count(pg_prewarm(r::regclass, 'buffer', 'vm')) FROM unnest('{edge,memory}'::text[]) r \gset prewarmed_
\endif
SELECT :'store' AS store, (SELECT count(*) FROM edge) AS edges, (SELECT count(*) FROM memory) AS memories,
  (SELECT max(n) FROM (SELECT count(*) AS n FROM edge GROUP BY target) x) AS hub, pg_size_pretty(pg_total_relation_size('edge')) AS size;

-- Maintenance: tables that VACUUM does not come to (src/consolidate/README.md, "Indexes").
\set VERBOSITY terse
SELECT agentmem.create_store('heap');
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
-- No index has a list of what is to be put into it.
SELECT c.relname FROM pg_class c JOIN pg_am a ON a.oid = c.relam AND a.amname = 'gin' WHERE c.relnamespace = 'heap'::regnamespace AND c.reloptions @> '{fastupdate=off}' IS NOT TRUE;
SELECT agentmem.drop_store('heap', cascade => true);

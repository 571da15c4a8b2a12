-- A store in partitions: one call touches one partition of each table.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('parts', dimensions => 2, partitions => 4);
SELECT count(*) FROM generate_series(1, 20) i, remember('parts', 'n' || i, 'memory of ' || i, 'fact', '[1,0]', tags => '{t}', subject => 's', predicate => 'p', key => 'k');
SELECT count(DISTINCT tableoid) > 1 AS spread FROM parts.memory;
ANALYZE parts.memory;

-- Partitions locked, and
CREATE FUNCTION locked() RETURNS TABLE (table_name text, partitions bigint) LANGUAGE sql AS $$
  SELECT regexp_replace(c.relname, '_p\d+$', ''), count(DISTINCT c.oid)
  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
  WHERE l.pid = pg_backend_pid() AND c.relnamespace = 'parts'::regnamespace AND c.relkind = 'r' AND c.relname ~ '_p\d+$'
  GROUP BY 1 HAVING count(DISTINCT c.oid) > 1 ORDER BY 1 $$;

-- partitions read or written since the transaction began, by table.
CREATE FUNCTION touched() RETURNS TABLE (table_name text, partitions bigint) LANGUAGE sql AS $$
  SELECT regexp_replace(relname, '_p\d+$', ''), count(*)
  FROM pg_stat_xact_user_tables
  WHERE schemaname = 'parts' AND relname ~ '_p\d+$' AND coalesce(seq_scan, 0) + coalesce(idx_scan, 0) + n_tup_ins + n_tup_upd > 0
  GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 $$;

SELECT pg_stat_force_next_flush();
BEGIN;
SELECT action FROM remember('parts', 'n1', 'memory of 1', 'fact', tags => '{u}', subject => 'S', predicate => 'p');
SELECT action FROM remember('parts', 'n1', 'something new', 'fact', '[0,1]', parent => 1);
SELECT link('parts', 'n1', 1, 21), link('parts', 'n1', 1, 21, weight => 2);
SELECT unlink('parts', 'n1', 1, 21), link('parts', 'n1', 1, 21);
SELECT count(*) FROM remember_many('parts', 'n1', '[{"content": "a", "kind": "fact"}, {"content": "b", "kind": "fact"}]');
SELECT * FROM touched();
SELECT * FROM locked();
COMMIT;
-- Erasing and moving.
SELECT array_agg(l) AS lines FROM export('parts', 'n1') l \gset
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT erase('parts', 'n1', subject => 'S') -> 'erased' -> 'memory' AS memories;
SELECT erase('parts', 'n1', everything => true) -> 'erased' -> 'memory' AS memories;
SELECT import('parts', 'n1', :'lines', remap => true) -> 'memory' AS memories;
SELECT count(*) FROM export('parts', 'n1');
SELECT * FROM touched();
SELECT * FROM locked();
ROLLBACK;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT content FROM recall('parts', 'n1', 'memory', '[1,0]', k => 1, subject => 's', session => NULL, states => '{active}');
SELECT content FROM recall('parts', 'n1', 'memory', '[1,0]', k => 1);
SELECT count(*) FROM recall('parts', 'n1');
SELECT count(*) FROM get('parts', 'n1', ids => '{1}', keys => '{k}');
SELECT count(*) FROM list('parts', 'n1', tags => '{t}');
SELECT count('parts', 'n1');
SELECT count(*) FROM neighbors('parts', 'n1', '{1}');
SELECT count(*) FROM neighbors('parts', 'n1', '{1}', known_at => now());
SELECT count(*) FROM shortest_path('parts', 'n1', 1, 21);
SELECT count(*) FROM ppr('parts', 'n1', '{1}');
SELECT graph('parts', 'n1', ids => '{1}') ~ '-->' AS drawn;
SELECT count(*) FROM transitions('parts', 'n1'), LATERAL (VALUES (1)) x;
SELECT * FROM touched();
SELECT * FROM locked();
-- The counter counts: a look at everything shows.
SELECT count(*) FROM parts.memory;
SELECT * FROM touched();
SELECT * FROM locked();
COMMIT;

-- All else that is asked or told of one namespace.
INSERT INTO parts.setting VALUES ('access_log', 'on'), ('embed_jobs', 'on'), ('concepts', '4'), ('summaries', '2'), ('similar', '1'), ('importance', 'rank');
SELECT set_cache_category('parts', 'talk', 0.5, quota => 2);
SELECT count(*) FROM generate_series(1, 20) i, remember('parts', 'n' || i, 'password of ' || i, 'secret', attributes => '{"value": "x"}') r,
  remember('parts', 'n' || i, 'We talk of Rome.', 'episode', '[1,0]', session => 's', valid_from => '2020-01-01') a, remember('parts', 'n' || i, 'And of Oslo.', 'episode', '[0,1]', session => 's', valid_from => '2020-01-02') b,
  cache_put('parts', 'n' || i, 'talk', 'one', '[1,0]', '1'), remember('parts', 'n' || i, 'No vector', 'fact') v;
SELECT id AS secret FROM list('parts', 'n1', kinds => '{secret}') \gset
SELECT id AS said FROM list('parts', 'n1', kinds => '{episode}') LIMIT 1 \gset
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT revise('parts', 'n1', 1, 'memory of one, revised', '[1,0]');
SELECT action FROM remember('parts', 'n1', 'memory of two', 'preference', '[1,0]', subject => 's', predicate => 'p');
SELECT resolve('parts', 'n1', conflict, 'annotate') FROM conflicts('parts', 'n1') LIMIT 1;
SELECT feedback('parts', 'n1', 1, true), reveal('parts', 'n1', :secret), hold('parts', 'n1', 'why'), release('parts', 'n1'), set_namespace('parts', 'n1', 100, '1 year');
SELECT forget('parts', 'n1', :said, 'gone'), restore('parts', 'n1', :said), forget_where('parts', 'n1', session => 's', dry_run => true);
SELECT count(*) FROM remember_many('parts', 'n1', '[{"content": "c", "kind": "fact"}, {"content": ""}]', on_error => 'skip');
SELECT count(*) FROM history('parts', 'n1', 1);
SELECT count(*) > 0 AS some FROM changes('parts', 'n1', '-infinity');
SELECT count(*) > 0 AS some FROM as_of('parts', 'n1', known_at => now());
SELECT count(*) > 0 AS some FROM recall('parts', 'n1', 'Rome', '[1,0]', known_at => now());
SELECT count(*) > 0 AS some FROM recall('parts', 'n1', 'Rome', '[1,0]', mode => 'exact', fusion => 'rrf', diversity => 0.5, granularity => 'summary');
SELECT recall_context('parts', 'n1', 'Rome') <> '' AS some;
SELECT count(*) > 0 AS some FROM concepts('parts', 'n1');
SELECT count(*) FROM outline('parts', 'n1', n => 1);
SELECT count(*) > 0 AS some FROM spread('parts', 'n1', ARRAY[:said]);
SELECT enqueue_job('parts', 'n1', 'extract', ARRAY[:said]) AS job, enqueue_embeddings('parts', 'n1') > 0 AS queued \gset
SELECT heartbeat_job('parts', 'n1', :job) OR retry_jobs('parts', 'n1') > 0 AS leased;
SELECT cache_put('parts', 'n1', 'talk', 'two', '[0,1]', '2') IS NOT NULL AS kept, cache_put('parts', 'n1', 'talk', 'three', '[1,1]', '3') IS NOT NULL AS evicted;
SELECT response FROM cache_get('parts', 'n1', 'talk', '[1,1]');
SELECT response FROM cache_get('parts', 'n1', 'talk', NULL, 'three');
SELECT claim FROM cache_claim('parts', 'n1', 'talk', 'four', '1 min', '0') \gset
SELECT cache_release('parts', 'n1', 'talk', 'four', :claim), cache_forget('parts', 'n1', 'talk', 'three'), cache_sweep('parts', 'n1', 1) >= 0 AS swept;
SELECT count(*) > 0 AS some FROM maintain('parts', 'n1', at => now() + interval '400 days');
SELECT count(*) > 0 AS some FROM maintain('parts', 'n1', at => now() + interval '800 days');
SELECT cache_clear('parts', 'n1') >= 0 AS cleared;
SELECT * FROM touched();
SELECT * FROM locked();
ROLLBACK;

-- Who asks for work of any namespace looks into each part of the table of work, and into no other table than those of what he gets.
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT namespace, ids FROM claim_jobs('parts', '{embed}', 1) \gset job_
SELECT table_name FROM touched();
COMMIT;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT complete_job('parts', namespace, id, '{"embedding": [1,1]}') IS NOT NULL AS done FROM parts.job WHERE namespace = :'job_namespace' AND state = 'leased';
SELECT * FROM touched();
ROLLBACK;

-- Stores whose partitions are not said have as many as the setting says.
SET agentmem.default_partitions = 129;
SET agentmem.default_partitions = 2;
SELECT create_store('two'), create_store('none', partitions => 0);
SELECT (SELECT value FROM two.setting WHERE name = 'partitions') AS two, (SELECT value FROM none.setting WHERE name = 'partitions') AS none,
  (SELECT count(*) FROM pg_inherits WHERE inhparent = 'two.job'::regclass) AS parts;
SELECT drop_store('two'), drop_store('none');
RESET agentmem.default_partitions;

DROP FUNCTION touched, locked;
SELECT drop_store('parts', cascade => true);

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

DROP FUNCTION touched, locked;
SELECT drop_store('parts', cascade => true);

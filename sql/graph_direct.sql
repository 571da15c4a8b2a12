-- Indexes read directly and statements give the same (src/base/README.md, "Reading an index directly"). Under SERIALIZABLE statements read.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT create_store('d');
INSERT INTO d.memory (namespace, id, kind, content, valid_period) SELECT n, i, 'fact', 'memory ' || i, '[2020-01-01,)' FROM generate_series(1, 300) i, unnest('{m,n,o}'::text[]) n;
INSERT INTO d.edge (namespace, source, target, type, weight, valid_period)
  SELECT n, i, (i * 7919) % 299 + 1, 'similar', ((i % 4) + 1) / 4.0, CASE WHEN i % 5 = 0 THEN '[2020-01-01,2021-01-01)' WHEN i % 7 = 0 THEN '[2020-01-01,)' ELSE '(,)' END::tstzrange
  FROM generate_series(1, 300) i, unnest('{m,n,o}'::text[]) n WHERE (i * 7919) % 299 + 1 <> i
  UNION ALL SELECT n, i, i + 1, 'next', 1, '(,)' FROM generate_series(1, 299) i, unnest('{m,n}'::text[]) n
  UNION ALL SELECT n, i, 7, 'about_concept', 0.5, '(,)' FROM generate_series(10, 60) i, unnest('{m,n}'::text[]) n
  UNION ALL SELECT 'n', i, 5, 'unheard', 1, '(,)' FROM generate_series(10, 20) i;
CREATE TABLE public.walked (way text, call text, place bigint, result text);
CREATE FUNCTION public.walk(way text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.walked
  SELECT way, 'ppr ' || e || coalesce(t::text, ''), r.n, r.id || ' ' || r.score FROM unnest('{1e-2,1e-4,1e-6}'::real[]) e, (VALUES (NULL), ('{next}'::text[])) v(t), ppr('d', 'n', '{5,77,250}', epsilon => e, types => t, k => 1000) WITH ORDINALITY r(id, score, n)
  UNION ALL SELECT way, 'ppr ' || at, r.n, r.id || ' ' || r.score FROM unnest('{2020-06-01,2019-06-01}'::timestamptz[]) at, ppr('d', 'n', '{5,77,250}', epsilon => 1e-6, valid_at => at, k => 1000) WITH ORDINALITY r(id, score, n)
  UNION ALL SELECT way, 'neighbors ' || coalesce(t::text, ''), r.n, r.r::text FROM (VALUES (NULL), ('{next,about_concept}'::text[])) v(t), LATERAL (SELECT r, row_number() OVER () FROM neighbors('d', 'n', '{5,7}', types => t, depth => 3, max_nodes => 150) r) r(r, n)
  UNION ALL SELECT way, 'spread', r.n, r.id || ' ' || r.score FROM spread('d', 'n', '{5,7}', fan => 10, k => 1000) WITH ORDINALITY r(id, score, n)
  UNION ALL SELECT way, 'graph', 1, graph('d', 'n', ids => '{5,7}', depth => 2) $$;
CREATE PROCEDURE public.compare(INOUT differing bigint DEFAULT NULL, INOUT rows bigint DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
  COMMIT;
  TRUNCATE public.walked;
  PERFORM public.walk('index');
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
  PERFORM public.walk('statement');
  SELECT count(*) FILTER (WHERE i IS DISTINCT FROM s), count(*) INTO differing, rows
  FROM (SELECT call, place, result AS i FROM public.walked WHERE way = 'index') i FULL JOIN (SELECT call, place, result AS s FROM public.walked WHERE way = 'statement') s USING (call, place);
END
$$;
CALL public.compare();
-- ... before and after VACUUM, of rows that were changed and rows that are gone.
UPDATE d.edge SET weight = weight * 2 WHERE source % 3 = 0;
DELETE FROM d.edge WHERE source % 4 = 0;
DELETE FROM d.memory WHERE namespace = 'n' AND id % 11 = 0;
CALL public.compare();
VACUUM d.edge, d.memory;
CALL public.compare();
-- Statements where an index is missing, or has not the columns.
DROP INDEX d.edge_target_idx;
CALL public.compare();
CREATE INDEX ON d.edge (namespace, target);
CALL public.compare();
CREATE INDEX edge_target_idx ON d.edge (namespace, target, weight DESC, source, type) INCLUDE (valid_period) WHERE target < 100;
CALL public.compare();
-- A statement's own transaction sees what it wrote and not what it took back.
BEGIN;
INSERT INTO d.edge (namespace, source, target, type) VALUES ('o', 1, 2, 'next');
SAVEPOINT s;
INSERT INTO d.edge (namespace, source, target, type) VALUES ('o', 1, 3, 'next');
SELECT id FROM neighbors('d', 'o', '{1}', types => '{next}') ORDER BY id;
ROLLBACK TO s;
SELECT id FROM neighbors('d', 'o', '{1}', types => '{next}') ORDER BY id;
ROLLBACK;
SELECT id FROM neighbors('d', 'o', '{1}', types => '{next}') ORDER BY id;
DROP TABLE public.walked;
DROP FUNCTION public.walk;
DROP PROCEDURE public.compare;

-- However long the namespace is: its head is compared at once to some length, stored in its short form to another, compressed beyond a third.
CREATE TABLE public.namespaces AS SELECT repeat(c, n) AS ns FROM (VALUES ('a', 1), ('b', 7), ('c', 8), ('d', 126), ('e', 127), ('f', 300), ('g', 512)) v(c, n);
INSERT INTO d.memory (namespace, id, kind, content, valid_period) SELECT ns, i, 'fact', 'memory ' || i, '[2020-01-01,)' FROM generate_series(1, 300) i, public.namespaces;
INSERT INTO d.edge (namespace, source, target, type, weight) SELECT ns, i, (i * 7919) % 299 + 1, 'similar', ((i % 4) + 1) / 4.0 FROM generate_series(1, 300) i, public.namespaces WHERE (i * 7919) % 299 + 1 <> i
  UNION ALL SELECT ns, i, 7, 'about_concept', 0.5 FROM generate_series(10, 60) i, public.namespaces;
CREATE TABLE public.directly AS SELECT ns, p.* FROM public.namespaces, ppr('d', ns, '{5,77,250}', epsilon => 1e-6, k => 1000) p;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT length(ns), count(*) > 50 AS walks, count(*) FILTER (WHERE d IS NULL OR s IS NULL) AS differ FROM public.directly d FULL JOIN (SELECT ns, p.* FROM public.namespaces, ppr('d', ns, '{5,77,250}', epsilon => 1e-6, k => 1000) p) s USING (ns, id, score) GROUP BY ns ORDER BY ns;
COMMIT;
-- Ids that are not there, or twice.
SELECT count(*) FROM ppr('d', 'n', '{5,5,-3,99999,5}');
SELECT id, depth FROM neighbors('d', (SELECT ns FROM public.namespaces WHERE length(ns) = 300), '{5,5,99999}', max_nodes => 5);
DROP TABLE public.namespaces, public.directly;

-- A column that may be NULL is read by statement, which says so.
BEGIN;
ALTER TABLE d.edge ALTER weight DROP NOT NULL;
INSERT INTO d.edge (namespace, source, target, type, weight) VALUES ('o', 1, 2, 'next', NULL);
SELECT id FROM neighbors('d', 'o', '{1}', types => '{next}');
ROLLBACK;

-- Whoever does not see all edges walks along those that he sees.
CREATE ROLE regress_direct;
GRANT USAGE ON SCHEMA d, agentmem TO regress_direct;
GRANT SELECT ON ALL TABLES IN SCHEMA d TO regress_direct;
ALTER TABLE d.edge ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_type ON d.edge USING (type = 'next');
SET ROLE regress_direct;
SELECT DISTINCT type FROM neighbors('d', 'n', '{5}', depth => 3);
SELECT count(*) > 0 AS walks FROM ppr('d', 'n', '{5}');
RESET ROLE;
DROP POLICY by_type ON d.edge;
-- By namespace alone he sees all of one, or nothing.
CREATE POLICY mine ON d.edge USING (namespace = current_setting('regress.mine'));
SET ROLE regress_direct;
SET regress.mine = 'n';
CREATE TEMP TABLE directly AS SELECT * FROM ppr('d', 'n', '{5,77,250}', epsilon => 1e-6, k => 1000);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FILTER (WHERE d IS NULL OR s IS NULL) AS differ, count(*) > 100 AS walks FROM directly d FULL JOIN ppr('d', 'n', '{5,77,250}', epsilon => 1e-6, k => 1000) s USING (id, score);
COMMIT;
SELECT id FROM ppr('d', 'm', '{5}');
SET regress.mine = 'm';
SELECT id FROM ppr('d', 'n', '{5}');
SELECT count(*) > 0 AS walks FROM ppr('d', 'm', '{5}');
DROP TABLE directly;
RESET ROLE;
DROP POLICY mine ON d.edge;
CREATE POLICY none ON d.edge USING (false);
SET ROLE regress_direct;
SELECT id FROM ppr('d', 'n', '{5}');
RESET ROLE;
ALTER TABLE d.edge DISABLE ROW LEVEL SECURITY;
REVOKE SELECT ON d.edge FROM regress_direct;
SET ROLE regress_direct;
SELECT id FROM ppr('d', 'n', '{5}');
RESET ROLE;
DROP OWNED BY regress_direct;
DROP ROLE regress_direct;

-- Concepts: who writes under SERIALIZABLE finds the same, names and common ones. Of those that are gone, entries count until VACUUM.
INSERT INTO d.setting VALUES ('concepts', '8');
CREATE FUNCTION pg_temp.texts(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('content', 'Kyoto has house ' || i || ' and garden ' || i % 3, 'kind', 'episode', 'valid_from', '2026-01-01') ORDER BY i) FROM generate_series(1, n) i $$;
SELECT count(*) FROM remember_many('d', 'index', pg_temp.texts(40));
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT count(*) FROM remember_many('d', 'statement', pg_temp.texts(40));
COMMIT;
SELECT concept, memories FROM concepts('d', 'index', n => 3);
SELECT count(*) AS edges FROM d.edge WHERE namespace = 'index' AND target < 0;
SELECT count(*) AS differ FROM
  (SELECT source - min(source) OVER () AS source, target, type, weight FROM d.edge WHERE namespace = 'index' AND target < 0) i FULL JOIN
  (SELECT source - min(source) OVER () AS source, target, type, weight FROM d.edge WHERE namespace = 'statement' AND target < 0) s USING (source, target, type, weight) WHERE i.source IS NULL OR s.source IS NULL;
SELECT count(*) AS differ FROM (SELECT id, concept, normalized FROM d.concept WHERE namespace = 'index') i FULL JOIN (SELECT id, concept, normalized FROM d.concept WHERE namespace = 'statement') s USING (id, concept, normalized)
  WHERE (i IS NULL) OR (s IS NULL);

SELECT drop_store('d', cascade => true);

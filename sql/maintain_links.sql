-- What writing left to maintenance: conflicts, and edges to what is alike and to concepts (src/consolidate/README.md, "Conflicts, links, concepts").
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT agentmem.create_store('late', dimensions => 3);
SET search_path = late, agentmem, public;
CREATE FUNCTION public.upkeep(ns text, dry_run boolean DEFAULT false) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details FROM agentmem.maintain('late', ns, dry_run => dry_run) WHERE step IN ('conflicts', 'links', 'concepts') $$;
-- Vectors and contents of a talk; the same in two namespaces, of which one is large, or written by hand.
CREATE TABLE public.said AS SELECT i, 'Talk ' || chr(64 + i % 6) || chr(96 + i) || ' of Paris' AS content, format('[%s,%s,%s]', 1 + i % 3, i % 5, i % 2)::vector AS embedding FROM generate_series(1, 20) i;

-- Conflicts in a large namespace: as the writers of a small one find them.
SELECT count(*) FROM (SELECT * FROM public.said ORDER BY i) s, LATERAL remember('late', 'small', s.content, 'fact', s.embedding);
SELECT count(*) FROM conflicts('late', 'small');
SELECT remember('late', 'large', 'first', 'decision') IS NOT NULL AS made;
UPDATE namespace SET memories = 20001 WHERE namespace = 'large';
SELECT count(*) FROM (SELECT * FROM public.said ORDER BY i) s, LATERAL remember('late', 'large', s.content, 'fact', s.embedding);
SELECT count(*) FROM conflicts('late', 'large');
SELECT * FROM upkeep('large', true);
SELECT * FROM upkeep('large');
-- The same pairs.
SELECT x.content, y.content, c.reason, c.similarity FROM conflict c JOIN memory x ON x.id = c.a JOIN memory y ON y.id = c.b WHERE c.namespace = 'small'
EXCEPT
SELECT x.content, y.content, c.reason, c.similarity FROM conflict c JOIN memory x ON x.id = c.a JOIN memory y ON y.id = c.b WHERE c.namespace = 'large';
SELECT bool_and(similarity >= 0.85) AS near, count(*) = count(DISTINCT (a, b)) AS once, bool_and(a < b) AS ordered FROM conflict WHERE namespace = 'large';
UPDATE namespace SET memories = 20001 WHERE namespace = 'large';
SELECT * FROM upkeep('large');
-- Settled is settled, until a side changes.
SELECT min(conflict) AS first FROM conflicts('late', 'large') \gset
SELECT a, b FROM conflict WHERE id = :first \gset
SELECT resolve('late', 'large', :first, 'retain');
UPDATE namespace SET memories = 20001, steps = steps - 'conflicts' WHERE namespace = 'large';
SELECT * FROM upkeep('large');
SELECT revise('late', 'large', :a, importance => 0.5);
UPDATE namespace SET memories = 20001 WHERE namespace = 'large';
SELECT * FROM upkeep('large');
SELECT resolution FROM conflict WHERE id = :first;
-- By hand: nearest, and the same subject and predicate; not episodes.
INSERT INTO memory (namespace, content, kind, embedding) SELECT 'hand', content, 'fact', embedding FROM public.said WHERE i < 4;
INSERT INTO memory (namespace, content, kind, embedding) SELECT 'hand', content, 'episode', embedding FROM public.said WHERE i < 4;
INSERT INTO memory (namespace, content, kind, subject, predicate, object) VALUES ('hand', 'Bob lives in Rome', 'fact', 'Bob', 'lives in', 'Rome'), ('hand', 'Bob moves to Riga', 'decision', 'bob', 'Lives in', 'Riga');
SELECT * FROM upkeep('hand');
SELECT x.kind, y.kind, c.reason, round(c.similarity::numeric, 2) AS similarity FROM conflict c JOIN memory x ON x.id = c.a JOIN memory y ON y.id = c.b WHERE c.namespace = 'hand' ORDER BY c.a, c.b;
SELECT * FROM upkeep('hand');

-- Edges: those that the writer makes are those that maintenance makes.
INSERT INTO memory (namespace, content, kind, embedding) SELECT 'edges', content, 'episode', embedding FROM public.said ORDER BY i;
INSERT INTO setting VALUES ('similar', '2'), ('concepts', '3');
SELECT count(*) FROM (SELECT * FROM public.said ORDER BY i) s, LATERAL remember('late', 'wanted', s.content, 'episode', s.embedding);
CREATE VIEW public.edges AS SELECT e.namespace, x.content AS source, coalesce(y.content, e.target::text) AS target, e.type, e.weight FROM edge e JOIN memory x ON x.id = e.source LEFT JOIN memory y ON y.id = e.target WHERE e.type <> 'next';
SELECT namespace, type, count(*) FROM public.edges GROUP BY 1, 2 ORDER BY 1, 2;
SELECT * FROM upkeep('edges', true);
SELECT * FROM upkeep('edges');
SELECT source, target, type, weight FROM public.edges WHERE namespace = 'wanted' EXCEPT SELECT source, target, type, weight FROM public.edges WHERE namespace = 'edges' ORDER BY 1, 2;
SELECT source, target, type, weight FROM public.edges WHERE namespace = 'edges' EXCEPT SELECT source, target, type, weight FROM public.edges WHERE namespace = 'wanted' ORDER BY 1, 2;
SELECT concept, memories FROM concepts('late', 'edges', 2) EXCEPT SELECT concept, memories FROM concepts('late', 'wanted', 2);
SELECT * FROM upkeep('edges');
-- What writing did stays as it is; what had none and has another version gets them.
SELECT * FROM upkeep('wanted');
SELECT max(id) AS last FROM memory WHERE namespace = 'edges' \gset
SELECT link('late', 'edges', :last, :last - 1, weight => 0.1);
DELETE FROM edge WHERE source = :last AND operation IS NOT NULL;
SELECT * FROM upkeep('edges');
UPDATE memory SET title = 'seen again' WHERE id = :last;
SELECT * FROM upkeep('edges');
SELECT target = :last - 1 AS linked, round(weight::numeric, 2) AS weight, operation IS NULL AS by_link FROM edge WHERE source = :last AND type = 'similar' ORDER BY 1, 2;
-- A vector that comes late.
INSERT INTO memory (namespace, content, kind) VALUES ('edges', 'and then', 'episode');
SELECT * FROM upkeep('edges');
UPDATE memory SET embedding = '[1,1,1]' WHERE content = 'and then';
SELECT step, changed FROM upkeep('edges');
-- Nothing is like secrets, and they mention nothing; nor do summaries.
SELECT count(*) FROM remember('late', 'vault', 'Key of Paris', 'secret', attributes => '{"value": "x"}');
INSERT INTO memory (namespace, content, kind) VALUES ('vault', 'Paris in short', 'summary');
SELECT * FROM upkeep('vault');

-- What is imported was in another store long before maintenance looked here.
INSERT INTO memory (namespace, content, kind, embedding) VALUES ('there', 'in Rome', 'episode', '[1,1,0]'), ('there', 'from Rome', 'episode', '[1,1,0.1]'), ('here', 'of Rome', 'episode', '[0,0,1]');
SELECT count(*) FROM upkeep('here');
SELECT import('late', 'here', ARRAY(SELECT CASE WHEN l ? 'known_from' THEN l || '{"known_from": "2020-01-01"}' ELSE l END FROM export('late', 'there') l), true) -> 'memory' AS memories;
SELECT s.key FROM namespace n, jsonb_each(n.steps) s WHERE n.namespace = 'here' AND s.value ?| '{since_xid,begun_xid}';
SELECT step, changed FROM upkeep('here');

-- What a call that was rolled back has left in indexes counts for nothing, also if nobody comes by who marks it.
INSERT INTO memory (namespace, content, kind) SELECT 'again', CASE i % 2 WHEN 0 THEN 'Oslo' ELSE 'in Oslo' END || repeat('!', i), 'episode' FROM generate_series(1, 40) i;
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SET enable_bitmapscan = off;
BEGIN;
SELECT changed FROM upkeep('again') WHERE step = 'concepts';
ROLLBACK;
SELECT changed FROM upkeep('again') WHERE step = 'concepts';
RESET enable_indexscan;
RESET enable_indexonlyscan;
RESET enable_bitmapscan;

UPDATE setting SET value = 'all' WHERE name = 'similar';
SELECT * FROM upkeep('vault');

SET search_path = public;
DROP VIEW edges;
DROP FUNCTION upkeep(text, boolean);
DROP TABLE said;
SELECT agentmem.drop_store('late', cascade => true);

-- Ranks and communities of the graph that a query returns.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE TEMP TABLE e (g text, s bigint, t bigint, w float8 DEFAULT 1);
INSERT INTO e SELECT 'chain', i, i + 1 FROM generate_series(1, 5) i;
INSERT INTO e SELECT 'star', 0, i FROM generate_series(1, 4) i;
INSERT INTO e SELECT 'complete', i, j FROM generate_series(1, 4) i, generate_series(1, 4) j WHERE i <> j;
INSERT INTO e VALUES ('apart', 1, 2), ('apart', 2, 1), ('apart', -3, 9223372036854775807), ('apart', 9223372036854775807, -3);
INSERT INTO e VALUES ('loops', 1, 1, 1), ('loops', 1, 2, 1), ('loops', 1, 2, 2), ('loops', 2, 3, 0), ('loops', 3, 1, 0.5);
CREATE FUNCTION pg_temp.q(g text) RETURNS text LANGUAGE sql AS $$ SELECT format('SELECT s, t, w FROM e WHERE g = %L', g) $$;

SELECT g, node, round(rank::numeric, 8) AS rank FROM (VALUES ('chain'), ('star'), ('complete'), ('apart'), ('loops')) v(g), pagerank(pg_temp.q(g), tolerance => 1e-12, max_iterations => 1000);
SELECT g, node, round(rank::numeric, 8) AS rank FROM (VALUES ('chain'), ('star'), ('loops')) v(g), pagerank(pg_temp.q(g), tolerance => 1e-12, max_iterations => 1000, directed => false);
SELECT g, round(sum(rank)::numeric, 10) AS sum FROM (SELECT DISTINCT g FROM e) v, pagerank(pg_temp.q(g)) GROUP BY g ORDER BY g;
SELECT node, round(rank::numeric, 8) AS rank FROM personalized_pagerank(pg_temp.q('chain'), '{3}', tolerance => 1e-12);
SELECT node, round(rank::numeric, 8) AS rank FROM personalized_pagerank(pg_temp.q('chain'), '{1,3,77}', '{3,1,9}', damping => 0.85, tolerance => 1e-12, max_iterations => 1000);
SELECT node, round(rank::numeric, 8) AS rank FROM personalized_pagerank(pg_temp.q('star'), '{1,1,2}', tolerance => 1e-12, directed => false);

-- By hand: two nodes that point at each other, seed 1, damping d: 1 / (1 + d) and d / (1 + d).
SELECT node, abs(rank - CASE node WHEN 1 THEN 1 / 1.5 ELSE 0.5 / 1.5 END) < 1e-9 AS right FROM personalized_pagerank('VALUES (1, 2), (2, 1)', '{1}', tolerance => 1e-12);

-- The order of rows changes nothing, to the last bit.
SELECT setseed(0.5);
CREATE TEMP TABLE r AS SELECT (random() * 300)::bigint AS s, (random() * 300)::bigint AS t, random() AS w FROM generate_series(1, 3000);
SELECT count(*) AS differ FROM pagerank('SELECT s, t, w FROM r ORDER BY s') a JOIN pagerank('SELECT s, t, w FROM r ORDER BY w') b USING (node) WHERE a.rank <> b.rank;
SELECT count(*) AS differ FROM pagerank('SELECT s, t, sum(w) FROM r GROUP BY 1, 2') a JOIN pagerank('SELECT s, t, w FROM r') b USING (node) WHERE abs(a.rank - b.rank) > 1e-15;
SELECT count(*) AS differ FROM communities('SELECT s, t, w FROM r ORDER BY s') a JOIN communities('SELECT s, t, w FROM r ORDER BY w') b USING (node) WHERE a.community <> b.community;

-- Types of columns; nothing to rank.
SELECT count(*) FROM pagerank('SELECT 1, 2::bigint, 0.5');
SELECT count(*) FROM pagerank('SELECT 1, 2, 1::real UNION ALL SELECT 2, 3, 7::real');
SELECT count(*) FROM pagerank('SELECT s, t FROM e WHERE false');
SELECT count(*) FROM personalized_pagerank('SELECT s, t FROM e WHERE false', '{1}');
SELECT count(*) FROM communities('SELECT s, t FROM e WHERE false');
SELECT node, rank FROM pagerank('SELECT 1, 2, 0') ORDER BY node;
SELECT node, community FROM communities('SELECT 2, 1, 0') ORDER BY node;

-- What is refused.
SELECT * FROM pagerank('SELECT 1');
SELECT * FROM pagerank('SELECT 1, 2, 3, 4');
SELECT * FROM pagerank('SELECT 1::text, 2');
SELECT * FROM pagerank('SELECT 1, 2.5');
SELECT * FROM pagerank('SELECT 1, 2, ''x''::text');
SELECT * FROM pagerank('SELECT 1, NULL::int');
SELECT * FROM pagerank('SELECT NULL::int, 1');
SELECT * FROM pagerank('SELECT 1, 2, NULL::float8');
SELECT * FROM pagerank('SELECT 1, 2, -0.1');
SELECT * FROM pagerank('SELECT 1, 2, ''NaN''::float8');
SELECT * FROM pagerank('SELECT 1, 2, ''infinity''::float8');
SELECT * FROM pagerank('SELECT 1, i, 1e308::float8 FROM generate_series(2, 4) i');
SELECT * FROM pagerank(NULL);
SELECT * FROM pagerank('');
SELECT * FROM pagerank('SELECT 1,');
SELECT * FROM pagerank('SELECT 1, 2; SELECT 1, 2');
SELECT * FROM pagerank('INSERT INTO e VALUES (''x'', 1, 2) RETURNING s, t');
SELECT * FROM pagerank('WITH i AS (INSERT INTO e VALUES (''x'', 1, 2) RETURNING s, t) SELECT * FROM i');
SELECT * FROM pagerank('SELECT s, t FROM e FOR UPDATE');
SELECT * FROM pagerank('CREATE TABLE x (s bigint, t bigint)');
SELECT * FROM pagerank('SELECT s, t INTO x FROM e');
SELECT * FROM pagerank('DELETE FROM e');
SELECT * FROM pagerank('COMMIT');
SELECT * FROM pagerank('EXPLAIN SELECT 1, 2');
SELECT * FROM pagerank('EXPLAIN ANALYZE DELETE FROM e');
CREATE FUNCTION pg_temp.writes() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE x (); RETURN 1; END $$;
SELECT * FROM pagerank('SELECT pg_temp.writes(), 2');
CREATE SEQUENCE graph_seq;
SELECT * FROM pagerank('SELECT nextval(''graph_seq''), 2');
SELECT nextval('graph_seq');
DROP SEQUENCE graph_seq;
SELECT * FROM pagerank('SELECT * FROM nothing');
SELECT * FROM pagerank('SELECT 1, 2', damping => 0);
SELECT * FROM pagerank('SELECT 1, 2', damping => 1);
SELECT * FROM pagerank('SELECT 1, 2', damping => 'NaN');
SELECT * FROM pagerank('SELECT 1, 2', damping => NULL);
SELECT * FROM pagerank('SELECT 1, 2', tolerance => 0);
SELECT * FROM pagerank('SELECT 1, 2', max_iterations => 0);
SELECT * FROM pagerank('SELECT 1, 2', directed => NULL);
SELECT * FROM pagerank('SELECT 1, 2 UNION ALL SELECT 2, 1 UNION ALL SELECT 2, 3', max_iterations => 3);
SELECT * FROM personalized_pagerank('SELECT 1, 2', NULL);
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{3}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{1}', '{0}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{1,NULL}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{1}', '{1,2}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{1}', '{-1}');
SELECT * FROM personalized_pagerank('SELECT 1, 2', '{1}', '{NaN}');
SELECT * FROM communities('SELECT 1, 2', resolution => 0);
SET maintenance_work_mem = '1MB';
SELECT count(*) FROM pagerank('SELECT i, i + 1 FROM generate_series(1, 100000) i');
RESET maintenance_work_mem;
SELECT count(*) FROM pagerank('SELECT i, i + 1 FROM generate_series(1, 100000) i');
-- The transaction is as it was.
CREATE TEMP TABLE still_writable ();
-- It can be cancelled, while it reads and while it computes.
SET statement_timeout = '300ms';
SELECT count(*) FROM pagerank('SELECT i % 1000, i % 999 FROM generate_series(1, 100000000000) i');
SELECT count(*) FROM pagerank('VALUES (1, 2), (2, 1), (3, 1)', damping => 0.9999999999, tolerance => 1e-300, max_iterations => 2147483647);
RESET statement_timeout;

-- Communities: two cliques and a bridge, named by their smallest nodes.
SELECT community, array_agg(node ORDER BY node) FROM communities('SELECT a, b FROM generate_series(1, 5) a, generate_series(1, 5) b WHERE a < b
  UNION ALL SELECT a, b FROM generate_series(11, 15) a, generate_series(11, 15) b WHERE a < b UNION ALL SELECT 5, 11') GROUP BY 1 ORDER BY 1;
-- A ring of thirty cliques: each its own.
SELECT count(DISTINCT community), min(n), max(n) FROM (SELECT community, count(*) AS n FROM communities('SELECT c * 5 + a, c * 5 + b FROM generate_series(0, 29) c, generate_series(0, 4) a, generate_series(0, 4) b WHERE a < b
  UNION ALL SELECT c * 5, ((c + 1) % 30) * 5 + 1 FROM generate_series(0, 29) c', resolution => 2) GROUP BY 1) x;
-- Weights: the heavy edges hold together.
SELECT community, array_agg(node ORDER BY node) FROM communities('VALUES (1, 2, 9), (2, 3, 1), (3, 4, 9), (4, 1, 1)') GROUP BY 1 ORDER BY 1;

-- Extracts: the sentences that others are like.
SELECT place, sentence, round(rank::numeric, 4) AS rank
FROM extracts(ARRAY['Anna moved to Rome in May. She likes the food there. The weather was bad.', 'Anna has a flat in Rome, near her work. Rome is where Anna works! Bert collects stamps.'], 4);
SELECT * FROM extracts('{"Katzen schlafen. Die Katze schläft. Hunde bellen."}', 1, 'german');
SELECT * FROM extracts('{}');
SELECT * FROM extracts('{NULL,"",one}');
SELECT * FROM extracts(NULL);
SELECT * FROM extracts('{x}', 0);
SELECT * FROM extracts('{x}', language => 'klingon');
SELECT * FROM extracts(ARRAY(SELECT 's ' || i FROM generate_series(1, 2001) i));
-- What was said is not said again; sentences end where the language ends them, and not with each line.
SELECT place, sentence FROM extracts('{"Rome is old. Rome is old! Rome is large."}');
SELECT place, sentence FROM extracts(ARRAY[E'We met Mr. Brown at 5 p.m. in Rome. A line that was\nwrapped. A title\nAn item\n\nThe end', '今日は雨です。明日は晴れ！'], 20) ORDER BY 1;
SELECT place, sentence FROM extracts('{"Zu ist die Tür. Er kam her. Sie ging."}', language => 'german') ORDER BY 1;
SELECT place, sentence FROM extracts('{"Τι κάνεις; Καλά είμαι."}', language => 'greek') ORDER BY 1;
-- A summary: the same sentences in their order.
SELECT summarize(ARRAY['Anna moved to Rome in May. She likes the food there. The weather was bad.', 'Anna has a flat in Rome, near her work. Rome is where Anna works! Bert collects stamps.'], 2);
SELECT summarize('{"Katzen schlafen. Die Katze schläft. Hunde bellen."}', 1, 'german'), summarize(ARRAY[E' one \n']), summarize('{"","  ",NULL}') IS NULL AS of_nothing, summarize('{}') IS NULL AS of_none;
-- The order of the texts decides between equals only; sentences of many texts are those of one.
SELECT summarize(ARRAY['Anna has a flat in Rome, near her work. Rome is where Anna works! Bert collects stamps.', 'Anna moved to Rome in May. She likes the food there. The weather was bad.'], 2);
SELECT summarize(ARRAY['A cat sleeps. A dog barks.', 'A cat eats.'], 2) = summarize(ARRAY['A cat sleeps. A dog barks. A cat eats.'], 2) AS same;
-- More than are compared at once.
SELECT summarize(ARRAY(SELECT format('This is sentence %s of the long text, and word%s is in it. ', i, i % 100) FROM generate_series(1, 5000) i), 2);
SELECT length(summarize(ARRAY[repeat('x', 200000)]));
SELECT summarize(NULL);
SELECT summarize('{x}', NULL);
SELECT summarize('{x}', 1001);
SELECT summarize('{x}', language => NULL);
SELECT summarize('{x}', language => 'klingon');

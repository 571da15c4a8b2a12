-- Forward push against power iteration over the same weights.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT create_store('p');
-- 300 memories; memory 1 is a hub of 200 edges, the rest have a few, of three types and several weights.
INSERT INTO p.memory (namespace, id, kind, content, valid_period) SELECT 'n', i, 'fact', 'memory ' || i, '[2020-01-01,)' FROM generate_series(1, 300) i;
INSERT INTO p.edge (namespace, source, target, type, weight)
  SELECT 'n', i, 1, 'about_concept', 1 FROM generate_series(2, 201) i
  UNION ALL SELECT 'n', i, i + 1, 'next', 0.5 FROM generate_series(2, 299) i
  UNION ALL SELECT 'n', i, (i * 7919) % 299 + 2, 'similar', ((i % 4) + 1) / 4.0 FROM generate_series(2, 300) i WHERE (i * 7919) % 299 + 2 <> i
  UNION ALL SELECT 'n', i, (i * 104729) % 299 + 2, 'supersedes', 1 FROM generate_series(2, 300) i WHERE (i * 104729) % 299 + 2 <> i;
ANALYZE p.memory, p.edge;

-- exact(v) - ppr(v) is never negative, and sums to what is held back: 1 minus the sum of all scores.
CREATE FUNCTION pg_temp.compare(seeds bigint[], weights real[], damping real, epsilon real, types text[] DEFAULT NULL, OUT nodes bigint, OUT never_above boolean, OUT sum_known boolean, OUT bound boolean)
LANGUAGE sql AS $$
  WITH exact AS (SELECT * FROM personalized_pagerank(format('SELECT * FROM transitions(''p'', ''n'', types => %L)', types), seeds, weights::float8[], damping, 1e-14, 1000)),
    pushed AS (SELECT * FROM ppr('p', 'n', seeds, weights, damping, epsilon, types, k => 10000)),
    d AS (SELECT e.node, e.rank, coalesce(p.score, 0) AS score, e.rank - coalesce(p.score, 0) AS missing FROM exact e LEFT JOIN pushed p ON p.id = e.node),
    -- The bound of the README for edges without direction: W(v) is the sum of the weights at v, n(v) counts all of its edges.
    w AS (SELECT source AS id, sum(weight) AS w FROM transitions('p', 'n', types => types) GROUP BY 1),
    n AS (SELECT x.id, greatest(sum(c), 8) AS n FROM (SELECT source AS id, count(*) AS c FROM p.edge GROUP BY 1 UNION ALL SELECT target, count(*) FROM p.edge GROUP BY 1) x GROUP BY 1)
  SELECT (SELECT count(*) FROM pushed), min(d.missing) > -1e-12, abs(sum(d.missing) - (1 - (SELECT sum(score) FROM pushed))) < 1e-9,
    bool_and(d.missing <= epsilon * w.w * (SELECT max(n.n / w2.w) FROM n JOIN w w2 USING (id)) + 1e-12)
  FROM d JOIN w ON w.id = d.node $$;
SELECT * FROM pg_temp.compare('{5}', NULL, 0.5, 1e-4);
SELECT * FROM pg_temp.compare('{5}', NULL, 0.5, 1e-6);
SELECT * FROM pg_temp.compare('{5,77,250}', '{1,2,0.5}', 0.5, 1e-5);
SELECT * FROM pg_temp.compare('{1}', NULL, 0.85, 1e-6);
SELECT * FROM pg_temp.compare('{5,77}', NULL, 0.85, 1e-7, '{next,similar}');
-- So too where every third memory is gone, seeds among them.
BEGIN;
DELETE FROM p.memory WHERE namespace = 'n' AND id % 3 = 0;
SELECT * FROM pg_temp.compare('{5,6,77}', NULL, 0.5, 1e-5);
SELECT * FROM pg_temp.compare('{1}', NULL, 0.85, 1e-6);
SELECT count(*) FROM ppr('p', 'n', '{5,6,77}', epsilon => 1e-6, k => 20) WHERE id % 3 = 0;
ROLLBACK;
-- With a small epsilon the two agree.
SELECT max(abs(e.rank - p.score)) < 1e-6 AS same, count(*) FROM personalized_pagerank('SELECT * FROM transitions(''p'', ''n'')', '{5,77}', NULL, 0.5, 1e-14, 1000) e JOIN ppr('p', 'n', '{5,77}', epsilon => 1e-9, k => 10000) p ON p.id = e.node;

-- The hub gets less than it would without damping, and its row is read at a small epsilon only.
SELECT (SELECT score FROM ppr('p', 'n', '{5}', epsilon => 1e-8, k => 1000) WHERE id = 1) /
       (SELECT rank FROM personalized_pagerank('SELECT * FROM transitions(''p'', ''n'', damp_hubs => false)', '{5}', NULL, 0.5, 1e-12) WHERE node = 1) BETWEEN 0.5 AND 0.9 AS damped;
SELECT min(weight / u) < 0.3 AS hub_damped FROM (SELECT t.weight, u.weight AS u FROM transitions('p', 'n') t JOIN transitions('p', 'n', damp_hubs => false) u USING (source, target) WHERE t.target = 1) x;

-- By hand: a pair of memories; all other edges at them conduct nothing.
INSERT INTO p.memory (namespace, id, kind, content, valid_period) SELECT 'pair', i, 'fact', 'memory ' || i, '[2020-01-01,)' FROM generate_series(1, 4) i;
SELECT link('p', 'pair', 1, 2), link('p', 'pair', 1, 3, 'contradicts');
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{1}', epsilon => 1e-9);
-- A type with a direction conducts along it only; what it leads to leads back to the seeds.
SELECT add_edge_type('p', 'cites', 1, true);
SELECT unlink('p', 'pair', 1, 2), link('p', 'pair', 1, 2, 'cites');
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{1}', epsilon => 1e-9);
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{2}', epsilon => 1e-9);
-- A memory alone keeps everything; seeds that are not there are passed over.
SELECT id, score FROM ppr('p', 'pair', '{4,99}');
SELECT count(*) FROM ppr('p', 'pair', '{99}');
SELECT count(*) FROM ppr('p', 'pair', '{}');
SELECT count(*) FROM ppr('p', 'pair', '{4}', '{0}');
SELECT count(*) FROM ppr('p', 'nobody', '{1}');
-- What is forgotten conducts nothing, and the rest is as if it had never been.
SELECT link('p', 'pair', 1, 4);
SELECT forget('p', 'pair', 2);
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{1}', epsilon => 1e-9);
SELECT clock_timestamp() AS before \gset
SELECT unlink('p', 'pair', 1, 4);
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{1}', epsilon => 1e-9);
SELECT id, round(score::numeric, 6) AS score FROM ppr('p', 'pair', '{1}', epsilon => 1e-9, known_at => :'before');
SELECT id, score FROM ppr('p', 'pair', '{1}', valid_at => '2019-01-01');

-- k, order, repeatability.
SELECT count(*), bool_and(score <= before) AS ordered FROM (SELECT score, lag(score, 1, 1) OVER (ORDER BY n) AS before FROM ppr('p', 'n', '{5}', k => 7) WITH ORDINALITY x(id, score, n)) y;
SELECT count(*) AS differ FROM ppr('p', 'n', '{5,6}') a FULL JOIN ppr('p', 'n', '{5,6}') b USING (id) WHERE a.score IS DISTINCT FROM b.score;

-- Refused.
SELECT * FROM ppr('p', 'n', NULL);
SELECT * FROM ppr('p', 'n', '{1,NULL}');
SELECT * FROM ppr('p', 'n', '{{1},{2}}');
SELECT * FROM ppr('p', 'n', '{1}', '{1,2}');
SELECT * FROM ppr('p', 'n', '{1}', '{-1}');
SELECT * FROM ppr('p', 'n', '{1}', '{infinity}');
SELECT * FROM ppr('p', 'n', '{1}', damping => 0);
SELECT * FROM ppr('p', 'n', '{1}', damping => 1);
SELECT * FROM ppr('p', 'n', '{1}', damping => 'NaN');
SELECT * FROM ppr('p', 'n', '{1}', epsilon => 0);
SELECT * FROM ppr('p', 'n', '{1}', epsilon => 1);
SELECT * FROM ppr('p', 'n', '{1}', epsilon => 1e-10);
SELECT * FROM ppr('p', 'n', '{1}', types => '{unheard}');
SELECT * FROM ppr('p', 'n', '{1}', k => 0);
SELECT * FROM ppr('p', 'n', '{1}', k => NULL);
SELECT * FROM ppr(NULL, 'n', '{1}');
SELECT * FROM ppr('p', NULL, '{1}');
SELECT * FROM transitions('p', 'n', damp_hubs => NULL);
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;
SELECT count(*) FROM ppr('p', 'n', '{1,2,3}', epsilon => 1e-9);
RESET work_mem;
RESET hash_mem_multiplier;

-- A walk reads indexes only, and of a hub no more than its epsilon allows.
VACUUM p.edge, p.memory;
CREATE FUNCTION pg_temp.reads(call text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint; after bigint;
BEGIN
  SELECT pg_stat_get_xact_tuples_returned('p.edge_target_idx'::regclass) INTO before;
  EXECUTE call;
  RETURN pg_stat_get_xact_tuples_returned('p.edge_target_idx'::regclass) - before;
END $$;
-- 32 to know that 1 is a hub, once; its edges are not read.
SELECT pg_temp.reads($$SELECT FROM ppr('p', 'n', '{150}', epsilon => 0.01)$$) BETWEEN 32 AND 200 AS few;
SELECT drop_store('p', cascade => true);

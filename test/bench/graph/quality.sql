-- How much of the exact first 20 and first 100 ppr finds from 40 facts chosen at random, by epsilon; means of ten.
SET client_min_messages = warning;
SET maintenance_work_mem = '256MB';
CREATE TEMP TABLE flow AS SELECT * FROM agentmem.transitions(:'store', 'n');
ANALYZE flow;
SELECT setseed(0.75);
CREATE TEMP TABLE trial AS SELECT t, array_agg(:edges / 9 + 1 + floor(random() * (:edges / 9 * 2))::bigint) AS seeds FROM generate_series(1, 10) t, generate_series(1, 40) GROUP BY t;
CREATE TEMP TABLE exact AS SELECT t, node, rank, row_number() OVER (PARTITION BY t ORDER BY rank DESC, node) AS place
  FROM trial, agentmem.personalized_pagerank('SELECT * FROM flow', seeds, tolerance => 1e-10);
SELECT 'epsilon ' || epsilon || ': of 20, of 100, held back', round(avg(of20), 2), round(avg(of100), 2), round(avg(held)::numeric, 3)
FROM (VALUES (1e-2), (1e-3), (1e-4), (1e-5)) e(epsilon), trial r CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE n <= 20 AND place <= 20) / 20.0 AS of20, count(*) FILTER (WHERE n <= 100 AND place <= 100) / 100.0 AS of100, 1 - sum(score) AS held
  FROM agentmem.ppr(:'store', 'n', r.seeds, epsilon => epsilon::real, k => 10000) WITH ORDINALITY p(id, score, n) LEFT JOIN exact x ON x.t = r.t AND x.node = p.id) q
GROUP BY epsilon ORDER BY epsilon DESC;

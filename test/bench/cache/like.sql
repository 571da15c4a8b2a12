-- A Zipf replay in other words: 10,000 requests for 2,000 things, each said differently (cosine .97 to the thing, .94 to each other).
-- What the index finds of what an exhaustive search would: hits of both, each with a cache of its own.
SET client_min_messages = warning;
SET synchronous_commit = off;
DROP SCHEMA IF EXISTS alike CASCADE;
SELECT agentmem.create_store('alike', dimensions => 384) \g /dev/null
SELECT agentmem.set_cache_category('alike', 'talk', threshold => 0.9, threshold_min => 0.9, quota => 100000) \g /dev/null
DROP TABLE IF EXISTS bench_cache.requests;
SELECT setseed(0.5) \g /dev/null
-- The rank of a request under Zipf, s = 1: 2000 ^ random, as its share of each factor is the same.
CREATE TABLE bench_cache.requests AS
  SELECT i, agentmem.l2_normalize(v.embedding OPERATOR(agentmem.+) (n.embedding OPERATOR(agentmem.*) array_fill(0.25::real, ARRAY[384])::agentmem.vector)) AS embedding
  FROM (SELECT i, floor(2000 ^ random())::int AS thing, (i * 7919) % 100000 AS noise FROM generate_series(1, 10000) i) r
  JOIN bench_cache.vectors v ON v.id = r.thing JOIN bench_cache.vectors n ON n.id = r.noise;
CREATE TEMP TABLE outcome (mode text, hits int);
CREATE FUNCTION pg_temp.replay(ns text, first int, last int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  r record;
  hits int := 0;
BEGIN
  FOR r IN SELECT i, embedding FROM bench_cache.requests WHERE i BETWEEN first AND last ORDER BY i LOOP
    PERFORM FROM agentmem.cache_get('alike', ns, 'talk', r.embedding);
    IF FOUND THEN
      hits := hits + 1;
    ELSE
      PERFORM agentmem.cache_put('alike', ns, 'talk', 'request ' || r.i, r.embedding, 'answer');
    END IF;
  END LOOP;
  RETURN hits;
END $$;
DO $$
BEGIN
  FOR part IN 0 .. 99 LOOP
    PERFORM set_config('agentmem.ivfbq_exact', 'off', false);
    INSERT INTO outcome SELECT 'index', pg_temp.replay('index', part * 100 + 1, part * 100 + 100);
    PERFORM set_config('agentmem.ivfbq_exact', 'on', false);
    INSERT INTO outcome SELECT 'exhaustive', pg_temp.replay('exhaustive', part * 100 + 1, part * 100 + 100);
    COMMIT;
  END LOOP;
END $$;
RESET agentmem.ivfbq_exact;
SELECT mode, sum(hits) AS hits, round(sum(hits) / 10000.0, 4) AS hit_rate FROM outcome GROUP BY mode ORDER BY mode;

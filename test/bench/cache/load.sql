-- 100,000 entries of one category by cache_put, 384 dimensions; vectors of the mixture in bench_cache.vectors.
SET synchronous_commit = off;
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS cached CASCADE;
SELECT agentmem.create_store('cached', dimensions => 384);
SELECT agentmem.set_cache_category('cached', 'talk', threshold => 0.9, quota => :rows);
-- A transaction for each 100: in a long one all versions of the category's row would have to be passed.
\timing on
DO $$
DECLARE
  quota int := (SELECT quota FROM cached.cache_category WHERE name = 'talk');
BEGIN
  FOR part IN 0 .. (quota - 1) / 100 LOOP
    PERFORM agentmem.cache_put('cached', 'all', 'talk', 'prompt ' || v.id, v.embedding, repeat('an answer of some length ', 20))
    FROM bench_cache.vectors v WHERE v.id >= part * 100 AND v.id < least(part * 100 + 100, quota);
    COMMIT;
  END LOOP;
END $$;
\timing off
VACUUM ANALYZE cached.cache, cached.cache_use;
-- What is asked: entries said in other words (cosine .97 in the mean), and what nobody asked before.
DROP TABLE IF EXISTS bench_cache.asked;
CREATE TABLE bench_cache.asked AS
  SELECT row_number() OVER () AS i, e.id, agentmem.l2_normalize(e.embedding OPERATOR(agentmem.+) (n.embedding OPERATOR(agentmem.*) array_fill(0.25::real, ARRAY[384])::agentmem.vector)) AS likewise, m.embedding AS other
  FROM generate_series(1, 2000) g
  JOIN bench_cache.vectors e ON e.id = (g * 48611) % :rows
  JOIN bench_cache.vectors n ON n.id = (g * 7919) % :rows
  JOIN bench_cache.vectors m ON m.id = :rows + g;
CREATE UNIQUE INDEX ON bench_cache.asked (i);

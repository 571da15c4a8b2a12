-- 100,000 memories, five rounds of the passages with a number that makes each its own.
SELECT count(*) FROM generate_series(1, 100) b, LATERAL (
  SELECT jsonb_agg(jsonb_build_object('content', p.content || ' ' || b, 'kind', 'observation') ORDER BY p.n) AS m, array_agg(p.embedding ORDER BY p.n) AS e
  FROM bench.passage p WHERE p.n > (b % 20) * 1000 AND p.n <= (b % 20 + 1) * 1000) s, agentmem.remember_many('writes', 'n', s.m, s.e);
VACUUM ANALYZE writes.memory;
CHECKPOINT;

-- Rows a second of remember_many: 20 batches of 1,000 passages with their vectors as vector[].
CREATE TEMP TABLE batch AS
  SELECT b, jsonb_agg(jsonb_build_object('content', p.content || ' ' || b, 'kind', :'kind') ORDER BY p.n) AS m, array_agg(p.embedding ORDER BY p.n) AS e
  FROM generate_series(1, 20) b JOIN bench.passage p ON p.n > (b - 1) * 1000 AND p.n <= b * 1000 GROUP BY b;
SET synchronous_commit = off;
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS n FROM batch, agentmem.remember_many('writes', 'many', m, e) \gset
SELECT (:n / extract(epoch FROM clock_timestamp() - :'began'))::int;

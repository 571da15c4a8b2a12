-- An index is the same whatever instructions it was made and is read with: a table of plain C
-- makes it, the processor's best reads it, and the other way round.
SET search_path = public, agentmem;
CREATE TABLE simd_rows (id int PRIMARY KEY, v vector(70));
INSERT INTO simd_rows
SELECT i, (SELECT array_agg(sin(i * (d + 3)) + cos(d * i % 17)) FROM generate_series(1, 70) d)::real[]::vector
FROM generate_series(1, 1500) i;

SET agentmem.simd = scalar;
CREATE INDEX simd_scalar ON simd_rows USING ivfbq (v vector_l2_ops) WITH (flat_limit = 200, list_size = 100);
SET agentmem.simd = auto;
CREATE INDEX simd_auto ON simd_rows USING ivfbq (v vector_cosine_ops) WITH (flat_limit = 200, list_size = 100);
ANALYZE simd_rows;

CREATE FUNCTION simd_nearest(operator text, simd text, query int, k int) RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE
  result int[];
BEGIN
  PERFORM set_config('agentmem.simd', simd, true);
  EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM simd_rows ORDER BY v %s
    (SELECT v FROM simd_rows WHERE id = %s) LIMIT %s) n', operator, query, k) INTO result;
  RETURN result;
END $$;

SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT n.id FROM simd_rows q, LATERAL (SELECT id FROM simd_rows r ORDER BY r.v <-> q.v LIMIT 10) n WHERE q.id = 7;

-- As many as are found, and the order of all.
SELECT o.operator, exact, count(*) AS queries, count(*) FILTER (WHERE scalar = auto) AS same
FROM (VALUES ('<->'), ('<=>')) o(operator), (VALUES ('off'), ('on')) e(exact), generate_series(1, 1500, 97) q,
  LATERAL (SELECT set_config('agentmem.ivfbq_exact', exact, false)) s,
  LATERAL (SELECT simd_nearest(o.operator, 'scalar', q, 10) AS scalar, simd_nearest(o.operator, 'auto', q, 10) AS auto) n
GROUP BY 1, 2 ORDER BY 1, 2;

RESET enable_seqscan;
RESET agentmem.ivfbq_exact;
RESET agentmem.simd;
DROP FUNCTION simd_nearest;
DROP TABLE simd_rows;

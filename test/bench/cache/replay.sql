-- Replays the trace in bench_cache.trace through the cache, by prompts; prints how many were hits.
-- The same seed, so the same entries go each time.
SET client_min_messages = warning;
SET synchronous_commit = off;
DROP SCHEMA IF EXISTS replayed CASCADE;
SELECT agentmem.create_store('replayed') \g /dev/null
SELECT agentmem.set_cache_category('replayed', 'trace', quota => 1000) \g /dev/null
INSERT INTO replayed.cache_state (namespace, category, seed) VALUES ('n', 'trace', 7);
CREATE TEMP TABLE outcome (hits int, requests int);
INSERT INTO outcome VALUES (0, 0);
DO $$
DECLARE
  part record;
  p text;
  hits int;
BEGIN
  FOR part IN SELECT i / 100 AS n, array_agg(prompt ORDER BY i) AS prompts FROM bench_cache.trace GROUP BY 1 ORDER BY 1 LOOP
    hits := 0;
    FOREACH p IN ARRAY part.prompts LOOP
      PERFORM FROM agentmem.cache_get('replayed', 'n', 'trace', NULL, p);
      IF FOUND THEN
        hits := hits + 1;
      ELSE
        PERFORM agentmem.cache_put('replayed', 'n', 'trace', p, NULL, 'answer');
      END IF;
    END LOOP;
    UPDATE outcome o SET hits = o.hits + replayed.hits, requests = o.requests + replayed.requests FROM (SELECT hits, cardinality(part.prompts) AS requests) replayed;
    COMMIT;
  END LOOP;
END $$;
SELECT :'name', hits, requests FROM outcome;

-- Each call as of now and as of an instant in the middle of the history, in turns; medians in ms.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE TEMP TABLE call (n int, what text, now_sql text, known_sql text);
-- Twenty questions a call of recall; %s is the argument known_at, or nothing.
INSERT INTO call
SELECT n, what, replace(sql, '%s', ''), replace(sql, '%s', ', known_at => ''2026-06-01''')
FROM (VALUES
  (1, 'as_of, all 20,000', $$SELECT count(*) FROM agentmem.as_of('past', 'large'%s)$$),
  (2, 'recall, words', $$SELECT count(r.id) FROM bench.asked a, agentmem.recall('past', 'large', a.question%s) r WHERE a.n <= 20$$),
  (3, 'recall, embedding', $$SELECT count(r.id) FROM bench.asked a, agentmem.recall('past', 'large', embedding => a.embedding%s) r WHERE a.n <= 20$$),
  (4, 'recall, both', $$SELECT count(r.id) FROM bench.asked a, agentmem.recall('past', 'large', a.question, a.embedding%s) r WHERE a.n <= 20$$),
  (5, 'recall, both, one kind', $$SELECT count(r.id) FROM bench.asked a, agentmem.recall('past', 'large', a.question, a.embedding, kinds => '{fact}'%s) r WHERE a.n <= 20$$),
  (6, 'recall, newest', $$SELECT count(r.id) FROM bench.asked a, agentmem.recall('past', 'large', k => a.n::int%s) r WHERE a.n <= 20$$),
  (7, 'get, ten ids', $$SELECT count(g.id) FROM bench.asked a, agentmem.get('past', 'large', ARRAY(SELECT a.n * 17 + i FROM generate_series(1, 10) i)%s) g WHERE a.n <= 20$$),
  (8, 'list, a page of 100', $$SELECT count(l.id) FROM bench.asked a, agentmem.list('past', 'large', after => a.n * 100%s) l WHERE a.n <= 20$$),
  (9, 'count', $$SELECT agentmem.count('past', 'large'%s)$$)) c (n, what, sql);
CREATE TEMP TABLE took (n int, known boolean, ms float8);
DO $$
DECLARE
  c record;
  started timestamptz;
BEGIN
  FOR c IN SELECT * FROM call ORDER BY n LOOP
    EXECUTE c.now_sql;
    EXECUTE c.known_sql;
    FOR i IN 1 .. 9 LOOP
      started := clock_timestamp();
      EXECUTE c.now_sql;
      INSERT INTO took VALUES (c.n, false, extract(epoch FROM clock_timestamp() - started) * 1000);
      started := clock_timestamp();
      EXECUTE c.known_sql;
      INSERT INTO took VALUES (c.n, true, extract(epoch FROM clock_timestamp() - started) * 1000);
    END LOOP;
  END LOOP;
END
$$;
SELECT what, round(now::numeric, 1) AS now_ms, round(known::numeric, 1) AS known_ms, round((known / now)::numeric, 2) AS ratio
FROM (SELECT n, percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE NOT known) AS now,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE known) AS known FROM took GROUP BY n) t JOIN call USING (n)
ORDER BY n;
SELECT indexrelname AS index, pg_size_pretty(pg_relation_size(indexrelid)) AS size FROM pg_stat_user_indexes WHERE schemaname = 'past' AND relname LIKE 'memory%' ORDER BY 1;

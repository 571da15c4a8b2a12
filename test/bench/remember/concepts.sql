-- What edges to concepts cost: p50 of remember() of an episode of 100 words with a 384-dimensional embedding, in two stores of
-- :size memories, one with the setting concepts at :concepts, a call and a transaction each in turn. Expects the tables of locomo/load.sql.
-- The first 1,000 memories are remembered, the others copies of them, without vectors and words, but with the edges.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;
SELECT agentmem.drop_store(store, cascade => true) FROM agentmem.stores WHERE store IN ('without_concepts', 'with_concepts');
SELECT agentmem.create_store('without_concepts', dimensions => 384), agentmem.create_store('with_concepts', dimensions => 384);
INSERT INTO with_concepts.setting VALUES ('concepts', :'concepts');

CREATE TEMP TABLE passage AS
WITH word AS (SELECT w, row_number() OVER (ORDER BY t.turn_id, o) - 1 AS i FROM bench.turn t, regexp_split_to_table(t.text, '\s+') WITH ORDINALITY AS s(w, o)),
total AS (SELECT count(*) AS n FROM word)
SELECT p.n, (SELECT string_agg(w.w, ' ' ORDER BY w.i) FROM word w WHERE w.i >= p.n * 37 % (t.n - 100) AND w.i < p.n * 37 % (t.n - 100) + 100) AS content,
       (SELECT e.embedding FROM bench.turn_embedding e ORDER BY e.turn_id OFFSET p.n % 2700 LIMIT 1) AS embedding
FROM generate_series(1, 1300) p(n), total t;

SELECT count(*) FROM (VALUES ('without_concepts'), ('with_concepts')) v(store),
LATERAL (SELECT jsonb_agg(jsonb_build_object('content', content, 'kind', 'episode') ORDER BY n) AS m, array_agg(embedding ORDER BY n) AS e FROM passage WHERE n <= 1000) p,
LATERAL agentmem.remember_many(v.store::name, 'n', p.m, p.e);

SELECT format('ALTER TABLE %1$s.memory DISABLE TRIGGER USER; ALTER TABLE %1$s.edge DISABLE TRIGGER USER;
  INSERT INTO %1$s.memory (namespace, id, kind, content, valid_period, language, content_hash, tokens, lexemes)
  SELECT namespace, id + 1000 * c, kind, content, valid_period, language, gen_random_uuid(), tokens, ''''
  FROM %1$s.memory, generate_series(1, %2$s / 1000 - 1) c WHERE id <= 1000;
  INSERT INTO %1$s.edge (namespace, source, target, type, weight)
  SELECT namespace, source + 1000 * c, CASE WHEN target < 0 THEN target - c ELSE target + 1000 * c END, type, weight
  FROM %1$s.edge, generate_series(1, %2$s / 1000 - 1) c WHERE source <= 1000;
  ALTER TABLE %1$s.memory ENABLE TRIGGER USER; ALTER TABLE %1$s.edge ENABLE TRIGGER USER;
  SELECT setval(''%1$s.id_seq'', %2$s);', v.store, :size)
FROM (VALUES ('without_concepts'), ('with_concepts')) v(store) \gexec
VACUUM ANALYZE without_concepts.memory, without_concepts.edge, with_concepts.memory, with_concepts.edge, with_concepts.concept;
CHECKPOINT;

-- In turns of 25 calls, since processor time (Linux) is known to some milliseconds only.
CREATE TEMP TABLE taken (store name, n int, ms float8);
CREATE TEMP TABLE used (store name, turn int, ms float8);
CREATE FUNCTION pg_temp.cpu() RETURNS float8 LANGUAGE sql AS $$ SELECT split_part(pg_read_file('/proc/self/schedstat', 0, 100, true), ' ', 1)::float8 / 1e6 $$;
CREATE PROCEDURE pg_temp.measure() LANGUAGE plpgsql AS $$
DECLARE
  p record;
  v record;
  began timestamptz;
  cpu float8;
BEGIN
  FOR turn IN 0 .. 11 LOOP
    FOR v IN SELECT s FROM unnest('{without_concepts,with_concepts}'::name[]) s ORDER BY (s = 'with_concepts') = (turn % 2 = 0) LOOP
      cpu := pg_temp.cpu();
      FOR p IN SELECT * FROM passage WHERE n > 1000 + turn * 25 AND n <= 1025 + turn * 25 ORDER BY n LOOP
        began := clock_timestamp();
        PERFORM agentmem.remember(v.s, 'n', p.content, 'episode', p.embedding);
        COMMIT;
        INSERT INTO taken VALUES (v.s, p.n, 1000 * extract(epoch FROM clock_timestamp() - began));
      END LOOP;
      INSERT INTO used VALUES (v.s, turn, (pg_temp.cpu() - cpu) / 25);
      COMMIT;
    END LOOP;
  END LOOP;
END $$;
CALL pg_temp.measure();
-- The first turns warm up.
SELECT :size AS memories, round(o.p50::numeric, 3) AS off_ms, round(w.p50::numeric, 3) AS on_ms, round((w.p50 / o.p50)::numeric, 2) AS ratio, round((w.cpu / o.cpu)::numeric, 2) AS ratio_cpu
FROM (SELECT percentile_cont(.5) WITHIN GROUP (ORDER BY ms) AS p50, (SELECT sum(ms) FROM used WHERE store = 'without_concepts' AND turn > 1) AS cpu FROM taken WHERE store = 'without_concepts' AND n > 1050) o,
     (SELECT percentile_cont(.5) WITHIN GROUP (ORDER BY ms) AS p50, (SELECT sum(ms) FROM used WHERE store = 'with_concepts' AND turn > 1) AS cpu FROM taken WHERE store = 'with_concepts' AND n > 1050) w;
SELECT agentmem.drop_store('without_concepts', cascade => true), agentmem.drop_store('with_concepts', cascade => true);

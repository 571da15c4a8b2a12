-- Namespaces of :sizes memories of about 30 words with real embeddings, made of real turns
-- (see locomo/load.sql), in one store; the same texts in a table as one would have it without agentmem.
\set ON_ERROR_STOP on
\if :{?sizes}
\else
\set sizes '600 20000'
\endif
SET client_min_messages = warning;
SET synchronous_commit = off;
SELECT agentmem.drop_store('speed', cascade => true) FROM agentmem.stores WHERE store = 'speed';
SELECT agentmem.create_store('speed', dimensions => 384);

-- Turns in order, cut to 30 words each; later rounds shift the words against the vectors'
-- turns, so that no text repeats.
DROP TABLE IF EXISTS bench.word, bench.vector, bench.byhand, bench.passage;
CREATE UNLOGGED TABLE bench.word AS
SELECT w, row_number() OVER (ORDER BY t.turn_id, o) AS i
FROM bench.turn t, regexp_split_to_table(t.speaker || ': ' || t.text, '\s+') WITH ORDINALITY AS s(w, o);
CREATE UNIQUE INDEX ON bench.word (i);
CREATE UNLOGGED TABLE bench.vector AS
SELECT embedding, row_number() OVER (ORDER BY turn_id) AS i FROM bench.turn_embedding;
CREATE UNIQUE INDEX ON bench.vector (i);
ANALYZE bench.word;
ANALYZE bench.vector;

CREATE OR REPLACE FUNCTION bench.passages(first bigint, last bigint, OUT n bigint, OUT content text, OUT embedding agentmem.vector)
RETURNS SETOF record LANGUAGE sql AS $$
  SELECT n, (SELECT string_agg(w.w, ' ' ORDER BY w.i) FROM bench.word w WHERE w.i > s.start AND w.i <= s.start + 30), (SELECT v.embedding FROM bench.vector v WHERE v.i = (n - 1) % t.vectors + 1)
  FROM (SELECT (SELECT max(i) FROM bench.word) AS words, (SELECT max(i) FROM bench.vector) AS vectors) t,
    generate_series(first, last) n, LATERAL (SELECT ((n - 1) * 30 + (n / (t.words / 30)) * 11) % t.words AS start) s $$;

-- Other benchmarks take these.
CREATE TABLE bench.passage AS SELECT * FROM bench.passages(1, 20000);

-- By hand: one tenant column, one GIN index, ts_rank and distance in one statement.
CREATE TABLE bench.byhand (tenant text, id bigint, content text, embedding agentmem.vector(384), words tsvector);
ALTER TABLE bench.byhand ALTER embedding SET STORAGE PLAIN;

CREATE OR REPLACE PROCEDURE bench.fill(size bigint) LANGUAGE plpgsql AS $$
DECLARE
  first bigint;
BEGIN
  FOR first IN SELECT generate_series(1, size, 10000) LOOP
    PERFORM count(*) FROM (SELECT jsonb_agg(jsonb_build_object('content', p.content, 'kind', 'episode') ORDER BY n) AS m, array_agg(p.embedding ORDER BY n) AS e
                           FROM bench.passages(first, least(first + 9999, size)) p) p, agentmem.remember_many('speed', size::text, p.m, p.e);
    IF size <= 20000 THEN
      INSERT INTO bench.byhand SELECT size, p.n, p.content, p.embedding, to_tsvector('pg_catalog.english', p.content) FROM bench.passages(first, least(first + 9999, size)) p;
    END IF;
    COMMIT;
  END LOOP;
END
$$;
SELECT format('CALL bench.fill(%s)', s) FROM unnest(string_to_array(:'sizes', ' ')) s \gexec
CREATE INDEX ON bench.byhand (tenant);
CREATE INDEX ON bench.byhand USING gin (words);
-- Rows whose commit, or that of a transaction near by, is not on disk yet cannot be marked as seen by all.
SET synchronous_commit = on;
VACUUM ANALYZE bench.byhand;
VACUUM ANALYZE speed.memory;
VACUUM ANALYZE speed.edge;
VACUUM ANALYZE speed.activity;
CALL agentmem.maintain_all('speed', '1 hour');

-- Questions numbered from 1.
DROP TABLE IF EXISTS bench.asked;
CREATE TABLE bench.asked AS SELECT row_number() OVER (ORDER BY question_id) AS n, question, embedding
FROM bench.question JOIN bench.question_embedding USING (question_id);
CREATE UNIQUE INDEX ON bench.asked (n);
VACUUM ANALYZE bench.asked;

-- Two namespaces of 600 and 20,000 memories of about 30 words with real embeddings, made
-- of real turns (see locomo/load.sql); the same texts in a table as one would have it
-- without agentmem.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT agentmem.drop_store('speed', cascade => true) FROM agentmem.stores WHERE store = 'speed';
SELECT agentmem.create_store('speed', dimensions => 384);

-- Turns in order, cut to 30 words each; later rounds shift the words against the vectors'
-- turns, so that no text repeats.
DROP TABLE IF EXISTS bench.passage;
CREATE TABLE bench.passage AS
WITH word AS (
  SELECT w, row_number() OVER (ORDER BY t.turn_id, o) AS i
  FROM bench.turn t, regexp_split_to_table(t.speaker || ': ' || t.text, '\s+') WITH ORDINALITY AS s(w, o)),
total AS (SELECT max(i) AS words FROM word),
passage AS (SELECT n, ((n - 1) * 30 + (n / (words / 30)) * 11) % words AS start FROM total, generate_series(1, 20000) n)
SELECT p.n, string_agg(w.w, ' ' ORDER BY w.i) AS content, (SELECT e.embedding FROM bench.turn_embedding e WHERE e.turn_id = t.turn_id) AS embedding
FROM passage p JOIN word w ON w.i > p.start AND w.i <= p.start + 30
JOIN (SELECT turn_id, row_number() OVER (ORDER BY turn_id) AS r, count(*) OVER () AS c FROM bench.turn) t ON t.r = (p.n - 1) % t.c + 1
GROUP BY p.n, t.turn_id;

SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('content', content, 'kind', 'episode') ORDER BY n) AS m, array_agg(embedding ORDER BY n) AS e
                      FROM bench.passage WHERE n <= 600) p, agentmem.remember_many('speed', 'small', p.m, p.e);
SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('content', content, 'kind', 'episode') ORDER BY n) AS m, array_agg(embedding ORDER BY n) AS e
                      FROM bench.passage) p, agentmem.remember_many('speed', 'large', p.m, p.e);
VACUUM ANALYZE speed.memory, speed.edge, speed.activity;

-- By hand: one tenant column, one GIN index, ts_rank and distance in one statement.
DROP TABLE IF EXISTS bench.byhand;
CREATE TABLE bench.byhand AS
SELECT tenant, n AS id, content, embedding, to_tsvector('pg_catalog.english', content) AS words
FROM bench.passage, (VALUES ('small', 600), ('large', 20000)) v(tenant, size) WHERE n <= size;
ALTER TABLE bench.byhand ALTER embedding SET STORAGE PLAIN;
CREATE INDEX ON bench.byhand (tenant);
CREATE INDEX ON bench.byhand USING gin (words);
VACUUM ANALYZE bench.byhand;

-- Questions numbered from 1.
DROP TABLE IF EXISTS bench.asked;
CREATE TABLE bench.asked AS SELECT row_number() OVER (ORDER BY question_id) AS n, question, embedding
FROM bench.question JOIN bench.question_embedding USING (question_id);
CREATE UNIQUE INDEX ON bench.asked (n);
VACUUM ANALYZE bench.asked;

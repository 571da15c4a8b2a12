-- recall(known_at => T) answers as recall answered at T: the same rows, scores and channels.  What was asked then is kept
-- in a table and asked again after 300 memories were changed, removed and joined by others; in ordinary tables and partitions.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET jit = off;
SELECT create_store('plain', dimensions => 4);
SELECT create_store('split', dimensions => 4, partitions => 4);
CREATE TABLE word AS SELECT w, n FROM unnest('{ferry,island,bread,rye,concert,ticket,garden,rain,cellar,violin}'::text[]) WITH ORDINALITY w(w, n);
-- Any of these numbers is as good as another: they spread words and vectors.
CREATE FUNCTION sentence(i int, v int) RETURNS text LANGUAGE sql AS
  'SELECT format(''n%s '', i) || coalesce(string_agg(w, '' '' ORDER BY n * (i + v) % 11, n), ''nothing'') FROM public.word WHERE (i * 7 + n * n + v * n + i / 9) % 3 = 0';
CREATE FUNCTION place(i int, v int) RETURNS vector LANGUAGE sql AS
  'SELECT format(''[%s,%s,%s,%s]'', sin(i), cos(i * 3 + v), sin(i * 5 + v), 0.5)::agentmem.vector';
CREATE FUNCTION fill(mem name, first int, last int) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM (SELECT jsonb_agg(jsonb_build_object('content', sentence(i, 0), 'kind', CASE i % 3 WHEN 0 THEN 'event' ELSE 'fact' END, 'key', i::text,
             'subject', 's' || i % 5, 'tags', ARRAY['t' || i % 4], 'valid_from', CASE i % 30 WHEN 3 THEN '2040-01-01' WHEN 4 THEN '-infinity' ELSE ('2020-01-01'::timestamptz + i * interval '1 day')::text END) ORDER BY i) AS m,
           array_agg(CASE WHEN i % 10 <> 0 THEN place(i, 0) END ORDER BY i) AS e FROM generate_series(first, last) i) x,
    agentmem.remember_many(mem, 'u', x.m, x.e)
$$;
-- What the application does without a function for it yet: a new version, with what follows from its content.
CREATE FUNCTION change(mem name, modulus int, v int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('UPDATE %I.memory SET content = sentence(key::int, $1), lexemes = lexemes(''english'', sentence(key::int, $1)),
    tokens = (SELECT sum(cardinality(positions)) FROM unnest(lexemes(''english'', sentence(key::int, $1)))),
    embedding = CASE WHEN embedding IS NOT NULL THEN place(key::int, $1) END, tags = ARRAY[''t'' || (key::int + $1) %% 4]
    WHERE namespace = ''u'' AND id %% $2 = 0', mem) USING v, modulus;
END
$$;
CREATE TABLE question AS
SELECT n, q, e, f FROM (VALUES (1, 'ferry island', NULL), (2, 'the violin in the cellar', NULL), (3, NULL, '[1,0,0,0]'), (4, NULL, '[0.3,-1,0.2,0.5]'),
  (5, 'rye bread in the garden', '[0,1,1,0.5]'), (6, 'n17', '[0,0,1,0]'), (7, NULL, NULL)) q(n, q, e), generate_series(0, 5) f;
CREATE FUNCTION ask(mem name, known timestamptz) RETURNS TABLE (n int, f int, r text) LANGUAGE sql STABLE AS $$
  SELECT n, f, (r.id, r.content, r.score, r.tokens, r.valid_period, r.confidence, r.channels)::text
  FROM public.question, LATERAL agentmem.recall(mem, 'u', q, e::agentmem.vector, k => CASE WHEN q IS NULL AND e IS NULL THEN 400 ELSE 15 END, known_at => known,
    kinds => CASE f WHEN 1 THEN '{fact}'::text[] END, tags => CASE f WHEN 2 THEN '{t1}'::text[] END, subject => CASE f WHEN 3 THEN 'S2' END,
    valid_at => CASE f WHEN 4 THEN '2020-05-01'::timestamptz END, fusion => CASE f WHEN 5 THEN 'rrf' ELSE 'score' END) r
$$;
CREATE TABLE asked (mem name, step int, at timestamptz, n int, f int, r text);
CREATE FUNCTION note(s int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.asked SELECT mem, s, clock_timestamp(), a.* FROM (VALUES ('plain'::name), ('split')) m(mem), public.ask(mem, NULL) a
$$;

SELECT fill('plain', 1, 200), fill('split', 1, 200);
SELECT note(1);
SELECT change('plain', 2, 1), change('split', 2, 1);
DELETE FROM plain.memory WHERE id % 7 = 0; DELETE FROM split.memory WHERE id % 7 = 0;
SELECT note(2);
SELECT change('plain', 3, 2), change('split', 3, 2), fill('plain', 201, 300), fill('split', 201, 300);
SELECT note(3);
SELECT change('plain', 2, 3), change('split', 2, 3);
DELETE FROM plain.memory WHERE id % 5 = 0; DELETE FROM split.memory WHERE id % 5 = 0;
UPDATE plain.activity SET state = 'archived'; INSERT INTO plain.activity (namespace, id, state) SELECT namespace, id, 'archived' FROM plain.memory WHERE id % 4 = 0;
SELECT count(*) > 300 AS enough FROM plain.memory_history;
SELECT step, mem, count(*) > 500 AS enough, count(DISTINCT (n, f)) FROM asked GROUP BY 1, 2 ORDER BY 1, 2;

-- Nothing is missing and nothing is more, with the indexes that the planner takes and with others.
CREATE VIEW differs AS
  WITH again AS (SELECT t.mem, t.step, a.* FROM (SELECT mem, step, max(at) AS at FROM asked GROUP BY 1, 2) t, ask(t.mem, t.at) a)
  (SELECT 'missing', * FROM (SELECT mem, step, n, f, r FROM asked EXCEPT ALL TABLE again) x)
  UNION ALL (SELECT 'more', * FROM (TABLE again EXCEPT ALL SELECT mem, step, n, f, r FROM asked) x);
SELECT * FROM differs ORDER BY 2, 3, 4, 5, 6;
ANALYZE plain.memory, plain.memory_history, split.memory, split.memory_history;
SET enable_seqscan = off;
SELECT * FROM differs ORDER BY 2, 3, 4, 5, 6;
RESET enable_seqscan;
-- It is another answer than today's.
SELECT count(*) > 0 AS changed FROM (SELECT n, f, r FROM asked WHERE mem = 'plain' AND step = 2 EXCEPT SELECT * FROM ask('plain', NULL)) x;

-- k rows if there are k; all of them by exact search, too.
SELECT count(*) = (SELECT count('plain', 'u', kinds => '{fact}', known_at => max(at)) FROM asked WHERE step = 2) AS all_of_them
FROM recall('plain', 'u', k => 1000, kinds => '{fact}', known_at => (SELECT max(at) FROM asked WHERE step = 2));
SELECT count(*) FROM recall('split', 'u', embedding => '[1,0,0,0]', k => 150, mode => 'exact', known_at => (SELECT max(at) FROM asked WHERE step = 2));
-- Before the first: nothing.
SELECT count(*) FROM recall('plain', 'u', 'ferry', known_at => '2000-01-01');
SELECT recall_context('plain', 'u', 'ferry', known_at => '2000-01-01') AS nothing;
SELECT recall_context('plain', 'u', 'n17 n18', k => 2, known_at => (SELECT max(at) FROM asked WHERE step = 1)) AS then;
-- Several namespaces, and a prefix.
SELECT remember('plain', 'u/sub', 'ferry far away', 'fact');
SELECT count(DISTINCT namespace) FROM recall('plain', 'u', 'ferry', prefix => true, k => 200, known_at => clock_timestamp());
SELECT count(DISTINCT namespace) FROM recall('plain', 'u/sub', 'ferry', shared => '{u}', k => 200, known_at => (SELECT max(at) FROM asked WHERE step = 1));

-- By embedding: the index, asked whether a version was held, or all that were held, gives what a statement alone gives, which
-- SERIALIZABLE takes. Of 30,000 versions none, 5, 500 and 5,000 were held at the instants.
SELECT create_store('long', dimensions => 4);
SELECT count(*) FROM remember_many('long', 'u', (SELECT jsonb_agg(jsonb_build_object('content', 'n' || i, 'kind', 'event') ORDER BY i) FROM generate_series(1, 5000) i),
  (SELECT array_agg(format('[%s,%s,%s,1]', sin(i), cos(i * 3), sin(i * 5))::vector ORDER BY i) FROM generate_series(1, 5000) i));
INSERT INTO long.memory_history (namespace, id, kind, valid_period, tokens, embedding, lexemes, content, system_period, confidence, provenance, pinned, language, content_hash)
SELECT m.namespace, m.id, m.kind, m.valid_period, m.tokens, CASE WHEN m.id % 9 > 0 THEN format('[%s,%s,%s,1]', sin(m.id + v), cos(m.id * 3), sin(m.id * v))::vector END, m.lexemes, m.content,
  tstzrange('2020-01-01'::timestamptz + v * interval '1 year' + CASE WHEN m.id <= 5 THEN interval '0' WHEN m.id <= 500 THEN interval '1 hour' ELSE interval '1 day' END, '2020-01-01'::timestamptz + (v + 1) * interval '1 year' - interval '1 day'),
  m.confidence, m.provenance, m.pinned, m.language, m.content_hash
FROM long.memory m, generate_series(0, 5) v;
VACUUM ANALYZE long.memory_history;
CREATE TABLE found (way text, at timestamptz, n int, id bigint, score real);
CREATE FUNCTION near(way text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.found SELECT way, t.at::timestamptz, n, r.id, r.score FROM unnest('{2020-12-31 12:00, 2021-01-01 00:30, 2021-01-01 12:00, 2021-06-01}'::text[]) t(at), generate_series(1, 6) n,
    LATERAL agentmem.recall('long', 'u', embedding => format('[%s,%s,0.1,1]', sin(n), cos(n))::agentmem.vector, k => CASE WHEN n > 3 THEN 3 ELSE 40 END, tags => CASE WHEN n = 6 THEN '{}'::text[] END, known_at => t.at::timestamptz) r $$;
SELECT near('direct');
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT near('statement');
COMMIT;
SELECT way, at AT TIME ZONE current_setting('timezone') IS NOT NULL AS asked, count(*), count(DISTINCT n) FROM found GROUP BY way, found.at ORDER BY found.at, way;
SELECT count(*) AS differing FROM (SELECT at, n, id, score FROM found WHERE way = 'direct' EXCEPT ALL SELECT at, n, id, score FROM found WHERE way = 'statement') x;
-- The index says so before the executor looks: of 30,000 versions nearly none is read in vain.
CREATE FUNCTION removed(at timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE before bigint; after bigint;
BEGIN
  SELECT pg_stat_get_xact_tuples_fetched('long.memory_history_embedding_idx'::regclass) INTO before;
  PERFORM agentmem.recall('long', 'u', embedding => '[1,0,0.1,1]', k => 5, known_at => at);
  SELECT pg_stat_get_xact_tuples_fetched('long.memory_history_embedding_idx'::regclass) INTO after;
  RETURN after - before;
END
$$;
SELECT removed('2021-06-01') BETWEEN 100 AND 130 AS few, removed('2021-01-01 12:00') BETWEEN 1 AND 99 AS given_up, removed('2021-01-01 00:30') AS fewer, removed('2020-12-31 12:00') AS none;
DROP FUNCTION near(text), removed(timestamptz);
DROP TABLE found;
SELECT drop_store('long', cascade => true);

DROP VIEW differs;
DROP TABLE word, question, asked;
DROP FUNCTION sentence(int, int), place(int, int), fill(name, int, int), change(name, int, int), ask(name, timestamptz), note(int);
SELECT drop_store('plain', cascade => true), drop_store('split', cascade => true);

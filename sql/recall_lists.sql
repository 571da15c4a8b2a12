-- Words by posting lists and by one pass give the same (src/recall/README.md, rule 19).
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT agentmem.create_store('lists'), agentmem.create_store('parts', dimensions => 4, partitions => 3);
-- Words by Zipf's law, texts of 1 to 80 words, some words often in one text; every ninth an event.
CREATE FUNCTION public.texts(n int) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_agg(jsonb_build_object('content', t.content, 'kind', CASE WHEN i % 9 = 0 THEN 'event' ELSE 'episode' END,
                                      'tags', CASE WHEN i % 500 = 0 THEN '["rare"]' ELSE '[]' END::jsonb) ORDER BY i)
  FROM generate_series(1, n) i, LATERAL (
    SELECT 'no' || i || ' ' || string_agg('word' || (1000 ^ ((hashint8(i * 1000 + j) & 1023) / 1024.0))::int, ' ' ORDER BY j) AS content
    FROM generate_series(1, 1 + (i * 37) % 80) j) t $$;
SELECT count(*) FROM agentmem.remember_many('lists', 'n', public.texts(4000));
SELECT count(*) FROM agentmem.remember_many('parts', 'n', public.texts(1500));
CREATE TABLE public.asked (q int, query text, kinds text[], tags text[], known timestamptz);
INSERT INTO public.asked (q, query, kinds, tags) VALUES
  (1, 'no17', NULL, NULL), (2, 'word1', NULL, NULL), (3, 'word1 word2 word3', NULL, NULL), (4, 'word5 word50 word500', NULL, NULL),
  (5, 'word2 word3 word7 word11 word20 word77 word300 word900 no40', NULL, NULL), (6, 'word900 nothing at all', NULL, NULL), (7, 'nothing', NULL, NULL),
  (8, 'word1 word40', '{event}', NULL), (9, 'word1 word40', NULL, '{rare}'), (10, 'word2 no500', '{event}', '{rare}'), (11, 'word1 word1 word1', '{episode}', NULL);
CREATE TABLE public.found (q int, store text, way text, k int, id bigint, score real, channels jsonb);
CREATE FUNCTION public.ask(way text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO public.found SELECT a.q, s, way, k, r.id, r.score, r.channels
  FROM public.asked a, unnest('{lists,parts}'::text[]) s, unnest('{1,10,300}'::int[]) k,
    LATERAL agentmem.recall(s::name, 'n', a.query, k => k, kinds => a.kinds, tags => a.tags, known_at => a.known) r $$;
-- Under SERIALIZABLE words are found by one pass.
CREATE PROCEDURE public.compare(INOUT differing bigint DEFAULT NULL, INOUT rows bigint DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
  COMMIT;
  TRUNCATE public.found;
  PERFORM public.ask('lists');
  COMMIT;
  SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;
  PERFORM public.ask('pass');
  SELECT count(*) FILTER (WHERE l IS DISTINCT FROM p), count(*) INTO differing, rows
  FROM (SELECT q, store, k, id, score, channels AS l FROM public.found WHERE way = 'lists') l
  FULL JOIN (SELECT q, store, k, id, score, channels AS p FROM public.found WHERE way = 'pass') p USING (q, store, k, id, score);
END
$$;
CALL public.compare();
SELECT q, store, k, count(*) FROM public.found WHERE way = 'lists' AND k = 300 GROUP BY 1, 2, 3 ORDER BY 1, 2;

SELECT clock_timestamp() AS filled \gset
-- Rows that are gone, rows with another content, rows that moved within their page: not vacuumed, then vacuumed.
SELECT count(*) FROM generate_series(1, 4000, 7) i, agentmem.forget('lists', 'n', i);
SELECT count(agentmem.revise('lists', 'n', m.id, 'word1 word4 revised ' || m.id)) FROM (SELECT id FROM lists.memory WHERE id % 11 = 3) m;
UPDATE lists.memory SET source = 'moved' WHERE id % 13 = 1;
INSERT INTO public.asked (q, query, kinds, tags) VALUES (12, 'revised word4', NULL, NULL), (13, 'revised', '{event}', NULL);
CALL public.compare();
VACUUM lists.memory;
CALL public.compare();
SELECT count(*) AS gone FROM public.found f WHERE store = 'lists' AND NOT EXISTS (SELECT FROM lists.memory m WHERE m.id = f.id);

-- Of an instant of the past: before the changes, after them, and of years with periods of any length, some of other
-- namespaces beside. The rows of the table and those of its history, by the index of time where many are asked for.
UPDATE public.asked SET known = :'filled';
CALL public.compare();
SELECT count(*) FROM public.found;
UPDATE public.asked SET known = clock_timestamp();
CALL public.compare();
SELECT agentmem.remember('lists', ns, 'word1 of another', 'fact') IS NOT NULL FROM unnest('{m,n/o,nn}'::text[]) ns;
INSERT INTO lists.memory_history (namespace, id, kind, valid_period, tokens, lexemes, content, system_period, confidence, provenance, pinned, language, content_hash)
SELECT o.ns, m.id, m.kind, '(,)', m.tokens, m.lexemes, m.content, tstzrange(p.since, p.since + 2 ^ (m.id % 24) * interval '1 minute'),
       m.confidence, m.provenance, m.pinned, m.language, m.content_hash
FROM lists.memory m, generate_series(0, 1) i, unnest('{m,n,n/o,nn}'::text[]) o(ns), LATERAL (SELECT '1990-01-01'::timestamptz + (m.id * 37 % 1000 + i * 7000) * interval '1 day' AS since) p
WHERE m.namespace = 'n' AND (o.ns = 'n' OR m.id % 10 = 0);
UPDATE public.asked SET known = '1991-06-01 12:00';
CALL public.compare();
UPDATE public.asked SET known = '1990-01-01' WHERE q < 8;
UPDATE public.asked SET known = '1992-09-26' WHERE q >= 8;
CALL public.compare();
VACUUM lists.memory_history;
CALL public.compare();
UPDATE public.asked SET known = '2011-01-01';
CALL public.compare();
UPDATE public.asked SET known = 'infinity' WHERE q < 8;
UPDATE public.asked SET known = '-infinity' WHERE q >= 8;
CALL public.compare();
SELECT q, store, k, count(*) FROM public.found WHERE way = 'lists' AND k = 300 GROUP BY 1, 2, 3 ORDER BY 1, 2;
DELETE FROM lists.memory_history WHERE lower(system_period) < '2020-01-01';
-- Indexes of the owner's that look like that of time are not taken for it, even where they are older.
CREATE INDEX ON lists.memory (namespace, lower(valid_period));
CREATE INDEX ON lists.memory (namespace, lower(content));
CREATE INDEX ON lists.memory (namespace, lower(system_period) DESC);
REINDEX INDEX CONCURRENTLY lists.memory_system_idx;
UPDATE public.asked SET known = clock_timestamp();
CALL public.compare();
UPDATE public.asked SET known = NULL;

-- What this transaction has written is found; what it has taken back is not.
BEGIN;
SELECT action FROM agentmem.remember('lists', 'n', 'quite unheard of');
SELECT count(*) FROM agentmem.recall('lists', 'n', 'unheard word1', k => 5) WHERE content LIKE '%unheard%';
SAVEPOINT s;
SELECT action FROM agentmem.remember('lists', 'n', 'unheard of again');
ROLLBACK TO s;
SELECT count(*) FROM agentmem.recall('lists', 'n', 'unheard word1', k => 5) WHERE content LIKE '%unheard%';
ROLLBACK;
SELECT count(*) FROM agentmem.recall('lists', 'n', 'unheard');

-- A cursor sees what it began with.
BEGIN;
DECLARE c CURSOR FOR SELECT r.id IS NOT NULL AS found FROM generate_series(1, 2), LATERAL agentmem.recall('lists', 'n', 'no2001') r;
FETCH 1 FROM c;
SELECT agentmem.forget('lists', 'n', (SELECT id FROM lists.memory WHERE content LIKE 'no2001 %'));
FETCH 1 FROM c;
COMMIT;

-- Rows waiting to be put into the index, and no index: by the pass, with the same result.
CREATE FUNCTION public.answer() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(concat(id, ':', score), ' ') FROM agentmem.recall('lists', 'n', 'word5 word50 word500') $$;
SELECT public.answer() AS answer \gset
ALTER INDEX lists.memory_lexemes_idx SET (fastupdate = on);
SELECT action FROM agentmem.remember('lists', 'n', 'waiting in a list');
SELECT count(*) FROM agentmem.recall('lists', 'n', 'waiting');
ALTER INDEX lists.memory_lexemes_idx SET (fastupdate = off);
DROP INDEX lists.memory_lexemes_idx;
SELECT count(*) FROM agentmem.recall('lists', 'n', 'waiting');
SELECT agentmem.forget('lists', 'n', (SELECT max(id) FROM lists.memory));
SELECT public.answer() = :'answer' AS same;

DROP FUNCTION public.texts(int), public.ask(text), public.answer();
DROP PROCEDURE public.compare(bigint, bigint);
DROP TABLE public.asked, public.found;
SELECT agentmem.drop_store('lists', cascade => true), agentmem.drop_store('parts', cascade => true);

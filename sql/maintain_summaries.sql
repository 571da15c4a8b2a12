-- Maintenance: summaries of sessions, level by level (src/consolidate/README.md, "Summaries").
\set VERBOSITY terse
SET timezone = 'UTC';
SELECT agentmem.create_store('digest', dimensions => 3);
SET search_path = digest, agentmem, public;
-- Rounds of maintenance until nothing is left to do; what each made.
CREATE FUNCTION public.rounds(hours int) RETURNS TABLE (round int, changed bigint, details jsonb) LANGUAGE plpgsql AS $$
BEGIN
  round := 0;
  LOOP
    round := round + 1;
    SELECT m.changed, m.details INTO changed, details FROM agentmem.maintain('digest', 'n', at => date_trunc('day', now()) + hours * interval '1 hour') m WHERE m.step = 'summaries';
    EXIT WHEN NOT FOUND OR round > 10;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION public.tree(above bigint DEFAULT NULL, depth int DEFAULT 0) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE o record;
BEGIN
  FOR o IN SELECT * FROM agentmem.outline('digest', 'n', above) LOOP
    RETURN NEXT repeat('  ', depth) || format('%s %s (%s): %s', o.id, o.kind, o.children, o.title);
    IF depth < 2 THEN RETURN QUERY SELECT public.tree(o.id, depth + 1); END IF;
  END LOOP;
END $$;
CREATE VIEW public.sums AS SELECT id, session, content, title, attributes - 'made_of' AS attributes, round(vector_norm(embedding)::numeric, 4) AS norm, lower(valid_period) AS since, provenance, source FROM memory WHERE kind = 'summary' ORDER BY id;

SELECT count(*) FROM remember_many('digest', 'n', (
    SELECT jsonb_agg(jsonb_build_object('content', format('%s %s the house in town number %s.', CASE t % 2 WHEN 0 THEN 'Anna painted' ELSE 'Bert sold' END, CASE t WHEN 1 THEN 'again' ELSE 'slowly' END, s),
                                        'kind', 'episode', 'session', 's' || s, 'valid_from', timestamptz '2024-01-01' + s * interval '1 day' + t * interval '1 minute') ORDER BY s, t)
    FROM generate_series(1, 4) s, generate_series(1, 3) t),
  (SELECT array_agg(format('[%s,%s,1]', s, t)::vector ORDER BY s, t) FROM generate_series(1, 4) s, generate_series(1, 3) t));
SELECT count(*) FROM remember('digest', 'n', 'Nobody else was there.', 'episode', session => 'alone', valid_from => '2024-02-01') a,
  remember('digest', 'n', 'No session has this.', 'episode', valid_from => '2024-02-01') b, remember('digest', 'n', 'A fact of session one', 'fact', session => 's1') c;

-- Only where the store asks for it.
SELECT * FROM rounds(100);
INSERT INTO setting VALUES ('summaries', '2');
SELECT step, changed, details FROM maintain('digest', 'n', dry_run => true, at => '2025-01-01') WHERE step = 'summaries';
-- A session that is not yet quiet waits.
SELECT step, changed, details FROM maintain('digest', 'n', dry_run => true, at => '2024-01-04 00:10') WHERE step = 'summaries';
SELECT * FROM rounds(101);
SELECT * FROM public.sums;
SELECT * FROM tree();
SELECT s.id FROM memory s WHERE s.id = 16 AND s.embedding <-> (SELECT l2_normalize(avg(m.embedding)) FROM memory m WHERE m.id < 4) < 1e-6;
SELECT source, target, type, weight FROM edge WHERE type = 'summary_of' ORDER BY 1, 2 LIMIT 3;

-- Again: no row changes.
CREATE TABLE public.before AS SELECT 'memory' AS t, ctid::text AS place, xmin::text AS made FROM memory UNION ALL SELECT 'edge', ctid::text, xmin::text FROM edge UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit;
SELECT * FROM rounds(103);
SELECT count(*) AS changed FROM (TABLE public.before EXCEPT (SELECT 'memory', ctid::text, xmin::text FROM memory UNION ALL SELECT 'edge', ctid::text, xmin::text FROM edge UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit)) c;
DROP TABLE public.before;

-- A member changes: the same summary says something else, then the one above it.
SELECT revise('digest', 'n', 1, 'Bert burned down the house in town number 1 with all that was in it.', '[1,2,3]');
SELECT * FROM rounds(105);
SELECT id, content, attributes FROM public.sums WHERE session = 's1' OR attributes ->> 'level' > '1';
SELECT count(*) AS versions FROM history('digest', 'n', 16);
-- Undone, it is due again; so is what a hand wrote, when a member changes; a summary of another source is nobody's business.
SELECT restore('digest', 'n', 16);
SELECT left(content, 20) AS begins FROM public.sums WHERE id = 16;
SELECT * FROM rounds(107);
SELECT left(content, 20) AS begins FROM public.sums WHERE id = 16;

-- Late turns join their session's summary; one turn alone has none.
SELECT count(*) FROM remember('digest', 'n', 'Carl bought the garden of the house in town number 2.', 'episode', session => 's2', valid_from => '2024-03-01') a,
  remember('digest', 'n', 'Somebody came and was there too.', 'episode', session => 'alone', valid_from => '2024-03-01') b;
SELECT * FROM rounds(109);
SELECT id, session, attributes, title FROM public.sums WHERE session IN ('s2', 'alone');

-- Who fades away is summed up still; who is forgotten by hand, or expired, is not.
SELECT forget('digest', 'n', 7, 'retention'), forget('digest', 'n', 8);
SELECT * FROM rounds(111);
SELECT id, content, attributes FROM public.sums WHERE session = 's3';
UPDATE memory SET expires_at = now() WHERE id = 9;
SELECT * FROM rounds(113);
SELECT forget('digest', 'n', 10), forget('digest', 'n', 11), forget('digest', 'n', 12);
SELECT * FROM rounds(115);
SELECT id, content, attributes FROM public.sums WHERE session IN ('s3', 's4');

-- Erasing a member takes what was made of it; what is left is summed up anew.
SELECT erase('digest', 'n', ARRAY[4::bigint]) -> 'ids' AS erased;
SELECT id, session, attributes FROM public.sums;
SELECT * FROM rounds(117);
SELECT id, session, attributes FROM public.sums;
-- Undone, or forgotten: it does not come back by itself.
SELECT forget('digest', 'n', (SELECT max(id) FROM public.sums WHERE session = 's2'));
SELECT * FROM rounds(119);
SELECT count(*) FROM public.sums WHERE session = 's2';

-- A long session has parts; more than a call may change is left for the next.
SELECT count(*) FROM remember_many('digest', 'n', (
  SELECT jsonb_agg(jsonb_build_object('content', 'Turn ' || t || ' of a long talk.', 'kind', 'episode', 'session', 'long', 'valid_from', timestamptz '2024-05-01' + t * interval '1 minute')) FROM generate_series(1, 205) t));
SELECT details FROM maintain('digest', 'n', budget => '0', at => now() + interval '200 hours') WHERE step = 'summaries';
SELECT steps #> '{summaries,after}' AS after FROM namespace;
SELECT ids[1:3] AS ids, jsonb_array_length(plan -> 'groups') AS groups, state -> 'after' AS after
  FROM plan_summaries('digest', 'n', now() + interval '200 hours', '{"planned": "2024-01-01", "rounds": 0, "after": {"phase": "sessions", "at": "a"}}', now() + interval '1 hour', 80);
SELECT * FROM rounds(200);
SELECT session, attributes FROM public.sums WHERE session = 'long' ORDER BY since;
-- What a plan found and is gone by now is left out.
SELECT changed, details FROM apply_summaries('digest', 'n', now(), '{"groups": [{"level": 1, "session": "s1", "members": [1, 2]}, {"summary": 99999, "members": []}, {"level": 1, "members": [14, 99999]}]}', '{1,2,14,99999}', false);

-- A summary that is refused is counted, and keeps the call from nothing else.
ALTER TABLE memory ADD CONSTRAINT no_pears CHECK (kind <> 'summary' OR content !~ 'pear');
SELECT count(*) FROM remember('digest', 'n', 'A pear is green.', 'episode', session => 'x1', valid_from => '2024-06-01') a, remember('digest', 'n', 'The pear is ripe.', 'episode', session => 'x1', valid_from => '2024-06-01') b,
  remember('digest', 'n', 'A plum is blue.', 'episode', session => 'x2', valid_from => '2024-06-01') c, remember('digest', 'n', 'The plum is ripe.', 'episode', session => 'x2', valid_from => '2024-06-01') d;
SELECT changed, details FROM maintain('digest', 'n', at => now() + interval '210 hours') WHERE step = 'summaries';
SELECT session, content FROM public.sums WHERE session LIKE 'x_';
ALTER TABLE memory DROP CONSTRAINT no_pears;

-- Without embeddings.
SELECT agentmem.create_store('plain');
INSERT INTO plain.setting VALUES ('summaries', '8');
SELECT count(*) FROM remember('plain', 'n', 'Eine Katze schläft.', 'episode', session => 'a', valid_from => '2024-01-01', language => 'german') a, remember('plain', 'n', 'Die Katze frisst.', 'episode', session => 'a', valid_from => '-infinity', language => 'german') b;
SELECT step, changed, details FROM maintain('plain', 'n') WHERE step = 'summaries';
SELECT content, title, language, embedding, valid_period FROM plain.memory WHERE kind = 'summary';

-- A summary outlasts what a quota took out, and the past of it; what is forgotten by hand goes from it.
SELECT agentmem.create_store('kept');
INSERT INTO kept.setting VALUES ('summaries', '8'), ('history_keep', '1 day'), ('audit_keep', '1 day');
CREATE FUNCTION public.kept(hours int) RETURNS TABLE (content text, members text) LANGUAGE sql AS $$
  SELECT FROM agentmem.maintain('kept', 'n', at => now() + hours * interval '1 hour');
  SELECT content, attributes ->> 'members' FROM kept.memory WHERE kind = 'summary' ORDER BY id $$;
SELECT count(*) FROM remember_many('kept', 'n', (
  SELECT jsonb_agg(jsonb_build_object('content', s || ' is turn ' || t, 'kind', 'episode', 'session', s, 'valid_from', '2024-01-01')) FROM generate_series(1, 3) t, unnest('{A,B}'::text[]) s));
SELECT * FROM kept(0);
SELECT forget('kept', 'n', 1, 'quota');
SELECT forget('kept', 'n', 2);
SELECT * FROM kept(2);
SELECT * FROM kept(40);
SELECT count(*) FROM kept.memory_history h WHERE h.id < 3;
SELECT * FROM kept(42);
UPDATE kept.memory SET content = 'another turn' WHERE id = 3;
SELECT count(*) FROM remember('kept', 'n', 'A is late', 'episode', session => 'A', valid_from => '2024-01-01');
SELECT * FROM kept(44);

-- What is looked at is what was written since: of a namespace in which nothing was, next to nothing (pages that a plan reads); all of it once a day.
SELECT agentmem.create_store('much');
INSERT INTO much.setting VALUES ('summaries', '4');
SELECT count(*) FROM remember_many('much', 'n', (
  SELECT jsonb_agg(jsonb_build_object('content', format('Turn %s of talk %s.', t, s), 'kind', 'episode', 'session', 's' || s, 'valid_from', timestamptz '2024-01-01' + s * interval '1 day' + t * interval '1 minute')) FROM generate_series(1, 100) s, generate_series(1, 10) t));
SELECT 'SELECT details FROM maintain(''much'', ''n'') WHERE step = ''summaries''' FROM generate_series(1, 5) \gexec
VACUUM ANALYZE much.memory, much.edge, much.audit;
CREATE FUNCTION public.pages(since timestamptz, day interval, OUT pages bigint, OUT groups int) LANGUAGE plpgsql AS $$
DECLARE
  call text := format('SELECT jsonb_array_length(p.plan -> ''groups'') FROM agentmem.plan_summaries(''much'', ''n'', now() + %L, %L, now() + interval ''1 hour'', 10000) p', day,
    jsonb_build_object('planned', now(), 'all', now(), 'begun', since));
  plan json;
BEGIN
  EXECUTE call INTO groups;
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || call INTO plan;
  pages := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END $$;
SELECT groups, pages < 200 AS few FROM public.pages(now() + interval '5 minutes', '2 hours');
SELECT groups, pages > 4000 AS all_of_it FROM public.pages(now() + interval '5 minutes', '25 hours');
SELECT count(*) FROM remember('much', 'n', 'One more turn.', 'episode', session => 's7', valid_from => '2024-03-01') a, remember('much', 'n', 'One of now.', 'episode', session => 's8') b, revise('much', 'n', 1, 'Another turn.') c;
SELECT groups FROM public.pages(now() - interval '1 second', '2 hours');
-- Had they been seen before, only the session that was not yet quiet then.
SELECT groups, pages < 500 AS few FROM public.pages(now() + interval '5 minutes', '2 hours');
-- What was erased is looked for everywhere.
SELECT jsonb_array_length(erase('much', 'n', ARRAY[15::bigint]) -> 'ids') AS erased;
SELECT groups FROM public.pages(now() - interval '1 second', '2 hours');

-- Bad settings.
UPDATE setting SET value = 'some' WHERE name = 'summaries';
SELECT * FROM maintain('digest', 'n');
UPDATE setting SET value = '65' WHERE name = 'summaries';
SELECT * FROM maintain('digest', 'n');
UPDATE setting SET value = '0' WHERE name = 'summaries';
SELECT step FROM maintain('digest', 'n', at => now() + interval '300 hours');
INSERT INTO setting VALUES ('summary_interval', 'often');
UPDATE setting SET value = '2' WHERE name = 'summaries';
SELECT * FROM maintain('digest', 'n');

DROP VIEW public.sums;
DROP FUNCTION rounds(int), tree(bigint, int), kept(int), pages(timestamptz, interval);
SELECT agentmem.drop_store('digest', cascade => true), agentmem.drop_store('plain', cascade => true), agentmem.drop_store('kept', cascade => true), agentmem.drop_store('much', cascade => true);

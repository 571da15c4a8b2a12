-- Maintenance: what episodes of several sessions say becomes a reflection (src/consolidate/README.md, "Promotion").
\set VERBOSITY terse
SET timezone = 'UTC';
SELECT agentmem.create_store('insight', dimensions => 3);
SET search_path = insight, agentmem, public;
-- Maintenance at a day, until nothing is left to do; what each call made.
CREATE FUNCTION public.rounds(day int) RETURNS TABLE (round int, changed bigint, details jsonb) LANGUAGE plpgsql AS $$
BEGIN
  round := 0;
  LOOP
    round := round + 1;
    SELECT m.changed, m.details INTO changed, details FROM agentmem.maintain('insight', 'n', at => date_trunc('day', now()) + day * interval '1 day') m WHERE m.step = 'promotion';
    EXIT WHEN NOT FOUND OR round > 10;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE VIEW public.reflections AS
  SELECT id, content, title, attributes - 'made_of' AS attributes, confidence, lower(valid_period) AS since, provenance, source,
    (SELECT array_agg(e.target ORDER BY e.target) FROM edge e WHERE e.source = m.id AND e.type = 'derived_from') AS members
  FROM memory m WHERE kind = 'reflection' ORDER BY id;
-- An episode of a day and session.
CREATE FUNCTION public.say(session text, day int, content text, embedding vector DEFAULT NULL) RETURNS bigint LANGUAGE sql AS $$
  SELECT id FROM agentmem.remember('insight', 'n', content, 'episode', embedding => embedding, session => session, valid_from => timestamptz '2024-01-01' + day * interval '1 day') $$;

-- 1 to 3: one thing in three sessions. 4 and 5: in two only. 6 and 7: in one. 8 to 10: too short to tell anything. 11 to 13: in no session.
SELECT say('s' || i, i, format('The deployment to staging failed, as the disk of the old build server was full (%s).', i), format('[1,0.%s,0]', i)::vector) FROM generate_series(1, 3) i;
SELECT say('s' || i, i, format('Anna asked for the report of the month in the language of the customer, number %s.', i), '[0,1,0]') FROM generate_series(1, 2) i;
SELECT say('s9', i, format('The tram was late in the morning and late in the evening, time number %s.', i), '[0,0,1]') FROM generate_series(1, 2) i;
SELECT say('s' || i, i, 'Thanks and good bye ' || i, '[1,-1,0]') FROM generate_series(1, 3) i;
SELECT say(NULL, i, format('A thing that was said in no session at all, and three times, time %s.', i), '[-1,0,0]') FROM generate_series(1, 3) i;

-- Only where the store asks for it.
SELECT * FROM rounds(0);
INSERT INTO setting VALUES ('promotion', '3');
SELECT step, changed, details FROM maintain('insight', 'n', dry_run => true) WHERE step = 'promotion';
SELECT * FROM public.reflections;
SELECT * FROM rounds(0);
SELECT * FROM public.reflections;
SELECT DISTINCT type, weight FROM edge WHERE type LIKE 'derived%';
SELECT kind, id FROM recall('insight', 'n', 'deployment', kinds => '{reflection}');

-- Again: no row changes.
CREATE TABLE public.before AS SELECT 'memory' AS t, ctid::text AS place, xmin::text AS made FROM memory UNION ALL SELECT 'edge', ctid::text, xmin::text FROM edge UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit;
SELECT * FROM rounds(2);
SELECT count(*) AS changed FROM (TABLE public.before EXCEPT (SELECT 'memory', ctid::text, xmin::text FROM memory UNION ALL SELECT 'edge', ctid::text, xmin::text FROM edge UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit)) c;
DROP TABLE public.before;

-- One that comes later widens it; what was seen before counts when the third session comes.
SELECT say('s5', 5, 'The deployment to staging failed, as the disk of the old build server was full. Anna cleaned it.', '[1,0.2,0.1]'), say('s5', 5, 'Anna asked for the report of the month in the language of the customer, number 5.', '[0,1,0]');
SELECT * FROM rounds(3);
SELECT * FROM rounds(4);
SELECT id, attributes, members FROM public.reflections;
SELECT count(*) AS versions FROM history('insight', 'n', 14);

-- Undone, it says what it said, and is due again.
SELECT restore('insight', 'n', 14);
SELECT attributes FROM public.reflections WHERE id = 14;
SELECT * FROM rounds(6);
SELECT attributes FROM public.reflections WHERE id = 14;
-- A member that says something else, one that fades away, one that is forgotten by hand.
SELECT revise('insight', 'n', 1, 'Nothing of that kind was ever said on the first day of the year by anybody.');
SELECT forget('insight', 'n', 2, 'retention'), forget('insight', 'n', 3);
SELECT * FROM rounds(8);
SELECT id, attributes, members FROM public.reflections WHERE id = 14;

-- Forgotten, it does not come back, nor with what is said again; nor does one that a person made his own change.
SELECT forget('insight', 'n', 14);
UPDATE memory SET source = 'Anna' WHERE id = (SELECT max(id) FROM public.reflections);
SELECT say('t' || i, 10 + i, format('The deployment to staging failed, as the disk of the old build server was full (%s).', 90 + i), format('[1,0.%s,0]', i)::vector) FROM generate_series(1, 3) i;
SELECT say('t4', 14, 'Anna asked for the report of the month in the language of the customer, number 14.', '[0,1,0]') IS NOT NULL AS said;
SELECT * FROM rounds(10);
SELECT id, attributes, source, members FROM public.reflections;

-- Erasing an episode takes what was made of it.
SELECT say('u' || i, 20 + i, format('The customer of the north wants his invoices in two copies and on paper %s.', i), format('[-1,-0.%s,-1]', i)::vector) IS NOT NULL AS said FROM generate_series(1, 3) i;
SELECT * FROM rounds(12);
SELECT max(id) AS made, max(members[1]) AS member FROM public.reflections \gset
SELECT jsonb_array_length(erase('insight', 'n', ARRAY[:member]) -> 'ids') AS erased;
SELECT count(*) AS is_left FROM public.reflections WHERE id = :made;
SELECT * FROM rounds(14);

-- Without vectors: the same content, or the same concepts.
INSERT INTO setting VALUES ('concepts', '8'), ('reflect_jobs', 'on');
SELECT say('v' || i, 30 + i, 'Every quarter the external auditors ask our office for the list of suppliers and their contracts.') IS NOT NULL AS said FROM generate_series(1, 2) i;
SELECT say('v3', 33, 'External auditors ask our office for suppliers and contracts again, as in every quarter, with a list.') IS NOT NULL AS said;
SELECT * FROM rounds(16);
SELECT content, attributes FROM public.reflections WHERE content ~ 'auditors';
-- A model outside may say it better.
SELECT kind, cardinality(ids) AS ids, payload ? 'key' AS has_key, (payload ->> 'reflection')::bigint = (SELECT max(id) FROM public.reflections) AS of_it FROM job;
SELECT complete_job('insight', 'n', c.job, jsonb_build_object('memories', jsonb_build_array(jsonb_build_object('content', 'Have the list of suppliers ready by the end of a quarter.', 'key', c.payload ->> 'key', 'source', 'model')))) = ARRAY[(SELECT max(id) FROM public.reflections)] AS the_same FROM claim_jobs('insight', '{reflect}') c;
SELECT content, source FROM public.reflections WHERE content ~ 'suppliers';
SELECT * FROM rounds(18);

-- No more than a call has time for; what a plan found and is gone by now is left out.
SELECT say('w' || i, 40 + i, format('Backups of the old archive are to be kept in the cellar, said the director %s.', i), format('[0,-1,0.%s]', i)::vector) IS NOT NULL AS said FROM generate_series(1, 2) i;
SELECT step FROM maintain('insight', 'n', budget => '0', at => now() + interval '20 days') WHERE step = 'promotion';
SELECT steps -> 'promotion' ? 'after' AS unfinished FROM namespace;
SELECT changed, details FROM apply_promotion('insight', 'n', now(), '{"groups": [{"members": [4, 99999]}, {"summary": 99999, "members": []}, {"members": [1, 4]}]}', '{1,4,99999}', false);
-- One that is refused is counted, and keeps the call from nothing else.
UPDATE setting SET value = '2' WHERE name = 'promotion';
ALTER TABLE memory ADD CONSTRAINT no_cellar CHECK (kind <> 'reflection' OR content !~ 'cellar');
SELECT changed, details FROM maintain('insight', 'n', at => now() + interval '22 days') WHERE step = 'promotion';
ALTER TABLE memory DROP CONSTRAINT no_cellar;

-- With the next one it is tried again. It outlasts what a quota took out, and the past of it.
SELECT say('w3', 43, 'Backups of the old archive are to be kept in the cellar, said the director 3.', '[0,-1,0.3]') AS last \gset
SELECT * FROM rounds(24);
SELECT forget('insight', 'n', :last, 'quota');
INSERT INTO setting VALUES ('history_keep', '1 day'), ('audit_keep', '1 day');
SELECT * FROM rounds(40);
SELECT * FROM rounds(44);
SELECT count(*) AS versions FROM history('insight', 'n', :last);
SELECT content, attributes, cardinality(members) AS edges FROM public.reflections WHERE content ~ 'cellar';

-- Many groups are found in a few passes over the pairs, not each by itself (pages that it reads); the one that has the most sessions comes first.
INSERT INTO memory (namespace, kind, content, session, valid_period) SELECT 'many', 'episode', 'remark ' || i, 's' || i % 3, '[2024-01-01,)' FROM generate_series(1, 600) i;
ANALYZE memory;
CREATE FUNCTION public.grouped(OUT groups int, OUT members text, OUT pages bigint) LANGUAGE plpgsql AS $$
DECLARE
  first bigint := (SELECT min(m.id) FROM insight.memory m WHERE m.namespace = 'many');
  -- 1 with 2, 3 with 4 and so on; and 5 with 7.
  pairs text := format('(SELECT array_agg(%1$s + i ORDER BY i) FROM generate_series(0, 598, 2) i) || %1$s + 4, (SELECT array_agg(%1$s + i ORDER BY i) FROM generate_series(1, 599, 2) i) || %1$s + 6', first);
  plan jsonb;
  found jsonb;
BEGIN
  EXECUTE format('SELECT agentmem.promotion_groups(''insight'', ''many'', %s, array_fill(1::real, ARRAY[301]), 2)', pairs) INTO found;
  EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT agentmem.promotion_groups(''insight'', ''many'', %s, array_fill(1::real, ARRAY[301]), 2)', pairs) INTO plan;
  groups := jsonb_array_length(found);
  members := (SELECT string_agg(x.ids, ' ' ORDER BY x.i) FROM (SELECT f.i, string_agg((e.id::bigint - first + 1)::text, ',') AS ids FROM jsonb_array_elements(found) WITH ORDINALITY f(g, i), jsonb_array_elements_text(f.g -> 'members') e(id) WHERE f.i <= 4 GROUP BY f.i) x);
  pages := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
END $$;
SELECT groups, members, pages < 3500 AS few FROM public.grouped();
DROP FUNCTION public.grouped();
DELETE FROM memory WHERE namespace = 'many';

-- Bad settings.
UPDATE setting SET value = '1' WHERE name = 'promotion';
SELECT * FROM maintain('insight', 'n');
UPDATE setting SET value = '2' WHERE name = 'promotion';
INSERT INTO setting VALUES ('promotion_threshold', 'high');
SELECT * FROM maintain('insight', 'n');
UPDATE setting SET value = '0' WHERE name = 'promotion';

DROP VIEW public.reflections;
DROP FUNCTION public.rounds(int), public.say(text, int, text, vector);
SELECT agentmem.drop_store('insight', cascade => true);

-- Maintenance: summaries of communities of the graph (src/consolidate/README.md, "Communities").
\set VERBOSITY terse
SET timezone = 'UTC';
SELECT agentmem.create_store('circle', dimensions => 3);
SET search_path = circle, agentmem, public;
-- Maintenance of a namespace at a day, until nothing is left to do; what each call made.
CREATE FUNCTION public.rounds(ns text, day int) RETURNS TABLE (round int, changed bigint, details jsonb) LANGUAGE plpgsql AS $$
BEGIN
  round := 0;
  LOOP
    round := round + 1;
    SELECT m.changed, m.details INTO changed, details FROM agentmem.maintain('circle', ns, at => date_trunc('day', now()) + day * interval '1 day') m WHERE m.step = 'communities';
    EXIT WHEN NOT FOUND OR round > 10;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE VIEW public.sums AS
  SELECT namespace, id, content, title, attributes - 'made_of' AS attributes, session, provenance, source,
    (SELECT array_agg(e.target ORDER BY e.target) FROM edge e WHERE e.namespace = m.namespace AND e.source = m.id AND e.type = 'summary_of') AS members
  FROM memory m WHERE kind = 'summary' AND key LIKE 'maintain/community/%';
-- What each summary of a community is of, by the keys of memories.
CREATE FUNCTION public.told(ns text) RETURNS TABLE (place bigint, source text, n bigint, first_ones text) LANGUAGE sql AS $$
  SELECT dense_rank() OVER (ORDER BY s.id), s.source, count(*), array_to_string((array_agg(m.key ORDER BY m.key COLLATE "C"))[1:8], ' ')
  FROM public.sums s LEFT JOIN memory m ON m.namespace = ns AND m.id = ANY (s.members) WHERE s.namespace = ns GROUP BY s.id, s.source ORDER BY 1 $$;
-- Memories by key, each joined to each, or only to the first.
CREATE FUNCTION public.say(ns text, what text, variadic keys text[]) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM unnest(keys) k, LATERAL agentmem.remember('circle', ns, format('%s is about the %s, says %s.', CASE length(k) % 2 WHEN 0 THEN 'This' ELSE 'That' END, what, k), 'learning', format('[%s,1,0]', length(what))::vector, key => k, valid_from => '2024-01-01') $$;
CREATE FUNCTION public.tie(ns text, variadic keys text[]) RETURNS bigint LANGUAGE sql AS $$
  SELECT count(agentmem.link('circle', ns, a.id, b.id, 'caused_by')) FROM memory a, memory b WHERE a.namespace = ns AND b.namespace = ns AND a.key = ANY (keys) AND b.key = ANY (keys) AND a.id < b.id $$;
-- Where all rows lie, and all is looked at again.
CREATE FUNCTION public.all_rows() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT 'memory ' || ctid || xmin FROM memory UNION ALL SELECT 'edge ' || ctid || xmin FROM edge UNION ALL SELECT 'audit ' || ctid || xmin FROM audit UNION ALL SELECT 'history ' || ctid || xmin FROM memory_history UNION ALL SELECT 'past ' || ctid || xmin FROM edge_history $$;
CREATE FUNCTION public.look_again() RETURNS void LANGUAGE sql AS $$ UPDATE namespace SET steps = steps - 'communities' $$;

-- 1 to 4 of a boat, 5 to 8 of a house, 9 and 10 of a garden; turns of two talks, so each talk is of both. 11 is a secret, 12 a summary of an application's own.
SELECT count(*) FROM generate_series(1, 10) i, LATERAL remember('circle', 'n', format('%s %s the %s in town number %s.', CASE i % 2 WHEN 0 THEN 'Anna painted' ELSE 'Bert sold' END, CASE WHEN i > 5 THEN 'slowly' ELSE 'again' END,
  CASE WHEN i < 5 THEN 'boat' WHEN i < 9 THEN 'house' ELSE 'garden' END, i), CASE WHEN i < 9 THEN 'episode' ELSE 'observation' END, format('[%s,1,0]', i)::vector, session => CASE WHEN i < 9 THEN 't' || i % 2 END, valid_from => timestamptz '2024-01-01' + i * interval '1 day', key => i::text);
SELECT a.id, b.id FROM remember('circle', 'n', 'The key of the boat', 'secret', attributes => '{"value": "x"}') a, remember('circle', 'n', 'All of the boat', 'summary') b;
SELECT tie('n', '1', '2', '3', '4'), tie('n', '5', '6', '7', '8'), tie('n', '9', '10'), link('circle', 'n', 11, 1, 'part_of'), link('circle', 'n', 12, 1, 'derived_from');

-- Only where the store asks for it.
SELECT * FROM rounds('n', 0);
INSERT INTO setting VALUES ('communities', '3'), ('summaries', '2');
SELECT step, changed, details FROM maintain('circle', 'n', dry_run => true) WHERE step = 'communities';
SELECT * FROM rounds('n', 0);
SELECT * FROM public.sums ORDER BY id;
SELECT DISTINCT type, weight FROM edge WHERE source IN (SELECT id FROM public.sums);
SELECT s.id FROM public.sums s JOIN memory m USING (id) WHERE m.embedding <-> (SELECT l2_normalize(avg(e.embedding)) FROM memory e WHERE e.id = ANY (s.members)) < 1e-6 ORDER BY 1;
-- Sessions have theirs as well; no summary of a higher level has one of a community.
SELECT session, attributes ->> 'level' AS level, attributes ->> 'members' AS members FROM memory WHERE kind = 'summary' AND source = 'maintain' ORDER BY id;
-- Found as any other.
SELECT id, kind FROM recall('circle', 'n', 'house', granularity => 'summary') WHERE id IN (SELECT id FROM public.sums) ORDER BY score DESC;
SELECT o.children, o.kind FROM outline('circle', 'n') o WHERE o.id IN (SELECT id FROM public.sums) ORDER BY o.id;
SELECT o.id FROM public.sums s, outline('circle', 'n', s.id) o ORDER BY s.id, o.id;

-- Again: no row changes, at another day, or when all is looked at again, with what has been made since in the store.
CREATE TABLE public.before AS SELECT * FROM all_rows() r;
SELECT * FROM rounds('n', 2);
SELECT look_again();
SELECT * FROM rounds('n', 4);
SELECT count(*) AS changed FROM ((TABLE public.before EXCEPT SELECT * FROM all_rows()) UNION ALL (SELECT * FROM all_rows() EXCEPT TABLE public.before)) c;
DROP TABLE public.before;

-- A member changes: the same summary says something else. Undone, it is due again.
SELECT revise('circle', 'n', 1, 'Bert burned down the boat of town number 1 with all that was in it.', '[1,2,3]');
SELECT * FROM rounds('n', 6);
SELECT id, left(content, 30) AS begins, members FROM public.sums ORDER BY id;
SELECT restore('circle', 'n', (SELECT min(id) FROM public.sums));
SELECT left(content, 30) AS begins FROM public.sums WHERE id = (SELECT min(id) FROM public.sums);
SELECT * FROM rounds('n', 8);
-- Erasing a member takes what was made of it. What is left has a summary when the graph is looked at.
SELECT jsonb_array_length(erase('circle', 'n', ARRAY[5::bigint]) -> 'ids') AS erased;
SELECT * FROM rounds('n', 10);
SELECT * FROM told('n');

-- It grows, by concepts too: the same summary.
SELECT say('g', 'boat', 'a1', 'a2', 'a3'), say('g', 'house', 'b1', 'b2', 'b3'), tie('g', 'a1', 'a2', 'a3'), tie('g', 'b1', 'b2', 'b3');
SELECT * FROM rounds('g', 0);
SELECT * FROM told('g');
SELECT say('g', 'boat', 'a4', 'a5', 'a6'), tie('g', 'a1', 'a2', 'a3', 'a4', 'a5');
INSERT INTO concept SELECT 'g', -4711, m.id, 'mast', 'mast' FROM memory m WHERE m.namespace = 'g' AND m.key ~ '^a.$';
INSERT INTO edge (namespace, source, target, type) SELECT namespace, memory, id, 'about_concept' FROM concept WHERE id = -4711;
SELECT * FROM rounds('g', 2);
SELECT * FROM told('g');
-- Less than a fifth: nothing yet.
SELECT say('g', 'boat', 'a7'), tie('g', 'a7', 'a1', 'a2');
SELECT * FROM rounds('g', 4);
SELECT steps #>> '{communities,edges}' AS edges FROM namespace WHERE namespace = 'g';
SELECT say('g', 'boat', 'a8'), tie('g', 'a8', 'a1', 'a2', 'a7');
SELECT * FROM rounds('g', 5);
SELECT * FROM told('g');
-- Less than a twentieth of the edges: not looked at.
SELECT say('x', 'boat', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'), tie('x', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7'), say('x', 'house', 'd1', 'd2', 'd3'), tie('x', 'd1', 'd2');
SELECT * FROM rounds('x', 0);
SELECT tie('x', 'd2', 'd3');
SELECT * FROM rounds('x', 2);
SELECT tie('x', 'd1', 'd3');
SELECT * FROM rounds('x', 4);
-- One swallows the others: the summary with the most stays, the others are dissolved, and can be had back.
INSERT INTO edge (namespace, source, target, type) SELECT 'g', m.id, -4711, 'about_concept' FROM memory m WHERE m.namespace = 'g' AND m.key ~ '^(b.|a7|a8)$';
SELECT tie('g', variadic array_agg(m.key)) FROM memory m WHERE m.namespace = 'g' AND m.key ~ '^[ab].$';
SELECT * FROM rounds('g', 7);
SELECT * FROM told('g');
SELECT details FROM audit WHERE namespace = 'g' AND action = 'forget';
SELECT restore('circle', 'g', h.id) FROM memory_history h WHERE h.namespace = 'g' AND h.key LIKE 'maintain/community/%' AND NOT EXISTS (SELECT FROM memory m WHERE m.namespace = 'g' AND m.id = h.id);
SELECT * FROM told('g');
SELECT * FROM rounds('g', 8);
SELECT look_again();
SELECT * FROM rounds('g', 10);
-- It falls apart: the summary goes with the greater part, the other part has a new one.
SELECT count(*) FROM edge e JOIN memory a ON a.namespace = 'g' AND a.id = e.source JOIN memory b ON b.namespace = 'g' AND b.id = e.target, LATERAL unlink('circle', 'g', e.source, e.target, e.type)
WHERE e.namespace = 'g' AND e.type = 'caused_by' AND left(a.key, 1) <> left(b.key, 1);
DELETE FROM edge e USING memory m WHERE e.namespace = 'g' AND e.target = -4711 AND m.namespace = 'g' AND m.id = e.source AND m.key LIKE 'b%';
SELECT * FROM rounds('g', 12);
SELECT * FROM told('g');
-- Too small: dissolved.
SELECT count(*) FROM edge e JOIN memory a ON a.namespace = 'g' AND a.id = e.source AND a.key = 'b1' AND e.type = 'caused_by', LATERAL unlink('circle', 'g', e.source, e.target, e.type) WHERE e.namespace = 'g';
SELECT * FROM rounds('g', 14);
SELECT tie('g', 'b1', 'b2', 'b3');
SELECT * FROM rounds('g', 16);
SELECT * FROM told('g');

-- Forgotten by hand it does not come back; one that a person made his own stays as it is.
SELECT forget('circle', 'g', max(id)) FROM public.sums WHERE namespace = 'g';
SELECT look_again();
SELECT * FROM rounds('g', 18);
UPDATE memory SET source = 'Anna' WHERE namespace = 'g' AND id = (SELECT max(id) FROM public.sums WHERE namespace = 'g');
SELECT say('g', 'boat', 'a9', 'aa', 'ab', 'ac'), tie('g', 'a1', 'a2', 'a9', 'aa', 'ab', 'ac');
SELECT * FROM rounds('g', 20);
SELECT * FROM told('g');

-- Who faded is a member still, who was forgotten by hand is none.
SELECT forget('circle', 'x', (SELECT id FROM memory WHERE key = 'c1'), 'retention'), forget('circle', 'x', (SELECT id FROM memory WHERE key = 'c2'));
SELECT look_again();
SELECT * FROM rounds('x', 6);
SELECT attributes ->> 'members' AS members, cardinality(members) AS edges FROM public.sums WHERE namespace = 'x' ORDER BY id;
-- Most of them are gone: it stays as it is, and what is left has another.
SELECT count(forget('circle', 'x', m.id, 'retention')) FROM memory m WHERE m.namespace = 'x' AND m.key IN ('c3', 'c4');
SELECT look_again();
SELECT * FROM rounds('x', 8);
SELECT attributes ->> 'members' AS members, cardinality(members) AS edges FROM public.sums WHERE namespace = 'x' ORDER BY id;

-- A hundred of what is larger: those that hold it together.
SELECT say('l', 'bridge', 'middle'), say('l', 'bridge', variadic ARRAY(SELECT 'k' || to_char(i, 'FM000') FROM generate_series(1, 130) i));
SELECT count(link('circle', 'l', m.id, (SELECT id FROM memory WHERE key = 'middle'), 'caused_by', CASE WHEN m.key > 'k060' THEN 0.9 ELSE 0.1 END)) FROM memory m WHERE m.namespace = 'l' AND m.key LIKE 'k%';
SELECT * FROM rounds('l', 0);
SELECT s.attributes ->> 'members' AS members, count(*) FILTER (WHERE m.key > 'k060') AS strong, bool_or(m.key = 'middle') AS middle FROM public.sums s JOIN memory m ON m.id = ANY (s.members) WHERE s.namespace = 'l' GROUP BY s.id, s.attributes;
-- More than a call may change is left for the next, which goes on behind. One whose making was undone does not come back.
SELECT say('m', 'wood', variadic ARRAY(SELECT 'w' || i FROM generate_series(1, 9) i)), tie('m', 'w1', 'w2', 'w3'), tie('m', 'w4', 'w5', 'w6'), tie('m', 'w7', 'w8', 'w9');
SELECT cardinality(p.ids) AS ids, jsonb_array_length(p.plan -> 'groups') AS groups, p.state #>> '{after,phase}' AS phase, (SELECT key FROM memory WHERE id = (p.state #>> '{after,at}')::bigint) AS after, q.groups AS then, q.done
FROM plan_communities('circle', 'm', now(), '{}', now() + interval '1 hour', 8) p,
  LATERAL (SELECT jsonb_array_length(n.plan -> 'groups') AS groups, NOT n.state ? 'after' AS done FROM plan_communities('circle', 'm', now(), p.state, now() + interval '1 hour', 8) n) q;
SELECT details FROM maintain('circle', 'm', budget => '0') WHERE step = 'communities';
SELECT steps #> '{communities,after}' AS after FROM namespace WHERE namespace = 'm';
SELECT * FROM rounds('m', 0);
SELECT restore('circle', 'm', min(id)) FROM public.sums WHERE namespace = 'm';
SELECT look_again();
SELECT * FROM rounds('m', 2);
SELECT * FROM told('m');
-- What a plan found and is gone by now is left out; what is refused is counted, and keeps the call from nothing else.
SELECT changed, details FROM apply_communities('circle', 'm', now(), '{"groups": [{"members": [99998, 99999]}, {"summary": 99997, "members": [], "dissolved": true}]}', '{99997,99998,99999}', false);
ALTER TABLE memory ADD CONSTRAINT no_pears CHECK (kind <> 'summary' OR content !~ 'pear');
SELECT say('p', 'pear', 'p1', 'p2', 'p3'), say('p', 'plum', 'q1', 'q2', 'q3'), tie('p', 'p1', 'p2', 'p3'), tie('p', 'q1', 'q2', 'q3');
SELECT changed, details FROM maintain('circle', 'p') WHERE step = 'communities';
ALTER TABLE memory DROP CONSTRAINT no_pears;
-- A graph that does not fit is left as it is.
SET maintenance_work_mem = '1MB';
INSERT INTO edge (namespace, source, target, type) SELECT 'p', (SELECT id FROM memory WHERE key = 'p1'), -i, 'about_concept' FROM generate_series(1, 20000) i;
INSERT INTO concept SELECT 'p', -i, 2, 'c' || i, 'c' || i FROM generate_series(1, 20000) i;
ANALYZE edge, concept;
SELECT changed, details ->> 'skipped' ~ 'maintenance_work_mem' AS skipped FROM rounds('p', 2) LIMIT 1;
RESET maintenance_work_mem;

-- Bad settings.
UPDATE setting SET value = '2' WHERE name = 'communities';
SELECT * FROM maintain('circle', 'm');
UPDATE setting SET value = '3' WHERE name = 'communities';
INSERT INTO setting VALUES ('community_resolution', 'fine');
SELECT * FROM maintain('circle', 'm');
UPDATE setting SET value = '1.5' WHERE name = 'community_resolution';
INSERT INTO setting VALUES ('community_interval', 'often');
SELECT * FROM maintain('circle', 'm');

DROP VIEW public.sums CASCADE;
DROP FUNCTION rounds(text, int), told(text), say(text, text, text[]), tie(text, text[]), all_rows(), look_again();
SELECT agentmem.drop_store('circle', cascade => true);

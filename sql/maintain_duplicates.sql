-- Memories that say the same are merged, and restore() parts them again (src/consolidate/README.md, "Duplicates").
\set VERBOSITY terse
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT agentmem.create_store('dup', dimensions => 3);
SET search_path = dup, agentmem, public;
CREATE FUNCTION public.upkeep(ns text, dry_run boolean DEFAULT false) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details FROM agentmem.maintain('dup', ns, dry_run => dry_run) WHERE step = 'duplicates' $$;
CREATE FUNCTION public.held(ns text) RETURNS TABLE (id bigint, content text, tags text[], attributes jsonb, importance real, since text, confirmations int, accesses bigint) LANGUAGE sql AS
  $$ SELECT m.id, m.content, m.tags, m.attributes, m.importance, to_char(lower(m.valid_period), 'YYYY-MM'), coalesce(a.confirmations, 0), coalesce(a.accesses, 0)
     FROM dup.memory m LEFT JOIN dup.activity a USING (namespace, id) WHERE m.namespace = ns ORDER BY 1 $$;

-- Words and signs in their order.
SELECT w, p, restates('english', w, 'english', p, 1) AS whole, restates('english', w, 'english', p, 0.5) AS half
FROM (VALUES ('The shop opens.', 'shop OPENS'), ('Bob owes Ann', 'Ann owes Bob'), ('b c d e', 'b c e'), ('b c e', 'b c d e'), ('the', 'the'), ('light is on', 'light is'),
             ('room 7 free', 'room free'), ('very very old', 'very old'), ('very old old', 'very old'), ('green tea', 'tea'), ('', ''), ('.', ''),
             ('It is -5 degrees', 'It is 5 degrees'), ('cpu load > memory load', 'cpu load < memory load'), ('she wants to die', 'she wants to'), ('The answer was A', 'The answer was'),
             ('Fee 5% of it', 'Fee 5 € of it'), ('dose .5 mg', 'dose 5 mg'), ('1.5 l', '15 l'), ('a pipe of 5"', 'a pipe of 5'), ('all fine :)', 'all fine :('), ('re-sign it', 'resign it'),
             ('a dog', 'the dog'), ('team A won', 'team won'), ('she wants the', 'she wants'), ('"Well," (he) said: ''no''!', 'well he said no'), ('go , now', 'go now'), ('price -', 'price'), ('item #', 'item')) v(w, p);
SELECT plain_words(l, w) FROM (VALUES ('german', 'Die Bank ist zu, die!'), ('english', 'Die Bank'), ('simple', 'The bank'), ('french', 'Il la voit'), ('english', 'El the')) v(l, w);

-- Three ways to say it; what differs in a number, a word, a stop word, the order, the kind, the time or what was said by hand is another thing.
SELECT id FROM remember('dup', 'n', 'The shop opens at 8', 'fact', '[1,0,0]', tags => '{a}', importance => 0.2, valid_from => '2025-03-01', actor => 'ann');
SELECT id FROM remember('dup', 'n', 'Shop opens at 8.', 'fact', '[1,0,0.01]', tags => '{b}', importance => 0.7, valid_from => '2025-02-01', attributes => '{"x": 1}', source => 'mail');
INSERT INTO memory (namespace, content, kind, embedding, valid_period) VALUES ('n', 'THE SHOP OPENS AT 8', 'fact', NULL, '[2025-01-01,)');
SELECT count(*) FROM remember_many('dup', 'n', '[
  {"content": "The shop opens at 9", "kind": "fact", "embedding": [1,0,0]},
  {"content": "The bar opens at 8", "kind": "fact", "embedding": [1,0,0]},
  {"content": "The shop never opens at 8", "kind": "fact", "embedding": [1,0,0]},
  {"content": "Opens the shop at 8", "kind": "fact", "embedding": [1,0,0]},
  {"content": "The shop opens at 8!", "kind": "learning", "embedding": [1,0,0]},
  {"content": "The shop opens at 8!", "kind": "observation", "embedding": [1,0,0]},
  {"content": "The shop opens at 8?!", "kind": "observation", "embedding": [1,0,0]},
  {"content": "The shop opens at 8!", "kind": "fact", "embedding": [1,0,0], "pinned": true},
  {"content": "The shop opens at 8!!", "kind": "fact", "embedding": [1,0,0], "valid_to": "2100-01-01"},
  {"content": "The shop opens at 8!!!", "kind": "fact", "embedding": [1,0,0], "valid_from": "2020-01-01", "valid_to": "2021-01-01"},
  {"content": "The shop: opens at 8", "kind": "fact", "embedding": [1,0,0], "subject": "shop"},
  {"content": "The shop, opens at 8", "kind": "fact", "embedding": [0,1,0]},
  {"content": "The shop opens, at 8", "kind": "fact", "embedding": [1,0,0], "attributes": {"x": 2}},
  {"content": "The -- shop opens at 8", "kind": "summary", "embedding": [1,0,0]},
  {"content": "The - shop opens at 8", "kind": "summary", "embedding": [1,0,0]},
  {"content": "Rome", "kind": "fact", "embedding": [0,0,1]}]');
SELECT id AS rome FROM memory WHERE content = 'Rome' \gset
INSERT INTO activity (namespace, id, confirmations, accesses, last_access) VALUES ('n', 1, 2, 0, NULL), ('n', 2, 1, 4, '2025-06-01');
SELECT link('dup', 'n', :rome, 2, weight => 0.5), link('dup', 'n', 3, :rome, 'caused_by'), link('dup', 'n', 2, 3);
CREATE TABLE public.before AS SELECT * FROM held('n');
SELECT * FROM upkeep('n', true);
TABLE public.before EXCEPT SELECT * FROM held('n');
SELECT * FROM upkeep('n');
SELECT * FROM held('n') WHERE id < 4;
SELECT actor, source, upper_inf(valid_period) AS open FROM memory WHERE id = 1;
SELECT source, target, type, weight FROM edge WHERE 1 IN (source, target) AND type <> 'similar' OR type = 'similar' AND :rome IN (source, target) ORDER BY 1, 2, 3;
SELECT action, ids, details FROM audit WHERE action = 'merge';
SELECT count(*) > 0 AS edge_counts FROM neighbors('dup', 'n', ARRAY[1::bigint]) WHERE id = :rome;
-- Again: nothing. Undone, all is as before, and they are not merged again.
SELECT * FROM upkeep('n');
SELECT restore('dup', 'n', 2);
TABLE public.before EXCEPT SELECT * FROM held('n');
SELECT * FROM held('n') EXCEPT TABLE public.before;
SELECT source, target, type, weight FROM edge WHERE type <> 'next' AND (source < 4 OR target < 4) ORDER BY 1, 2, 3;
SELECT * FROM upkeep('n');
DROP TABLE public.before;

-- Merged and parted, they are two: who erases one leaves the other. What was merged goes with what it was merged into.
SELECT count(*) FROM remember('dup', 'e', 'It hails', 'fact', '[1,0,0]') a, remember('dup', 'e', 'It hails!', 'fact', '[1,0,0]') b;
SELECT min(id) AS a, max(id) AS b FROM memory WHERE namespace = 'e' \gset
SELECT changed FROM upkeep('e');
SELECT restore('dup', 'e', :b);
SELECT erase('dup', 'e', ids => ARRAY[:b::bigint]) #>> '{erased,memory}' AS erased;
SELECT content FROM held('e');
SELECT count(*) FROM remember('dup', 'e', 'It hails!', 'fact', '[1,0,0]');
SELECT changed FROM upkeep('e');
SELECT erase('dup', 'e', ids => ARRAY(SELECT max(id) FROM memory_history WHERE namespace = 'e')) #>> '{erased,memory}' AS erased;
SELECT count(*) FROM held('e');

-- The one that was confirmed most stays, but for one that the application named, or that has children.
SELECT id AS plain FROM remember('dup', 'w', 'Likes the tea', 'preference', '[1,0,0]') \gset
SELECT id AS often FROM remember('dup', 'w', 'likes tea.', 'preference', '[1,0,0]') \gset
SELECT count(*) FROM generate_series(1, 3), remember('dup', 'w', 'likes tea.', 'preference');
SELECT id AS named FROM remember('dup', 'w', 'Owns the car', 'fact', '[0,1,0]', key => 'car') \gset
SELECT id AS unnamed FROM remember('dup', 'w', 'Owns car!', 'fact', '[0,1,0]') \gset
SELECT id AS parent FROM remember('dup', 'w', 'A rule', 'instruction', '[0,0,1]') \gset
SELECT count(*) FROM remember('dup', 'w', 'child', 'fact', parent => :parent);
INSERT INTO memory (namespace, content, kind) VALUES ('w', 'a RULE', 'instruction');
INSERT INTO activity SELECT namespace, id, 'active', 0, NULL, 9 FROM memory WHERE content IN ('a RULE', 'Owns car!');
SELECT changed FROM upkeep('w');
SELECT id = :often AS often, id = :named AS named, id = :parent AS parent, content, confirmations FROM held('w');

-- What somebody settled, or said against it, stays.
SELECT id AS x FROM remember('dup', 's', 'It rains', 'fact', '[1,0,0]') \gset
SELECT id AS y FROM remember('dup', 's', 'It rains!', 'fact', '[1,0,0]') \gset
SELECT resolve('dup', 's', conflict, 'retain') FROM conflicts('dup', 's');
SELECT count(*) FROM remember('dup', 's', 'It snows', 'fact', '[0,1,0]') a, remember('dup', 's', 'It snows!', 'fact', '[0,1,0]') b, link('dup', 's', a.id, b.id, 'contradicts');
SELECT * FROM upkeep('s');
-- A new version of one is looked at again, but what was settled counts.
SELECT revise('dup', 's', :x, importance => 0.1);
SELECT * FROM upkeep('s');

-- Many of one, and a round in several calls.
INSERT INTO memory (namespace, content, kind) SELECT 'many', CASE WHEN i % 2 = 0 THEN 'same' ELSE 'Same' END, 'fact' FROM generate_series(1, 1200) i;
SELECT changed, jsonb_array_length(details -> 'merged') AS groups FROM upkeep('many');
SELECT content, confirmations FROM held('many');
SELECT cardinality(ids) FROM audit WHERE namespace = 'many';
-- Who erases the one that stays erases what was merged into it.
SELECT erase('dup', 'many', ids => ARRAY(SELECT id FROM memory WHERE namespace = 'many')) #>> '{erased,memory_history}' AS versions;
SELECT count(*) FROM memory_history WHERE namespace = 'many';
INSERT INTO memory (namespace, content, kind) SELECT 'parts', 'this ' || i / 2, 'fact' FROM generate_series(2, 2401) i;
SELECT * FROM maintain('dup', 'parts', budget => '0') WHERE step = 'duplicates';
SELECT steps -> 'duplicates' ->> 'after' AS after FROM namespace WHERE namespace = 'parts';
UPDATE namespace SET steps = jsonb_set(steps, '{duplicates,after}', to_jsonb((SELECT max(id) - 201 FROM memory WHERE namespace = 'parts'))) WHERE namespace = 'parts';
SELECT changed FROM upkeep('parts');
SELECT count(*), steps -> 'duplicates' ? 'since' AS done FROM memory m, namespace n WHERE m.namespace = 'parts' AND n.namespace = 'parts' GROUP BY 2;

-- Pinned ones do not hide others that say the same.
INSERT INTO memory (namespace, content, kind, pinned) SELECT 'hidden', 'the same', 'fact', i < 4 FROM generate_series(1, 20) i;
SELECT changed FROM upkeep('hidden');
SELECT pinned, count(*) FROM memory WHERE namespace = 'hidden' GROUP BY 1 ORDER BY 1;

-- Signs tell memories apart whose vectors do not.
SELECT count(*) FROM remember_many('dup', 'signs', '[
  {"content": "It is -5 degrees", "kind": "fact", "embedding": [1,0,0]}, {"content": "It is 5 degrees", "kind": "fact", "embedding": [1,0,0]},
  {"content": "cpu load > memory load", "kind": "fact", "embedding": [0,1,0]}, {"content": "cpu load < memory load", "kind": "fact", "embedding": [0,1,0]},
  {"content": "she wants to die", "kind": "fact", "embedding": [0,0,1]}, {"content": "she wants to", "kind": "fact", "embedding": [0,0,1]},
  {"content": "The answer was A", "kind": "fact", "embedding": [1,1,0]}, {"content": "The answer was", "kind": "fact", "embedding": [1,1,0]},
  {"content": "Fee 5% of the sum", "kind": "fact", "embedding": [1,0,1]}, {"content": "Fee 5 € of the sum", "kind": "fact", "embedding": [1,0,1]}]');
SELECT * FROM upkeep('signs');

-- A group that does not fit what was declared since is counted, and left; the others are merged.
SELECT count(*) FROM remember_many('dup', 'fit', '[
  {"content": "It fits", "kind": "instruction", "embedding": [1,0,0], "attributes": {"days": "many"}}, {"content": "It fits!", "kind": "instruction", "embedding": [1,0,0]},
  {"content": "So does this", "kind": "fact", "embedding": [0,1,0]}, {"content": "So does this!", "kind": "fact", "embedding": [0,1,0]}]');
INSERT INTO kind_attribute (kind, name, type) VALUES ('instruction', 'days', 'integer');
SELECT changed, jsonb_array_length(details -> 'merged') AS groups, details -> 'failed' AS failed FROM upkeep('fit');
SELECT content FROM held('fit');
SELECT * FROM upkeep('fit');

-- Looser, and off.
SELECT count(*) FROM remember('dup', 'l', 'Ann works in the big office at the harbour of Hamburg', 'fact', '[1,0,0]') a, remember('dup', 'l', 'Ann works in the big red office at the harbour of Hamburg', 'fact', '[1,0,0]') b,
  remember('dup', 'l', 'Ann works in the big office not at the harbour of Hamburg', 'fact', '[1,0,0]') c;
INSERT INTO setting VALUES ('duplicate_threshold', '1.5');
SELECT * FROM upkeep('l');
UPDATE setting SET value = '0.9' WHERE name = 'duplicate_threshold';
INSERT INTO setting VALUES ('duplicate_words', '0.8');
SELECT changed FROM upkeep('l');
SELECT content FROM held('l');
UPDATE setting SET value = '0.1' WHERE name = 'duplicate_words';
SELECT revise('dup', 'l', (SELECT min(id) FROM memory WHERE namespace = 'l'), tags => '{x}');
SELECT * FROM upkeep('l');
UPDATE setting SET value = 'some' WHERE name = 'duplicate_words';
SELECT * FROM upkeep('l');
SELECT merge_memories('dup', 'l', '{1}'), merge_memories('dup', 'l', '{1,99999}');
SELECT merge_memories('dup', 'l', NULL);
SELECT compare_memories('dup', 'l', '{1}', 65, false, false);
SELECT compare_memories('dup', 'l', '{1}', NULL, false, false);

SET search_path = public;
DROP FUNCTION upkeep(text, boolean), held(text);
SELECT agentmem.drop_store('dup', cascade => true);

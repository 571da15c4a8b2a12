-- remember and remember_many.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('mem', dimensions => 3);

-- Inserted, and found in the same transaction by word and by vector.
BEGIN;
SELECT * FROM remember('mem', 'u/1', 'Alice prefers green tea', 'preference', '[1,0,0]');
SELECT id, content, channels ? 'lexical' AS lexical FROM recall('mem', 'u/1', 'tea');
SELECT id, content, channels ? 'semantic' AS semantic FROM recall('mem', 'u/1', embedding => '[1,0,0]');
COMMIT;

-- The same statement: case, width and white space do not matter; another kind, subject,
-- predicate or object does.
SELECT id, action, related FROM remember('mem', 'u/1', 'ALICE  prefers Ｇｒｅｅｎ tea ', 'preference');
SELECT id, action, related FROM remember('mem', 'u/1', 'Alice prefers green tea', 'fact');
SELECT id, action, related FROM remember('mem', 'u/1', 'Alice prefers green tea', 'preference', subject => 'Alice');
SELECT id, action, related FROM remember('mem', 'u/1', 'Alice prefers green tea', 'preference', subject => ' ALICE ');
SELECT id, action, related FROM remember('mem', 'u/1', 'Alice prefers green tea', 'preference', subject => 'Alice', predicate => 'likes');
SELECT id, action, related FROM remember('mem', 'u/1', 'Alice prefers green tea', 'preference', subject => '', predicate => '');
-- In another namespace it is another memory.
SELECT id, action, related FROM remember('mem', 'u/2', 'Alice prefers green tea', 'preference');

-- What a repetition adds.
SELECT action FROM remember('mem', 'r', 'The gate code changed', 'fact', tags => '{b,a}', importance => 0.3, confidence => 0.9,
  expires_at => '2030-01-01 00:00+00', attributes => '{"gate": 1}');
SELECT action FROM remember('mem', 'r', 'The gate code changed', 'fact', '[0,1,0]', tags => '{c,a}', importance => 0.8, pinned => true,
  expires_at => '2031-01-01 00:00+00', attributes => '{"colour": "red"}', model => 'tiny');
SELECT action FROM remember('mem', 'r', 'The gate code changed', 'fact', importance => 0.1, expires_at => '2029-01-01 00:00+00');
SELECT id, tags, importance, pinned, expires_at = '2031-01-01 00:00+00' AS later, attributes, model, confirmations,
       round(confidence::numeric, 4) AS confidence FROM get('mem', 'r', ids => '{6}');
SELECT embedding FROM mem.memory WHERE namespace = 'r';
-- Never expires wins.
SELECT action FROM remember('mem', 'r', 'The gate code changed', 'fact');
SELECT expires_at FROM get('mem', 'r', ids => '{6}');
-- A differing attribute makes it another statement; a missing one does not.
SELECT id, action FROM remember('mem', 'r', 'The gate code changed', 'fact', attributes => '{"gate": 2}');
SELECT id, action FROM remember('mem', 'r', 'The gate code changed', 'fact', attributes => '{"gate": 2, "lock": 1}');
-- What was recalled and is said again confirms nothing.
SELECT id, action FROM remember('mem', 'r', 'The gate code changed', 'fact', attributes => '{"gate": 1}', source => 'recall');
SELECT id, confirmations FROM get('mem', 'r', ids => '{6,7}');

-- Only a period that contains the new beginning is confirmed: A, B, A are three.
SELECT id, action FROM remember('mem', 'p', 'The pier is open', 'fact', valid_from => '2026-01-01 00:00+00', valid_to => '2026-02-01 00:00+00');
SELECT id, action FROM remember('mem', 'p', 'The pier is open', 'fact', valid_from => '2026-01-15 00:00+00', valid_to => '2026-03-01 00:00+00');
SELECT id, action FROM remember('mem', 'p', 'The pier is open', 'fact', valid_from => '2026-03-01 00:00+00');
SET TimeZone = 'UTC';
SELECT id, valid_period, confirmations FROM list('mem', 'p', during => '(,)');

-- Kinds whose repetitions count keep each.
SELECT id, action FROM remember('mem', 'e', 'Bob waved', 'episode');
SELECT id, action FROM remember('mem', 'e', 'Bob waved', 'episode');
SELECT id, action FROM remember('mem', 'e', 'Bob waved', 'observation');
SELECT id, action FROM remember('mem', 'e', 'Bob waved', 'observation');

-- A key: the same call again is harmless, another statement under it is its next version.
SELECT id, action FROM remember('mem', 'k', 'Turn one', 'episode', key => 't1');
SELECT id, action FROM remember('mem', 'k', 'Turn one', 'episode', key => 't1');
SELECT id, action FROM remember('mem', 'k', 'Turn two', 'episode', key => 't1');
SELECT id, key, content FROM get('mem', 'k', keys => '{t1,t2}');

-- The same words that contradict what the key names are not a retry either; the same words are, unless they name another time.
SELECT action FROM remember('mem', 'k', 'The lamp stands', 'fact', key => 'l1', attributes => '{"room": "kitchen"}');
SELECT action FROM remember('mem', 'k', 'The lamp stands', 'fact', key => 'l1', attributes => '{"room": "bath"}');
SELECT action FROM remember('mem', 'k', 'The lamp stood', 'fact', key => 'l2', valid_from => '2020-01-01 00:00+00', valid_to => '2021-01-01 00:00+00');
SELECT action FROM remember('mem', 'k', 'The lamp stood', 'fact', key => 'l2');
SELECT action FROM remember('mem', 'k', 'The lamp stood', 'fact', key => 'l2', valid_from => '2020-01-01 00:00+00', valid_to => '2021-01-01 00:00+00');

-- A statement held without a key takes the key it is repeated with; under another key it
-- is another memory.
SELECT id, action FROM remember('mem', 'k', 'The bell rings', 'fact') \gset first_
SELECT action FROM remember('mem', 'k', 'the bell rings', 'fact', key => 'b1');
SELECT id = :first_id AS same, key, confirmations FROM get('mem', 'k', keys => '{b1}');
SELECT action FROM remember('mem', 'k', 'the bell rings', 'fact', key => 'b1');
SELECT action FROM remember('mem', 'k', 'the bell rings', 'fact', key => 'b2');
SELECT count(*) FROM get('mem', 'k', keys => '{b1,b2}');
SELECT action FROM remember('mem', 'k', 'the bell rings', 'fact');
SELECT key, confirmations FROM get('mem', 'k', keys => '{b1,b2}');

-- Defaults: confidence by kind and provenance; infinities are open ends; empty is unknown.
SELECT action FROM (VALUES ('fact', 'stated'), ('fact', 'inferred'), ('learning', 'validated'), ('learning', 'observed'), ('episode', 'stated')) v(k, p),
  remember('mem', 'c', 'said ' || k || p, k, provenance => p);
SELECT kind, provenance, confidence FROM mem.memory WHERE namespace = 'c' ORDER BY id;
SELECT n, effective_confidence(0.5, n) FROM generate_series(0, 3) n;
SELECT effective_confidence(0.5, 100000), effective_confidence(NULL, 1);
SELECT id FROM remember('mem', 'i', 'since ever', 'fact', valid_from => '-infinity', valid_to => 'infinity', expires_at => 'infinity', subject => '');
SELECT valid_period, expires_at, subject FROM mem.memory WHERE namespace = 'i';

SELECT action FROM remember('mem', 'i', 'blank names', 'fact', subject => '  ', predicate => U&'\3000');
SELECT subject IS NULL AS no_subject, predicate IS NULL AS no_predicate FROM mem.memory WHERE content = 'blank names';

-- Parent and child share a namespace.
SELECT id FROM remember('mem', 'i', 'a part', 'fact', parent => (SELECT min(id) FROM mem.memory WHERE namespace = 'i'));
SELECT parent IS NOT NULL AS has_parent FROM mem.memory WHERE content = 'a part';

-- Confirming does not touch the wide row.
SELECT id FROM remember('mem', 'n', 'Water boils', 'fact') \gset
SELECT ctid AS before FROM mem.memory WHERE namespace = 'n' \gset
DO $$ BEGIN FOR i IN 1..1000 LOOP PERFORM agentmem.remember('mem', 'n', 'water boils', 'fact'); END LOOP; END $$;
SELECT ctid = :'before' AS untouched FROM mem.memory WHERE namespace = 'n';
SELECT confirmations FROM get('mem', 'n', ids => ARRAY[:id]);
SELECT n FROM mem.key_lock WHERE namespace = 'n';

-- Batches.
SELECT ordinal, action, related = '{}' AS nothing_related, error FROM remember_many('mem', 'b', '[
  {"content": "one", "tags": ["x", "y"], "embedding": [1, 2, 3], "valid_from": "2026-01-01T00:00:00Z", "attributes": {"n": 1}},
  {"content": "two", "kind": "fact", "namespace": "b", "importance": 0.5, "pinned": true, "embedding": "[3,2,1]", "subject": null},
  {"content": "TWO", "kind": "fact"}]');
SELECT content, kind, tags, attributes, importance, pinned FROM list('mem', 'b') ORDER BY id;
SELECT ordinal, action FROM remember_many('mem', 'b', '[{"content": "three"}, {"content": "four"}]', ARRAY['[1,1,1]'::vector, NULL]);
SELECT content, embedding FROM mem.memory WHERE namespace = 'b' ORDER BY id;
SELECT ordinal, action, error FROM remember_many('mem', 'b2', '[
  {"content": "good"}, {"content": " "}, {"contents": "x"}, {"content": "far", "embedding": [1, 2]}, 7, {"content": "also good", "kind": "fact"},
  {"content": "date", "valid_from": "someday"}, {"content": "kind", "kind": "rumour"}]', on_error => 'skip');
SELECT content FROM list('mem', 'b2') ORDER BY id;
SELECT * FROM remember_many('mem', 'b', '[]');
SELECT action, error FROM remember_many('mem', 'b3', '[{"content": "tiny", "embedding": [1e-60, 1, 0]}, {"content": "huge", "embedding": [1e60, 1, 0]}]', on_error => 'skip');
SELECT embedding FROM mem.memory WHERE namespace = 'b3';

SELECT drop_store('mem', cascade => true);

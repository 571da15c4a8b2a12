-- Recall by edges and by names: what is linked to the best comes too, under the same filter; who is named counts.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('mem', dimensions => 2);
CREATE FUNCTION found(query text, k int DEFAULT 10, weights jsonb DEFAULT NULL, kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, session text DEFAULT NULL, known_at timestamptz DEFAULT NULL)
RETURNS TABLE (content text, by text) LANGUAGE sql AS $$
  SELECT r.content, (SELECT string_agg(c || ' ' || (v->>'rank'), ', ' ORDER BY c) FROM jsonb_each(r.channels) e(c, v))
  FROM recall('mem', 'n', query, k => k, weights => weights, kinds => kinds, tags => tags, session => session, known_at => known_at) WITH ORDINALITY r(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, o)
  ORDER BY o $$;

-- Episodes of a session follow each other, by time.
SELECT count(*) FROM remember_many('mem', 'n', '[
  {"content": "Ann: Where do we meet?", "kind": "episode", "session": "a", "valid_from": "2026-01-01 10:00+00"},
  {"content": "Bob: At the lighthouse.", "kind": "episode", "session": "a", "valid_from": "2026-01-01 10:01+00", "tags": ["place"]},
  {"content": "Ann: I bring bread.", "kind": "episode", "session": "a", "valid_from": "2026-01-01 10:02+00"},
  {"content": "Bob: The weather is fine.", "kind": "episode", "session": "b", "valid_from": "2026-01-01 11:00+00"},
  {"content": "Ann: It will rain.", "kind": "episode", "session": "b", "valid_from": "2026-01-01 11:01+00"}]');
SELECT id AS late FROM remember('mem', 'n', 'Bob: And cheese.', kind => 'episode', session => 'a', valid_from => '2026-01-01 10:03+00') \gset
SELECT s.content AS before, t.content AS after, e.type, e.weight
FROM mem.edge e JOIN mem.memory s ON s.id = e.source JOIN mem.memory t ON t.id = e.target ORDER BY s.id;
-- Without a session, those within an hour; other kinds are not linked, nor is the first.
SELECT count(*) FROM remember_many('mem', 'alone', '[
  {"content": "one", "kind": "episode", "valid_from": "2026-01-01 10:00+00"},
  {"content": "a fact between them", "kind": "fact", "valid_from": "2026-01-01 10:10+00"},
  {"content": "two", "kind": "episode", "valid_from": "2026-01-01 10:30+00"},
  {"content": "three, later", "kind": "episode", "valid_from": "2026-01-01 12:00+00"},
  {"content": "four, of a session", "kind": "episode", "session": "s", "valid_from": "2026-01-01 12:01+00"},
  {"content": "beginning unknown", "kind": "episode", "valid_from": "-infinity"}]');
SELECT s.content AS before, t.content AS after FROM mem.edge e JOIN mem.memory s ON s.id = e.source JOIN mem.memory t ON t.id = e.target
WHERE e.namespace = 'alone' ORDER BY s.id;

-- The turns beside the one that has the word.
SELECT * FROM found('lighthouse');
SELECT * FROM found('lighthouse', weights => '{"graph": 0}');
-- Every filter holds for what edges lead to.
SELECT * FROM found('lighthouse', tags => '{place}');
SELECT * FROM found('lighthouse', kinds => '{fact}');
SELECT * FROM found('lighthouse bread rain', session => 'b');
SELECT count(*) FROM found('lighthouse', k => 2);
-- An edge counts while both of its ends are there, and when it was known.
SELECT clock_timestamp() AS before \gset
SELECT forget('mem', 'n', (SELECT id FROM mem.memory WHERE content LIKE 'Ann: I bring%'));
SELECT * FROM found('lighthouse');
SELECT * FROM found('lighthouse', known_at => :'before');
SELECT restore('mem', 'n', (SELECT max(id) FROM mem.memory_history WHERE content LIKE 'Ann: I bring%'));
SELECT * FROM found('lighthouse');

-- Who speaks is named in the question: the other's turns come after.
SELECT * FROM found('What does Bob say of the weather and of rain?', weights => '{"graph": 0}');
SELECT * FROM found('weather, rain', weights => '{"graph": 0}');
-- Subject, object and actor likewise; all words of the name must be there, in any form and case.
SELECT count(*) FROM remember_many('mem', 'n', '[
  {"content": "likes tea", "kind": "fact", "subject": "Clara Fox"},
  {"content": "likes tea a lot", "kind": "fact", "subject": "Fox"},
  {"content": "tea is liked", "kind": "fact", "object": "clara foxes"},
  {"content": "tea is made", "kind": "observation", "actor": "CLARA FOX"},
  {"content": "tea: what a name that is much too long for that, is it not: yes", "kind": "observation"}]');
SELECT * FROM found('Does Clara Fox like tea?', kinds => '{fact,observation}');
SELECT * FROM found('Does Clara like tea?', kinds => '{fact,observation}');

-- A fact that no edge leads to is judged by the other channels, neither more nor less.
SELECT count(*) FROM remember('mem', 'n', 'The lighthouse is white.', kind => 'fact');
SELECT content, round(score::numeric, 4) AS score, channels ? 'graph' AS graph FROM recall('mem', 'n', 'white lighthouse', k => 2);
SELECT content, round(score::numeric, 4) AS score FROM recall('mem', 'n', 'white lighthouse', k => 1, weights => '{"graph": 0}');
-- Any edge leads on, not only that of episodes.
SELECT link('mem', 'n', (SELECT id FROM mem.memory WHERE content LIKE 'The lighthouse%'), (SELECT id FROM mem.memory WHERE content = 'likes tea'), 'similar');
SELECT * FROM found('white', kinds => '{fact}');

-- Several namespaces: the ranks of each count for as much as it has to say.
SELECT count(*) FROM remember_many('mem', 'm/1', '[
  {"content": "red apple", "kind": "episode", "session": "x", "embedding": [1, 0]}, {"content": "red pear", "kind": "episode", "session": "x", "embedding": [1, 0.1]}]');
SELECT count(*) FROM remember_many('mem', 'm/2', '[
  {"content": "blue sky", "kind": "episode", "session": "x", "embedding": [1, 3]}, {"content": "blue sea", "kind": "episode", "session": "x", "embedding": [1, 4]}]');
SELECT namespace, content FROM recall('mem', 'm', embedding => '[1,0]', prefix => true);

DROP FUNCTION found(text, int, jsonb, text[], text[], text, timestamptz);
SELECT drop_store('mem', cascade => true);

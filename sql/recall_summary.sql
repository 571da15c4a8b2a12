-- Recall of summaries: what is found stands for what sums it up (src/recall/README.md, 19).
\set VERBOSITY terse
SET timezone = 'UTC';
SELECT agentmem.create_store('folded', dimensions => 3);
SET search_path = folded, agentmem, public;
SELECT count(*) FROM remember_many('folded', 'n', '[
  {"content": "Anna sailed to Crete", "kind": "episode", "session": "a", "valid_from": "2024-01-01 10:00", "embedding": [1,0,0]},
  {"content": "The boat was old", "kind": "episode", "session": "a", "valid_from": "2024-01-01 10:01", "embedding": [1,0,0.1]},
  {"content": "Bert baked bread", "kind": "episode", "session": "b", "valid_from": "2024-01-02 10:00", "embedding": [0,1,0]},
  {"content": "The oven was old", "kind": "episode", "session": "b", "valid_from": "2024-01-02 10:01", "embedding": [0,1,0.1], "tags": ["kitchen"]},
  {"content": "Nobody sums up the old bridge", "kind": "fact", "embedding": [0,0,1]},
  {"content": "A day at sea", "kind": "summary", "embedding": [1,0.2,0], "source": "me"},
  {"content": "A day in the kitchen", "kind": "summary", "embedding": [0.2,1,0], "source": "me"},
  {"content": "Two days", "kind": "summary", "embedding": [1,1,1], "source": "me"},
  {"content": "A summary of nothing old", "kind": "summary", "embedding": [0,0,1], "source": "me"}]');
SELECT link('folded', 'n', s, t, 'summary_of') FROM (VALUES (6, 1), (6, 2), (7, 3), (7, 4), (8, 6), (8, 7)) e(s, t);
-- Of each the score and the channels of its best member; the fact stands for nothing.
SELECT id, content, channels #>> '{lexical,rank}' AS rank FROM recall('folded', 'n', 'Crete', granularity => 'summary', weights => '{"graph": 0}');
SELECT r.id, r.content, r.score = (SELECT max(m.score) FROM recall('folded', 'n', 'old bread', kinds => '{episode}', weights => '{"graph": 0}') m JOIN edge e ON e.source = r.id AND e.target = m.id) AS same
FROM recall('folded', 'n', 'old bread', kinds => '{episode}', granularity => 'summary', weights => '{"graph": 0}') r;
SELECT id, content FROM recall('folded', 'n', 'old', '[1,0,0]', granularity => 'summary');
SELECT id, content FROM recall('folded', 'n', 'old', '[0,1,0]', granularity => 'summary', k => 1);
-- Found by itself, it stands for itself, and for what sums it up.
SELECT id, content FROM recall('folded', 'n', 'kitchen', granularity => 'summary');
-- The filters are for what is searched.
SELECT id FROM recall('folded', 'n', 'old', tags => '{kitchen}', granularity => 'summary');
SELECT id FROM recall('folded', 'n', 'old', session => 'a', granularity => 'summary');
SELECT id FROM recall('folded', 'n', 'old', kinds => '{fact}', granularity => 'summary');
-- Nothing asked: the newest summaries.
SELECT id, content, score FROM recall('folded', 'n', granularity => 'summary', k => 2);
SELECT recall_context('folded', 'n', 'Crete', granularity => 'summary') ~ '^m1 \[[-0-9]+\] summary: A day at sea\n' AS context;
SELECT id FROM recall('folded', 'n', 'old', granularity => 'summary', max_tokens => 3);
-- As it was known, and is no more; an edge that has ended counts no more.
CREATE TABLE public.then AS SELECT clock_timestamp() AS at;
SELECT forget('folded', 'n', 6), unlink('folded', 'n', 7, 3, 'summary_of');
SELECT id, content FROM recall('folded', 'n', 'Crete', granularity => 'summary');
SELECT id, content FROM recall('folded', 'n', 'bread', granularity => 'summary');
SELECT id, content FROM recall('folded', 'n', 'Crete bread', granularity => 'summary', known_at => (SELECT at FROM public.then)) ORDER BY id;
-- Several namespaces; memories as ever.
SELECT count(*) FROM remember('folded', 'n/x', 'Crete is large', 'episode') a, remember('folded', 'n/x', 'Islands', 'summary') b;
SELECT link('folded', 'n/x', 11, 10, 'summary_of');
SELECT id, namespace FROM recall('folded', 'n', 'Crete oven', granularity => 'summary', prefix => true) ORDER BY id;
SELECT id FROM recall('folded', 'n', 'kitchen') ORDER BY id;
DROP TABLE public.then;
SELECT agentmem.drop_store('folded', cascade => true);

-- Recall by what the query says of time, and with what says the same coming later; memories as a tree.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('mem', dimensions => 2);
SELECT count(*) FROM remember_many('mem', 'n', '[
  {"content": "The garden was dug.", "kind": "event", "valid_from": "2023-03-10"},
  {"content": "The garden was sown.", "kind": "event", "valid_from": "2023-05-20"},
  {"content": "The garden was cut.", "kind": "event", "valid_from": "2023-06-02"},
  {"content": "The garden is large.", "kind": "fact", "valid_from": "2020-01-01"},
  {"content": "The garden belonged to Ann.", "kind": "fact", "valid_from": "2020-01-01", "valid_to": "2022-01-01"}]');
CREATE FUNCTION found(query text, weights jsonb DEFAULT NULL, valid_at timestamptz DEFAULT '2023-06-15', during tstzrange DEFAULT NULL) RETURNS TABLE (content text, temporal numeric) LANGUAGE sql AS $$
  SELECT r.content, round((r.channels #>> '{temporal,score}')::numeric, 3)
  FROM recall('mem', 'n', query, weights => weights, valid_at => CASE WHEN during IS NULL THEN valid_at END, during => during)
    WITH ORDINALITY r(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, o) ORDER BY o $$;
SELECT * FROM found('What about the garden in May 2023?');
SELECT * FROM found('the garden');
SELECT * FROM found('What about the garden in May 2023?', weights => '{"temporal": 0}');
-- Relative to the instant asked of.
SELECT * FROM found('the garden two weeks ago');
SELECT * FROM found('the garden last month', valid_at => '2023-04-15');
-- Who says `during` is not guessed at.
SELECT * FROM found('the garden in May 2023', during => '[2020-01-01,2024-01-01)');
-- In the language of the namespace.
SELECT create_store('erinnern', language => 'german');
SELECT count(*) FROM remember_many('erinnern', 'n', '[
  {"content": "Der Garten wurde umgegraben.", "kind": "event", "valid_from": "2023-03-10"},
  {"content": "Der Garten wurde gemäht.", "kind": "event", "valid_from": "2023-05-20"}]');
SELECT content FROM recall('erinnern', 'n', 'Was war im März 2023 mit dem Garten?', valid_at => '2023-06-15');
SELECT content FROM recall('erinnern', 'n', 'Was war im Mai 2023 mit dem Garten?', valid_at => '2023-06-15');
SELECT drop_store('erinnern', cascade => true);

-- Diversity: of two that are alike, one comes after the others.
SELECT count(*) FROM remember_many('mem', 'd', '[
  {"content": "first", "kind": "event", "embedding": [1, 0]}, {"content": "the same", "kind": "event", "embedding": [1, 0.01]},
  {"content": "another", "kind": "event", "embedding": [1, 0.9]}, {"content": "far", "kind": "event", "embedding": [0.1, 1]}, {"content": "none", "kind": "event"}]');
SELECT diversity, array_agg(r.content ORDER BY o) FROM unnest('{0,0.3,0.6,1}'::real[]) diversity,
  LATERAL recall('mem', 'd', embedding => '[1,0]', k => 4, diversity => diversity) WITH ORDINALITY r(id, namespace, kind, content, score, tokens, valid_period, confidence, attributes, source, channels, o) GROUP BY 1 ORDER BY 1;
-- Scores stay what they were; k cuts the new order.
SELECT content, round(score::numeric, 3) AS score FROM recall('mem', 'd', embedding => '[1,0]', k => 2, diversity => 0.6);
SELECT count(*) FROM recall('mem', 'nobody', embedding => '[1,0]', diversity => 0.6);

-- A tree.
SELECT id AS book FROM remember('mem', 't', 'All that was said of the harbour', kind => 'summary', title => 'The harbour', valid_from => '2024-01-03') \gset
SELECT id AS child FROM remember('mem', 't', 'A chapter', kind => 'episode', parent => :book, valid_from => '2024-01-02') \gset
SELECT id AS part FROM remember('mem', 't', 'A part', kind => 'observation', valid_from => '2024-01-01') \gset
SELECT id AS member FROM remember('mem', 't', 'A member', kind => 'fact', valid_from => '2024-01-04') \gset
SELECT id AS alone FROM remember('mem', 't', repeat('long ', 100), kind => 'fact', valid_from => '2024-01-05') \gset
SELECT link('mem', 't', :part, :book, 'part_of'), link('mem', 't', :book, :member, 'summary_of'), link('mem', 't', :member, :book, 'part_of');
SELECT kind, left(title, 20) AS title, length(title), length(summary), lower(period), children, tokens FROM outline('mem', 't');
SELECT kind, title, children FROM outline('mem', 't', :book);
SELECT title FROM outline('mem', 't', :book, n => 1);
SELECT count(*) FROM outline('mem', 't', :alone);
SELECT forget('mem', 't', :part);
SELECT title FROM outline('mem', 't', :book);
SELECT * FROM outline('mem', 't', -1);
SELECT * FROM outline('mem', 'nobody');
SELECT * FROM outline('mem', 't', n => 0);
SELECT * FROM outline('nostore', 't');
SELECT * FROM outline('mem', NULL);
DROP FUNCTION found(text, jsonb, timestamptz, tstzrange);
SELECT drop_store('mem', cascade => true);

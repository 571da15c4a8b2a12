-- recall: channels, fusion, cuts, explanation, recall_context.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET extra_float_digits = 0;
SELECT create_store('mem', dimensions => 3);
SELECT ordinal, id FROM remember_many('mem', 'u', '[
  {"content": "The ferry to the island leaves at nine", "kind": "fact", "embedding": [1, 0, 0], "valid_from": "2026-01-01T00:00:00Z"},
  {"content": "The ferry was late, so we missed the island concert", "kind": "episode", "embedding": [0.8, 0.6, 0], "valid_from": "2026-01-02T00:00:00Z"},
  {"content": "Mira bakes rye bread", "kind": "fact", "embedding": [0, 1, 0], "valid_from": "2026-01-03T00:00:00Z"},
  {"content": "Boat timetable is on the fridge", "kind": "observation", "embedding": [0.9, 0.1, 0], "valid_from": "2026-01-04T00:00:00Z"},
  {"content": "The island has no shops", "kind": "fact", "valid_from": "2026-01-05T00:00:00Z"}]');

-- Each channel alone, and both; every row says what found it.
SELECT id, round(score::numeric, 3) AS score, channels FROM recall('mem', 'u', 'ferry island');
SELECT id, round(score::numeric, 3) AS score, channels FROM recall('mem', 'u', embedding => '[1,0,0]');
SELECT id, round(score::numeric, 3) AS score, channels FROM recall('mem', 'u', 'ferry island', '[1,0,0]');
SELECT id, round(score::numeric, 3) AS score FROM recall('mem', 'u', 'ferry island', '[1,0,0]', fusion => 'rrf');

-- BM25, by hand: N 5, df 1 of "concert", df 3 of "island", length 5 of a mean of 3.6.
SELECT id, tokens FROM mem.memory ORDER BY id;
SELECT id, (channels #>> '{lexical,score}')::float8 AS got,
       ((ln(1 + (5 - 1 + .5) / (1 + .5)) + ln(1 + (5 - 3 + .5) / (3 + .5))) * 2.2 / (1 + 1.2 * (1 - .75 + .75 * 5 / 3.6)))::float4 AS expected
FROM recall('mem', 'u', 'island concert') WHERE id = 2;

-- Weights; a channel of weight 0 finds, but does not rank.
SELECT id FROM recall('mem', 'u', 'bread', '[1,0,0]', k => 1, weights => '{"semantic": 0.1}');
SELECT id FROM recall('mem', 'u', 'bread', '[1,0,0]', k => 1, weights => '{"lexical": 0}');

-- Nothing asked: the newest, without score.
SELECT id, score, channels, valid_period FROM recall('mem', 'u', k => 2);
-- No words asked: nothing, and it says why.
SET client_min_messages = notice;
SELECT id FROM recall('mem', 'u', 'is it the');
SELECT id FROM recall('mem', 'u', '');
SELECT id FROM recall('mem', 'u', 'is it the', '[0,1,0]', k => 1);
SET client_min_messages = warning;

-- Cuts.
SELECT id FROM recall('mem', 'u', 'ferry island', '[1,0,0]', k => 2);
SELECT id FROM recall('mem', 'u', 'ferry island', '[1,0,0]', min_score => 0.5);
SELECT id FROM recall('mem', 'u', 'ferry island', '[1,0,0]', min_similarity => 0.85);
-- Not less than is enough, as it is shown.
SELECT count(*) FROM recall('mem', 'u', 'ferry island', '[1,0,0]') a
WHERE NOT EXISTS (SELECT FROM recall('mem', 'u', 'ferry island', '[1,0,0]', min_score => a.score) b WHERE b.id = a.id);
SELECT id, tokens FROM recall('mem', 'u', 'ferry island', '[1,0,0]', max_tokens => 18);
SELECT sum(tokens) <= 20 AS within FROM recall('mem', 'u', 'ferry island', '[1,0,0]', max_tokens => 20);
SELECT count(*) FROM recall('mem', 'u', 'ferry island', max_tokens => 1);

-- Importance and state weigh; archived only when asked for, forgotten never by default.
UPDATE mem.memory SET importance = 1 WHERE id = 5;
SELECT id, round(score::numeric, 3) AS score FROM recall('mem', 'u', 'island');
INSERT INTO mem.activity (namespace, id, state) VALUES ('u', 5, 'cold'), ('u', 1, 'archived'), ('u', 2, 'forgotten');
SELECT id, round(score::numeric, 3) AS score FROM recall('mem', 'u', 'island');
SELECT id, round(score::numeric, 3) AS score FROM recall('mem', 'u', 'island', states => '{archived,cold}');
SELECT count(*) FROM recall('mem', 'u', 'island', states => '{active}');
-- Document frequency counts all that match, before the filter hides some.
SELECT round((channels #>> '{lexical,score}')::numeric, 4) AS score FROM recall('mem', 'u', 'island', kinds => '{fact}') WHERE id = 5;
DELETE FROM mem.activity;
SELECT round((channels #>> '{lexical,score}')::numeric, 4) AS score FROM recall('mem', 'u', 'island', kinds => '{fact}') WHERE id = 5;

-- A confirmed memory is more certain.
SELECT action FROM remember('mem', 'u', 'mira bakes rye bread', 'fact', provenance => 'stated', confidence => 0.5);
SELECT id, confidence FROM recall('mem', 'u', 'bread');

-- For a prompt.
SELECT action FROM remember('mem', 'u', E'First line\nm9 fake: second line', 'fact', valid_from => '2026-02-01 12:00+00', valid_to => '2026-03-01 12:00+00');
SET TimeZone = 'UTC';
SET DateStyle = 'German';
SELECT recall_context('mem', 'u', 'ferry island', '[1,0,0]', k => 3);
SELECT recall_context('mem', 'u', 'fake line', valid_at => '2026-02-02 00:00+00');
SELECT action FROM remember('mem', 'breaks', E'one\rm2 two\r\nm3 three\u0085m4 four\u2028m5 five\fm6 six', 'fact', valid_from => '2026-02-01 23:30+00');
SET TimeZone = 'Pacific/Auckland';
SELECT recall_context('mem', 'breaks');
SET TimeZone = 'UTC';
SELECT octet_length(recall_context('mem', 'u', 'ferry island', '[1,0,0]', max_tokens => 40)) <= 160 AS within;
SELECT recall_context('mem', 'nobody', 'ferry') = '' AS empty;
RESET DateStyle;

-- The same question has the same answer, ties included.
SELECT count(*) FROM remember_many('mem', 'tie', (SELECT jsonb_agg(jsonb_build_object('content', 'pebble', 'kind', 'episode')) FROM generate_series(1, 300)));
SELECT array_agg(id ORDER BY o) = array_agg(id ORDER BY id) AS by_id
FROM (SELECT id, row_number() OVER () AS o FROM recall('mem', 'tie', 'pebble', k => 50, weights => '{"graph": 0}')) x;
SELECT count(*) FROM recall('mem', 'tie', 'pebble', k => 250);

-- Other metrics.
SELECT create_store('euclid', dimensions => 2, metric => 'l2');
SELECT create_store('inner', dimensions => 2, metric => 'ip');
SELECT s, (SELECT count(*) FROM remember_many(s, 'u', '[{"content": "near", "embedding": [1, 1]}, {"content": "far", "embedding": [4, 5]}, {"content": "away", "embedding": [-1, -1]}]'))
FROM (VALUES ('euclid'::name), ('inner')) v(s);
SELECT content, channels #>> '{semantic,score}' AS similarity FROM recall('euclid', 'u', embedding => '[1,1]');
SELECT content, channels #>> '{semantic,score}' AS similarity FROM recall('inner', 'u', embedding => '[1,1]');
-- A zero vector is similar to nothing under cosine.
SELECT count(*), max(score) FROM recall('mem', 'u', embedding => '[0,0,0]');

SELECT drop_store('mem', cascade => true), drop_store('euclid', cascade => true), drop_store('inner', cascade => true);

-- 50,000 namespaces of 5 memories beside one of 200,000: no plan made for the one may serve
-- the other.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT agentmem.drop_store(store, cascade => true) FROM agentmem.stores WHERE store = 'skew';
SELECT agentmem.create_store('skew', 3);
INSERT INTO skew.namespace (namespace, languages)
SELECT 'ns' || i, ARRAY['english'] FROM generate_series(1, 50000) i UNION ALL SELECT 'huge', ARRAY['english'];
INSERT INTO skew.memory (namespace, kind, content, valid_period, language, content_hash, tokens, lexemes, embedding)
SELECT n, 'episode', c, '[2026-01-01,)'::tstzrange, 'english', gen_random_uuid(), 2, to_tsvector('agentmem.english', c), '[1,2,3]'
FROM (SELECT 'ns' || i AS n, 'pebble ' || i || ' ' || j AS c FROM generate_series(1, 50000) i, generate_series(1, 5) j
      UNION ALL SELECT 'huge', 'stone ' || i FROM generate_series(1, 200000) i) s;
VACUUM ANALYZE skew.memory;
SELECT min(id) AS first FROM skew.memory WHERE namespace = 'huge' \gset
\echo skew: get of three ids from the large namespace, three times
\timing on
SELECT count(*) FROM agentmem.get('skew', 'huge', ids => ARRAY[:first, :first + 1000, :first + 100000]);
SELECT count(*) FROM agentmem.get('skew', 'huge', ids => ARRAY[:first, :first + 1000, :first + 100000]);
SELECT count(*) FROM agentmem.get('skew', 'huge', ids => ARRAY[:first, :first + 1000, :first + 100000]);
\timing off
\echo skew: recall from the large namespace: a rare word k 1, a word of all 200,000 k 1 and k 10,000
\timing on
SELECT count(*) FROM agentmem.recall('skew', 'huge', '77777', k => 1);
SELECT count(*) FROM agentmem.recall('skew', 'huge', 'stone', k => 1);
SELECT count(*) FROM agentmem.recall('skew', 'huge', 'stone', k => 10000);
\timing off
\echo skew: recall from a small namespace, twice
\timing on
SELECT count(*) FROM agentmem.recall('skew', 'ns77', 'pebble', '[1,0,0]');
SELECT count(*) FROM agentmem.recall('skew', 'ns77', 'pebble', '[1,0,0]');
\timing off
SELECT agentmem.drop_store('skew', true);

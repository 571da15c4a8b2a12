-- Recall over many namespaces at once, and with many words.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('many', dimensions => 2);
SELECT count(*) FROM generate_series(1, 300) i, LATERAL remember_many('many', 'org/' || i,
  (SELECT jsonb_agg(jsonb_build_object('content', 'pebble ' || j || ' of ' || i, 'kind', 'episode', 'embedding', jsonb_build_array(1, i * 5 + j),
                                       'valid_from', timestamptz '2026-01-01 00:00+00' + (i * 5 + j) * interval '1 minute')) FROM generate_series(1, 5) j));

-- Far more candidates than are kept: the best of all come back, in order.
SELECT count(*), count(DISTINCT namespace) FROM recall('many', 'org', 'pebble', '[1,0]', k => 1000, prefix => true);
SELECT namespace, content FROM recall('many', 'org', embedding => '[1,0]', k => 7, prefix => true);
SELECT namespace, content FROM recall('many', 'org', k => 7, prefix => true);
SELECT namespace, content FROM recall('many', 'org', 'pebble 3 of 250', k => 1, prefix => true);
SELECT count(*) FROM recall('many', 'org', k => 10000, prefix => true);
SELECT count(*) FROM recall('many', 'org', 'pebble', k => 10000, prefix => true);

-- A long query: its first words are searched for, whatever their alphabet.
SET client_min_messages = notice;
SELECT '{zebra,東京,москва}'::text[] <@ query_lexemes('{simple}', 'zebra 東京 Москва ' || (SELECT string_agg('a' || i, ' ') FROM generate_series(1, 300) i)) AS kept;
SELECT cardinality(query_lexemes('{english,german}', (SELECT string_agg('word' || i, ' ') FROM generate_series(1, 300) i))) AS words;
SELECT count(*) FROM recall('many', 'org/1', 'zebra 東京 pebble ' || (SELECT string_agg('word' || i, ' ') FROM generate_series(1, 300) i));
SELECT count(*) FROM recall('many', 'org/1', (SELECT string_agg('word' || i, ' ') FROM generate_series(1, 200) i) || ' pebble');
SET client_min_messages = warning;

-- Equal distances: the same answer every time, whatever the order of the rows on disk.
SELECT count(*) FROM remember_many('many', 'same', (SELECT jsonb_agg(jsonb_build_object('content', 'twin', 'kind', 'episode', 'embedding', '[1,1]'::jsonb)) FROM generate_series(1, 400)));
SELECT array_agg(id - (SELECT min(id) FROM many.memory WHERE namespace = 'same')) FROM recall('many', 'same', embedding => '[1,1]', k => 5);
UPDATE many.memory SET source = 'moved' WHERE namespace = 'same' AND id % 3 = 0;
VACUUM many.memory;
UPDATE many.memory SET source = 'again' WHERE namespace = 'same' AND id % 2 = 0;
SELECT array_agg(id - (SELECT min(id) FROM many.memory WHERE namespace = 'same')) FROM recall('many', 'same', embedding => '[1,1]', k => 5);

SELECT drop_store('many', cascade => true);

-- Every filter of recall, list and count, alone and before ranking.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('mem', dimensions => 2);
SELECT ordinal, id FROM remember_many('mem', 'org/a', '[
  {"content": "red apple one", "kind": "fact", "tags": ["fruit", "red"], "attributes": {"n": 1, "shop": {"id": 7}}, "subject": "Apple", "predicate": "Colour", "session": "s1",
   "valid_from": "2026-01-01T00:00:00Z", "valid_to": "2026-02-01T00:00:00Z", "embedding": [1, 0]},
  {"content": "green apple two", "kind": "fact", "tags": ["fruit", "green"], "attributes": {"n": 2}, "subject": "ＡＰＰＬＥ", "predicate": "colour ", "session": "s1",
   "valid_from": "2026-02-01T00:00:00Z", "embedding": [1, 0]},
  {"content": "apple bought three", "kind": "event", "tags": ["fruit"], "session": "s2", "valid_from": "2026-01-10T00:00:00Z", "valid_to": "2026-01-11T00:00:00Z", "embedding": [1, 0]},
  {"content": "apple pie four", "kind": "episode", "valid_from": "2026-03-01T00:00:00Z", "embedding": [1, 0]},
  {"content": "apple expired five", "kind": "fact", "valid_from": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z", "embedding": [1, 0]},
  {"content": "apple of next century six", "kind": "fact", "valid_from": "2126-01-01T00:00:00Z", "embedding": [1, 0]}]');

CREATE FUNCTION ask(VARIADIC args text[]) RETURNS TABLE (recalled text, by_vector text, listed text, counted bigint) LANGUAGE plpgsql AS $$
DECLARE filter text := array_to_string(args, ', ');
BEGIN
  RETURN QUERY EXECUTE format($q$
    SELECT (SELECT string_agg(r.id::text, ',' ORDER BY r.id) FROM agentmem.recall('mem', 'org/a', 'apple'%1$s) r),
           (SELECT string_agg(r.id::text, ',' ORDER BY r.id) FROM agentmem.recall('mem', 'org/a', embedding => '[1,0]'%1$s) r),
           (SELECT string_agg(l.id::text, ',' ORDER BY l.id) FROM agentmem.list('mem', 'org/a'%1$s) l),
           agentmem.count('mem', 'org/a'%1$s)$q$, CASE WHEN filter <> '' THEN ', ' || filter ELSE '' END);
END $$;

-- Unasked: states that hold now, occurrences whenever they were, nothing expired.
SELECT * FROM ask('');
SELECT * FROM ask($$valid_at => '2026-01-10 12:00+00'$$);
SELECT * FROM ask($$valid_at => '2026-02-01 00:00+00'$$);
SELECT * FROM ask($$valid_at => '2200-01-01 00:00+00'$$);
SELECT * FROM ask($$during => '[2026-01-10 12:00+00,2026-01-12 00:00+00)'$$);
SELECT * FROM ask($$during => '(,)'$$);
SELECT * FROM ask($$during => 'empty'$$);
SELECT * FROM ask($$kinds => '{fact}'$$, $$during => '(,)'$$);
SELECT * FROM ask($$kinds => '{event,episode}'$$);
SELECT * FROM ask($$kinds => '{}'$$);
SELECT * FROM ask($$tags => '{fruit,green}'$$);
SELECT * FROM ask($$tags_any => '{red,green}'$$, $$during => '(,)'$$);
SELECT * FROM ask($$tags => '{}'$$);
SELECT * FROM ask($$tags_any => '{}'$$);
SELECT * FROM ask($$attributes => '{}'$$);
SELECT * FROM ask($$attributes => '{"n": 2}'$$);
SELECT * FROM ask($$attributes => '{"shop": {"id": 7}}'$$, $$during => '(,)'$$);
SELECT * FROM ask($$subject => 'apple'$$, $$during => '(,)'$$);
SELECT * FROM ask($$predicate => 'COLOUR'$$, $$during => '(,)'$$);
SELECT * FROM ask($$session => 's2'$$);
UPDATE mem.memory SET pinned = true;
INSERT INTO mem.activity (namespace, id, state) VALUES ('org/a', 2, 'archived'), ('org/a', 3, 'warm'), ('org/a', 4, 'forgotten');
SELECT * FROM ask('');
SELECT * FROM ask($$states => '{warm}'$$);
SELECT * FROM ask($$states => '{archived}'$$);
SELECT * FROM ask($$states => '{active,warm}'$$);
SELECT * FROM ask($$states => NULL$$);
DELETE FROM mem.activity;

-- k rows if k rows pass, however rare: the filter acts before ranking.
SELECT count(*) FROM remember_many('mem', 'many', (SELECT jsonb_agg(jsonb_build_object('content', 'apple number ' || i, 'kind', 'episode',
  'tags', CASE WHEN i % 500 = 0 THEN '["rare"]'::jsonb ELSE '["common"]' END, 'embedding', jsonb_build_array(1, i / 2000.0))) FROM generate_series(1, 2000) i));
SELECT count(*) FROM recall('mem', 'many', 'apple', '[1,0]', tags => '{rare}');
SELECT count(*) FROM recall('mem', 'many', embedding => '[1,0]', tags => '{rare}', k => 4);

-- Namespaces: one, everything under one, and others beside it.
SELECT count(*) FROM remember_many('mem', 'org/a/x', '[{"content": "apple below", "embedding": [1, 0]}]');
SELECT count(*) FROM remember_many('mem', 'org/ab', '[{"content": "apple beside", "embedding": [1, 0]}]');
SELECT namespace, content FROM recall('mem', 'org/a', 'apple', prefix => true, kinds => '{observation}');
SELECT namespace, content FROM recall('mem', 'org', 'apple', '[1,0]', prefix => true, kinds => '{observation}') ORDER BY 1;
SELECT namespace, content FROM recall('mem', 'org/a/x', 'apple', shared => '{org/ab,nobody,org/ab}') ORDER BY 1;
SELECT namespace, content FROM recall('mem', 'nobody', 'apple');
SELECT namespace, content FROM recall('mem', 'org', prefix => true, kinds => '{observation}') ORDER BY 1;
SELECT namespace, memories FROM namespaces('mem');
SELECT namespace FROM namespaces('mem', 'org/a');
SELECT namespace FROM namespaces('mem', depth => 1);
SELECT namespace FROM namespaces('mem', 'org', depth => 1);
SELECT namespace FROM namespaces('mem', after => 'org/a', n => 1);

-- Pages.
SELECT string_agg(id::text, ',' ORDER BY id) FROM list('mem', 'org/a', during => '(,)', n => 2);
SELECT string_agg(id::text, ',' ORDER BY id) FROM list('mem', 'org/a', during => '(,)', after => 2, n => 2);
SELECT id, key FROM get('mem', 'org/a', ids => '{4,1,99}');
SELECT id FROM get('mem', 'org/ab', ids => '{4,1}');
SELECT id FROM get('mem', 'org/a');

-- Many languages in one namespace: each memory is stemmed by its own, the query by all.
SELECT action FROM remember('mem', 'lang', 'Die alten Häuser stehen leer', language => 'german');
SELECT action FROM remember('mem', 'lang', 'The houses are empty', language => 'english');
SELECT action FROM remember('mem', 'lang', '我们明天去海边散步', language => 'simple');
SELECT languages FROM namespaces('mem', 'lang');
SELECT content FROM recall('mem', 'lang', 'Haus');
SELECT content FROM recall('mem', 'lang', 'house');
SELECT content FROM recall('mem', 'lang', '海边');

DROP FUNCTION ask;
SELECT drop_store('mem', cascade => true);

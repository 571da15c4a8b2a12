-- Out of one store and into another: the same memories, found in the same order.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('there', dimensions => 3);
SELECT create_store('back', dimensions => 3, partitions => 4);
CREATE FUNCTION lines(store name, ns text) RETURNS jsonb[] LANGUAGE sql AS
  $$SELECT array_agg(l ORDER BY i) FROM agentmem.export(store, ns) WITH ORDINALITY e(l, i)$$;

CREATE FUNCTION as_text(store name) RETURNS SETOF text LANGUAGE plpgsql AS
  $$BEGIN
      RETURN QUERY EXECUTE format('SELECT (to_jsonb(h) - ''operation'')::text FROM %I.memory_history h WHERE namespace = ''n'' ORDER BY id, system_period', store);
    END$$;

-- All that a memory can have, and what is easily lost on the way.
SELECT id FROM remember('there', 'n', U&'D\00e9j\00e0 "vu"\000a\\ \+01F600', 'fact', '[0.1,-0,3.4e38]', subject => 'Ann', predicate => 'likes', object => 'tea',
  importance => 0.3, confidence => 0.7, valid_from => '-infinity', valid_to => '2030-01-01 00:00:00.000001', tags => '{a,"b c",NULL2}',
  attributes => '{"n": null, "x": {"y": [1, null]}}', source => 's', actor => 'a', provenance => 'inferred', pinned => true, expires_at => '2099-01-01',
  key => 'k', session => 'sess', title => 't', language => 'french', model => 'm');
SELECT id FROM remember('there', 'n', 'A child of it', 'episode', '[1,2,3]', parent => 1, valid_from => '2020-01-01');
SELECT id, action, related FROM remember('there', 'n', 'The office is in Bern', 'fact', '[1,0,0]', subject => 'office', predicate => 'is in', object => 'Bern', valid_from => '2020-01-01');
SELECT id, action, related FROM remember('there', 'n', 'The office is in Rome', 'fact', '[1,0.1,0]', subject => 'office', predicate => 'is in', object => 'Rome', valid_from => '2021-01-01');
SELECT id, action, related FROM remember('there', 'n', 'The office is in Oslo', 'fact', '[1,0.2,0]', valid_from => '2021-01-01');
SELECT action FROM remember('there', 'n', 'the office is in OSLO', 'fact', valid_from => '2022-01-01');
UPDATE there.memory SET embedding = quantize(embedding, CASE id WHEN 3 THEN 16 WHEN 4 THEN 8 ELSE 1 END) WHERE id > 2;
INSERT INTO there.kind (name, class, meaning) VALUES ('ticket', 'resource', 'A ticket');
SELECT id FROM remember('there', 'n', 'Ticket 12', 'ticket', valid_from => '2020-01-01');

-- Versions: of one that is held, and of one that is not.
SELECT revise('there', 'n', 2, 'A child, revised', attributes => '{"v": 2}');
SELECT revise('there', 'n', 2, importance => 0.5);
SELECT id FROM remember('there', 'n', 'Forgotten', 'fact', '[0,1,0]', parent => 1, valid_from => '2020-01-01');
SELECT forget('there', 'n', 7);

-- The header, and a line of each type.
SELECT jsonb_pretty(jsonb_set(l - 'exported_at' - 'settings', '{kinds}', jsonb_path_query_array(l, '$.kinds[*].name'))) FROM export('there', 'n') l WHERE l ->> 'line' = 'header';
SELECT l ->> 'line' AS line, count(*) FROM export('there', 'n') l GROUP BY 1 ORDER BY 1;
SELECT l - 'known_from' FROM export('there', 'n') l WHERE l ->> 'line' IN ('memory', 'edge') AND coalesce(l ->> 'id', '3') IN ('1', '3') ORDER BY 1;

-- Nobody: a header.
SELECT count(*) FROM export('there', 'nobody');

-- Into another store, of other tables.
SELECT import('back', 'n', lines('there', 'n'));
-- Line by line the same, but for the store and the operations.
SELECT (SELECT array_agg(l - 'store' - 'exported_at' - 'settings') FROM export('there', 'n') l)
     = (SELECT array_agg(l - 'store' - 'exported_at' - 'settings') FROM export('back', 'n') l) AS same;
-- Byte by byte.
SELECT count(*), bool_and(vector_send(a.embedding) = vector_send(b.embedding) AND pg_column_size(a.embedding) = pg_column_size(b.embedding)) AS vectors,
       bool_and(a.lexemes = b.lexemes AND a.tokens = b.tokens AND a.content_hash = b.content_hash AND a.key_hash IS NOT DISTINCT FROM b.key_hash) AS derived,
       bool_and(a.valid_period = b.valid_period AND a.system_period = b.system_period) AS periods
FROM there.memory a JOIN back.memory b USING (namespace, id);
SELECT count(*), bool_and(a = b) FROM ROWS FROM (as_text('there'), as_text('back')) f(a, b);
-- Found alike.
CREATE FUNCTION found(store name) RETURNS SETOF text LANGUAGE sql AS
  $$SELECT id || ' ' || score || ' ' || content FROM agentmem.recall(store, 'n', 'office Bern tea', embedding => '[1,0.1,0]', valid_at => '2025-01-01')$$;
SELECT count(*), bool_and(a = b) FROM ROWS FROM (found('there'), found('back')) f(a, b);
SELECT count(*), (SELECT array_agg(h) FROM history('there', 'n', 2) h) = (SELECT array_agg(h) FROM history('back', 'n', 2) h) AS same FROM history('back', 'n', 2);
SELECT DISTINCT (SELECT array_agg(a) FROM as_of('there', 'n', known_at => t) a) IS NOT DISTINCT FROM (SELECT array_agg(a) FROM as_of('back', 'n', known_at => t) a) AS known_alike
FROM (SELECT lower(system_period) AS t FROM there.memory_history UNION SELECT lower(system_period) FROM there.memory) times;
SELECT languages FROM namespaces('back');
SELECT name, class FROM back.kind WHERE name = 'ticket';
SELECT role = current_user AS me, action, ids, details FROM back.audit;
-- It goes on from there: ids, timeline, merging, undoing.
SELECT id > 7 AS new_id, action, related FROM remember('back', 'n', 'The office is in Kyiv', 'fact', subject => 'office', predicate => 'is in', object => 'Kyiv', valid_from => '2023-01-01');
SELECT id, action FROM remember('back', 'n', 'the office is in oslo', 'fact', valid_from => '2022-01-01');
SELECT restore('back', 'n', 1);
-- A version of the other store's comes back.
SELECT restore('back', 'n', 7, (SELECT lower(system_period) FROM back.memory_history WHERE id = 7));
SELECT id, content, key, upper(system_period) FROM back.memory WHERE id = 7;

-- Again: the ids are taken, or new ones are given to all that names them.
\set VERBOSITY terse
SELECT import('back', 'n', lines('there', 'n'));
SELECT import('there', 'n2', lines('there', 'n'), remap => true) AS counts \gset
SELECT (SELECT count(*) FROM jsonb_object_keys(:'counts'::jsonb -> 'ids'));
SELECT p.id = (:'counts'::jsonb #>> '{ids,1}')::bigint AS parent FROM there.memory c JOIN there.memory p ON p.id = c.parent WHERE c.namespace = 'n2' AND p.namespace = 'n2';
SELECT e.source = (:'counts'::jsonb #>> '{ids,4}')::bigint AS source, e.target = (:'counts'::jsonb #>> '{ids,3}')::bigint AS target, type FROM there.edge e WHERE namespace = 'n2';
SELECT a < b AS pair, count(*) FROM there.conflict WHERE namespace = 'n2' GROUP BY 1;
SELECT confirmations FROM there.activity WHERE namespace = 'n2';
-- Its text comes from a file as well as from a query.
SELECT import('there', 'n3', ARRAY(SELECT l::text::jsonb FROM export('there', 'n') l), remap => true) - 'ids' ;
-- Two namespaces may have one id.
SELECT import('there', 'n4', lines('there', 'n'));
-- What was erased stays so.
SELECT erase('there', 'n4', ids => '{3}') -> 'ids' AS erased;
SELECT erase('there', 'n4', everything => true) -> 'erased' -> 'memory' AS erased;
SELECT import('there', 'n4', lines('there', 'n'));
SELECT import('there', 'n4', lines('there', 'n'), remap => true) -> 'memory' AS memories;
-- A far id: the next is later.
SELECT import('back', 'far', ARRAY[(lines('there', 'nobody'))[1], '{"line": "memory", "id": 9000000000, "known_from": "2020-01-01", "memory": {"content": "x", "kind": "fact", "valid_from": "2020-01-01"}}']) -> 'memory';
SELECT id FROM remember('back', 'far', 'y', 'fact');

-- Errors name the line, and leave nothing.
\set VERBOSITY default
\set header `echo '{"line": "header", "format": 1, "kinds": [], "predicates": []}'`
CREATE FUNCTION one(memory jsonb, line jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS
  $$SELECT '{"line": "memory", "id": 1, "known_from": "2020-01-01"}' || jsonb_build_object('memory', '{"content": "x", "kind": "fact", "valid_from": "2020-01-01"}' || memory) || line$$;
SELECT import('back', 'e', NULL);
SELECT import('back', 'e', '{}');
SELECT import('back', 'e', ARRAY[NULL::jsonb]);
SELECT import('back', 'e', ARRAY['[]'::jsonb]);
SELECT import('back', 'e', ARRAY['{"line": "wish"}'::jsonb]);
SELECT import('back', 'e', ARRAY['{"no": "line"}'::jsonb]);
SELECT import('back', 'e', ARRAY[one('{}')]);
SELECT import('back', 'e', ARRAY['{"line": "header", "format": 2}'::jsonb]);
SELECT import('back', 'e', ARRAY['{"line": "header", "format": 1}'::jsonb]);
SELECT import('back', 'e', ARRAY[:'header', :'header']::jsonb[]);
SELECT import('back', 'e', ARRAY[:'header', one('{"kind": "rumour"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"embedding": "[1,2]"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"embedding": "[1,2,3]"}', '{"precision": 7}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"valid_to": "2019-01-01"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"valid_from": null}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"content": 1}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{"wish": 1}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"id": "1"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"id": 0}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"known_from": null}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"known_from": "yesterday or so"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"known_to": "2021-01-01"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"line": "version"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"line": "version", "known_to": "2020-01-01"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"known_from": "-infinity"}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}', '{"memory": 5}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}'), '{"line": "edge", "source": 1, "type": "supersedes"}']::jsonb[]);
SELECT import('back', 'e', ARRAY[:'header', one('{}'), '{"line": "edge", "source": 1, "target": 2, "type": "supersedes", "weight": -1, "known_from": "2026-01-01 00:00Z"}']::jsonb[]);
SELECT import('back', 'e', ARRAY[:'header', one('{"subject": "s", "predicate": "p"}'), one('{"subject": "s", "predicate": "p", "content": "y", "valid_from": "2021-01-01"}', '{"id": 2}')]);
\set VERBOSITY terse
SELECT import('back', 'e', ARRAY[:'header', one('{"key": "k"}'), one('{"key": "k"}', '{"id": 2}')]);
SELECT import('back', 'e', ARRAY[:'header', one('{}'), one('{}')]);
SELECT count(*) FROM back.memory WHERE namespace = 'e';
SELECT count(*) FROM back.audit WHERE namespace = 'e';

-- Versions are taken as they come: only from the owner.
CREATE ROLE regress_agentmem_importer;
GRANT USAGE ON SCHEMA back TO regress_agentmem_importer;
GRANT ALL ON ALL TABLES IN SCHEMA back TO regress_agentmem_importer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA back TO regress_agentmem_importer;
SET ROLE regress_agentmem_importer;
SELECT import('back', 'e', ARRAY[:'header', one('{}')]);
SELECT count(*) > 1 AS exports FROM export('back', 'n');
RESET ROLE;
DROP FUNCTION lines, found, as_text, one;
SELECT drop_store('there', cascade => true);
SELECT drop_store('back', cascade => true);
DROP ROLE regress_agentmem_importer;

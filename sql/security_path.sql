-- No function or operator that someone plants runs as the one who calls ours, whatever the path.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
\set VERBOSITY terse
SELECT current_database() AS db \gset
CREATE ROLE agm_victim;
GRANT CREATE, TEMPORARY ON DATABASE :"db" TO agm_victim;
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO agm_victim;

-- A twin of each operator and function of pg_catalog and agentmem that takes these types.
CREATE TABLE trap.types AS SELECT unnest(ARRAY['text', 'name', 'int2', 'int4', 'int8', 'oid', 'bool', 'float4', 'float8', 'numeric', 'timestamptz', 'interval',
  'tstzrange', 'jsonb', 'uuid', 'tsvector', 'regclass', '"char"', 'int8[]', 'text[]', 'name[]', 'regconfig', 'agentmem.vector', 'agentmem.vector[]', 'agentmem.halfvec', 'float8[]', 'tid[]']::regtype[]) AS t;
DO $$
DECLARE
  body CONSTANT text := ' LANGUAGE plpgsql AS ''BEGIN RAISE EXCEPTION ''''trapped''''; END''';
  o record;
  n int := 0;
BEGIN
  FOR o IN
    SELECT oprname AS name, oprleft::regtype AS l, oprright::regtype AS r, oprresult::regtype AS result FROM pg_operator
    WHERE oprnamespace IN ('pg_catalog'::regnamespace, 'agentmem'::regnamespace) AND oprleft IN (SELECT t FROM trap.types)
      AND oprright IN (SELECT t FROM trap.types) AND oprresult IN (SELECT t FROM trap.types)
    UNION
    SELECT name, v.l::regtype, v.r::regtype, CASE name WHEN '||' THEN v.l ELSE 'bool' END::regtype
    FROM unnest(ARRAY['=', '<>', '<', '<=', '>', '>=', '&&', '@>', '<@', '||']) name,
      (VALUES ('int8[]', 'int8[]'), ('text[]', 'text[]'), ('tstzrange', 'tstzrange'), ('tstzrange', 'timestamptz'), ('text[]', 'text'), ('text', 'text[]')) v(l, r)
  LOOP
    n := n + 1;
    EXECUTE format('CREATE FUNCTION trap.operator_%s(%s, %s) RETURNS %s', n, o.l, o.r, o.result) || body;
    EXECUTE format('CREATE OPERATOR trap.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = trap.operator_%s)', o.name, o.l, o.r, n);
  END LOOP;
  FOR o IN
    SELECT DISTINCT p.proname AS name, array_to_string(p.proargtypes::regtype[], ', ') AS arguments, p.prorettype::regtype AS result FROM pg_proc p
    WHERE pronamespace IN ('pg_catalog'::regnamespace, 'agentmem'::regnamespace) AND NOT proretset AND prorettype IN (SELECT t FROM trap.types)
      AND NOT EXISTS (SELECT FROM unnest(proargtypes) a WHERE a NOT IN (SELECT t FROM trap.types)) AND proname !~ '^(RI_|pg_stat|pg_get|has_)'
    UNION
    SELECT v.name, v.arguments, v.result::regtype
    FROM (VALUES ('cardinality', 'text[]', 'int4'), ('cardinality', 'int8[]', 'int4'), ('lower', 'tstzrange', 'timestamptz'), ('upper', 'tstzrange', 'timestamptz'),
      ('upper_inf', 'tstzrange', 'bool'), ('isempty', 'tstzrange', 'bool'), ('array_agg', 'text', 'text[]'), ('count', 'text', 'int8'), ('array_length', 'int8[], int4', 'int4'),
      ('to_jsonb', 'text', 'jsonb'), ('to_jsonb', 'int4', 'jsonb'), ('to_jsonb', 'timestamptz', 'jsonb'), ('to_jsonb', 'text[]', 'jsonb'), ('array_position', 'text[], text', 'int4'),
      ('array_to_string', 'text[], text', 'text'), ('string_agg', 'text, text', 'text'), ('format', 'text, VARIADIC text[]', 'text'), ('jsonb_build_object', 'VARIADIC text[]', 'jsonb')) v(name, arguments, result)
  LOOP
    EXECUTE format('CREATE FUNCTION trap.%I(%s) RETURNS %s', o.name, o.arguments, o.result) || body;
  END LOOP;
  EXECUTE 'CREATE FUNCTION trap.unnest(int8[]) RETURNS SETOF int8' || body;
  EXECUTE 'CREATE FUNCTION trap.unnest(text[]) RETURNS SETOF text' || body;
  EXECUTE 'CREATE FUNCTION trap.jsonb_object_keys(jsonb) RETURNS SETOF text' || body;
  EXECUTE 'CREATE FUNCTION trap.jsonb_array_elements_text(jsonb, OUT value text) RETURNS SETOF text' || body;
  EXECUTE 'CREATE FUNCTION trap.aclexplode(aclitem[]) RETURNS SETOF record' || body;
  EXECUTE 'CREATE FUNCTION trap.jsonb_each(jsonb, OUT key text, OUT value jsonb) RETURNS SETOF record' || body;
  FOR o IN SELECT unnest(ARRAY['text', 'name', 'int4', 'int8', 'bool', 'float4', 'float8', 'timestamptz', 'tstzrange', 'jsonb', 'uuid', 'oid', 'regclass', 'tsvector']) AS name LOOP
    EXECUTE format('CREATE DOMAIN trap.%I AS pg_catalog.%1$I CHECK (trap.now() IS NULL)', o.name);
  END LOOP;
END $$;
SELECT (SELECT count(*) FROM pg_operator WHERE oprnamespace = 'trap'::regnamespace) > 200 AS operators,
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'trap'::regnamespace) > 500 AS functions;

-- Which functions are called is counted, and compared with the catalog at the end.
SET track_functions = 'all';
SELECT count(pg_stat_reset_single_function_counters(p.oid)) > 100 AS functions FROM pg_proc p WHERE p.pronamespace = 'agentmem'::regnamespace;

-- Calls of all that takes values and no store, so that a new one is called too.
CREATE TABLE trap.calls AS
  WITH sample (type, value) AS (VALUES
    ('agentmem.vector'::regtype, '[1,0]'), ('agentmem.halfvec', '[1,0]'), ('agentmem.sphere', '("[1,0]",1)'), ('agentmem.halfvec_sphere', '("[1,0]",1)'),
    ('bigint', '2'), ('bigint[]', '{1,2}'), ('bit', '10'), ('boolean', 't'), ('cstring', '[1,0]'), ('cstring[]', '{2}'), ('double precision', '1'),
    ('double precision[]', '{1,1,0}'), ('integer', '2'), ('integer[]', '{1,2}'), ('numeric[]', '{1,2}'), ('oid', '0'), ('real', '1'), ('real[]', '{1,2}'), ('text', 'english'),
    ('text[]', '{english}'), ('timestamptz', '2025-01-01'), ('tstzrange', '[2025-01-01,2025-01-02)'), ('tsvector', '''a'':1'), ('regclass', '0'), ('tid[]', '{}'))
  SELECT p.oid, format(CASE WHEN p.prokind = 'a' THEN 'SELECT %s(v) IS NULL FROM (VALUES (%s)) v(v)' WHEN p.proretset THEN 'SELECT FROM %s(%s)' ELSE 'SELECT %s(%s) IS NULL' END,
                       p.oid::regproc, string_agg(quote_literal(s.value) || '::' || n.nspname || '.' || quote_ident(t.typname), ', ' ORDER BY a.i)) AS call
  FROM pg_proc p CROSS JOIN LATERAL unnest(p.proargtypes) WITH ORDINALITY a(type, i)
  JOIN pg_type t ON t.oid = a.type JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN sample s ON s.type = a.type
  WHERE p.pronamespace = 'agentmem'::regnamespace AND coalesce(p.proargnames[1], '') <> 'store' AND p.prorettype NOT IN ('internal'::regtype, 'trigger'::regtype)
    -- called with arguments of their own
    AND p.proname NOT IN ('attribute_column', 'attribute_type', 'communities', 'index_check', 'index_density', 'index_recall', 'index_stats', 'ivfbq_scrub', 'pagerank', 'personalized_pagerank', 'require_class')
  GROUP BY p.oid HAVING bool_and(s.value IS NOT NULL) ORDER BY p.oid::regprocedure::text COLLATE "C";
GRANT SELECT ON trap.calls TO agm_victim;

SET ROLE agm_victim;
-- Relations and types in pg_temp are found even where the path does not name it.
CREATE TEMP TABLE memory (namespace text, id bigint, content text);
CREATE TEMP TABLE setting (name text, value text);
CREATE TEMP TABLE kind (name text);
CREATE TEMP TABLE pg_class (oid oid, relname name, relnamespace oid);
CREATE TEMP TABLE pg_namespace (oid oid, nspname name, nspowner oid);
CREATE TEMP TABLE pg_attribute (attrelid oid);
CREATE TEMP TABLE pg_policy (polrelid oid, polname name);
SET search_path = trap, public, pg_temp, pg_catalog, agentmem;
SELECT now();
SELECT 1 = 1;
SELECT 'a'::text;

SELECT agentmem.create_store('path', dimensions => 2);
SELECT agentmem.create_store('path_parts', dimensions => 2, partitions => 2);
SELECT agentmem.upgrade_store('path');
UPDATE path.setting SET value = '0.0' WHERE name OPERATOR(pg_catalog.=) 'version';
SELECT agentmem.upgrade_store('path');
UPDATE path.setting SET value = '0.1.0' WHERE name OPERATOR(pg_catalog.=) 'version';
SELECT agentmem.enable_row_security('path'), agentmem.enable_row_security('path_parts');
SET agentmem.namespace = 'a,b';
SELECT action FROM agentmem.remember('path', 'a', 'Anna lives in Rome', 'fact', '[1,0]', subject => 'Anna', predicate => 'lives in', object => 'Rome',
  valid_from => '2025-01-01', tags => '{x}', attributes => '{"n": 1}', key => 'rome', session => 's');
SELECT action FROM agentmem.remember('path', 'a', 'Anna lives in Oslo', 'fact', '[1,0.1]', subject => 'anna', predicate => 'LIVES IN', object => 'Oslo', valid_from => '2025-06-01', valid_to => '2025-07-01');
SELECT action FROM agentmem.remember('path', 'a', 'anna lives in OSLO', 'fact', subject => 'anna', predicate => 'LIVES IN', object => 'Oslo', valid_from => '2025-06-01', tags => '{y}', importance => 0.5, expires_at => '2099-01-01', attributes => '{"m": 2}');
SELECT action FROM agentmem.remember('path', 'a', 'Anna likes Rome', 'preference', '[1,0]', subject => 'Anna', predicate => 'lives in', object => 'Wien', valid_from => '2025-01-02');
SELECT action FROM agentmem.remember('path', 'a', 'Key of the house', 'secret', attributes => '{"value": "x"}');
SELECT action FROM agentmem.remember('path', 'a', 'Key of the house', 'secret', attributes => '{"value": "y"}');
SELECT action FROM agentmem.remember_many('path', 'a', '[{"content": "one", "kind": "fact", "embedding": [1, 1]}, {"content": "one", "kind": "fact", "parent": 1}, {"content": ""}]', on_error => 'skip');
SELECT action FROM agentmem.remember('path', 'b', 'Bert', language => 'german');
SELECT agentmem.revise('path', 'a', 1, 'Anna lives in Roma', '[1,0]', valid_to => '2025-05-01', attributes => '{"n": 2}');
SELECT id FROM agentmem.recall('path', 'a', 'Rome', '[1,0]', kinds => '{fact,preference}', tags => '{}', attributes => '{}', states => '{active,archived}', prefix => true, shared => '{b}', min_score => 0, max_tokens => 100);
SELECT id FROM agentmem.recall('path', 'a', 'Oslo', subject => 'Anna', predicate => 'lives in', during => '(,)', tags => '{x}', tags_any => '{x,y}', attributes => '{"n": 2}', session => 's');
SELECT id FROM agentmem.recall('path', 'a', k => 2, valid_at => '2025-02-01');
SELECT id FROM agentmem.recall('path', 'a', embedding => '[1,0]', mode => 'exact', fusion => 'rrf', weights => '{"semantic": 2}', k => 1);
SELECT agentmem.recall_context('path', 'a', 'key of Rome', valid_at => '2025-02-01');
SELECT id FROM agentmem.list('path', 'a', during => '(,)', after => 0, n => 2);
SELECT agentmem.count('path', 'a', during => '(,)');
SELECT id FROM agentmem.get('path', 'a', '{1}', '{rome}');
SELECT namespace, memories FROM agentmem.namespaces('path', 'a', 1, 'A');
SELECT a, b, reason FROM agentmem.conflicts('path', 'a');
SELECT conflict FROM agentmem.conflicts('path', 'a') LIMIT 1 \gset
SELECT agentmem.resolve('path', 'a', :conflict, 'annotate', note => 'both');
SELECT agentmem.reveal('path', 'a', id) FROM agentmem.list('path', 'a', kinds => '{secret}');
SELECT agentmem.forget('path', 'a', 1, 'moved');
SELECT agentmem.add_edge_type('path', 'odd', 1, true, 'x');
SELECT agentmem.link('path', 'a', 4, 5, 'odd', 0.5, '2020-01-01', '2099-01-01'), agentmem.link('path', 'a', 5, 6), agentmem.link('path', 'a', 4, 5, 'odd');
SELECT id, depth, via, type FROM agentmem.neighbors('path', 'a', '{4}', '{odd,similar}', 2, 10);
SELECT id, depth, via, type FROM agentmem.neighbors('path', 'a', '{4}', valid_at => '2098-01-01', known_at => '2098-01-01');
SELECT id, type FROM agentmem.shortest_path('path', 'a', 4, 6);
SELECT id FROM agentmem.ppr('path', 'a', '{4}', '{2}', types => '{similar}');
SELECT id FROM agentmem.spread('path', 'a', '{4}');
SELECT agentmem.graph('path', 'a', 'json', '{4}'), agentmem.graph('path', 'a', 'dot', max_nodes => 1, known_at => '2098-01-01');
SELECT source, target FROM agentmem.transitions('path', 'a', '{odd,similar}');
SELECT source, target FROM agentmem.transitions('path', 'a', '{odd}', known_at => '2098-01-01', valid_at => '2098-01-01');
SELECT node FROM agentmem.pagerank('VALUES (1, 2)');
SELECT agentmem.unlink('path', 'a', 4, 5, 'odd');
SELECT id, children FROM agentmem.outline('path', 'a', n => 1);
SELECT agentmem.forget_where('path', 'b', tags_any => '{x}', during => '(,)'), agentmem.feedback('path', 'a', 2, false), agentmem.effective_importance(1, 2);
SELECT agentmem.effective_confidence(0.5, 2), agentmem.fold('A  b'), agentmem.lexemes('english', 'cats'), agentmem.query_lexemes('{english}', 'cats'),
  agentmem.namespace_is_set('a'), agentmem.namespace_is_role('agm_victim'), agentmem.is_store(0);
SELECT store FROM agentmem.stores;
SELECT agentmem.add_kind('path', 'ticket', 'working', 'A ticket', '{"number": {"type": "int", "required": true, "meaning": "m"}, "labels": "text[]", "seen": "timestamptz", "raw": "jsonb"}', half_life => '1 day');
INSERT INTO path.kind_ticket (namespace, content, number, labels, seen, raw, attributes, embedding) VALUES ('a', 'broken lamp', 1, '{x,y}', '2025-01-01', '{"z": 1}', '{"m": 1}', '[1,0]')
RETURNING number, labels, seen, raw, attributes, embedding;
UPDATE path.kind_ticket SET number = 2, labels = NULL, seen = '2025-01-02', attributes = '{"l": 1}', title = 'Lamp', subject = 'Lamp', predicate = 'is', provenance = 'observed'
RETURNING number, labels, seen, raw, attributes, title;
GRANT SELECT ON path.kind_ticket TO PUBLIC;
SELECT agentmem.alter_kind('path', 'ticket', attributes => '{"labels": null, "number": {"type": "bigint"}, "more": "float8"}', clear => '{half_life}', class => 'semantic', meaning => 'An order');
SELECT agentmem.alter_kind('path', 'concept', class => 'vault');
SELECT agentmem.alter_kind('path', 'concept', class => 'structural');
SELECT agentmem.drop_kind_views('path', 'ticket'), agentmem.create_kind_view('path', 'ticket'), agentmem.check_attributes('path', 'ticket', '{"number": 3}');
SELECT number, more FROM path.kind_ticket;
DELETE FROM path.kind_ticket;
SELECT agentmem.retire_kind('path', 'ticket');
SELECT agentmem.attribute_type('int4'), agentmem.attribute_column('a', 'int') IS NULL AS nothing, agentmem.require_class('vault');
INSERT INTO path.memory (namespace, kind, content, subject, predicate) VALUES ('a', 'fact', 'By hand', 'hand', 'is');
SELECT action FROM agentmem.remember('path_parts', 'a', 'Anna lives in Rome', 'fact', '[1,0]', subject => 'Anna', predicate => 'lives in', object => 'Rome');
SELECT id FROM agentmem.recall('path_parts', 'a', 'Rome', '[1,0]', subject => 'Anna');
INSERT INTO path.setting VALUES ('embed_jobs', 'on');
SELECT action FROM agentmem.remember('path', 'a', 'A day later', 'fact');
SELECT agentmem.enqueue_embeddings('path', 'a'), agentmem.enqueue_job('path', 'a', 'extract', '{4}') AS job \gset
SELECT kind, ids, attempt FROM agentmem.claim_jobs('path', '{extract,embed}', n => 20);
SELECT agentmem.heartbeat_job('path', 'a', :job), agentmem.complete_job('path', 'a', :job, '{"memories": [{"content": "Made of it"}]}', attempt => 1) IS NOT NULL AS done;
SELECT agentmem.complete_job('path', 'a', id, '{"embedding": [1,2]}') IS NOT NULL AS done FROM path.job LIMIT 1;
SELECT agentmem.fail_job('path', 'a', id, 'no') FROM path.job LIMIT 1;
SELECT agentmem.retry_jobs('path', 'a');
SELECT agentmem.set_cache_category('path', 'talk', 0.5, '1 hour', 2, 0.4, '2 hours'), agentmem.cache_load('path', 0.5, '1 min', 'talk');
SELECT state, claim FROM agentmem.cache_claim('path', 'a', 'talk', 'one', '1 min', '0') \gset
SELECT agentmem.cache_put('path', 'a', 'talk', 'one', '[1,0]', '1', '{}', :claim) IS NOT NULL AS kept, agentmem.cache_put('path', 'a', 'talk', 'two', '[0,1]', '2') IS NOT NULL AS too;
SELECT response, age IS NULL AS aged FROM agentmem.cache_get('path', 'a', 'talk', '[1,0]');
SELECT response FROM agentmem.cache_get('path', 'a', 'talk', NULL, 'two');
SELECT agentmem.cache_put('path', 'a', 'talk', 'three', '[0,1]', '3') IS NOT NULL AS evicted, agentmem.cache_put('path_parts', 'a', 'talk', 'three', '[0,1]', '3') IS NOT NULL AS parts;
SELECT agentmem.cache_release('path', 'a', 'talk', 'one', :claim), agentmem.cache_forget('path', 'a', 'talk', 'three'), agentmem.cache_sweep('path', 'a', 1), agentmem.cache_clear('path', 'a');
SELECT category, entries FROM path.cache_stats;
SELECT agentmem.restore('path', 'a', 1);
SELECT id, content FROM agentmem.history('path', 'a', 1);
SELECT id FROM agentmem.as_of('path', 'a', valid_at => '2025-02-01', known_at => 'infinity');
SELECT id, change FROM agentmem.changes('path', 'a', '2020-01-01') LIMIT 1;
SELECT id FROM agentmem.recall('path', 'a', 'Rome', '[1,0]', known_at => '2020-01-01');
SELECT * FROM agentmem.index_check('path.memory_embedding_idx', true);
SELECT agentmem.ivfbq_scrub('path.memory_embedding_idx', '{"(0,1)"}');
SELECT FROM agentmem.personalized_pagerank('VALUES (1, 2)', '{1}');
SELECT FROM agentmem.communities('VALUES (1, 2)');
-- One statement each, which are not shown.
\o /dev/null
\set ECHO none
SELECT c.call FROM trap.calls c \gexec
\set ECHO all
\o
SET agentmem.namespace = 'a,b,c';
INSERT INTO path.setting VALUES ('summaries', '2'), ('promotion', '2'), ('reflect_jobs', 'on'), ('communities', '3');
SELECT FROM agentmem.remember('path', 'c', 'Every quarter the external auditors ask our office for lists of suppliers.', 'episode', session => 'p') one, agentmem.remember('path', 'c', 'Every quarter the external auditors ask our office for lists of suppliers.', 'episode', session => 'q') other;
SELECT step, changed FROM agentmem.maintain('path', 'c');
INSERT INTO path.setting VALUES ('summary_interval', '0');
SELECT step, changed FROM agentmem.maintain('path', 'c');
SELECT FROM agentmem.remember('path', 'a', 'Talk of tea.', 'episode', session => 's', valid_from => '2020-01-01') one, agentmem.remember('path', 'a', 'More talk of tea.', 'episode', session => 's', valid_from => '2020-01-01') other;
INSERT INTO path.memory (namespace, content, kind, embedding) VALUES ('b', 'A twin', 'fact', '[1,0]'), ('b', 'a TWIN', 'fact', '[1,0]'), ('b', 'Anna and her twins', 'fact', '[1,0]'), ('b', 'Otto', 'fact', '[1,0.1]');
INSERT INTO path.setting VALUES ('similar', '1'), ('concepts', '2'), ('importance', 'rank');
SELECT agentmem.set_namespace('path', 'b', 2, '1 day');
SELECT step, changed FROM agentmem.maintain('path', 'b');
SELECT step FROM agentmem.maintain('path', 'a', at => '2100-01-01');
SELECT changed FROM agentmem.apply_index('path', 'a', '2025-01-01', '{}', '{}', false);
SELECT agentmem.postpone_namespace('path', 'a'), agentmem.attribute_time('{"a": "2025-01-01"}', 'a') IS NULL AS nothing;
CALL agentmem.maintain_all('path');
SELECT step, changed FROM agentmem.maintain('path', 'b', at => '2100-01-01');
SELECT step, changed FROM agentmem.maintain('path', 'b', at => '2100-01-02');
SELECT store, worker, failures, last_error FROM agentmem.maintenance_status;
SELECT count(c.concept) FROM agentmem.concepts('path', 'a') c;
SELECT agentmem.hold('path', 'b', 'why'), agentmem.release('path', 'b');
SELECT agentmem.import('path', 'c', ARRAY(SELECT agentmem.export('path', 'a', true)), true) IS NULL AS nothing;
SELECT agentmem.erase('path', 'c', subject => 'Anna') AS receipt \gset
SELECT remaining FROM agentmem.erase_verify('path', :'receipt') LIMIT 1;
SELECT agentmem.erase('path', 'c', everything => true) AS receipt \gset
SELECT remaining FROM agentmem.erase_verify('path', :'receipt') LIMIT 1;
-- Policies mean what they meant when they were made.
SET agentmem.namespace = 'b';
SELECT id FROM agentmem.list('path', 'a');
SELECT agentmem.disable_row_security('path');
SELECT agentmem.begin_space('path', 3, 'new') IS NOT NULL AS begun;
SELECT agentmem.revise('path', 'a', 1, content => 'Another content');
SELECT agentmem.enqueue_space('path') IS NOT NULL AS queued;
SELECT agentmem.complete_job('path', namespace, job, '{"embedding": [1,2,3]}') IS NOT NULL AS done FROM agentmem.claim_jobs('path', '{embed_next}');
SELECT model, dimensions FROM agentmem.space_progress('path');
SELECT agentmem.cancel_space('path');
SELECT agentmem.begin_space('path', 3, 'new') IS NOT NULL AS begun;
SELECT agentmem.switch_space('path');
SELECT agentmem.switch_space('path', force => true) IS NOT NULL AS switched;
SELECT FROM agentmem.index_stats('path.memory_embedding_idx');
SELECT FROM agentmem.sparse_indexes('path');
SELECT agentmem.index_density('path.memory_pkey') IS NOT NULL AS some;
SELECT FROM agentmem.index_recall('path.memory_embedding_idx', 1, 1);
SELECT agentmem.drop_store('path');
SELECT agentmem.drop_store('path', cascade => true), agentmem.drop_store('path_parts', cascade => true);

RESET ROLE;
SELECT count(agentmem.start_worker());
SELECT agentmem.stop_worker();
RESET search_path;

-- What was not called has its reason here. What is neither called nor here is to be called above; what is here for
-- nothing, because it is called or no more there, is to be taken out.
SELECT pg_stat_force_next_flush();
SELECT pg_stat_clear_snapshot();
CREATE TABLE trap.excused (name, reason) AS VALUES
  ('bigint_overlap_sel', 'internal arguments: the planner calls it'),
  ('bigint_overlap_extract', 'internal arguments: the index access method'),
  ('key_query', 'internal arguments: the index access method'),
  ('key_compare', 'internal arguments: the index access method'),
  ('key_consistent', 'internal arguments: the index access method'),
  ('namespace_support', 'internal arguments: the planner calls it'),
  ('routed_support', 'internal arguments: the planner calls it'),
  ('distribute', 'it refuses where there is no Citus; with one it is in test/tap/560_citus.pl'),
  ('delegated_functions', 'a part of distribute, called when the extension is made'),
  ('ivfbq_handler', 'internal arguments: the index access method'),
  ('ivfbq_vector_cosine', 'internal arguments: the index access method'), ('ivfbq_vector_ip', 'internal arguments: the index access method'),
  ('ivfbq_vector_l2', 'internal arguments: the index access method'), ('ivfbq_halfvec_cosine', 'internal arguments: the index access method'),
  ('ivfbq_halfvec_ip', 'internal arguments: the index access method'), ('ivfbq_halfvec_l2', 'internal arguments: the index access method'),
  ('vector_recv', 'internal arguments: the protocol calls it'), ('halfvec_recv', 'internal arguments: the protocol calls it'),
  ('icu_start', 'internal arguments: text search calls it'), ('icu_nexttoken', 'internal arguments: text search calls it'),
  ('icu_end', 'internal arguments: text search calls it'), ('icu_lextypes', 'internal arguments: text search calls it'),
  ('icu_fold_lexize', 'internal arguments: text search calls it');
SELECT p.oid::regprocedure AS not_called FROM pg_proc p
WHERE p.pronamespace = 'agentmem'::regnamespace AND p.oid NOT IN (SELECT c.oid FROM trap.calls c)
  AND p.oid NOT IN (SELECT s.funcid FROM pg_stat_user_functions s) AND p.proname NOT IN (SELECT e.name FROM trap.excused e)
ORDER BY p.oid::regprocedure::text COLLATE "C";
SELECT e.name AS excused_for_nothing FROM trap.excused e
WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'agentmem'::regnamespace AND p.proname = e.name
                    AND p.oid NOT IN (SELECT c.oid FROM trap.calls c) AND p.oid NOT IN (SELECT s.funcid FROM pg_stat_user_functions s))
ORDER BY e.name COLLATE "C";
RESET track_functions;
DROP SCHEMA trap CASCADE;
DROP TABLE pg_temp.memory, pg_temp.setting, pg_temp.kind, pg_temp.pg_class, pg_temp.pg_namespace, pg_temp.pg_attribute, pg_temp.pg_policy;
REVOKE CREATE, TEMPORARY ON DATABASE :"db" FROM agm_victim;
DROP ROLE agm_victim;

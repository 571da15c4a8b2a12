-- Row security: two tenants and the operator who owns the stores, one plain, one in partitions.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT current_database() AS db \gset
CREATE ROLE agm_operator;
CREATE ROLE agm_a;
CREATE ROLE agm_b;
CREATE ROLE agm_both IN ROLE agm_a, agm_b;
GRANT CREATE ON DATABASE :"db" TO agm_operator;
CREATE SCHEMA rls_lib;
GRANT USAGE ON SCHEMA rls_lib TO PUBLIC;

-- What the caller sees of namespaces other than `own` in any table, by its own name.
CREATE FUNCTION rls_lib.foreign_rows(own text) RETURNS TABLE (relation text, foreign_rows bigint, own_rows boolean) LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
  FOR c IN SELECT n.nspname, t FROM pg_namespace n, LATERAL agentmem.data_tables(n.oid) t WHERE n.nspname IN ('rls', 'rlsp') LOOP
    relation := format('%I.%I', c.nspname, c.t);
    EXECUTE format('SELECT count(*) FILTER (WHERE namespace <> $1), count(*) FILTER (WHERE namespace = $1) > 0 FROM %s', relation) INTO foreign_rows, own_rows USING own;
    RETURN NEXT;
  END LOOP;
END $$;
CREATE FUNCTION rls_lib.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text; detail text; hint text; message text;
BEGIN
  EXECUTE statement INTO result;
  RETURN coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
  RETURN SQLSTATE || ': ' || message || coalesce(nullif(' | ' || detail, ' | '), '') || coalesce(nullif(' | ' || hint, ' | '), '');
END $$;

CREATE FUNCTION rls_lib.listed(list text, ns text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('agentmem.namespace', list, true);
  RETURN agentmem.namespace_is_set(ns);
END $$;

SET ROLE agm_operator;
SELECT agentmem.create_store('rls', dimensions => 2);
SELECT agentmem.create_store('rlsp', dimensions => 2, partitions => 3);
GRANT USAGE ON SCHEMA rls, rlsp TO agm_a, agm_b;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rls, rlsp TO agm_a, agm_b;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA rls, rlsp TO agm_a, agm_b;
REVOKE UPDATE, INSERT, DELETE ON rls.secret, rlsp.secret, rls.audit, rlsp.audit FROM agm_a, agm_b;

-- By role. Twice is once.
SELECT agentmem.enable_row_security('rls', 'role'), agentmem.enable_row_security(s, 'role') FROM unnest('{rls,rlsp}'::name[]) s;
SELECT count(*) = count(*) FILTER (WHERE relrowsecurity AND relforcerowsecurity) AS forced, count(*) > 30 AS enough
FROM pg_class c WHERE relnamespace IN ('rls'::regnamespace, 'rlsp'::regnamespace) AND relname IN (SELECT agentmem.data_tables(c.relnamespace));

SET ROLE agm_a;
SELECT s, r.action FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_a', 'Anna likes tea', 'fact', '[1,0]', subject => 'Anna', predicate => 'drink', object => 'tea', key => 'k') r;
SELECT s, r.action FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_a', 'Anna has a key', 'secret', attributes => '{"value": "anna"}') r;
SET ROLE agm_b;
SELECT s, r.action FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_b', 'Bert hides money under the tea pot', 'fact', '[1,0]', subject => 'Bert', predicate => 'hides', object => 'money', key => 'k') r;
SELECT s, r.action, r.related <> '{}' AS conflict FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_b', 'Bert hides a ladder', 'preference', subject => 'Bert', predicate => 'hides', object => 'ladder') r;
SELECT s, r.action FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_b', 'Bert has a key', 'secret', attributes => '{"value": "bert"}') r;
SELECT s, r.action FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_b', 'Bert hides money under the tea pot', 'fact', subject => 'Bert', predicate => 'hides', object => 'money') r;
SELECT s, agentmem.revise(s, 'agm_b', g.id, title => 'revised') FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.get(s, 'agm_b', keys => '{k}') g;
SELECT s, count(*) FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.conflicts(s, 'agm_b') GROUP BY s ORDER BY s;
SELECT s, agentmem.cache_put(s, 'agm_b', 'c', 'p', '[1,0]', 'r') > 0 AS answer, agentmem.enqueue_job(s, 'agm_b', 'extract', payload => '{}') > 0 AS job,
  agentmem.forget(s, 'agm_b', r.id, 'the reason') AS details FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.remember(s, 'agm_b', 'Bert naps', 'event') r;

-- The first tenant asks for what is the second's.
RESET ROLE;
SELECT id AS bert FROM rls.memory WHERE namespace = 'agm_b' AND key = 'k' \gset
SELECT id AS bert_secret FROM rls.memory WHERE namespace = 'agm_b' AND kind = 'secret' \gset
SELECT id AS bert_conflict FROM rls.conflict \gset
SET ROLE agm_a;
SELECT * FROM rls_lib.foreign_rows('agm_a') WHERE foreign_rows > 0;
SELECT relation FROM rls_lib.foreign_rows('agm_a') WHERE own_rows AND relation !~ '_history' ORDER BY 1;
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_a', 'tea', '[1,0]', shared => '{agm_b}', prefix => true);
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_b', 'tea', '[1,0]', mode => 'exact');
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_b');
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.list(s, 'agm_b');
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.get(s, 'agm_b', ids => '{1,2,3,4,5,6}', keys => '{k}');
SELECT s, agentmem.count(s, 'agm_b'), agentmem.count(s, 'agm_a') FROM unnest('{rls,rlsp}'::name[]) s;
SELECT s, n.namespace FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.namespaces(s) n;
SELECT s, c.* FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.conflicts(s, 'agm_b') c;
SELECT s, h.content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.history(s, 'agm_b', :bert) h;
SELECT s, h.content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.as_of(s, 'agm_b', known_at => now()) h;
SELECT s, h.id FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.changes(s, 'agm_b', '2020-01-01') h;
SELECT s, h.content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_b', 'tea', '[1,0]', known_at => now()) h;
SELECT agentmem.recall_context('rls', 'agm_b', 'tea') = agentmem.recall_context('rls', 'agm_none', 'tea') AS same;

-- Writing there: refused, or as if it did not exist; no message tells what there is.
SELECT s, rls_lib.try(format(f, s, :bert, :bert_secret, :bert_conflict)) AS result FROM unnest('{rls,rlsp}'::name[]) s, unnest(ARRAY[
  'SELECT agentmem.remember(%L, ''agm_b'', ''Bert hides money under the tea pot'', ''fact'')',
  'SELECT agentmem.remember(%L, ''agm_b'', ''x'', ''fact'', key => ''k'')',
  'SELECT agentmem.remember(%L, ''agm_new'', ''x'')',
  'SELECT agentmem.remember(%L, ''agm_a'', ''x'', parent => %L)',
  'SELECT error FROM agentmem.remember_many(%L, ''agm_b'', ''[{"content": "x"}]'', on_error => ''skip'')',
  'SELECT agentmem.revise(%L, ''agm_b'', %L, ''x'')',
  'SELECT agentmem.revise(%L, ''agm_a'', %L, ''x'')',
  'SELECT agentmem.forget(%L, ''agm_b'', %L)',
  'SELECT agentmem.restore(%L, ''agm_b'', %L)',
  'SELECT agentmem.reveal(%L, ''agm_b'', %3$L)',
  'SELECT agentmem.resolve(%L, ''agm_b'', %4$L, ''retain'')',
  'SELECT count(*) FROM agentmem.export(%L, ''agm_b'', true) e WHERE e ->> ''type'' <> ''header''',
  'SELECT agentmem.erase(%L, ''agm_b'', everything => true) IS NOT NULL',
  'SELECT agentmem.erase(%L, ''agm_b'', ids => ''{-1}'') ->> ''ids''',
  'SELECT agentmem.hold(%L, ''agm_b'', ''x'')',
  'SELECT agentmem.enqueue_job(%L, ''agm_b'', ''extract'', payload => ''{"text": "Bert hides money"}'')',
  'INSERT INTO %I.namespace VALUES (''agm_b'', now(), ''{english}'')',
  'INSERT INTO %I.key_lock SELECT namespace, hash, 1 FROM %1$I.key_lock ON CONFLICT DO NOTHING RETURNING 1',
  'UPDATE %I.memory SET namespace = ''agm_b'' WHERE key = ''k''',
  'UPDATE %I.memory SET title = ''x'' WHERE namespace = ''agm_b'' RETURNING 1',
  'DELETE FROM %I.memory WHERE namespace = ''agm_b'' RETURNING 1',
  'INSERT INTO %I.audit (namespace, id, role, action, ids) VALUES (''agm_a'', 0, ''x'', ''x'', ''{}'')',
  -- its own
  'SELECT (r).action FROM (SELECT agentmem.remember(%L, ''agm_a'', ''anna likes TEA'', ''fact'', subject => ''Anna'', predicate => ''drink'', object => ''tea'') r) x',
  'SELECT agentmem.reveal(%L, ''agm_a'', id) FROM agentmem.list(%1$L, ''agm_a'', kinds => ''{secret}'')'])
  WITH ORDINALITY f(f, i) ORDER BY s, i;

-- Their own again; who is both sees both; the owner is under the policies too, and nobody is in between.
SET ROLE agm_b;
SELECT * FROM rls_lib.foreign_rows('agm_b') WHERE foreign_rows > 0;
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_b', 'tea', '[1,0]');
SELECT s, rls_lib.try(format('SELECT (SELECT count(*) FROM %1$I.cache) || '' '' || (SELECT count(*) FROM %1$I.job) || '' '' || (SELECT count(*) FROM %1$I.audit WHERE details IS NOT NULL)', s)) AS answers_jobs_details
FROM unnest('{rls,rlsp}'::name[]) s;
-- Its own goes, whether or not the namespace has a row.
BEGIN;
SELECT s, rls_lib.try(format('SELECT agentmem.erase(%L, ''agm_b'', everything => true) -> ''erased'' ->> ''cache''', s)) AS first,
  rls_lib.try(format('SELECT agentmem.cache_put(%L, ''agm_b'', ''c'', ''p'', ''[1,0]'', ''r'') > 0', s)) AS put,
  rls_lib.try(format('SELECT agentmem.erase(%L, ''agm_b'', everything => true) -> ''erased'' ->> ''cache''', s)) AS again
FROM unnest('{rls,rlsp}'::name[]) s;
ROLLBACK;
SET ROLE agm_both;
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_a', 'tea', '[1,0]', shared => '{agm_b}') ORDER BY 1, 2;
SET ROLE agm_operator;
SELECT sum(foreign_rows) FROM rls_lib.foreign_rows('');
SELECT content FROM agentmem.recall('rls', 'agm_a', 'tea');
\set VERBOSITY terse
-- Rows that it cannot see do not let it drop the store.
SELECT agentmem.drop_store('rls');
SELECT agentmem.drop_store('rlsp');
\set VERBOSITY default
-- A namespace that is no role, or longer than a role's name can be.
SELECT agentmem.namespace_is_role(n) FROM unnest(ARRAY['agm_operator', 'agm_a', 'no such role', '', repeat('x', 500)]) n;

-- By setting.
SELECT agentmem.enable_row_security(s) FROM unnest('{rls,rlsp}'::name[]) s;
SET ROLE agm_a;
SELECT sum(foreign_rows) FROM rls_lib.foreign_rows('');
SET agentmem.namespace = '';
SELECT sum(foreign_rows) FROM rls_lib.foreign_rows('');
BEGIN;
SET LOCAL agentmem.namespace = 'agm_a';
SELECT s, content FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.recall(s, 'agm_a', 'tea', '[1,0]', shared => '{agm_b}');
SELECT * FROM rls_lib.foreign_rows('agm_a') WHERE foreign_rows > 0;
SET LOCAL agentmem.namespace = 'agm_b, agm_c';
SELECT s, n.namespace FROM unnest('{rls,rlsp}'::name[]) s, LATERAL agentmem.namespaces(s) n;
COMMIT;
SELECT agentmem.count('rls', 'agm_a');
-- The list: blanks around names, quotes, names with commas.
RESET ROLE;
SELECT left(list, 20) AS list, left(ns, 10) AS ns, rls_lib.listed(list, ns) FROM (VALUES ('a', 'a'), ('a', 'A'), ('a', 'aa'), ('aa', 'a'), ('a,b', 'b'), (' a , b ', 'b'), (' a , b ', 'a'), ('a,b', 'a,b'),
  ('"a,b"', 'a,b'), ('"a,b"', 'a'), ('"a,b"', 'b'), ('x, "a ""b""" ,y', 'a "b"'), ('x, "a" ,y', 'y'), ('""', ''), (',,', ''), ('', ''), ('a b', 'a b'), ('" a"', ' a'), ('a,', 'a'),
  ('user/1', 'user/1'), ('user/1', 'user/12'), ('user/12', 'user/1'), ('a"b', 'a"b'), (repeat('x', 600), repeat('x', 600))) v(list, ns);
SET agentmem.namespace = '"a';
SET agentmem.namespace = '"a"b';
RESET agentmem.namespace;

-- Away again; where someone has a policy of his own it stays.
SET ROLE agm_operator;
CREATE POLICY mine ON rls.memory USING (namespace = 'agm_b');
SELECT agentmem.disable_row_security(s) FROM unnest('{rls,rlsp}'::name[]) s;
SELECT agentmem.disable_row_security('rls');
SELECT relname FROM pg_class WHERE relnamespace IN ('rls'::regnamespace, 'rlsp'::regnamespace) AND (relrowsecurity OR relforcerowsecurity);
SET ROLE agm_a;
SELECT agentmem.count('rls', 'agm_a'), agentmem.count('rls', 'agm_b'), agentmem.count('rlsp', 'agm_b');
SET ROLE agm_operator;
DROP POLICY mine ON rls.memory;
-- A table that came later is covered when it is run again.
SELECT agentmem.enable_row_security('rls');
CREATE TABLE rls.later (namespace text, x int);
SELECT relrowsecurity FROM pg_class WHERE oid = 'rls.later'::regclass;
SELECT agentmem.enable_row_security('rls');
SELECT relrowsecurity FROM pg_class WHERE oid = 'rls.later'::regclass;
DROP TABLE rls.later;

-- Under a policy the planner uses the index of words; k rows are k rows.
SET agentmem.namespace = 'agm_b';
SELECT count(*) FROM agentmem.remember_many('rls', 'agm_b', (SELECT jsonb_agg(jsonb_build_object('content', 'number ' || i || ' of the tea', 'embedding', jsonb_build_array(i, 1))) FROM generate_series(1, 600) i));
RESET agentmem.namespace;
RESET ROLE;
-- (Of what is on disk VACUUM tells that everybody sees the rows of a page, and who counts them need not read it.)
SET synchronous_commit = on;
CHECKPOINT;
VACUUM ANALYZE rls.memory;
SET ROLE agm_operator;
SET agentmem.namespace = 'agm_b';
SELECT count(*) FROM agentmem.recall('rls', 'agm_b', 'tea', '[3,1]', k => 37);
SET enable_seqscan = off;
SET jit = off;
EXPLAIN (COSTS OFF) SELECT id FROM rls.memory m WHERE namespace = 'agm_b'
AND agentmem.memory_keys(namespace, lexemes, tokens) OPERATOR(agentmem.&&~) agentmem.lexeme_keys('agm_b', '''42''');
RESET enable_seqscan;

-- What others have costs a search nothing: pages that a recall of this namespace looks at.
RESET ROLE;
CREATE FUNCTION rls_lib.pages(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan json; n bigint; least bigint;
BEGIN
  FOR i IN 1 .. 9 LOOP
    EXECUTE format('EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM agentmem.recall(''rls'', ''agm_b'', %L, ''[3,1]'')', query) INTO plan;
    n := (plan #>> '{0,Plan,Shared Hit Blocks}')::bigint + (plan #>> '{0,Plan,Shared Read Blocks}')::bigint;
    least := least(least, n);
  END LOOP;
  RETURN least;
END $$;
SET ROLE agm_operator;
-- (By the same plans: alone in its table a namespace may be read by a scan of the table.)
SET enable_seqscan = off;
SET enable_sort = off;
SELECT rls_lib.pages('42') AS alone \gset
SET agentmem.namespace = 'agm_a';
SELECT count(*) FROM agentmem.remember_many('rls', 'agm_a', (SELECT jsonb_agg(jsonb_build_object('content', 'number ' || i || ' of the tea', 'embedding', jsonb_build_array(i, 1))) FROM generate_series(1, 3000) i));
RESET ROLE;
CHECKPOINT;
VACUUM ANALYZE rls.memory;
SET ROLE agm_operator;
SET agentmem.namespace = 'agm_b';
SELECT CASE WHEN abs(rls_lib.pages('42') - :alone) <= 2 THEN 'the same' ELSE format('%s pages, alone %s', rls_lib.pages('42'), :alone) END AS pages;

-- Errors.
SELECT agentmem.enable_row_security('rls', 'magic');
SELECT agentmem.enable_row_security('rls', NULL);
SELECT agentmem.enable_row_security('none');
SELECT agentmem.enable_row_security(NULL);
SELECT agentmem.disable_row_security('rls_lib');
SET ROLE agm_b;
SELECT agentmem.enable_row_security('rls');
SELECT agentmem.disable_row_security('rls');
SET ROLE agm_operator;
SELECT agentmem.drop_store(s, cascade => true) FROM unnest('{rls,rlsp}'::name[]) s;
RESET ROLE;
DROP SCHEMA rls_lib CASCADE;
REVOKE CREATE ON DATABASE :"db" FROM agm_operator;
DROP ROLE agm_both, agm_a, agm_b, agm_operator;

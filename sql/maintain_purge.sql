-- Quotas, and purging what is not to be kept (src/consolidate/README.md, "Quotas and purging").
\set VERBOSITY terse
SET timezone = 'UTC';
SET client_min_messages = warning;
SELECT agentmem.create_store('lim', dimensions => 2);
SET search_path = lim, agentmem, public;
CREATE FUNCTION public.upkeep(ns text, days int DEFAULT 0, dry_run boolean DEFAULT false) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details FROM agentmem.maintain('lim', ns, dry_run => dry_run, at => now() + days * interval '1 day') WHERE step IN ('quota', 'purge') $$;
CREATE FUNCTION public.rows(ns text) RETURNS TABLE (memories bigint, versions bigint, edges bigint, old_edges bigint, counters bigint, secrets bigint, operations bigint) LANGUAGE sql AS $$
  SELECT (SELECT count(*) FROM lim.memory WHERE namespace = ns), (SELECT count(*) FROM lim.memory_history WHERE namespace = ns), (SELECT count(*) FROM lim.edge WHERE namespace = ns), (SELECT count(*) FROM lim.edge_history WHERE namespace = ns),
         (SELECT count(*) FROM lim.activity WHERE namespace = ns), (SELECT count(*) FROM lim.secret WHERE namespace = ns), (SELECT count(*) FROM lim.audit WHERE namespace = ns) $$;

-- Over the quota the least retained go, never what is pinned; restore() brings them back.
SELECT count(*) FROM remember_many('lim', 'q', '[
  {"content": "a fact", "kind": "fact"}, {"content": "seen", "kind": "observation"}, {"content": "seen too", "kind": "observation", "importance": 1},
  {"content": "a turn", "kind": "episode"}, {"content": "pinned", "kind": "context", "pinned": true}, {"content": "now", "kind": "context"}]');
SELECT set_namespace('lim', 'q', quota => 4);
SELECT * FROM upkeep('q', 2, true);
SELECT * FROM upkeep('q', 2);
SELECT content FROM memory WHERE namespace = 'q' ORDER BY id;
SELECT * FROM upkeep('q', 2);
SELECT details FROM audit WHERE action = 'forget';
SELECT restore('lim', 'q', id) FROM memory_history WHERE content = 'now';
SELECT set_namespace('lim', 'q', quota => 0);
SELECT changed FROM upkeep('q', 2);
SELECT content FROM memory WHERE namespace = 'q';

-- What was merged by the same call is not forgotten by it, since restore() could undo neither.
SELECT count(*) FROM remember_many('lim', 'm', '[{"content": "Ann sings", "kind": "fact", "embedding": [1,0]}, {"content": "Ann sings!", "kind": "fact", "embedding": [1,0]}, {"content": "pinned", "kind": "context", "pinned": true}]');
SELECT set_namespace('lim', 'm', quota => 1);
SELECT step, changed FROM maintain('lim', 'm') WHERE step IN ('duplicates', 'quota');
SELECT count(*) FROM memory WHERE namespace = 'm';
SELECT step, changed FROM maintain('lim', 'm') WHERE step IN ('duplicates', 'quota');
SELECT restore('lim', 'm', min(id)) FROM memory_history WHERE namespace = 'm';
SELECT content FROM memory WHERE namespace = 'm' ORDER BY id;

-- A quota that pinned memories keep from being reached is not gone for again and again; one that a call cannot reach is.
SELECT count(*) FROM remember_many('lim', 'p', (SELECT jsonb_agg(jsonb_build_object('content', 'pin ' || i, 'kind', 'fact', 'pinned', i > 1)) FROM generate_series(1, 6) i));
SELECT set_namespace('lim', 'p', quota => 1);
SELECT cardinality(ids), state FROM plan_quota('lim', 'p', now(), '{}', now() + interval '1 hour', 3);
SELECT cardinality(ids), state FROM plan_quota('lim', 'p', now(), '{}', now() + interval '1 hour', 1);

-- History: nothing without a policy.
SELECT id AS a FROM remember('lim', 'n', 'Bob is here', 'fact') \gset
SELECT id AS b FROM remember('lim', 'n', 'Bob is there', 'fact') \gset
SELECT id AS s FROM remember('lim', 'n', 'The door', 'secret', attributes => '{"value": "1"}') \gset
SELECT id AS c FROM remember('lim', 'n', 'Bob left', 'fact') \gset
SELECT revise('lim', 'n', :a, content => 'Bob was here');
SELECT remember('lim', 'n', 'The door', 'secret', attributes => '{"value": "2"}') IS NOT NULL AS set;
SELECT link('lim', 'n', :a, :b), link('lim', 'n', :a, :c);
SELECT link('lim', 'n', :a, :b, weight => 0.5);
SELECT feedback('lim', 'n', :c, true), feedback('lim', 'n', :b, true);
SELECT forget('lim', 'n', :c);
SELECT * FROM rows('n');
SELECT * FROM upkeep('n', 100);
SELECT set_namespace('lim', 'n', history_keep => '30 days');
SELECT * FROM upkeep('n', 20);
-- A hold stops it.
SELECT hold('lim', 'n', 'court');
SELECT * FROM upkeep('n', 100);
SELECT release('lim', 'n');
SELECT * FROM upkeep('n', 100, true);
SELECT * FROM rows('n');
SELECT * FROM upkeep('n', 100);
SELECT * FROM rows('n');
SELECT * FROM upkeep('n', 100);
-- What was purged cannot be undone, which is said, and harms nothing.
SELECT restore('lim', 'n', :a);
SELECT restore('lim', 'n', :c);
SELECT restore('lim', 'n', :a, known_at => now() - interval '1 second');
SELECT id, content FROM list('lim', 'n') ORDER BY 1;
SELECT reveal('lim', 'n', :s);
SELECT purged > now() AS later FROM namespace WHERE namespace = 'n';
SELECT purged FROM namespace WHERE namespace = 'q';
-- The audit and what was settled; that something was erased stays.
SELECT count(*) FROM erase('lim', 'n', ids => ARRAY[:b::bigint]);
INSERT INTO setting VALUES ('audit_keep', '60 days');
SELECT * FROM upkeep('n', 150);
SELECT action FROM audit WHERE namespace = 'n' ORDER BY id;
-- The store's policy; a namespace's own goes before.
INSERT INTO setting VALUES ('history_keep', '1 year');
SELECT step, changed > 0 AS changed FROM upkeep('q', 100);
SELECT count(*) > 0 AS kept FROM memory_history WHERE namespace = 'q';
SELECT step, details ? 'memory_history' AS history FROM upkeep('q', 400);
SELECT * FROM rows('q');

-- Names of concepts and jobs go with a memory that is gone for good; what others mention stays, as they do not write it.
INSERT INTO setting VALUES ('concepts', '8');
SELECT id AS g FROM remember('lim', 'c', 'Zorro met Doctor Watson', 'fact') \gset
SELECT count(*) FROM remember('lim', 'c', 'doctor watson sleeps', 'fact');
SELECT enqueue_job('lim', 'c', 'extract', ARRAY[:g::bigint]) > 0 AS queued;
SELECT DISTINCT normalized, memory = :g AS of_it FROM concept WHERE namespace = 'c' ORDER BY 1, 2;
SELECT forget('lim', 'c', :g);
SELECT step, changed FROM maintain('lim', 'c', at => now() + interval '500 days') WHERE step IN ('purge', 'jobs');
SELECT DISTINCT normalized, memory = :g AS of_it FROM concept WHERE namespace = 'c' ORDER BY 1, 2;
SELECT step, changed FROM maintain('lim', 'c', at => now() + interval '500 days') WHERE step IN ('purge', 'jobs');
SELECT count(*) FROM job;
SELECT step, changed FROM maintain('lim', 'c', at => now() + interval '500 days') WHERE step IN ('purge', 'jobs');

-- With what is purged go the rows by which it was locked: of statements, keys and timelines, but not those of what is held.
SELECT count(*) FROM remember_many('lim', 'l', (SELECT jsonb_agg(jsonb_build_object('content', 'fact ' || i, 'kind', 'fact', 'key', 'k' || i, 'expires_at', now() + interval '1 hour')) FROM generate_series(1, 300) i));
SELECT count(*) FROM remember_many('lim', 'l', (SELECT jsonb_agg(jsonb_build_object('content', 'preference ' || i, 'kind', 'preference', 'subject', 's' || i % 10, 'predicate', 'likes', 'object', 'o' || i, 'valid_from', '2025-01-01'::date + i)) FROM generate_series(1, 30) i));
SELECT id AS l FROM remember('lim', 'l', 'Eve was here', 'fact', key => 'eve') \gset
SELECT revise('lim', 'l', :l, content => 'Eve is there');
SELECT id AS o FROM remember('lim', 'l', 'Eve was here', 'observation') \gset
SELECT count(*) FROM key_lock WHERE namespace = 'l';
SELECT count(*) FROM key_lock k JOIN (SELECT statement_lock(content_hash) AS hash, namespace FROM memory UNION SELECT statement_lock(key_hash), namespace FROM memory UNION SELECT agentmem.key_lock(key), namespace FROM memory) m USING (namespace, hash) WHERE k.namespace = 'l';
SELECT count(forget('lim', 'l', id)) FROM memory WHERE namespace = 'l' AND kind = 'preference' AND subject <> 's1';
SELECT step, changed FROM maintain('lim', 'l', at => now() + interval '1 day') WHERE step IN ('expire', 'purge');
SELECT count(*) FROM key_lock WHERE namespace = 'l';
SELECT * FROM upkeep('l', 500, true);
SELECT * FROM upkeep('l', 500);
SELECT (SELECT count(*) FROM memory_history WHERE namespace = 'l') AS versions, content, kind FROM memory WHERE namespace = 'l' ORDER BY id;
SELECT k.hash IN (SELECT statement_lock(content_hash) FROM memory) AS statement, k.hash IN (SELECT statement_lock(key_hash) FROM memory WHERE key_hash IS NOT NULL) AS timeline,
  k.hash IN (SELECT agentmem.key_lock(key) FROM memory WHERE key IS NOT NULL) AS key, count(*) FROM key_lock k WHERE k.namespace = 'l' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT ctid AS was, xmin AS by FROM key_lock WHERE namespace = 'l' ORDER BY hash LIMIT 1 \gset
SELECT * FROM upkeep('l', 500);
SELECT count(*) FROM key_lock WHERE namespace = 'l' AND ctid = :'was' AND xmin = :'by';
SELECT statement_lock(NULL), agentmem.key_lock(NULL), purge_locks('lim', 'l', '{}', NULL, '{}');

-- Bad input, and who may not.
SELECT set_namespace('lim', 'nobody', 1);
SELECT set_namespace('lim', 'n', -1);
SELECT set_namespace('lim', 'n', history_keep => '-1 day');
SELECT set_namespace('lim', 'n', history_keep => '6000 years');
SELECT set_namespace(NULL, 'n');
SELECT set_namespace('lim', NULL);
CREATE ROLE keeper;
GRANT USAGE ON SCHEMA lim TO keeper;
GRANT ALL ON ALL TABLES IN SCHEMA lim TO keeper;
GRANT ALL ON ALL SEQUENCES IN SCHEMA lim TO keeper;
REVOKE DELETE ON lim.memory_history FROM keeper;
SET ROLE keeper;
SELECT set_namespace('lim', 'n', 1);
SELECT * FROM public.upkeep('n', 1000);
RESET ROLE;
GRANT DELETE ON lim.memory_history TO keeper;
REVOKE DELETE ON lim.concept FROM keeper;
SET ROLE keeper;
SELECT * FROM public.upkeep('n', 1010);
RESET ROLE;
GRANT DELETE ON lim.concept TO keeper;
REVOKE DELETE ON lim.key_lock FROM keeper;
SET ROLE keeper;
SELECT * FROM public.upkeep('n', 1020);
RESET ROLE;
SET search_path = public;
DROP FUNCTION upkeep(text, int, boolean), rows(text);
SELECT agentmem.drop_store('lim', cascade => true);
DROP ROLE keeper;

-- Maintenance: expiry, strength and life cycle (src/consolidate/README.md).
\set VERBOSITY terse
SET timezone = 'UTC';
SELECT agentmem.create_store('upkeep', dimensions => 4);
SET search_path = upkeep, agentmem, public;

-- Formulas.
SELECT strength('30 days'), strength('30 days', 10), strength('30 days', importance => 1), strength('30 days', confirmations => 5), strength('30 days', confidence => 0), strength(NULL);
SELECT retention('30 days', '0'), retention('30 days', '30 days'), retention('30 days', '90 days'), retention('30 days', '-5 days'), retention(NULL, '1000 years'), retention('1 second', '10000 years');
SELECT state, string_agg(coalesce(next_state(state, r), '-'), ' ' ORDER BY r DESC) AS next
FROM unnest('{active,warm,cold,archived,forgotten}'::text[]) state, unnest('{1,.83,.77,.75,.53,.49,.47,.22,.19,.05,.04,0}'::real[]) r GROUP BY state ORDER BY min(r), 1;
SELECT next_state('active', NULL) AS unknown, next_state('asleep', 0.5), state_bits('active'), state_bits('warm'), state_bits('cold'), state_bits('archived');

-- Nothing is due where there is nothing.
SELECT * FROM maintain('upkeep');
SELECT * FROM maintain('upkeep', 'nobody');

-- An observation has a half-life of 30 days, a fact none; what was used or confirmed lasts longer.
SELECT count(*) FROM remember_many('upkeep', 'n', '[
  {"content": "seen once", "kind": "observation", "embedding": [1,2,3,4], "confidence": 1},
  {"content": "seen often", "kind": "observation", "embedding": [2,1,3,4], "confidence": 1},
  {"content": "pinned", "kind": "observation", "embedding": [3,1,2,4], "pinned": true},
  {"content": "a fact", "kind": "fact", "embedding": [4,1,2,3]},
  {"content": "gone soon", "kind": "observation"},
  {"content": "true for long", "kind": "fact", "expires_at": "2100-01-01"},
  {"content": "a promise", "kind": "commitment", "attributes": {"due_at": "2030-01-01"}},
  {"content": "a goal", "kind": "goal"},
  {"content": "a goal reached", "kind": "goal", "attributes": {"closed_at": "2030-01-01"}}]');
UPDATE activity SET accesses = 0;
INSERT INTO activity (namespace, id, accesses, last_access) VALUES ('n', 2, 20, now());
CREATE FUNCTION public.states() RETURNS TABLE (id bigint, content text, state text, bits int) LANGUAGE sql AS
  $$ SELECT m.id, m.content, coalesce(a.state, 'active'), agentmem.precision(m.embedding) FROM upkeep.memory m LEFT JOIN upkeep.activity a USING (namespace, id) ORDER BY 1 $$;
CREATE FUNCTION public.sweep(days int, dry_run boolean DEFAULT false) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details - 'memories' - 'tokens' FROM agentmem.maintain('upkeep', 'n', dry_run => dry_run, at => now() + days * interval '1 day') $$;
-- What a memory of the first day would be on another.
SELECT * FROM sweep(40, true);
SELECT * FROM sweep(40);
SELECT * FROM states();
-- Not a step more on the same day, and no row changes.
CREATE TABLE public.before AS SELECT 'memory' AS t, ctid::text AS place, xmin::text AS made FROM memory UNION ALL SELECT 'activity', ctid::text, xmin::text FROM activity UNION ALL SELECT 'history', ctid::text, xmin::text FROM memory_history
  UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit;
SELECT * FROM sweep(40);
SELECT count(*) AS changed FROM (TABLE public.before EXCEPT (SELECT 'memory', ctid::text, xmin::text FROM memory UNION ALL SELECT 'activity', ctid::text, xmin::text FROM activity
  UNION ALL SELECT 'history', ctid::text, xmin::text FROM memory_history UNION ALL SELECT 'audit', ctid::text, xmin::text FROM audit)) c;
DROP TABLE public.before;
-- Day by day.
SELECT * FROM sweep(60);
SELECT * FROM sweep(80);
SELECT * FROM states();
-- Used: it climbs again; the bits are gone.
UPDATE activity SET last_access = now() + interval '80 days' WHERE id = 1;
SELECT * FROM sweep(81);
SELECT * FROM states() WHERE id IN (1, 2);
-- Forgotten, and brought back by itself.
SELECT count(*) FROM generate_series(200, 400, 50) d, sweep(d);
SELECT * FROM sweep(2000);
SELECT * FROM states();
SELECT action, ids, details FROM audit WHERE action = 'forget' ORDER BY id;
SELECT restore('upkeep', 'n', 1);
SELECT * FROM states() WHERE id < 3;
-- Expired, in time.
SELECT * FROM sweep(40000);
SELECT * FROM states();
SELECT action, ids, details FROM audit WHERE details ->> 'reason' = 'expired';

-- The most overdue first; statistics are kept.
UPDATE namespace SET maintained = now() WHERE namespace = 'n';
SELECT count(*) FROM remember('upkeep', 'a', 'one') a, remember('upkeep', 'b', 'two words') b;
SELECT step, namespace, changed, details FROM maintain('upkeep');
SELECT namespace FROM maintain('upkeep') WHERE step = 'statistics';
SELECT namespace FROM maintain('upkeep');
SELECT namespace, memories, tokens, maintained = now() AS today, (steps #>> '{sweep,begun}')::timestamptz = now() AS swept, steps #> '{sweep,after}' AS after FROM namespace WHERE namespace <> 'n' ORDER BY 1;
-- The clock was years ahead, and is set back: no namespace and no step waits for that time, and what is done since is not taken for purged. Less than a day is waited for.
INSERT INTO memory (namespace, kind, content, valid_period) SELECT 'b', 'fact', 'said twice', '[2020-01-01,)' FROM generate_series(1, 2);
SELECT id FROM remember('upkeep', 'b', 'over by now', 'fact', expires_at => now() - interval '1 hour') \gset
UPDATE namespace SET maintained = now() + interval '23 hours';
SELECT due FROM maintenance_status WHERE store = 'upkeep';
SELECT namespace FROM maintain('upkeep');
UPDATE namespace SET maintained = now() + interval '10 years', purged = now() + interval '9 years',
  steps = steps || jsonb_build_object('sweep', jsonb_build_object('begun', now() + interval '10 years'), 'duplicates', jsonb_build_object('since', now() + interval '10 years', 'since_xid', steps #> '{duplicates,since_xid}'))
WHERE namespace = 'b';
SELECT due FROM maintenance_status WHERE store = 'upkeep';
SELECT step, namespace, changed FROM maintain('upkeep');
SELECT namespace FROM maintain('upkeep');
SELECT maintained <= now() AS maintained, purged <= now() AS purged, (steps #>> '{sweep,begun}')::timestamptz <= now() AS swept FROM namespace WHERE namespace = 'b';
SELECT restore('upkeep', 'b', :id);
UPDATE namespace SET purged = NULL;
-- No time at all: it goes on where it was.
SELECT count(*) FROM remember_many('upkeep', 'long', (SELECT jsonb_agg(jsonb_build_object('content', 'o' || i, 'kind', 'observation')) FROM generate_series(1, 4500) i));
SELECT step, changed, details - 'memories' - 'tokens' AS details FROM maintain('upkeep', 'long', budget => '0');
UPDATE namespace SET steps = jsonb_set(steps, '{sweep,after}', to_jsonb((SELECT min(id) + 3999 FROM memory WHERE namespace = 'long'))), maintained = '2000-01-01' WHERE namespace = 'long';
SELECT step, changed, details - 'memories' - 'tokens' AS details FROM maintain('upkeep', at => now() + interval '300 days');
SELECT state, count(*) FROM activity WHERE namespace = 'long' GROUP BY 1;

-- All that is due, a transaction each; one that fails does not stop the others.
UPDATE namespace SET maintained = NULL, memories = NULL;
CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
CREATE TRIGGER fail BEFORE UPDATE ON namespace FOR EACH ROW WHEN (new.namespace = 'a' AND new.memories = 1) EXECUTE FUNCTION public.fail();
CALL maintain_all('upkeep');
SELECT namespace, memories, maintained IS NOT NULL AS done FROM namespace ORDER BY 1;
DROP TRIGGER fail ON namespace;
-- What may pass by itself is tried once more before it is told.
CREATE SEQUENCE public.failures;
CREATE FUNCTION public.deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('public.failures') <= TG_ARGV[0]::int THEN RAISE 'met another' USING ERRCODE = TG_ARGV[1]; END IF; RETURN new; END $$;
CREATE TRIGGER deadlock BEFORE UPDATE ON namespace FOR EACH ROW WHEN (new.namespace = 'a' AND new.memories = 1) EXECUTE FUNCTION public.deadlock('1', '40P01');
UPDATE namespace SET maintained = NULL WHERE namespace = 'a';
CALL maintain_all('upkeep');
SELECT memories FROM namespace WHERE namespace = 'a';
DROP TRIGGER deadlock ON namespace;
CREATE TRIGGER deadlock BEFORE UPDATE ON namespace FOR EACH ROW WHEN (new.namespace = 'a' AND new.memories = 1) EXECUTE FUNCTION public.deadlock('4', '55P03');
UPDATE namespace SET maintained = NULL, memories = NULL WHERE namespace = 'a';
CALL maintain_all('upkeep');
SELECT memories, (SELECT last_value FROM public.failures) AS tries FROM namespace WHERE namespace = 'a';
DROP TRIGGER deadlock ON namespace;
DROP FUNCTION public.deadlock();
DROP SEQUENCE public.failures;
UPDATE namespace SET maintained = NULL WHERE namespace = 'a';
CALL maintain_all('upkeep');
SELECT namespace, memories, maintained IS NOT NULL AS done FROM namespace ORDER BY 1;

-- What is kept of steps and is none is taken for nothing.
CREATE FUNCTION public.with_steps(kept jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  UPDATE upkeep.namespace SET steps = kept WHERE namespace = 'a';
  PERFORM agentmem.maintain('upkeep', 'a');
  RETURN (SELECT jsonb_typeof(steps) || ' ' || (steps ? 'sweep') FROM upkeep.namespace WHERE namespace = 'a');
END $$;
SELECT kept, public.with_steps(kept) FROM unnest(ARRAY['5', '[]', '"sweep"', 'null', NULL]::jsonb[]) kept;
DROP FUNCTION public.with_steps(jsonb);

-- Where nothing can be written.
BEGIN READ ONLY;
SELECT * FROM maintain('upkeep');
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM maintain('upkeep', dry_run => true);
ROLLBACK;
BEGIN READ ONLY;
SELECT * FROM maintain('upkeep', 'a');
ROLLBACK;
SET default_transaction_read_only = on;
CALL maintain_all('upkeep');
RESET default_transaction_read_only;

-- Bad input.
SELECT * FROM maintain(NULL);
SELECT * FROM maintain('nowhere');
SELECT * FROM maintain('upkeep', budget => NULL);
SELECT * FROM maintain('upkeep', dry_run => NULL);
SELECT * FROM maintain('upkeep', at => 'infinity');
SELECT lock_memories('upkeep', 'n', NULL);
SELECT lock_memories('upkeep', 'n', '{NULL}');
SELECT lock_memories('upkeep', 'n', '{4,4,99,7}');
INSERT INTO setting VALUES ('sweep_interval', 'daily');
UPDATE namespace SET steps = jsonb_set(steps, '{sweep,begun}', to_jsonb(now())) WHERE namespace = 'n';
SELECT * FROM maintain('upkeep', 'n');
UPDATE setting SET value = '6000 years' WHERE name = 'sweep_interval';
SELECT * FROM maintain('upkeep', 'n');
UPDATE setting SET value = '-1' WHERE name = 'sweep_interval';
SELECT * FROM maintain('upkeep', 'n');
DELETE FROM setting WHERE name = 'sweep_interval';
CALL maintain_all(NULL);
SET search_path = public;
CREATE ROLE idler;
SET ROLE idler;
SELECT * FROM agentmem.maintain('upkeep');
RESET ROLE;
DROP ROLE idler;

DROP FUNCTION states(), sweep(int, boolean), fail();
SELECT agentmem.drop_store('upkeep', cascade => true);

-- Who maintains needs what docs/operations.md says ("Privileges"), with every step on, and not a privilege more.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SELECT agentmem.create_store('upkeep', dimensions => 3);
INSERT INTO upkeep.setting VALUES ('similar', '3'), ('concepts', '3'), ('summaries', '2'), ('promotion', '2'), ('communities', '3'), ('importance', 'rank'), ('history_keep', '1 s');
CREATE ROLE agm_upkeeper;
GRANT USAGE ON SCHEMA upkeep TO agm_upkeeper;
-- As recall, remember and forget.
GRANT SELECT ON upkeep.memory, upkeep.activity, upkeep.namespace, upkeep.kind, upkeep.setting, upkeep.edge, upkeep.edge_type, upkeep.concept TO agm_upkeeper;
GRANT SELECT ON upkeep.kind_attribute, upkeep.predicate TO agm_upkeeper;
GRANT SELECT, INSERT, UPDATE ON upkeep.memory, upkeep.activity, upkeep.namespace, upkeep.key_lock, upkeep.edge, upkeep.conflict TO agm_upkeeper;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA upkeep TO agm_upkeeper;
GRANT SELECT, INSERT ON upkeep.concept TO agm_upkeeper;
GRANT SELECT ON upkeep.audit, upkeep.memory_history TO agm_upkeeper;
GRANT DELETE ON upkeep.memory, upkeep.edge TO agm_upkeeper;
-- And for itself.
GRANT SELECT, DELETE ON upkeep.access TO agm_upkeeper;
CREATE FUNCTION pg_temp.maintain(days int) RETURNS TABLE (step text, changed boolean, told text) LANGUAGE sql AS
  $$ SELECT step, changed > 0, details ->> 'skipped' FROM agentmem.maintain('upkeep', 'n', at => now() + days * interval '1 day') WHERE step <> 'index' $$;
SELECT count(*) FROM generate_series(1, 30) i, agentmem.remember('upkeep', 'n', 'The old harbour boat number ' || i % 5 || ' sailed to Crete with fishing nets and painted masts', 'episode', session => 's' || i % 5,
  embedding => ARRAY[i % 5, 1, i % 3]::real[]::agentmem.vector, valid_from => now() - interval '2 days' + i * interval '1 minute');
INSERT INTO upkeep.memory (namespace, content, kind, embedding, valid_period) SELECT 'n', 'The shop opens at nine', 'fact', '[1,2,9]', '[2024-01-01,)' FROM generate_series(1, 3);
SELECT count(*) FROM agentmem.remember('upkeep', 'n', 'over by now', 'fact', expires_at => now() - interval '1 hour');
INSERT INTO upkeep.access (namespace, id, at, accesses) VALUES ('n', 1, now(), 1);
SELECT agentmem.cache_put('upkeep', 'n', 'talk', 'Who?', NULL, 'Me') > 0 AS kept;
SELECT agentmem.set_namespace('upkeep', 'n', quota => 30);
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(1);
-- That the graph has changed since.
SELECT * FROM pg_temp.maintain(3);
RESET ROLE;
GRANT SELECT ON upkeep.edge_history TO agm_upkeeper;
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(3);
-- Jobs for a model.
RESET ROLE;
INSERT INTO upkeep.setting VALUES ('reflect_jobs', 'on');
SELECT count(*) FROM generate_series(1, 6) i, agentmem.remember('upkeep', 'n', 'Yesterday the printer upstairs jammed again since somebody loaded glossy yellow paper', 'episode', session => 't' || i,
  embedding => '[9,1,9]', valid_from => now() - interval '1 day' + i * interval '1 minute');
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(5);
RESET ROLE;
GRANT SELECT ON upkeep.job TO agm_upkeeper;
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(5);
RESET ROLE;
SELECT kind, count(*) FROM upkeep.job GROUP BY kind;
-- And purging.
GRANT DELETE ON upkeep.memory_history, upkeep.edge_history, upkeep.secret, upkeep.audit, upkeep.conflict, upkeep.activity, upkeep.concept TO agm_upkeeper;
GRANT SELECT (namespace, id, system_period, tableoid, ctid) ON upkeep.secret TO agm_upkeeper;
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(7) WHERE step = 'purge';
RESET ROLE;
GRANT DELETE ON upkeep.key_lock TO agm_upkeeper;
SELECT count(*) AS locks FROM upkeep.key_lock \gset
SET ROLE agm_upkeeper;
SELECT * FROM pg_temp.maintain(9) WHERE step = 'purge';
RESET ROLE;
SELECT count(*) < :locks AS gone FROM upkeep.key_lock;
DROP OWNED BY agm_upkeeper;
DROP ROLE agm_upkeeper;
SELECT agentmem.drop_store('upkeep', cascade => true);

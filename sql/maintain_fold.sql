-- What recall returned becomes part of activity (src/consolidate/README.md, "Accesses").
SET client_min_messages = warning;
\set VERBOSITY terse
SET timezone = 'UTC';
SET search_path = public, agentmem;
SELECT create_store('fold');
SELECT count(*) FROM remember_many('fold', 'n', '[{"content": "one", "kind": "observation", "confidence": 1}, {"content": "two", "kind": "observation", "confidence": 1}, {"content": "three", "kind": "observation", "confidence": 1}]');
SELECT count(*) FROM remember('fold', 'other', 'four', 'fact');
CREATE VIEW used AS SELECT namespace, id, state, accesses, last_access, confirmations FROM fold.activity ORDER BY 1, 2;
CREATE FUNCTION upkeep(at timestamptz DEFAULT '2030-01-01', dry_run boolean DEFAULT false) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details - 'memories' - 'tokens' FROM agentmem.maintain('fold', 'n', dry_run => dry_run, at => at) WHERE step <> 'statistics' $$;

-- Of several sessions, in any order; one that is gone, one that never was, another namespace.
DELETE FROM fold.activity;
INSERT INTO fold.activity (namespace, id, accesses, last_access, confirmations) VALUES ('n', 1, 5, '2029-12-24', 2);
INSERT INTO fold.access VALUES ('n', 1, '2029-12-20', 3), ('n', 2, '2029-12-22', 1), ('n', 2, '2029-12-21', 7), ('n', 9, '2029-12-31', 1), ('other', 4, '2029-12-31', 1);
SELECT * FROM upkeep(dry_run => true) WHERE step = 'fold';
SELECT count(*) FROM fold.access;
SELECT * FROM upkeep() WHERE step = 'fold';
SELECT * FROM used;
SELECT * FROM fold.access;
-- Once; where there is nothing, there is no row.
SELECT * FROM upkeep() WHERE step = 'fold';
SELECT * FROM used;
-- By recall itself.
SELECT id FROM recall('fold', 'n', 'three');
SELECT action FROM remember('fold', 'other', 'five', 'fact');
SELECT * FROM upkeep() WHERE step = 'fold';
SELECT id, accesses, last_access > now() - interval '1 hour' AS now FROM used WHERE id = 3;

-- Used, so not swept, though its row of activity is old; used no more, it goes. (A half-life of 30 days.)
UPDATE fold.activity SET last_access = '2029-12-24', accesses = 1;
INSERT INTO fold.access VALUES ('n', 2, '2030-06-01', 1);
SELECT * FROM upkeep('2030-06-02');
SELECT * FROM used;
-- It comes back by a sweep a step.
INSERT INTO fold.access VALUES ('n', 1, '2030-06-03', 1);
SELECT * FROM upkeep('2030-06-04');
SELECT state FROM used WHERE id = 1;
SELECT * FROM upkeep('2030-06-06');
SELECT state FROM used WHERE id = 1;
-- Forgotten meanwhile; erased meanwhile.
INSERT INTO fold.access VALUES ('n', 1, '2030-06-03', 1), ('n', 2, '2030-06-03', 1);
SELECT forget('fold', 'n', 1);
SELECT erase('fold', 'n', ids => '{2}') -> 'erased' -> 'access' AS rows;
INSERT INTO fold.access VALUES ('n', 2, '2030-06-03', 1);
SELECT * FROM upkeep('2030-06-06') WHERE step = 'fold';
SELECT id, accesses FROM used;
SELECT count(*) FROM fold.access WHERE namespace = 'n';

-- No more than 5,000 memories a call, those with the most rows first; then it is due again.
SELECT count(*) FROM remember_many('fold', 'many', (SELECT jsonb_agg(jsonb_build_object('content', 'm' || i, 'kind', 'episode')) FROM generate_series(1, 5100) i));
INSERT INTO fold.access SELECT 'many', m.id, now(), 1 FROM fold.memory m WHERE namespace = 'many';
INSERT INTO fold.access SELECT 'many', max(m.id), now(), 2 FROM fold.memory m WHERE namespace = 'many';
SELECT step, changed, details FROM maintain('fold', 'many') WHERE step = 'fold';
SELECT steps ? 'fold' AND steps -> 'fold' ? 'after' AS more, maintained < now() - interval '30 min' AS due FROM fold.namespace WHERE namespace = 'many';
SELECT accesses FROM fold.activity a WHERE namespace = 'many' AND id = (SELECT max(id) FROM fold.memory m WHERE m.namespace = 'many');
SELECT step, changed, details FROM maintain('fold', 'many') WHERE step = 'fold';
SELECT steps -> 'fold' ? 'after' AS more, maintained < now() - interval '30 min' AS due FROM fold.namespace WHERE namespace = 'many';
SELECT count(*), sum(accesses) FROM fold.activity WHERE namespace = 'many';

-- In partitions; by who may not.
SELECT create_store('foldp', partitions => 2);
SELECT count(*) FROM remember('foldp', 'n', 'one', 'fact');
INSERT INTO foldp.access VALUES ('n', 1, '2029-12-20', 3), ('m', 1, '2029-12-20', 3);
SELECT step, changed, details FROM maintain('foldp', 'n') WHERE step = 'fold';
SELECT namespace, id, accesses, last_access FROM foldp.activity;
SELECT namespace FROM foldp.access;
CREATE ROLE agm_folder;
GRANT USAGE ON SCHEMA foldp TO agm_folder;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA foldp TO agm_folder;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA foldp TO agm_folder;
REVOKE DELETE ON foldp.access FROM agm_folder;
INSERT INTO foldp.access VALUES ('n', 1, '2029-12-20', 3);
SET ROLE agm_folder;
SELECT step FROM maintain('foldp', 'n');
RESET ROLE;
DROP OWNED BY agm_folder;
DROP ROLE agm_folder;
SELECT drop_store('foldp', cascade => true);
DROP VIEW used;
DROP FUNCTION upkeep(timestamptz, boolean);
SELECT drop_store('fold', cascade => true);

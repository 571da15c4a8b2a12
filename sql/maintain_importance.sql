-- Importance that memories have by their edges (src/consolidate/README.md, "Importance").
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT agentmem.create_store('rank', dimensions => 3);
SET search_path = rank, agentmem, public;
CREATE FUNCTION public.upkeep(ns text, dry_run boolean DEFAULT false, days int DEFAULT 0) RETURNS TABLE (step text, changed bigint, details jsonb) LANGUAGE sql AS
  $$ SELECT step, changed, details FROM agentmem.maintain('rank', ns, dry_run => dry_run, at => now() + days * interval '1 day') WHERE step = 'importance' $$;
-- A hub of thirty facts, a chain of episodes.
SELECT count(*) FROM remember_many('rank', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'fact ' || i, 'kind', 'fact', 'importance', CASE i WHEN 2 THEN 0.9 END) ORDER BY i) FROM generate_series(1, 31) i));
SELECT count(*) FROM remember_many('rank', 'n', (SELECT jsonb_agg(jsonb_build_object('content', 'turn ' || i, 'kind', 'episode') ORDER BY i) FROM generate_series(1, 5) i));
SELECT count(*) FROM generate_series(2, 31) i, LATERAL link('rank', 'n', i, 1, 'derived_from');
SELECT * FROM upkeep('n');
INSERT INTO setting VALUES ('importance', 'rank');
SELECT * FROM upkeep('n', true);
SELECT count(*) FROM activity;
SELECT * FROM upkeep('n');
SELECT id, rank FROM activity ORDER BY 1;
-- The greater of what was given and what the edges say; feedback lowers either.
SELECT id, importance FROM get('rank', 'n', '{1,2,3}');
SELECT feedback('rank', 'n', 1, false);
SELECT id, round(importance::numeric, 3) AS importance FROM get('rank', 'n', '{1}');
SELECT id, round(score::numeric, 4) AS score FROM recall('rank', 'n', 'fact', k => 3);
-- Not again before it is due, nor if nothing has changed.
SELECT * FROM upkeep('n');
SELECT * FROM upkeep('n', days => 2);
SELECT link('rank', 'n', 3, 2, 'derived_from'), link('rank', 'n', 4, 2, 'derived_from'), link('rank', 'n', 5, 2, 'derived_from');
SELECT * FROM upkeep('n');
SELECT changed > 0 AS changed FROM upkeep('n', days => 2);
-- Another hub goes away: so does its importance.
SELECT forget('rank', 'n', 1);
SELECT changed > 0 AS changed FROM upkeep('n', days => 4);
SELECT count(*) FROM activity WHERE rank > 0 AND id <> 1;
-- Strength goes by it: after 20 of 30 days one of two is as it was.
SELECT count(*) FROM remember_many('rank', 's', '[{"content": "seen", "kind": "observation", "confidence": 1}, {"content": "seen and ranked", "kind": "observation", "confidence": 1}]');
INSERT INTO activity (namespace, id, rank) SELECT namespace, id, 1 FROM memory WHERE content = 'seen and ranked';
SELECT count(*) FROM maintain('rank', 's', at => now() + interval '20 days');
SELECT m.content, a.state FROM memory m JOIN activity a USING (namespace, id) WHERE m.namespace = 's' ORDER BY 1;
-- A graph that does not fit is left as it is.
SET maintenance_work_mem = '1MB';
INSERT INTO edge (namespace, source, target, type) SELECT 'n', 2 + i % 30, -i, 'about_concept' FROM generate_series(1, 20000) i;
INSERT INTO concept SELECT 'n', -i, 2, 'c' || i, 'c' || i FROM generate_series(1, 20000) i;
ANALYZE edge, concept;
SELECT step, changed, details ->> 'skipped' ~ 'maintenance_work_mem' AS skipped FROM upkeep('n', days => 6);
RESET maintenance_work_mem;
UPDATE setting SET value = 'high' WHERE name = 'importance';
SELECT * FROM upkeep('n');
SET search_path = public;
DROP FUNCTION upkeep(text, boolean, int);
SELECT agentmem.drop_store('rank', cascade => true);

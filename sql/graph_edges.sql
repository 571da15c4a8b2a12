-- Edges: writing them, what counts, and walks along them.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT create_store('g');
SELECT array_agg(r.id ORDER BY i) AS ids FROM generate_series(1, 9) i, remember('g', 'n', 'memory ' || i, 'fact', valid_from => '2020-01-01') r;
SELECT name, weight, directed FROM g.edge_type ORDER BY name;

-- 1-2-3-4-5, 1-6-5, 7 apart; 2 is a bit of a hub.
SELECT link('g', 'n', 1, 2), link('g', 'n', 2, 3, weight => 0.5), link('g', 'n', 3, 4, 'next'), link('g', 'n', 4, 5, 'next'),
       link('g', 'n', 6, 1, 'part_of'), link('g', 'n', 5, 6, 'caused_by'), link('g', 'n', 2, 8), link('g', 'n', 9, 2, 'about_concept');
SELECT source, target, type, weight, valid_period, operation FROM g.edge ORDER BY 1, 2;

-- Idempotent: the same again writes nothing, another weight is a version.
SELECT link('g', 'n', 1, 2);
SELECT count(*) FROM g.edge_history;
SELECT link('g', 'n', 1, 2, weight => 2);
SELECT source, target, weight FROM g.edge WHERE source = 1;
SELECT source, target, weight, upper_inf(system_period) AS open FROM g.edge_history;
SELECT link('g', 'n', 1, 2);

-- Errors.
SELECT link('g', 'n', 1, 99);
SELECT link('g', 'n', 99, 1);
SELECT link('g', 'other', 1, 2);
SELECT link('g', 'n', 1, 1);
SELECT link('g', 'n', 1, 2, 'unheard of');
SELECT link('g', 'n', 1, 2, weight => -1);
SELECT link('g', 'n', 1, 2, weight => 'NaN');
SELECT link('g', 'n', 1, 2, weight => 'infinity');
SELECT link('g', 'n', 1, 2, weight => NULL);
SELECT link('g', 'n', NULL, 2);
SELECT link('g', 'n', 1, 2, valid_from => '2021-01-01', valid_to => '2020-01-01');
SELECT link('nowhere', 'n', 1, 2);
SELECT unlink('g', 'n', 1, NULL);
SELECT * FROM neighbors('g', 'n', '{1}', depth => 0);
SELECT * FROM neighbors('g', 'n', '{1}', max_nodes => 0);
SELECT * FROM neighbors('g', 'n', NULL);
SELECT * FROM neighbors('g', 'n', '{1,NULL}');
SELECT * FROM neighbors('g', 'n', '{1}', '{unheard of}');
SELECT * FROM neighbors('g', 'n', '{1}', '{next,NULL}');
SELECT * FROM shortest_path('g', 'n', 1, NULL);
SELECT * FROM shortest_path('g', 'n', 1, 2, max_depth => 0);
SELECT graph('g', 'n', 'svg');
SELECT graph('g', 'n', NULL);
SELECT * FROM spread('g', 'n', '{1}', steps => 0);
SELECT * FROM spread('g', 'n', '{1}', '{1,2}');
BEGIN READ ONLY;
SELECT link('g', 'n', 1, 2);
ROLLBACK;

-- Neighbours: both directions, by types, by depth, at most so many.
SELECT * FROM neighbors('g', 'n', '{1}');
SELECT * FROM neighbors('g', 'n', '{2}');
SELECT * FROM neighbors('g', 'n', '{2}', max_nodes => 2);
SELECT * FROM neighbors('g', 'n', '{1}', depth => 3);
SELECT * FROM neighbors('g', 'n', '{1,5}', '{similar,next}', depth => 2);
SELECT * FROM neighbors('g', 'n', '{7}');
SELECT * FROM neighbors('g', 'n', '{99}');
SELECT * FROM neighbors('g', 'n', '{}');

-- Ways.
SELECT * FROM shortest_path('g', 'n', 1, 5);
SELECT * FROM shortest_path('g', 'n', 1, 5, '{similar,next}');
SELECT * FROM shortest_path('g', 'n', 5, 9);
SELECT * FROM shortest_path('g', 'n', 1, 5, '{similar,next}', max_depth => 3);
SELECT * FROM shortest_path('g', 'n', 1, 7);
SELECT * FROM shortest_path('g', 'n', 1, 1);
SELECT * FROM shortest_path('g', 'n', 1, 99);
SELECT * FROM shortest_path('g', 'n', 1, 5, max_nodes => 3);

-- Drawings.
SELECT graph('g', 'n', ids => '{1}');
SELECT graph('g', 'n', 'dot', ids => '{7}');
SELECT jsonb_pretty(graph('g', 'n', 'json', ids => '{6}')::jsonb);
SELECT graph('g', 'n', max_nodes => 2);
SELECT id AS odd FROM remember('g', 'n', E'A "quoted" <b>\\word</b>\nand #1; `x`', 'fact') \gset
SELECT graph('g', 'n', max_nodes => 1), graph('g', 'n', 'dot', max_nodes => 1);
SELECT graph('g', 'n', 'json', ids => ARRAY[:odd])::jsonb #>> '{nodes,0,label}' AS label;
SELECT forget('g', 'n', :odd);

-- Types: added by function or by INSERT; directed ones conduct one way.
SELECT add_edge_type('g', 'cites', 1, true, 'source names target');
INSERT INTO g.edge_type (name) VALUES ('by hand');
SELECT link('g', 'n', 7, 1, 'cites'), link('g', 'n', 7, 9, 'by hand');
SELECT id, via, type, outgoing FROM neighbors('g', 'n', '{7}');
SELECT add_edge_type('g', 'cites', -1);
SELECT add_edge_type('g', NULL);
SELECT source, target, weight FROM transitions('g', 'n', '{cites,next}', damp_hubs => false) ORDER BY 1, 2;
SELECT unlink('g', 'n', 7, 1, 'cites'), unlink('g', 'n', 7, 1, 'cites'), unlink('g', 'n', 7, 9, 'by hand');

-- Both ends must be there. Forgotten and restored:
SELECT forget('g', 'n', 2);
SELECT * FROM neighbors('g', 'n', '{1}');
SELECT * FROM neighbors('g', 'n', '{2}');
SELECT link('g', 'n', 1, 2);
SELECT restore('g', 'n', 2);
SELECT * FROM neighbors('g', 'n', '{1}');
-- expired, archived:
BEGIN;
SELECT revise('g', 'n', 2, expires_at => '2020-06-01');
SELECT id FROM neighbors('g', 'n', '{1}');
ROLLBACK;
BEGIN;
INSERT INTO g.activity (namespace, id, state) VALUES ('n', 2, 'archived');
SELECT id FROM neighbors('g', 'n', '{1}');
ROLLBACK;
-- superseded: what was true then has its edges then.
SELECT s.action FROM remember('g', 'n', 'Anna lives in Rome', 'fact', subject => 'Anna', predicate => 'lives in', object => 'Rome', valid_from => '2020-01-01') r,
  link('g', 'n', r.id, 4) l, remember('g', 'n', 'Anna lives in Oslo', 'fact', subject => 'Anna', predicate => 'lives in', object => 'Oslo', valid_from => '2022-01-01') s;
SELECT id, type FROM neighbors('g', 'n', '{4}');
SELECT n.type, m.content FROM neighbors('g', 'n', '{4}', valid_at => '2021-01-01') n, get('g', 'n', ARRAY[n.id]) m ORDER BY n.id;
-- The edge's own time:
SELECT link('g', 'n', 8, 9, 'part_of', valid_from => '2020-05-01', valid_to => '2020-06-01');
SELECT id FROM neighbors('g', 'n', '{8}', '{part_of}');
SELECT id FROM neighbors('g', 'n', '{8}', '{part_of}', valid_at => '2020-05-15');
SELECT id FROM neighbors('g', 'n', '{8}', '{part_of}', valid_at => '2020-06-01');
SELECT id FROM shortest_path('g', 'n', 8, 9, '{part_of}', valid_at => '2020-05-15');

-- What the store knew: edges that went since then, weights as they were.
SELECT clock_timestamp() AS before \gset
SELECT link('g', 'n', 1, 2, weight => 4), unlink('g', 'n', 6, 1, 'part_of');
SELECT id, type, weight FROM neighbors('g', 'n', '{1}');
SELECT id, type, weight FROM neighbors('g', 'n', '{1}', known_at => :'before');
SELECT id, type FROM shortest_path('g', 'n', 1, 5, known_at => :'before');
SELECT id, type FROM shortest_path('g', 'n', 1, 5);
SELECT forget('g', 'n', 8);
SELECT id FROM neighbors('g', 'n', '{2}', known_at => :'before') ORDER BY id;
SELECT graph('g', 'n', ids => '{1}', known_at => :'before');
SELECT count(*) FROM transitions('g', 'n', known_at => :'before'), LATERAL (SELECT 1) x;
SELECT restore('g', 'n', 8);

-- Export and import take them along, and what they were.
SELECT array_agg(l) AS lines FROM export('g', 'n') l \gset
SELECT create_store('h');
SELECT import('h', 'n', :'lines') ->> 'edge' AS edges;
SELECT count(*) AS different FROM (TABLE g.edge EXCEPT TABLE h.edge) d WHERE operation IS NULL;
SELECT count(*) AS different FROM ((TABLE g.edge_history EXCEPT TABLE h.edge_history) UNION ALL (TABLE h.edge_history EXCEPT TABLE g.edge_history)) d WHERE operation IS NULL;
SELECT id, type, weight FROM neighbors('h', 'n', '{1}', known_at => :'before');
SELECT drop_store('h', cascade => true);

-- Erased: nothing of its edges is left, nor of what they were.
SELECT erase('g', 'n', ids => '{1}') #> '{erased}' ?& '{edge,edge_history}' AS counted;
SELECT count(*) FROM (TABLE g.edge UNION ALL TABLE g.edge_history) e WHERE 1 IN (source, target);
SELECT id FROM neighbors('g', 'n', '{2}') ORDER BY id;

-- Spreading activation: 7 has no edges and keeps half in each step.
SELECT id, round(score::numeric, 6) AS score FROM spread('g', 'n', '{7}', steps => 2);
SELECT id, round(score::numeric, 6) AS score FROM spread('g', 'n', '{4}', types => '{next}', steps => 1);
SELECT id, round(score::numeric, 6) AS score FROM spread('g', 'n', '{3,5}', '{1,3}', types => '{next}', steps => 2, fan => 1);

SELECT drop_store('g', cascade => true);

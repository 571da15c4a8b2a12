-- Concepts: what memories mention, as nodes of the graph. src/memory/README.md, "Concepts".
SET client_min_messages = warning;
SET search_path = public, agentmem;
\set VERBOSITY terse
SELECT create_store('gc');

-- Without the setting there are none.
SELECT id FROM remember('gc', 'n', 'Melanie paints sunsets', 'episode', valid_from => '2026-01-01');
SELECT count(*) FROM gc.concept;
INSERT INTO gc.setting VALUES ('concepts', '8');

-- Case, number and script variants are one concept; episodes have it, other kinds are about it; structure has none.
SELECT id, action FROM remember('gc', 'n', 'Yesterday Melanie painted a sunset in Ｋｙｏｔｏ.', 'episode', valid_from => '2026-01-02');
SELECT id, action FROM remember('gc', 'n', 'In KYOTO the SUNSETS are red', 'fact', valid_from => '2026-01-03');
SELECT id, action FROM remember('gc', 'n', 'KYOTO in one sentence', 'summary', valid_from => '2026-01-04');
SELECT concept, normalized, memories, id < 0 AS below_zero FROM concepts('gc', 'n') WHERE memories > 1;
SELECT e.source, e.type, c.normalized FROM gc.edge e JOIN gc.concept c ON c.id = e.target WHERE c.normalized IN ('kyoto', 'sunset') ORDER BY 1, 3;

-- A walk goes through them; so does a drawing.
SELECT n.depth, n.type, c.normalized, CASE WHEN n.id > 0 THEN n.id END AS memory
FROM neighbors('gc', 'n', '{3}', depth => 2) n LEFT JOIN gc.concept c ON c.id = n.id
WHERE n.id > 0 OR c.normalized IN ('kyoto', 'sunset') ORDER BY 1, 4, 3;
SELECT step, type FROM shortest_path('gc', 'n', 2, 3);
SELECT graph('gc', 'n', ids => '{3}') ~ 'c\d+\["Ｋｙｏｔｏ"\]' AS mermaid;
SELECT id FROM ppr('gc', 'n', '{3}') WHERE id > 0 ORDER BY score DESC;
-- ppr and the matrix agree on them.
SELECT count(*) > 3 AS several, max(abs(p.score - r.rank)) < 1e-4 AS alike
FROM ppr('gc', 'n', '{3}', epsilon => 1e-7) p
JOIN personalized_pagerank($$SELECT * FROM agentmem.transitions('gc', 'n')$$, '{3}', tolerance => 1e-9) r ON r.node = p.id;

-- recall walks through them only if told to.
SELECT id, channels ? 'lexical' AS lexical FROM recall('gc', 'n', 'red');
SELECT id, channels ? 'lexical' AS lexical FROM recall('gc', 'n', 'red', weights => '{"concept": 1}');

-- The same again mentions nothing new; other words do, and what they leave out goes.
SELECT id, action FROM remember('gc', 'n', 'in Kyoto the sunsets are red', 'fact', valid_from => '2026-01-03');
SELECT revise('gc', 'n', 3, 'The temples of Kyoto are red');
SELECT c.normalized FROM gc.edge e JOIN gc.concept c ON c.id = e.target WHERE e.source = 3 ORDER BY 1;
SELECT restore('gc', 'n', 3);
SELECT c.normalized FROM gc.edge e JOIN gc.concept c ON c.id = e.target WHERE e.source = 3 ORDER BY 1;

-- Forgotten, it mentions nothing; restored, the same as before. Undoing it as a whole leaves no edge.
SELECT forget('gc', 'n', 2), restore('gc', 'n', 2);
SELECT memories FROM concepts('gc', 'n') WHERE normalized = 'kyoto';
SELECT forget('gc', 'n', 2);
SELECT memories FROM concepts('gc', 'n') WHERE normalized = 'kyoto';
SELECT restore('gc', 'n', 2);
SELECT id FROM remember('gc', 'n', 'Okonomiyaki is for dinner', 'episode', key => 'dinner');
SELECT count(*) > 0 AS mentioned FROM concepts('gc', 'n') WHERE normalized LIKE 'okonomiyaki%';
SELECT r.id, restore('gc', 'n', r.id) FROM get('gc', 'n', keys => '{dinner}') r;
SELECT count(*) FROM concepts('gc', 'n') WHERE normalized LIKE 'okonomiyaki%';

-- What was erased leaves no concept that it alone named; others are named as all of them have it.
SELECT erase('gc', 'n', ids => '{2}') -> 'erased' -> 'concept' AS names;
SELECT concept, memory FROM gc.concept WHERE normalized IN ('kyoto', 'melani', 'sunset', 'paint', 'dinner') ORDER BY 1, 2;
SELECT count(*) FROM gc.edge e WHERE e.target < 0 AND NOT EXISTS (SELECT FROM gc.concept c WHERE c.id = e.target);

-- They do not come with an export: who imports makes them, as his store does.
SELECT create_store('gd');
INSERT INTO gd.setting VALUES ('concepts', '8');
SELECT count(*) FROM export('gc', 'n') x WHERE x ->> 'line' = 'edge' AND (x ->> 'target')::bigint < 0;
SELECT import('gd', 'n', ARRAY(SELECT export('gc', 'n'))) ->> 'memory' AS memories;
SELECT concept, normalized, memories FROM concepts('gd', 'n') WHERE normalized IN ('kyoto', 'sunset') ORDER BY 2;
SELECT erase('gd', 'n', everything => true) -> 'ids' AS ids;
SELECT count(*) FROM (SELECT namespace FROM gd.concept UNION ALL SELECT namespace FROM gd.edge UNION ALL SELECT namespace FROM gd.edge_history) x;

-- One that 32 memories mention gets no more edges; nor does a batch go further.
SELECT count(*) FROM remember_many('gc', 'many', (SELECT jsonb_agg(jsonb_build_object('content', 'Kyoto has house ' || i, 'kind', 'episode')) FROM generate_series(1, 40) i));
SELECT concept, memories FROM concepts('gc', 'many', n => 1);

-- Errors.
SELECT concepts('gc', 'n', n => 0);
SELECT concepts('gc', 'n', n => NULL);
UPDATE gc.setting SET value = 'many' WHERE name = 'concepts';
SELECT remember('gc', 'n', 'Kyoto');
UPDATE gc.setting SET value = '65' WHERE name = 'concepts';
SELECT remember('gc', 'n', 'Kyoto');

SELECT drop_store('gc', cascade => true), drop_store('gd', cascade => true);

-- Edges "similar" that new memories get by themselves. src/memory/README.md, "Likeness".
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY terse
SELECT create_store('gs', dimensions => 3);
SELECT count(*) FROM generate_series(1, 3) i, remember('gs', 'n', 'Turn ' || i, 'episode', format('[1,0,%s]', i)::vector, valid_from => '2026-01-01');
SELECT count(*) FROM gs.edge WHERE type = 'similar';

-- To the nearest of the same kind whose cosine reaches the threshold, the weight being the cosine.
INSERT INTO gs.setting VALUES ('similar', '2');
SELECT id FROM remember('gs', 'n', 'Turn 4', 'episode', '[1,0,1]', valid_from => '2026-01-02');
SELECT id FROM remember('gs', 'n', 'Turn 5', 'episode', '[0,1,0]', valid_from => '2026-01-03');
SELECT id FROM remember('gs', 'n', 'Turn 6', 'episode', '[0,1,1]', valid_from => '2026-01-04');
SELECT id FROM remember('gs', 'n', 'Turn 7', 'episode', '[0,0,0]', valid_from => '2026-01-05');
SELECT id FROM remember('gs', 'n', 'Turn 8', 'episode', valid_from => '2026-01-06');
SELECT source, target, round(weight::numeric, 3) AS weight FROM gs.edge WHERE type = 'similar' ORDER BY 1, 2;
INSERT INTO gs.setting VALUES ('similar_threshold', '0.95');
SELECT id FROM remember('gs', 'n', 'Turn 9', 'episode', '[1,0,2.1]', valid_from => '2026-01-07');
SELECT source, target, round(weight::numeric, 3) AS weight FROM gs.edge WHERE type = 'similar' AND source = 9 ORDER BY 1, 2;

-- What may contradict is found by the same search, and as before: five, and the kind's threshold.
UPDATE gs.setting SET value = '1' WHERE name = 'similar';
UPDATE gs.setting SET value = '0' WHERE name = 'similar_threshold';
SELECT r.id, r.related FROM generate_series(1, 7) i, remember('gs', 'f', 'Fact ' || i, 'fact', format('[1,0,%s]', i)::vector) r ORDER BY i;
SELECT source, target FROM gs.edge WHERE type = 'similar' AND namespace = 'f' ORDER BY 1, 2;

-- Another vector, other edges; those of link() stay. Undone, they are as before.
SELECT link('gs', 'n', 9, 5);
SELECT revise('gs', 'n', 9, content => 'Turn 9, again', embedding => '[0,1,0.1]');
SELECT source, target, operation IS NULL AS linked FROM gs.edge WHERE type = 'similar' AND source = 9 ORDER BY 1, 2;
SELECT restore('gs', 'n', 9);
SELECT source, target, operation IS NULL AS linked FROM gs.edge WHERE type = 'similar' AND source = 9 ORDER BY 1, 2;
-- New content without a vector is like nothing.
SELECT revise('gs', 'n', 9, content => 'Turn 9, once more');
SELECT source, target, operation IS NULL AS linked FROM gs.edge WHERE type = 'similar' AND source = 9 ORDER BY 1, 2;
SELECT remember('gs', 'n', 'Turn 10', 'episode', '[0,1,0.1]', key => 'ten');
SELECT restore('gs', 'n', id) FROM get('gs', 'n', keys => '{ten}');
SELECT count(*) FROM gs.edge e WHERE type = 'similar' AND namespace = 'n' AND NOT EXISTS (SELECT FROM gs.memory m WHERE m.id = e.source);

UPDATE gs.setting SET value = '1.5' WHERE name = 'similar_threshold';
SELECT remember('gs', 'n', 'x');
UPDATE gs.setting SET value = '' WHERE name = 'similar_threshold';
SELECT remember('gs', 'n', 'x');
SELECT drop_store('gs', cascade => true);

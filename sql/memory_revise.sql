-- revise and forget.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SET TimeZone = 'UTC';
SELECT create_store('rev', dimensions => 3);

SELECT id FROM remember('rev', 'n', 'The kettle is blue', 'fact', '[1,0,0]', tags => '{a}', importance => 0.2, model => 'tiny',
                        valid_from => '2025-01-01', key => 'kettle', attributes => '{"litres": 1}') \gset
-- What is not given stays.
SELECT revise('rev', 'n', :id, tags => '{b,c}', importance => 0.9);
SELECT content, tags, importance, attributes, provenance, model, valid_period, key FROM get('rev', 'n', ids => ARRAY[:id]);
SELECT embedding FROM rev.memory WHERE id = :id;
-- New words have no vector until one is given; they are found at once.
SELECT revise('rev', 'n', :id, 'The kettle is red');
SELECT embedding, model FROM rev.memory WHERE id = :id;
SELECT content FROM recall('rev', 'n', 'red kettle');
SELECT content FROM recall('rev', 'n', 'blue');
SELECT revise('rev', 'n', :id, embedding => '[0,1,0]', model => 'tiny');
SELECT embedding, model FROM rev.memory WHERE id = :id;
-- The statement is the new one now.
SELECT id = :id AS same, action FROM remember('rev', 'n', 'the KETTLE is red', 'fact');
SELECT id = :id AS same, action FROM remember('rev', 'n', 'The kettle is blue', 'fact');
-- Periods: infinity opens an end.
SELECT revise('rev', 'n', :id, valid_from => '2024-01-01', valid_to => '2026-01-01');
SELECT valid_period FROM get('rev', 'n', ids => ARRAY[:id]);
SELECT revise('rev', 'n', :id, valid_from => '-infinity', valid_to => 'infinity');
SELECT valid_period FROM get('rev', 'n', ids => ARRAY[:id]);

-- By the application's key: the same call again is harmless, other words are the next version.
SELECT id = :id AS same, action, related = ARRAY[:id::bigint] AS related FROM remember('rev', 'n', 'The kettle is green', 'fact', key => 'kettle');
SELECT id = :id AS same, action FROM remember('rev', 'n', 'The kettle is green', 'fact', key => 'kettle');
SELECT content, valid_period FROM get('rev', 'n', keys => '{kettle}');

-- A value of a key stays within its time.
SELECT id AS rome FROM remember('rev', 'k', 'Al is in Rome', 'fact', subject => 'Al', predicate => 'is in', object => 'Rome', valid_from => '2025-01-01') \gset
SELECT id AS oslo FROM remember('rev', 'k', 'Al is in Oslo', 'fact', subject => 'Al', predicate => 'is in', object => 'Oslo', valid_from => '2025-06-01') \gset
SELECT revise('rev', 'k', :rome, valid_to => '2025-05-01');
SELECT revise('rev', 'k', :rome, object => 'Roma');
SELECT object, valid_period FROM list('rev', 'k', during => '(,)');
SELECT id AS tea FROM remember('rev', 'k', 'Al likes tea', 'fact', subject => 'Al', predicate => 'likes', object => 'tea') \gset
\set VERBOSITY terse
SELECT revise('rev', 'k', :rome, valid_to => '2025-07-01');
SELECT revise('rev', 'k', :tea, object => 'milk');
SELECT revise('rev', 'k', 999, 'x');
SELECT revise('rev', 'other', :rome, 'x');
\set VERBOSITY sqlstate
SELECT revise('rev', 'k', NULL, 'x');
SELECT revise('rev', 'k', :rome, '');
SELECT revise('rev', 'k', :rome, embedding => '[1,2]');
SELECT revise('rev', 'k', :rome, confidence => 2);
SELECT revise('rev', 'k', :rome, valid_from => '2030-01-01', valid_to => '2029-01-01');
SELECT revise('rev', 'k', :rome, provenance => 'guessed');
SELECT revise('rev', 'k', :rome, language => 'klingon');
\set VERBOSITY default

-- forget
SELECT forget('rev', 'k', :rome, 'moved'), forget('rev', 'k', :rome), forget('rev', 'k', 999), forget('rev', 'nowhere', :oslo);
SELECT object FROM list('rev', 'k', during => '(,)');
SELECT content FROM recall('rev', 'k', 'Rome');
SELECT details FROM rev.audit WHERE namespace = 'k' AND action = 'forget';
\set VERBOSITY sqlstate
SELECT forget('rev', 'k', NULL);
BEGIN READ ONLY; SELECT forget('rev', 'k', :oslo); ROLLBACK;
\set VERBOSITY default

-- Who may: privileges are those of the tables; audit is read only even so.
CREATE ROLE rev_writer;
GRANT USAGE ON SCHEMA rev TO rev_writer;
GRANT SELECT, INSERT, UPDATE ON rev.memory, rev.activity, rev.namespace, rev.key_lock, rev.edge, rev.conflict TO rev_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA rev TO rev_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA rev TO rev_writer;
SET ROLE rev_writer;
SELECT action FROM remember('rev', 'k', 'Al is in Bern', 'fact', subject => 'Al', predicate => 'is in', object => 'Bern');
SELECT revise('rev', 'k', :oslo, tags => '{x}');
\set VERBOSITY terse
SELECT forget('rev', 'k', :oslo);
INSERT INTO rev.audit (namespace, id, role, action, ids) VALUES ('k', 1, 'x', 'x', '{}');
\set VERBOSITY default
RESET ROLE;
SELECT role, action, count(*) FROM rev.audit WHERE namespace = 'k' AND role = 'rev_writer' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT drop_store('rev', cascade => true);
DROP ROLE rev_writer;

-- What remember and remember_many refuse, and that nothing is written then.
SET search_path = public, agentmem;
SET client_min_messages = warning;
SELECT create_store('mem', dimensions => 3);
SELECT create_store('words');
\set VERBOSITY default

SELECT remember(NULL, 'a', 'x');
SELECT remember('mem', NULL, 'x');
SELECT remember('mem', 'a', NULL);
SELECT remember('nowhere', 'a', 'x');
SELECT remember('public', 'a', 'x');
SELECT remember('mem', '', 'x');
SELECT remember('mem', E'a\nb', 'x');
SELECT remember('mem', repeat('a', 513), 'x');
SELECT remember('mem', 'a', '');
SELECT remember('mem', 'a', E' \t\n');
SELECT remember('mem', 'a', U&'\00A0\3000');
SELECT remember('mem', 'a', 'x', subject => repeat('s', 1025));
SELECT remember('mem', 'a', 'x', session => repeat('s', 1025));
SELECT remember('mem', 'a', 'x', predicate => repeat(U&'\FDFA', 100));
SELECT remember('mem', 'a', 'x', kind => 'rumour');
SELECT remember('mem', 'a', 'x', kind => NULL);
SELECT remember('mem', 'a', 'x', kind => 'secret');
SELECT remember('mem', 'a', 'x', embedding => '[1,2]');
SELECT remember('mem', 'a', 'x', embedding => '[1,2,NaN]');
SELECT remember('mem', 'a', 'x', embedding => '[1,2,Infinity]');
SELECT remember('words', 'a', 'x', embedding => '[1,2,3]');
SELECT remember('mem', 'a', 'x', importance => 1.5);
SELECT remember('mem', 'a', 'x', importance => 'NaN');
SELECT remember('mem', 'a', 'x', confidence => -0.1);
SELECT remember('mem', 'a', 'x', provenance => 'guessed');
SELECT remember('mem', 'a', 'x', provenance => NULL);
SELECT remember('mem', 'a', 'x', pinned => NULL);
SELECT remember('mem', 'a', 'x', tags => '{a,NULL}');
SELECT remember('mem', 'a', 'x', tags => '{{a},{b}}');
SELECT remember('mem', 'a', 'x', attributes => '[1]');
SELECT remember('mem', 'a', 'x', key => '');
SELECT remember('mem', 'a', 'x', parent => 99);
SELECT remember('mem', 'a', 'x', language => 'klingon');
SET TimeZone = 'UTC';
SELECT remember('mem', 'a', 'x', valid_from => '2026-01-02', valid_to => '2026-01-02');
SELECT remember('mem', 'a', 'x', valid_from => '2026-01-02', valid_to => '2026-01-01');
SELECT remember('mem', 'a', 'x', valid_from => 'infinity');
SELECT remember('mem', 'a', 'x', valid_to => '-infinity');
INSERT INTO mem.setting VALUES ('embedding_model', 'mini');
SELECT remember('mem', 'a', 'x', model => 'maxi');
SELECT action FROM remember('mem', 'ok', 'x', model => 'mini');

SELECT * FROM remember_many('mem', 'a', NULL);
SELECT * FROM remember_many('mem', 'a', '{"content": "x"}');
SELECT * FROM remember_many('mem', 'a', '7');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x"}, {"content": ""}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": 7}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "tags": "a"}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "embedding": [1, "2", 3]}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "embedding": []}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "pinned": "yes"}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "parent": 1.5}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "mood": "good"}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x", "namespace": "b"}]');
SELECT * FROM remember_many('mem', 'a', '[{"content": "x"}]', ARRAY['[1,2,3]', '[1,2,3]']::vector[]);
SELECT * FROM remember_many('mem', 'a', '[]', on_error => 'ignore');

BEGIN READ ONLY;
SELECT remember('mem', 'a', 'x');
ROLLBACK;
BEGIN READ ONLY;
SELECT remember_many('mem', 'a', '[]');
ROLLBACK;

-- A batch that fails leaves nothing, and so did everything above.
SELECT count(*) FROM mem.memory WHERE namespace = 'a';
SELECT namespace FROM mem.namespace;
SELECT count(*) FROM mem.key_lock WHERE namespace = 'a';

-- The functions are not the only guard: see memory_guard.

\set VERBOSITY sqlstate
SELECT remember('mem', 'a', NULL);
SELECT remember('nowhere', 'a', 'x');
SELECT remember('public', 'a', 'x');
SELECT remember('mem', 'a', '');
SELECT remember('mem', 'a', 'x', kind => 'rumour');
SELECT remember('mem', 'a', 'x', embedding => '[1,2]');
SELECT remember('mem', 'a', 'x', valid_from => '2026-01-02', valid_to => '2026-01-01');
SELECT remember('mem', 'a', 'x', parent => 99);
SELECT remember('mem', 'a', 'x', key => 'k');
SELECT remember('mem', 'a', 'y', 'fact', key => 'k');

SELECT drop_store('mem', cascade => true);
SELECT drop_store('words', cascade => true);

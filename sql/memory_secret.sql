-- Secrets: the memory holds a caption, table secret the value, reveal() alone gives it.
SET client_min_messages = warning;
SET search_path = public, agentmem;
\set SHOW_CONTEXT always
SELECT current_database() AS db \gset
CREATE ROLE agm_clerk;
CREATE ROLE agm_writer;
SELECT create_store('sec', dimensions => 2);
SELECT id AS token, action FROM remember('sec', 'n', 'GitHub token of the bot', 'secret', attributes => '{"value": "hunter2", "service": "github"}', tags => '{ci}') \gset
SELECT reveal('sec', 'n', :token);

-- The caption is listed, never recalled: by words, by kind, as the newest.
SELECT action FROM remember('sec', 'n', 'GitHub is down', 'fact', '[1,0]');
SELECT kind, content, attributes - 'set_at' AS attributes, attributes ? 'set_at' AS set_at FROM list('sec', 'n', kinds => '{secret}');
SELECT content FROM get('sec', 'n', ids => ARRAY[:token::bigint]);
SELECT count('sec', 'n', kinds => '{secret}');
SELECT content FROM recall('sec', 'n', 'GitHub token');
SELECT content FROM recall('sec', 'n', 'token', kinds => '{secret}');
SELECT content FROM recall('sec', 'n');
SELECT content FROM recall('sec', 'n', kinds => '{secret}');
SELECT content FROM recall('sec', 'n', embedding => '[1,0]', shared => '{n}', prefix => true);
SELECT length(lexemes) AS words, tokens, embedding FROM sec.memory WHERE kind = 'secret';
-- Nobody gives it an embedding, by hand neither.
UPDATE sec.memory SET embedding = '[1,0]' WHERE kind = 'secret';
SELECT content FROM recall('sec', 'n', embedding => '[1,0]', mode => 'exact');
UPDATE sec.memory SET embedding = NULL WHERE kind = 'secret';

-- The same caption again sets the value; whether it was the same is not told.
SELECT id = :token AS same, action, related = ARRAY[:token::bigint] AS related FROM remember('sec', 'n', 'github TOKEN of the bot', 'secret', attributes => '{"value": "hunter3"}');
SELECT id = :token AS same, action FROM remember('sec', 'n', 'github TOKEN of the bot', 'secret', attributes => '{"value": "hunter3"}');
SELECT reveal('sec', 'n', :token), attributes - 'set_at' AS attributes FROM get('sec', 'n', ids => ARRAY[:token::bigint]);
SELECT action FROM remember_many('sec', 'n', '[{"content": "Door code", "kind": "secret", "attributes": {"value": "hunter1"}, "key": "door"}]');
SELECT action FROM remember('sec', 'n', 'Door code', 'secret', attributes => '{"value": "hunter4"}', key => 'door');
SELECT action FROM remember('sec', 'n', 'Code of the back door', 'secret', attributes => '{"value": "hunter5"}', key => 'door');
SELECT content, reveal('sec', 'n', id) FROM get('sec', 'n', keys => '{door}');

-- revise: caption or value or both; the mark stays with the value.
SELECT attributes ->> 'set_at' AS set_at FROM get('sec', 'n', ids => ARRAY[:token::bigint]) \gset
SELECT revise('sec', 'n', :token, 'Token of the bot', attributes => '{"service": "gitlab"}');
SELECT content, attributes - 'set_at' AS attributes, attributes ->> 'set_at' = :'set_at' AS same_mark, reveal('sec', 'n', id)
FROM get('sec', 'n', ids => ARRAY[:token::bigint]);
SELECT revise('sec', 'n', :token, attributes => '{"value": "hunter6"}');
SELECT content, attributes ->> 'set_at' > :'set_at' AS later, reveal('sec', 'n', id) FROM get('sec', 'n', ids => ARRAY[:token::bigint]);

-- By subject and predicate values follow each other, and each keeps its own.
SELECT action FROM remember('sec', 'n', 'Password 2024', 'secret', attributes => '{"value": "hunter7"}', subject => 'db', predicate => 'password', valid_from => '2024-01-01');
SELECT action FROM remember('sec', 'n', 'Password of June', 'secret', attributes => '{"value": "hunter8"}', subject => 'db', predicate => 'password',
  valid_from => '2024-06-01', valid_to => '2024-07-01');
SELECT content, lower(valid_period)::date AS since, reveal('sec', 'n', id) FROM list('sec', 'n', subject => 'db', during => '(,)') ORDER BY 2;
-- It contradicts nothing.
SELECT action, related FROM remember('sec', 'n', 'The password is short', 'fact', subject => 'db', predicate => 'password', object => 'short');
SELECT * FROM conflicts('sec', 'n');

-- forget: no value without its caption.
SELECT forget('sec', 'n', :token);
SELECT reveal('sec', 'n', :token);

-- The value is in table secret and nowhere else.
SELECT (SELECT count(*) FROM sec.memory t WHERE t::text ~ 'hunter') AS memory, (SELECT count(*) FROM sec.audit t WHERE t::text ~ 'hunter') AS audit,
  (SELECT count(*) FROM sec.conflict t WHERE t::text ~ 'hunter') AS conflict, (SELECT count(*) FROM sec.edge t WHERE t::text ~ 'hunter') AS edge,
  (SELECT count(*) FROM sec.activity t WHERE t::text ~ 'hunter') AS activity, (SELECT count(*) FROM sec.namespace t WHERE t::text ~ 'hunter') AS namespace,
  (SELECT count(*) FROM sec.key_lock t WHERE t::text ~ 'hunter') AS key_lock, (SELECT count(*) > 5 FROM sec.secret t WHERE t::text ~ 'hunter') AS secret;
-- One value is current for each.
SELECT id FROM sec.secret WHERE upper_inf(system_period) GROUP BY id HAVING count(*) <> 1;

-- restore: caption and value of one time, whatever was changed since.
SELECT id AS safe FROM remember('sec', 'r', 'Safe', 'secret', attributes => '{"value": "one"}') \gset
SELECT pg_sleep(0.01);
SELECT now() AS first \gset
SELECT pg_sleep(0.01);
SELECT action FROM remember('sec', 'r', 'Safe', 'secret', attributes => '{"value": "two"}');
SELECT revise('sec', 'r', :safe, 'Safe in the cellar');
SELECT content, reveal('sec', 'r', id) FROM get('sec', 'r', ids => ARRAY[:safe::bigint]);
SELECT restore('sec', 'r', :safe);
SELECT content, reveal('sec', 'r', id) FROM get('sec', 'r', ids => ARRAY[:safe::bigint]);
SELECT revise('sec', 'r', :safe, attributes => '{"value": "three"}');
SELECT reveal('sec', 'r', :safe);
SELECT restore('sec', 'r', :safe);
SELECT reveal('sec', 'r', :safe);
SELECT forget('sec', 'r', :safe);
SELECT restore('sec', 'r', :safe);
SELECT reveal('sec', 'r', :safe);
SELECT restore('sec', 'r', :safe, :'first');
SELECT reveal('sec', 'r', :safe);
SELECT restore('sec', 'r', :safe);
SELECT reveal('sec', 'r', :safe);
SELECT value, upper_inf(system_period) AS current FROM sec.secret WHERE id = :safe ORDER BY lower(system_period);
SELECT count(*) FROM sec.memory_history t WHERE t::text ~ 'hunter|"(one|two|three)"';
SELECT content FROM recall('sec', 'r', 'safe', known_at => :'first');
SELECT content FROM recall('sec', 'r', known_at => :'first');

-- Each look is in the audit.
SELECT count(*) FROM sec.audit WHERE action = 'reveal' AND ids = ARRAY[:token::bigint] AND role = current_user;
BEGIN READ ONLY;
SELECT reveal('sec', 'n', :token);
ROLLBACK;

-- Who writes needs no right to read; SELECT on the id is enough for reveal and for nothing else.
SELECT id AS door FROM get('sec', 'n', keys => '{door}') \gset
GRANT USAGE ON SCHEMA sec TO agm_clerk, agm_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA sec TO agm_clerk, agm_writer;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA sec TO agm_writer;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA sec TO agm_writer;
REVOKE ALL ON sec.secret FROM agm_clerk, agm_writer;
SET ROLE agm_writer;
SELECT action FROM remember('sec', 'n', 'Written by another', 'secret', attributes => '{"value": "hunter9"}');
SELECT action FROM remember('sec', 'n', 'Written by another', 'secret', attributes => '{"value": "hunter10"}');
SELECT reveal('sec', 'n', :door);
SELECT count(*) FROM sec.secret;
SET ROLE agm_clerk;
SELECT reveal('sec', 'n', :door);
RESET ROLE;
GRANT SELECT (id) ON sec.secret TO agm_clerk;
SET ROLE agm_clerk;
SELECT reveal('sec', 'n', :door);
SELECT value FROM sec.secret;
RESET ROLE;
SELECT role, action, ids = ARRAY[:door::bigint] AS door FROM sec.audit ORDER BY id DESC LIMIT 1;
GRANT SELECT ON sec.secret TO agm_writer;
SET ROLE agm_writer;
SELECT reveal('sec', 'n', :door);
RESET ROLE;

-- Errors never show a value.
SELECT remember('sec', 'n', 'No value', 'secret');
SELECT remember('sec', 'n', 'No value', 'secret', attributes => '{"value": ""}');
SELECT remember('sec', 'n', 'No value', 'secret', attributes => '{"value": {"user": "hunter2"}}');
SELECT remember('sec', 'n', 'No value', 'secret', attributes => '{"value": null}');
SELECT remember('sec', 'n', 'With a vector', 'secret', '[1,0]', attributes => '{"value": "hunter2"}');
SELECT remember('sec', 'n', '', 'secret', attributes => '{"value": "hunter2"}');
SELECT action, error FROM remember_many('sec', 'n', '[{"content": "No value", "kind": "secret", "attributes": {"VALUE": "hunter2"}}]', on_error => 'skip');
SELECT revise('sec', 'n', :door, attributes => '["value"]');
SELECT revise('sec', 'n', :door, embedding => '[1,0]');
SELECT reveal('sec', 'n', 999);
SELECT reveal('sec', 'other', :door);
SELECT reveal('sec', 'n', id) FROM list('sec', 'n', kinds => '{fact}') LIMIT 1;
\set VERBOSITY sqlstate
SELECT reveal('sec', 'n', NULL);
SELECT reveal('sec', NULL, 1);
SELECT reveal(NULL, 'n', 1);
SELECT reveal('none', 'n', 1);
\set VERBOSITY default
DROP TABLE sec.secret;
SELECT reveal('sec', 'n', 1);
DROP SCHEMA sec CASCADE;

-- In partitions.
SELECT create_store('sec', partitions => 2);
SELECT id AS token FROM remember('sec', 'n', 'Token', 'secret', attributes => '{"value": "one"}') \gset
SELECT action FROM remember('sec', 'n', 'Token', 'secret', attributes => '{"value": "two"}');
SELECT reveal('sec', 'n', :token);
SELECT count(*), count(*) FILTER (WHERE upper_inf(system_period)) AS current FROM sec.secret;
SELECT drop_store('sec', cascade => true);
DROP ROLE agm_clerk, agm_writer;

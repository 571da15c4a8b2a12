-- What kinds, their attributes and views refuse.
SET search_path = public, agentmem;
SET client_min_messages = warning;
\set VERBOSITY default
\set SHOW_CONTEXT never

SELECT create_store('mem');

-- What is no object has no attributes, whichever way it comes.
SELECT check_attributes('mem', 'commitment', '[1]');
SELECT check_attributes('mem', 'commitment', '"due_at"');
SELECT remember('mem', 'n', 'x', 'commitment', attributes => '[1]');
SELECT remember('mem', 'n', 'x', 'secret', attributes => '[1]');
INSERT INTO mem.memory (namespace, kind, content, attributes) VALUES ('n', 'commitment', 'x', '[1]');

-- Values that are not of the type.
SELECT remember('mem', 'n', 'x', 'commitment', attributes => '{"due_at": "soon"}');
SELECT remember('mem', 'n', 'x', 'commitment', attributes => '{"due_at": ["2026-01-01"]}');
SELECT remember('mem', 'n', 'x', 'summary', attributes => '{"level": 99999999999}');
SELECT remember('mem', 'n', 'x', 'summary', attributes => jsonb_build_object('level', repeat('y', 200)));
INSERT INTO mem.memory (namespace, kind, content, attributes) VALUES ('n', 'commitment', 'x', '{"due_at": true}');
SELECT remember('mem', 'n', 'x', 'commitment');
UPDATE mem.memory SET attributes = '{"due_at": {}}';
UPDATE mem.memory SET attributes = '{"level": "no"}', kind = 'summary';
SELECT revise('mem', 'n', id, attributes => '{"due_at": 3}') FROM mem.memory;

-- Declarations.
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": "nothing"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": "record"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": "pg_catalog.pg_class"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": {"typ": "text"}}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": {"meaning": "m"}}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": 1}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '["a"]');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"content": "text"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"attributes": "jsonb"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"language": "text"}');
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"": "text"}');
SELECT add_kind('mem', 'k', 'odd', 'x');
SELECT add_kind('mem', 'k', 'semantic', NULL);
SELECT add_kind('mem', 'fact', 'semantic', 'x');
SELECT add_kind('mem', 'attribute', 'semantic', 'x');
SELECT add_kind('mem', '{store}', 'semantic', 'x');
SELECT add_kind('mem', repeat('k', 59), 'semantic', 'x');
SELECT add_kind('mem', 'k', 'semantic', 'x', supersede => 'never');
SELECT add_kind('none', 'k', 'semantic', 'x');
SELECT add_kind('public', 'k', 'semantic', 'x');
SELECT count(*) FROM mem.kind WHERE name NOT IN ('fact') AND meaning = 'x';
INSERT INTO mem.kind_attribute (kind, name, type) VALUES ('fact', 'a', 'int4');

-- Changes that what is held does not fit, or that make no sense.
SELECT add_kind('mem', 'k', 'semantic', 'x', '{"a": {"type": "text", "required": true}}');
SELECT remember('mem', 'n', 'x', 'k');
SELECT remember('mem', 'n', 'x', 'k', attributes => '{"a": null}');
SELECT action FROM remember('mem', 'n', 'x', 'k', attributes => '{"a": "word"}');
SELECT alter_kind('mem', 'k', attributes => '{"a": "int"}');
SELECT alter_kind('mem', 'k', attributes => '{"b": {"type": "int", "required": true}}');
SELECT alter_kind('mem', 'k', attributes => '{"c": null}');
SELECT alter_kind('mem', 'none', meaning => 'y');
SELECT alter_kind('mem', NULL, meaning => 'y');
SELECT alter_kind('mem', 'k', clear => '{half_life,name}');
SELECT alter_kind('mem', 'k', clear => '{half_life,NULL}');
SELECT alter_kind('mem', 'k', clear => '{half_life}', half_life => '1 day');
SELECT alter_kind('mem', 'k', class => 'odd');
-- A vault keeps what it holds apart: not changed while anything is held, or in history.
SELECT alter_kind('mem', 'k', class => 'vault');
SELECT action FROM remember('mem', 'n', 'y', 'secret', attributes => '{"value": "v"}');
SELECT forget('mem', 'n', id) FROM mem.memory WHERE kind = 'secret';
SELECT alter_kind('mem', 'secret', class => 'working');
UPDATE mem.kind SET class = 'odd' WHERE name = 'k';
CREATE VIEW public.above AS SELECT a FROM mem.kind_k;
SELECT alter_kind('mem', 'k', attributes => '{"b": "int"}');
DROP VIEW public.above;
SELECT name, type FROM mem.kind_attribute WHERE kind = 'k';

-- Views.
INSERT INTO mem.kind_k (namespace, content) VALUES ('n', 'y');
INSERT INTO mem.kind_k (namespace, a) VALUES ('n', 'y');
UPDATE mem.kind_k SET a = NULL;
UPDATE mem.kind_k SET namespace = 'm';
UPDATE mem.kind_k SET id = 99;
UPDATE mem.kind_k SET content = NULL;
UPDATE mem.kind_k SET attributes = '{"b": 1, "a": "y"}';
INSERT INTO mem.kind_k (namespace, content, attributes) VALUES ('n', 'y', '{"a": "y"}');
UPDATE mem.kind_k SET attributes = '[1]';
INSERT INTO mem.kind_k (namespace, content, a, attributes) VALUES ('n', 'y', 'z', '"s"');
INSERT INTO mem.kind_fact (namespace, content, attributes) VALUES ('n', 'y', 'null');
UPDATE mem.kind_k SET provenance = NULL;
UPDATE mem.kind_k SET provenance = 'odd';
UPDATE mem.kind_k SET language = 'odd';
COPY mem.kind_k TO stdout;
SELECT retire_kind('mem', 'k');
\set VERBOSITY terse
INSERT INTO mem.kind_k (namespace, content, a) VALUES ('n', 'y', 'z');
SELECT remember('mem', 'n', 'x', 'k', attributes => '{"a": "word"}');
SELECT ordinal, action, error FROM remember_many('mem', 'n', '[{"content": "z", "kind": "k", "attributes": {"a": 1}}]', on_error => 'skip');
UPDATE mem.memory SET kind = 'k', attributes = '{"a": 1}' WHERE kind = 'commitment';

-- Only the owner changes kinds.
CREATE ROLE kinds_user;
GRANT USAGE ON SCHEMA mem TO kinds_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mem TO kinds_user;
SET ROLE kinds_user;
SELECT agentmem.add_kind('mem', 'mine', 'semantic', 'x');
SELECT agentmem.alter_kind('mem', 'k', meaning => 'y');
SELECT agentmem.retire_kind('mem', 'fact');
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA mem FROM kinds_user;
REVOKE ALL ON SCHEMA mem FROM kinds_user;
DROP ROLE kinds_user;

-- The owner under row security: what it hides counts, and is not told.
CREATE ROLE kinds_owner;
SELECT current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO kinds_owner;
SET ROLE kinds_owner;
SELECT agentmem.create_store('theirs');
SELECT action FROM agentmem.remember('theirs', 'n', 'x', 'fact', attributes => '{"a": "hidden word"}');
SELECT agentmem.enable_row_security('theirs');
SELECT count(*) FROM theirs.memory;
SELECT agentmem.alter_kind('theirs', 'fact', attributes => '{"a": "int"}');
SELECT agentmem.alter_kind('theirs', 'fact', class => 'vault');
SELECT agentmem.alter_kind('theirs', 'fact', attributes => '{"a": "text"}');
SELECT relname FROM pg_class WHERE relnamespace = 'theirs'::regnamespace AND relname IN ('memory', 'memory_history') AND NOT relforcerowsecurity;
SELECT agentmem.drop_store('theirs', cascade => true);
RESET ROLE;
REVOKE CREATE ON DATABASE :"db" FROM kinds_owner;
DROP ROLE kinds_owner;
SELECT drop_store('mem', cascade => true);

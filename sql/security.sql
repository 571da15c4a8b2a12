-- What a hostile or careless owner of a schema can and cannot do to those who read it.
SET client_min_messages = warning;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- The view stores runs nothing that such a schema supplies: not the cast of a column's
-- type, not a view, not a policy.
CREATE SCHEMA evil;
CREATE TYPE evil.t AS (x text);
CREATE FUNCTION evil.spring(evil.t) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION evil.spring() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE CAST (evil.t AS int) WITH FUNCTION evil.spring(evil.t);
CREATE TABLE evil.memory (namespace text, lexemes tsvector, embedding agentmem.vector(3));
CREATE TABLE evil.kind (name text);
CREATE TABLE evil.key_lock (namespace text);
CREATE VIEW evil.namespace AS SELECT 'n'::text AS namespace WHERE evil.spring();
CREATE TABLE evil.setting (name text, value evil.t);
INSERT INTO evil.setting VALUES ('dimensions', ROW ('3'));
SELECT store, dimensions, metric FROM agentmem.stores;
DROP TABLE evil.setting;
CREATE TABLE evil.setting (name text, value text);
INSERT INTO evil.setting VALUES ('metric', 'cosine'), ('dimensions', 'many');
SELECT store, dimensions, metric FROM agentmem.stores;
ALTER TABLE evil.setting ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON evil.setting USING (evil.spring());
ALTER TABLE evil.setting FORCE ROW LEVEL SECURITY;
SELECT store, metric FROM agentmem.stores;
DROP TABLE evil.setting;
CREATE VIEW evil.setting AS SELECT 'metric'::text AS name, 'x'::text AS value WHERE evil.spring();
SELECT store, metric FROM agentmem.stores;

-- A value of another type than the functions expect is an error, never a pointer.
DROP VIEW evil.setting, evil.namespace;
CREATE TABLE evil.namespace (namespace text, languages text[], memories bigint);
CREATE SEQUENCE evil.operation_seq;
CREATE VIEW evil.setting AS SELECT 'language'::text AS name, 42::bigint AS value;
SELECT agentmem.remember('evil', 'n', 'x');
SELECT * FROM agentmem.recall('evil', 'n', 'x');
DROP SCHEMA evil CASCADE;

SELECT agentmem.create_store('changed', dimensions => 2);
SELECT action FROM agentmem.remember('changed', 'n', 'x', 'fact', '[1,0]', importance => 0.5);
SELECT agentmem.drop_kind_views('changed');
ALTER TABLE changed.memory ALTER source TYPE varchar(10);
SELECT source FROM agentmem.list('changed', 'n');
SELECT id FROM agentmem.recall('changed', 'n', 'x');
ALTER TABLE changed.memory ALTER source TYPE text;
\set VERBOSITY sqlstate
ALTER TABLE changed.memory DROP CONSTRAINT memory_importance_check, ALTER importance TYPE float8;
SELECT importance FROM agentmem.list('changed', 'n');
SELECT id FROM agentmem.recall('changed', 'n', 'x');
\set VERBOSITY default
ALTER TABLE changed.memory ALTER importance TYPE float4;
SELECT importance FROM agentmem.list('changed', 'n');
ALTER TABLE changed.namespace ALTER languages DROP NOT NULL;
UPDATE changed.namespace SET languages = NULL;
SELECT id FROM agentmem.recall('changed', 'n', 'x');
UPDATE changed.namespace SET languages = '{english,volapuek}';
SELECT id FROM agentmem.recall('changed', 'n', 'x');
SELECT id FROM agentmem.recall('changed', 'n', embedding => '[1,0]');

-- Lengths that someone zeroed: still an order, never NaN.
UPDATE changed.namespace SET languages = '{english}';
UPDATE changed.memory SET tokens = 0;
SELECT id, (channels #>> '{lexical,score}')::float8 > 0 AS scored FROM agentmem.recall('changed', 'n', 'x');

-- The settings that inner statements are planned under do not reach the user's code.
CREATE FUNCTION pg_temp.tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE WARNING 'enable_seqscan %, jit %', current_setting('enable_seqscan'), current_setting('jit');
  RETURN NEW;
END $$;
CREATE TRIGGER tell BEFORE INSERT ON changed.memory FOR EACH ROW EXECUTE FUNCTION pg_temp.tell();
SET jit = on;
SELECT action FROM agentmem.remember('changed', 'n', 'y');
SELECT current_setting('enable_seqscan'), current_setting('jit');
RESET jit;
SELECT agentmem.drop_store('changed', cascade => true);

-- A store that is dropped, made anew or renamed is found by its name each time.
SELECT agentmem.create_store('first', dimensions => 2);
SELECT action FROM agentmem.remember('first', 'n', 'one', 'fact', '[1,0]');
ALTER SCHEMA first RENAME TO second;
SELECT content FROM agentmem.recall('second', 'n', 'one');
SELECT content FROM agentmem.recall('first', 'n', 'one');
SELECT agentmem.create_store('first', dimensions => 3);
SELECT action FROM agentmem.remember('first', 'n', 'three', 'fact', '[1,0,0]');
SELECT content FROM agentmem.recall('first', 'n', 'three', '[1,0,0]');
SELECT content FROM agentmem.recall('second', 'n', 'one', '[1,0]');
SELECT agentmem.drop_store('first', cascade => true), agentmem.drop_store('second', cascade => true);

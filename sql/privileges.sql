-- Who may do what: stores obey schemas, grants and row security like any table.
SET client_min_messages = warning;
CREATE ROLE agm_owner;
CREATE ROLE agm_reader;
CREATE ROLE agm_stranger;
SELECT current_database() AS db \gset
GRANT CREATE ON DATABASE :"db" TO agm_owner;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- An ordinary role makes a store and owns all of it.
SET ROLE agm_owner;
SELECT agentmem.create_store('mem', dimensions => 2);
SELECT action FROM agentmem.remember('mem', 'a', 'the key is under the mat', embedding => '[1,0]');
SELECT action FROM agentmem.remember('mem', 'b', 'the key is in the drawer', embedding => '[0,1]');
SELECT count(*) AS not_mine FROM pg_class WHERE relnamespace = 'mem'::regnamespace AND relowner <> 'agm_owner'::regrole;
SELECT store, owner FROM agentmem.stores;

-- Without USAGE on the schema; with it, without SELECT; with SELECT, without INSERT.
SET ROLE agm_reader;
SELECT * FROM agentmem.recall('mem', 'a', 'key');
SELECT * FROM agentmem.stores;
SET ROLE agm_owner;
GRANT USAGE ON SCHEMA mem TO agm_reader;
SET ROLE agm_reader;
SELECT * FROM agentmem.recall('mem', 'a', 'key');
SELECT agentmem.remember('mem', 'a', 'x');
SELECT * FROM agentmem.stores;
SET ROLE agm_owner;
GRANT SELECT ON ALL TABLES IN SCHEMA mem TO agm_reader;
SET ROLE agm_reader;
SELECT id, content FROM agentmem.recall('mem', 'a', 'key', '[1,0]');
SELECT id, content FROM agentmem.list('mem', 'b');
SELECT agentmem.remember('mem', 'a', 'x');
SELECT store FROM agentmem.stores;
SELECT agentmem.drop_store('mem', cascade => true);

-- A writer needs no more than INSERT, SELECT and UPDATE on the tables and USAGE on the ids.
SET ROLE agm_owner;
GRANT INSERT, UPDATE ON mem.memory, mem.activity, mem.namespace, mem.key_lock TO agm_reader;
SET ROLE agm_reader;
SELECT agentmem.remember('mem', 'a', 'x');
SET ROLE agm_owner;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA mem TO agm_reader;
SET ROLE agm_reader;
SELECT action FROM agentmem.remember('mem', 'a', 'written by another', 'fact');
SELECT action FROM agentmem.remember('mem', 'a', 'Written by another', 'fact', tags => '{t}');

-- Row security of the owner's own making holds in every function.
SET ROLE agm_owner;
ALTER TABLE mem.memory ENABLE ROW LEVEL SECURITY;
CREATE POLICY only_a ON mem.memory USING (namespace = 'a');
SET ROLE agm_reader;
SELECT id FROM agentmem.recall('mem', 'b', 'key', '[0,1]');
SELECT id FROM agentmem.list('mem', 'b');
SELECT agentmem.count('mem', 'b'), agentmem.count('mem', 'a');
SELECT agentmem.remember('mem', 'b', 'refused');
-- Privilege is no fault of the data: a batch does not skip it.
SELECT * FROM agentmem.remember_many('mem', 'b', '[{"content": "refused"}]', on_error => 'skip');

-- A stranger learns nothing but that he may not.
SET ROLE agm_stranger;
SELECT * FROM agentmem.recall('mem', 'a', 'key');
SELECT * FROM agentmem.get('mem', 'a', '{1}');
SELECT * FROM agentmem.namespaces('mem');
\set VERBOSITY sqlstate
SELECT agentmem.create_store('mine');
\set VERBOSITY default

-- Planted functions and operators do not get to run.
RESET ROLE;
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.spring() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT trap.spring()';
CREATE FUNCTION trap.eq(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT trap.spring()';
CREATE FUNCTION trap.plus(bigint, integer) RETURNS bigint LANGUAGE sql AS 'SELECT trap.spring()::int::bigint';
CREATE FUNCTION trap.gt(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT trap.spring()';
CREATE FUNCTION trap.fold(text) RETURNS text LANGUAGE sql AS 'SELECT trap.spring()::text';
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT trap.spring()::text::timestamptz';
CREATE FUNCTION trap.count(text) RETURNS bigint LANGUAGE sql AS 'SELECT trap.spring()::int::bigint';
CREATE FUNCTION trap.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT trap.spring()::int::bigint';
CREATE FUNCTION trap.octet_length(text) RETURNS integer LANGUAGE sql AS 'SELECT trap.spring()::int';
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.eq);
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.eq);
CREATE OPERATOR trap.+ (LEFTARG = bigint, RIGHTARG = integer, FUNCTION = trap.plus);
CREATE OPERATOR trap.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = trap.gt);
SET ROLE agm_owner;
SET search_path = trap, pg_catalog;
SELECT agentmem.create_store('mem2', dimensions => 2);
SELECT action FROM agentmem.remember('mem2', 'a', 'said twice', 'fact', '[1,0]', tags => '{x}');
SELECT action FROM agentmem.remember('mem2', 'a', 'said twice', 'fact', tags => '{y}', subject => '');
SELECT action FROM agentmem.remember_many('mem2', 'a', '[{"content": "one", "kind": "fact"}, {"content": "two", "kind": "fact", "subject": "s"}]');
SELECT id FROM agentmem.recall('mem2', 'a', 'twice', '[1,0]', subject => NULL, session => NULL, kinds => '{fact}', tags => '{x}', prefix => true);
SELECT id FROM agentmem.list('mem2', 'a', subject => 'S');
SELECT id FROM agentmem.get('mem2', 'a', ids => '{1}', keys => '{k}');
SELECT agentmem.count('mem2', 'a');
SELECT namespace, memories FROM agentmem.namespaces('mem2', 'a');
SELECT store FROM agentmem.stores;
SELECT agentmem.drop_store('mem2', cascade => true);
RESET search_path;
RESET ROLE;
DROP SCHEMA trap CASCADE;

SET ROLE agm_owner;
SELECT agentmem.drop_store('mem', cascade => true);
RESET ROLE;
REVOKE CREATE ON DATABASE :"db" FROM agm_owner;
DROP ROLE agm_owner, agm_reader, agm_stranger;

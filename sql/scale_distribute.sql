-- distribute(): the error without Citus, and what it asks of Citus, in which order. The functions and catalogs below are
-- stand-ins by Citus's names that note their calls and distribute nothing; with Citus itself it is test/tap/560_citus.pl.
SET client_min_messages = warning;
SET search_path = public, agentmem;
SELECT create_store('spread', dimensions => 3), create_store('parts', partitions => 2);
SELECT distribute('spread');
SELECT distribute('nope');
SELECT distribute(NULL);
SELECT is_distributed('spread.memory'), is_distributed(NULL), shard_of('spread', 'a'), (SELECT array_agg(l) FROM local_shards('spread') l);
SELECT shard_of('spread', ''), 1;
SELECT shard_of(NULL, 'a');
SELECT shard_of('spread', NULL);
SELECT local_shards(NULL);
SELECT local_shards('spread', NULL);
SET agentmem.shard = 'x';
-- A shard that there is not is none.
SET agentmem.shard = '1';
SELECT count(*) FROM spread.memory;
RESET agentmem.shard;
-- Every function for users that is of one namespace.
SELECT count(*) > 40 AS enough, bool_or(f::text LIKE 'agentmem.plan\_%') AS internal FROM delegated_functions() f;
SELECT name, definition LIKE 'CREATE TRIGGER %' AS made, comment FROM own_triggers('spread.memory');
DROP FUNCTION IF EXISTS pg_temp.none();
SELECT drop_store('spread', cascade => true), drop_store('parts', cascade => true);

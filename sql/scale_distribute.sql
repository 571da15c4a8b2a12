-- distribute(): the errors, and what it asks of Citus, in which order. The catalogs and functions below are stand-ins with
-- Citus's names, which note that they were called and distribute nothing. With Citus itself: test/tap/560_citus.pl.
SET client_min_messages = warning;
SET search_path = public, agentmem;
\set VERBOSITY terse
\pset null -
SELECT create_store('spread', dimensions => 3), create_store('parts', partitions => 2), create_store('second');
\set VERBOSITY default
SELECT distribute('spread');
\set VERBOSITY terse
SELECT distribute('nope');
SELECT distribute(NULL);
SELECT is_distributed('spread.memory'), is_distributed(NULL), shard_of('spread', 'a'), ARRAY(SELECT local_shards('spread'));
SELECT shard_of('spread', '');
SELECT shard_of(NULL, 'a');
SELECT shard_of('spread', NULL);
SELECT local_shards(NULL);
SELECT local_shards('spread', NULL);
SET agentmem.shard = 'x';
-- Where there is no shard, the setting means none.
SET agentmem.shard = '1';
SELECT count(*) FROM spread.memory;
RESET agentmem.shard;
-- Functions for users that are of one namespace, and the triggers that are ours.
SELECT count(*) > 40 AS enough, bool_or(f::text ~ '(plan|apply)_') AS internal FROM delegated_functions() f;
SELECT name, definition LIKE 'CREATE TRIGGER %' AS made, comment FROM own_triggers('spread.memory');
SELECT count(*) FROM remember('spread', 'a', 'Tea');

SET allow_system_table_mods = on;
CREATE TABLE asked (n serial, what text);
CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char", colocationid int);
CREATE UNIQUE INDEX pg_dist_partition_logical_relid_index ON pg_catalog.pg_dist_partition (logicalrelid);
CREATE TABLE pg_catalog.pg_dist_object (classid oid, objid oid, objsubid int, colocationid int, force_delegation boolean,
  CONSTRAINT pg_dist_object_pkey PRIMARY KEY (classid, objid, objsubid));
CREATE FUNCTION pg_catalog.run_command_on_all_nodes(command text, OUT result text) RETURNS SETOF text LANGUAGE plpgsql AS
  $$BEGIN RETURN QUERY SELECT current_setting('asked.preloaded'); END$$;
CREATE FUNCTION pg_catalog.create_reference_table(t text) RETURNS void LANGUAGE plpgsql AS
  $$BEGIN INSERT INTO public.asked (what) VALUES ('reference ' || t); INSERT INTO pg_dist_partition VALUES (t::regclass, 'n', 1); END$$;
CREATE FUNCTION pg_catalog.create_distributed_table(t regclass, key text, colocate_with text, shard_count int DEFAULT NULL) RETURNS void LANGUAGE plpgsql AS
  $$BEGIN
    INSERT INTO public.asked (what) SELECT concat_ws(' ', t, key, colocate_with, shard_count, 'triggers', (SELECT count(*) FROM pg_trigger g WHERE g.tgrelid = t), current_setting('citus.enable_unsafe_triggers'), current_setting('citus.multi_shard_modify_mode'));
    INSERT INTO pg_dist_partition VALUES (t, 'h', 2);
  END$$;
CREATE FUNCTION pg_catalog.truncate_local_data_after_distributing_table(t regclass) RETURNS void LANGUAGE plpgsql AS
  $$BEGIN INSERT INTO public.asked (what) VALUES ('truncate ' || t); END$$;
CREATE FUNCTION pg_catalog.create_distributed_function(f regprocedure, argument text, colocate_with text, force_delegation boolean) RETURNS void LANGUAGE plpgsql AS
  $$BEGIN
    INSERT INTO public.asked (what) VALUES (concat_ws(' ', 'function', argument, colocate_with, force_delegation));
    INSERT INTO pg_dist_object VALUES ('pg_proc'::regclass, f, 0, 2, force_delegation);
  END$$;

SET asked.preloaded = 'f';
\set VERBOSITY default
SELECT distribute('spread');
\set VERBOSITY terse
SET asked.preloaded = 't';
SELECT distribute('parts');
SELECT distribute('spread', 0);
SELECT distribute('spread', 8);
SELECT what, count(*) > 40 AS many FROM asked GROUP BY what ORDER BY min(n);
-- All is there already.
TRUNCATE asked;
SELECT distribute('spread');
SELECT what FROM asked;
-- Triggers are as they were; another store is cut like the first, and its functions are sent already.
SELECT t.tgrelid::regclass AS "table", t.tgname AS trigger, obj_description(t.oid, 'pg_trigger') AS comment FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'spread'::regnamespace AND c.relkind = 'r' AND NOT t.tgisinternal ORDER BY 1, 2;
SELECT distribute('second');
SELECT what FROM asked WHERE what !~ '^(reference|truncate)' ORDER BY n;
SELECT is_distributed('second.memory');
-- A table that came later.
DELETE FROM pg_dist_partition WHERE logicalrelid = 'second.audit'::regclass;
TRUNCATE asked;
SELECT distribute('second');
SELECT what FROM asked;
-- What a distributed store refuses.
SELECT begin_space('second', 3, 'x');
SELECT * FROM recall('second', NULL, 'x');
PREPARE p (text) AS SELECT * FROM recall('second', $1, 'x');
EXECUTE p (NULL);

DROP FUNCTION pg_catalog.run_command_on_all_nodes, pg_catalog.create_reference_table, pg_catalog.create_distributed_table,
  pg_catalog.truncate_local_data_after_distributing_table, pg_catalog.create_distributed_function;
DROP TABLE pg_catalog.pg_dist_partition, pg_catalog.pg_dist_object, asked;
RESET allow_system_table_mods;
SELECT count(*) FROM recall('spread', 'a', 'tea');
SELECT drop_store('spread', cascade => true), drop_store('parts', cascade => true), drop_store('second', cascade => true);

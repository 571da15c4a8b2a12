-- Stores over several servers, by Citus. Rules: src/scale/README.md, "Citus".

-- The functions that Citus sends to where their namespace is: those of one namespace that are for users.
CREATE FUNCTION agentmem.delegated_functions()
RETURNS SETOF regprocedure LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    SELECT p.oid::regprocedure FROM pg_proc p
    WHERE p.pronamespace = 'agentmem'::regnamespace AND p.prokind = 'f' AND p.proargtypes[0] = 'name'::regtype AND p.proargtypes[1] = 'text'::regtype
      AND (SELECT array_agg(i.name ORDER BY i.place) FROM (
             SELECT a.name, a.place FROM unnest(p.proargnames, coalesce(p.proargmodes, array_fill('i'::"char", ARRAY[cardinality(p.proargnames)]))) WITH ORDINALITY a(name, mode, place)
             WHERE a.mode IN ('i', 'b') ORDER BY a.place LIMIT 2) i) = '{store,namespace}'
      AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal to %'
    ORDER BY p.oid::regprocedure::text COLLATE "C";
END
$$;
COMMENT ON FUNCTION agentmem.delegated_functions() IS
  'Internal to distribute: the functions for users that are of one namespace';

-- A call without a namespace would end the server that is to send it.
CREATE FUNCTION agentmem.routed_support(internal) RETURNS internal
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_routed_support';
COMMENT ON FUNCTION agentmem.routed_support(internal) IS
  'Refuses, while planning, a call without a namespace of a function that Citus sends to where its namespace is';
DO $$
DECLARE
  f regprocedure;
BEGIN
  FOR f IN SELECT agentmem.delegated_functions() LOOP
    EXECUTE pg_catalog.format('ALTER FUNCTION %s SUPPORT agentmem.routed_support', f);
  END LOOP;
END
$$;

-- Triggers of ours on a table, with what makes them anew: rows that are copied to shards have been through them.
CREATE FUNCTION agentmem.own_triggers(relation regclass, OUT name name, OUT definition text, OUT comment text)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    SELECT t.tgname, pg_get_triggerdef(t.oid), obj_description(t.oid, 'pg_trigger')
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE t.tgrelid = relation AND NOT t.tgisinternal AND p.pronamespace = 'agentmem'::regnamespace
    ORDER BY t.tgname;
END
$$;
COMMENT ON FUNCTION agentmem.own_triggers(regclass) IS 'Internal to distribute: the triggers of agentmem on a table';

-- Citus's functions by EXECUTE alone: nothing here needs it to be built, installed or restored.
CREATE FUNCTION agentmem.distribute(store name, shards int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $distribute$
DECLARE
  schema_id oid := agentmem.owned_store(store);
  memory text := format('%I.memory', store);
  anchor text;                -- a table beside whose shards ours are to be
  filled boolean;
  without bigint;             -- servers
  t record;
  g record;
  triggers text[];
BEGIN
  IF to_regclass('pg_catalog.pg_dist_partition') IS NULL THEN
    RAISE EXCEPTION 'Citus is not installed in this database'
      USING ERRCODE = 'feature_not_supported', HINT = 'CREATE EXTENSION citus on each server, with citus in shared_preload_libraries; without it see docs/howto/scale-out.md for partitions and PL/Proxy.';
  END IF;
  -- Some statements with our functions would end a server that knows nothing of them.
  EXECUTE 'SELECT count(*) FROM run_command_on_all_nodes($1) n WHERE n.result IS DISTINCT FROM ''t''' INTO without
    USING 'SELECT bool_or(s.setting ~ ''\magentmem\M'') FROM pg_settings s WHERE s.name IN (''shared_preload_libraries'', ''session_preload_libraries'')';
  IF without > 0 THEN
    RAISE EXCEPTION 'agentmem is not preloaded on % of the servers', without
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'On each of them set shared_preload_libraries = ''citus, agentmem'', in this order, and restart it.';
  END IF;
  IF shards NOT BETWEEN 1 AND 64000 THEN
    RAISE EXCEPTION 'shards must be between 1 and 64000, not %', shards
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for citus.shard_count.';
  END IF;
  IF (SELECT c.relkind = 'p' FROM pg_class c WHERE c.oid = memory::regclass) THEN
    RAISE EXCEPTION 'store "%" is in partitions, which cannot be distributed', store
      USING ERRCODE = 'feature_not_supported', HINT = 'Make a store with partitions => 0, and move the namespaces by export() and import().';
  END IF;
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = memory::regclass AND (a.attname = 'embedding_next' OR a.attnum > 0 AND a.attisdropped)) THEN
    RAISE EXCEPTION 'store "%" had, or has, a second space', store
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Make a new store, and move the namespaces by export() and import().';
  END IF;
  -- Histories are written by triggers; tables are made one after the other, in one transaction.
  PERFORM set_config('citus.enable_unsafe_triggers', 'on', true), set_config('citus.multi_shard_modify_mode', 'sequential', true);

  -- Policies: every server has all of them.
  FOR t IN
    SELECT p.name FROM unnest('{setting,kind,kind_attribute,predicate,edge_type,cache_category}'::name[]) WITH ORDINALITY p(name, place)
    WHERE NOT agentmem.is_distributed(format('%I.%I', store, p.name)) ORDER BY p.place
  LOOP
    EXECUTE 'SELECT create_reference_table($1)' USING format('%I.%I', store, t.name);
    EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING format('%I.%I', store, t.name)::regclass;
  END LOOP;

  -- All stores of a database are beside each other, as a function is sent by one kind of table.
  EXECUTE 'SELECT (SELECT d.logicalrelid::text FROM pg_dist_object o JOIN pg_dist_partition d ON d.colocationid = o.colocationid AND d.partmethod = ''h'''
          ' WHERE o.classid = ''pg_proc''::regclass AND o.objid = $1 ORDER BY d.logicalrelid::text LIMIT 1)'
    INTO anchor USING (SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'agentmem'::regnamespace AND p.proname = 'remember');
  FOR t IN
    SELECT d.name FROM agentmem.data_tables(schema_id) d(name)
    WHERE NOT agentmem.is_distributed(format('%I.%I', store, d.name)) ORDER BY d.name <> 'memory', d.name
  LOOP
    triggers := '{}';
    FOR g IN SELECT * FROM agentmem.own_triggers(format('%I.%I', store, t.name)) LOOP
      EXECUTE format('DROP TRIGGER %I ON %I.%I', g.name, store, t.name);
      triggers := triggers || g.definition || coalesce(format('COMMENT ON TRIGGER %I ON %I.%I IS %L', g.name, store, t.name, g.comment), 'SELECT');
    END LOOP;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I)', store, t.name) INTO filled;
    IF t.name = 'memory' AND anchor IS NULL THEN
      EXECUTE 'SELECT create_distributed_table($1, ''namespace'', colocate_with => ''none'', shard_count => coalesce($2, current_setting(''citus.shard_count'')::int))' USING memory, shards;
    ELSE
      EXECUTE 'SELECT create_distributed_table($1, ''namespace'', colocate_with => $2)' USING format('%I.%I', store, t.name), CASE t.name WHEN 'memory' THEN anchor ELSE memory END;
    END IF;
    IF filled THEN
      EXECUTE 'SELECT truncate_local_data_after_distributing_table($1)' USING format('%I.%I', store, t.name)::regclass;
    END IF;
    FOR i IN 1 .. cardinality(triggers) LOOP
      EXECUTE triggers[i];
    END LOOP;
  END LOOP;

  -- Only what is not so already: it takes the owner of the functions.
  FOR t IN
    EXECUTE 'SELECT f.f FROM agentmem.delegated_functions() f(f) WHERE NOT EXISTS (SELECT FROM pg_dist_object o JOIN pg_dist_partition d ON d.colocationid = o.colocationid'
            ' WHERE o.classid = ''pg_proc''::regclass AND o.objid = f.f AND o.force_delegation AND d.logicalrelid = $1)' USING memory::regclass
  LOOP
    EXECUTE 'SELECT create_distributed_function($1, ''$2'', colocate_with => $2, force_delegation => true)' USING t.f, memory;
  END LOOP;
END
$distribute$;
COMMENT ON FUNCTION agentmem.distribute(name, int) IS
  'Spreads a store over the servers of Citus: each namespace is on one, where the functions that name it run. shards: into how many parts the first store of a database is cut, NULL for citus.shard_count; safe to repeat';

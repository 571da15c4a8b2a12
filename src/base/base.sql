-- Loaded by CREATE EXTENSION only: running the file in psql would make loose objects.
\echo Use "CREATE EXTENSION agentmem" to load this file. \quit

-- A member, which an extension's own schema cannot be: that is pg_catalog in the control file, where nothing is put. It goes with the
-- extension, and one that is there already, with whatever in it, is an error.
CREATE SCHEMA agentmem;
COMMENT ON SCHEMA agentmem IS 'agentmem: long-term memory for AI agents';
-- Functions run as their caller and touch what he may touch: everyone may call them.
GRANT USAGE ON SCHEMA agentmem TO PUBLIC;


-- Shards (README.md): where an engine keeps the rows of a distributed store.
CREATE FUNCTION agentmem.is_distributed(relation regclass) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_is_distributed';
COMMENT ON FUNCTION agentmem.is_distributed(regclass) IS
  'Whether a table is but a name, and its rows are in shards of Citus';

CREATE FUNCTION agentmem.shard_of(store name, namespace text) RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'agm_fn_shard_of';
COMMENT ON FUNCTION agentmem.shard_of(name, text) IS
  'Internal to maintain: the shard of this server that has a namespace, kept here until the transaction ends; empty where the store is not distributed';

CREATE FUNCTION agentmem.local_shards(store name, required boolean DEFAULT false) RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_local_shards';
COMMENT ON FUNCTION agentmem.local_shards(name, boolean) IS
  'Internal to maintain: the shards of a store on this server; one that is empty where the store is not distributed. required: an error if there is none, or if nothing can be written';

CREATE FUNCTION agentmem.one_by_one(store name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF agentmem.is_distributed(to_regclass(format('%I.memory', store))) THEN
    PERFORM set_config('citus.multi_shard_modify_mode', 'sequential', true), set_config('citus.enable_unsafe_triggers', 'on', true);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.one_by_one(name) IS
  'Internal to alter_kind, drop_store and upgrade_store: until the transaction ends Citus lets what a distributed store is made of be read and changed in one transaction';

-- The step that tells which tables wait for VACUUM, which keeps indexes in order, and which B-trees are worth being made anew. Rules:
-- src/consolidate/README.md, "Indexes".

CREATE FUNCTION agentmem.index_density(index regclass)
RETURNS real LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_index_density';
COMMENT ON FUNCTION agentmem.index_density(regclass) IS 'Internal to sparse_indexes: what share of the leaves of a B-tree is in use, by some of them';

CREATE FUNCTION agentmem.sparse_indexes(store name, least_bytes bigint DEFAULT 8388608, OUT index name, OUT bytes bigint, OUT density real, OUT command text)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF store IS NULL OR least_bytes IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'least_bytes' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a store, and a size in bytes, or leave it out.';
  END IF;
  PERFORM agentmem.owned_store(store);
  -- Half as full as a new one, which is filled to nine tenths.
  RETURN QUERY
    WITH tree AS MATERIALIZED (
      SELECT c.oid, c.relname, pg_relation_size(c.oid) AS bytes
      FROM pg_class c JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' JOIN pg_index i ON i.indexrelid = c.oid AND i.indisvalid
      WHERE c.relnamespace = to_regnamespace(quote_ident(store)) AND c.relkind = 'i'),
    looked AS MATERIALIZED (SELECT t.relname, t.bytes, agentmem.index_density(t.oid) AS density FROM tree t WHERE t.bytes >= least_bytes)
    SELECT d.relname, d.bytes, d.density, format('REINDEX INDEX CONCURRENTLY %I.%I', store, d.relname) FROM looked d WHERE d.density < 0.45 ORDER BY d.bytes DESC, d.relname;
END
$$;
COMMENT ON FUNCTION agentmem.sparse_indexes(name, bigint) IS
  'B-trees of a store of so many bytes at least whose pages are less than half as full as those of new ones, with the command that makes each anew: for the owner of the store';

CREATE FUNCTION agentmem.plan_index(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  vacuum jsonb;
  sparse jsonb;
BEGIN
  -- More than twice what autovacuum waits for by default.
  SELECT jsonb_object_agg(s.relname, s.n_ins_since_vacuum + s.n_dead_tup ORDER BY s.relname) INTO vacuum
  FROM pg_class c JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.relnamespace = to_regnamespace(quote_ident(store)) AND c.relkind = 'r'
    AND s.n_ins_since_vacuum + s.n_dead_tup > 50000 + 0.5 * greatest(c.reltuples, 0);
  IF (state ->> 'begun')::timestamptz > at - interval '1 day' IS NOT TRUE THEN
    BEGIN
      SELECT jsonb_agg(s.command) INTO sparse FROM agentmem.sparse_indexes(store) s;
      state := jsonb_build_object('begun', at);
    EXCEPTION WHEN insufficient_privilege THEN
      -- Who does not own the store cannot make its indexes anew.
    END;
  END IF;
  plan := jsonb_strip_nulls(jsonb_build_object('vacuum', vacuum, 'reindex', sparse));
  -- That it has been looked at is to be remembered, though there be nothing to tell.
  ids := '{}';
END
$$;
COMMENT ON FUNCTION agentmem.plan_index(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: tables of the store that VACUUM should have come to, and indexes that are worth being made anew';

CREATE FUNCTION agentmem.apply_index(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF plan <> '{}' THEN
    changed := 0;
    details := plan;
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.apply_index(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: tells which tables should be vacuumed, and which indexes made anew';

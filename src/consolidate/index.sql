-- The step that tells which tables wait for VACUUM, which keeps indexes in order, and which indexes are worth being made anew. Rules:
-- src/consolidate/README.md, "Indexes".

CREATE FUNCTION agentmem.index_density(index regclass)
RETURNS real LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_index_density';
COMMENT ON FUNCTION agentmem.index_density(regclass) IS 'Internal to sparse_indexes: what share of the leaves of a B-tree, or of the entries of a GIN index, is in use, by some of them';

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
  RETURN QUERY
    WITH tree AS MATERIALIZED (
      SELECT c.oid, c.relname, pg_relation_size(c.oid) AS bytes, i.indisvalid, i.indrelid
      FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_index i ON i.indexrelid = c.oid
      WHERE c.relnamespace = to_regnamespace(quote_ident(store)) AND c.relkind = 'i' AND (a.amname IN ('btree', 'gin') OR NOT i.indisvalid)),
    looked AS MATERIALIZED (SELECT t.relname, t.bytes, agentmem.index_density(t.oid) AS density FROM tree t WHERE t.indisvalid AND t.bytes >= least_bytes),
    -- What a REINDEX that was cancelled or killed has left is written by everyone and read by nobody.
    broken AS (
      SELECT t.relname, t.bytes FROM tree t
      WHERE NOT t.indisvalid AND t.relname ~ '_cc(new|old)[0-9]*$' AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.relid = t.indrelid))
    SELECT d.relname, d.bytes, d.density, d.command
    FROM (SELECT b.relname, b.bytes, 0::real AS density, format('DROP INDEX CONCURRENTLY IF EXISTS %I.%I', store, b.relname) AS command, true AS is_broken FROM broken b
          UNION ALL
          -- Two thirds as full as a new one, which is filled to nine tenths; what rows come to in any order is seven tenths full.
          SELECT k.relname, k.bytes, k.density, format('REINDEX INDEX CONCURRENTLY %I.%I', store, k.relname), false FROM looked k WHERE k.density < 0.6) d
    ORDER BY d.is_broken DESC, d.bytes DESC, d.relname;
END
$$;
COMMENT ON FUNCTION agentmem.sparse_indexes(name, bigint) IS
  'Indexes of a store of so many bytes at least that are less than two thirds as full as new ones, with the command that makes each anew, and what an interrupted REINDEX left, with the command that drops it: for the owner of the store';

-- Of all namespaces of a store some 16 a day, or all where there are no more (or nobody has counted them): other ones each day.
CREATE FUNCTION agentmem.looks_at_indexes(store name, namespace text, at timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looks CONSTANT int := 16;
  day CONSTANT bigint := floor(extract(epoch FROM at) / 86400);
  namespaces bigint;
BEGIN
  SELECT sum(greatest(c.reltuples, 0)) INTO namespaces FROM pg_class c
  WHERE c.relkind = 'r' AND (c.oid = format('%I.namespace', store)::regclass OR c.oid IN (SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = format('%I.namespace', store)::regclass));
  RETURN namespaces > looks IS NOT TRUE OR (hashtextextended(namespace COLLATE "C", day) & 9223372036854775807) % namespaces < looks;
END
$$;
COMMENT ON FUNCTION agentmem.looks_at_indexes(name, text, timestamptz) IS 'Internal to maintain: whether a namespace is one of those whose maintenance looks at the indexes of the store on that day';

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
  IF (state ->> 'begun')::timestamptz > at - interval '1 day' IS NOT TRUE AND agentmem.looks_at_indexes(store, namespace, at) THEN
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

-- The step that tells which tables wait for VACUUM, which keeps indexes in order. Rules: src/consolidate/README.md, "Indexes".

CREATE FUNCTION agentmem.plan_index(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- More than twice what autovacuum waits for by default.
  SELECT jsonb_object_agg(s.relname, s.n_ins_since_vacuum + s.n_dead_tup ORDER BY s.relname) INTO plan
  FROM pg_class c JOIN pg_stat_all_tables s ON s.relid = c.oid
  WHERE c.relnamespace = to_regnamespace(quote_ident(store)) AND c.relkind = 'r'
    AND s.n_ins_since_vacuum + s.n_dead_tup > 50000 + 0.5 * greatest(c.reltuples, 0);
  ids := CASE WHEN plan IS NOT NULL THEN '{}'::bigint[] END;
  state := '{}';
END
$$;
COMMENT ON FUNCTION agentmem.plan_index(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: tables of the store that VACUUM should have come to';

CREATE FUNCTION agentmem.apply_index(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  changed := 0;
  details := jsonb_build_object('vacuum', plan);
END
$$;
COMMENT ON FUNCTION agentmem.apply_index(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: tells which tables should be vacuumed';

-- The step that removes answers of models that are too old. Rules: src/cache/README.md; src/consolidate/README.md.

CREATE FUNCTION agentmem.plan_cache(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Not for who maintains memories only.
  IF (SELECT bool_and(has_table_privilege(format('%I.%I', store, t), p))
      FROM unnest('{cache,cache_use,cache_state,cache_log,cache_claim}'::text[]) t, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) p) THEN
    ids := '{}';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.plan_cache(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: the cache is always due, for who may write it';

CREATE FUNCTION agentmem.apply_cache(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF NOT dry_run THEN
    changed := nullif(agentmem.cache_sweep(store, namespace), 0);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.apply_cache(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: removes entries of the cache that are too old';

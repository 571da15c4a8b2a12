-- The step of maintenance that learns importance from edges. Rules: src/consolidate/README.md, "Importance".

CREATE FUNCTION agentmem.plan_importance(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                         OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  setting text;
  types text[];
  graph jsonb;                -- what tells that ranks may have changed
BEGIN
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = ''importance''', store) INTO setting;
  IF setting IS NULL OR setting = 'given' THEN
    RETURN;
  END IF;
  IF setting <> 'rank' THEN
    RAISE EXCEPTION 'setting "importance" of store "%" must be given or rank, not "%"', store, setting USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF (state ->> 'begun')::timestamptz > at - agentmem.store_interval(store, 'importance_interval', '1 day') THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT jsonb_build_object(''edges'', count(*), ''newest'', max(lower(e.system_period)),'
                 ' ''operation'', (SELECT max(o.id) FROM %1$I.audit o WHERE o.namespace = $1)) FROM %1$I.edge e WHERE e.namespace = $1', store)
    INTO graph USING namespace;
  IF graph = state -> 'graph' THEN
    RETURN;
  END IF;
  ids := '{}';
  plan := '[]';
  IF clock_timestamp() >= deadline OR most <= 0 THEN
    state := state || '{"after": 0}';
    RETURN;
  END IF;
  -- What follows what tells nothing of importance.
  EXECUTE format('SELECT array_agg(t.name) FROM %I.edge_type t WHERE t.weight > 0 AND t.name <> ''next''', store) INTO types;
  BEGIN
    EXECUTE format($sql$
      WITH ranked AS MATERIALIZED (
        SELECT r.node, r.rank * count(*) OVER () AS times FROM agentmem.pagerank(format('SELECT * FROM agentmem.transitions(%%L, %%L, %%L::text[])', $2::text, $1, $3)) r),
      rank AS MATERIALIZED (
        SELECT r.node AS id, round(least(greatest(log(r.times) / 2, 0), 1)::numeric, 2)::real AS rank FROM ranked r WHERE r.node > 0)
      SELECT coalesce(array_agg(c.id), '{}'), coalesce(jsonb_agg(jsonb_build_array(c.id, c.rank)), '[]')
      FROM (SELECT coalesce(r.id, a.id) AS id, coalesce(r.rank, 0) AS rank
            FROM rank r FULL JOIN (SELECT a.id, a.rank FROM %1$I.activity a WHERE a.namespace = $1 AND a.rank > 0) a ON a.id = r.id
            WHERE coalesce(a.rank, 0) <> coalesce(r.rank, 0) ORDER BY 1 LIMIT $4) c$sql$, store)
      INTO ids, plan USING namespace, store, types, most;
  EXCEPTION WHEN out_of_memory OR program_limit_exceeded THEN
    -- A graph that is too large keeps the ranks that it has.
    plan := jsonb_build_object('skipped', SQLERRM);
  END;
  -- What is left over is ranked again by the next call: what is written by then is as it should be.
  state := CASE WHEN cardinality(ids) >= most THEN state || '{"after": 0}' ELSE jsonb_build_object('begun', at, 'graph', graph) END;
END
$$;
COMMENT ON FUNCTION agentmem.plan_importance(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories whose rank among those that edges join has changed';

CREATE FUNCTION agentmem.apply_importance(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                          OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ranks CONSTANT text := format($sql$
    SELECT m.id, (p ->> 1)::real AS rank FROM jsonb_array_elements($2) p JOIN %I.memory m ON m.namespace = $1 AND m.id = (p ->> 0)::bigint
    WHERE m.id = ANY ($3) ORDER BY m.id$sql$, store);
BEGIN
  IF plan ? 'skipped' THEN
    changed := 0;
    details := plan;
    RETURN;
  END IF;
  IF dry_run THEN
    EXECUTE format('SELECT count(*) FROM (%s) r', ranks) INTO changed USING namespace, plan, held;
  ELSE
    EXECUTE format('INSERT INTO %I.activity AS a (namespace, id, rank) SELECT $1, r.id, r.rank FROM (%s) r'
                   ' ON CONFLICT (namespace, id) DO UPDATE SET rank = excluded.rank', store, ranks) USING namespace, plan, held;
    GET DIAGNOSTICS changed = ROW_COUNT;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_importance(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: writes the ranks of memories';

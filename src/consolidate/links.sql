-- The steps of maintenance that give memories the edges which writing gives them by itself. Rules: src/consolidate/README.md,
-- "Conflicts, links, concepts".

CREATE FUNCTION agentmem.mention_concepts(store name, namespace text, ids bigint[])
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_mention_concepts';
COMMENT ON FUNCTION agentmem.mention_concepts(name, text, bigint[]) IS 'Internal to maintain: joins memories to the concepts of their content, as remember() does';

CREATE FUNCTION agentmem.plan_links(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  n int := agentmem.store_number(store, 'similar', 0, 0, 64);
  threshold real := agentmem.store_number(store, 'similar_threshold', 0.5, 0, 1);
  part bigint[];
  found jsonb;
BEGIN
  IF n = 0 THEN
    RETURN;
  END IF;
  ids := '{}';
  plan := '[]';
  state := agentmem.begin_round(state);
  LOOP
    SELECT p.state, p.part INTO state, part FROM agentmem.next_part(store, namespace, state, deadline, most - cardinality(ids), format(
      'm.embedding IS NOT NULL AND NOT EXISTS (SELECT FROM %I.edge e WHERE e.namespace = m.namespace AND e.source = m.id AND e.type = ''similar'' AND e.operation IS NOT NULL)', store)) p;
    EXIT WHEN part IS NULL;
    EXECUTE format('SELECT coalesce(jsonb_agg(jsonb_build_object(''id'', c.id, ''other'', c.other, ''weight'', c.similarity, ''hash'', m.content_hash)), ''[]'')'
                   ' FROM agentmem.compare_memories($3, $1, $2, $4, true, false) c JOIN %I.memory m ON m.namespace = $1 AND m.id = c.id WHERE c.similarity >= $5', store)
      INTO found USING namespace, part, store, n, threshold;
    plan := plan || found;
    ids := ids || ARRAY(SELECT DISTINCT (p ->> 'id')::bigint FROM jsonb_array_elements(found) p);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.plan_links(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: what memories without edges to those that are like them are like';

CREATE FUNCTION agentmem.apply_links(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- What is as it was seen, to what is held.
  links CONSTANT text := format($sql$
    FROM jsonb_to_recordset($2) p(id bigint, other bigint, weight real, hash uuid)
    JOIN %1$I.memory m ON m.namespace = $1 AND m.id = p.id AND m.content_hash = p.hash
    JOIN %1$I.memory o ON o.namespace = $1 AND o.id = p.other
    WHERE p.id = ANY ($3) AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = $1 AND e.source = p.id AND e.target = p.other AND e.type = 'similar')$sql$, store);
BEGIN
  IF dry_run THEN
    EXECUTE 'SELECT count(*)' || links INTO changed USING namespace, plan, held;
  ELSE
    EXECUTE format('WITH operation AS MATERIALIZED (SELECT nextval($5) AS id)'
                   ' INSERT INTO %I.edge (namespace, source, target, type, weight, operation)'
                   ' SELECT $1, p.id, p.other, ''similar'', p.weight, (SELECT w.id FROM operation w) %s AND p.other = ANY ($4) ORDER BY p.id, p.other'
                   ' ON CONFLICT (namespace, source, target, type) DO NOTHING', store, links)
      USING namespace, plan, held, agentmem.keep_memories(store, namespace, ARRAY(SELECT (p ->> 'other')::bigint FROM jsonb_array_elements(plan) p)),
            format('%I.operation_seq', store)::regclass;
    GET DIAGNOSTICS changed = ROW_COUNT;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_links(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: joins memories to those that are most like them';

-- The ids of those that have no edge to a concept.
CREATE FUNCTION agentmem.unmentioned(store name)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('EXISTS (SELECT FROM %1$I.kind k WHERE k.name = m.kind AND k.class NOT IN (''vault'', ''structural''))'
                ' AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = m.namespace AND e.source = m.id AND e.target < 0)', store);
END
$$;
COMMENT ON FUNCTION agentmem.unmentioned(name) IS 'Internal to maintain: SQL that tells whether memory m might be joined to concepts and is not';

CREATE FUNCTION agentmem.plan_concepts(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                       OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  n int := agentmem.store_number(store, 'concepts', 0, 0, 64);
  part bigint[];
  found bigint[];
BEGIN
  IF n = 0 THEN
    RETURN;
  END IF;
  ids := '{}';
  state := agentmem.begin_round(state);
  LOOP
    SELECT p.state, p.part INTO state, part FROM agentmem.next_part(store, namespace, state, deadline, most - cardinality(ids), agentmem.unmentioned(store)) p;
    EXIT WHEN part IS NULL;
    EXECUTE format('SELECT coalesce(array_agg(m.id ORDER BY m.id), ''{}'') FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2)'
                   ' AND EXISTS (SELECT FROM agentmem.extract_concepts(m.content, m.language, 1))', store)
      INTO found USING namespace, part;
    ids := ids || found;
  END LOOP;
  plan := to_jsonb(ids);
END
$$;
COMMENT ON FUNCTION agentmem.plan_concepts(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories that are not joined to the concepts of their content';

CREATE FUNCTION agentmem.apply_concepts(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                        OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids bigint[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(m.id ORDER BY m.id), ''{}'') FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2)'
                 ' AND m.id IN (SELECT p::bigint FROM jsonb_array_elements($3) p) AND %s', store, agentmem.unmentioned(store))
    INTO ids USING namespace, held, plan;
  changed := cardinality(ids);
  IF NOT dry_run AND changed > 0 THEN
    PERFORM agentmem.mention_concepts(store, namespace, ids);
    -- Those whose concepts are all too common have none.
    EXECUTE format('SELECT count(DISTINCT e.source) FROM %I.edge e WHERE e.namespace = $1 AND e.source = ANY ($2) AND e.target < 0', store)
      INTO changed USING namespace, ids;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_concepts(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: joins memories to the concepts of their content';

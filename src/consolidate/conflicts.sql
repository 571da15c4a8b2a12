-- The step of maintenance that looks for conflicts where writing did not. Rules: src/consolidate/README.md, "Conflicts, links, concepts".

-- Who writes a reference to memories keeps them until he ends; not those that others take out now.
CREATE FUNCTION agentmem.keep_memories(store name, namespace text, ids bigint[])
RETURNS bigint[] LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept bigint[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(l.id), ''{}'') FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2)'
                 ' ORDER BY m.id FOR KEY SHARE SKIP LOCKED) l', store) INTO kept USING namespace, ids;
  RETURN kept;
END
$$;
COMMENT ON FUNCTION agentmem.keep_memories(name, text, bigint[]) IS 'Internal to maintain: locks memories against being taken out, until the transaction ends; returns those that are held';

-- Of pairs in $2, those of namespace $1 that still say what they said and not recorded; settled ones only if a side was changed since.
CREATE FUNCTION agentmem.conflict_query(store name)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$
    SELECT DISTINCT ON (p.a, p.b) p.*
    FROM jsonb_to_recordset($2) p(id bigint, a bigint, b bigint, reason text, similarity real, hash_a uuid, hash_b uuid)
    JOIN %1$I.memory a ON a.namespace = $1 AND a.id = p.a AND a.content_hash = p.hash_a
    JOIN %1$I.memory b ON b.namespace = $1 AND b.id = p.b AND b.content_hash = p.hash_b
    LEFT JOIN %1$I.conflict c ON c.namespace = $1 AND c.a = p.a AND c.b = p.b
    WHERE c.id IS NULL OR c.resolution IS NOT NULL
      -- That maintenance merged something into a side does not ask anybody again.
      AND EXISTS (SELECT FROM (VALUES (a.operation, lower(a.system_period)), (b.operation, lower(b.system_period))) v(operation, since)
                  WHERE v.since > c.resolved_at
                    AND NOT EXISTS (SELECT FROM %1$I.audit o WHERE o.namespace = $1 AND o.id = v.operation AND o.action = 'merge'))
    ORDER BY p.a, p.b, p.reason$sql$, store);
END
$$;
COMMENT ON FUNCTION agentmem.conflict_query(name) IS 'Internal to maintain: SQL that tells which pairs are conflicts that are not recorded';

CREATE FUNCTION agentmem.plan_conflicts(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                        OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  large boolean;              -- writers leave the nearest to us: SEARCHED_MEMORIES_MAX of src/memory/conflict.c
  part bigint[];
  found jsonb;
BEGIN
  EXECUTE format('SELECT coalesce(n.memories > 20000, false) FROM %I.namespace n WHERE n.namespace = $1', store) INTO large USING namespace;
  ids := '{}';
  plan := '[]';
  state := agentmem.begin_round(state);
  LOOP
    SELECT p.state, p.part INTO state, part FROM agentmem.next_part(store, namespace, state, deadline, most - cardinality(ids), CASE WHEN large THEN 'true' ELSE 'm.operation IS NULL' END) p;
    EXIT WHEN part IS NULL;
    EXECUTE format($sql$
      SELECT coalesce(jsonb_agg(to_jsonb(p)), '[]') FROM (
        SELECT c.id, least(c.id, c.other) AS a, greatest(c.id, c.other) AS b, c.reason, c.similarity, a.content_hash AS hash_a, b.content_hash AS hash_b
        -- What has one version is compared with older ones, as when it was written; a correction with all.
        FROM (SELECT n.* FROM (VALUES (true), (false)) o(older), agentmem.compare_memories($3, $1, ARRAY(
                SELECT m.id FROM %1$I.memory m JOIN %1$I.kind k ON k.name = m.kind AND k.conflict_threshold IS NOT NULL
                WHERE m.namespace = $1 AND m.id = ANY ($2) AND m.embedding IS NOT NULL
                  AND o.older <> EXISTS (SELECT FROM %1$I.memory_history h WHERE h.namespace = $1 AND h.id = m.id)), 5, o.older, false) n
              JOIN %1$I.memory m ON m.namespace = $1 AND m.id = n.id JOIN %1$I.kind k ON k.name = m.kind WHERE n.similarity >= k.conflict_threshold
              -- The writer looks for these in any case.
              UNION ALL SELECT n.* FROM agentmem.compare_memories($3, $1, ARRAY(
                SELECT m.id FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) AND m.operation IS NULL AND m.predicate IS NOT NULL), 0, false, true) n) c
        JOIN %1$I.memory a ON a.namespace = $1 AND a.id = least(c.id, c.other)
        JOIN %1$I.memory b ON b.namespace = $1 AND b.id = greatest(c.id, c.other)) p$sql$, store)
      INTO found USING namespace, part, store;
    EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(p)), ''[]'') FROM (%s) p', agentmem.conflict_query(store)) INTO found USING namespace, found;
    plan := plan || found;
    ids := ids || ARRAY(SELECT DISTINCT (p ->> 'id')::bigint FROM jsonb_array_elements(found) p);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.plan_conflicts(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: pairs that may contradict each other and that no writer has compared';

CREATE FUNCTION agentmem.apply_conflicts(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                         OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  kept bigint[];
BEGIN
  IF dry_run THEN
    EXECUTE format('SELECT count(*) FROM (%s) p', agentmem.conflict_query(store)) INTO changed USING namespace, plan;
  ELSE
    kept := agentmem.keep_memories(store, namespace, ARRAY(SELECT s.id FROM jsonb_to_recordset(plan) p(a bigint, b bigint), unnest(ARRAY[p.a, p.b]) s(id)));
    EXECUTE format($sql$
      INSERT INTO %1$I.conflict AS c (namespace, id, a, b, reason, similarity)
      SELECT $1, nextval($5), p.a, p.b, p.reason, p.similarity FROM (%2$s) p
      WHERE p.id = ANY ($3) AND p.a = ANY ($4) AND p.b = ANY ($4) ORDER BY p.a, p.b
      ON CONFLICT (namespace, a, b) DO UPDATE SET resolution = NULL, side = NULL, note = NULL, resolved_at = NULL, operation = NULL,
        reason = excluded.reason, similarity = excluded.similarity, detected_at = excluded.detected_at
      WHERE c.resolution IS NOT NULL$sql$, store, agentmem.conflict_query(store))
      USING namespace, plan, held, kept, format('%I.operation_seq', store)::regclass;
    GET DIAGNOSTICS changed = ROW_COUNT;
  END IF;
  changed := nullif(changed, 0);
END
$$;
COMMENT ON FUNCTION agentmem.apply_conflicts(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: records pairs that may contradict each other';

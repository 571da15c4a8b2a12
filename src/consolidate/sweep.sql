-- Steps of maintenance by the clock: expiry, states and precision by retention, statistics. Rules: src/consolidate/README.md.

-- Expiry ------------------------------------------------------------------------

CREATE FUNCTION agentmem.plan_expire(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                     OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(e.id), ''{}'') FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.expires_at <= $2'
                 ' ORDER BY m.expires_at LIMIT $3) e', store)
    INTO ids USING namespace, at, most;
  plan := jsonb_build_object('going', ids);
END
$$;
COMMENT ON FUNCTION agentmem.plan_expire(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories whose time has come';

CREATE FUNCTION agentmem.apply_expire(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                      OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  expired bigint[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(m.id ORDER BY m.id), ''{}'') FROM %I.memory m WHERE m.namespace = $1 AND m.expires_at <= $2'
                 ' AND m.id = ANY ($3) AND m.id IN (SELECT p::bigint FROM jsonb_array_elements($4) p)', store)
    INTO expired USING namespace, at, held, plan -> 'going';
  IF NOT dry_run THEN
    PERFORM agentmem.forget(store, namespace, e.id, 'expired') FROM unnest(expired) e(id) ORDER BY e.id;
  END IF;
  changed := cardinality(expired);
  details := CASE WHEN changed > 0 THEN jsonb_build_object('ids', to_jsonb(expired[1:100])) END;
END
$$;
COMMENT ON FUNCTION agentmem.apply_expire(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: forgets memories whose time has come';

-- States ------------------------------------------------------------------------

-- The statement that tells of some memories of namespace $1, at $2, what a sweep makes of them; `which` chooses
-- from memory m by $3 and $4.
CREATE FUNCTION agentmem.sweep_query(store name, which text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$
    SELECT s.id, s.state, agentmem.next_state(s.state, s.retention) AS next, s.retention
    FROM (
      SELECT m.id, coalesce(a.state, 'active') AS state,
        CASE WHEN m.pinned OR k.half_life IS NULL OR k.class = 'vault' OR NOT isfinite(u.since) THEN 1
             ELSE agentmem.retention(
               agentmem.strength(k.half_life, a.accesses, agentmem.effective_importance(greatest(m.importance, a.rank), coalesce(a.useless, 0)), a.confirmations, m.confidence),
               $2 - u.since) END AS retention
      FROM (SELECT * FROM %1$I.memory m WHERE m.namespace = $1 AND (m.expires_at IS NULL OR m.expires_at > $2) AND %2$s) m
      LEFT JOIN %1$I.kind k ON k.name = m.kind
      LEFT JOIN %1$I.activity a ON a.namespace = $1 AND a.id = m.id
      CROSS JOIN LATERAL (SELECT greatest(a.last_access, CASE m.kind
        WHEN 'commitment' THEN coalesce(agentmem.attribute_time(m.attributes, 'due_at'), lower(m.system_period)) + interval '30 days'
        WHEN 'goal' THEN coalesce(agentmem.attribute_time(m.attributes, 'closed_at'), 'infinity')
        ELSE lower(m.system_period) END) AS since) u) s
    ORDER BY s.id$sql$, store, which);
END
$$;
COMMENT ON FUNCTION agentmem.sweep_query(name, text) IS 'Internal to maintain: SQL that tells what a sweep makes of memories';

CREATE FUNCTION agentmem.plan_sweep(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                    OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  batch CONSTANT int := 2000; -- rows that it looks at before it looks at the clock
  last_id bigint := (state ->> 'after')::bigint;
  newest_id bigint;
  part bigint[];
  fading bigint[];            -- of these, those that are to be forgotten
  going bigint[] := '{}';
  looking int;
  looked bigint;
  finished boolean := false;  -- the sweep has come to the end
BEGIN
  IF last_id IS NULL THEN
    IF (state ->> 'begun')::timestamptz > at - agentmem.store_interval(store, 'sweep_interval', '1 day') THEN
      RETURN;
    END IF;
    state := jsonb_build_object('begun', at);
    last_id := 0;
  END IF;
  ids := '{}';
  LOOP
    -- No more than may be changed, if all of them were to.
    looking := least(batch, most - cardinality(ids));
    EXIT WHEN clock_timestamp() >= deadline OR looking <= 0;
    EXECUTE format('SELECT coalesce(array_agg(s.id) FILTER (WHERE s.next <> s.state), ''{}''), coalesce(array_agg(s.id) FILTER (WHERE s.next = ''forgotten''), ''{}''), max(s.id), count(*) FROM (%s) s',
                   agentmem.sweep_query(store, 'm.id > $3 ORDER BY m.id LIMIT $4'))
      INTO part, fading, newest_id, looked USING namespace, at, last_id, looking;
    ids := ids || part;
    going := going || fading;
    finished := looked < looking;
    EXIT WHEN finished;
    last_id := newest_id;
  END LOOP;
  state := CASE WHEN finished THEN state - 'after' ELSE state || jsonb_build_object('after', last_id) END;
  plan := jsonb_build_object('ids', ids, 'going', going, 'finished', finished);
END
$$;
COMMENT ON FUNCTION agentmem.plan_sweep(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories whose state does not fit their retention';

CREATE FUNCTION agentmem.apply_sweep(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                     OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  moving bigint[];            -- memories whose state changes
  states text[];              -- what to
  forgotten bigint[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(s.id), ''{}''), coalesce(array_agg(s.next), ''{}'') FROM (%s) s WHERE s.next <> s.state',
                 agentmem.sweep_query(store, 'm.id = ANY ($3) AND m.id IN (SELECT p::bigint FROM jsonb_array_elements($4) p)'))
    INTO moving, states USING namespace, at, held, plan -> 'ids';
  forgotten := agentmem.untouched(store, namespace, ARRAY(SELECT u.id FROM unnest(moving, states) u(id, state) WHERE u.state = 'forgotten'
                                                          INTERSECT SELECT p::bigint FROM jsonb_array_elements(plan -> 'going') p));
  IF NOT dry_run THEN
    EXECUTE format('INSERT INTO %I.activity AS a (namespace, id, state)'
                   ' SELECT $1, u.id, u.state FROM unnest($2, $3) u(id, state) WHERE u.state <> ''forgotten'' ORDER BY u.id'
                   ' ON CONFLICT (namespace, id) DO UPDATE SET state = excluded.state', store)
      USING namespace, moving, states;
    EXECUTE format('UPDATE %I.memory m SET embedding = agentmem.quantize(m.embedding, agentmem.state_bits(u.state)) FROM unnest($2, $3) u(id, state)'
                   ' WHERE m.namespace = $1 AND m.id = u.id AND u.state <> ''forgotten'' AND agentmem.precision(m.embedding) > agentmem.state_bits(u.state)', store)
      USING namespace, moving, states;
    PERFORM agentmem.forget(store, namespace, f.id, 'retention') FROM unnest(forgotten) f(id) ORDER BY f.id;
    -- Whoever restores one has a new version of it, which is active.
    EXECUTE format('UPDATE %I.activity a SET state = ''active'' WHERE a.namespace = $1 AND a.id = ANY ($2)', store)
      USING namespace, forgotten;
  END IF;
  SELECT coalesce(sum(s.n), 0), jsonb_object_agg(s.state, s.n) INTO changed, details
    FROM (SELECT u.state, count(*) AS n FROM unnest(moving, states) u(id, state)
          WHERE u.state <> 'forgotten' OR u.id = ANY (forgotten) GROUP BY u.state) s;
  details := jsonb_build_object('finished', plan -> 'finished', 'to', coalesce(details, '{}'), 'forgotten', to_jsonb(forgotten[1:100]));
END
$$;
COMMENT ON FUNCTION agentmem.apply_sweep(name, text, timestamptz, jsonb, bigint[], boolean) IS
  'Internal to maintain: gives memories the state of their retention, and their embeddings the bits of their state';

-- Statistics --------------------------------------------------------------------

CREATE FUNCTION agentmem.plan_statistics(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                         OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  ids := '{}';
END
$$;
COMMENT ON FUNCTION agentmem.plan_statistics(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: statistics are always due';

CREATE FUNCTION agentmem.apply_statistics(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                          OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF dry_run THEN
    RETURN;
  END IF;
  EXECUTE format('UPDATE %I.namespace n SET (memories, tokens) ='
                 ' (SELECT count(*), coalesce(sum(m.tokens), 0) FROM %1$I.memory m WHERE m.namespace = $1) WHERE n.namespace = $1'
                 ' RETURNING jsonb_build_object(''memories'', n.memories, ''tokens'', n.tokens)', store)
    INTO details USING namespace;
  changed := 1;
END
$$;
COMMENT ON FUNCTION agentmem.apply_statistics(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: counts the memories of a namespace';

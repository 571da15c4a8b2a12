-- Maintenance: expiry, strength and life cycle, statistics.
-- Rules: src/consolidate/README.md. What a namespace has of it is in its row: src/memory/memory.sql.

-- Strength ----------------------------------------------------------------------

CREATE FUNCTION agentmem.strength(half_life interval, accesses bigint DEFAULT 0, importance real DEFAULT 0, confirmations int DEFAULT 0,
                                  confidence real DEFAULT 1)
RETURNS interval LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_strength';
COMMENT ON FUNCTION agentmem.strength(interval, bigint, real, int, real) IS
  'Time in which a memory of this half-life, used and confirmed so often, loses half its retention; NULL half_life: never';

CREATE FUNCTION agentmem.retention(strength interval, unused interval)
RETURNS real LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_retention';
COMMENT ON FUNCTION agentmem.retention(interval, interval) IS
  'What is left, 0 to 1, of a memory of this strength that was not used for so long: 2 ^ (-unused / strength); 1 where either is NULL';

CREATE FUNCTION agentmem.next_state(state text, retention real)
RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_next_state';
COMMENT ON FUNCTION agentmem.next_state(text, real) IS
  'Internal to maintain: the state after one sweep of a memory in this state, by its retention';

CREATE FUNCTION agentmem.state_bits(state text)
RETURNS int LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_state_bits';
COMMENT ON FUNCTION agentmem.state_bits(text) IS 'Internal to maintain: bits a dimension that embeddings of this state keep at most';

-- The value may be older than the declaration of its type.
CREATE FUNCTION agentmem.attribute_time(attributes jsonb, name text)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (attributes ->> name)::timestamptz;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END
$$;
COMMENT ON FUNCTION agentmem.attribute_time(jsonb, text) IS 'Internal to maintain: an attribute that is a time; NULL where it is none';

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
               agentmem.strength(k.half_life, a.accesses, agentmem.effective_importance(m.importance, coalesce(a.useless, 0)), a.confirmations, m.confidence),
               $2 - u.since) END AS retention
      FROM (SELECT * FROM %1$I.memory m WHERE m.namespace = $1 AND %2$s) m
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

-- Maintenance -------------------------------------------------------------------

CREATE FUNCTION agentmem.lock_memories(store name, namespace text, ids bigint[])
RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_lock_memories';
COMMENT ON FUNCTION agentmem.lock_memories(name, text, bigint[]) IS
  'Takes the locks under which memories are changed, in their order, until the transaction ends; returns the ids of those that are held and locked';

CREATE FUNCTION agentmem.store_interval(store name, setting text, default_value interval)
RETURNS interval LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  value text;
BEGIN
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = $1', store) INTO value USING setting;
  RETURN coalesce(value::interval, default_value);
EXCEPTION WHEN data_exception THEN
  RAISE EXCEPTION 'setting "%" of store "%" must be an interval, not "%"', setting, store, value
    USING ERRCODE = 'invalid_parameter_value', HINT = 'For example 1 hour.';
END
$$;
COMMENT ON FUNCTION agentmem.store_interval(name, text, interval) IS 'Internal to maintain: a setting of a store that is an interval';

-- The namespace that was claimed, with what its row says; no row: none is due, or another call has it.
CREATE FUNCTION agentmem.claim_namespace(store name, given text, at timestamptz, dry_run boolean,
                                         OUT name text, OUT progress bigint, OUT swept timestamptz)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY EXECUTE format(
    'SELECT n.namespace, n.progress, n.swept FROM %I.namespace n WHERE %s LIMIT 1%s', store,
    CASE WHEN given IS NULL
         THEN '(n.maintained IS NULL OR n.maintained <= $2) ORDER BY n.maintained NULLS FIRST, n.namespace'
         ELSE 'n.namespace = $1' END,
    CASE WHEN dry_run THEN '' ELSE ' FOR NO KEY UPDATE SKIP LOCKED' END)
    USING given, at - agentmem.store_interval(store, 'maintain_interval', '1 hour');
END
$$;
COMMENT ON FUNCTION agentmem.claim_namespace(name, text, timestamptz, boolean) IS
  'Internal to maintain: locks the row of the namespace given, or of the one that is most overdue';

-- `at` is the clock of expiry and retention: a simulation gives its own.
CREATE FUNCTION agentmem.maintain(store name, OUT step text, INOUT namespace text DEFAULT NULL, budget interval DEFAULT '1 min', dry_run boolean DEFAULT false,
                                  at timestamptz DEFAULT NULL, OUT changed bigint, OUT details jsonb)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 3
SET search_path = pg_catalog, pg_temp
AS $maintain$
DECLARE
  most CONSTANT int := 10000; -- rows that one call changes
  batch CONSTANT int := 2000; -- rows that it looks at before it looks at the clock
  deadline timestamptz := clock_timestamp() + budget;
  claimed record;
  expired bigint[];           -- memories that are to go
  moving bigint[] := '{}';    -- ... whose state is to change
  states text[];              -- what to
  held bigint[];              -- ... whose locks we have
  part bigint[];
  looking int;
  looked bigint;
  last_id bigint;
  newest_id bigint;
  sweeping boolean;
  finished boolean := true;   -- the sweep has come to the end
  forgotten bigint[];
BEGIN
  IF store IS NULL OR budget IS NULL OR dry_run IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' WHEN budget IS NULL THEN 'budget' ELSE 'dry_run' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  IF NOT isfinite(at) THEN
    RAISE EXCEPTION 'at must be finite' USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave it out for now.';
  END IF;
  at := coalesce(at, now());
  -- An error that one can act on where there is no such store, or no privilege.
  PERFORM agentmem.lock_memories(store, coalesce(namespace, '-'), '{}');
  SELECT * INTO claimed FROM agentmem.claim_namespace(store, namespace, at, dry_run);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  namespace := claimed.name;

  -- What may have to change, without locks.
  EXECUTE format('SELECT coalesce(array_agg(e.id), ''{}'') FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.expires_at <= $2'
                 ' ORDER BY m.expires_at LIMIT $3) e', store)
    INTO expired USING claimed.name, at, most;
  sweeping := claimed.progress IS NOT NULL OR claimed.swept IS NULL
              OR claimed.swept <= at - agentmem.store_interval(store, 'sweep_interval', '1 day');
  last_id := coalesce(claimed.progress, 0);
  WHILE sweeping LOOP
    finished := false;
    -- No more than may be changed, if all of them were to.
    looking := least(batch, most - cardinality(moving) - cardinality(expired));
    EXIT WHEN clock_timestamp() >= deadline OR looking <= 0;
    EXECUTE format('SELECT coalesce(array_agg(s.id) FILTER (WHERE s.next <> s.state), ''{}''), max(s.id), count(*) FROM (%s) s',
                   agentmem.sweep_query(store, 'm.id > $3 ORDER BY m.id LIMIT $4'))
      INTO part, newest_id, looked USING claimed.name, at, last_id, looking;
    moving := moving || part;
    finished := looked < looking;
    EXIT WHEN finished;
    last_id := newest_id;
  END LOOP;

  -- All locks at once; then each condition again.
  held := CASE WHEN dry_run THEN expired || moving ELSE agentmem.lock_memories(store, claimed.name, expired || moving) END;
  EXECUTE format('SELECT coalesce(array_agg(m.id), ''{}'') FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($3) AND m.id = ANY ($4) AND m.expires_at <= $2', store)
    INTO expired USING claimed.name, at, expired, held;
  EXECUTE format('SELECT coalesce(array_agg(s.id), ''{}''), coalesce(array_agg(s.next), ''{}'') FROM (%s) s WHERE s.next <> s.state AND s.id <> ALL ($5)',
                 agentmem.sweep_query(store, 'm.id = ANY ($3) AND m.id = ANY ($4)'))
    INTO moving, states USING claimed.name, at, moving, held, expired;
  forgotten := ARRAY(SELECT u.id FROM unnest(moving, states) u(id, state) WHERE u.state = 'forgotten');

  IF NOT dry_run THEN
    PERFORM agentmem.forget(store, claimed.name, e.id, 'expired') FROM unnest(expired) e(id) ORDER BY e.id;
    EXECUTE format('INSERT INTO %I.activity AS a (namespace, id, state)'
                   ' SELECT $1, u.id, u.state FROM unnest($2, $3) u(id, state) WHERE u.state <> ''forgotten'' ORDER BY u.id'
                   ' ON CONFLICT (namespace, id) DO UPDATE SET state = excluded.state', store)
      USING claimed.name, moving, states;
    EXECUTE format('UPDATE %I.memory m SET embedding = agentmem.quantize(m.embedding, agentmem.state_bits(u.state)) FROM unnest($2, $3) u(id, state)'
                   ' WHERE m.namespace = $1 AND m.id = u.id AND u.state <> ''forgotten'' AND agentmem.precision(m.embedding) > agentmem.state_bits(u.state)', store)
      USING claimed.name, moving, states;
    PERFORM agentmem.forget(store, claimed.name, f.id, 'retention') FROM unnest(forgotten) f(id) ORDER BY f.id;
    -- Whoever restores one has a new version of it, which is active.
    EXECUTE format('UPDATE %I.activity a SET state = ''active'' WHERE a.namespace = $1 AND a.id = ANY ($2)', store)
      USING claimed.name, forgotten;
    EXECUTE format('UPDATE %I.namespace n SET maintained = $2, swept = $3, progress = $4, (memories, tokens) ='
                   ' (SELECT count(*), coalesce(sum(m.tokens), 0) FROM %1$I.memory m WHERE m.namespace = $1) WHERE n.namespace = $1'
                   ' RETURNING jsonb_build_object(''memories'', n.memories, ''tokens'', n.tokens)', store)
      INTO details
      -- What is not finished is due again, after those that have waited longer.
      USING claimed.name, CASE WHEN finished THEN at ELSE at - agentmem.store_interval(store, 'maintain_interval', '1 hour') END,
        CASE WHEN sweeping AND claimed.progress IS NULL THEN at ELSE claimed.swept END, CASE WHEN NOT finished THEN last_id END;
    step := 'statistics';
    changed := 1;
    RETURN NEXT;
  END IF;

  step := 'expire';
  changed := cardinality(expired);
  details := CASE WHEN changed > 0 THEN jsonb_build_object('ids', to_jsonb(expired[1:100])) END;
  RETURN NEXT;
  IF sweeping THEN
    step := 'sweep';
    changed := cardinality(moving);
    SELECT jsonb_object_agg(s.state, s.n) INTO details
      FROM (SELECT u.state, count(*) AS n FROM unnest(states) u(state) GROUP BY u.state) s;
    details := jsonb_build_object('finished', finished, 'to', coalesce(details, '{}'), 'forgotten', to_jsonb(forgotten[1:100]));
    RETURN NEXT;
  END IF;
END
$maintain$;
COMMENT ON FUNCTION agentmem.maintain(name, text, interval, boolean, timestamptz) IS
  'Maintains a namespace, or the one that is most overdue: expiry, states and precision by retention, statistics. A row for each step; none if nothing is due or another call has it. dry_run: only says what it would do; at: the clock of a simulation';

CREATE FUNCTION agentmem.postpone_namespace(store name, namespace text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('UPDATE %I.namespace n SET maintained = now() WHERE n.namespace = $1', store) USING namespace;
END
$$;
COMMENT ON FUNCTION agentmem.postpone_namespace(name, text) IS 'Internal to maintain_all: the namespace is not due for a while';

-- A procedure that commits cannot have a search_path of its own: every name has its schema.
CREATE PROCEDURE agentmem.maintain_all(store name, budget interval DEFAULT '1 min')
LANGUAGE plpgsql
AS $$
DECLARE
  deadline pg_catalog.timestamptz := pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) budget;
  claimed pg_catalog.text;
BEGIN
  IF store IS NULL OR budget IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'budget' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  LOOP
    claimed := NULL;
    BEGIN
      SELECT c.name INTO claimed FROM agentmem.claim_namespace(store, NULL, pg_catalog.now(), false) c;
      IF claimed IS NOT NULL THEN
        PERFORM FROM agentmem.maintain(store, claimed, deadline OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp());
      END IF;
    EXCEPTION WHEN OTHERS THEN
      IF claimed IS NULL THEN
        RAISE;
      END IF;
      RAISE WARNING 'namespace "%" of store "%" could not be maintained: %', claimed, store, SQLERRM
        USING ERRCODE = SQLSTATE, HINT = 'The others are; this one is tried again when it is due.';
      PERFORM agentmem.postpone_namespace(store, claimed);
    END;
    COMMIT;
    EXIT WHEN claimed IS NULL OR pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) deadline;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE agentmem.maintain_all(name, interval) IS
  'Maintains the namespaces of a store that are due, the most overdue first, each in a transaction of its own, until the budget is over: what pg_cron or a worker calls';

-- Maintenance: what a call is. The steps are in files of their own; rules: src/consolidate/README.md. What a namespace has of it is in
-- its row: src/memory/memory.sql.

CREATE FUNCTION agentmem.lock_memories(store name, namespace text, ids bigint[])
RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_lock_memories';
COMMENT ON FUNCTION agentmem.lock_memories(name, text, bigint[]) IS
  'Takes the locks under which memories are changed, in their order, until the transaction ends; returns the ids of those that are held and locked';

CREATE FUNCTION agentmem.store_interval(store name, setting text, default_value interval)
RETURNS interval LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  value text;
BEGIN
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = $1', store) INTO value USING setting;
  -- Times are reckoned by it, and none is before the calendar.
  IF NOT value::interval BETWEEN interval '0' AND interval '5000 years' THEN
    RAISE data_exception;
  END IF;
  RETURN coalesce(value::interval, default_value);
EXCEPTION WHEN data_exception THEN
  RAISE EXCEPTION 'setting "%" of store "%" must be an interval from 0 to 5000 years, not "%"', setting, store, value
    USING ERRCODE = 'invalid_parameter_value', HINT = 'For example 1 hour.';
END
$$;
COMMENT ON FUNCTION agentmem.store_interval(name, text, interval) IS 'Internal to maintain: a setting of a store that is an interval';

-- A clock that was set back leaves times in the future, and nothing is to wait for them. Less than a day is waited for: rounds look so far back.
CREATE FUNCTION agentmem.far_ahead(at timestamptz)
RETURNS timestamptz LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN greatest(at, clock_timestamp()) + interval '1 day';
END
$$;
COMMENT ON FUNCTION agentmem.far_ahead(timestamptz) IS 'Internal to maintain: what is later was written by a clock that has been set back since';

-- What is kept of steps, but for those that began in a future which has not come.
CREATE FUNCTION agentmem.past_steps(steps jsonb, far timestamptz)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT coalesce(jsonb_object_agg(s.key, s.value), '{}') FROM jsonb_each(steps) s
          WHERE NOT EXISTS (SELECT FROM unnest('{begun,planned,since}'::text[]) t(name) WHERE (s.value ->> t.name)::timestamptz > far));
END
$$;
COMMENT ON FUNCTION agentmem.past_steps(jsonb, timestamptz) IS 'Internal to maintain: a step that began in the future begins anew';

-- The namespace that was claimed, with what its row says; no row: none is due, or another call has it.
CREATE FUNCTION agentmem.claim_namespace(store name, given text, at timestamptz, dry_run boolean,
                                         OUT name text, OUT steps jsonb)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 1
SET search_path = pg_catalog, pg_temp
SET agentmem.shard = ''
AS $$
DECLARE
  which CONSTANT text := CASE WHEN given IS NULL
    THEN '(n.maintained IS NULL OR n.maintained <= $2 OR n.maintained > $3) ORDER BY n.maintained NULLS FIRST, n.namespace'
    ELSE 'n.namespace = $1' END;
  due_at CONSTANT timestamptz := at - agentmem.store_interval(store, 'maintain_interval', '1 hour');
  far CONSTANT timestamptz := agentmem.far_ahead(at);
  shards text[] := CASE WHEN given IS NULL THEN ARRAY(SELECT agentmem.local_shards(store)) ELSE ARRAY[agentmem.shard_of(store, given)] END;
  first_due timestamptz;      -- of a shard
  due timestamptz[] := '{}';
BEGIN
  -- Of a distributed store: shards of this server, the one with the most overdue first, without which a large one would hide the others.
  IF cardinality(shards) > 1 THEN
    FOR i IN 1 .. cardinality(shards) LOOP
      PERFORM set_config('agentmem.shard', shards[i], true);
      EXECUTE format('SELECT coalesce(n.maintained, ''-infinity'') FROM %I.namespace n WHERE %s LIMIT 1', store, which) INTO first_due USING given, due_at, far;
      due := due || first_due;
    END LOOP;
    shards := ARRAY(SELECT u.shard FROM unnest(shards, due) u(shard, due) WHERE u.due IS NOT NULL ORDER BY u.due, u.shard);
  END IF;
  FOR i IN 1 .. cardinality(shards) LOOP
    PERFORM set_config('agentmem.shard', shards[i], true);
    RETURN QUERY EXECUTE format('SELECT n.namespace, CASE jsonb_typeof(n.steps) WHEN ''object'' THEN n.steps ELSE ''{}'' END FROM %I.namespace n WHERE %s LIMIT 1%s', store, which,
                                CASE WHEN dry_run THEN '' ELSE ' FOR NO KEY UPDATE SKIP LOCKED' END)
      USING given, due_at, far;
    EXIT WHEN FOUND;
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.claim_namespace(name, text, timestamptz, boolean) IS
  'Internal to maintain: locks the row of the namespace given, or of the one that is most overdue';

-- A transaction leaves one version of a row: restore() could undo neither what one step did with a memory nor what a later one did.
CREATE FUNCTION agentmem.untouched(store name, namespace text, ids bigint[])
RETURNS bigint[] LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  touched bigint[];
BEGIN
  IF ids <> '{}' THEN
    EXECUTE format('SELECT array_agg(t.id) FROM %I.audit a, unnest(a.ids) t(id) WHERE a.namespace = $1 AND a.at = now() AND a.ids OPERATOR(agentmem.&&&) $2', store)
      INTO touched USING namespace, ids;
  END IF;
  RETURN ARRAY(SELECT i.id FROM unnest(ids) i(id) EXCEPT SELECT t.id FROM unnest(touched) t(id) ORDER BY 1);
END
$$;
COMMENT ON FUNCTION agentmem.untouched(name, text, bigint[]) IS 'Internal to maintain: those of some memories that no operation of this transaction has changed';

-- What the steps are, in their order. Each is a pair of functions:
--   plan_<step>(store, namespace, at, state, deadline, most): which memories it may have to change (ids, at most `most`; NULL: the step
--     is not due), what apply_<step> has to know of it (plan; of a step that writes rows of `memory`, with the key "going": those of them that
--     it may take out, and no others), and what is to be remembered of the step (state; with the key "after", it has not come to its end,
--     and goes on there). It takes no lock and writes nothing.
--   apply_<step>(store, namespace, at, plan, held, dry_run): looks again at those whose locks are held, changes them (unless dry_run),
--     and tells how many (changed; NULL: no row for this step).
CREATE FUNCTION agentmem.maintenance_steps()
RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Conflicts behind all that writes memories, as in any call (src/memory/README.md, "Locks on rows").
  RETURN '{fold,expire,sweep,duplicates,links,concepts,importance,summaries,promotion,communities,quota,conflicts,purge,cache,jobs,index,statistics}';
END
$$;
COMMENT ON FUNCTION agentmem.maintenance_steps() IS 'Internal to maintain: its steps, in their order';

-- Before any step writes, and in order: steps come to rows in orders of their own. Who refers to one that goes is waited for here.
CREATE FUNCTION agentmem.lock_rows(store name, namespace text, changing bigint[], going bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) ORDER BY m.id FOR NO KEY UPDATE) l', store) INTO n USING namespace, changing;
  EXECUTE format('SELECT count(*) FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) ORDER BY m.id FOR UPDATE) l', store) INTO n USING namespace, going;
END
$$;
COMMENT ON FUNCTION agentmem.lock_rows(name, text, bigint[], bigint[]) IS 'Internal to maintain: locks the rows of memories that steps write, and of those that they may take out';

-- `at` is the clock of expiry and retention: a simulation gives its own.
CREATE FUNCTION agentmem.maintain(store name, OUT step text, INOUT namespace text DEFAULT NULL, budget interval DEFAULT '1 min', dry_run boolean DEFAULT false,
                                  at timestamptz DEFAULT NULL, OUT changed bigint, OUT details jsonb)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE COST 10000 ROWS 3
SET search_path = pg_catalog, pg_temp
SET agentmem.shard = ''
-- Statements that run once a call: to compile one takes longer than to run it.
SET jit = off
AS $maintain$
DECLARE
  steps CONSTANT text[] := agentmem.maintenance_steps();
  most int := 10000;          -- rows that one call changes
  deadline timestamptz := clock_timestamp() + budget;
  claimed record;
  part record;                -- the plan of a step
  plans jsonb := '{}';
  states jsonb;
  first int;                  -- of the steps: the one that is planned before the others
  unplanned text;             -- the first of those for which nothing was left of the budget
  ids bigint[] := '{}';       -- memories that may have to change
  changing bigint[] := '{}';  -- those whose rows are written
  going bigint[] := '{}';     -- those that may be taken out
  finished boolean := true;
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
  IF namespace IS NULL THEN
    PERFORM agentmem.local_shards(store, true);
  ELSE
    PERFORM agentmem.lock_memories(store, namespace, '{}');
  END IF;
  SELECT * INTO claimed FROM agentmem.claim_namespace(store, namespace, at, dry_run);
  IF NOT FOUND THEN
    RETURN;
  END IF;
  namespace := claimed.name;
  -- From here on the names of the store's tables mean those that have it.
  PERFORM set_config('agentmem.shard', agentmem.shard_of(store, namespace), true);
  states := agentmem.past_steps(claimed.steps, agentmem.far_ahead(at));

  -- What may have to change, without locks. Steps take what there is of the budget, so those that had none the last time come first.
  first := coalesce(array_position(steps, states #>> '{next,step}'), 1);
  FOREACH step IN ARRAY steps[first:] || steps[:first - 1] LOOP
    IF unplanned IS NULL AND (clock_timestamp() >= deadline OR most <= 0) THEN
      unplanned := step;
    END IF;
    EXECUTE format('SELECT p.ids, p.plan, p.state FROM agentmem.%I($1, $2, $3, $4, $5, $6) p', 'plan_' || step)
      INTO part USING store, namespace, at, coalesce(states -> step, '{}'), deadline, most;
    CONTINUE WHEN part.ids IS NULL;
    ids := ids || part.ids;
    IF part.plan ? 'going' THEN
      changing := changing || part.ids;
      going := going || ARRAY(SELECT g::bigint FROM jsonb_array_elements(part.plan -> 'going') g);
    END IF;
    most := most - cardinality(part.ids);
    plans := plans || jsonb_build_object(step, coalesce(part.plan, '{}'));
    states := states || jsonb_build_object(step, coalesce(part.state, '{}'));
    finished := finished AND coalesce(NOT part.state ? 'after', true);
  END LOOP;

  states := CASE WHEN unplanned IS NULL THEN states - 'next' ELSE states || jsonb_build_object('next', jsonb_build_object('step', unplanned)) END;

  -- All locks at once; then each condition again.
  IF NOT dry_run THEN
    ids := agentmem.lock_memories(store, namespace, ids);
    PERFORM agentmem.lock_rows(store, namespace, ARRAY(SELECT unnest(changing) INTERSECT SELECT unnest(ids)), ARRAY(SELECT unnest(going) INTERSECT SELECT unnest(ids)));
    -- What is not finished is due again, after those that have waited longer.
    EXECUTE format('UPDATE %I.namespace n SET maintained = $2, steps = $3, purged = CASE WHEN n.purged > $4 THEN now() - interval ''1 us'' ELSE n.purged END WHERE n.namespace = $1', store)
      USING namespace, CASE WHEN finished THEN at ELSE at - agentmem.store_interval(store, 'maintain_interval', '1 hour') END, states, agentmem.far_ahead(at);
  END IF;
  FOREACH step IN ARRAY steps LOOP
    CONTINUE WHEN NOT plans ? step;
    EXECUTE format('SELECT a.changed, a.details FROM agentmem.%I($1, $2, $3, $4, $5, $6) a', 'apply_' || step)
      INTO changed, details USING store, namespace, at, plans -> step, ids, dry_run;
    IF changed IS NOT NULL THEN
      RETURN NEXT;
    END IF;
  END LOOP;
END
$maintain$;
COMMENT ON FUNCTION agentmem.maintain(name, text, interval, boolean, timestamptz) IS
  'Maintains a namespace, or the one that is most overdue: accesses, expiry, states and precision by retention, duplicates, conflicts, edges that writing did not make, importance by edges, summaries, reflections, summaries of communities, quota, purging, statistics. A row for each step that has something to tell; none if nothing is due or another call has it. dry_run: only says what it would do; at: the clock of a simulation';

CREATE FUNCTION agentmem.postpone_namespace(store name, namespace text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET agentmem.shard = ''
AS $$
BEGIN
  PERFORM set_config('agentmem.shard', agentmem.shard_of(store, namespace), true);
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
  again boolean := false;     -- the last error was one that may pass
BEGIN
  IF store IS NULL OR budget IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'budget' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  PERFORM agentmem.local_shards(store, true);
  LOOP
    claimed := NULL;
    BEGIN
      SELECT c.name INTO claimed FROM agentmem.claim_namespace(store, NULL, pg_catalog.now(), false) c;
      IF claimed IS NOT NULL THEN
        PERFORM FROM agentmem.maintain(store, claimed, deadline OPERATOR(pg_catalog.-) pg_catalog.clock_timestamp());
        again := false;
      END IF;
    EXCEPTION WHEN OTHERS THEN
      IF claimed IS NULL THEN
        RAISE;
      END IF;
      -- Deadlocks and locks that were not to be had may pass by themselves: it is the most overdue still, and is tried once more.
      again := NOT again AND pg_catalog.clock_timestamp() OPERATOR(pg_catalog.<) deadline AND (pg_catalog.left(SQLSTATE, 2) OPERATOR(pg_catalog.=) '40' OR SQLSTATE OPERATOR(pg_catalog.=) '55P03');
      IF NOT again THEN
        RAISE WARNING 'namespace "%" of store "%" could not be maintained: %', claimed, store, SQLERRM
          USING ERRCODE = SQLSTATE, HINT = 'The others are; this one is tried again when it is due.';
        PERFORM agentmem.postpone_namespace(store, claimed);
      END IF;
    END;
    COMMIT;
    EXIT WHEN claimed IS NULL OR pg_catalog.clock_timestamp() OPERATOR(pg_catalog.>=) deadline;
  END LOOP;
END
$$;
COMMENT ON PROCEDURE agentmem.maintain_all(name, interval) IS
  'Maintains the namespaces of a store that are due, the most overdue first, each in a transaction of its own, until the budget is over: what pg_cron or a worker calls';

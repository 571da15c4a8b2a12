-- What steps share that look at each memory once: rounds, and settings that are numbers. Rules: src/consolidate/README.md, "Rounds".

CREATE FUNCTION agentmem.store_number(store name, setting text, default_value double precision, lowest double precision, highest double precision)
RETURNS double precision LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  value text;
  number double precision;
BEGIN
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = $1', store) INTO value USING setting;
  number := coalesce(value::double precision, default_value);
  IF NOT number BETWEEN lowest AND highest THEN
    RAISE data_exception;
  END IF;
  RETURN number;
EXCEPTION WHEN data_exception THEN
  RAISE EXCEPTION 'setting "%" of store "%" must be a number from % to %, not "%"', setting, store, lowest, highest, value
    USING ERRCODE = 'invalid_parameter_value';
END
$$;
COMMENT ON FUNCTION agentmem.store_number(name, text, double precision, double precision, double precision) IS
  'Internal to maintain: a setting of a store that is a number';

CREATE FUNCTION agentmem.store_count(store name, setting text, lowest int, highest int)
RETURNS int LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  value text;
BEGIN
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = $1', store) INTO value USING setting;
  IF value IS NULL OR value = '0' THEN
    RETURN 0;
  END IF;
  IF value !~ '^\d{1,9}$' OR value::int NOT BETWEEN lowest AND highest THEN
    RAISE EXCEPTION 'setting "%" of store "%" must be 0, or % to %, not "%"', setting, store, lowest, highest, value
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Without the row it is 0.';
  END IF;
  RETURN value;
END
$$;
COMMENT ON FUNCTION agentmem.store_count(name, text, int, int) IS 'Internal to maintain: a setting of a store that is a number, 0 where there is none';

-- A round begins where none is under way.
CREATE FUNCTION agentmem.begin_round(state jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE WHEN state ? 'after' THEN state
              ELSE state || jsonb_build_object('begun', now(), 'begun_xid', pg_snapshot_xmin(pg_current_snapshot())::text, 'after', 0) END;
END
$$;
COMMENT ON FUNCTION agentmem.begin_round(jsonb) IS 'Internal to maintain: state of a step that looks at memories once, with a round under way';

CREATE FUNCTION agentmem.end_round(state jsonb)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN state - '{after,begun,begun_xid}'::text[] || jsonb_build_object('since', state -> 'begun', 'since_xid', state -> 'begun_xid');
END
$$;
COMMENT ON FUNCTION agentmem.end_round(jsonb) IS 'Internal to maintain: state of a step whose round has come to its end';

-- Memories of which this round has not seen the present version, at most n, in the order of ids.
CREATE FUNCTION agentmem.unseen_memories(store name, namespace text, state jsonb, n int, which text DEFAULT 'true')
RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids bigint[];
BEGIN
  -- What was written before the last round began and could not be seen by it: by who had not committed.
  EXECUTE format('SELECT coalesce(array_agg(u.id), ''{}'') FROM (SELECT m.id FROM %I.memory m WHERE m.namespace = $1 AND m.id > $2%s AND %s ORDER BY m.id LIMIT $5) u',
                 store, CASE WHEN state ? 'since' THEN
                   ' AND lower(m.system_period) > $3 - interval ''1 day'' AND (lower(m.system_period) > $3 OR age(m.xmin) <= age($4))' ELSE '' END, which)
    INTO ids USING namespace, (state ->> 'after')::bigint, (state ->> 'since')::timestamptz, (state ->> 'since_xid')::xid8::xid, n;
  RETURN ids;
END
$$;
COMMENT ON FUNCTION agentmem.unseen_memories(name, text, jsonb, int, text) IS
  'Internal to maintain: memories that a step has not looked at since they were last written';

-- The next memories of a round that begin_round() has begun; NULL: it has come to its end, or time or room has. Of a plan's loop.
CREATE FUNCTION agentmem.next_part(store name, namespace text, INOUT state jsonb, deadline timestamptz, room int, which text DEFAULT 'true', OUT part bigint[])
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looking CONSTANT int := least(500, room); -- memories that a step looks at before it looks at the clock
BEGIN
  IF looking <= 0 OR clock_timestamp() >= deadline OR NOT state ? 'after' THEN
    RETURN;
  END IF;
  part := agentmem.unseen_memories(store, namespace, state, looking, which);
  state := CASE WHEN cardinality(part) < looking THEN agentmem.end_round(state) ELSE state || jsonb_build_object('after', part[looking]) END;
END
$$;
COMMENT ON FUNCTION agentmem.next_part(name, text, jsonb, timestamptz, int, text) IS 'Internal to maintain: the memories that a step is to look at next';

CREATE FUNCTION agentmem.compare_memories(store name, namespace text, ids bigint[], n int, older boolean, same_key boolean,
                                          OUT id bigint, OUT other bigint, OUT reason text, OUT similarity real)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_compare_memories';
COMMENT ON FUNCTION agentmem.compare_memories(name, text, bigint[], int, boolean, boolean) IS
  'Internal to maintain: of each memory the n nearest of its kind whose period meets its own, older ones only if asked for, and those with the same subject and predicate that it may contradict';

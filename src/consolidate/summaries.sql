-- The step that sums up sessions, and summaries level by level. Rules: src/consolidate/README.md, "Summaries".

-- The next n sessions behind `after`, with what is to be summed up of them as groups (session_groups); the last that was looked at, NULL if these were all. With `since` only
-- those of which something may have come, or come to rest, since then (and since `quiet_since`).
CREATE FUNCTION agentmem.next_sessions(store name, namespace text, at timestamptz, quiet interval, width int, n int, INOUT after text, since timestamptz DEFAULT NULL, quiet_since timestamptz DEFAULT NULL,
                                       OUT groups jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looked bigint;
BEGIN
  EXECUTE format($sql$
    WITH RECURSIVE looked AS MATERIALIZED (%2$s),
    -- What no summary sums up, if nothing came for a while.
    open AS MATERIALIZED (
      SELECT l.session, o.ids
      FROM looked l CROSS JOIN LATERAL (
        SELECT array_agg(m.id ORDER BY m.since NULLS FIRST, m.id) AS ids
        FROM (SELECT m.id, lower(m.valid_period) AS since
              FROM %1$I.memory m
              WHERE m.namespace = $1 AND m.session = l.session AND m.kind = 'episode' AND (m.expires_at IS NULL OR m.expires_at > $2)
                AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = $1 AND e.target = m.id AND e.type = 'summary_of' AND NOT %3$s)
              ORDER BY lower(m.valid_period) DESC NULLS LAST, m.id DESC LIMIT 10 * $4) m
        HAVING max(m.since) <= $2 - $3) o)
    SELECT (SELECT count(*) FROM looked), (SELECT max(l.session) FROM looked l),
      (SELECT jsonb_agg(g.g ORDER BY o.session, g.place)
       FROM open o
       -- Its last summary, while that has room and can be made anew.
       LEFT JOIN LATERAL (
         SELECT s.id, CASE WHEN %4$s THEN 0 ELSE $4 - (SELECT count(*) FROM %1$I.edge e WHERE e.namespace = $1 AND e.source = s.id AND e.type = 'summary_of') END::int AS room
         FROM %1$I.memory s
         WHERE s.namespace = $1 AND s.session = o.session AND %5$s
         ORDER BY lower(s.valid_period) DESC NULLS LAST, s.id DESC LIMIT 1) s ON true
       CROSS JOIN LATERAL jsonb_array_elements(agentmem.session_groups(o.session, o.ids, s.id, s.room, $4)) WITH ORDINALITY g(g, place))$sql$,
    store,
    CASE WHEN since IS NULL THEN format($sql$
      SELECT w.session FROM (
        WITH RECURSIVE w AS (
          (SELECT m.session FROM %1$I.memory m WHERE m.namespace = $1 AND m.session > $5 ORDER BY m.session LIMIT 1)
          UNION ALL
          SELECT x.session FROM w CROSS JOIN LATERAL (SELECT m.session FROM %1$I.memory m WHERE m.namespace = $1 AND m.session > w.session ORDER BY m.session LIMIT 1) x)
        SELECT w.session FROM w LIMIT $6) w$sql$, store)
    ELSE format($sql$
      SELECT w.session FROM (
        SELECT m.session FROM %1$I.memory m WHERE m.namespace = $1 AND lower(m.system_period) > $7 - interval '1 minute' AND m.kind = 'episode' AND m.session > $5
        UNION
        SELECT m.session FROM %1$I.memory m WHERE m.namespace = $1 AND lower(m.valid_period) > $8 AND m.kind = 'episode' AND m.session > $5) w
      ORDER BY w.session LIMIT $6$sql$, store) END,
    agentmem.was_digest(store, 'community', 'e.source'), agentmem.lost_members(store, 'summary', 's.id'), agentmem.is_digest('s', 'summary'))
    INTO looked, after, groups USING namespace, at, quiet, width, coalesce(after, ''), n, since, quiet_since;
  groups := coalesce(groups, '[]');
  after := CASE WHEN looked = n THEN after END;
END
$$;
COMMENT ON FUNCTION agentmem.next_sessions(name, text, timestamptz, interval, int, int, text, timestamptz, timestamptz) IS 'Internal to maintain: sessions, and their turns that no summary sums up';

-- Of each level the oldest summaries that no other sums up, n at a time, as {"level", "members"}. With `among` only if one of these memories is a summary: otherwise
-- there are no more than there were.
CREATE FUNCTION agentmem.next_levels(store name, namespace text, n int, among bigint[] DEFAULT NULL, OUT groups jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  may_be boolean := true;
BEGIN
  IF among IS NOT NULL THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) AND %s)', store, agentmem.is_digest('m', 'summary')) INTO may_be USING namespace, among;
  END IF;
  IF NOT may_be THEN
    groups := '[]';
    RETURN;
  END IF;
  EXECUTE format($sql$
    SELECT coalesce(jsonb_agg(g.g ORDER BY g.level, g.part), '[]')
    FROM (SELECT o.level, o.part, jsonb_build_object('level', o.level + 1, 'members', jsonb_agg(o.id ORDER BY o.since NULLS FIRST, o.id)) AS g
          FROM (SELECT s.id, s.level, s.since, (row_number() OVER (PARTITION BY s.level ORDER BY s.since NULLS FIRST, s.id) - 1) / $2 AS part
                FROM (SELECT m.id, lower(m.valid_period) AS since, (m.attributes ->> 'level')::int AS level
                      FROM %1$I.memory m
                      WHERE m.namespace = $1 AND %2$s
                        AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = $1 AND e.target = m.id AND e.type = 'summary_of')) s) o
          GROUP BY o.level, o.part HAVING count(*) = $2) g$sql$, store, agentmem.is_digest('m', 'summary'))
    INTO groups USING namespace, n;
END
$$;
COMMENT ON FUNCTION agentmem.next_levels(name, text, int, bigint[]) IS 'Internal to maintain: summaries that are to be summed up';

-- Turns of a session as groups {"session", "level", "members"[, "summary"]}: first those for which its last summary has room, the others in equal parts.
CREATE FUNCTION agentmem.session_groups(session text, ids bigint[], summary bigint, room int, width int)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  groups jsonb := '[]';
  part int;
BEGIN
  IF room > 0 AND cardinality(ids) > 0 THEN
    groups := jsonb_build_array(jsonb_build_object('session', session, 'level', 1, 'summary', summary, 'members', to_jsonb(ids[1:room])));
    ids := ids[room + 1:];
  END IF;
  IF cardinality(ids) > 1 THEN
    part := ceil(cardinality(ids)::float8 / ceil(cardinality(ids)::float8 / width));
    FOR i IN 1 .. cardinality(ids) BY part LOOP
      groups := groups || jsonb_build_object('session', session, 'level', 1, 'members', to_jsonb(ids[i:i + part - 1]));
    END LOOP;
  END IF;
  RETURN groups;
END
$$;
COMMENT ON FUNCTION agentmem.session_groups(text, bigint[], bigint, int, int) IS 'Internal to maintain: how the turns of a session are summed up';

-- All is looked at once a day, and when something was erased or imported, which leaves nothing that tells whom it concerned.
CREATE FUNCTION agentmem.begin_summaries(store name, namespace text, at timestamptz, INOUT state jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looks_at_all boolean := coalesce((state ->> 'all')::timestamptz <= at - interval '1 day', true);
BEGIN
  IF NOT looks_at_all THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.audit a WHERE a.namespace = $1 AND a.at > $2 - interval ''1 minute'' AND a.action IN (''erase'', ''import''))', store)
      INTO looks_at_all USING namespace, (state ->> 'begun')::timestamptz;
  END IF;
  state := jsonb_build_object('planned', at, 'begun', now(), 'rounds', 0, 'after', '{"phase": "changed"}'::jsonb)
    || CASE WHEN looks_at_all THEN jsonb_build_object('all', at)
            ELSE jsonb_build_object('all', state -> 'all', 'since', state -> 'begun', 'planned_since', state -> 'planned') END;
END
$$;
COMMENT ON FUNCTION agentmem.begin_summaries(name, text, timestamptz, jsonb) IS 'Internal to maintain: state of the step summaries, of a plan that begins';

CREATE FUNCTION agentmem.plan_summaries(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                        OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  width CONSTANT int := 100;  -- turns that one summary sums up
  batch CONSTANT int := 200;  -- summaries, or sessions, that it looks at before it looks at the clock
  n int := agentmem.store_count(store, 'summaries', 2, 64);
  quiet interval := agentmem.store_interval(store, 'summary_interval', '1 hour');
  among bigint[];             -- memories that were changed since the last time; NULL: all are looked at
  after jsonb;                -- {"phase", "at"}: where it goes on
  part record;
  groups jsonb;
  found jsonb := '[]';
  full_up boolean := false;
BEGIN
  IF n = 0 OR (NOT state ? 'after' AND (state ->> 'planned')::timestamptz > at - quiet) THEN
    RETURN;
  END IF;
  IF NOT state ? 'after' THEN
    state := agentmem.begin_summaries(store, namespace, at, state);
  END IF;
  after := state -> 'after';
  IF state ? 'since' THEN
    among := agentmem.changed_memories(store, namespace, (state ->> 'since')::timestamptz, (state ->> 'planned_since')::timestamptz, at);
    -- So many are not looked up one by one.
    among := CASE WHEN cardinality(among) <= 10000 THEN among END;
  END IF;
  ids := '{}';
  WHILE after IS NOT NULL AND NOT full_up AND clock_timestamp() < deadline LOOP
    groups := '[]';
    CASE after ->> 'phase'
      WHEN 'changed' THEN
        SELECT c.* INTO part FROM agentmem.changed_summaries(store, namespace, 'summary', at, batch, after ->> 'at', among) c;
        groups := coalesce((SELECT jsonb_agg(jsonb_build_object('summary', c.id, 'members', '[]'::jsonb)) FROM unnest(part.ids) c(id)), '[]');
        part.after := CASE WHEN part.finished THEN '{"phase": "sessions"}' ELSE jsonb_build_object('phase', 'changed', 'at', part.after) END;
      WHEN 'sessions' THEN
        SELECT s.* INTO part FROM agentmem.next_sessions(store, namespace, at, quiet, width, batch, after ->> 'at', (state ->> 'since')::timestamptz, (state ->> 'planned_since')::timestamptz - quiet) s;
        groups := part.groups;
        part.after := CASE WHEN part.after IS NULL THEN '{"phase": "levels"}' ELSE jsonb_build_object('phase', 'sessions', 'at', part.after) END;
      ELSE
        groups := agentmem.next_levels(store, namespace, n, among);
        SELECT NULL::text AS after INTO part;
    END CASE;
    FOR i IN 0 .. jsonb_array_length(groups) - 1 LOOP
      full_up := cardinality(ids) + 1 + jsonb_array_length(groups -> i -> 'members') > most;
      IF full_up THEN
        -- The next call goes on behind the sessions that are all in this one.
        after := after || coalesce((SELECT jsonb_build_object('at', max(g.g ->> 'session')) FROM jsonb_array_elements(groups) WITH ORDINALITY g(g, place)
                                    WHERE g.place <= i AND g.g ->> 'session' <> groups -> i ->> 'session' HAVING count(*) > 0), '{}');
        EXIT;
      END IF;
      ids := ids || ARRAY(SELECT m::bigint FROM jsonb_array_elements(groups -> i -> 'members') m) || (groups -> i ->> 'summary')::bigint;
      found := found || jsonb_build_array(groups -> i);
    END LOOP;
    IF NOT full_up THEN
      after := part.after::jsonb;
    END IF;
  END LOOP;
  ids := array_remove(ids, NULL);
  -- What is made now may be due a level higher: once more, until nothing is found.
  IF after IS NULL AND found <> '[]' AND (state ->> 'rounds')::int < 20 THEN
    after := '{"phase": "changed"}';
    state := jsonb_set(state, '{rounds}', to_jsonb((state ->> 'rounds')::int + 1));
  END IF;
  state := CASE WHEN after IS NULL THEN state - 'after' ELSE state || jsonb_build_object('after', after) END;
  plan := jsonb_build_object('groups', found, 'finished', after IS NULL, 'going', ARRAY(SELECT (g ->> 'summary')::bigint FROM jsonb_array_elements(found) g WHERE g ->> 'summary' IS NOT NULL));
END
$$;
COMMENT ON FUNCTION agentmem.plan_summaries(name, text, timestamptz, jsonb, timestamptz, int) IS
  'Internal to maintain: sessions that have no summary, summaries that have none, and those whose members changed';

CREATE FUNCTION agentmem.apply_summaries(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                         OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT w.changed, w.details || jsonb_build_object('finished', plan -> 'finished') INTO changed, details FROM agentmem.write_digests(store, namespace, 'summary', at, plan -> 'groups', held, dry_run) w;
END
$$;
COMMENT ON FUNCTION agentmem.apply_summaries(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: writes the summaries that are due';

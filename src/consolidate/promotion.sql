-- The step that makes a reflection of what episodes of several sessions say. Rules: src/consolidate/README.md, "Promotion".

-- What each episode says much the same as, in another session: of the SQL `m`, whether the memory m can be one of them.
CREATE FUNCTION agentmem.may_recur(m text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Greetings and thanks recur in every session.
  RETURN format('%1$s.kind = ''episode'' AND %1$s.session IS NOT NULL AND %1$s.tokens >= 8 AND (%1$s.expires_at IS NULL OR %1$s.expires_at > now())', m);
END
$$;
COMMENT ON FUNCTION agentmem.may_recur(text) IS 'Internal to maintain: SQL that tells whether memory m is an episode that says enough to recur';

-- Of each of some episodes those of other sessions that say much the same: near vectors, equal contents, the same concepts.
CREATE FUNCTION agentmem.recurrences(store name, namespace text, ids bigint[], threshold real, OUT id bigint, OUT other bigint, OUT similarity real)
RETURNS SETOF record LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY EXECUTE format($sql$
    -- Each of the three is searched once, however many rows the planner thinks there are.
    WITH p AS MATERIALIZED (
          SELECT c.id, c.other, c.similarity FROM agentmem.compare_memories($3, $1, $2, 32, false, false) c WHERE c.similarity >= $4
          UNION ALL
          SELECT m.id, o.id, 1 FROM %1$I.memory m
          CROSS JOIN LATERAL (SELECT e.id FROM %1$I.memory e WHERE e.namespace = $1 AND e.content_hash = m.content_hash AND e.id <> m.id ORDER BY e.id LIMIT 32) o
          WHERE m.namespace = $1 AND m.id = ANY ($2)
          UNION ALL
          -- Three concepts at least, and three of five of those that either has.
          SELECT s.id, s.other, l.share
          FROM (SELECT a.source AS id, b.source AS other, count(*) AS n, max(a.all_of_it) AS all_of_it
                FROM (SELECT e.source, e.target, count(*) OVER (PARTITION BY e.source) AS all_of_it FROM %1$I.edge e
                      WHERE e.namespace = $1 AND e.source = ANY ($2) AND e.target < 0 AND e.type = 'has_concept') a
                CROSS JOIN LATERAL (SELECT e.source FROM %1$I.edge e WHERE e.namespace = $1 AND e.target = a.target AND e.type = 'has_concept' AND e.source <> a.source
                                    ORDER BY e.weight DESC, e.source LIMIT 32) b
                GROUP BY a.source, b.source HAVING count(*) >= 3) s
          CROSS JOIN LATERAL (SELECT (s.n::float8 / greatest(s.all_of_it, count(*)))::real AS share FROM %1$I.edge e
                              WHERE e.namespace = $1 AND e.source = s.other AND e.type = 'has_concept') l
          WHERE l.share >= 0.6)
    SELECT p.id, p.other, max(p.similarity)
    FROM p
    JOIN %1$I.memory m ON m.namespace = $1 AND m.id = p.id
    JOIN %1$I.memory o ON o.namespace = $1 AND o.id = p.other
    WHERE %2$s AND %3$s AND o.session <> m.session
    GROUP BY p.id, p.other$sql$, store, agentmem.may_recur('m'), agentmem.may_recur('o'))
    USING namespace, ids, store, threshold;
END
$$;
COMMENT ON FUNCTION agentmem.recurrences(name, text, bigint[], real) IS 'Internal to maintain: episodes of other sessions that say much the same as some';

-- Of pairs that say much the same, groups {"members"} of n sessions at least, each around one that says what all of them say, and those that
-- join a reflection {"summary", "members"}.
CREATE FUNCTION agentmem.promotion_groups(store name, namespace text, a bigint[], b bigint[], similarity real[], n int)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  width CONSTANT int := 100;  -- episodes that one reflection is made of
  groups jsonb;
  owned bigint[];             -- those that a reflection has or had, or whose nearest one it has
  free_a bigint[];
  free_b bigint[];
  part jsonb;
  grouped bigint[];
  made jsonb := '[]';
BEGIN
  -- One that is like what a reflection was made of joins it, or nothing: what was forgotten is not made anew by and by.
  EXECUTE format($sql$
    WITH node AS MATERIALIZED (SELECT u.id, %2$s AS owner FROM (SELECT unnest($2) UNION SELECT unnest($3)) u(id)),
    near AS MATERIALIZED (
      SELECT DISTINCT ON (p.a) p.a AS id, o.owner
      FROM unnest($2, $3, $4) p(a, b, similarity) JOIN node x ON x.id = p.a AND x.owner IS NULL JOIN node o ON o.id = p.b AND o.owner IS NOT NULL
      ORDER BY p.a, p.similarity DESC, p.b),
    joining AS (
      SELECT j.owner, array_agg(j.id ORDER BY j.id) AS ids
      FROM (SELECT r.id, r.owner, row_number() OVER (PARTITION BY r.owner ORDER BY r.id) AS place FROM near r) j
      JOIN %1$I.memory m ON m.namespace = $1 AND m.id = j.owner AND %3$s
      WHERE j.place <= $5 - (SELECT count(*) FROM %1$I.edge e WHERE e.namespace = $1 AND e.source = j.owner AND e.type = 'derived_from')
      GROUP BY j.owner)
    SELECT (SELECT coalesce(jsonb_agg(jsonb_build_object('summary', j.owner, 'members', j.ids) ORDER BY j.owner), '[]') FROM joining j),
           ARRAY(SELECT o.id FROM node o WHERE o.owner IS NOT NULL UNION SELECT r.id FROM near r)$sql$, store, agentmem.made_of_it(store, 'reflection', 'u.id'), agentmem.is_digest('m', 'reflection'))
    INTO groups, owned USING namespace, a, b, similarity, width;
  SELECT array_agg(p.a), array_agg(p.b) INTO free_a, free_b
    FROM (SELECT DISTINCT u.a, u.b FROM unnest(a || b, b || a) u(a, b)) p
    WHERE NOT EXISTS (SELECT FROM unnest(owned) o(id) WHERE o.id = p.a) AND NOT EXISTS (SELECT FROM unnest(owned) o(id) WHERE o.id = p.b);
  -- The one with the most sessions has its group first. Of those that share nobody with a better one, at once: no other group can take anything from theirs.
  LOOP
    EXECUTE format($sql$
      WITH pair AS MATERIALIZED (SELECT p.a, p.b FROM unnest($2, $3) p(a, b)),
      center AS MATERIALIZED (
        SELECT p.a AS id, count(DISTINCT m.session) AS sessions, count(*) AS n, row_number() OVER (ORDER BY count(DISTINCT m.session) DESC, count(*) DESC, p.a) AS place
        FROM pair p JOIN %1$I.memory m ON m.namespace = $1 AND m.id = p.b GROUP BY p.a HAVING count(DISTINCT m.session) >= $4 - 1),
      member AS MATERIALIZED (SELECT c.id AS center, c.place, c.id FROM center c UNION ALL SELECT c.id, c.place, p.b FROM center c JOIN pair p ON p.a = c.id),
      best AS MATERIALIZED (SELECT m.id, min(m.place) AS place FROM member m GROUP BY m.id),
      chosen AS MATERIALIZED (
        SELECT m.center, array_agg(m.id ORDER BY m.id) AS ids FROM member m JOIN best b ON b.id = m.id GROUP BY m.center, m.place HAVING min(b.place) = m.place)
      SELECT jsonb_agg(jsonb_build_object('members', x.ids[1:$5], 'center', x.center, 'sessions', c.sessions, 'n', c.n)), ARRAY(SELECT unnest(y.ids) FROM chosen y)
      FROM chosen x JOIN center c ON c.id = x.center$sql$, store)
      INTO part, grouped USING namespace, free_a, free_b, n, width;
    EXIT WHEN part IS NULL;
    made := made || part;
    SELECT array_agg(p.a), array_agg(p.b) INTO free_a, free_b FROM unnest(free_a, free_b) p(a, b)
      WHERE NOT EXISTS (SELECT FROM unnest(grouped) g(id) WHERE g.id = p.a) AND NOT EXISTS (SELECT FROM unnest(grouped) g(id) WHERE g.id = p.b);
  END LOOP;
  groups := groups || (SELECT coalesce(jsonb_agg(jsonb_build_object('members', m -> 'members') ORDER BY (m ->> 'sessions')::bigint DESC, (m ->> 'n')::bigint DESC, (m ->> 'center')::bigint), '[]')
                       FROM jsonb_array_elements(made) m);
  RETURN groups;
END
$$;
COMMENT ON FUNCTION agentmem.promotion_groups(name, text, bigint[], bigint[], real[], int) IS 'Internal to maintain: episodes that become a reflection, or join one';

CREATE FUNCTION agentmem.plan_promotion(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                        OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  batch CONSTANT int := 200;  -- reflections that it looks at before it looks at the clock
  pairs CONSTANT int := 1000; -- with so many it has enough: to write a reflection takes longer than to find it
  n int := agentmem.store_count(store, 'promotion', 2, 64);
  threshold real := agentmem.store_number(store, 'promotion_threshold', 0.8, 0, 1);
  changed record;
  part bigint[];
  a bigint[] := '{}';
  b bigint[] := '{}';
  weights real[] := '{}';
  groups jsonb;
BEGIN
  IF n = 0 OR (NOT state ? 'after' AND (state ->> 'planned')::timestamptz > at - agentmem.store_interval(store, 'promotion_interval', '1 day')) THEN
    RETURN;
  END IF;
  IF NOT state ? 'after' THEN
    state := agentmem.begin_round(state) || jsonb_build_object('planned', at, 'changed', '');
  END IF;
  ids := '{}';
  plan := '[]';
  WHILE state ? 'changed' AND clock_timestamp() < deadline AND cardinality(ids) < most LOOP
    SELECT c.* INTO changed FROM agentmem.changed_summaries(store, namespace, 'reflection', at, least(batch, most - cardinality(ids)), state ->> 'changed') c;
    plan := plan || coalesce((SELECT jsonb_agg(jsonb_build_object('summary', c.id, 'members', '[]'::jsonb)) FROM unnest(changed.ids) c(id)), '[]');
    ids := ids || changed.ids;
    state := CASE WHEN changed.finished THEN state - 'changed' ELSE state || jsonb_build_object('changed', changed.after) END;
  END LOOP;
  WHILE NOT state ? 'changed' LOOP
    SELECT p.state, p.part INTO state, part FROM agentmem.next_part(store, namespace, state, deadline, least(pairs, (most - cardinality(ids)) / 2) - cardinality(a), agentmem.may_recur('m')) p;
    EXIT WHEN part IS NULL;
    -- Those around one that is new, and around those that are like it: one of all these is in the middle of a group that is new.
    FOR i IN 1 .. 2 LOOP
      SELECT a || coalesce(array_agg(r.id), '{}'), b || coalesce(array_agg(r.other), '{}'), weights || coalesce(array_agg(r.similarity), '{}')
        INTO a, b, weights FROM agentmem.recurrences(store, namespace, part, threshold) r;
      part := ARRAY(SELECT unnest(b) EXCEPT SELECT unnest(a) ORDER BY 1);
    END LOOP;
  END LOOP;
  groups := agentmem.promotion_groups(store, namespace, a, b, weights, n);
  plan := plan || groups;
  ids := ids || ARRAY(SELECT m::bigint FROM jsonb_array_elements(groups) g, jsonb_array_elements(g -> 'members') m) || ARRAY(SELECT (g ->> 'summary')::bigint FROM jsonb_array_elements(groups) g);
  ids := array_remove(ids, NULL);
  plan := jsonb_build_object('groups', plan, 'going', ARRAY(SELECT (g ->> 'summary')::bigint FROM jsonb_array_elements(plan) g WHERE g ->> 'summary' IS NOT NULL));
END
$$;
COMMENT ON FUNCTION agentmem.plan_promotion(name, text, timestamptz, jsonb, timestamptz, int) IS
  'Internal to maintain: episodes of several sessions that say much the same, and reflections whose members changed';

-- A model outside may say it better: in a memory with the reflection''s key, which takes its place.
CREATE FUNCTION agentmem.queue_reflection(store name, namespace text, reflection bigint)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  wanted boolean;
  members bigint[];
  payload jsonb;
BEGIN
  -- Where it is off, nobody needs a privilege on jobs.
  EXECUTE format('SELECT EXISTS (SELECT FROM %I.setting s WHERE s.name = ''reflect_jobs'' AND s.value = ''on'')', store) INTO wanted;
  IF NOT wanted THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT jsonb_build_object(''reflection'', r.id, ''key'', r.key),'
                 ' ARRAY(SELECT m.id FROM %1$I.edge e JOIN %1$I.memory m ON m.namespace = $1 AND m.id = e.target WHERE e.namespace = $1 AND e.source = r.id AND e.type = ''derived_from'' ORDER BY m.id)'
                 ' FROM %1$I.memory r WHERE r.namespace = $1 AND r.id = $2'
                 ' AND NOT EXISTS (SELECT FROM %1$I.job j WHERE j.namespace = $1 AND j.kind = ''reflect'' AND j.state = ''queued'' AND j.payload ->> ''key'' = r.key)', store)
    INTO payload, members USING namespace, reflection;
  IF members <> '{}' THEN
    PERFORM agentmem.enqueue_job(store, namespace, 'reflect', members, payload);
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.queue_reflection(name, text, bigint) IS 'Internal to maintain: offers what a reflection was made of to a model outside';

CREATE FUNCTION agentmem.apply_promotion(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                         OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT w.changed, w.details INTO changed, details FROM agentmem.write_digests(store, namespace, 'reflection', at, plan -> 'groups', held, dry_run) w WHERE w.details <> '{}';
END
$$;
COMMENT ON FUNCTION agentmem.apply_promotion(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: makes and widens reflections of what recurs';

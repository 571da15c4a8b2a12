-- The step that sums up communities of the graph. Rules: src/consolidate/README.md, "Communities".

-- The query whose communities they are. Undamped: what sums them up is an edge more that ends in them.
CREATE FUNCTION agentmem.community_edges(store name, namespace text)
RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  types text[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(t.name ORDER BY t.name), ''{}'') FROM %I.edge_type t WHERE t.weight > 0 AND t.name NOT IN (''next'', ''summary_of'')', store) INTO types;
  RETURN format($sql$
    WITH made AS MATERIALIZED (SELECT m.id FROM %1$I.memory m JOIN %1$I.kind k ON k.name = m.kind AND k.class = 'structural' WHERE m.namespace = %2$L),
    edge AS MATERIALIZED (
      SELECT t.source, t.target, t.weight FROM agentmem.transitions(%3$L, %2$L, %4$L::text[], false) t
      WHERE NOT EXISTS (SELECT FROM made s WHERE s.id = t.source) AND NOT EXISTS (SELECT FROM made s WHERE s.id = t.target)),
    -- A concept of one memory joins it to nothing, and would hold it back from others.
    alone AS MATERIALIZED (SELECT e.target AS id FROM edge e WHERE e.target < 0 GROUP BY e.target HAVING count(*) = 1)
    SELECT e.source, e.target, e.weight FROM edge e
    WHERE NOT EXISTS (SELECT FROM alone a WHERE a.id = e.source) AND NOT EXISTS (SELECT FROM alone a WHERE a.id = e.target)$sql$, store, namespace, store, types);
END
$$;
COMMENT ON FUNCTION agentmem.community_edges(name, text) IS 'Internal to maintain: SQL that gives the edges whose communities are summed up';

-- How many edges may decide that, and how many have come or gone since the step looked last, as `state` says.
CREATE FUNCTION agentmem.community_changes(store name, namespace text, state jsonb, OUT edges bigint, OUT changes bigint)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  gone bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM %I.edge e WHERE e.namespace = $1 AND e.type NOT IN (''next'', ''summary_of'')', store) INTO edges USING namespace;
  IF NOT state ? 'since' THEN
    changes := edges;
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM %I.edge_history e WHERE e.namespace = $1 AND e.type NOT IN (''next'', ''summary_of'') AND upper(e.system_period) > $2', store)
    INTO gone USING namespace, (state ->> 'since')::timestamptz;
  -- As many are new as there are more, and as have gone; what was erased has left no history.
  changes := abs(edges - (state ->> 'edges')::bigint + gone) + gone;
END
$$;
COMMENT ON FUNCTION agentmem.community_changes(name, text, jsonb) IS 'Internal to maintain: whether the graph is another than communities were found in';

-- What there is to do for communities that are named by more than `after`, as groups {"community", "summary", "members", "leaving"}: members are those that
-- the summary, or a new one, has yet to have; and, before all others, for summaries of what is no community any more {"summary", "members": [], "dissolved": true}.
CREATE FUNCTION agentmem.community_groups(store name, namespace text, at timestamptz, nodes bigint[], communities bigint[], n int, after bigint)
RETURNS jsonb LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  width CONSTANT int := 100;  -- memories that one summary sums up
  groups jsonb;
BEGIN
  EXECUTE format($sql$
    WITH node AS MATERIALIZED (SELECT u.id, u.community FROM unnest($3, $4) u(id, community)),
    member AS MATERIALIZED (
      SELECT x.id, x.community, count(*) OVER (PARTITION BY x.community) AS n
      FROM node x JOIN %1$I.memory m ON m.namespace = $1 AND m.id = x.id AND (m.expires_at IS NULL OR m.expires_at > $2)
      JOIN %1$I.kind k ON k.name = m.kind AND k.class NOT IN ('vault', 'structural') WHERE x.id > 0),
    -- Of what has more than one summary is to sum up, those that hold it together. All edges are read once: as many look-ups take longer.
    type AS MATERIALIZED (SELECT t.name, t.weight FROM %1$I.edge_type t WHERE t.name NOT IN ('next', 'summary_of')),
    crowd AS MATERIALIZED (SELECT x.id, x.community FROM node x WHERE x.community IN (SELECT b.community FROM member b WHERE b.n > $6)),
    weight AS MATERIALIZED (
      SELECT l.id, sum(l.weight) AS weight
      FROM (SELECT e.source, e.target, (t.weight * e.weight * e.weight)::double precision AS weight
            FROM %1$I.edge e JOIN type t ON t.name = e.type JOIN crowd x ON x.id = e.source JOIN crowd o ON o.id = e.target AND o.community = x.community
            WHERE e.namespace = $1) i
      CROSS JOIN LATERAL (VALUES (i.source, i.weight), (i.target, i.weight)) l(id, weight)
      GROUP BY l.id),
    wanted AS MATERIALIZED (
      SELECT r.community, array_agg(r.id ORDER BY r.id) AS ids
      FROM (SELECT b.community, b.id, row_number() OVER (PARTITION BY b.community ORDER BY w.weight DESC NULLS LAST, b.id) AS place
            FROM member b LEFT JOIN weight w ON w.id = b.id WHERE b.n >= $5) r
      WHERE r.place <= $6 GROUP BY r.community),
    -- Summaries that were made before. Ours may follow their community; what became of the others says that there is to be none.
    told AS MATERIALIZED (
      SELECT s.id, m.id IS NOT NULL AND %2$s AS ours
      FROM (SELECT DISTINCT e.source AS id FROM %1$I.edge e WHERE e.namespace = $1 AND e.type = 'summary_of') s
      LEFT JOIN %1$I.memory m ON m.namespace = $1 AND m.id = s.id
      -- Of ours that cannot be made anew nothing tells what it should be of: it stays as it is, beside what is made in its place.
      WHERE %3$s AND CASE WHEN m.id IS NOT NULL THEN NOT (%2$s AND %4$s) ELSE coalesce((
        SELECT (array_agg(a.action <> 'forget' OR coalesce(a.details ->> 'reason', '') NOT IN ('dissolved', 'no members') ORDER BY a.id DESC))[1]
        FROM %1$I.audit a WHERE a.namespace = $1 AND a.ids OPERATOR(agentmem.&&&) ARRAY[s.id]), false) END),
    -- Where its members are by now. One that faded is a member still, one that was forgotten by hand, or has expired, is none.
    told_member AS MATERIALIZED (
      SELECT t.id AS summary, t.ours, e.target AS id, x.community,
        CASE WHEN x.community IS NOT NULL THEN true WHEN m.id IS NOT NULL THEN m.expires_at IS NULL OR m.expires_at > $2 ELSE coalesce(%5$s, false) END AS is_one
      FROM told t JOIN %1$I.edge e ON e.namespace = $1 AND e.source = t.id AND e.type = 'summary_of'
      LEFT JOIN node x ON x.id = e.target LEFT JOIN %1$I.memory m ON m.namespace = $1 AND m.id = e.target),
    -- Of one most of whose members are in no graph any more nothing tells what it should be of.
    lasting AS (
      SELECT p.summary, count(p.community) AS there FROM told_member p WHERE p.is_one GROUP BY p.summary HAVING 2 * count(p.community) > count(*)),
    partner AS MATERIALIZED (
      SELECT DISTINCT ON (p.community) p.community, p.summary, p.ours
      FROM (SELECT p.summary, p.ours, p.community, count(*) AS n FROM told_member p WHERE p.community IS NOT NULL GROUP BY 1, 2, 3) p
      JOIN lasting l ON l.summary = p.summary AND 2 * p.n > l.there JOIN wanted w ON w.community = p.community
      ORDER BY p.community, p.ours DESC, p.n DESC, p.summary),
    -- Of each at once: by summary it would be as often as there are summaries.
    told_members AS MATERIALIZED (
      SELECT s.summary, array_agg(s.id) AS ids, coalesce(array_agg(s.id) FILTER (WHERE NOT s.is_one), '{}') AS none,
        coalesce(array_agg(s.id) FILTER (WHERE s.is_one AND s.community IS NOT NULL), '{}') AS there,
        coalesce(array_agg(s.id ORDER BY s.id DESC) FILTER (WHERE s.is_one AND s.community IS NULL), '{}') AS elsewhere
      FROM told_member s GROUP BY s.summary),
    planned AS (
      SELECT w.community, p.summary, ARRAY(SELECT unnest(w.ids) EXCEPT SELECT unnest(s.ids) ORDER BY 1) AS joining,
        -- Those that are in no graph stay while there is room.
        ARRAY(SELECT unnest(s.none) UNION ALL (SELECT unnest(s.there) EXCEPT SELECT unnest(w.ids)) UNION ALL SELECT unnest(s.elsewhere[1 + greatest($6 - cardinality(w.ids), 0):])) AS leaving,
        cardinality(w.ids) AS all_of_it
      FROM wanted w LEFT JOIN partner p ON p.community = w.community LEFT JOIN told_members s ON s.summary = p.summary WHERE p.ours IS NOT false)
    SELECT coalesce(jsonb_agg(g.g ORDER BY g.community NULLS FIRST, g.summary), '[]')
    FROM (SELECT NULL::bigint AS community, t.id AS summary, jsonb_build_object('summary', t.id, 'members', '[]'::jsonb, 'dissolved', true) AS g
          FROM told t JOIN lasting l ON l.summary = t.id
          WHERE t.ours AND $7 IS NULL AND NOT EXISTS (SELECT FROM partner p WHERE p.summary = t.id)
          UNION ALL
          SELECT p.community, p.summary, jsonb_build_object('community', p.community, 'summary', p.summary, 'members', p.joining, 'leaving', p.leaving)
          FROM planned p
          -- A fifth has to change.
          WHERE ($7 IS NULL OR p.community > $7) AND 5 * (cardinality(p.joining) + cardinality(p.leaving)) >= p.all_of_it) g$sql$,
    store, agentmem.is_digest('m', 'community'), agentmem.was_digest(store, 'community', 's.id'), agentmem.lost_members(store, 'community', 's.id'), agentmem.has_faded(store, 'e.target'))
    INTO groups USING namespace, at, nodes, communities, n, width, after;
  RETURN groups;
END
$$;
COMMENT ON FUNCTION agentmem.community_groups(name, text, timestamptz, bigint[], bigint[], int, bigint) IS 'Internal to maintain: communities that have no summary or another one by now';

CREATE FUNCTION agentmem.plan_communities(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                          OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  batch CONSTANT int := 200;  -- summaries that it looks at before it looks at the clock
  n int := agentmem.store_count(store, 'communities', 3, 100);
  resolution float8 := agentmem.store_number(store, 'community_resolution', 1, 0.01, 100);
  graph record;
  nodes bigint[];
  communities bigint[];
  part jsonb;
  found jsonb := '[]';
  changed record;
BEGIN
  IF n = 0 OR (NOT state ? 'after' AND (state ->> 'planned')::timestamptz > at - agentmem.store_interval(store, 'community_interval', '1 day')) THEN
    RETURN;
  END IF;
  ids := '{}';
  IF NOT state ? 'after' THEN
    SELECT c.* INTO graph FROM agentmem.community_changes(store, namespace, state) c;
    -- A twentieth has to change.
    state := state || jsonb_build_object('planned', at, 'after', CASE WHEN graph.changes > 0 AND 20 * graph.changes >= graph.edges THEN '{"phase": "graph"}' ELSE '{"phase": "changed"}' END::jsonb);
    IF state #>> '{after,phase}' = 'graph' THEN
      state := state || jsonb_build_object('since', now(), 'edges', graph.edges);
    END IF;
  END IF;
  IF state #>> '{after,phase}' = 'graph' AND clock_timestamp() < deadline AND most > 0 THEN
    BEGIN
      SELECT array_agg(c.node), array_agg(c.community) INTO nodes, communities FROM agentmem.communities(agentmem.community_edges(store, namespace), resolution) c;
      FOR part IN SELECT g FROM jsonb_array_elements(agentmem.community_groups(store, namespace, at, nodes, communities, n, (state #>> '{after,at}')::bigint)) g LOOP
        -- By the next call, which finds the same communities.
        EXIT WHEN cardinality(ids) + 1 + jsonb_array_length(part -> 'members') > most;
        found := found || jsonb_build_array(part);
        ids := ids || ARRAY(SELECT m::bigint FROM jsonb_array_elements(part -> 'members') m) || (part ->> 'summary')::bigint;
        state := jsonb_set(state, '{after,at}', coalesce(part -> 'community', state #> '{after,at}', 'null'));
        part := NULL;
      END LOOP;
    EXCEPTION WHEN out_of_memory OR program_limit_exceeded THEN
      -- A graph that is too large keeps the summaries that it has.
      plan := jsonb_build_object('skipped', SQLERRM);
    END;
    IF part IS NULL OR plan IS NOT NULL THEN
      state := jsonb_set(state, '{after}', '{"phase": "changed"}');
    END IF;
  END IF;
  WHILE state #>> '{after,phase}' = 'changed' AND clock_timestamp() < deadline AND cardinality(ids) < most LOOP
    SELECT c.* INTO changed FROM agentmem.changed_summaries(store, namespace, 'community', at, least(batch, most - cardinality(ids)), state #>> '{after,at}') c;
    changed.ids := ARRAY(SELECT c.id FROM unnest(changed.ids) c(id) WHERE c.id <> ALL (ids) ORDER BY c.id);
    found := found || coalesce((SELECT jsonb_agg(jsonb_build_object('summary', c.id, 'members', '[]'::jsonb)) FROM unnest(changed.ids) c(id)), '[]');
    ids := ids || changed.ids;
    state := CASE WHEN changed.finished THEN state - 'after' ELSE jsonb_set(state, '{after,at}', to_jsonb(changed.after)) END;
  END LOOP;
  ids := array_remove(ids, NULL);
  plan := coalesce(plan, '{}') || jsonb_build_object('groups', found, 'finished', NOT state ? 'after',
    'going', ARRAY(SELECT (g ->> 'summary')::bigint FROM jsonb_array_elements(found) g WHERE g ->> 'summary' IS NOT NULL));
END
$$;
COMMENT ON FUNCTION agentmem.plan_communities(name, text, timestamptz, jsonb, timestamptz, int) IS
  'Internal to maintain: communities of the graph that have no summary, and summaries that are not those of their community any more';

CREATE FUNCTION agentmem.apply_communities(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                           OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  SELECT w.changed, w.details INTO changed, details FROM agentmem.write_digests(store, namespace, 'community', at, plan -> 'groups', held, dry_run) w;
  details := nullif(details || CASE WHEN plan ? 'skipped' THEN jsonb_build_object('skipped', plan -> 'skipped') ELSE '{}' END, '{}');
  changed := CASE WHEN details IS NOT NULL THEN changed END;
END
$$;
COMMENT ON FUNCTION agentmem.apply_communities(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: writes the summaries of communities';

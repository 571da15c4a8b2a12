-- The step that sums up sessions, and summaries level by level. Rules: src/consolidate/README.md, "Summaries".

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

-- By which edges a memory that maintenance makes of others, a summary or a reflection, leads to them.
CREATE FUNCTION agentmem.digest_edge(kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE kind WHEN 'summary' THEN 'summary_of' ELSE 'derived_from' END;
END
$$;
COMMENT ON FUNCTION agentmem.digest_edge(text) IS 'Internal to maintain: the type of edges from a summary or reflection to its members';

-- Which memories those are: m is one.
CREATE FUNCTION agentmem.is_digest(m text, kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('%1$s.key > %2$L AND %1$s.key < %3$L AND %1$s.kind = %4$L AND %1$s.source = ''maintain''', m, 'maintain/' || kind || '/', 'maintain/' || kind || '0', kind);
END
$$;
COMMENT ON FUNCTION agentmem.is_digest(text, text) IS 'Internal to maintain: SQL that tells whether memory m is a summary or reflection that maintenance made';

-- The statement that gives the members of a summary, or a reflection, in namespace $1 at $2: those that the SQL `summary` has edges to, and `others`.
-- One that faded away is a member still, as it was.
CREATE FUNCTION agentmem.members_query(store name, kind text, summary text, others text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$
    SELECT v.*
    FROM (SELECT e.target AS id FROM %1$I.edge e WHERE e.namespace = $1 AND e.source = %2$s AND e.type = %4$L
          UNION SELECT o.id FROM unnest(%3$s) o(id)) x
    CROSS JOIN LATERAL (
      SELECT m.id, m.content, m.content_hash, m.embedding, m.language, m.session, m.valid_period,
             coalesce(CASE WHEN m.kind = 'summary' THEN agentmem.attribute_time(m.attributes, 'until') END, lower(m.valid_period)) AS until
      FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = x.id AND (m.expires_at IS NULL OR m.expires_at > $2)
      UNION ALL
      (SELECT h.id, h.content, h.content_hash, h.embedding, h.language, h.session, h.valid_period, lower(h.valid_period) AS until
       FROM %1$I.memory_history h
       WHERE h.namespace = $1 AND h.id = x.id AND NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = x.id)
         AND (SELECT (array_agg(a.action = 'forget' AND coalesce(a.details ->> 'reason', '') IN ('retention', 'quota') ORDER BY a.id DESC))[1]
              FROM %1$I.audit a WHERE a.namespace = $1 AND a.ids OPERATOR(agentmem.&&&) ARRAY[x.id])
       ORDER BY h.system_period DESC LIMIT 1)) v$sql$, store, summary, others, agentmem.digest_edge(kind));
END
$$;
COMMENT ON FUNCTION agentmem.members_query(name, text, text, text) IS 'Internal to maintain: SQL that gives what a summary sums up';

-- Whether a member of the summary that the SQL `summary` names cannot be read any more, and nothing says that it is to be none: its versions, or
-- what the audit had of it, have been purged.
CREATE FUNCTION agentmem.lost_members(store name, kind text, summary text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$EXISTS (
    SELECT FROM %1$I.edge e
    CROSS JOIN LATERAL (
      SELECT (array_agg(a.action = 'forget' AND coalesce(a.details ->> 'reason', '') IN ('retention', 'quota') ORDER BY a.id DESC))[1] AS faded
      FROM %1$I.audit a WHERE a.namespace = $1 AND a.ids OPERATOR(agentmem.&&&) ARRAY[e.target]) l
    WHERE e.namespace = $1 AND e.source = %2$s AND e.type = %3$L AND NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = e.target)
      AND coalesce(l.faded AND NOT EXISTS (SELECT FROM %1$I.memory_history h WHERE h.namespace = $1 AND h.id = e.target), true))$sql$, store, summary, agentmem.digest_edge(kind));
END
$$;
COMMENT ON FUNCTION agentmem.lost_members(name, text, text) IS 'Internal to maintain: SQL that tells whether a summary cannot be made anew';

-- Of which summary or reflection the memory with the id that the SQL `id` gives is a member, though that was forgotten: nothing is made twice.
CREATE FUNCTION agentmem.made_of_it(store name, kind text, id text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- Sums up whoever does; others than we make facts and reflections of episodes.
  RETURN format($sql$(SELECT e.source FROM %1$I.edge e WHERE e.namespace = $1 AND e.target = %2$s AND e.type = %3$L%4$s ORDER BY e.source LIMIT 1)$sql$,
    store, id, agentmem.digest_edge(kind), CASE kind WHEN 'summary' THEN '' ELSE format($sql$
      AND (EXISTS (SELECT FROM %1$I.memory r WHERE r.namespace = $1 AND r.id = e.source AND r.kind = %2$L AND r.key > %3$L AND r.key < %4$L)
        OR EXISTS (SELECT FROM %1$I.memory_history r WHERE r.namespace = $1 AND r.id = e.source AND r.kind = %2$L AND r.key > %3$L AND r.key < %4$L))$sql$,
      store, kind, 'maintain/' || kind || '/', 'maintain/' || kind || '0') END);
END
$$;
COMMENT ON FUNCTION agentmem.made_of_it(name, text, text) IS 'Internal to maintain: SQL that gives the summary or reflection of which a memory is a member';

-- By which it is told that members are others, or say something else.
CREATE FUNCTION agentmem.members_digest()
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN 'left(md5(string_agg(format(''%s %s %s'', v.id, v.content_hash, v.embedding IS NULL), '','' ORDER BY v.id)), 16)';
END
$$;
COMMENT ON FUNCTION agentmem.members_digest() IS 'Internal to maintain: SQL that gives a digest of what a summary sums up';

-- Plan --------------------------------------------------------------------------

-- Summaries behind the key `after` whose members changed, and can all be read; the last key that was looked at; whether these were all.
CREATE FUNCTION agentmem.changed_summaries(store name, namespace text, kind text, at timestamptz, n int, INOUT after text,
                                           OUT ids bigint[], OUT finished boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looked bigint;
  last_key text;
BEGIN
  EXECUTE format($sql$
    SELECT coalesce(array_agg(s.id ORDER BY s.id) FILTER (WHERE s.made_of IS DISTINCT FROM s.digest AND NOT %4$s), '{}'), max(s.key COLLATE "C"), count(*)
    FROM (SELECT m.id, m.key, m.attributes ->> 'made_of' AS made_of, (SELECT %2$s FROM (%3$s) v) AS digest
          FROM (SELECT m.* FROM %1$I.memory m WHERE m.namespace = $1 AND m.key > $3 AND %5$s
                ORDER BY m.key LIMIT $4) m) s$sql$,
    store, agentmem.members_digest(), agentmem.members_query(store, kind, 'm.id', '''{}''::bigint[]'), agentmem.lost_members(store, kind, 's.id'), agentmem.is_digest('m', kind))
    INTO ids, last_key, looked USING namespace, at, coalesce(after, ''), n;
  after := last_key;
  finished := looked < n;
END
$$;
COMMENT ON FUNCTION agentmem.changed_summaries(name, text, text, timestamptz, int, text) IS 'Internal to maintain: summaries that no longer say what their members say';

-- The first session behind `after`; if nothing came for a while, what no summary sums up of it, and its last summary while that has room and can be
-- made anew.
CREATE FUNCTION agentmem.next_session(store name, namespace text, at timestamptz, quiet interval, width int, INOUT after text,
                                      OUT ids bigint[], OUT summary bigint, OUT room int)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('SELECT m.session FROM %I.memory m WHERE m.namespace = $1 AND m.session > $2 ORDER BY m.session LIMIT 1', store)
    INTO after USING namespace, coalesce(after, '');
  -- Not asked with NULL: where a condition is false for sure, nothing says which partition is meant, and all are locked.
  IF after IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format($sql$
    SELECT coalesce(array_agg(o.id ORDER BY o.since NULLS FIRST, o.id), '{}')
    FROM (SELECT m.id, lower(m.valid_period) AS since
          FROM %1$I.memory m
          WHERE m.namespace = $1 AND m.session = $2 AND m.kind = 'episode' AND (m.expires_at IS NULL OR m.expires_at > $3)
            AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = $1 AND e.target = m.id AND e.type = 'summary_of')
          ORDER BY lower(m.valid_period) DESC NULLS LAST, m.id DESC LIMIT 10 * $5) o
    HAVING max(o.since) <= $3 - $4$sql$, store)
    INTO ids USING namespace, after, at, quiet, width;
  EXECUTE format($sql$
    SELECT s.id, CASE WHEN %2$s THEN 0 ELSE $3 - (SELECT count(*) FROM %1$I.edge e WHERE e.namespace = $1 AND e.source = s.id AND e.type = 'summary_of') END
    FROM %1$I.memory s
    WHERE s.namespace = $1 AND s.session = $2 AND s.kind = 'summary' AND s.source = 'maintain' AND s.key LIKE 'maintain/summary/%%'
    ORDER BY lower(s.valid_period) DESC NULLS LAST, s.id DESC LIMIT 1$sql$, store, agentmem.lost_members(store, 'summary', 's.id'))
    INTO summary, room USING namespace, after, width;
END
$$;
COMMENT ON FUNCTION agentmem.next_session(name, text, timestamptz, interval, int, text) IS 'Internal to maintain: a session, and its turns that no summary sums up';

-- Of each level the oldest summaries that no other sums up, n at a time, as {"level", "members"}.
CREATE FUNCTION agentmem.next_levels(store name, namespace text, n int, OUT groups jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
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
COMMENT ON FUNCTION agentmem.next_levels(name, text, int) IS 'Internal to maintain: summaries that are to be summed up';

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

CREATE FUNCTION agentmem.plan_summaries(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                        OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  width CONSTANT int := 100;  -- turns that one summary sums up
  batch CONSTANT int := 200;  -- summaries that it looks at before it looks at the clock
  n int := agentmem.store_count(store, 'summaries', 2, 64);
  quiet interval := agentmem.store_interval(store, 'summary_interval', '1 hour');
  after jsonb := state -> 'after';  -- {"phase", "at"}: where it goes on
  part record;
  groups jsonb;
  found jsonb := '[]';
  full_up boolean := false;
BEGIN
  IF n = 0 OR (after IS NULL AND (state ->> 'begun')::timestamptz > at - quiet) THEN
    RETURN;
  END IF;
  IF after IS NULL THEN
    state := jsonb_build_object('begun', at, 'rounds', 0);
    after := '{"phase": "changed"}';
  END IF;
  ids := '{}';
  WHILE after IS NOT NULL AND NOT full_up AND clock_timestamp() < deadline LOOP
    groups := '[]';
    CASE after ->> 'phase'
      WHEN 'changed' THEN
        SELECT c.* INTO part FROM agentmem.changed_summaries(store, namespace, 'summary', at, batch, after ->> 'at') c;
        groups := coalesce((SELECT jsonb_agg(jsonb_build_object('summary', c.id, 'members', '[]'::jsonb)) FROM unnest(part.ids) c(id)), '[]');
        part.after := CASE WHEN part.finished THEN '{"phase": "sessions"}' ELSE jsonb_build_object('phase', 'changed', 'at', part.after) END;
      WHEN 'sessions' THEN
        SELECT s.* INTO part FROM agentmem.next_session(store, namespace, at, quiet, width, after ->> 'at') s;
        groups := agentmem.session_groups(part.after, part.ids, part.summary, part.room, width);
        part.after := CASE WHEN part.after IS NULL THEN '{"phase": "levels"}' ELSE jsonb_build_object('phase', 'sessions', 'at', part.after) END;
      ELSE
        groups := agentmem.next_levels(store, namespace, n);
        SELECT NULL::text AS after INTO part;
    END CASE;
    FOR i IN 0 .. jsonb_array_length(groups) - 1 LOOP
      full_up := cardinality(ids) + 1 + jsonb_array_length(groups -> i -> 'members') > most;
      EXIT WHEN full_up;
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

-- Apply -------------------------------------------------------------------------

-- What a summary of a group is to say; content is NULL if it has no members left.
CREATE FUNCTION agentmem.sum_up(store name, namespace text, kind text, at timestamptz, summary bigint, others bigint[],
                                OUT content text, OUT embedding agentmem.vector, OUT language text, OUT title text, OUT since timestamptz,
                                OUT attributes jsonb)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  sentences int := 5;
  said record;
BEGIN
  EXECUTE format($sql$
    SELECT array_agg(left(v.content, 10000) ORDER BY lower(v.valid_period) NULLS FIRST, v.id) AS texts, agentmem.l2_normalize(agentmem.avg(v.embedding)) AS embedding,
      mode() WITHIN GROUP (ORDER BY v.language) AS language, CASE WHEN bool_or(lower_inf(v.valid_period)) THEN '-infinity' ELSE min(lower(v.valid_period)) END AS since,
      concat_ws(' to ', to_char(min(lower(v.valid_period)) AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
                nullif(to_char(max(v.until) AT TIME ZONE 'UTC', 'YYYY-MM-DD'), to_char(min(lower(v.valid_period)) AT TIME ZONE 'UTC', 'YYYY-MM-DD'))) AS period,
      jsonb_build_object('members', count(*), 'until', max(v.until), 'made_of', %2$s)
        || CASE %3$L WHEN 'reflection' THEN jsonb_build_object('sessions', count(DISTINCT v.session)) ELSE '{}' END AS attributes
    FROM (%1$s) v$sql$, agentmem.members_query(store, kind, '$3', '$4'), agentmem.members_digest(), kind)
    INTO said USING namespace, at, coalesce(summary, 0), others;
  embedding := said.embedding;
  language := said.language;
  since := said.since;
  attributes := said.attributes;
  IF said.texts IS NOT NULL THEN
    IF kind = 'reflection' THEN
      -- They say much the same: as much as one of them says.
      SELECT least(greatest(round(avg((SELECT count(*) FROM regexp_matches(t.content, '[.!?](\s|$)', 'g')))), 1), 3) INTO sentences FROM unnest(said.texts) t(content);
    END IF;
    content := coalesce(left(agentmem.summarize(said.texts, sentences, language), 4000), said.texts[1]);
    title := concat_ws(': ', nullif(said.period, ''), (
      SELECT string_agg(c.concept, ', ' ORDER BY c.i)
      FROM agentmem.extract_concepts(left(array_to_string(said.texts, E'\n'), 20000), language, 3) WITH ORDINALITY c(concept, normalized, weight, i)));
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.sum_up(name, text, text, timestamptz, bigint, bigint[]) IS 'Internal to maintain: what a summary or reflection of memories says';

-- Makes or revises one summary or reflection, or forgets one that has no members left; tells which. The locks of `others` and of `summary` are held.
-- `own` are attributes that it has from the beginning.
CREATE FUNCTION agentmem.put_summary(store name, namespace text, kind text, at timestamptz, INOUT summary bigint, others bigint[], own jsonb, confidence real, session text, OUT action text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  said record;
  before jsonb;
BEGIN
  SELECT s.* INTO said FROM agentmem.sum_up(store, namespace, kind, at, summary, others) s;
  action := CASE WHEN said.content IS NULL THEN 'forgotten' WHEN summary IS NULL THEN 'made' ELSE 'revised' END;
  CASE action
    WHEN 'forgotten' THEN
      PERFORM agentmem.forget(store, namespace, summary, 'no members') WHERE summary IS NOT NULL;
      RETURN;
    WHEN 'made' THEN
      SELECT r.id INTO summary FROM agentmem.remember(
        store, namespace, said.content, kind => put_summary.kind, embedding => said.embedding, valid_from => said.since,
        attributes => said.attributes || own, source => 'maintain', provenance => 'inferred', confidence => put_summary.confidence,
        key => 'maintain/' || kind || '/' || gen_random_uuid(), session => session, title => said.title, language => said.language) r;
    ELSE
      EXECUTE format('SELECT m.attributes FROM %I.memory m WHERE m.namespace = $1 AND m.id = $2', store) INTO before USING namespace, summary;
      PERFORM agentmem.revise(store, namespace, summary, content => said.content, embedding => said.embedding, valid_from => said.since,
                              attributes => before || said.attributes, title => said.title, provenance => 'inferred', language => said.language);
  END CASE;
  -- An edge that conducts nothing: with shortcuts through a session, what recall finds by edges would be worse.
  PERFORM agentmem.link(store, namespace, summary, o.id, agentmem.digest_edge(kind), 0) FROM unnest(others) o(id) ORDER BY o.id;
END
$$;
COMMENT ON FUNCTION agentmem.put_summary(name, text, text, timestamptz, bigint, bigint[], jsonb, real, text) IS 'Internal to maintain: makes, revises or forgets one summary or reflection';

-- Whether all of a group is still there and can be read, no summary has taken its members, and no other step has written the summary, as restore() could undo neither.
CREATE FUNCTION agentmem.can_sum_up(store name, namespace text, kind text, summary bigint, others bigint[])
RETURNS boolean LANGUAGE plpgsql VOLATILE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  result boolean;
BEGIN
  EXECUTE format('SELECT (SELECT count(*) FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = ANY (array_remove($3 || $2, NULL))) = cardinality(array_remove($3 || $2, NULL))'
                 ' AND NOT EXISTS (SELECT FROM unnest($3) o(id) WHERE %3$s IS NOT NULL) AND NOT %2$s', store, agentmem.lost_members(store, kind, '$4'), agentmem.made_of_it(store, kind, 'o.id'))
    INTO result USING namespace, summary, others, coalesce(summary, 0);
  RETURN result AND (summary IS NULL OR agentmem.untouched(store, namespace, ARRAY[summary]) <> '{}');
END
$$;
COMMENT ON FUNCTION agentmem.can_sum_up(name, text, text, bigint, bigint[]) IS 'Internal to maintain: whether a planned summary can be written';

CREATE FUNCTION agentmem.apply_summaries(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                         OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  part jsonb;
  summary bigint;
  others bigint[];
  action text;
BEGIN
  changed := 0;
  details := '{}';
  FOR part IN SELECT p FROM jsonb_array_elements(plan -> 'groups') p LOOP
    summary := part ->> 'summary';
    others := ARRAY(SELECT m::bigint FROM jsonb_array_elements(part -> 'members') m);
    -- What has been changed or summed up since is left for the next time.
    CONTINUE WHEN NOT others <@ held OR NOT coalesce(summary = ANY (held), true) OR NOT agentmem.can_sum_up(store, namespace, 'summary', summary, others);
    action := CASE WHEN summary IS NULL THEN 'made' ELSE 'revised' END;
    IF NOT dry_run THEN
      -- As in apply_duplicates.
      BEGIN
        SELECT p.action INTO action FROM agentmem.put_summary(store, namespace, 'summary', at, summary, others, jsonb_build_object('level', (part ->> 'level')::int), NULL, part ->> 'session') p;
      EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        action := 'failed';
      END;
    END IF;
    changed := changed + CASE WHEN action = 'failed' THEN 0 ELSE 1 END;
    details := details || jsonb_build_object(action, coalesce((details ->> action)::int, 0) + 1);
  END LOOP;
  details := details || jsonb_build_object('finished', plan -> 'finished');
END
$$;
COMMENT ON FUNCTION agentmem.apply_summaries(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: writes the summaries that are due';

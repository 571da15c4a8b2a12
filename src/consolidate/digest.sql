-- What steps share that make memories of others, which are their members: summaries of sessions ("summary"), of communities ("community"), reflections
-- ("reflection"). Rules: src/consolidate/README.md, "Summaries", "Communities", "Promotion".

-- By which edges one leads to its members.
CREATE FUNCTION agentmem.digest_edge(kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE kind WHEN 'reflection' THEN 'derived_from' ELSE 'summary_of' END;
END
$$;
COMMENT ON FUNCTION agentmem.digest_edge(text) IS 'Internal to maintain: the type of edges from a summary or reflection to its members';

-- Of which kind of memory it is: communities have summaries like any other.
CREATE FUNCTION agentmem.digest_kind(kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE kind WHEN 'reflection' THEN 'reflection' ELSE 'summary' END;
END
$$;
COMMENT ON FUNCTION agentmem.digest_kind(text) IS 'Internal to maintain: the kind of the memories that sum up others';

-- Which memories have a key of ours: m is one.
CREATE FUNCTION agentmem.has_digest_key(m text, kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('%1$s.key > %2$L AND %1$s.key < %3$L AND %1$s.kind = %4$L', m, 'maintain/' || kind || '/', 'maintain/' || kind || '0', agentmem.digest_kind(kind));
END
$$;
COMMENT ON FUNCTION agentmem.has_digest_key(text, text) IS 'Internal to maintain: SQL that tells whether memory m was made by maintenance, whosever it is by now';

-- Which memories are ours: m is one.
CREATE FUNCTION agentmem.is_digest(m text, kind text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('%s AND %s.source = ''maintain''', agentmem.has_digest_key(m, kind), m);
END
$$;
COMMENT ON FUNCTION agentmem.is_digest(text, text) IS 'Internal to maintain: SQL that tells whether memory m is a summary or reflection that maintenance made';

-- The same of an id, though the memory be gone, or another's.
CREATE FUNCTION agentmem.was_digest(store name, kind text, id text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('(EXISTS (SELECT FROM %1$I.memory r WHERE r.namespace = $1 AND r.id = %2$s AND %3$s) OR EXISTS (SELECT FROM %1$I.memory_history r WHERE r.namespace = $1 AND r.id = %2$s AND %3$s))',
                store, id, agentmem.has_digest_key('r', kind));
END
$$;
COMMENT ON FUNCTION agentmem.was_digest(name, text, text) IS 'Internal to maintain: SQL that tells whether an id of namespace $1 is or was that of a summary or reflection that maintenance made';

-- Whether the memory with the id that the SQL `id` gives, which is gone, faded away; NULL: the audit does not say.
CREATE FUNCTION agentmem.has_faded(store name, id text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$(SELECT (array_agg(a.action = 'forget' AND coalesce(a.details ->> 'reason', '') IN ('retention', 'quota') ORDER BY a.id DESC))[1]
    FROM %I.audit a WHERE a.namespace = $1 AND a.ids OPERATOR(agentmem.&&&) ARRAY[%s])$sql$, store, id);
END
$$;
COMMENT ON FUNCTION agentmem.has_faded(name, text) IS 'Internal to maintain: SQL that tells whether retention or a quota took a memory away';

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
         AND %5$s
       ORDER BY h.system_period DESC LIMIT 1)) v$sql$, store, summary, others, agentmem.digest_edge(kind), agentmem.has_faded(store, 'x.id'));
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
    WHERE e.namespace = $1 AND e.source = %2$s AND e.type = %3$L
      -- The audit is asked of those only that are gone.
      AND CASE WHEN EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = e.target) THEN false
               ELSE coalesce(%4$s AND NOT EXISTS (SELECT FROM %1$I.memory_history h WHERE h.namespace = $1 AND h.id = e.target), true) END)$sql$, store, summary, agentmem.digest_edge(kind), agentmem.has_faded(store, 'e.target'));
END
$$;
COMMENT ON FUNCTION agentmem.lost_members(name, text, text) IS 'Internal to maintain: SQL that tells whether a summary cannot be made anew';

-- Of which summary or reflection the memory with the id that the SQL `id` gives is a member, though that was forgotten: nothing is made twice. Of summaries of
-- communities it may be in two while one has yet to follow.
CREATE FUNCTION agentmem.made_of_it(store name, kind text, id text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN CASE kind WHEN 'community' THEN 'NULL::bigint' ELSE
    -- Sums up whoever does; others than we make facts and reflections of episodes.
    format('(SELECT e.source FROM %I.edge e WHERE e.namespace = $1 AND e.target = %s AND e.type = %L AND %s ORDER BY e.source LIMIT 1)', store, id, agentmem.digest_edge(kind),
           CASE kind WHEN 'summary' THEN 'NOT ' || agentmem.was_digest(store, 'community', 'e.source') ELSE agentmem.was_digest(store, 'reflection', 'e.source') END) END;
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

-- Memories that have been changed since `since`, or taken out. A transaction that lasted for more than a minute may have written before: that is seen when all
-- are looked at.
CREATE FUNCTION agentmem.changed_memories(store name, namespace text, since timestamptz, expired_from timestamptz, expired_to timestamptz)
RETURNS bigint[] LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ids bigint[];
BEGIN
  EXECUTE format($sql$
    SELECT ARRAY(
      SELECT m.id FROM %1$I.memory m WHERE m.namespace = $1 AND lower(m.system_period) > $2 - interval '1 minute'
      UNION
      SELECT i.id FROM %1$I.audit a, unnest(a.ids) i(id) WHERE a.namespace = $1 AND a.at > $2 - interval '1 minute'
      UNION
      SELECT m.id FROM %1$I.memory m WHERE m.namespace = $1 AND m.expires_at > $3 AND m.expires_at <= $4)$sql$, store)
    INTO ids USING namespace, since, expired_from, expired_to;
  RETURN ids;
END
$$;
COMMENT ON FUNCTION agentmem.changed_memories(name, text, timestamptz, timestamptz, timestamptz) IS 'Internal to maintain: ids of memories that are not as they were';

-- Summaries behind the key `after` whose members changed, and can all be read; the last key that was looked at; whether these were all. With `among`
-- only those that are of these memories, or lead to them.
CREATE FUNCTION agentmem.changed_summaries(store name, namespace text, kind text, at timestamptz, n int, INOUT after text, among bigint[] DEFAULT NULL,
                                           OUT ids bigint[], OUT finished boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  looked bigint;
  last_key text;
BEGIN
  IF among = '{}' THEN
    ids := '{}';
    finished := true;
    RETURN;
  END IF;
  IF among IS NOT NULL THEN
    EXECUTE format('SELECT ARRAY(SELECT unnest($2) UNION SELECT e.source FROM unnest($2) c(id) JOIN %I.edge e ON e.namespace = $1 AND e.target = c.id AND e.type = %L)', store, agentmem.digest_edge(kind))
      INTO among USING namespace, among;
  END IF;
  EXECUTE format($sql$
    SELECT coalesce(array_agg(s.id ORDER BY s.id) FILTER (WHERE s.made_of IS DISTINCT FROM s.digest AND NOT %4$s), '{}'), max(s.key COLLATE "C"), count(*)
    FROM (SELECT m.id, m.key, m.attributes ->> 'made_of' AS made_of, (SELECT %2$s FROM (%3$s) v) AS digest
          FROM (SELECT m.* FROM %1$I.memory m WHERE m.namespace = $1 AND m.key > $3 AND %5$s%6$s
                ORDER BY m.key LIMIT $4) m) s$sql$,
    store, agentmem.members_digest(), agentmem.members_query(store, kind, 'm.id', '''{}''::bigint[]'), agentmem.lost_members(store, kind, 's.id'), agentmem.is_digest('m', kind),
    CASE WHEN among IS NOT NULL THEN ' AND m.id = ANY ($5)' ELSE '' END)
    INTO ids, last_key, looked USING namespace, at, coalesce(after, ''), n, among;
  after := last_key;
  finished := looked < n;
END
$$;
COMMENT ON FUNCTION agentmem.changed_summaries(name, text, text, timestamptz, int, text, bigint[]) IS 'Internal to maintain: summaries that no longer say what their members say';

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
        store, namespace, said.content, kind => agentmem.digest_kind(put_summary.kind), embedding => said.embedding, valid_from => said.since,
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

-- Writes what a plan found, as groups {"members"[, "summary", "leaving", "dissolved", "session", "level"]}: each by an operation of its own, or not at all. What has
-- been changed or summed up since is left for the next time.
CREATE FUNCTION agentmem.write_digests(store name, namespace text, kind text, at timestamptz, groups jsonb, held bigint[], dry_run boolean,
                                       OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  part jsonb;
  summary bigint;
  members bigint[];
  own jsonb;                  -- attributes that it has from the beginning
  action text;
BEGIN
  changed := 0;
  details := '{}';
  FOR part IN SELECT p FROM jsonb_array_elements(groups) p LOOP
    summary := part ->> 'summary';
    members := ARRAY(SELECT m::bigint FROM jsonb_array_elements(part -> 'members') m);
    CONTINUE WHEN NOT members <@ held OR NOT coalesce(summary = ANY (held), true) OR NOT agentmem.can_sum_up(store, namespace, kind, summary, members);
    action := CASE WHEN part ? 'dissolved' THEN 'dissolved' WHEN summary IS NULL THEN 'made' ELSE 'revised' END;
    own := CASE kind WHEN 'reflection' THEN '{"candidate": true}' WHEN 'community' THEN '{"level": 1, "community": true}' ELSE jsonb_build_object('level', (part ->> 'level')::int) END;
    IF NOT dry_run THEN
      -- As in apply_duplicates.
      BEGIN
        IF action = 'dissolved' THEN
          PERFORM agentmem.forget(store, namespace, summary, action);
        ELSE
          PERFORM agentmem.unlink(store, namespace, summary, l::bigint, agentmem.digest_edge(kind)) FROM jsonb_array_elements(part -> 'leaving') l ORDER BY l::bigint;
          SELECT p.action, p.summary INTO action, summary
            FROM agentmem.put_summary(store, namespace, kind, at, summary, members, own, CASE kind WHEN 'reflection' THEN 0.5 END, part ->> 'session') p;
          IF kind = 'reflection' AND action <> 'forgotten' THEN
            PERFORM agentmem.queue_reflection(store, namespace, summary);
          END IF;
        END IF;
      EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        action := 'failed';
      END;
    END IF;
    changed := changed + CASE WHEN action = 'failed' THEN 0 ELSE 1 END;
    details := details || jsonb_build_object(action, coalesce((details ->> action)::int, 0) + 1);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.write_digests(name, text, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: makes, revises and forgets summaries or reflections';

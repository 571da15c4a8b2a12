-- The step of maintenance that merges memories which say the same. Rules: src/consolidate/README.md, "Duplicates".

CREATE FUNCTION agentmem.merge_memories(store name, namespace text, ids bigint[])
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_merge_memories';
COMMENT ON FUNCTION agentmem.merge_memories(name, text, bigint[]) IS
  'Internal to maintain: merges memories that say the same into the first, as one operation; false: one is not held any more';

-- What a text says, word by word: folded, without the punctuation around a word, and without definite articles. All else counts: signs and
-- symbols (5" is a length, .5 a number, :) a face), and what stands between a word's characters.
CREATE FUNCTION agentmem.plain_words(language text, content text)
RETURNS text[] LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_plain_words';
COMMENT ON FUNCTION agentmem.plain_words(text, text) IS 'Internal to maintain: the words and signs of a text, as they stand, but for definite articles and punctuation';

-- Is all that the whole says beyond the part said by words that a language keeps, and no number or sign?
CREATE FUNCTION agentmem.harmless_words(language text, whole text[], part text[])
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN NOT EXISTS (SELECT FROM (SELECT unnest(whole) EXCEPT ALL SELECT unnest(part)) w(word)
                     WHERE w.word ~ '[!-`{-~]' OR agentmem.lexemes(language, w.word) = '');
END
$$;
COMMENT ON FUNCTION agentmem.harmless_words(text, text[], text[]) IS
  'Internal to maintain: whether the words that a text has more than another are neither numbers, signs nor stop words';

-- The share is that which the words of the part have of those of the whole.
CREATE FUNCTION agentmem.restates(whole_language text, whole text, part_language text, part text, share float8)
RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  words text[] := agentmem.plain_words(whole_language, whole);
  wanted text[] := agentmem.plain_words(part_language, part);
  found int := 0;
  word text;
BEGIN
  IF wanted = words OR cardinality(wanted) = 0 OR cardinality(wanted) < share * cardinality(words) THEN
    RETURN wanted = words AND wanted <> '{}';
  END IF;
  FOREACH word IN ARRAY words LOOP
    found := found + CASE WHEN word = wanted[found + 1] THEN 1 ELSE 0 END;
  END LOOP;
  RETURN found = cardinality(wanted) AND agentmem.harmless_words(whole_language, words, wanted);
END
$$;
COMMENT ON FUNCTION agentmem.restates(text, text, text, text, float8) IS
  'Internal to maintain: whether a text says no more than another, in the same words and order, and has at least that share of its words';

-- Whether memory m of the store may be merged with another at all.
CREATE FUNCTION agentmem.may_merge(store name, m text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format('NOT %2$s.pinned AND EXISTS (SELECT FROM %1$I.kind k WHERE k.name = %2$s.kind AND k.repeat = ''reinforce'' AND k.class NOT IN (''vault'', ''structural''))', store, m);
END
$$;
COMMENT ON FUNCTION agentmem.may_merge(name, text) IS 'Internal to maintain: SQL that tells whether memories like this one are merged';

-- What rows a and b tell by themselves, whatever they say.
CREATE FUNCTION agentmem.may_be_one(a text, b text)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$NOT %1$s.pinned AND NOT %2$s.pinned AND %1$s.kind = %2$s.kind AND %1$s.parent IS NOT DISTINCT FROM %2$s.parent
      AND %1$s.valid_period && %2$s.valid_period AND upper(%1$s.valid_period) IS NOT DISTINCT FROM upper(%2$s.valid_period)
      AND NOT EXISTS (SELECT FROM jsonb_each(%1$s.attributes) x JOIN jsonb_each(%2$s.attributes) y ON y.key = x.key AND y.value <> x.value)$sql$, a, b);
END
$$;
COMMENT ON FUNCTION agentmem.may_be_one(text, text) IS 'Internal to maintain: SQL that tells whether one of two memories can stand for both, if they say the same';

-- The statement that tells which pairs of namespace $1 ($2, $3) may be merged, the first into the second being forgotten; $4, $5:
-- cosine and share of words that it takes.
CREATE FUNCTION agentmem.duplicate_query(store name)
RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN format($sql$
    SELECT w.id AS winner, l.id AS loser, coalesce(x.confirmations, 0) AS confirmations, l.attributes
    FROM (SELECT DISTINCT u.winner, u.loser FROM unnest($2, $3) u(winner, loser) WHERE u.winner <> u.loser) p
    JOIN %1$I.memory w ON w.namespace = $1 AND w.id = p.winner
    JOIN %1$I.memory l ON l.namespace = $1 AND l.id = p.loser
    LEFT JOIN %1$I.activity x ON x.namespace = $1 AND x.id = w.id
    WHERE %2$s AND %3$s AND l.key IS NULL
      AND coalesce(agentmem.fold(w.subject), '') = coalesce(agentmem.fold(l.subject), '')
      AND coalesce(agentmem.fold(w.predicate), '') = coalesce(agentmem.fold(l.predicate), '')
      AND coalesce(agentmem.fold(w.object), '') = coalesce(agentmem.fold(l.object), '')
      AND CASE WHEN w.content_hash = l.content_hash THEN true
               WHEN greatest(w.tokens, l.tokens) > 200 OR 1 - (w.embedding OPERATOR(agentmem.<=>) l.embedding) >= $4 IS NOT TRUE THEN false
               ELSE agentmem.restates(w.language, w.content, l.language, l.content, $5) END
      AND NOT EXISTS (SELECT FROM %1$I.memory c WHERE c.namespace = $1 AND c.parent = l.id)
      AND NOT EXISTS (SELECT FROM %1$I.conflict c WHERE c.namespace = $1 AND c.a = least(w.id, l.id) AND c.b = greatest(w.id, l.id)
                      AND c.resolution IN ('retain', 'annotate'))
      AND NOT EXISTS (SELECT FROM %1$I.edge e WHERE e.namespace = $1 AND e.type = 'contradicts'
                      AND (e.source, e.target) IN ((w.id, l.id), (l.id, w.id)))
      -- Both are held, so somebody has undone it.
      AND NOT EXISTS (SELECT FROM %1$I.audit o WHERE o.namespace = $1 AND o.ids OPERATOR(agentmem.&&&) ARRAY[l.id]
                      AND o.ids @> ARRAY[w.id, l.id] AND o.action = 'merge')$sql$, store, agentmem.may_merge(store, 'w'), agentmem.may_be_one('w', 'l'));
END
$$;
COMMENT ON FUNCTION agentmem.duplicate_query(name) IS 'Internal to maintain: SQL that tells which pairs of memories say the same';

-- Of pairs that may say the same, those to be merged: each memory is in one group, and its winner stands for all of it.
CREATE FUNCTION agentmem.duplicate_groups(store name, namespace text, a bigint[], b bigint[], similarity float8, words float8,
                                          OUT winner bigint, OUT losers bigint[])
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  winners bigint[];
  members bigint[];
  confirmed int[];
BEGIN
  EXECUTE format('SELECT array_agg(d.winner), array_agg(d.loser), array_agg(d.confirmations) FROM (%s) d', agentmem.duplicate_query(store))
    INTO winners, members, confirmed USING namespace, a || b, b || a, similarity, words;
  IF winners IS NULL THEN
    RETURN;
  END IF;
  -- At so low a resolution a community is all that is connected.
  WITH member AS MATERIALIZED (
    SELECT c.node, c.community FROM agentmem.communities(format('SELECT * FROM unnest(%L::bigint[], %L::bigint[])', winners, members), 1e-12) c)
  SELECT array_agg(s.node), array_agg(m.node) INTO winners, members
  FROM (SELECT DISTINCT ON (c.community) c.community, c.node
        FROM member c JOIN (SELECT DISTINCT u.id, u.n FROM unnest(winners, confirmed) u(id, n)) d ON d.id = c.node
        ORDER BY c.community, d.n DESC, c.node) s
  JOIN member m ON m.community = s.community;
  RETURN QUERY EXECUTE format('SELECT d.winner, array_agg(d.loser ORDER BY d.loser) FROM (%s) d GROUP BY d.winner ORDER BY d.winner', agentmem.duplicate_query(store))
    USING namespace, winners, members, similarity, words;
END
$$;
COMMENT ON FUNCTION agentmem.duplicate_groups(name, text, bigint[], bigint[], float8, float8) IS 'Internal to maintain: memories that say the same, with the one that stays';

CREATE FUNCTION agentmem.plan_duplicates(store name, namespace text, at timestamptz, INOUT state jsonb, deadline timestamptz, most int,
                                         OUT ids bigint[], OUT plan jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  near CONSTANT int := 4;     -- nearest of each that it compares
  similarity float8 := agentmem.store_number(store, 'duplicate_threshold', 0.95, 0, 2);
  words float8 := agentmem.store_number(store, 'duplicate_words', 1, 0.5, 1);
  part bigint[];
  a bigint[] := '{}';
  b bigint[] := '{}';
  more_a bigint[];
  more_b bigint[];
BEGIN
  IF similarity > 1 THEN
    RETURN;
  END IF;
  state := agentmem.begin_round(state);
  LOOP
    SELECT p.state, p.part INTO state, part FROM agentmem.next_part(store, namespace, state, deadline, (most - cardinality(a)) / (near + 2)) p;
    EXIT WHEN part IS NULL;
    EXECUTE format($sql$
      SELECT coalesce(array_agg(p.a), '{}'), coalesce(array_agg(p.b), '{}')
      FROM (SELECT m.* FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) AND %2$s) m
      -- The first two that it may be one with stand for all of them.
      CROSS JOIN LATERAL (SELECT m.id AS a, e.id AS b FROM %1$I.memory e WHERE e.namespace = $1 AND e.content_hash = m.content_hash AND e.id <> m.id
                          AND (m.key IS NULL OR e.key IS NULL) AND %3$s ORDER BY e.id LIMIT 2) p$sql$, store, agentmem.may_merge(store, 'm'), agentmem.may_be_one('m', 'e'))
      INTO more_a, more_b USING namespace, part;
    a := a || more_a;
    b := b || more_b;
    EXECUTE format($sql$
      SELECT coalesce(array_agg(c.id), '{}'), coalesce(array_agg(c.other), '{}')
      FROM agentmem.compare_memories($3, $1, ARRAY(
        SELECT m.id FROM %1$I.memory m WHERE m.namespace = $1 AND m.id = ANY ($2) AND %2$s AND m.embedding IS NOT NULL AND m.tokens <= 200), $4, false, false) c
      WHERE c.similarity >= $5$sql$, store, agentmem.may_merge(store, 'm'))
      INTO more_a, more_b USING namespace, part, store, near, similarity;
    a := a || more_a;
    b := b || more_b;
  END LOOP;
  SELECT coalesce(jsonb_agg(to_jsonb(g.winner || g.losers)), '[]') INTO plan FROM agentmem.duplicate_groups(store, namespace, a, b, similarity, words) g;
  ids := ARRAY(SELECT i::bigint FROM jsonb_array_elements(plan) g, jsonb_array_elements_text(g) i);
  plan := jsonb_build_object('groups', plan, 'similarity', similarity, 'words', words, 'going', ids);
END
$$;
COMMENT ON FUNCTION agentmem.plan_duplicates(name, text, timestamptz, jsonb, timestamptz, int) IS 'Internal to maintain: memories that say the same';

CREATE FUNCTION agentmem.apply_duplicates(store name, namespace text, at timestamptz, plan jsonb, held bigint[], dry_run boolean,
                                          OUT changed bigint, OUT details jsonb)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  members bigint[];           -- the winner, and who is to be merged into it
  chosen bigint[];
  said jsonb;                 -- attributes of all of them so far
  merged jsonb := '[]';
  failed int := 0;
  m record;
BEGIN
  changed := 0;
  FOR members IN SELECT ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(g) WITH ORDINALITY e(i, n) ORDER BY n) FROM jsonb_array_elements(plan -> 'groups') g LOOP
    chosen := members[1:1];
    said := '{}';
    FOR m IN EXECUTE format('SELECT d.loser, coalesce(d.attributes, ''{}'') AS attributes FROM (%s) d ORDER BY d.loser', agentmem.duplicate_query(store))
      USING namespace, array_fill(members[1], ARRAY[cardinality(members) - 1]), members[2:], (plan ->> 'similarity')::float8, (plan ->> 'words')::float8 LOOP
      CONTINUE WHEN NOT held @> ARRAY[members[1], m.loser]
        OR EXISTS (SELECT FROM jsonb_each(said) s JOIN jsonb_each(m.attributes) o ON o.key = s.key AND o.value <> s.value);
      chosen := chosen || m.loser;
      said := said || m.attributes;
    END LOOP;
    CONTINUE WHEN cardinality(chosen) < 2;
    IF NOT dry_run THEN
      -- What one group holds must not keep the namespace from all else. What another transaction did is not for us to pass over.
      BEGIN
        CONTINUE WHEN NOT agentmem.merge_memories(store, namespace, chosen);
      EXCEPTION WHEN data_exception OR integrity_constraint_violation OR program_limit_exceeded THEN
        failed := failed + 1;
        CONTINUE;
      END;
    END IF;
    changed := changed + cardinality(chosen) - 1;
    IF jsonb_array_length(merged) < 100 THEN
      merged := merged || jsonb_build_array(jsonb_build_object('into', chosen[1], 'ids', to_jsonb(chosen[2:101])));
    END IF;
  END LOOP;
  IF changed = 0 AND failed = 0 THEN
    changed := NULL;
  ELSE
    details := jsonb_build_object('merged', merged) || CASE WHEN failed > 0 THEN jsonb_build_object('failed', failed) ELSE '{}' END;
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.apply_duplicates(name, text, timestamptz, jsonb, bigint[], boolean) IS 'Internal to maintain: merges memories that say the same, each group as one operation';

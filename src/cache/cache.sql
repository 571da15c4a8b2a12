-- The semantic cache: answers by prompt and by likeness.
-- Rules: src/cache/README.md.

CREATE FUNCTION agentmem.create_cache_tables(store name, dimensions int, metric text, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_cache_tables$
DECLARE
  inline_target text := format('toast_tuple_target = %s', current_setting('block_size')::int - 32);
BEGIN
  PERFORM agentmem.create_table(store, 'cache_category', 'Policies of the semantic cache; a category without a row has that of "default"', $ddl$
      name text COLLATE "C" PRIMARY KEY CHECK (octet_length(name) BETWEEN 1 AND 512),
      threshold real NOT NULL DEFAULT 0.92 CONSTRAINT cache_category_threshold_check CHECK (threshold >= 0 AND threshold < 'Infinity'),
      threshold_min real NOT NULL DEFAULT 0.85 CONSTRAINT cache_category_threshold_min_check CHECK (threshold_min >= 0 AND threshold_min <= threshold),
      ttl interval DEFAULT '1 day' CONSTRAINT cache_category_ttl_check CHECK (ttl > interval '0'),
      ttl_max interval DEFAULT '7 days' CONSTRAINT cache_category_ttl_max_check CHECK (ttl_max >= ttl AND ttl_max <= interval '1000 years'),
      quota bigint DEFAULT 10000 CONSTRAINT cache_category_quota_check CHECK (quota >= 0),
      load real NOT NULL DEFAULT 0 CONSTRAINT cache_category_load_check CHECK (load BETWEEN 0 AND 1),
      load_until timestamptz NOT NULL DEFAULT '-infinity',
      CONSTRAINT cache_category_ttls_check CHECK ((ttl IS NULL) = (ttl_max IS NULL))
    $ddl$, '{
    "name": "The category, as cache_put() and cache_get() take it",
    "threshold": "Similarity from which an answer is given, without load",
    "threshold_min": "... under full load",
    "ttl": "How long an answer is given, without load; NULL: for ever",
    "ttl_max": "... under full load; what is older is removed",
    "quota": "Entries of a namespace at most; NULL: no limit, 0: nothing is kept",
    "load": "What cache_load() said last, 0 to 1",
    "load_until": "From then on there is no load"}');
  EXECUTE format('INSERT INTO %I.cache_category (name) VALUES (''default'')', store);

  PERFORM agentmem.create_table(store, 'cache', 'Semantic cache: answers with their prompts; written by who holds the row of cache_state', format($ddl$
      namespace text COLLATE "C" NOT NULL CONSTRAINT cache_namespace_check CHECK (octet_length(namespace) BETWEEN 1 AND 512),
      category text COLLATE "C" NOT NULL CONSTRAINT cache_category_check CHECK (octet_length(category) BETWEEN 1 AND 512),
      id bigint NOT NULL DEFAULT nextval(%1$L),
      created timestamptz NOT NULL,
      prompt_hash uuid NOT NULL,
      embedding agentmem.vector%2$s,
      prompt text NOT NULL,
      response text NOT NULL,
      attributes jsonb,
      CONSTRAINT cache_pkey PRIMARY KEY (namespace, id)
    $ddl$, quote_ident(store) || '.operation_seq',
    coalesce('(' || dimensions || ')', ' CONSTRAINT cache_no_embedding_check CHECK (embedding IS NULL)')), '{
    "namespace": "Whose answer it is",
    "category": "Whose policy it is under: see cache_category",
    "id": "Names the entry",
    "created": "When the answer came",
    "prompt_hash": "128-bit hash of the prompt, byte for byte",
    "embedding": "Vector of the prompt; NULL: found by the same prompt only",
    "prompt": "What was asked",
    "response": "The answer",
    "attributes": "What else cache_put() was given"}', inline_target, partitions);
  -- No other index begins with both: a plan made without statistics could not tell it from this one.
  EXECUTE format('CREATE UNIQUE INDEX cache_prompt_idx ON %I.cache (namespace, category, prompt_hash)', store);
  IF dimensions IS NOT NULL THEN
    EXECUTE format('CREATE INDEX cache_embedding_idx ON %I.cache USING ivfbq (namespace, category, embedding agentmem.%I)',
                   store, 'vector_' || metric || '_ops');
  END IF;

  PERFORM agentmem.create_table(store, 'cache_use', 'Bookkeeping of the entries of cache, apart from their wide rows', $ddl$
      namespace text COLLATE "C" NOT NULL,
      category text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      created timestamptz NOT NULL,
      phase bigint NOT NULL,
      draw bigint NOT NULL,
      last_hit timestamptz,
      CONSTRAINT cache_use_pkey PRIMARY KEY (namespace, id)
    $ddl$, '{
    "namespace": "The entry''s namespace",
    "category": "The entry''s category",
    "id": "The entry",
    "created": "As in cache: here for those that are too old to be found",
    "phase": "Phase of eviction in which it was last hit; 0: never",
    "draw": "Its place among those that may go, at random",
    "last_hit": "When it was first known to be hit in that phase"}', 'fillfactor = 70', partitions);
  EXECUTE format($ddl$
    CREATE INDEX cache_use_victim_idx ON %1$I.cache_use (namespace, category, phase, draw);
    CREATE INDEX cache_use_created_idx ON %1$I.cache_use (namespace, category, created);
    $ddl$, store);

  PERFORM agentmem.create_table(store, 'cache_state', 'Categories of namespaces in the semantic cache; who writes entries holds the row', $ddl$
      namespace text COLLATE "C" NOT NULL,
      category text COLLATE "C" NOT NULL,
      created timestamptz NOT NULL DEFAULT clock_timestamp(),
      entries bigint NOT NULL DEFAULT 0,
      fresh bigint NOT NULL DEFAULT 0,
      phase bigint NOT NULL DEFAULT 1,
      seed bigint NOT NULL DEFAULT hashtextextended(gen_random_uuid()::text, 0),
      puts bigint NOT NULL DEFAULT 0,
      evicted bigint NOT NULL DEFAULT 0,
      hits bigint NOT NULL DEFAULT 0,
      misses bigint NOT NULL DEFAULT 0,
      get_us bigint NOT NULL DEFAULT 0,
      fills bigint NOT NULL DEFAULT 0,
      fill_us bigint NOT NULL DEFAULT 0,
      CONSTRAINT cache_state_pkey PRIMARY KEY (namespace, category)
    $ddl$, '{
    "namespace": "The namespace",
    "category": "The category",
    "created": "When the first answer came",
    "entries": "Rows of cache",
    "fresh": "Those of them that were never hit",
    "phase": "The present phase of eviction",
    "seed": "Makes the draws; set it to have the same victims again",
    "puts": "Answers that came",
    "evicted": "Entries that went at the quota",
    "hits": "Look-ups with an answer, as far as they are known",
    "misses": "Look-ups without",
    "get_us": "Microseconds that these look-ups took",
    "fills": "Answers of which it is known how long the model took",
    "fill_us": "Microseconds that they took"}', 'fillfactor = 70', partitions);

  PERFORM agentmem.create_table(store, 'cache_log', 'Hits and misses that backends counted and nobody has added to cache_state yet', $ddl$
      namespace text COLLATE "C" NOT NULL,
      category text COLLATE "C" NOT NULL,
      created timestamptz NOT NULL DEFAULT clock_timestamp(),
      hits bigint NOT NULL,
      misses bigint NOT NULL,
      get_us bigint NOT NULL,
      ids bigint[] NOT NULL
    $ddl$, '{
    "namespace": "The namespace",
    "category": "The category",
    "created": "When it was written",
    "hits": "Look-ups with an answer",
    "misses": "Look-ups without",
    "get_us": "Microseconds that they took",
    "ids": "Entries that were hit"}', NULL, partitions);
  EXECUTE format('CREATE INDEX cache_log_idx ON %I.cache_log (namespace, category, created)', store);

  PERFORM agentmem.create_table(store, 'cache_claim', 'Prompts that somebody is having answered', format($ddl$
      namespace text COLLATE "C" NOT NULL,
      category text COLLATE "C" NOT NULL,
      prompt_hash uuid NOT NULL,
      claim bigint NOT NULL DEFAULT nextval(%L),
      created timestamptz NOT NULL,
      leased_until timestamptz NOT NULL,
      CONSTRAINT cache_claim_pkey PRIMARY KEY (namespace, category, prompt_hash)
    $ddl$, quote_ident(store) || '.operation_seq'), '{
    "namespace": "The namespace",
    "category": "The category",
    "prompt_hash": "128-bit hash of the prompt, byte for byte",
    "claim": "Number of the claim",
    "created": "When it was taken",
    "leased_until": "From then on another may take it"}', 'fillfactor = 70', partitions);

  EXECUTE format($ddl$
    CREATE VIEW %1$I.cache_stats WITH (security_invoker = true) AS
    SELECT u.namespace, u.category, u.entries, p.quota, u.evicted, u.hits, u.misses,
           (u.hits / nullif(u.hits + u.misses, 0)::float8)::real AS hit_rate,
           u.get_us / nullif(u.hits + u.misses, 0) * interval '1 us' AS look_up,
           u.fill_us / nullif(u.fills, 0) * interval '1 us' AS answer,
           ((u.get_us / nullif(u.hits + u.misses, 0)::float8) / nullif(u.fill_us / nullif(u.fills, 0)::float8, 0))::real AS break_even
    FROM (SELECT s.namespace, s.category, s.entries, s.evicted, s.fills, s.fill_us,
                 s.hits + l.hits AS hits, s.misses + l.misses AS misses, s.get_us + l.get_us AS get_us
          FROM %1$I.cache_state s
          CROSS JOIN LATERAL (SELECT coalesce(sum(g.hits), 0)::bigint AS hits, coalesce(sum(g.misses), 0)::bigint AS misses,
                                     coalesce(sum(g.get_us), 0)::bigint AS get_us
                              FROM %1$I.cache_log g WHERE g.namespace = s.namespace AND g.category = s.category) l) u
    LEFT JOIN LATERAL (SELECT c.quota FROM %1$I.cache_category c WHERE c.name IN (u.category, 'default') ORDER BY c.name = 'default' LIMIT 1) p ON true;
    $ddl$, store);
  EXECUTE format('COMMENT ON VIEW %I.cache_stats IS %L', store,
    'What the semantic cache does, by namespace and category; look-ups that a backend has not written yet are missing');
  PERFORM agentmem.comment_columns(store, 'cache_stats', '{
    "namespace": "The namespace",
    "category": "The category",
    "entries": "Entries that it holds",
    "quota": "... at most; NULL: no limit",
    "evicted": "Entries that went at the quota",
    "hits": "Look-ups with an answer",
    "misses": "Look-ups without",
    "hit_rate": "Share of look-ups with an answer",
    "look_up": "What a look-up takes, in the mean",
    "answer": "What the model takes, in the mean, where it is known",
    "break_even": "Hit rate from which the cache saves time"}');
END
$create_cache_tables$;
COMMENT ON FUNCTION agentmem.create_cache_tables(name, int, text, int) IS
  'Internal to create_store: makes the tables of the semantic cache';

-- Policy ------------------------------------------------------------------------

CREATE FUNCTION agentmem.set_cache_category(store name, category text, threshold real DEFAULT NULL, ttl interval DEFAULT NULL, quota bigint DEFAULT NULL,
                                            threshold_min real DEFAULT NULL, ttl_max interval DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM agentmem.owned_store(store);
  IF category IS NULL THEN
    RAISE EXCEPTION 'category must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'The category "default" is that of all without a row.';
  END IF;
  IF threshold = 'NaN' OR threshold_min = 'NaN' THEN
    RAISE EXCEPTION 'a threshold must be a number' USING ERRCODE = 'invalid_parameter_value', HINT = 'Similarities lie between 0 and 1.';
  END IF;
  -- What is not given is read and written again: two calls take turns.
  EXECUTE format('LOCK TABLE %I.cache_category IN SHARE ROW EXCLUSIVE MODE', store);
  -- A new one begins as the default is; a bound that is not given follows what it bounds.
  EXECUTE format($sql$
    INSERT INTO %1$I.cache_category AS c (name, threshold, threshold_min, ttl, ttl_max, quota)
    SELECT $1, coalesce($2, d.threshold), coalesce($5, least(d.threshold_min, coalesce($2, d.threshold))),
           coalesce($3, d.ttl), coalesce($6, greatest(d.ttl_max, coalesce($3, d.ttl))), coalesce($4, d.quota)
    FROM (SELECT) one LEFT JOIN LATERAL (
      SELECT * FROM %1$I.cache_category o WHERE o.name IN ($1, 'default') ORDER BY o.name = $1 DESC LIMIT 1) d ON true
    ON CONFLICT (name) DO UPDATE
    SET threshold = excluded.threshold, threshold_min = excluded.threshold_min, ttl = excluded.ttl, ttl_max = excluded.ttl_max, quota = excluded.quota
    $sql$, store) USING category, threshold, ttl, quota, threshold_min, ttl_max;
END
$$;
COMMENT ON FUNCTION agentmem.set_cache_category(name, text, real, interval, bigint, real, interval) IS
  'Sets the policy of a category of the semantic cache, for all namespaces; what is not given stays as it is, or for a new category is as in "default"';

CREATE FUNCTION agentmem.cache_load(store name, load real, lasts interval DEFAULT '5 min', category text DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  changed bigint;
BEGIN
  PERFORM agentmem.owned_store(store);
  IF load IS NULL OR lasts IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN load IS NULL THEN 'load' ELSE 'lasts' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Load 0 is no load.';
  END IF;
  IF NOT load BETWEEN 0 AND 1 THEN
    RAISE EXCEPTION 'load must be between 0 and 1, not %', load
      USING ERRCODE = 'invalid_parameter_value', HINT = '0: none, 1: thresholds and lifetimes are at their bounds.';
  END IF;
  IF lasts < interval '0' THEN
    RAISE EXCEPTION 'lasts must not be negative' USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''5 min'': say it again before that is over.';
  END IF;
  EXECUTE format($sql$UPDATE %I.cache_category c SET load = $1, load_until = $2 WHERE $3 IS NULL OR c.name = $3$sql$, store)
    USING load, clock_timestamp() + lasts, category;
  GET DIAGNOSTICS changed = ROW_COUNT;
  IF changed = 0 THEN
    RAISE EXCEPTION 'category "%" has no row of its own', category
      USING ERRCODE = 'no_data_found', HINT = 'set_cache_category() makes one; without category all are meant.';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.cache_load(name, real, interval, text) IS
  'Says how loaded the model behind a category (NULL: all) is, 0 to 1, for some time: the cache then gives answers that are less alike and older, up to the bounds of the policy';

-- Answers -----------------------------------------------------------------------

CREATE FUNCTION agentmem.cache_get(store name, namespace text, category text, embedding agentmem.vector, prompt text DEFAULT NULL,
                                   OUT response text, OUT similarity real, OUT age interval, OUT id bigint, OUT attributes jsonb)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 ROWS 1
AS 'MODULE_PATHNAME', 'agm_fn_cache_get';
COMMENT ON FUNCTION agentmem.cache_get(name, text, text, agentmem.vector, text) IS
  'The answer to the same prompt, or else to the most similar one above the category''s threshold; no row: there is none that is young enough';

CREATE FUNCTION agentmem.cache_put(store name, namespace text, category text, prompt text, embedding agentmem.vector, response text,
                                   attributes jsonb DEFAULT NULL, claim bigint DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_cache_put';
COMMENT ON FUNCTION agentmem.cache_put(name, text, text, text, agentmem.vector, text, jsonb, bigint) IS
  'Keeps an answer, in place of the last one to the same prompt, and ends the claim of the prompt. Returns the entry; NULL: nothing was kept, as the category''s quota is 0 or the claim that was given is no more';

CREATE FUNCTION agentmem.cache_claim(store name, namespace text, category text, prompt text, lease interval DEFAULT '1 min', wait interval DEFAULT '0',
                                     OUT state text, OUT claim bigint, OUT leased_until timestamptz)
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_cache_claim';
COMMENT ON FUNCTION agentmem.cache_claim(name, text, text, text, interval, interval) IS
  'Who asks the model? state fill: you, and then cache_put(..., claim => claim); wait: somebody else does, until leased_until at most; ready: the answer is in the cache. wait: how long to wait for it here';

CREATE FUNCTION agentmem.cache_release(store name, namespace text, category text, prompt text, claim bigint)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_cache_release';
COMMENT ON FUNCTION agentmem.cache_release(name, text, text, text, bigint) IS
  'Gives a claim up, so that another can take it at once. false: it is no more';

CREATE FUNCTION agentmem.cache_forget(store name, namespace text, category text, prompt text)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_cache_forget';
COMMENT ON FUNCTION agentmem.cache_forget(name, text, text, text) IS
  'Removes the answer to this prompt, and its claim. false: there was no answer';

CREATE FUNCTION agentmem.cache_clear(store name, namespace text, category text DEFAULT NULL)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_cache_clear';
COMMENT ON FUNCTION agentmem.cache_clear(name, text, text) IS
  'Removes all answers and claims of a namespace, or of one category of it; returns how many answers. Counters stay';

CREATE FUNCTION agentmem.cache_sweep(store name, namespace text, "limit" int DEFAULT 10000)
RETURNS bigint LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_cache_sweep';
COMMENT ON FUNCTION agentmem.cache_sweep(name, text, int) IS
  'Removes answers that are older than ttl_max or above the quota, at most that many, and claims that nobody ended; adds up counters. Returns how many answers; a category that somebody is writing to is left for the next time';

-- Another embedding model: nothing that was kept can be compared with what is asked from here on.
CREATE FUNCTION agentmem.change_cache_space(store name, dimensions int, metric text)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  comment CONSTANT text := col_description(format('%I.cache', store)::regclass,
    (SELECT a.attnum FROM pg_attribute a WHERE a.attrelid = format('%I.cache', store)::regclass AND a.attname = 'embedding'));
  options CONSTANT text := agentmem.index_options(store, 'cache_embedding_idx');
BEGIN
  EXECUTE format('TRUNCATE %1$I.cache, %1$I.cache_use, %1$I.cache_state, %1$I.cache_log, %1$I.cache_claim', store);
  EXECUTE format('ALTER TABLE %I.cache ADD COLUMN embedding_next agentmem.vector(%s)', store, dimensions);
  PERFORM agentmem.copy_column_grants(store, 'cache', 'embedding', 'embedding_next');
  -- Its index or constraint goes with the column.
  EXECUTE format('ALTER TABLE %I.cache DROP COLUMN embedding', store);
  EXECUTE format('ALTER TABLE %I.cache RENAME COLUMN embedding_next TO embedding', store);
  PERFORM agentmem.comment_columns(store, 'cache', jsonb_build_object('embedding', comment));
  EXECUTE format('CREATE INDEX cache_embedding_idx ON %I.cache USING ivfbq (namespace, category, embedding agentmem.%I)%s',
                 store, 'vector_' || metric || '_ops', options);
END
$$;
COMMENT ON FUNCTION agentmem.change_cache_space(name, int, text) IS
  'Internal to switch_space: empties the cache, whose vectors are of other dimensions then';

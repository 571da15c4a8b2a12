-- Stores (plpgsql: they are DDL) and the functions on memories (C).
-- The tables' rules: src/memory/README.md.

-- create_store ----------------------------------------------------------------

-- Comments of a table's columns, from a JSON object; partitions get them too.
CREATE FUNCTION agentmem.comment_columns(store name, table_name name, comments jsonb)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  c record;
BEGIN
  FOR c IN
    SELECT t.relname, j.key, j.value
    FROM pg_class r
    CROSS JOIN LATERAL (SELECT r.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i WHERE i.inhparent = r.oid) p
    JOIN pg_class t ON t.oid = p.oid
    CROSS JOIN jsonb_each_text(comments) j
    WHERE r.relnamespace = quote_ident(store)::regnamespace AND r.relname = table_name
  LOOP
    EXECUTE format('COMMENT ON COLUMN %I.%I.%I IS %L', store, c.relname, c.key, c.value);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.comment_columns(name, name, jsonb) IS
  'Internal to create_store: comments on the columns of a table and of its partitions, from {"column": "comment"}';

-- For a column that is to take another's place: who may read or write the one may the other.
CREATE FUNCTION agentmem.copy_column_grants(store name, table_name name, column_name name, new_name name)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  g record;
BEGIN
  FOR g IN
    SELECT e.privilege_type, e.is_grantable, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS grantee
    FROM pg_attribute a, aclexplode(a.attacl) e
    WHERE a.attrelid = format('%I.%I', store, table_name)::regclass AND a.attname = column_name
  LOOP
    EXECUTE format('GRANT %s (%I) ON %I.%I TO %s%s', g.privilege_type, new_name, store, table_name, g.grantee, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.copy_column_grants(name, name, name, name) IS
  'Internal to begin_space and change_cache_space: grants on one column what is granted on another';

CREATE FUNCTION agentmem.index_options(store name, index_name name)
RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN (SELECT coalesce(' WITH (' || array_to_string(c.reloptions, ', ') || ')', '') FROM pg_class c WHERE c.oid = to_regclass(format('%I.%I', store, index_name)));
END
$$;
COMMENT ON FUNCTION agentmem.index_options(name, name) IS
  'Internal to begin_space and change_cache_space: the WITH clause of an index; NULL: there is no such index';

-- Every table of a store is made here. `columns` is all between the parentheses, `comments` those of the columns,
-- `options` the WITH clause of each real table; with partitions it is one by hash of namespace.
CREATE FUNCTION agentmem.create_table(store name, table_name name, comment text, columns text, comments jsonb,
                                      options text DEFAULT NULL, partitions int DEFAULT 0)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  storage CONSTANT text := CASE WHEN options IS NULL THEN '' ELSE format(' WITH (%s)', options) END;
BEGIN
  IF partitions NOT BETWEEN 0 AND 128 THEN
    RAISE EXCEPTION 'partitions must be between 0 and 128, not %', partitions
      USING ERRCODE = 'invalid_parameter_value', HINT = '0 makes ordinary tables.';
  END IF;
  EXECUTE format('CREATE TABLE %I.%I (%s)', store, table_name, columns)
       || CASE WHEN partitions = 0 THEN storage ELSE ' PARTITION BY HASH (namespace)' END;
  EXECUTE format('COMMENT ON TABLE %I.%I IS %L', store, table_name, comment);
  FOR i IN 0 .. partitions - 1 LOOP
    EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
                   store, table_name || '_p' || i, store, table_name, partitions, i) || storage;
    EXECUTE format('COMMENT ON TABLE %I.%I IS %L', store, table_name || '_p' || i,
                   format('Partition %s of %s of %I', i, partitions, table_name));
  END LOOP;
  PERFORM agentmem.comment_columns(store, table_name, comments);
END
$$;
COMMENT ON FUNCTION agentmem.create_table(name, name, text, text, jsonb, text, int) IS
  'Internal to create_store: makes one table of a store with its comments, partitioned by namespace if partitions > 0';

CREATE FUNCTION agentmem.create_store(store name, dimensions int DEFAULT NULL, metric text DEFAULT 'cosine',
                                      language text DEFAULT 'english', partitions int DEFAULT NULL)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_store$
DECLARE
  inline_target text := format('toast_tuple_target = %s', current_setting('block_size')::int - 32);
  kind text;
BEGIN
  -- NULL too where the setting was made and taken away before the library was loaded.
  partitions := coalesce(partitions, nullif(current_setting('agentmem.default_partitions', true), '')::int, 0);
  IF store IS NULL OR metric IS NULL OR language IS NULL THEN
    RAISE EXCEPTION '% must not be null',
      CASE WHEN store IS NULL THEN 'store' WHEN metric IS NULL THEN 'metric' ELSE 'language' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  IF dimensions NOT BETWEEN 1 AND 16000 THEN
    RAISE EXCEPTION 'dimensions must be between 1 and 16000, not %', dimensions
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Leave dimensions out for a store of text only.';
  END IF;
  IF metric NOT IN ('cosine', 'l2', 'ip') THEN
    RAISE EXCEPTION 'unknown metric "%"', metric
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Use cosine, l2 or ip (inner product).';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_ts_config c WHERE c.cfgnamespace = 'agentmem'::regnamespace AND c.cfgname = language) THEN
    RAISE EXCEPTION 'unknown language "%"', language
      USING ERRCODE = 'invalid_parameter_value',
            HINT = 'SELECT cfgname FROM pg_ts_config WHERE cfgnamespace = ''agentmem''::regnamespace lists the languages.';
  END IF;
  IF EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = store) THEN
    RAISE EXCEPTION 'schema "%" already exists', store
      USING ERRCODE = 'duplicate_schema', HINT = 'A store is a schema of its own: choose another name, or drop_store() first.';
  END IF;
  IF store = '' OR store LIKE 'pg\_%' THEN
    RAISE EXCEPTION 'invalid store name "%"', store
      USING ERRCODE = 'invalid_schema_name', HINT = 'A store''s name is a schema''s name: not empty and not beginning with pg_.';
  END IF;

  EXECUTE format('CREATE SCHEMA %I', store);
  EXECUTE format('COMMENT ON SCHEMA %I IS %L', store, 'agentmem store: memories of AI agents');
  EXECUTE format('CREATE SEQUENCE %I.id_seq', store);
  EXECUTE format('COMMENT ON SEQUENCE %I.id_seq IS %L', store, 'Ids of the memories of this store');

  -- Policy tables: small, the same for all namespaces, editable by their owner.
  PERFORM agentmem.create_table(store, 'setting', 'Settings of this store', $ddl$
      name text COLLATE "C" PRIMARY KEY,
      value text NOT NULL
    $ddl$, '{
    "name": "version, dimensions, metric, language, partitions; embedding_model, access_log, embed_jobs, job_notify and others if given",
    "value": "Its value, as text"}');
  EXECUTE format('INSERT INTO %I.setting VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8)', store)
    USING 'version'::text, (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'agentmem'), 'metric'::text, metric, 'language'::text, language, 'partitions'::text, partitions::text;
  IF dimensions IS NOT NULL THEN
    EXECUTE format('INSERT INTO %I.setting VALUES ($1, $2)', store) USING 'dimensions'::text, dimensions::text;
  END IF;

  PERFORM agentmem.create_table(store, 'kind', 'Kinds of memory and the policy of each', $ddl$
      name text COLLATE "C" PRIMARY KEY CHECK (name <> ''),
      class text NOT NULL
        CHECK (class IN ('semantic', 'episodic', 'procedural', 'prospective', 'working', 'resource', 'structural', 'vault')),
      meaning text NOT NULL,
      half_life interval CHECK (half_life > interval '0'),
      supersede text NOT NULL DEFAULT 'none' CHECK (supersede IN ('replace', 'annotate', 'none')),
      repeat text NOT NULL DEFAULT 'reinforce' CHECK (repeat IN ('reinforce', 'keep')),
      validity text NOT NULL DEFAULT 'state' CHECK (validity IN ('state', 'occurrence')),
      conflict_threshold real CHECK (conflict_threshold BETWEEN 0 AND 1),
      confidence_low real CHECK (confidence_low BETWEEN 0 AND 1),
      confidence_high real CHECK (confidence_high BETWEEN confidence_low AND 1),
      CONSTRAINT kind_confidence_check CHECK ((confidence_low IS NULL) = (confidence_high IS NULL)),
      retired boolean NOT NULL DEFAULT false
    $ddl$, '{
    "name": "The kind, as remember() takes it",
    "class": "semantic, episodic, procedural, prospective, working, resource, structural or vault",
    "meaning": "What belongs under this kind",
    "half_life": "Time in which an unused memory loses half its retention; NULL: never",
    "supersede": "What a new value of the same subject and predicate does: replace, annotate or none",
    "repeat": "What the same statement again does: reinforce the memory, or keep both",
    "validity": "state: holds during valid_period; occurrence: happened then, and is found at any time unless one is asked for",
    "conflict_threshold": "Cosine similarity from which two memories may contradict; NULL: not looked for",
    "confidence_low": "Default confidence of what was inferred, observed or imported",
    "confidence_high": "Default confidence of what was stated, validated or corrected",
    "retired": "Takes no new memories"}');
  EXECUTE format($dml$
    INSERT INTO %I.kind (name, class, meaning, half_life, supersede, repeat, validity, conflict_threshold, confidence_low, confidence_high) VALUES
      ('fact',         'semantic',    'Objective and verifiable',                      NULL,       'replace', 'reinforce', 'state',      .85,  .9,  1),
      ('preference',   'semantic',    'What the user or the system prefers',           '365 days', 'replace', 'reinforce', 'state',      .85,  .8,  1),
      ('decision',     'semantic',    'A choice that affects the future',              NULL,       'replace', 'reinforce', 'state',      .85,  .9,  1),
      ('commitment',   'prospective', 'A promise',                                     '30 days',  'none',    'reinforce', 'occurrence', .85,  1,   1),
      ('goal',         'prospective', 'An objective, active until achieved',           '90 days',  'replace', 'reinforce', 'state',      .85,  .8,  1),
      ('event',        'episodic',    'Something that happened',                       '90 days',  'none',    'keep',      'occurrence', NULL, .8,  .95),
      ('instruction',  'procedural',  'A rule or guideline',                           NULL,       'replace', 'reinforce', 'state',      .85,  .9,  1),
      ('relationship', 'semantic',    'How entities connect',                          NULL,       'replace', 'reinforce', 'state',      .85,  .85, .95),
      ('context',      'working',     'The present situation',                         '3 days',   'replace', 'reinforce', 'state',      NULL, .9,  1),
      ('learning',     'procedural',  'A lesson from experience',                      '365 days', 'none',    'reinforce', 'state',      .85,  .7,  .9),
      ('observation',  'episodic',    'A pattern noticed',                             '30 days',  'none',    'keep',      'occurrence', NULL, .6,  .85),
      ('error',        'procedural',  'A mistake to avoid',                            NULL,       'none',    'keep',      'occurrence', NULL, .95, 1),
      ('artifact',     'resource',    'A pointer to a document or code',               NULL,       'replace', 'reinforce', 'occurrence', .85,  .9,  1),
      ('episode',      'episodic',    'A verbatim turn or passage, never altered',     '180 days', 'none',    'keep',      'occurrence', NULL, NULL, NULL),
      ('concept',      'structural',  'A topic or entity',                             NULL,       'none',    'reinforce', 'state',      NULL, NULL, NULL),
      ('reflection',   'structural',  'An insight over facts',                         NULL,       'none',    'reinforce', 'state',      NULL, NULL, NULL),
      ('summary',      'structural',  'A summary of members, with a level',            NULL,       'replace', 'reinforce', 'state',      NULL, NULL, NULL),
      ('secret',       'vault',       'A credential; never embedded, indexed or recalled', NULL,   'replace', 'reinforce', 'state',      NULL, NULL, NULL)
    $dml$, store);

  PERFORM agentmem.create_attribute_table(store);

  PERFORM agentmem.create_table(store, 'predicate', 'How many values a predicate has at a time; one that is not here has one', $ddl$
      name text COLLATE "C" PRIMARY KEY CHECK (name <> '' AND name = agentmem.fold(name)),
      cardinality text NOT NULL CHECK (cardinality IN ('one', 'many'))
    $ddl$, '{
    "name": "The predicate, folded: agentmem.fold(predicate)",
    "cardinality": "one: a new value replaces the old; many: each object is a key of its own"}');
  EXECUTE format($dml$
    INSERT INTO %I.predicate (name, cardinality)
    SELECT agentmem.fold(p.name), 'many'
    FROM unnest('{likes,dislikes,knows,speaks,owns,member_of,has}'::text[]) p(name)$dml$, store);

  -- Data tables: namespace first, in every key.
  PERFORM agentmem.create_table(store, 'memory', 'The current version of every memory', format($ddl$
      namespace text COLLATE "C" NOT NULL
        CONSTRAINT memory_namespace_check CHECK (octet_length(namespace) BETWEEN 1 AND 512),
      id bigint NOT NULL DEFAULT nextval(%1$L),
      kind text COLLATE "C" NOT NULL,
      valid_period tstzrange NOT NULL
        CONSTRAINT memory_valid_period_check CHECK (NOT isempty(valid_period)
          AND lower(valid_period) IS DISTINCT FROM '-infinity' AND upper(valid_period) IS DISTINCT FROM 'infinity'),
      expires_at timestamptz,
      tokens int NOT NULL,
      embedding agentmem.vector%2$s,
      lexemes tsvector NOT NULL,
      content text NOT NULL CONSTRAINT memory_content_check CHECK (content <> ''),
      title text,
      subject text,
      predicate text,
      object text,
      tags text[],
      attributes jsonb CONSTRAINT memory_attributes_check CHECK (jsonb_typeof(attributes) = 'object'),
      system_period tstzrange NOT NULL DEFAULT tstzrange(now(), NULL),
      confidence real CONSTRAINT memory_confidence_check CHECK (confidence BETWEEN 0 AND 1),
      importance real CONSTRAINT memory_importance_check CHECK (importance BETWEEN 0 AND 1),
      provenance text NOT NULL DEFAULT 'stated'
        CONSTRAINT memory_provenance_check CHECK (provenance IN ('stated', 'inferred', 'corrected', 'validated', 'observed', 'imported')),
      source text,
      actor text,
      session text,
      parent bigint,
      pinned boolean NOT NULL DEFAULT false,
      key text COLLATE "C",
      language text NOT NULL,
      model text,
      content_hash uuid NOT NULL,
      key_hash uuid,
      operation bigint,
      CONSTRAINT memory_pkey PRIMARY KEY (namespace, id) INCLUDE (tokens)
    $ddl$,
    quote_ident(store) || '.id_seq',
    coalesce('(' || dimensions || ')', ' CONSTRAINT memory_no_embedding_check CHECK (embedding IS NULL)')), '{
    "namespace": "Whose memory it is: a tenant, user, agent or session",
    "id": "Identifies the memory within its namespace",
    "kind": "Kind of memory; see table kind",
    "valid_period": "When it is true in the world; an open end is NULL",
    "expires_at": "From then on never recalled; NULL: never expires",
    "tokens": "Number of indexed words, repetitions included: its length in BM25",
    "embedding": "Vector of the content",
    "lexemes": "Indexed words with positions",
    "content": "What is remembered, as given",
    "title": "Short heading",
    "subject": "Whom or what it is about, as given; compared after agentmem.fold()",
    "predicate": "What is said of the subject",
    "object": "The value said of the subject",
    "tags": "Labels",
    "attributes": "Further properties, a JSON object",
    "system_period": "Since when the store holds this version",
    "confidence": "0 to 1, as written; confirmations raise it on reading",
    "importance": "0 to 1; NULL counts as 0",
    "provenance": "stated, inferred, corrected, validated, observed or imported",
    "source": "Where it came from",
    "actor": "Who said or wrote it",
    "session": "Conversation it belongs to",
    "parent": "Id of the memory it is part of",
    "pinned": "Never decays",
    "key": "The application''s own name for it, unique within the namespace",
    "language": "Text search configuration of its words",
    "model": "Model that made the embedding",
    "content_hash": "128-bit hash of kind, content, subject, predicate and object after folding",
    "key_hash": "128-bit hash of kind, subject and predicate (object too where the predicate has many values) where a new value replaces the old; NULL: no such key",
    "operation": "The operation that wrote this version: audit.id; NULL: written by hand"}', inline_target, partitions);
  EXECUTE format($ddl$
    CREATE INDEX memory_content_hash_idx ON %1$I.memory (namespace, content_hash);
    CREATE INDEX memory_valid_idx ON %1$I.memory (namespace, lower(valid_period) DESC NULLS LAST, id DESC);
    CREATE INDEX memory_lexemes_idx ON %1$I.memory USING gin (agentmem.memory_keys(namespace, lexemes, tokens) agentmem.lexeme_key_ops) WITH (fastupdate = off);
    CREATE UNIQUE INDEX memory_timeline_idx ON %1$I.memory (namespace, key_hash, lower(valid_period)) WHERE key_hash IS NOT NULL;
    CREATE UNIQUE INDEX memory_key_idx ON %1$I.memory (namespace, key) WHERE key IS NOT NULL;
    CREATE INDEX memory_subject_idx ON %1$I.memory (namespace, agentmem.fold(subject)) WHERE subject IS NOT NULL;
    CREATE INDEX memory_session_idx ON %1$I.memory (namespace, session, lower(valid_period) DESC NULLS LAST, id DESC) WHERE session IS NOT NULL;
    CREATE INDEX memory_expires_idx ON %1$I.memory (namespace, expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX memory_parent_idx ON %1$I.memory (namespace, parent) WHERE parent IS NOT NULL;
    $ddl$, store);
  IF dimensions IS NOT NULL THEN
    EXECUTE format('CREATE INDEX memory_embedding_idx ON %I.memory USING ivfbq (namespace, embedding agentmem.%I)',
                   store, 'vector_' || metric || '_ops');
  END IF;
  PERFORM agentmem.create_change_tables(store, partitions);
  PERFORM agentmem.create_history(store, dimensions, metric, partitions);
  PERFORM agentmem.create_access_tables(store, partitions);
  PERFORM agentmem.create_job_table(store, partitions);
  PERFORM agentmem.create_cache_tables(store, dimensions, metric, partitions);

  PERFORM agentmem.create_table(store, 'activity', 'Bookkeeping of memories, apart from their wide rows; a memory without a row is active and unused', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      state text NOT NULL DEFAULT 'active'
        CONSTRAINT activity_state_check CHECK (state IN ('active', 'warm', 'cold', 'archived', 'forgotten')),
      accesses bigint NOT NULL DEFAULT 0,
      last_access timestamptz,
      confirmations int NOT NULL DEFAULT 0,
      last_confirmed timestamptz,
      useful int NOT NULL DEFAULT 0,
      useless int NOT NULL DEFAULT 0,
      rank real CONSTRAINT activity_rank_check CHECK (rank BETWEEN 0 AND 1),
      CONSTRAINT activity_pkey PRIMARY KEY (namespace, id)
    $ddl$, '{
    "namespace": "The memory''s namespace",
    "id": "The memory''s id",
    "state": "active, warm, cold, archived or forgotten",
    "accesses": "How often it was recalled",
    "last_access": "When it was last recalled",
    "confirmations": "How often it was stated again",
    "last_confirmed": "When it was last stated again",
    "useful": "Feedback that it helped",
    "useless": "Feedback that it did not",
    "rank": "Importance by its edges, 0 to 1, where the setting importance is rank; NULL: not ranked"}', 'fillfactor = 70', partitions);
  PERFORM agentmem.create_table(store, 'access', 'What recall returned; maintenance adds it to activity and deletes it', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      at timestamptz NOT NULL,
      accesses int NOT NULL
    $ddl$, '{
    "namespace": "The memory''s namespace",
    "id": "The memory''s id",
    "at": "When it was last recalled",
    "accesses": "How often it was recalled until then, since the row before"}', NULL, partitions);
  EXECUTE format('CREATE INDEX access_namespace_idx ON %I.access (namespace)', store);
  EXECUTE format($ddl$CREATE INDEX activity_hidden_idx ON %I.activity (namespace, id) WHERE state NOT IN ('active', 'warm', 'cold')$ddl$, store);

  PERFORM agentmem.create_table(store, 'namespace', 'The namespaces, written by the first memory of each', $ddl$
      namespace text COLLATE "C" NOT NULL,
      created timestamptz NOT NULL DEFAULT now(),
      languages text[] NOT NULL,
      memories bigint,
      tokens bigint,
      hold text CONSTRAINT namespace_hold_check CHECK (hold <> ''),
      maintained timestamptz,
      steps jsonb,
      quota bigint CONSTRAINT namespace_quota_check CHECK (quota >= 0),
      history_keep interval CONSTRAINT namespace_history_keep_check CHECK (history_keep >= interval '0'),
      purged timestamptz,
      CONSTRAINT namespace_pkey PRIMARY KEY (namespace)
    $ddl$, '{
    "namespace": "Its name",
    "created": "When its first memory was written",
    "languages": "Languages of its memories: a query is stemmed by each",
    "memories": "Estimate of its memories; NULL: not measured yet",
    "tokens": "Estimate of the sum of memory.tokens; NULL: not measured yet",
    "hold": "Why nothing of it may be erased; NULL: it may",
    "maintained": "When maintenance was last here and left nothing to do",
    "steps": "What maintenance keeps of each of its steps: when it began, and where it goes on (after)",
    "quota": "So many memories at most: the least retained above it are forgotten; NULL: no limit",
    "history_keep": "How long versions are kept that are no longer current; NULL: as the store''s setting says",
    "purged": "Versions that ended until then may be gone, and nothing from before can be undone; NULL: all are there"}', 'fillfactor = 70', partitions);
  EXECUTE format('CREATE INDEX namespace_maintained_idx ON %I.namespace (maintained NULLS FIRST, namespace)', store);

  PERFORM agentmem.create_table(store, 'key_lock', 'One row a statement or key: locked by who writes it, so that two writers take turns', $ddl$
      namespace text COLLATE "C" NOT NULL,
      hash bigint NOT NULL,
      n bigint NOT NULL,
      CONSTRAINT key_lock_pkey PRIMARY KEY (namespace, hash)
    $ddl$, '{
    "namespace": "Namespace of the statement or key",
    "hash": "64-bit hash of the statement or key",
    "n": "How often it was locked"}', 'fillfactor = 70', partitions);

  EXECUTE format('CREATE TRIGGER memory_guard BEFORE INSERT OR UPDATE ON %I.memory FOR EACH ROW EXECUTE FUNCTION agentmem.memory_guard()', store);
  FOR kind IN EXECUTE format('SELECT k.name FROM %I.kind k WHERE k.class <> ''vault'' ORDER BY k.name', store) LOOP
    PERFORM agentmem.create_kind_view(store, kind);
  END LOOP;
END
$create_store$;
COMMENT ON FUNCTION agentmem.create_store(name, int, text, text, int) IS
  'Makes a store: a schema of ordinary tables owned by the caller. dimensions: of the embeddings, NULL for text only; metric: cosine, l2 or ip; language: default text search configuration of agentmem; partitions: hash partitions by namespace, 0 for none, NULL for the setting agentmem.default_partitions';

-- Whether a schema is a store: it has the tables, and memory has our lexemes.
CREATE FUNCTION agentmem.is_store(schema_id oid) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN 4 = (SELECT count(*) FROM pg_class c
              WHERE c.relnamespace = schema_id AND c.relkind IN ('r', 'p')
                AND c.relname IN ('memory', 'kind', 'setting', 'key_lock'))
     AND EXISTS (SELECT FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relnamespace = schema_id AND c.relname = 'memory'
                   AND a.attname = 'lexemes' AND a.atttypid = 'tsvector'::regtype);
END
$$;
COMMENT ON FUNCTION agentmem.is_store(oid) IS 'Whether the schema of this OID is a store';

-- The schema of a store that the caller may do as he likes with.
CREATE FUNCTION agentmem.owned_store(store name) RETURNS oid
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_id oid := (SELECT n.oid FROM pg_namespace n WHERE n.nspname = store);
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a store.';
  END IF;
  IF schema_id IS NULL THEN
    RAISE EXCEPTION 'store "%" does not exist', store
      USING ERRCODE = 'invalid_schema_name', HINT = 'SELECT store FROM agentmem.stores lists the stores.';
  END IF;
  IF NOT agentmem.is_store(schema_id) THEN
    RAISE EXCEPTION 'schema "%" is not a store', store
      USING ERRCODE = 'wrong_object_type', HINT = 'SELECT store FROM agentmem.stores lists the stores.';
  END IF;
  IF NOT (SELECT pg_has_role(n.nspowner, 'USAGE') FROM pg_namespace n WHERE n.oid = schema_id) THEN
    RAISE EXCEPTION 'must be owner of store "%"', store
      USING ERRCODE = 'insufficient_privilege', HINT = 'Only the owner of a store can do that.';
  END IF;
  RETURN schema_id;
END
$$;
COMMENT ON FUNCTION agentmem.owned_store(name) IS 'The schema of a store, or an error if there is none or it is not the caller''s';

CREATE FUNCTION agentmem.drop_store(store name, "cascade" boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
  filled boolean;
BEGIN
  PERFORM agentmem.owned_store(store), agentmem.one_by_one(store);
  IF "cascade" THEN
    EXECUTE format('DROP SCHEMA %I CASCADE', store);
    RETURN;
  END IF;
  -- No memory may slip in between the look and the drop.
  EXECUTE format('LOCK TABLE %I.memory IN ACCESS EXCLUSIVE MODE', store);
  -- Row security must not hide them from the owner.
  EXECUTE format('ALTER TABLE %I.memory NO FORCE ROW LEVEL SECURITY', store);
  EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.memory)', store) INTO filled;
  IF filled THEN
    RAISE EXCEPTION 'store "%" holds memories', store
      USING ERRCODE = 'dependent_objects_still_exist', HINT = 'drop_store(store, cascade => true) drops them too.';
  END IF;
  PERFORM agentmem.drop_kind_views(store);
  EXECUTE format('DROP VIEW %I.cache_stats', store);
  EXECUTE format('DROP TABLE %1$I.memory, %1$I.memory_history, %1$I.activity, %1$I.access, %1$I.namespace, %1$I.key_lock, %1$I.edge, %1$I.edge_history, %1$I.concept, %1$I.conflict, %1$I.audit, %1$I.secret, %1$I.job,'
                 ' %1$I.cache, %1$I.cache_use, %1$I.cache_state, %1$I.cache_log, %1$I.cache_claim, %1$I.cache_category,'
                 ' %1$I.edge_type, %1$I.predicate, %1$I.kind_attribute, %1$I.kind, %1$I.setting', store);
  EXECUTE format('DROP SEQUENCE %1$I.id_seq, %1$I.operation_seq', store);
  EXECUTE format('DROP SCHEMA %I', store);
END
$$;
COMMENT ON FUNCTION agentmem.drop_store(name, boolean) IS
  'Drops a store. Refuses one that holds memories (2BP01) unless cascade is true; anything else in the schema goes only with cascade';

CREATE FUNCTION agentmem.store_setting(setting_table oid, name text) RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100
AS 'MODULE_PATHNAME', 'agm_fn_store_setting';
COMMENT ON FUNCTION agentmem.store_setting(oid, text) IS
  'Value of a setting in a store''s table setting, read without running any code of the store''s owner; NULL if there is none or it may not be read';

-- Looks at schemas of anyone, as whoever asks: catalogs only, and store_setting().
CREATE FUNCTION agentmem.list_stores(OUT store name, OUT owner name, OUT dimensions int, OUT metric text, OUT language text,
                                     OUT version text, OUT namespaces bigint, OUT memories bigint, OUT size_bytes bigint)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    SELECT n.nspname, pg_get_userbyid(n.nspowner),
           (SELECT nullif(a.atttypmod, -1) FROM pg_attribute a WHERE a.attrelid = m.oid AND a.attname = 'embedding'),
           agentmem.store_setting(s.oid, 'metric'), agentmem.store_setting(s.oid, 'language'), agentmem.store_setting(s.oid, 'version'),
           t.namespaces, t.memories, t.size_bytes
    FROM pg_namespace n
    JOIN pg_class m ON m.relnamespace = n.oid AND m.relname = 'memory'
    JOIN pg_class s ON s.relnamespace = n.oid AND s.relname = 'setting'
    CROSS JOIN LATERAL (
      SELECT sum(nullif(c.reltuples, -1)) FILTER (WHERE c.relname ~ '^namespace(_p[0-9]+)?$')::bigint AS namespaces,
             sum(nullif(c.reltuples, -1)) FILTER (WHERE c.relname ~ '^memory(_p[0-9]+)?$')::bigint AS memories,
             sum(pg_total_relation_size(c.oid))::bigint AS size_bytes
      FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r') t
    WHERE agentmem.is_store(n.oid) AND has_schema_privilege(n.oid, 'USAGE')
      AND has_table_privilege(m.oid, 'SELECT') AND has_table_privilege(s.oid, 'SELECT')
    ORDER BY n.nspname;
END
$$;
COMMENT ON FUNCTION agentmem.list_stores() IS 'The rows of the view stores';

CREATE VIEW agentmem.stores AS SELECT * FROM agentmem.list_stores();
COMMENT ON VIEW agentmem.stores IS
  'The stores that the current role may read; namespaces and memories are estimates of the last ANALYZE or autovacuum and NULL before it, size_bytes counts tables with their indexes';
COMMENT ON COLUMN agentmem.stores.store IS 'Schema of the store';
COMMENT ON COLUMN agentmem.stores.owner IS 'Role that owns it';
COMMENT ON COLUMN agentmem.stores.dimensions IS 'Dimensions of its embeddings; NULL: text only';
COMMENT ON COLUMN agentmem.stores.metric IS 'Distance of its embeddings: cosine, l2 or ip';
COMMENT ON COLUMN agentmem.stores.language IS 'Default language of its memories';
COMMENT ON COLUMN agentmem.stores.version IS 'Version of agentmem that its tables are of';
COMMENT ON COLUMN agentmem.stores.namespaces IS 'Estimated number of namespaces; NULL: not analyzed yet';
COMMENT ON COLUMN agentmem.stores.memories IS 'Estimated number of memories; NULL: not analyzed yet';
COMMENT ON COLUMN agentmem.stores.size_bytes IS 'Size on disk of all its tables and indexes, in bytes';
GRANT SELECT ON agentmem.stores TO PUBLIC;

-- Writing ---------------------------------------------------------------------

CREATE FUNCTION agentmem.remember(
  store name, namespace text, content text, kind text DEFAULT 'observation', embedding agentmem.vector DEFAULT NULL,
  subject text DEFAULT NULL, predicate text DEFAULT NULL, object text DEFAULT NULL,
  importance real DEFAULT NULL, confidence real DEFAULT NULL, valid_from timestamptz DEFAULT NULL, valid_to timestamptz DEFAULT NULL,
  tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL, source text DEFAULT NULL, actor text DEFAULT NULL,
  provenance text DEFAULT 'stated', pinned boolean DEFAULT false, expires_at timestamptz DEFAULT NULL, parent bigint DEFAULT NULL,
  key text DEFAULT NULL, session text DEFAULT NULL, title text DEFAULT NULL, language text DEFAULT NULL, model text DEFAULT NULL,
  OUT id bigint, OUT action text, OUT related bigint[])
RETURNS record LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_remember';
COMMENT ON FUNCTION agentmem.remember(name, text, text, text, agentmem.vector, text, text, text, real, real, timestamptz, timestamptz,
  text[], jsonb, text, text, text, boolean, timestamptz, bigint, text, text, text, text, text) IS
  'Remembers one thing, searchable at once. action: inserted, or reinforced where the same statement is already held (related: what was reinforced)';

CREATE FUNCTION agentmem.remember_many(
  store name, namespace text, memories jsonb, embeddings agentmem.vector[] DEFAULT NULL, on_error text DEFAULT 'fail',
  OUT ordinal int, OUT id bigint, OUT action text, OUT related bigint[], OUT error text)
RETURNS SETOF record LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_remember_many';
COMMENT ON FUNCTION agentmem.remember_many(name, text, jsonb, agentmem.vector[], text) IS
  'Remembers an array of objects whose keys are arguments of remember(), in one transaction, as if called one by one; embeddings[i] goes with memories[i]. on_error skip: an element that fails is reported in its row and the rest goes on';

-- Reading ---------------------------------------------------------------------

CREATE FUNCTION agentmem.effective_confidence(confidence real, confirmations int) RETURNS real
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_effective_confidence';
COMMENT ON FUNCTION agentmem.effective_confidence(real, int) IS
  'Confidence in a statement made with this confidence and confirmed so often: 1 - (1 - confidence) * 0.9 ^ confirmations';

CREATE FUNCTION agentmem.effective_importance(importance real, useless int) RETURNS real
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_effective_importance';
COMMENT ON FUNCTION agentmem.effective_importance(real, int) IS
  'Importance of a memory that was given this importance and did not help so often: importance * 0.8 ^ useless';

CREATE TYPE agentmem.memory AS (
  id bigint, namespace text, kind text, content text, title text, subject text, predicate text, object text,
  tags text[], attributes jsonb, valid_period tstzrange, system_period tstzrange, confidence real, importance real,
  provenance text, source text, actor text, session text, parent bigint, pinned boolean, expires_at timestamptz,
  key text, language text, model text, state text, accesses bigint, last_access timestamptz, confirmations int);
COMMENT ON TYPE agentmem.memory IS
  'A memory as get() and list() return it; confidence and importance are the effective ones: 1 - (1 - c) * 0.9 ^ confirmations, and importance * 0.8 ^ useless';

CREATE FUNCTION agentmem.get(store name, namespace text, ids bigint[] DEFAULT NULL, keys text[] DEFAULT NULL,
                             known_at timestamptz DEFAULT NULL)
RETURNS SETOF agentmem.memory LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_get';
COMMENT ON FUNCTION agentmem.get(name, text, bigint[], text[], timestamptz) IS
  'The memories of these ids or keys, by id; what does not exist is left out';

CREATE FUNCTION agentmem.list(
  store name, namespace text, kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL,
  subject text DEFAULT NULL, valid_at timestamptz DEFAULT NULL, during tstzrange DEFAULT NULL,
  states text[] DEFAULT '{active,warm,cold}', session text DEFAULT NULL, predicate text DEFAULT NULL, tags_any text[] DEFAULT NULL,
  after bigint DEFAULT NULL, n int DEFAULT 100, known_at timestamptz DEFAULT NULL)
RETURNS SETOF agentmem.memory LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_list';
COMMENT ON FUNCTION agentmem.list(name, text, text[], text[], jsonb, text, timestamptz, tstzrange, text[], text, text, text[], bigint, int, timestamptz) IS
  'Pages through the memories that pass the filters of recall(), by id: the n that follow the id after';

CREATE FUNCTION agentmem.count(
  store name, namespace text, kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL,
  subject text DEFAULT NULL, valid_at timestamptz DEFAULT NULL, during tstzrange DEFAULT NULL,
  states text[] DEFAULT '{active,warm,cold}', session text DEFAULT NULL, predicate text DEFAULT NULL, tags_any text[] DEFAULT NULL,
  known_at timestamptz DEFAULT NULL)
RETURNS bigint LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_count';
COMMENT ON FUNCTION agentmem.count(name, text, text[], text[], jsonb, text, timestamptz, tstzrange, text[], text, text, text[], timestamptz) IS
  'How many memories pass the filters of recall()';

CREATE FUNCTION agentmem.namespaces(store name, prefix text DEFAULT NULL, depth int DEFAULT NULL, after text DEFAULT NULL, n int DEFAULT 100,
  OUT namespace text, OUT created timestamptz, OUT languages text[], OUT memories bigint, OUT tokens bigint)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_namespaces';
COMMENT ON FUNCTION agentmem.namespaces(name, text, int, text, int) IS
  'The namespaces by name: prefix itself and those under prefix/, at most depth levels below it, the n that follow after; memories and tokens are estimates, counted where none is kept yet';

-- Changing what is held: operations, conflicts, edges between memories (plpgsql: DDL), and
-- the functions that revise, forget, restore and resolve (C).
-- Rules: src/memory/README.md, "Operations", "Timeline", "Conflicts".

CREATE FUNCTION agentmem.create_change_tables(store name, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_change_tables$
BEGIN
  EXECUTE format('CREATE SEQUENCE %I.operation_seq', store);
  EXECUTE format('COMMENT ON SEQUENCE %I.operation_seq IS %L', store, 'Numbers of operations, conflicts and jobs of this store');

  PERFORM agentmem.create_table(store, 'audit', 'Every call that changed memories; written by the functions, never by hand', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      at timestamptz NOT NULL DEFAULT now(),
      role name NOT NULL,
      action text NOT NULL,
      ids bigint[] NOT NULL,
      details jsonb,
      CONSTRAINT audit_pkey PRIMARY KEY (namespace, id)
    $ddl$, '{
    "namespace": "Whose memories were changed",
    "id": "Number of the operation",
    "at": "Start of its transaction",
    "role": "Role that called",
    "action": "remember, revise, forget, restore, resolve, merge, erase, hold, release, import or reveal",
    "ids": "Memories that it wrote, removed or revealed",
    "details": "Reason, note or counts; never content"}', 'fillfactor = 100', partitions);
  EXECUTE format('CREATE INDEX audit_at_idx ON %I.audit (namespace, at, id)', store);
  EXECUTE format('CREATE INDEX audit_ids_idx ON %I.audit USING gin (ids agentmem.bigint_overlap_ops) WITH (fastupdate = off)', store);

  PERFORM agentmem.create_table(store, 'conflict', 'Pairs of memories that may contradict each other, to be settled by resolve()', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      a bigint NOT NULL,
      b bigint NOT NULL CONSTRAINT conflict_pair_check CHECK (a < b),
      reason text NOT NULL CONSTRAINT conflict_reason_check CHECK (reason IN ('similar', 'same_key')),
      similarity real,
      detected_at timestamptz NOT NULL DEFAULT now(),
      resolution text CONSTRAINT conflict_resolution_check CHECK (resolution IN ('supersede', 'retain', 'annotate', 'merge')),
      side bigint,
      note text,
      resolved_at timestamptz,
      operation bigint,
      CONSTRAINT conflict_pkey PRIMARY KEY (namespace, id),
      CONSTRAINT conflict_pair_key UNIQUE (namespace, a, b)
    $ddl$, '{
    "namespace": "The memories'' namespace",
    "id": "Names the conflict to resolve()",
    "a": "The memory with the smaller id",
    "b": "The other memory",
    "reason": "similar: their embeddings are near; same_key: they speak of the same subject and predicate",
    "similarity": "Cosine of their embeddings; NULL where one is missing",
    "detected_at": "When it was found",
    "resolution": "supersede, retain, annotate or merge; NULL: open",
    "side": "The memory that prevailed",
    "note": "What was said when it was settled",
    "resolved_at": "When it was settled",
    "operation": "The operation that settled it"}', 'fillfactor = 90', partitions);

  PERFORM agentmem.create_table(store, 'edge_type', 'Types of edges and how well each conducts in ppr() and spread()', $ddl$
      name text COLLATE "C" PRIMARY KEY CHECK (name <> ''),
      weight real NOT NULL DEFAULT .5 CHECK (weight >= 0 AND weight < 'infinity'),
      directed boolean NOT NULL DEFAULT false,
      meaning text NOT NULL DEFAULT ''
    $ddl$, '{
    "name": "The type, as link() takes it",
    "weight": "How well its edges conduct; 0: not at all",
    "directed": "Conducts from source to target only",
    "meaning": "What an edge of this type says"}');
  EXECUTE format($dml$
    INSERT INTO %I.edge_type (name, weight, meaning) VALUES
      ('next',              .8, 'target follows source: episode to episode'),
      ('derived_from',      .8, 'source was made of target: fact to episode'),
      ('has_concept',       .8, 'source mentions target: episode to concept'),
      ('about_concept',     .8, 'source is about target: fact to concept'),
      ('derived_from_fact', .5, 'source was made of target: reflection to fact'),
      ('similar',           .5, 'the two are alike'),
      ('part_of',           .5, 'source is part of target'),
      ('summary_of',        .5, 'source sums up target'),
      ('caused_by',         .5, 'target brought source about'),
      ('supersedes',        0,  'source replaced target'),
      ('continues',         0,  'source says again what target said before'),
      ('contradicts',       0,  'the two cannot both hold')
    $dml$, store);

  PERFORM agentmem.create_table(store, 'edge', 'Typed relations between memories; one counts while both of its ends are held', $ddl$
      namespace text COLLATE "C" NOT NULL,
      source bigint NOT NULL,
      target bigint NOT NULL,
      type text COLLATE "C" NOT NULL,
      weight real NOT NULL DEFAULT 1 CONSTRAINT edge_weight_check CHECK (weight >= 0 AND weight < 'infinity'),
      operation bigint,
      valid_period tstzrange NOT NULL DEFAULT '(,)'
        CONSTRAINT edge_valid_period_check CHECK (NOT isempty(valid_period)
          AND lower(valid_period) IS DISTINCT FROM '-infinity' AND upper(valid_period) IS DISTINCT FROM 'infinity'),
      system_period tstzrange NOT NULL DEFAULT tstzrange(now(), NULL),
      CONSTRAINT edge_pkey PRIMARY KEY (namespace, source, target, type)
    $ddl$, '{
    "namespace": "The memories'' namespace",
    "source": "From this memory",
    "target": "to this one",
    "type": "What the relation is; see table edge_type",
    "weight": "How strong it is",
    "operation": "The operation that wrote it; NULL: link(), or by hand",
    "valid_period": "When it is so in the world; by default whenever both ends are",
    "system_period": "Since when the store holds it"}', 'fillfactor = 90', partitions);
  EXECUTE format($ddl$
    CREATE INDEX edge_source_idx ON %1$I.edge (namespace, source, weight DESC, target, type) INCLUDE (valid_period);
    CREATE INDEX edge_target_idx ON %1$I.edge (namespace, target, weight DESC, source, type) INCLUDE (valid_period);
    $ddl$, store);

  PERFORM agentmem.create_table(store, 'concept', 'What memories are about: nodes of the graph that edges of has_concept and about_concept lead to', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL CONSTRAINT concept_id_check CHECK (id < 0),
      memory bigint NOT NULL,
      concept text NOT NULL,
      normalized text NOT NULL,
      CONSTRAINT concept_pkey PRIMARY KEY (namespace, id, memory)
    $ddl$, '{
    "namespace": "The memories'' namespace",
    "id": "Hash of the normalized words, below zero: a target of edges",
    "memory": "The memory that named it when no other was seen to",
    "concept": "As that memory has it",
    "normalized": "Its words, folded and stemmed: what unites its forms"}', 'fillfactor = 100', partitions);
  EXECUTE format('CREATE INDEX concept_memory_idx ON %I.concept (namespace, memory)', store);

  PERFORM agentmem.create_table(store, 'edge_history', 'Edges as they were, and those that are gone; written by the trigger edge_versioning', format($ddl$
      LIKE %I.edge,
      CONSTRAINT edge_history_pkey PRIMARY KEY (namespace, source, target, type, system_period)
    $ddl$, store), (
    SELECT jsonb_object_agg(a.attname, CASE a.attname WHEN 'system_period' THEN 'When the store held it'
                                                      ELSE col_description(a.attrelid, a.attnum) END)
    FROM pg_attribute a WHERE a.attrelid = format('%I.edge', store)::regclass AND a.attnum > 0 AND NOT a.attisdropped), 'fillfactor = 100', partitions);
  EXECUTE format('CREATE INDEX edge_history_target_idx ON %I.edge_history (namespace, target)', store);
  EXECUTE format('CREATE TRIGGER edge_versioning BEFORE INSERT OR UPDATE OR DELETE ON %I.edge
                  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning(''system_period'', '''', ''operation'', ''namespace,source,target,type'')', store);
  EXECUTE format('COMMENT ON TRIGGER edge_versioning ON %I.edge IS %L', store, 'Keeps edges as they were in edge_history');
  EXECUTE format('CREATE TRIGGER edge_versioning_again AFTER INSERT ON %I.edge
                  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning(''system_period'', '''', ''operation'', ''namespace,source,target,type'')', store);
  EXECUTE format('COMMENT ON TRIGGER edge_versioning_again ON %I.edge IS %L', store, 'Has an edge that is made again begin no earlier than it ended');
END
$create_change_tables$;
COMMENT ON FUNCTION agentmem.create_change_tables(name, int) IS
  'Internal to create_store: makes the tables audit, conflict, edge_type, edge and edge_history';

CREATE FUNCTION agentmem.revise(
  store name, namespace text, id bigint, content text DEFAULT NULL, embedding agentmem.vector DEFAULT NULL,
  valid_from timestamptz DEFAULT NULL, valid_to timestamptz DEFAULT NULL, attributes jsonb DEFAULT NULL,
  tags text[] DEFAULT NULL, importance real DEFAULT NULL, confidence real DEFAULT NULL, title text DEFAULT NULL,
  object text DEFAULT NULL, source text DEFAULT NULL, actor text DEFAULT NULL, provenance text DEFAULT 'corrected',
  expires_at timestamptz DEFAULT NULL, pinned boolean DEFAULT NULL, language text DEFAULT NULL, model text DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_revise';
COMMENT ON FUNCTION agentmem.revise(name, text, bigint, text, agentmem.vector, timestamptz, timestamptz, jsonb, text[], real, real, text,
  text, text, text, text, timestamptz, boolean, text, text) IS
  'Corrects a memory: a new version under the same id. What is not given stays; a new content without embedding has none; infinity opens an end';

CREATE FUNCTION agentmem.forget(store name, namespace text, id bigint, reason text DEFAULT NULL)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_forget';
COMMENT ON FUNCTION agentmem.forget(name, text, bigint, text) IS
  'Takes a memory out of what is held; it stays in history and restore() brings it back. false: there is none of this id';

CREATE FUNCTION agentmem.forget_where(
  store name, namespace text, kinds text[] DEFAULT NULL, tags text[] DEFAULT NULL, attributes jsonb DEFAULT NULL,
  subject text DEFAULT NULL, valid_at timestamptz DEFAULT NULL, during tstzrange DEFAULT NULL,
  states text[] DEFAULT '{active,warm,cold}', session text DEFAULT NULL, predicate text DEFAULT NULL, tags_any text[] DEFAULT NULL,
  reason text DEFAULT NULL, dry_run boolean DEFAULT false, n int DEFAULT NULL)
RETURNS bigint[] LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_forget_where';
COMMENT ON FUNCTION agentmem.forget_where(name, text, text[], text[], jsonb, text, timestamptz, tstzrange, text[], text, text, text[],
  text, boolean, int) IS
  'Forgets, as one operation, all memories that pass the filters of list(), or the first n by id; returns their ids. dry_run: only says which';

CREATE FUNCTION agentmem.feedback(store name, namespace text, id bigint, useful boolean)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_feedback';
COMMENT ON FUNCTION agentmem.feedback(name, text, bigint, boolean) IS
  'Counts whether a memory helped: true confirms it, false takes a fifth of its importance. No version';

CREATE FUNCTION agentmem.restore(store name, namespace text, id bigint, known_at timestamptz DEFAULT NULL)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_restore';
COMMENT ON FUNCTION agentmem.restore(name, text, bigint, timestamptz) IS
  'Undoes, as a whole, the last operation on a memory; with known_at makes the version of that instant the current one. false: there is nothing to undo';

CREATE FUNCTION agentmem.conflicts(
  store name, namespace text,
  OUT conflict bigint, OUT a bigint, OUT b bigint, OUT reason text, OUT similarity real, OUT detected_at timestamptz)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 20
AS 'MODULE_PATHNAME', 'agm_fn_conflicts';
COMMENT ON FUNCTION agentmem.conflicts(name, text) IS
  'Pairs of memories that may contradict each other and are not settled, oldest first';

CREATE FUNCTION agentmem.resolve(store name, namespace text, conflict bigint, resolution text, side bigint DEFAULT NULL, note text DEFAULT NULL)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_resolve';
COMMENT ON FUNCTION agentmem.resolve(name, text, bigint, text, bigint, text) IS
  'Settles a conflict. supersede: the side (default: the later one) ends the other; retain: both stay; annotate: both stay and are marked as contradicting; merge: the side takes over what the other adds, and the other is forgotten';

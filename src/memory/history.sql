-- Versions of memories: the history table of a store, and what reads it.
-- Rules: src/memory/README.md, "Versions".

CREATE FUNCTION agentmem.history_level(period tstzrange) RETURNS int
LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_history_level';
COMMENT ON FUNCTION agentmem.history_level(tstzrange) IS
  'How long a period is, for an index: the least n such that it lasts at most 4^n seconds; 17 if longer';

-- create_history ----------------------------------------------------------------

-- The trigger is made anew where a step of upgrade_store adds a column of which there are no versions; columns of the
-- owner's have some.
CREATE FUNCTION agentmem.create_versioning(store name)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  -- They follow from what else the row holds, or are bookkeeping.
  unversioned text := 'tokens,embedding,lexemes,key,language,model,content_hash,key_hash,operation';
BEGIN
  -- A second space (src/jobs/README.md).
  IF EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = format('%I.memory', store)::regclass AND a.attname = 'embedding_next') THEN
    unversioned := unversioned || ',embedding_next,model_next';
  END IF;
  IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = format('%I.memory', store)::regclass AND t.tgname = 'memory_versioning') THEN
    EXECUTE format('DROP TRIGGER memory_versioning ON %I.memory', store);
  END IF;
  EXECUTE format('CREATE TRIGGER memory_versioning BEFORE INSERT OR UPDATE OR DELETE ON %I.memory
                  FOR EACH ROW EXECUTE FUNCTION agentmem.versioning(''system_period'', '''', %L)', store, unversioned);
  EXECUTE format('COMMENT ON TRIGGER memory_versioning ON %I.memory IS %L', store, 'Keeps earlier versions in memory_history');
END
$$;
COMMENT ON FUNCTION agentmem.create_versioning(name) IS
  'Internal to create_store and upgrade_store: makes the trigger that keeps versions of memories, or makes it anew';

CREATE FUNCTION agentmem.create_history(store name, dimensions int, metric text, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_history$
DECLARE
  memory regclass := format('%I.memory', store)::regclass;
BEGIN
  PERFORM agentmem.create_table(store, 'memory_history',
    'Earlier versions of memories, and the last ones of those that are gone; written by the trigger memory_versioning', format($ddl$
      LIKE %I.memory,
      CONSTRAINT memory_history_pkey PRIMARY KEY (namespace, id, system_period)
    $ddl$, store),
    (SELECT jsonb_object_agg(a.attname, CASE a.attname WHEN 'system_period' THEN 'When the store held this version'
                                                       ELSE col_description(a.attrelid, a.attnum) END)
     FROM pg_attribute a WHERE a.attrelid = memory AND a.attnum > 0 AND NOT a.attisdropped),
    format('toast_tuple_target = %s', current_setting('block_size')::int - 32), partitions);
  EXECUTE format($ddl$
    CREATE INDEX memory_history_time_idx ON %1$I.memory_history
      (namespace, agentmem.history_level(system_period), lower(system_period), upper(system_period)) INCLUDE (system_period, tokens);
    CREATE INDEX memory_history_lexemes_idx ON %1$I.memory_history USING gin (agentmem.memory_keys(namespace, lexemes, tokens) agentmem.lexeme_key_ops) WITH (fastupdate = off);
    CREATE INDEX memory_history_valid_idx ON %1$I.memory_history (namespace, lower(valid_period) DESC NULLS LAST, id DESC);
    CREATE INDEX memory_history_ahead_idx ON %1$I.memory_history (namespace, lower(valid_period) DESC, id DESC)
      WHERE lower(valid_period) - lower(system_period) > interval '1 hour';
    CREATE INDEX memory_history_key_idx ON %1$I.memory_history (namespace, key) WHERE key IS NOT NULL;
    CREATE INDEX memory_history_parent_idx ON %1$I.memory_history (namespace, parent) WHERE parent IS NOT NULL;
    CREATE INDEX memory_history_subject_idx ON %1$I.memory_history (namespace, agentmem.fold(subject)) WHERE subject IS NOT NULL;
    CREATE INDEX memory_system_idx ON %1$I.memory (namespace, lower(system_period));
    $ddl$, store);
  IF dimensions IS NOT NULL THEN
    EXECUTE format('CREATE INDEX memory_history_embedding_idx ON %I.memory_history USING ivfbq (namespace, embedding agentmem.%I)',
                   store, 'vector_' || metric || '_ops');
  END IF;
  PERFORM agentmem.create_versioning(store);
END
$create_history$;
COMMENT ON FUNCTION agentmem.create_history(name, int, text, int) IS
  'Internal to create_store: the history of a store''s memories and the trigger that writes it';

-- Reading ---------------------------------------------------------------------

CREATE FUNCTION agentmem.as_of(store name, namespace text, valid_at timestamptz DEFAULT NULL, known_at timestamptz DEFAULT NULL,
                               kinds text[] DEFAULT NULL)
RETURNS SETOF agentmem.memory LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_as_of';
COMMENT ON FUNCTION agentmem.as_of(name, text, timestamptz, timestamptz, text[]) IS
  'What was true at valid_at as the store held it at known_at, by id; without known_at as it holds it now, without valid_at at known_at or now';

CREATE FUNCTION agentmem.history(store name, namespace text, id bigint)
RETURNS SETOF agentmem.memory LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
AS 'MODULE_PATHNAME', 'agm_fn_history';
COMMENT ON FUNCTION agentmem.history(name, text, bigint) IS
  'Every version of a memory, the newest first, also of one that is gone; system_period says when the store held it';

CREATE FUNCTION agentmem.changes(store name, namespace text, since timestamptz, until timestamptz DEFAULT pg_catalog.now(),
                                 OUT id bigint, OUT change text, OUT before jsonb, OUT after jsonb, OUT at timestamptz)
RETURNS SETOF record LANGUAGE c STABLE PARALLEL RESTRICTED COST 1000 ROWS 100
AS 'MODULE_PATHNAME', 'agm_fn_changes';
COMMENT ON FUNCTION agentmem.changes(name, text, timestamptz, timestamptz) IS
  'What changed after since and up to until, in order: inserted, updated or deleted, with the memory before and after';

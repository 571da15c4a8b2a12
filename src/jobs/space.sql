-- A second space of embeddings, filled while the first serves, then put in its place.
-- Rules: src/jobs/README.md, "A second space".

CREATE FUNCTION agentmem.clear_next_embedding() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  NEW.embedding_next := NULL;
  NEW.model_next := NULL;
  RETURN NEW;
END
$$;
COMMENT ON FUNCTION agentmem.clear_next_embedding() IS
  'Trigger of a store whose second space is being filled: another content has another vector';

-- What begin_space(), switch_space() and cancel_space() begin with: they take turns, with upgrade_store() too, and
-- are not deceived by row security.
CREATE FUNCTION agentmem.own_space(store name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM agentmem.owned_store(store);
  -- Columns are dropped, which a shard that is moved later never had: names and places would part.
  IF agentmem.is_distributed(format('%I.memory', store)) THEN
    RAISE EXCEPTION 'the model of a distributed store cannot be changed'
      USING ERRCODE = 'feature_not_supported', HINT = 'Make another store for the new model, and move the namespaces by export() and import().';
  END IF;
  IF row_security_active(format('%I.memory', store)) THEN
    RAISE EXCEPTION 'row security hides memories of store "%" from you', store
      USING ERRCODE = 'insufficient_privilege', HINT = 'Do it as a role with BYPASSRLS, or as a superuser.';
  END IF;
  -- An older snapshot would not see what came before the lock: memories without a vector would pass for filled.
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
    RAISE EXCEPTION 'the spaces of a store cannot be changed in a % transaction', upper(current_setting('transaction_isolation'))
      USING ERRCODE = 'active_sql_transaction', HINT = 'Do it in a READ COMMITTED transaction: BEGIN ISOLATION LEVEL READ COMMITTED.';
  END IF;
  EXECUTE format('LOCK TABLE %I.setting IN SHARE ROW EXCLUSIVE MODE', store);
END
$$;
COMMENT ON FUNCTION agentmem.own_space(name) IS
  'Internal to begin_space and others: that the caller owns the store and sees all of it, and that nobody else is at its spaces';

CREATE FUNCTION agentmem.next_space(store name, OUT model text, OUT dimensions int, OUT metric text, OUT history boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  EXECUTE format('SELECT max(s.value) FILTER (WHERE s.name = ''next_model''), max(s.value) FILTER (WHERE s.name = ''next_dimensions'')::int,'
                 ' max(s.value) FILTER (WHERE s.name = ''next_metric''), max(s.value) FILTER (WHERE s.name = ''next_history'') = ''on'' FROM %I.setting s', store)
    INTO model, dimensions, metric, history;
END
$$;
COMMENT ON FUNCTION agentmem.next_space(name) IS 'Internal to space_progress and others: the space that is being filled; NULLs if there is none';

CREATE FUNCTION agentmem.require_space(store name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF (SELECT n.dimensions IS NULL FROM agentmem.next_space(store) n) THEN
    RAISE EXCEPTION 'store "%" has no second space', store
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'agentmem.begin_space() makes one.';
  END IF;
END
$$;
COMMENT ON FUNCTION agentmem.require_space(name) IS 'Internal to switch_space and others: an error unless a second space is being filled';

-- Memories, or versions, without a vector of the second space; most: it is enough to know that there are so many. By the
-- index made for it, whatever the statistics say of a column that is being filled.
CREATE FUNCTION agentmem.space_missing(store name, table_name name, most bigint DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT FROM %1$I.%2$I m WHERE m.embedding_next IS NULL'
                 ' AND NOT EXISTS (SELECT FROM %1$I.kind k WHERE k.name = m.kind AND k.class = ''vault'') LIMIT $1) m', store, table_name)
    INTO n USING most;
  RETURN n;
END
$$;
COMMENT ON FUNCTION agentmem.space_missing(name, name, bigint) IS
  'Internal to space_progress and others: how many rows of memory or memory_history have no vector of the second space and shall have one';

-- begin ------------------------------------------------------------------------

CREATE FUNCTION agentmem.begin_space(store name, dimensions int, model text, metric text DEFAULT NULL, history boolean DEFAULT true)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $begin_space$
DECLARE
  t text;
BEGIN
  IF store IS NULL OR dimensions IS NULL OR model IS NULL OR history IS NULL THEN
    RAISE EXCEPTION '% must not be null',
      CASE WHEN store IS NULL THEN 'store' WHEN dimensions IS NULL THEN 'dimensions' WHEN model IS NULL THEN 'model' ELSE 'history' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  IF dimensions NOT BETWEEN 1 AND 16000 THEN
    RAISE EXCEPTION 'dimensions must be between 1 and 16000, not %', dimensions
      USING ERRCODE = 'invalid_parameter_value', HINT = 'As many as the new model''s vectors have.';
  END IF;
  IF model = '' THEN
    RAISE EXCEPTION 'model must not be empty'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Consumers are told it, as the model to ask.';
  END IF;
  IF metric NOT IN ('cosine', 'l2', 'ip') THEN
    RAISE EXCEPTION 'unknown metric "%"', metric
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Use cosine, l2 or ip (inner product).';
  END IF;
  PERFORM agentmem.own_space(store);
  IF (SELECT n.dimensions IS NOT NULL FROM agentmem.next_space(store) n) THEN
    RAISE EXCEPTION 'store "%" has a second space already', store
      USING ERRCODE = 'duplicate_object', HINT = 'switch_space() or cancel_space() first.';
  END IF;
  IF metric IS NULL THEN
    EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = ''metric''', store) INTO metric;
  END IF;

  EXECUTE format('LOCK TABLE %1$I.memory, %1$I.memory_history IN ACCESS EXCLUSIVE MODE', store);
  FOREACH t IN ARRAY '{memory,memory_history}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I.%I ADD COLUMN embedding_next agentmem.vector(%s), ADD COLUMN model_next text', store, t, dimensions);
    PERFORM agentmem.comment_columns(store, t::name, '{
      "embedding_next": "Vector of the content in the space that is being filled",
      "model_next": "Model that made embedding_next"}');
    PERFORM agentmem.copy_column_grants(store, t::name, 'embedding', 'embedding_next');
    PERFORM agentmem.copy_column_grants(store, t::name, 'model', 'model_next');
    EXECUTE format('CREATE INDEX %I ON %I.%I USING ivfbq (namespace, embedding_next agentmem.%I)%s',
                   t || '_embedding_next_idx', store, t, 'vector_' || metric || '_ops',
                   agentmem.index_options(store, (t || '_embedding_idx')::name));
    EXECUTE format('CREATE INDEX %I ON %I.%I (namespace, id) WHERE embedding_next IS NULL', t || '_space_idx', store, t);
  END LOOP;
  PERFORM agentmem.create_versioning(store);
  EXECUTE format('CREATE TRIGGER memory_space BEFORE UPDATE ON %I.memory FOR EACH ROW WHEN (OLD.content IS DISTINCT FROM NEW.content)'
                 ' EXECUTE FUNCTION agentmem.clear_next_embedding()', store);
  EXECUTE format('COMMENT ON TRIGGER memory_space ON %I.memory IS %L', store, 'Takes embedding_next away from a content that changes');
  EXECUTE format('INSERT INTO %I.setting VALUES (''next_model'', $1), (''next_dimensions'', $2), (''next_metric'', $3), (''next_history'', $4)', store)
    USING model, dimensions::text, metric, CASE WHEN history THEN 'on' ELSE 'off' END;
  -- No more, as nobody else gets at the memories meanwhile.
  RETURN agentmem.enqueue_space(store, 1000);
END
$begin_space$;
COMMENT ON FUNCTION agentmem.begin_space(name, int, text, text, boolean) IS
  'Begins a second space of embeddings, of another model: a column and an index beside the ones that serve, and embed_next jobs for the first 1000 memories; returns how many jobs. metric: NULL for that of the store; history: earlier versions too';

-- Statistics know nothing of what is being filled, and of jobs little: each memory's job is looked up in the index
-- (OFFSET 0 keeps that from becoming a join), and memories come in the order of theirs.
CREATE FUNCTION agentmem.enqueue_space(store name, n int DEFAULT 10000)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
AS $enqueue_space$
DECLARE
  queue CONSTANT text := ' ON CONFLICT (namespace, ids, kind, version) WHERE kind = ANY (''{embed,embed_next}'') DO UPDATE'
                         ' SET state = ''queued'', attempt = 0, error = NULL, run_at = now() WHERE j.state = ''dead''';
  namespaces text[];
  ids bigint[];
  version_namespaces text[];
  version_ids bigint[];
  versions timestamptz[];
  queued bigint;
  silent boolean;
BEGIN
  IF store IS NULL OR n IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'n' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  IF n NOT BETWEEN 1 AND 1000000 THEN
    RAISE EXCEPTION 'n must be between 1 and 1000000, not %', n
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Call again for more.';
  END IF;
  PERFORM agentmem.owned_store(store);
  PERFORM agentmem.require_space(store);
  -- Whoever erases them waits for us, and finds the jobs. All of them are locked before the first job is written.
  EXECUTE format('SELECT array_agg(o.namespace), array_agg(o.id) FROM (SELECT m.namespace, m.id'
                 '  FROM %1$I.memory m JOIN %1$I.kind k ON k.name = m.kind AND k.class <> ''vault'''
                 '  WHERE m.embedding_next IS NULL AND NOT EXISTS (SELECT FROM %1$I.job j WHERE j.namespace = m.namespace AND j.ids = ARRAY[m.id]'
                 '   AND j.kind = ''embed_next'' AND j.version IS NULL AND j.state <> ''dead'' OFFSET 0)'
                 '  ORDER BY m.namespace, m.id LIMIT $1 FOR KEY SHARE OF m) o', store)
    INTO namespaces, ids USING n;
  -- One for each content that an earlier version had and the memory has not.
  IF coalesce(cardinality(ids), 0) < n AND (SELECT s.history FROM agentmem.next_space(store) s) THEN
    EXECUTE format('WITH o AS MATERIALIZED (SELECT DISTINCT ON (h.namespace, h.id, h.content) h.namespace, h.id, h.system_period'
                   '  FROM %1$I.memory_history h JOIN %1$I.kind k ON k.name = h.kind AND k.class <> ''vault'' WHERE h.embedding_next IS NULL'
                   '  AND NOT EXISTS (SELECT FROM %1$I.memory m WHERE m.namespace = h.namespace AND m.id = h.id AND m.content = h.content AND m.embedding_next IS NULL OFFSET 0)'
                   '  ORDER BY h.namespace, h.id, h.content, h.system_period)'
                   ' SELECT array_agg(l.namespace), array_agg(l.id), array_agg(l.version) FROM (SELECT h.namespace, h.id, lower(h.system_period) AS version'
                   '  FROM %1$I.memory_history h JOIN o USING (namespace, id, system_period)'
                   '  WHERE NOT EXISTS (SELECT FROM %1$I.job j WHERE j.namespace = h.namespace AND j.ids = ARRAY[h.id]'
                   '   AND j.kind = ''embed_next'' AND j.version = lower(h.system_period) AND j.state <> ''dead'' OFFSET 0)'
                   '  ORDER BY h.namespace, h.id, h.system_period LIMIT $1 FOR KEY SHARE OF h) l', store)
      INTO version_namespaces, version_ids, versions USING n - coalesce(cardinality(ids), 0);
  END IF;
  EXECUTE format('INSERT INTO %1$I.job AS j (namespace, kind, ids, version) SELECT o.namespace, ''embed_next'', ARRAY[o.id], o.version'
                 ' FROM (SELECT a.namespace, a.id, NULL::timestamptz AS version FROM unnest($1, $2) a(namespace, id)'
                 '  UNION ALL SELECT b.namespace, b.id, b.version FROM unnest($3, $4, $5) b(namespace, id, version)) o', store) || queue
    USING namespaces, ids, version_namespaces, version_ids, versions;
  GET DIAGNOSTICS queued = ROW_COUNT;
  IF queued > 0 THEN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.setting s WHERE s.name = ''job_notify'' AND s.value = ''off'')', store) INTO silent;
    IF NOT silent THEN
      PERFORM pg_notify('agentmem_job', store);
    END IF;
  END IF;
  RETURN queued;
END
$enqueue_space$;
COMMENT ON FUNCTION agentmem.enqueue_space(name, int) IS
  'Queues an embed_next job for each of the first n memories and earlier contents, of any namespace, that have no vector of the second space and no such job; returns how many. Repeat it until it returns 0';

CREATE FUNCTION agentmem.space_progress(store name, OUT model text, OUT dimensions int, OUT metric text, OUT memories bigint, OUT filled bigint,
                                        OUT versions bigint, OUT versions_filled bigint, OUT share double precision,
                                        OUT queued bigint, OUT leased bigint, OUT dead bigint)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  history boolean;
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a store.';
  END IF;
  IF to_regclass(format('%I.memory_history', store)) IS NULL THEN
    RAISE EXCEPTION 'store "%" does not exist', store
      USING ERRCODE = 'invalid_schema_name', HINT = 'SELECT store FROM agentmem.stores lists the stores.';
  END IF;
  SELECT n.* INTO model, dimensions, metric, history FROM agentmem.next_space(store) n;
  IF dimensions IS NULL THEN
    RETURN;
  END IF;
  EXECUTE format('SELECT count(*) FROM %1$I.memory m WHERE NOT EXISTS (SELECT FROM %1$I.kind k WHERE k.name = m.kind AND k.class = ''vault'')', store) INTO memories;
  filled := memories - agentmem.space_missing(store, 'memory');
  IF history THEN
    EXECUTE format('SELECT count(*) FROM %1$I.memory_history m WHERE NOT EXISTS (SELECT FROM %1$I.kind k WHERE k.name = m.kind AND k.class = ''vault'')', store) INTO versions;
    versions_filled := versions - agentmem.space_missing(store, 'memory_history');
  END IF;
  share := coalesce((filled + coalesce(versions_filled, 0))::float8 / nullif(memories + coalesce(versions, 0), 0), 1);
  EXECUTE format('SELECT count(*) FILTER (WHERE j.state = ''queued''), count(*) FILTER (WHERE j.state = ''leased''), count(*) FILTER (WHERE j.state = ''dead'')'
                 ' FROM %I.job j WHERE j.kind = ''embed_next''', store) INTO queued, leased, dead;
  RETURN NEXT;
END
$$;
COMMENT ON FUNCTION agentmem.space_progress(name) IS
  'How far the second space of a store is filled, as the caller sees the store, and how its jobs stand; no row if there is none. versions: earlier versions, NULL if they are left out';

-- switch, cancel ---------------------------------------------------------------

CREATE FUNCTION agentmem.require_filled(store name) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  p record;
BEGIN
  -- The first that is missing is enough, and an index away.
  IF agentmem.space_missing(store, 'memory', 1) = 0
     AND (NOT (SELECT n.history FROM agentmem.next_space(store) n) OR agentmem.space_missing(store, 'memory_history', 1) = 0) THEN
    RETURN;
  END IF;
  SELECT * INTO p FROM agentmem.space_progress(store);
  RAISE EXCEPTION 'the second space of store "%" is not filled', store
    USING ERRCODE = 'object_not_in_prerequisite_state',
          DETAIL = format('%s of %s memories%s have a vector of model "%s".', p.filled, p.memories,
                          coalesce(format(' and %s of %s earlier versions', p.versions_filled, p.versions), ''), p.model),
          HINT = 'enqueue_space() queues what has no job; switch_space(store, force => true) leaves the rest without a vector until its job is done.';
END
$$;
COMMENT ON FUNCTION agentmem.require_filled(name) IS 'Internal to switch_space: an error unless the second space is filled';

-- Gives an index of a table and its partitions, made by create_store or by begin_space, the name that it has in a new store.
CREATE FUNCTION agentmem.rename_space_index(store name, index_name name, new_name name) RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  p record;
BEGIN
  EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', store, index_name, new_name);
  FOR p IN SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = format('%I.%I', store, new_name)::regclass LOOP
    EXECUTE format('ALTER INDEX %I.%I RENAME TO %I', store, p.relname, replace(p.relname, '_next_', '_'));
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.rename_space_index(name, name, name) IS 'Internal to switch_space: renames an index, and those of partitions';

CREATE FUNCTION agentmem.switch_space(store name, force boolean DEFAULT false)
RETURNS bigint LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $switch_space$
DECLARE
  space record;
  missing bigint := 0;
  comments jsonb;
  t text;
  kind text;
BEGIN
  IF store IS NULL OR force IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'force' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give a value, or leave the argument out if it has a default.';
  END IF;
  PERFORM agentmem.own_space(store);
  PERFORM agentmem.require_space(store);
  SELECT n.* INTO space FROM agentmem.next_space(store) n;
  -- What takes long is looked at before anybody has to wait; it writes nothing, as rows are locked after their table.
  IF NOT force THEN
    PERFORM agentmem.require_filled(store);
  END IF;
  EXECUTE format('LOCK TABLE %1$I.memory, %1$I.memory_history IN ACCESS EXCLUSIVE MODE', store);
  IF force THEN
    LOOP
      EXIT WHEN agentmem.enqueue_space(store, 100000) = 0;
    END LOOP;
    missing := agentmem.space_missing(store, 'memory');
  ELSE
    PERFORM agentmem.require_filled(store);
  END IF;

  EXECUTE format('DROP TRIGGER memory_space ON %I.memory', store);
  FOREACH t IN ARRAY '{memory,memory_history}'::text[] LOOP
    SELECT jsonb_object_agg(a.attname, col_description(a.attrelid, a.attnum)) INTO comments
    FROM pg_attribute a WHERE a.attrelid = format('%I.%I', store, t)::regclass AND a.attname IN ('embedding', 'model');
    EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN embedding TO embedding_old', store, t);
    EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN model TO model_old', store, t);
    EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN embedding_next TO embedding', store, t);
    EXECUTE format('ALTER TABLE %I.%I RENAME COLUMN model_next TO model', store, t);
    PERFORM agentmem.comment_columns(store, t::name, comments);
    EXECUTE format('DROP INDEX %I.%I', store, t || '_space_idx');
  END LOOP;
  PERFORM agentmem.create_versioning(store);
  -- The views of kinds have the new columns from here on, so nothing of ours holds the old.
  FOR kind IN EXECUTE format('SELECT k.name FROM %I.kind k WHERE to_regclass(format(''%%I.%%I'', $1, ''kind_'' || k.name)) IS NOT NULL ORDER BY k.name', store) USING store LOOP
    PERFORM agentmem.create_kind_view(store, kind);
  END LOOP;
  FOREACH t IN ARRAY '{memory,memory_history}'::text[] LOOP
    EXECUTE format('ALTER TABLE %I.%I DROP COLUMN embedding_old, DROP COLUMN model_old', store, t);
    PERFORM agentmem.rename_space_index(store, t || '_embedding_next_idx', t || '_embedding_idx');
  END LOOP;

  EXECUTE format('DELETE FROM %I.setting s WHERE s.name IN (''dimensions'', ''metric'', ''embedding_model'', ''next_dimensions'', ''next_metric'', ''next_model'', ''next_history'')', store);
  EXECUTE format('INSERT INTO %I.setting VALUES (''dimensions'', $1), (''metric'', $2), (''embedding_model'', $3)', store)
    USING space.dimensions::text, space.metric, space.model;
  -- Vectors of the old model are not wanted any more; those of the new one are the store's.
  EXECUTE format('DELETE FROM %I.job j WHERE j.kind = ''embed'' OR j.version IS NOT NULL', store);
  EXECUTE format('UPDATE %I.job j SET kind = ''embed'' WHERE j.kind = ''embed_next''', store);
  PERFORM agentmem.change_cache_space(store, space.dimensions, space.metric);
  RETURN missing;
END
$switch_space$;
COMMENT ON FUNCTION agentmem.switch_space(name, boolean) IS
  'Puts the second space in the place of the first, in one transaction whose locks keep everyone else out: dimensions, metric, model, columns and indexes, of history too. Refuses (55000) what is not filled, unless force; returns how many memories have no vector yet';

CREATE FUNCTION agentmem.cancel_space(store name)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  IF store IS NULL THEN
    RAISE EXCEPTION 'store must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the name of a store.';
  END IF;
  PERFORM agentmem.own_space(store);
  PERFORM agentmem.require_space(store);
  EXECUTE format('LOCK TABLE %1$I.memory, %1$I.memory_history IN ACCESS EXCLUSIVE MODE', store);
  EXECUTE format('DROP TRIGGER memory_space ON %I.memory', store);
  -- The indexes go with their column.
  EXECUTE format('ALTER TABLE %I.memory DROP COLUMN embedding_next, DROP COLUMN model_next', store);
  EXECUTE format('ALTER TABLE %I.memory_history DROP COLUMN embedding_next, DROP COLUMN model_next', store);
  PERFORM agentmem.create_versioning(store);
  EXECUTE format('DELETE FROM %I.setting s WHERE s.name IN (''next_dimensions'', ''next_metric'', ''next_model'', ''next_history'')', store);
  EXECUTE format('DELETE FROM %I.job j WHERE j.kind = ''embed_next''', store);
END
$$;
COMMENT ON FUNCTION agentmem.cancel_space(name) IS
  'Gives the second space up: its column, index, settings and jobs go; what serves stays as it is';

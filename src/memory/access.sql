-- Who may see what: secrets, row security, and the version of a store's tables.
-- Rules: src/memory/README.md, "Secrets" and "Row security".

CREATE FUNCTION agentmem.create_access_tables(store name, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_access_tables$
BEGIN
  -- No CHECK on the value: its message would quote the row.
  PERFORM agentmem.create_table(store, 'secret', 'Values of secrets, whose memories hold captions only; read by reveal()', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      system_period tstzrange NOT NULL,
      value text NOT NULL
    $ddl$, '{
    "namespace": "The memory''s namespace",
    "id": "The memory that has the caption; SELECT on this column alone suffices for reveal()",
    "system_period": "While the store held this value; an open end: the current one",
    "value": "The credential"}', 'fillfactor = 100', partitions);
  EXECUTE format('CREATE UNIQUE INDEX secret_version_idx ON %I.secret (namespace, id, lower(system_period))', store);
END
$create_access_tables$;
COMMENT ON FUNCTION agentmem.create_access_tables(name, int) IS
  'Internal to create_store: makes the table secret';

CREATE FUNCTION agentmem.reveal(store name, namespace text, id bigint)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_reveal';
COMMENT ON FUNCTION agentmem.reveal(name, text, bigint) IS
  'The value of a secret, for roles with SELECT on the store''s table secret or its column id; leaves a row in audit';

-- Row security ----------------------------------------------------------------

CREATE FUNCTION agentmem.namespace_support(internal) RETURNS internal
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'agm_fn_namespace_support';
COMMENT ON FUNCTION agentmem.namespace_support(internal) IS
  'Tells the planner that the conditions of row security take nothing away from a statement that names its namespace';

CREATE FUNCTION agentmem.namespace_is_set(namespace text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT agentmem.namespace_support
AS 'MODULE_PATHNAME', 'agm_fn_namespace_is_set';
COMMENT ON FUNCTION agentmem.namespace_is_set(text) IS
  'Whether the setting agentmem.namespace, a list parted by commas, has this namespace: the condition of row security by setting';

CREATE FUNCTION agentmem.namespace_is_role(namespace text) RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL SAFE SUPPORT agentmem.namespace_support
AS 'MODULE_PATHNAME', 'agm_fn_namespace_is_role';
COMMENT ON FUNCTION agentmem.namespace_is_role(text) IS
  'Whether a role has the name of this namespace and the current role is a member of it: the condition of row security by role';

-- The tables of a store that belong to namespaces, partitions too: who may read a partition
-- by its own name must not see more there.
CREATE FUNCTION agentmem.data_tables(schema_id oid) RETURNS SETOF name
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  RETURN QUERY
    SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = schema_id AND c.relkind IN ('r', 'p')
      AND a.attnum = 1 AND a.attname = 'namespace' AND a.atttypid = 'text'::regtype
    ORDER BY c.relname;
END
$$;
COMMENT ON FUNCTION agentmem.data_tables(oid) IS
  'The tables of a store whose first column is namespace, partitions included';

CREATE FUNCTION agentmem.enable_row_security(store name, "by" text DEFAULT 'setting')
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_id oid := agentmem.owned_store(store);
  condition text := CASE "by" WHEN 'setting' THEN 'namespace_is_set' WHEN 'role' THEN 'namespace_is_role' END;
  t name;
BEGIN
  IF condition IS NULL THEN
    RAISE EXCEPTION 'unknown value "%" for by', "by"
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Use setting or role.';
  END IF;
  FOR t IN SELECT agentmem.data_tables(schema_id) LOOP
    IF EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
               WHERE c.relnamespace = schema_id AND c.relname = t AND p.polname = 'agentmem_namespace') THEN
      EXECUTE format('DROP POLICY agentmem_namespace ON %I.%I', store, t);
    END IF;
    EXECUTE format('CREATE POLICY agentmem_namespace ON %I.%I USING (agentmem.%I(namespace))', store, t, condition);
    EXECUTE format('COMMENT ON POLICY agentmem_namespace ON %I.%I IS %L', store, t, 'Made by agentmem.enable_row_security()');
    EXECUTE format('ALTER TABLE %I.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', store, t);
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.enable_row_security(name, text) IS
  'Shows each session only the namespaces that are its own. by setting: those in agentmem.namespace; by role: those that have the name of a role that it is a member of. Run it again for tables that came later';

CREATE FUNCTION agentmem.disable_row_security(store name)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  schema_id oid := agentmem.owned_store(store);
  t name;
BEGIN
  FOR t IN SELECT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
           WHERE c.relnamespace = schema_id AND p.polname = 'agentmem_namespace' ORDER BY c.relname LOOP
    EXECUTE format('DROP POLICY agentmem_namespace ON %I.%I', store, t);
    -- Where the owner has policies of his own they hold on.
    IF NOT EXISTS (SELECT FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
                   WHERE c.relnamespace = schema_id AND c.relname = t) THEN
      EXECUTE format('ALTER TABLE %I.%I DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', store, t);
    END IF;
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.disable_row_security(name) IS
  'Takes away the policies of enable_row_security(); a table that has others stays under them';

-- Versions --------------------------------------------------------------------

-- The ways from one version of a store's tables to the next, oldest first. A release appends its own, and changes none that
-- was released. The step is a function of a store's name; NULL where the tables are the same.
-- Rules: src/memory/README.md, "Upgrades".
CREATE FUNCTION agentmem.upgrade_steps(OUT source text, OUT target text, OUT step name)
RETURNS SETOF record LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  -- RETURN QUERY VALUES ('0.1.0'::text, '0.2.0'::text, 'upgrade_to_0_2_0'::name), ...
  RETURN;
END
$$;
COMMENT ON FUNCTION agentmem.upgrade_steps() IS
  'Internal to upgrade_store: the ways from one version of a store''s tables to the next, and the function that goes it';

CREATE FUNCTION agentmem.upgrade_store(store name) RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  current CONSTANT text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'agentmem');
  schema_id oid := agentmem.owned_store(store);
  version text;
  condition text;                           -- of row security
  s record;
BEGIN
  PERFORM agentmem.one_by_one(store);
  -- Two upgrades of a store take turns.
  EXECUTE format('LOCK TABLE %I.setting IN SHARE ROW EXCLUSIVE MODE', store);
  EXECUTE format('SELECT s.value FROM %I.setting s WHERE s.name = ''version''', store) INTO version;
  IF version IS NULL THEN
    RAISE EXCEPTION 'store "%" has no setting "version"', store
      USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('INSERT INTO %I.setting VALUES (''version'', ...) with that of the agentmem that made it.', store);
  END IF;
  IF version = current THEN
    RETURN version;
  END IF;
  FOR s IN SELECT u.* FROM agentmem.upgrade_steps() WITH ORDINALITY u(source, target, step, i) ORDER BY u.i LOOP
    EXIT WHEN version = current;
    CONTINUE WHEN s.source <> version;
    IF s.step IS NOT NULL THEN
      EXECUTE format('SELECT agentmem.%I($1)', s.step) USING store;
    END IF;
    version := s.target;
    EXECUTE format('UPDATE %I.setting SET value = $1 WHERE name = ''version''', store) USING version;
  END LOOP;
  IF version <> current THEN
    RAISE EXCEPTION 'store "%" is of version %, which agentmem % does not know', store, version, current
      USING ERRCODE = 'feature_not_supported', HINT = 'Install that version of agentmem or a later one, then ALTER EXTENSION agentmem UPDATE.';
  END IF;
  -- A table that a step made has no policy yet.
  SELECT pg_get_expr(p.polqual, p.polrelid) INTO condition
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
  WHERE c.relnamespace = schema_id AND c.relname = 'memory' AND p.polname = 'agentmem_namespace';
  IF condition IS NOT NULL THEN
    PERFORM agentmem.enable_row_security(store, CASE WHEN condition LIKE '%namespace_is_role(%' THEN 'role' ELSE 'setting' END);
  END IF;
  RETURN version;
END
$$;
COMMENT ON FUNCTION agentmem.upgrade_store(name) IS
  'Brings the tables of a store to the version of the extension, step by step, all or nothing, and returns it; safe to repeat. Run it after ALTER EXTENSION agentmem UPDATE';

-- Governance: erasing memories for good, holds, and moving a namespace between stores.
-- Rules: src/memory/README.md, "Erasing", "Export and import".

CREATE FUNCTION agentmem.erase(store name, namespace text, ids bigint[] DEFAULT NULL, subject text DEFAULT NULL,
                               everything boolean DEFAULT false, derived text DEFAULT 'erase')
RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_erase';
COMMENT ON FUNCTION agentmem.erase(name, text, bigint[], text, boolean, text) IS
  'Removes memories for good, with every version and all that refers to them: those of the ids, those about a subject, or everything in the namespace; derived: erase or keep what was derived from them. Returns a receipt for erase_verify(), with the relations to VACUUM FULL';

-- Looks into every table of the store that has namespaces, ours or not.
CREATE FUNCTION agentmem.erase_verify(store name, receipt jsonb, OUT relation text, OUT remaining bigint)
RETURNS SETOF record LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 1000 ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  ns text := receipt ->> 'namespace';
  erased bigint[];
  t record;
BEGIN
  IF store IS NULL OR receipt IS NULL THEN
    RAISE EXCEPTION '% must not be null', CASE WHEN store IS NULL THEN 'store' ELSE 'receipt' END
      USING ERRCODE = 'null_value_not_allowed', HINT = 'Give the store and what erase() returned.';
  END IF;
  IF jsonb_typeof(receipt) <> 'object' OR ns IS NULL OR jsonb_typeof(receipt -> 'ids') IS DISTINCT FROM 'array' THEN
    RAISE EXCEPTION 'this is not a receipt'
      USING ERRCODE = 'invalid_parameter_value', HINT = 'Give what erase() returned.';
  END IF;
  IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = store AND agentmem.is_store(n.oid)) THEN
    RAISE EXCEPTION 'store "%" does not exist', store
      USING ERRCODE = 'invalid_schema_name', HINT = 'SELECT store FROM agentmem.stores lists the stores.';
  END IF;
  erased := ARRAY(SELECT i::bigint FROM jsonb_array_elements_text(receipt -> 'ids') i);

  FOR t IN
    SELECT c.relname,
           CASE c.relname
             WHEN 'audit' THEN 'ids && $2 AND action <> ''erase'' AND details IS NOT NULL'
             WHEN 'job' THEN 'ids && $2 OR (($3 -> ''erased'') ? ''namespace'' AND created < ($3 ->> ''at'')::timestamptz)'
             WHEN 'cache' THEN 'created < ($3 ->> ''at'')::timestamptz'
             WHEN 'cache_use' THEN 'created < ($3 ->> ''at'')::timestamptz'
             WHEN 'cache_state' THEN 'created < ($3 ->> ''at'')::timestamptz'
             WHEN 'cache_log' THEN NULL -- numbers alone, which a look-up beside the erase may have written
             WHEN 'cache_claim' THEN 'created < ($3 ->> ''at'')::timestamptz'
             WHEN 'namespace' THEN '($3 -> ''erased'') ? ''namespace'' AND created < ($3 ->> ''at'')::timestamptz'
             ELSE string_agg(quote_ident(a.attname) || ' = ANY ($2)', ' OR ' ORDER BY a.attnum) END AS condition
    FROM pg_class c
    JOIN pg_attribute n ON n.attrelid = c.oid AND n.attname = 'namespace' AND n.atttypid = 'text'::regtype
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bigint'::regtype
      AND a.attname NOT IN ('operation', 'accesses', 'memories', 'tokens', 'hash', 'n')
      AND (c.relname, a.attname) NOT IN (VALUES ('conflict'::name, 'id'::name))
    WHERE c.relnamespace = quote_ident(store)::regnamespace AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
    GROUP BY c.oid, c.relname
    ORDER BY c.relname
  LOOP
    CONTINUE WHEN t.condition IS NULL;
    EXECUTE format('SELECT count(*) FROM %I.%I WHERE namespace = $1 AND (%s)', store, t.relname, t.condition)
      INTO remaining USING ns, erased, receipt;
    relation := format('%I.%I', store, t.relname);
    RETURN NEXT;
  END LOOP;
END
$$;
COMMENT ON FUNCTION agentmem.erase_verify(name, jsonb) IS
  'Counts, in every table of the store that has namespaces, the rows that still name what a receipt of erase() says was erased';

CREATE FUNCTION agentmem.hold(store name, namespace text, reason text)
RETURNS void LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_hold';
COMMENT ON FUNCTION agentmem.hold(name, text, text) IS
  'Legal hold: nothing of the namespace can be erased until release()';

CREATE FUNCTION agentmem.release(store name, namespace text)
RETURNS boolean LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_release';
COMMENT ON FUNCTION agentmem.release(name, text) IS
  'Ends a hold. false: the namespace was not held';

CREATE FUNCTION agentmem.export(store name, namespace text, secrets boolean DEFAULT false)
RETURNS SETOF jsonb LANGUAGE c STABLE PARALLEL RESTRICTED COST 10000 ROWS 1000
AS 'MODULE_PATHNAME', 'agm_fn_export';
COMMENT ON FUNCTION agentmem.export(name, text, boolean) IS
  'A namespace as lines of JSON for import(): header, memories, their versions, edges, conflicts, counters; values of secrets only if asked for';

CREATE FUNCTION agentmem.import(store name, namespace text, lines jsonb[], remap boolean DEFAULT false)
RETURNS jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000
AS 'MODULE_PATHNAME', 'agm_fn_import';
COMMENT ON FUNCTION agentmem.import(name, text, jsonb[], boolean) IS
  'Takes the lines of export() into a namespace, all or none, with their versions and times. Ids are kept, and 23505 raised if one is taken, unless remap gives new ones. Returns how many lines of each type there were; for the owner of the store';

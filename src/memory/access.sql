-- Who may see what: secrets, row security, and the version of a store's tables.
-- Rules: src/memory/README.md, "Secrets" and "Row security".

CREATE FUNCTION agentmem.create_access_tables(store name, partitions int)
RETURNS void LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $create_access_tables$
BEGIN
  -- No CHECK on the value: its message would quote the row.
  PERFORM agentmem.create_data_table(store, 'secret', $ddl$
      namespace text COLLATE "C" NOT NULL,
      id bigint NOT NULL,
      system_period tstzrange NOT NULL,
      value text NOT NULL
    $ddl$, 'fillfactor = 100', partitions);
  EXECUTE format('CREATE UNIQUE INDEX secret_version_idx ON %I.secret (namespace, id, lower(system_period))', store);
  EXECUTE format('COMMENT ON TABLE %I.secret IS %L', store, 'Values of secrets, whose memories hold captions only; read by reveal()');
  PERFORM agentmem.comment_columns(store, 'secret', '{
    "namespace": "The memory''s namespace",
    "id": "The memory that has the caption; SELECT on this column alone suffices for reveal()",
    "system_period": "While the store held this value; an open end: the current one",
    "value": "The credential"}');
END
$create_access_tables$;
COMMENT ON FUNCTION agentmem.create_access_tables(name, int) IS
  'Internal to create_store: makes the table secret';

CREATE FUNCTION agentmem.reveal(store name, namespace text, id bigint)
RETURNS text LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', 'agm_fn_reveal';
COMMENT ON FUNCTION agentmem.reveal(name, text, bigint) IS
  'The value of a secret, for roles with SELECT on the store''s table secret or its column id; leaves a row in audit';

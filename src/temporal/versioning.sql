-- System time for any table (C). Rules: src/temporal/README.md.

CREATE FUNCTION agentmem.versioning() RETURNS trigger
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'agm_fn_versioning';
COMMENT ON FUNCTION agentmem.versioning() IS
  'Trigger BEFORE INSERT OR UPDATE OR DELETE FOR EACH ROW: keeps in a tstzrange column since when the table holds the row, and earlier versions in a history table. Arguments: the column, the history table (by default the table''s name with _history), columns that are not versions, columns of a key by which a row that comes back is known';

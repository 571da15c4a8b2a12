-- time.sql
--		Time expressions of a text.
--
-- Rules and reasons: src/lexical/README.md, 23 to 30.

-- STABLE: the time zone, the order of dates and the languages may change.
CREATE FUNCTION agentmem.time_expressions(
	source text,
	at timestamptz DEFAULT pg_catalog.now(),
	language text DEFAULT 'english'
) RETURNS TABLE (phrase text, during tstzrange, hard boolean)
	AS 'MODULE_PATHNAME', 'agm_fn_time_expressions'
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 2;

COMMENT ON FUNCTION agentmem.time_expressions(text, timestamptz, text) IS
	'what a text says of time ("last week", "7 May 2023"), as ranges in the session''s time zone; hard where the limits are not a guess';

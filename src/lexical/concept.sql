-- concept.sql
--		What a text is about.
--
-- Rules and reasons: src/lexical/README.md, 31 to 37.

-- STABLE: the language is looked up by name, and configurations may change.
CREATE FUNCTION agentmem.extract_concepts(
	source text,
	language text DEFAULT 'english',
	max integer DEFAULT 8
) RETURNS TABLE (concept text, normalized text, weight real)
	AS 'MODULE_PATHNAME', 'agm_fn_extract_concepts'
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 ROWS 8;

COMMENT ON FUNCTION agentmem.extract_concepts(text, text, integer) IS
	'what a text is about: names, frequent words and pairs of words, the weightiest first; normalized is the same for all forms of one';

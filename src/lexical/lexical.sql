-- lexical.sql
--		Folding, the text search parser, its dictionary, a configuration for every
--		language that the server can stem, and the keys of the lexical index.
--
-- Rules and reasons: src/lexical/README.md.

CREATE FUNCTION agentmem.fold(source text) RETURNS text
	AS 'MODULE_PATHNAME', 'agm_fn_fold'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.lexeme_keys(namespace text, lexemes tsvector) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'agm_fn_lexeme_keys'
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100;

CREATE FUNCTION agentmem.memory_keys(namespace text, lexemes tsvector, tokens integer) RETURNS bigint[]
	AS 'MODULE_PATHNAME', 'agm_fn_memory_keys'
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE COST 100;

-- && of bigint[], leakproof: under row security the planner may use an index by it
-- (README, "Leakproof").  By a name of its own, so that no path makes && mean this one.

CREATE FUNCTION agentmem.bigint_overlap_sel(internal, oid, internal, integer) RETURNS float8
	AS 'MODULE_PATHNAME', 'agm_fn_bigint_overlap_sel'
	LANGUAGE c STABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.bigint_overlap(bigint[], bigint[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'agm_fn_bigint_overlap'
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION agentmem.bigint_overlap_extract(bigint[], internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_bigint_overlap_extract'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR agentmem.&&& (
	LEFTARG = bigint[], RIGHTARG = bigint[], FUNCTION = agentmem.bigint_overlap,
	COMMUTATOR = OPERATOR(agentmem.&&&), RESTRICT = agentmem.bigint_overlap_sel
);

CREATE OPERATOR CLASS agentmem.bigint_overlap_ops
	FOR TYPE bigint[] USING gin AS
	OPERATOR 1 agentmem.&&& (bigint[], bigint[]),
	FUNCTION 1 pg_catalog.btint8cmp(bigint, bigint),
	FUNCTION 2 agentmem.bigint_overlap_extract(bigint[], internal, internal),
	FUNCTION 3 pg_catalog.ginqueryarrayextract(anyarray, internal, smallint, internal, internal, internal, internal),
	FUNCTION 4 pg_catalog.ginarrayconsistent(internal, smallint, anyarray, integer, internal, internal, internal, internal),
	FUNCTION 6 pg_catalog.ginarraytriconsistent(internal, smallint, anyarray, integer, internal, internal, internal),
	STORAGE bigint;

-- Keys of memory_keys() by their words, whatever class a row is of (README, "Keys"): one descent of
-- the index a word, since the classes of a word lie side by side.

CREATE FUNCTION agentmem.key_overlap(bigint[], bigint[]) RETURNS boolean
	AS 'MODULE_PATHNAME', 'agm_fn_key_overlap'
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE;

CREATE FUNCTION agentmem.key_query(bigint[], internal, smallint, internal, internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_key_query'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.key_compare(bigint, bigint, smallint, internal) RETURNS integer
	AS 'MODULE_PATHNAME', 'agm_fn_key_compare'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.key_consistent(internal, smallint, bigint[], integer, internal, internal, internal) RETURNS "char"
	AS 'MODULE_PATHNAME', 'agm_fn_key_consistent'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE OPERATOR agentmem.&&~ (
	LEFTARG = bigint[], RIGHTARG = bigint[], FUNCTION = agentmem.key_overlap,
	COMMUTATOR = OPERATOR(agentmem.&&~), RESTRICT = agentmem.bigint_overlap_sel
);

CREATE OPERATOR CLASS agentmem.lexeme_key_ops
	FOR TYPE bigint[] USING gin AS
	OPERATOR 1 agentmem.&&~ (bigint[], bigint[]),
	FUNCTION 1 pg_catalog.btint8cmp(bigint, bigint),
	FUNCTION 2 agentmem.bigint_overlap_extract(bigint[], internal, internal),
	FUNCTION 3 agentmem.key_query(bigint[], internal, smallint, internal, internal, internal, internal),
	FUNCTION 5 agentmem.key_compare(bigint, bigint, smallint, internal),
	FUNCTION 6 agentmem.key_consistent(internal, smallint, bigint[], integer, internal, internal, internal),
	STORAGE bigint;

-- STABLE: the language is looked up by name, and configurations may change.
CREATE FUNCTION agentmem.lexemes(language text, content text) RETURNS tsvector
	AS 'MODULE_PATHNAME', 'agm_fn_lexemes'
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100;

CREATE FUNCTION agentmem.query_lexemes(languages text[], query text) RETURNS text[]
	AS 'MODULE_PATHNAME', 'agm_fn_query_lexemes'
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100;

-- Parser.

CREATE FUNCTION agentmem.icu_start(internal, integer) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_icu_start'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.icu_nexttoken(internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_icu_nexttoken'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.icu_end(internal) RETURNS void
	AS 'MODULE_PATHNAME', 'agm_fn_icu_end'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE FUNCTION agentmem.icu_lextypes(internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_icu_lextypes'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE TEXT SEARCH PARSER agentmem.icu (
	START = agentmem.icu_start,
	GETTOKEN = agentmem.icu_nexttoken,
	END = agentmem.icu_end,
	LEXTYPES = agentmem.icu_lextypes,
	HEADLINE = pg_catalog.prsd_headline
);

-- Dictionary.

CREATE FUNCTION agentmem.icu_fold_lexize(internal, internal, internal, internal) RETURNS internal
	AS 'MODULE_PATHNAME', 'agm_fn_icu_fold_lexize'
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE;

CREATE TEXT SEARCH TEMPLATE agentmem.icu_fold (
	LEXIZE = agentmem.icu_fold_lexize
);

CREATE TEXT SEARCH DICTIONARY agentmem.fold (
	TEMPLATE = agentmem.icu_fold
);

-- Configurations.

CREATE TEXT SEARCH CONFIGURATION agentmem.simple (
	PARSER = agentmem.icu
);

ALTER TEXT SEARCH CONFIGURATION agentmem.simple
	ADD MAPPING FOR asciiword, word, numword, email, version, float, uint, hashtag, mention,
		identifier, url, emoji
	WITH agentmem.fold, pg_catalog.simple;

-- Words of ASCII take the dictionary that PostgreSQL's configuration of the language gives
-- them: English words in Russian or Hindi text are stemmed as English.
DO LANGUAGE plpgsql $$
DECLARE
	language name;
	stem regdictionary;
	ascii_stem regdictionary;
BEGIN
	FOR language, stem, ascii_stem IN
		SELECT pg_catalog.regexp_replace(d.dictname, '_stem$', ''), d.oid,
			coalesce((SELECT m.mapdict
					  FROM pg_catalog.pg_ts_config c
						   JOIN pg_catalog.pg_ts_config_map m ON m.mapcfg OPERATOR(pg_catalog.=) c.oid
					  WHERE c.cfgname OPERATOR(pg_catalog.=) pg_catalog.regexp_replace(d.dictname, '_stem$', '')
							AND c.cfgnamespace OPERATOR(pg_catalog.=) d.dictnamespace
							AND m.maptokentype OPERATOR(pg_catalog.=) 1
							AND m.mapseqno OPERATOR(pg_catalog.=) 1), d.oid)
		FROM pg_catalog.pg_ts_dict d
			 JOIN pg_catalog.pg_ts_template t ON t.oid OPERATOR(pg_catalog.=) d.dicttemplate
		WHERE t.tmplname OPERATOR(pg_catalog.=) 'snowball'
			  AND t.tmplnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
			  AND d.dictnamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace
		ORDER BY d.dictname
	LOOP
		EXECUTE pg_catalog.format(
			'CREATE TEXT SEARCH CONFIGURATION agentmem.%I (PARSER = agentmem.icu)', language);
		EXECUTE pg_catalog.format(
			'ALTER TEXT SEARCH CONFIGURATION agentmem.%I '
			'ADD MAPPING FOR asciiword WITH agentmem.fold, %s', language, ascii_stem);
		EXECUTE pg_catalog.format(
			'ALTER TEXT SEARCH CONFIGURATION agentmem.%I '
			'ADD MAPPING FOR word, numword WITH agentmem.fold, %s', language, stem);
		EXECUTE pg_catalog.format(
			'ALTER TEXT SEARCH CONFIGURATION agentmem.%I '
			'ADD MAPPING FOR email, version, float, uint, hashtag, mention, identifier, url, emoji '
			'WITH agentmem.fold, pg_catalog.simple', language);
		EXECUTE pg_catalog.format(
			'COMMENT ON TEXT SEARCH CONFIGURATION agentmem.%I IS %L', language,
			pg_catalog.format('words of every script, stemmed as %s',
							  pg_catalog.initcap(language)));
	END LOOP;
END
$$;

COMMENT ON FUNCTION agentmem.fold(text) IS
	'text in one form for comparing: NFKC, case folded, white space collapsed and trimmed';
COMMENT ON FUNCTION agentmem.lexeme_keys(text, tsvector) IS
	'64-bit keys of a namespace''s words, for a GIN index that holds no words; check the rows found again';
COMMENT ON FUNCTION agentmem.memory_keys(text, tsvector, integer) IS
	'the keys of a memory''s words, whose last five bits tell how much a word may be worth in it';
COMMENT ON FUNCTION agentmem.key_overlap(bigint[], bigint[]) IS
	'whether two arrays have keys of one word: the operator &&~';
COMMENT ON FUNCTION agentmem.key_query(bigint[], internal, smallint, internal, internal, internal, internal) IS
	'the words looked for, for the operator class lexeme_key_ops';
COMMENT ON FUNCTION agentmem.key_compare(bigint, bigint, smallint, internal) IS
	'whether a key is of a word, for the operator class lexeme_key_ops';
COMMENT ON FUNCTION agentmem.key_consistent(internal, smallint, bigint[], integer, internal, internal, internal) IS
	'whether one of the words is there, for the operator class lexeme_key_ops';
COMMENT ON OPERATOR agentmem.&&~ (bigint[], bigint[]) IS
	'have keys of one word, whatever the last five bits';
COMMENT ON OPERATOR FAMILY agentmem.lexeme_key_ops USING gin IS 'keys of words by &&~';
COMMENT ON OPERATOR CLASS agentmem.lexeme_key_ops USING gin IS 'keys of words by &&~';
COMMENT ON FUNCTION agentmem.bigint_overlap_extract(bigint[], internal, internal) IS
	'the keys of a row, for the operator class bigint_overlap_ops';
COMMENT ON FUNCTION agentmem.bigint_overlap(bigint[], bigint[]) IS
	'whether two arrays have an element in common: the operator &&&';
COMMENT ON FUNCTION agentmem.bigint_overlap_sel(internal, oid, internal, integer) IS
	'selectivity of the operator &&&: that of && of arrays';
COMMENT ON OPERATOR agentmem.&&& (bigint[], bigint[]) IS
	'have an element in common: as &&, and leakproof, so that row security leaves its indexes usable';
COMMENT ON OPERATOR FAMILY agentmem.bigint_overlap_ops USING gin IS 'arrays of bigint by &&&';
COMMENT ON OPERATOR CLASS agentmem.bigint_overlap_ops USING gin IS 'arrays of bigint by &&&';
COMMENT ON FUNCTION agentmem.lexemes(text, text) IS
	'the searchable words of a text of any length in a language: a text search configuration of schema agentmem';
COMMENT ON FUNCTION agentmem.query_lexemes(text[], text) IS
	'the distinct words that a query looks for in each of the languages';
COMMENT ON FUNCTION agentmem.icu_start(internal, integer) IS 'text search parser agentmem.icu: start';
COMMENT ON FUNCTION agentmem.icu_nexttoken(internal, internal, internal) IS
	'text search parser agentmem.icu: next token';
COMMENT ON FUNCTION agentmem.icu_end(internal) IS 'text search parser agentmem.icu: end';
COMMENT ON FUNCTION agentmem.icu_lextypes(internal) IS 'text search parser agentmem.icu: kinds of token';
COMMENT ON FUNCTION agentmem.icu_fold_lexize(internal, internal, internal, internal) IS
	'text search template agentmem.icu_fold: folds a word';
COMMENT ON TEXT SEARCH PARSER agentmem.icu IS
	'words of every script by Unicode''s rules, with identifiers, URLs, hashtags and mentions kept whole';
COMMENT ON TEXT SEARCH TEMPLATE agentmem.icu_fold IS
	'filtering dictionary: NFKC and case fold';
COMMENT ON TEXT SEARCH DICTIONARY agentmem.fold IS
	'filtering dictionary: NFKC and case fold; to be followed by a dictionary that knows words';
COMMENT ON TEXT SEARCH CONFIGURATION agentmem.simple IS
	'words of every script, folded, not stemmed';

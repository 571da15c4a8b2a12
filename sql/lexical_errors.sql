-- What is refused, and in which words; and what is not refused.

-- A language that has no configuration; names of other lengths and schemas.
SELECT agentmem.lexemes('klingon', 'Qapla');
SELECT agentmem.lexemes('', 'text');
SELECT agentmem.lexemes(repeat('x', 80), 'text');
SELECT agentmem.lexemes('pg_catalog.english', 'text');
SELECT agentmem.query_lexemes('{english,klingon}', 'text');
SELECT agentmem.query_lexemes('{english,NULL}', 'text');
DO $$
BEGIN
  PERFORM agentmem.lexemes('klingon', 'Qapla');
EXCEPTION WHEN invalid_parameter_value THEN
  RAISE NOTICE '22023';
END
$$;

-- NULL in, NULL out.
SELECT agentmem.fold(NULL), agentmem.lexeme_keys(NULL, 'a'), agentmem.lexeme_keys('n', NULL),
  agentmem.lexemes('english', NULL), agentmem.query_lexemes(NULL, 'a');

-- The parts of the parser cannot be called: nothing in SQL has the type internal.
DO $$ BEGIN PERFORM agentmem.icu_start('text', 1);
EXCEPTION WHEN undefined_function OR feature_not_supported THEN RAISE WARNING 'refused'; END $$;
DO $$ BEGIN PERFORM agentmem.icu_fold_lexize(NULL, NULL, NULL, NULL);
EXCEPTION WHEN undefined_function OR feature_not_supported THEN RAISE WARNING 'refused'; END $$;

-- The dictionary has no options; configurations know the parser's tokens only.
CREATE TEXT SEARCH DICTIONARY pg_temp.fold_options (TEMPLATE = agentmem.icu_fold, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION pg_temp.own (COPY = agentmem.english);
ALTER TEXT SEARCH CONFIGURATION pg_temp.own ADD MAPPING FOR hword WITH simple;
-- A copy is the user's own.
ALTER TEXT SEARCH CONFIGURATION pg_temp.own DROP MAPPING FOR url;
SELECT to_tsvector('pg_temp.own', 'dogs at https://example.com');

-- PostgreSQL's own function stops at a megabyte of words; the extension's does not.
SELECT to_tsvector('agentmem.simple', string_agg('word' || i, ' ')) FROM generate_series(1, 200000) i;
SELECT length(agentmem.lexemes('simple', string_agg('word' || i, ' ' ORDER BY i))) FROM generate_series(1, 200000) i;
-- Words that no tsvector can hold raise nothing.
SELECT agentmem.lexemes('simple', 'a ' || repeat('x', 5000) || ' ' || repeat('y', 1000000) || ' b');

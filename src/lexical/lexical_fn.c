/*
 * lexical_fn.c
 *		SQL functions of words: folding, lexemes.
 *
 * Unpacks, calls, packs; the rules are in lexeme.c and fold.c.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "tsearch/ts_utils.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "lexical/lexical.h"

PG_FUNCTION_INFO_V1(agm_fn_fold);
PG_FUNCTION_INFO_V1(agm_fn_lexemes);
PG_FUNCTION_INFO_V1(agm_fn_query_lexemes);

/* fold(text) returns text */
Datum
agm_fn_fold(PG_FUNCTION_ARGS)
{
	text *source = PG_GETARG_TEXT_PP(0);
	int len;
	char *folded;

	folded = agm_lexical_fold_server(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), &len);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(folded, len));
}

/* lexemes(language text, content text) returns tsvector */
Datum
agm_fn_lexemes(PG_FUNCTION_ARGS)
{
	Oid config = agm_lexical_config(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	text *content = PG_GETARG_TEXT_PP(1);
	int32 length;

	PG_RETURN_TSVECTOR(
		agm_lexemes_make(config, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content), &length));
}

/* query_lexemes(languages text[], query text) returns text[] */
Datum
agm_fn_query_lexemes(PG_FUNCTION_ARGS)
{
	ArrayType *languages = PG_GETARG_ARRAYTYPE_P(0);
	text *query = PG_GETARG_TEXT_PP(1);
	Datum *names;
	bool *nulls;
	int nnames;
	Oid *configs;
	AgmTerm *terms;
	int nterms;
	Datum *words;

	deconstruct_array(languages, TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &nnames);
	configs = palloc(sizeof(Oid) * nnames);
	for (int i = 0; i < nnames; i++)
	{
		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("a language must not be null")));
		configs[i] = agm_lexical_config(TextDatumGetCString(names[i]), false);
	}

	terms = agm_lexical_query(configs, nnames, VARDATA_ANY(query), VARSIZE_ANY_EXHDR(query),
							  &nterms);
	words = palloc(sizeof(Datum) * nterms);
	for (int i = 0; i < nterms; i++)
		words[i] = PointerGetDatum(cstring_to_text_with_len(terms[i].word, terms[i].len));
	PG_RETURN_ARRAYTYPE_P(construct_array(words, nterms, TEXTOID, -1, false, TYPALIGN_INT));
}

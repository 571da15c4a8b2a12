/*
 * lexical_fn.c
 *		SQL functions of words: folding, lexemes, their keys.
 *
 * Unpacks, calls, packs; the rules are in lexeme.c and fold.c.
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "tsearch/ts_utils.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "base/compat.h"
#include "lexical/lexical.h"
#include "lexical/postings.h"

PG_FUNCTION_INFO_V1(agm_fn_fold);
PG_FUNCTION_INFO_V1(agm_fn_lexemes);
PG_FUNCTION_INFO_V1(agm_fn_lexeme_keys);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap_sel);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap_extract);
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

/* lexeme_keys(namespace text, lexemes tsvector) returns bigint[] */
Datum
agm_fn_lexeme_keys(PG_FUNCTION_ARGS)
{
	text *namespace = PG_GETARG_TEXT_PP(0);
	TSVector lexemes = PG_GETARG_TSVECTOR(1);
	const WordEntry *entries = ARRPTR(lexemes);
	Datum *keys = palloc(sizeof(Datum) * lexemes->size);

	for (int i = 0; i < lexemes->size; i++)
		keys[i] =
			Int64GetDatum(agm_lexeme_key(VARDATA_ANY(namespace), VARSIZE_ANY_EXHDR(namespace),
										 STRPTR(lexemes) + entries[i].pos, entries[i].len));
	PG_RETURN_ARRAYTYPE_P(construct_array(keys, lexemes->size, INT8OID, sizeof(int64),
										  sizeof(Datum) == sizeof(int64), TYPALIGN_DOUBLE));
}

/* An array without nulls as it stands, else those that are not; *n of them. */
static const int64 *
int8_elements(ArrayType *array, int *n)
{
	Datum *items;
	bool *nulls;
	int64 *elements;
	int kept = 0;

	*n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (!ARR_HASNULL(array))
		return (const int64 *) ARR_DATA_PTR(array);
	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items,
					  &nulls, n);
	elements = palloc(sizeof(int64) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		if (!nulls[i])
			elements[kept++] = DatumGetInt64(items[i]);
	*n = kept;
	return elements;
}

/* bigint_overlap(bigint[], bigint[]) returns boolean; raises nothing, whatever the arrays are */
Datum
agm_fn_bigint_overlap(PG_FUNCTION_ARGS)
{
	int na;
	int nb;
	const int64 *a = int8_elements(PG_GETARG_ARRAYTYPE_P(0), &na);
	const int64 *b = int8_elements(PG_GETARG_ARRAYTYPE_P(1), &nb);

	for (int i = 0; i < na; i++)
		for (int j = 0; j < nb; j++)
			if (a[i] == b[j])
				PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}

/* What the server knows of && by the elements of a column holds for this operator too. */
Datum
agm_fn_bigint_overlap_sel(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(DirectFunctionCall4(arraycontsel, PG_GETARG_DATUM(0),
										ObjectIdGetDatum(OID_ARRAY_OVERLAP_OP),
										PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));
}

/* bigint_overlap_extract(bigint[], internal, internal) returns internal: GIN's extractValue */
Datum
agm_fn_bigint_overlap_extract(PG_FUNCTION_ARGS)
{
	/* GIN keeps the keys that are given by reference longer than the argument. */
	ArrayType *array = PG_GETARG_ARRAYTYPE_P_COPY(0);
	int32 *nkeys = (int32 *) PG_GETARG_POINTER(1);
	bool **null_flags = (bool **) PG_GETARG_POINTER(2);
	Datum *keys;

	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &keys,
					  null_flags, nkeys);
	if (!ARR_HASNULL(array) && agm_postings_keep(keys, *nkeys))
		*nkeys = Min(*nkeys, 1);
	PG_RETURN_POINTER(keys);
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

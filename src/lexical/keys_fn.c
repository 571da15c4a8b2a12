/*
 * keys_fn.c
 *		SQL boundary: keys of words, and how GIN looks for them and for numbers in arrays.
 */
#include "postgres.h"

#include "access/gin.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type.h"
#include "nodes/pathnodes.h"
#include "nodes/primnodes.h"
#include "tsearch/ts_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/selfuncs.h"

#include "lexical/lexical.h"
#include "lexical/postings.h"

PG_FUNCTION_INFO_V1(agm_fn_lexeme_keys);
PG_FUNCTION_INFO_V1(agm_fn_memory_keys);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap_sel);
PG_FUNCTION_INFO_V1(agm_fn_bigint_overlap_extract);
PG_FUNCTION_INFO_V1(agm_fn_key_overlap);
PG_FUNCTION_INFO_V1(agm_fn_key_query);
PG_FUNCTION_INFO_V1(agm_fn_key_compare);
PG_FUNCTION_INFO_V1(agm_fn_key_consistent);

/* A key without the class of the row. */
#define WORD_OF(key) ((int64) ((uint64) (key) & ~AGM_KEY_CLASS_MASK))

/* The keys of a row's words; with their classes, if the row's length is given. */
static Datum
keys_of(text *ns, TSVector lexemes, const int32 *length)
{
	const WordEntry *entries = ARRPTR(lexemes);
	Datum *keys = palloc(sizeof(Datum) * Max(lexemes->size, 1));

	for (int i = 0; i < lexemes->size; i++)
	{
		int64 key = agm_lexeme_key(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns),
								   STRPTR(lexemes) + entries[i].pos, entries[i].len);

		if (length != NULL)
			key |= agm_key_class(agm_entry_frequency(lexemes, &entries[i]), *length);
		keys[i] = Int64GetDatum(key);
	}
	return PointerGetDatum(construct_array(keys, lexemes->size, INT8OID, sizeof(int64),
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* lexeme_keys(namespace text, lexemes tsvector) returns bigint[] */
Datum
agm_fn_lexeme_keys(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(keys_of(PG_GETARG_TEXT_PP(0), PG_GETARG_TSVECTOR(1), NULL));
}

/* memory_keys(namespace text, lexemes tsvector, tokens integer) returns bigint[] */
Datum
agm_fn_memory_keys(PG_FUNCTION_ARGS)
{
	int32 length = PG_GETARG_INT32(2);

	PG_RETURN_DATUM(keys_of(PG_GETARG_TEXT_PP(0), PG_GETARG_TSVECTOR(1), &length));
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

/* Rows that have one number in common with an array of so many, of which nothing is known. */
#define ROWS_OF_NUMBER 10.0

/*
 * An array whose elements are written out, and are no constants: numbers that are looked up one
 * by one, such as the id at hand.  By its share of 1/200, as core takes it to be, a table that
 * has grown would have so many rows of each that other indexes were read beside this.
 */
static double
numbers_looked_up(PlannerInfo *root, List *args, int relid)
{
	VariableStatData column;
	Node *other;
	bool on_left;
	double selectivity = 1;

	if (!get_restriction_variable(root, args, relid, &column, &other, &on_left))
		return selectivity;
	if (IsA(other, ArrayExpr) && column.rel != NULL && column.rel->tuples > 0)
		selectivity =
			ROWS_OF_NUMBER * list_length(((ArrayExpr *) other)->elements) / column.rel->tuples;
	ReleaseVariableStats(column);
	return selectivity;
}

/* What the server knows of && by the elements of a column holds for this operator too. */
Datum
agm_fn_bigint_overlap_sel(PG_FUNCTION_ARGS)
{
	double most = numbers_looked_up((PlannerInfo *) PG_GETARG_POINTER(0),
									(List *) PG_GETARG_POINTER(2), PG_GETARG_INT32(3));
	double known = DatumGetFloat8(DirectFunctionCall4(arraycontsel, PG_GETARG_DATUM(0),
													  ObjectIdGetDatum(OID_ARRAY_OVERLAP_OP),
													  PG_GETARG_DATUM(2), PG_GETARG_DATUM(3)));

	PG_RETURN_FLOAT8(Min(known, most));
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

/* key_overlap(bigint[], bigint[]) returns boolean: a word in common; raises nothing either */
Datum
agm_fn_key_overlap(PG_FUNCTION_ARGS)
{
	int na;
	int nb;
	const int64 *a = int8_elements(PG_GETARG_ARRAYTYPE_P(0), &na);
	const int64 *b = int8_elements(PG_GETARG_ARRAYTYPE_P(1), &nb);

	for (int i = 0; i < na; i++)
		for (int j = 0; j < nb; j++)
			if (WORD_OF(a[i]) == WORD_OF(b[j]))
				PG_RETURN_BOOL(true);
	PG_RETURN_BOOL(false);
}

/* key_query(bigint[], internal, ...) returns internal: GIN's extractQuery, words of any class */
Datum
agm_fn_key_query(PG_FUNCTION_ARGS)
{
	int32 *nkeys = (int32 *) PG_GETARG_POINTER(1);
	bool **partial = (bool **) PG_GETARG_POINTER(3);
	int n;
	const int64 *words = int8_elements(PG_GETARG_ARRAYTYPE_P(0), &n);
	Datum *keys = palloc(sizeof(Datum) * Max(n, 1));

	*partial = palloc(sizeof(bool) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		keys[i] = Int64GetDatum(WORD_OF(words[i]));
		(*partial)[i] = true;
	}
	*nkeys = n;
	PG_RETURN_POINTER(keys);
}

/* key_compare(bigint, bigint, smallint, internal) returns integer: GIN's comparePartial */
Datum
agm_fn_key_compare(PG_FUNCTION_ARGS)
{
	int64 word = PG_GETARG_INT64(0);
	int64 key = PG_GETARG_INT64(1);

	/* GIN goes on at a negative value, and stops at a positive one. */
	PG_RETURN_INT32(WORD_OF(key) == word ? 0 : key < word ? -1 : 1);
}

/* key_consistent(internal, smallint, bigint[], integer, ...) returns "char": GIN's triConsistent */
Datum
agm_fn_key_consistent(PG_FUNCTION_ARGS)
{
	const GinTernaryValue *check = (const GinTernaryValue *) PG_GETARG_POINTER(0);
	int32 nkeys = PG_GETARG_INT32(3);
	GinTernaryValue result = GIN_FALSE;

	for (int i = 0; i < nkeys; i++)
		if (check[i] == GIN_TRUE)
			PG_RETURN_GIN_TERNARY_VALUE(GIN_TRUE);
		else if (check[i] == GIN_MAYBE)
			result = GIN_MAYBE;
	PG_RETURN_GIN_TERNARY_VALUE(result);
}

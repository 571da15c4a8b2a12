/*
 * compare_fn.c
 *		SQL functions that compare and hash vectors, for btree, hash, sorts and joins.
 *
 * The order is that of arrays: by the first value that differs, then by dimension.  It
 * means nothing; it is there so that vectors can be sorted, grouped and found again.  Two
 * vectors are equal if all values are, so -0 equals 0, whatever precision they are kept in.
 *
 * A sort or an index build calls these functions millions of times in one memory context:
 * what was copied to be read is freed here.
 */
#include "postgres.h"

#include "base/compat.h"
#include "common/hashfn.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_vector_lt);
PG_FUNCTION_INFO_V1(agm_fn_vector_le);
PG_FUNCTION_INFO_V1(agm_fn_vector_eq);
PG_FUNCTION_INFO_V1(agm_fn_vector_ne);
PG_FUNCTION_INFO_V1(agm_fn_vector_ge);
PG_FUNCTION_INFO_V1(agm_fn_vector_gt);
PG_FUNCTION_INFO_V1(agm_fn_vector_cmp);
PG_FUNCTION_INFO_V1(agm_fn_vector_hash);
PG_FUNCTION_INFO_V1(agm_fn_vector_hash_extended);

/* Below, at or above zero as the first is less, equal or greater.  No value is NaN. */
static int
compare(const AgmVectorData *a, const AgmVectorData *b)
{
	int dim = Min(a->dim, b->dim);

	for (int i = 0; i < dim; i++)
	{
		if (a->x[i] != b->x[i])
			return a->x[i] < b->x[i] ? -1 : 1;
	}

	return (a->dim > b->dim) - (a->dim < b->dim);
}

static int
compare_arguments(FunctionCallInfo fcinfo)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);
	int result = compare(a, b);

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);

	return result;
}

Datum
agm_fn_vector_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) < 0);
}

Datum
agm_fn_vector_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) <= 0);
}

Datum
agm_fn_vector_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) == 0);
}

Datum
agm_fn_vector_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) != 0);
}

Datum
agm_fn_vector_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) >= 0);
}

Datum
agm_fn_vector_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare_arguments(fcinfo) > 0);
}

Datum
agm_fn_vector_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_arguments(fcinfo));
}

/* Of the values alone, with 0 for -0: equal vectors have equal hashes. */
static uint64
hash_argument(FunctionCallInfo fcinfo, uint64 seed)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	int size = (int) sizeof(float) * vector->dim;
	float *x = palloc(size);
	uint64 hash;

	/* -0 + 0 is 0, and nothing else changes. */
	for (int i = 0; i < vector->dim; i++)
		x[i] = vector->x[i] + 0.0f;
	hash = hash_bytes_extended((const unsigned char *) x, size, seed);

	pfree(x);
	PG_FREE_IF_COPY(vector, 0);

	return hash;
}

/* The low half of the extended hash without a seed, as PostgreSQL wants it. */
Datum
agm_fn_vector_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT32((uint32) hash_argument(fcinfo, 0));
}

Datum
agm_fn_vector_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_UINT64(hash_argument(fcinfo, (uint64) PG_GETARG_INT64(1)));
}

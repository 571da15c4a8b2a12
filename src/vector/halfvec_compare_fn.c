/*
 * halfvec_compare_fn.c
 *		SQL functions that compare halfvecs, for B-trees and hash tables.
 *
 * As with arrays, the first values that differ decide, and then the number of them.
 * Minus zero equals zero.  Index code calls these without end in one memory context,
 * so that detoasted copies are freed.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "vector/halfvec.h"

#define MINUS_ZERO 0x8000

PG_FUNCTION_INFO_V1(agm_fn_halfvec_lt);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_le);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_eq);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_ne);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_ge);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_gt);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_cmp);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_hash);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_hash_extended);

/* An integer that is greater when the half is, the two zeros being one. */
static inline int
rank_of(uint16 half)
{
	int magnitude = half & 0x7fff;

	return (half & 0x8000) ? -magnitude : magnitude;
}

static int
compare(FunctionCallInfo fcinfo)
{
	AgmHalfvec a = PG_GETARG_AGM_HALFVEC(0);
	AgmHalfvec b = PG_GETARG_AGM_HALFVEC(1);
	int dim = Min(a->dim, b->dim);
	int result = 0;

	for (int i = 0; i < dim && result == 0; i++)
		result = rank_of(a->x[i]) - rank_of(b->x[i]);
	if (result == 0)
		result = a->dim - b->dim;

	PG_FREE_IF_COPY(a, 0);
	PG_FREE_IF_COPY(b, 1);

	return result;
}

Datum
agm_fn_halfvec_lt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) < 0);
}

Datum
agm_fn_halfvec_le(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) <= 0);
}

Datum
agm_fn_halfvec_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) == 0);
}

Datum
agm_fn_halfvec_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) != 0);
}

Datum
agm_fn_halfvec_ge(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) >= 0);
}

Datum
agm_fn_halfvec_gt(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(compare(fcinfo) > 0);
}

Datum
agm_fn_halfvec_cmp(PG_FUNCTION_ARGS)
{
	int result = compare(fcinfo);

	PG_RETURN_INT32((result > 0) - (result < 0));
}

/* Copies argument 0 to x, which has room for AGM_VECTOR_MAX_DIM values, with one zero only. */
static int
get_hashed_values(FunctionCallInfo fcinfo, uint16 *x)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	int dim = halfvec->dim;

	for (int i = 0; i < dim; i++)
		x[i] = (halfvec->x[i] == MINUS_ZERO) ? 0 : halfvec->x[i];

	PG_FREE_IF_COPY(halfvec, 0);

	return dim;
}

Datum
agm_fn_halfvec_hash(PG_FUNCTION_ARGS)
{
	uint16 x[AGM_VECTOR_MAX_DIM]; /* only as much of the stack is touched as is used */
	int dim = get_hashed_values(fcinfo, x);

	return hash_any((const unsigned char *) x, (int) sizeof(uint16) * dim);
}

Datum
agm_fn_halfvec_hash_extended(PG_FUNCTION_ARGS)
{
	uint16 x[AGM_VECTOR_MAX_DIM];
	int dim = get_hashed_values(fcinfo, x);

	return hash_any_extended((const unsigned char *) x, (int) sizeof(uint16) * dim,
							 (uint64) PG_GETARG_INT64(1));
}

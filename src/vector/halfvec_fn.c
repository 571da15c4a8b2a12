/*
 * halfvec_fn.c
 *		SQL functions that measure halfvecs: distances, products, length, dimension.
 *
 * Each gives what the vectors of the same values would give, to the bit: the kernels
 * see to that.  What is said in vector_fn.c about sums holds here too.
 */
#include "postgres.h"

#include <math.h>

#include "vector/half.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"
#include "vector/prefetch.h"

PG_FUNCTION_INFO_V1(agm_fn_halfvec_l2_distance);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_l2_squared_distance);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_negative_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_cosine_distance);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_spherical_distance);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_l1_distance);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_vector_dims);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_l2_norm);

/* The two halfvecs of a distance, of one dimension and on their way into the cache. */
static inline void
get_halfvecs(FunctionCallInfo fcinfo, AgmHalfvec *a, AgmHalfvec *b)
{
	static const char *previous[2];

	*a = PG_GETARG_AGM_HALFVEC(0);
	*b = PG_GETARG_AGM_HALFVEC(1);
	agm_halfvec_check_same_dim(*a, *b);
	agm_prefetch_values((*a)->x, sizeof(uint16) * (*a)->dim, &previous[0]);
	agm_prefetch_values((*b)->x, sizeof(uint16) * (*b)->dim, &previous[1]);
}

Datum
agm_fn_halfvec_l2_distance(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8(sqrt((double) agm_kernels->half_l2_squared(a->x, b->x, a->dim)));
}

Datum
agm_fn_halfvec_l2_squared_distance(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->half_l2_squared(a->x, b->x, a->dim));
}

Datum
agm_fn_halfvec_inner_product(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->half_dot(a->x, b->x, a->dim));
}

/* What <#> is made of: index scans go from small to large, and the best product is large. */
Datum
agm_fn_halfvec_negative_inner_product(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) -agm_kernels->half_dot(a->x, b->x, a->dim));
}

Datum
agm_fn_halfvec_cosine_distance(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8(agm_cosine_distance(agm_kernels->half_cosine_sums(a->x, b->x, a->dim)));
}

/* The angle between unit vectors, as a share of a half turn; their length is not looked at. */
Datum
agm_fn_halfvec_spherical_distance(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;
	double cosine;

	get_halfvecs(fcinfo, &a, &b);
	cosine = (double) agm_kernels->half_dot(a->x, b->x, a->dim);

	/* Rounding may push it past the ends, where there is no angle. */
	cosine = Max(Min(cosine, 1.0), -1.0);

	PG_RETURN_FLOAT8(acos(cosine) / M_PI);
}

Datum
agm_fn_halfvec_l1_distance(PG_FUNCTION_ARGS)
{
	AgmHalfvec a;
	AgmHalfvec b;

	get_halfvecs(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->half_l1(a->x, b->x, a->dim));
}

Datum
agm_fn_halfvec_vector_dims(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);

	PG_RETURN_INT32(halfvec->dim);
}

/* In double, like vector_norm. */
Datum
agm_fn_halfvec_l2_norm(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);

	PG_RETURN_FLOAT8(agm_halfvec_norm(halfvec));
}

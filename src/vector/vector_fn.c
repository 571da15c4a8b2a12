/*
 * vector_fn.c
 *		SQL functions that measure vectors: distances, products, length, dimension.
 *
 * Sums are made in float, as the kernels do, and widened to float8 only at the end.
 * One that overflows is infinite rather than an error, or NaN where terms of both signs
 * do: a distance is for ordering, and one far row must not stop the scan.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "vector/kernels.h"
#include "vector/prefetch.h"
#include "vector/quantize.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_l2_distance);
PG_FUNCTION_INFO_V1(agm_fn_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_vector_negative_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_cosine_distance);
PG_FUNCTION_INFO_V1(agm_fn_l1_distance);
PG_FUNCTION_INFO_V1(agm_fn_vector_l2_squared_distance);
PG_FUNCTION_INFO_V1(agm_fn_vector_spherical_distance);
PG_FUNCTION_INFO_V1(agm_fn_vector_dims);
PG_FUNCTION_INFO_V1(agm_fn_vector_norm);

/* The two vectors of a distance, of one dimension and on their way into the cache. */
static pg_attribute_always_inline void
get_vectors(FunctionCallInfo fcinfo, AgmVector *a, AgmVector *b)
{
	static const char *previous[2];

	*a = PG_GETARG_AGM_VECTOR(0);
	*b = PG_GETARG_AGM_VECTOR(1);
	agm_vector_check_same_dim(*a, *b);
	agm_prefetch_values((*a)->x, sizeof(float) * (*a)->dim, &previous[0]);
	agm_prefetch_values((*b)->x, sizeof(float) * (*b)->dim, &previous[1]);
}

Datum
agm_fn_l2_distance(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8(sqrt((double) agm_kernels->l2_squared(a->x, b->x, a->dim)));
}

Datum
agm_fn_inner_product(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->dot(a->x, b->x, a->dim));
}

/* What <#> is made of: index scans go from small to large, and the best product is large. */
Datum
agm_fn_vector_negative_inner_product(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) -agm_kernels->dot(a->x, b->x, a->dim));
}

Datum
agm_fn_cosine_distance(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8(agm_cosine_distance(agm_kernels->cosine_sums(a->x, b->x, a->dim)));
}

Datum
agm_fn_l1_distance(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->l1(a->x, b->x, a->dim));
}

/* Orders like the distance itself, without the root. */
Datum
agm_fn_vector_l2_squared_distance(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;

	get_vectors(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->l2_squared(a->x, b->x, a->dim));
}

/* The angle, 0 to 1: unlike the cosine it keeps the triangle inequality.  Lengths are taken for 1. */
Datum
agm_fn_vector_spherical_distance(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;
	double cosine;

	get_vectors(fcinfo, &a, &b);

	/* Rounding may push it past the ends, where there is no angle. */
	cosine = (double) agm_kernels->dot(a->x, b->x, a->dim);
	if (cosine > 1.0)
		cosine = 1.0;
	else if (cosine < -1.0)
		cosine = -1.0;

	PG_RETURN_FLOAT8(acos(cosine) / M_PI);
}

Datum
agm_fn_vector_dims(PG_FUNCTION_ARGS)
{
	AgmVector stored = PG_GETARG_AGM_VECTOR_RAW(0);

	/* Whatever it is stored in, it says so in its head; but it must be a vector. */
	(void) agm_vector_precision(stored);

	PG_RETURN_INT32(stored->dim);
}

/* In double, unlike the distances: every vector has a finite length. */
Datum
agm_fn_vector_norm(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	double sum = 0.0;

	for (int i = 0; i < vector->dim; i++)
		sum += (double) vector->x[i] * (double) vector->x[i];

	PG_RETURN_FLOAT8(sqrt(sum));
}

/*
 * vector_fn.c
 *		SQL functions that measure vectors: distances, products, length, dimension.
 *
 * Sums are made in float, as the kernels do, and widened to float8 only at the end.
 * One that overflows is infinite rather than an error: a distance is for ordering, and
 * one far row must not stop the scan.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "vector/kernels.h"
#include "vector/vector.h"

/* Beyond this the stream is long enough for the processor to see it by itself. */
#define PREFETCH_BYTES_MAX 4096
#define CACHE_LINE_BYTES 64

PG_FUNCTION_INFO_V1(agm_fn_l2_distance);
PG_FUNCTION_INFO_V1(agm_fn_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_vector_negative_inner_product);
PG_FUNCTION_INFO_V1(agm_fn_cosine_distance);
PG_FUNCTION_INFO_V1(agm_fn_vector_dims);
PG_FUNCTION_INFO_V1(agm_fn_vector_norm);

/*
 * Asks for all of a vector's cache lines at once.  In a scan of a table larger than the
 * cache each row's vector comes from memory; the processor's own prefetcher needs a few
 * misses to see the stream, and a vector is over before that has paid.
 */
static inline void
prefetch_values(const AgmVectorData *vector)
{
	const char *start = (const char *) vector->x;
	const char *end = start + Min(vector->dim * sizeof(float), PREFETCH_BYTES_MAX);

	for (const char *line = start; line < end; line += CACHE_LINE_BYTES)
		__builtin_prefetch(line);
}

Datum
agm_fn_l2_distance(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);

	agm_vector_check_same_dim(a, b);
	prefetch_values(a);
	prefetch_values(b);

	PG_RETURN_FLOAT8(sqrt((double) agm_kernels->l2_squared(a->x, b->x, a->dim)));
}

Datum
agm_fn_inner_product(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);

	agm_vector_check_same_dim(a, b);
	prefetch_values(a);
	prefetch_values(b);

	PG_RETURN_FLOAT8((double) agm_kernels->dot(a->x, b->x, a->dim));
}

/* What <#> is made of: index scans go from small to large, and the best product is large. */
Datum
agm_fn_vector_negative_inner_product(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);

	agm_vector_check_same_dim(a, b);
	prefetch_values(a);
	prefetch_values(b);

	PG_RETURN_FLOAT8((double) -agm_kernels->dot(a->x, b->x, a->dim));
}

Datum
agm_fn_cosine_distance(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);

	agm_vector_check_same_dim(a, b);
	prefetch_values(a);
	prefetch_values(b);

	PG_RETURN_FLOAT8(agm_cosine_distance(agm_kernels->cosine_sums(a->x, b->x, a->dim)));
}

Datum
agm_fn_vector_dims(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_INT32(vector->dim);
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

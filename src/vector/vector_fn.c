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

static inline void
prefetch(const char *start, const char *end)
{
	for (const char *line = start; line < end; line += CACHE_LINE_BYTES)
		__builtin_prefetch(line);
}

/*
 * Asks for all of a vector's cache lines at once, and for those of the vector that a scan
 * will come to next.  In a table larger than the cache each row's vector comes from memory,
 * and the processor's own prefetcher needs a few misses to see a stream that is over before
 * that has paid.  The rows of a page lie at even steps, so the next vector is as far from
 * this one as this one is from the last (*previous); a wrong guess costs a few nanoseconds
 * and reads nothing.  Measured in README.md.
 */
static inline void
prefetch_values(const AgmVectorData *vector, const char **previous)
{
	const char *start = (const char *) vector->x;
	Size bytes = Min(vector->dim * sizeof(float), PREFETCH_BYTES_MAX);
	intptr_t step = (intptr_t) start - (intptr_t) *previous;

	*previous = start;
	if (step == 0)
		return; /* the constant of the query */
	prefetch(start, start + bytes);
	if (step > -BLCKSZ && step < BLCKSZ)
		prefetch(start + step - CACHE_LINE_BYTES, start + step + bytes);
}

/* The two vectors of a distance, of one dimension and on their way into the cache. */
static inline void
get_vectors(FunctionCallInfo fcinfo, AgmVector *a, AgmVector *b)
{
	static const char *previous[2];

	*a = PG_GETARG_AGM_VECTOR(0);
	*b = PG_GETARG_AGM_VECTOR(1);
	agm_vector_check_same_dim(*a, *b);
	prefetch_values(*a, &previous[0]);
	prefetch_values(*b, &previous[1]);
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

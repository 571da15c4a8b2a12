/*
 * vector.c
 *		Making vectors, and the checks that keep every stored one well formed.
 *
 * Nothing here knows how a vector is read or compared.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "vector/checks.h"
#include "vector/vector.h"

const AgmVectorType agm_vector_type = {"vector", INFINITY};

AgmVector
agm_vector_new(int dim)
{
	Size size = AGM_VECTOR_SIZE(dim);
	AgmVector result = (AgmVector) palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = (int16) dim;

	return result;
}

void
agm_vector_check_dim(int dim)
{
	agm_check_dim(&agm_vector_type, dim);
}

void
agm_vector_check_typmod(int32 typmod, int dim)
{
	agm_check_typmod(typmod, dim);
}

void
agm_vector_check_values(const float *x, int dim)
{
	agm_check_values(&agm_vector_type, x, dim);
}

void
agm_vector_check_same_dim(const AgmVectorData *a, const AgmVectorData *b)
{
	agm_check_same_dim(&agm_vector_type, a->dim, b->dim);
}

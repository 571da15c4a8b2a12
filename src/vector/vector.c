/*
 * vector.c
 *		Making vectors, and the checks that keep every stored one well formed.
 *
 * The messages and their codes are pgvector's, so that an application that looks at
 * them finds what it knows.  Nothing here knows how a vector is read or compared.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "vector/vector.h"

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
	if (dim < 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("vector must have at least 1 dimension"),
						errhint("NULL stands for no vector.")));

	if (dim > AGM_VECTOR_MAX_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("vector cannot have more than %d dimensions", AGM_VECTOR_MAX_DIM),
				 errhint("Reduce the embedding's dimensions.")));
}

void
agm_vector_check_typmod(int32 typmod, int dim)
{
	if (typmod != -1 && typmod != dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected %d dimensions, not %d", typmod, dim),
						errhint("Embed with the model that the column was made for.")));
}

void
agm_vector_check_values(const float *x, int dim)
{
	for (int i = 0; i < dim; i++)
	{
		if (likely(isfinite(x[i])))
			continue;

		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						isnan(x[i]) ? errmsg("NaN not allowed in vector")
									: errmsg("infinite value not allowed in vector"),
						errhint("Check the embedding: its values must be finite numbers.")));
	}
}

void
agm_vector_check_same_dim(const AgmVectorData *a, const AgmVectorData *b)
{
	if (unlikely(a->dim != b->dim))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different vector dimensions %d and %d", a->dim, b->dim),
						errhint("Only vectors of one model can be compared.")));
}

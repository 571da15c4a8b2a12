/*
 * checks.c
 *		What vector and halfvec refuse in the same words: dimensions and values.
 *
 * Nothing here knows how a vector is stored or compared.
 */
#include "postgres.h"

#include <math.h>

#include "libpq/pqformat.h"
#include "vector/checks.h"
#include "vector/kernels.h"
#include "vector/vector.h"

void
agm_check_dim(const AgmVectorType *type, int dim)
{
	if (dim < 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("%s must have at least 1 dimension", type->name),
						errhint("NULL stands for no vector.")));

	if (dim > AGM_VECTOR_MAX_DIM)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("%s cannot have more than %d dimensions", type->name,
							   AGM_VECTOR_MAX_DIM),
						errhint("Reduce the embedding's dimensions.")));
}

void
agm_check_typmod(int32 typmod, int dim)
{
	if (typmod != -1 && typmod != dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected %d dimensions, not %d", typmod, dim),
						errhint("Embed with the model that the column was made for.")));
}

/* A value minus itself is zero, unless it is infinite or NaN; a kernel adds that up fastest. */
bool
agm_all_finite(const float *x, int dim)
{
	return agm_kernels->l1(x, x, dim) == 0.0f;
}

void
agm_check_values(const AgmVectorType *type, const float *x, int dim)
{
	if (likely(agm_all_finite(x, dim)))
		return;

	for (int i = 0; i < dim; i++)
	{
		if (isfinite(x[i]))
			continue;

		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						isnan(x[i]) ? errmsg("NaN not allowed in %s", type->name)
									: errmsg("infinite value not allowed in %s", type->name),
						errhint("Check the embedding: its values must be finite numbers.")));
	}
}

void
agm_check_same_dim(const AgmVectorType *type, int a, int b)
{
	if (unlikely(a != b))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different %s dimensions %d and %d", type->name, a, b),
						errhint("Only vectors of one model can be compared.")));
}

int
agm_check_slice(const AgmVectorType *type, int dim, int32 *start, int32 count)
{
	int64 first = Max((int64) *start, 1);
	int64 end = Min((int64) *start + count, (int64) dim + 1);

	agm_check_dim(type, (int) Max(Min(end - first, dim), 0));

	*start = (int32) first;
	return (int) (end - first);
}

int32
agm_check_typmod_in(const AgmVectorType *type, ArrayType *modifiers)
{
	int n;
	int32 *dims = ArrayGetIntegerTypmods(modifiers, &n);

	if (n != 1)
		ereport(
			ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier"),
			 errdetail("Type %s takes one modifier, the number of dimensions.", type->name)));

	if (dims[0] < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("dimensions for type %s must be at least 1", type->name)));

	if (dims[0] > AGM_VECTOR_MAX_DIM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("dimensions for type %s cannot exceed %d", type->name,
							   AGM_VECTOR_MAX_DIM)));

	return dims[0];
}

int
agm_check_received_dim(const AgmVectorType *type, StringInfo message, int32 typmod)
{
	int dim = (int) pq_getmsgint(message, sizeof(int16));
	int unused = (int) pq_getmsgint(message, sizeof(int16));

	agm_check_dim(type, dim);
	agm_check_typmod(typmod, dim);

	if (unused != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected unused to be 0, not %d", unused)));

	return dim;
}

void
agm_check_same_bits(int a, int b)
{
	if (unlikely(a != b))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different bit lengths %d and %d", a, b)));
}

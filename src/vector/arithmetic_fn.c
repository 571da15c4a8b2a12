/*
 * arithmetic_fn.c
 *		SQL functions that make vectors of vectors, element by element, and bits of vectors.
 *
 * Results that no float holds are errors, those of PostgreSQL's own arithmetic: a stored
 * vector is finite.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "utils/float.h"
#include "utils/varbit.h"
#include "vector/checks.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_vector_add);
PG_FUNCTION_INFO_V1(agm_fn_vector_sub);
PG_FUNCTION_INFO_V1(agm_fn_vector_mul);
PG_FUNCTION_INFO_V1(agm_fn_vector_concat);
PG_FUNCTION_INFO_V1(agm_fn_l2_normalize);
PG_FUNCTION_INFO_V1(agm_fn_subvector);
PG_FUNCTION_INFO_V1(agm_fn_binary_quantize);

/* Finite values cannot give NaN, so that infinity is all that there is to be found. */
static void
check_overflow(const AgmVectorData *result)
{
	if (unlikely(!agm_all_finite(result->x, result->dim)))
		float_overflow_error();
}

/* The two operands, and a vector for what is made of them. */
static AgmVector
get_operands(FunctionCallInfo fcinfo, AgmVector *a, AgmVector *b)
{
	*a = PG_GETARG_AGM_VECTOR(0);
	*b = PG_GETARG_AGM_VECTOR(1);
	agm_vector_check_same_dim(*a, *b);

	return agm_vector_new((*a)->dim);
}

Datum
agm_fn_vector_add(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);
	AgmVector result;

	agm_vector_check_same_dim(a, b);

	/* The state of sum() is ours to change: a new one for each row would be copied, too. */
	result = AggCheckCallContext(fcinfo, NULL) ? a : agm_vector_new(a->dim);

	for (int i = 0; i < result->dim; i++)
		result->x[i] = a->x[i] + b->x[i];
	check_overflow(result);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_sub(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;
	AgmVector result = get_operands(fcinfo, &a, &b);

	for (int i = 0; i < result->dim; i++)
		result->x[i] = a->x[i] - b->x[i];
	check_overflow(result);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_mul(PG_FUNCTION_ARGS)
{
	AgmVector a;
	AgmVector b;
	AgmVector result = get_operands(fcinfo, &a, &b);

	for (int i = 0; i < result->dim; i++)
		result->x[i] = a->x[i] * b->x[i];
	check_overflow(result);

	/* Zeros are rare, and three conditions without a branch take longer than one with. */
	for (int i = 0; i < result->dim; i++)
	{
		if (unlikely(result->x[i] == 0) && a->x[i] != 0 && b->x[i] != 0)
			float_underflow_error();
	}

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_concat(PG_FUNCTION_ARGS)
{
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);
	AgmVector result;

	agm_vector_check_dim(a->dim + b->dim);
	result = agm_vector_new(a->dim + b->dim);
	memcpy(result->x, a->x, sizeof(float) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(float) * b->dim);

	PG_RETURN_POINTER(result);
}

/* A vector without a direction stays what it is: zero. */
Datum
agm_fn_l2_normalize(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	AgmVector result = agm_vector_new(vector->dim);
	double norm = 0.0;

	/* In double, where the square of no float overflows or vanishes. */
	for (int i = 0; i < vector->dim; i++)
		norm += (double) vector->x[i] * (double) vector->x[i];
	norm = sqrt(norm);

	if (norm > 0.0)
	{
		for (int i = 0; i < vector->dim; i++)
			result->x[i] = (float) (vector->x[i] / norm);
	}

	PG_RETURN_POINTER(result);
}

/*
 * `count` elements from number `start` on, counted from 1.  As with substring(), those
 * before the first and behind the last are left out.
 */
Datum
agm_fn_subvector(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	int32 start = PG_GETARG_INT32(1);
	int dim = agm_check_slice(&agm_vector_type, vector->dim, &start, PG_GETARG_INT32(2));
	AgmVector result = agm_vector_new(dim);

	memcpy(result->x, vector->x + start - 1, sizeof(float) * dim);

	PG_RETURN_POINTER(result);
}

/* One bit a dimension, set where the value is above zero. */
Datum
agm_fn_binary_quantize(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	Size size = VARBITTOTALLEN(vector->dim);
	VarBit *result = (VarBit *) palloc(size);
	uint8 *bits = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = vector->dim;

	for (int start = 0; start < vector->dim; start += BITS_PER_BYTE)
	{
		int n = Min(BITS_PER_BYTE, vector->dim - start);
		int byte = 0;

		/* Without a branch: signs cannot be predicted. */
		for (int i = 0; i < n; i++)
			byte |= (vector->x[start + i] > 0) << (BITS_PER_BYTE - 1 - i);
		*bits++ = (uint8) byte;
	}

	PG_RETURN_VARBIT_P(result);
}

/*
 * halfvec_arithmetic_fn.c
 *		SQL functions that make halfvecs of others: sums, products, parts, unit length.
 *
 * Halves are computed with as floats and rounded once more.  That gives what rounding
 * the exact result would: a float has more than twice the digits of a half.
 */
#include "postgres.h"

#include "utils/float.h"
#include "utils/varbit.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"

/* So many values are floats at a time: on the stack, in the fastest cache. */
#define BLOCK_VALUES 256

typedef enum Operation
{
	ADD,
	SUBTRACT,
	MULTIPLY
} Operation;

PG_FUNCTION_INFO_V1(agm_fn_halfvec_add);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_sub);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_mul);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_concat);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_l2_normalize);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_subvector);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_binary_quantize);

/* Of either sign. */
static inline bool
is_zero(uint16 half)
{
	return (half & 0x7fff) == 0;
}

static inline AgmHalfvec
combine(FunctionCallInfo fcinfo, Operation operation)
{
	AgmHalfvec a = PG_GETARG_AGM_HALFVEC(0);
	AgmHalfvec b = PG_GETARG_AGM_HALFVEC(1);
	AgmHalfvec result;
	int dim = a->dim;

	agm_halfvec_check_same_dim(a, b);

	/* The state of sum() is ours to change, block by block. */
	if (operation == ADD && AggCheckCallContext(fcinfo, NULL))
		result = a;
	else
		result = agm_halfvec_new(dim);

	for (int start = 0; start < dim; start += BLOCK_VALUES)
	{
		float x[BLOCK_VALUES];
		float y[BLOCK_VALUES];
		int n = Min(dim - start, BLOCK_VALUES);

		agm_kernels->half_to_float(a->x + start, x, n);
		agm_kernels->half_to_float(b->x + start, y, n);
		for (int i = 0; i < n; i++)
		{
			if (operation == ADD)
				x[i] += y[i];
			else if (operation == SUBTRACT)
				x[i] -= y[i];
			else
				x[i] *= y[i];
		}
		agm_kernels->float_to_half(x, result->x + start, n);
	}

	/* Finite values cannot give NaN. */
	if (unlikely(!agm_halfvec_is_finite(result->x, dim)))
		float_overflow_error();

	if (operation == MULTIPLY)
	{
		/* Zeros are rare. */
		for (int i = 0; i < dim; i++)
		{
			if (unlikely(is_zero(result->x[i])) && !is_zero(a->x[i]) && !is_zero(b->x[i]))
				float_underflow_error();
		}
	}

	return result;
}

Datum
agm_fn_halfvec_add(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(combine(fcinfo, ADD));
}

Datum
agm_fn_halfvec_sub(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(combine(fcinfo, SUBTRACT));
}

Datum
agm_fn_halfvec_mul(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(combine(fcinfo, MULTIPLY));
}

Datum
agm_fn_halfvec_concat(PG_FUNCTION_ARGS)
{
	AgmHalfvec a = PG_GETARG_AGM_HALFVEC(0);
	AgmHalfvec b = PG_GETARG_AGM_HALFVEC(1);
	int dim = a->dim + b->dim;
	AgmHalfvec result;

	agm_check_dim(&agm_halfvec_type, dim);

	result = agm_halfvec_new(dim);
	memcpy(result->x, a->x, sizeof(uint16) * a->dim);
	memcpy(result->x + a->dim, b->x, sizeof(uint16) * b->dim);

	PG_RETURN_POINTER(result);
}

/* A zero vector stays one.  No value can overflow: none is longer than the whole. */
Datum
agm_fn_halfvec_l2_normalize(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	AgmHalfvec result = agm_halfvec_new(halfvec->dim);
	double norm = agm_halfvec_norm(halfvec);

	if (norm > 0.0)
	{
		float *x = (float *) palloc(sizeof(float) * halfvec->dim);

		agm_kernels->half_to_float(halfvec->x, x, halfvec->dim);
		for (int i = 0; i < halfvec->dim; i++)
			x[i] = (float) (x[i] / norm);
		agm_kernels->float_to_half(x, result->x, halfvec->dim);
		pfree(x);
	}

	PG_RETURN_POINTER(result);
}

/* Dimensions count from 1; what lies outside is left out, as substring() does. */
Datum
agm_fn_halfvec_subvector(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	int32 start = PG_GETARG_INT32(1);
	int dim = agm_check_slice(&agm_halfvec_type, halfvec->dim, &start, PG_GETARG_INT32(2));
	AgmHalfvec result = agm_halfvec_new(dim);

	memcpy(result->x, halfvec->x + start - 1, sizeof(uint16) * dim);

	PG_RETURN_POINTER(result);
}

/* A bit a dimension, set where the value is above zero. */
Datum
agm_fn_halfvec_binary_quantize(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	int size = VARBITTOTALLEN(halfvec->dim);
	VarBit *result = (VarBit *) palloc0(size);
	uint8 *bits = VARBITS(result);

	SET_VARSIZE(result, size);
	VARBITLEN(result) = halfvec->dim;

	/* As an integer a half is above zero when it is one as a number. */
	for (int i = 0; i < halfvec->dim; i++)
		bits[i / BITS_PER_BYTE] |= ((int16) halfvec->x[i] > 0) << (7 - i % BITS_PER_BYTE);

	PG_RETURN_VARBIT_P(result);
}

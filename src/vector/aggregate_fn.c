/*
 * aggregate_fn.c
 *		SQL functions that avg(vector) is made of.
 *
 * Sums are float8, so that an average of millions of vectors keeps the precision of one.
 * Anybody may call these functions: a state is checked before it is believed.  sum(vector)
 * is made of vector_add alone, hence of floats.
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "utils/float.h"
#include "vector/aggregate.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_vector_accum);
PG_FUNCTION_INFO_V1(agm_fn_vector_combine);
PG_FUNCTION_INFO_V1(agm_fn_vector_avg);

float8 *
agm_average_numbers(ArrayType *state, const char *function, int *dim)
{
	if (ARR_NDIM(state) != 1 || ARR_DIMS(state)[0] < 1 || ARR_HASNULL(state) ||
		ARR_ELEMTYPE(state) != FLOAT8OID)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("%s: expected state array", function)));

	*dim = ARR_DIMS(state)[0] - 1;

	return (float8 *) ARR_DATA_PTR(state);
}

/* A state of which only the form is set. */
static ArrayType *
new_state(int dim)
{
	Size size = ARR_OVERHEAD_NONULLS(1) + sizeof(float8) * (dim + 1);
	ArrayType *state = (ArrayType *) palloc(size);

	SET_VARSIZE(state, size);
	state->ndim = 1;
	state->dataoffset = 0;
	state->elemtype = FLOAT8OID;
	ARR_DIMS(state)[0] = dim + 1;
	ARR_LBOUND(state)[0] = 1;

	return state;
}

/*
 * The state of argument 0, ours to write to.  Within an aggregate it already is, and a copy
 * of some kilobytes for each row would take longer than the sum.
 */
static ArrayType *
get_own_state(FunctionCallInfo fcinfo)
{
	if (AggCheckCallContext(fcinfo, NULL))
		return PG_GETARG_ARRAYTYPE_P(0);
	return PG_GETARG_ARRAYTYPE_P_COPY(0);
}

ArrayType *
agm_average_add(FunctionCallInfo fcinfo, const char *function, const float *x, int dim)
{
	ArrayType *state = get_own_state(fcinfo);
	int state_dim;
	float8 *numbers = agm_average_numbers(state, function, &state_dim);
	bool overflow = false;

	if (state_dim == 0)
	{
		float8 count = numbers[0];

		state = new_state(dim);
		numbers = agm_average_numbers(state, function, &state_dim);
		numbers[0] = count + 1;
		for (int i = 0; i < dim; i++)
			numbers[i + 1] = (float8) x[i];
		return state;
	}

	/* The first vector was the pattern, like a type modifier. */
	agm_vector_check_typmod(state_dim, dim);

	numbers[0]++;
	for (int i = 0; i < dim; i++)
	{
		numbers[i + 1] += (float8) x[i];
		overflow |= isinf(numbers[i + 1]) != 0;
	}
	if (overflow)
		float_overflow_error();

	return state;
}

Datum
agm_fn_vector_accum(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(1);

	PG_RETURN_ARRAYTYPE_P(agm_average_add(fcinfo, "vector_accum", vector->x, vector->dim));
}

/* Knows nothing of vectors, only of states: good for every precision. */
Datum
agm_fn_vector_combine(PG_FUNCTION_ARGS)
{
	ArrayType *state = get_own_state(fcinfo);
	ArrayType *other = PG_GETARG_ARRAYTYPE_P(1);
	int dim;
	int other_dim;
	float8 *numbers = agm_average_numbers(state, "vector_combine", &dim);
	const float8 *other_numbers = agm_average_numbers(other, "vector_combine", &other_dim);
	bool overflow = false;

	if (dim > 0)
		agm_vector_check_dim(dim);
	if (other_dim > 0)
		agm_vector_check_dim(other_dim);

	/* A worker without rows hands in a state without dimensions. */
	if (dim == 0)
	{
		float8 count = numbers[0];

		state = new_state(other_dim);
		numbers = agm_average_numbers(state, "vector_combine", &dim);
		memcpy(numbers, other_numbers, sizeof(float8) * (other_dim + 1));
		numbers[0] += count;
		PG_RETURN_ARRAYTYPE_P(state);
	}

	numbers[0] += other_numbers[0];
	if (other_dim == 0)
		PG_RETURN_ARRAYTYPE_P(state);

	agm_vector_check_typmod(dim, other_dim);
	for (int i = 1; i <= dim; i++)
	{
		numbers[i] += other_numbers[i];
		overflow |= isinf(numbers[i]) != 0;
	}
	if (overflow)
		float_overflow_error();

	PG_RETURN_ARRAYTYPE_P(state);
}

/* NULL where there was no vector, as SQL has it for the average of nothing. */
Datum
agm_fn_vector_avg(PG_FUNCTION_ARGS)
{
	int dim;
	const float8 *numbers = agm_average_numbers(PG_GETARG_ARRAYTYPE_P(0), "vector_avg", &dim);
	AgmVector result;

	if (numbers[0] == 0.0)
		PG_RETURN_NULL();

	agm_vector_check_dim(dim);
	result = agm_vector_new(dim);
	for (int i = 0; i < dim; i++)
		result->x[i] = (float) (numbers[i + 1] / numbers[0]);
	/* No average of finite floats, but a state that somebody wrote. */
	agm_vector_check_values(result->x, dim);

	PG_RETURN_POINTER(result);
}

/*
 * halfvec_aggregate_fn.c
 *		SQL functions that avg(halfvec) is made of.
 *
 * The state is that of vectors (aggregate.h), and halfvec_combine is vector_combine:
 * neither depends on the precision of what comes in.
 */
#include "postgres.h"

#include "vector/aggregate.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"

PG_FUNCTION_INFO_V1(agm_fn_halfvec_accum);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_avg);

Datum
agm_fn_halfvec_accum(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(1);
	float x[AGM_VECTOR_MAX_DIM]; /* only as much of the stack is touched as is used */

	agm_kernels->half_to_float(halfvec->x, x, halfvec->dim);

	PG_RETURN_ARRAYTYPE_P(agm_average_add(fcinfo, "halfvec_accum", x, halfvec->dim));
}

/* NULL where there was no halfvec, as SQL has it for the average of nothing. */
Datum
agm_fn_halfvec_avg(PG_FUNCTION_ARGS)
{
	int dim;
	const float8 *numbers = agm_average_numbers(PG_GETARG_ARRAYTYPE_P(0), "halfvec_avg", &dim);
	float *x;

	if (numbers[0] == 0.0)
		PG_RETURN_NULL();

	agm_check_dim(&agm_halfvec_type, dim);
	x = (float *) palloc(sizeof(float) * dim);
	for (int i = 0; i < dim; i++)
		x[i] = (float) (numbers[i + 1] / numbers[0]);

	/* An average of halves is a half; a state that somebody wrote may be too large. */
	PG_RETURN_POINTER(agm_halfvec_from_floats(x, dim));
}

/*
 * halfvec.c
 *		Making halfvecs, and the checks that keep every stored one well formed.
 */
#include "postgres.h"

#include <math.h>

#include "common/shortest_dec.h"
#include "vector/half.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"

/* 65520 is the middle between the largest half and the next, were there one: ties are even. */
const AgmVectorType agm_halfvec_type = {"halfvec", 65520.0f};

void
agm_halfvec_corrupted(const AgmHalfvecData *halfvec)
{
	Size size = VARSIZE(halfvec);
	const char *detail;

	if (size <= offsetof(AgmHalfvecData, x))
		detail = psprintf("%zu bytes are too few for any.", size);
	else if (halfvec->dim < 1 || halfvec->dim > AGM_VECTOR_MAX_DIM)
		detail = psprintf("It has %d dimensions.", halfvec->dim);
	else if (size != AGM_HALFVEC_SIZE((Size) halfvec->dim))
		detail = psprintf("%d dimensions do not take %zu bytes.", halfvec->dim, size);
	else
		detail = psprintf("Bytes that are not used are %d, not 0.", halfvec->unused);

	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("halfvec is corrupted"),
					errdetail_internal("%s", detail),
					errhint("Restore the row from a backup, or embed its text again.")));
}

AgmHalfvec
agm_halfvec_new(int dim)
{
	Size size = AGM_HALFVEC_SIZE(dim);
	AgmHalfvec result = (AgmHalfvec) palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = (int16) dim;

	return result;
}

bool
agm_halfvec_is_finite(const uint16 *x, int dim)
{
	uint64 others = 0;
	int i;

	/*
	 * Four at a time: the lowest bit of an exponent, added to it, reaches the place of the
	 * sign only where all of its bits are set.
	 */
	for (i = 0; i + 4 <= dim; i += 4)
	{
		uint64 four;

		memcpy(&four, &x[i], sizeof(four));
		others |= (four & UINT64CONST(0x7c007c007c007c00)) + UINT64CONST(0x0400040004000400);
	}
	others &= UINT64CONST(0x8000800080008000);

	for (; i < dim; i++)
		others |= !agm_half_is_finite(x[i]);

	return others == 0;
}

AgmHalfvec
agm_halfvec_from_floats(const float *x, int dim)
{
	AgmHalfvec result = agm_halfvec_new(dim);

	agm_kernels->float_to_half(x, result->x, dim);
	if (likely(agm_halfvec_is_finite(result->x, dim)))
		return result;

	for (int i = 0; i < dim; i++)
	{
		char text[FLOAT_SHORTEST_DECIMAL_LEN];

		if (agm_half_is_finite(result->x[i]) || !isfinite(x[i]))
			continue;

		float_to_shortest_decimal_buf(x[i], text);
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" is out of range for type halfvec", text)));
	}

	agm_check_values(&agm_halfvec_type, x, dim);
	pg_unreachable();
}

double
agm_halfvec_norm(const AgmHalfvecData *halfvec)
{
	double sum = 0.0;

	for (int i = 0; i < halfvec->dim; i++)
	{
		double x = (double) agm_half_to_float(halfvec->x[i]);

		sum += x * x;
	}

	return sqrt(sum);
}

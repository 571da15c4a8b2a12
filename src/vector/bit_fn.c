/*
 * bit_fn.c
 *		SQL functions that measure strings of bits: distances.
 *
 * The type is PostgreSQL's bit.  The bits behind the last one, up to a whole byte, are zero
 * in every value, so that whole bytes can be compared.
 */
#include "postgres.h"

#include "base/compat.h"
#include "utils/varbit.h"
#include "vector/checks.h"
#include "vector/kernels.h"

PG_FUNCTION_INFO_V1(agm_fn_hamming_distance);
PG_FUNCTION_INFO_V1(agm_fn_jaccard_distance);

/* The two strings of a distance, of one length. */
static void
get_bits(FunctionCallInfo fcinfo, VarBit **a, VarBit **b)
{
	*a = PG_GETARG_VARBIT_P(0);
	*b = PG_GETARG_VARBIT_P(1);

	agm_check_same_bits(VARBITLEN(*a), VARBITLEN(*b));
}

Datum
agm_fn_hamming_distance(PG_FUNCTION_ARGS)
{
	VarBit *a;
	VarBit *b;

	get_bits(fcinfo, &a, &b);

	PG_RETURN_FLOAT8((double) agm_kernels->hamming(VARBITS(a), VARBITS(b), VARBITBYTES(a)));
}

/* 1 where no bit is set in both, even if none is set at all. */
Datum
agm_fn_jaccard_distance(PG_FUNCTION_ARGS)
{
	VarBit *a;
	VarBit *b;
	AgmBitCounts counts;

	get_bits(fcinfo, &a, &b);

	counts = agm_kernels->bit_counts(VARBITS(a), VARBITS(b), VARBITBYTES(a));
	if (counts.both == 0)
		PG_RETURN_FLOAT8(1.0);

	PG_RETURN_FLOAT8(1.0 - (double) counts.both / (double) counts.either);
}

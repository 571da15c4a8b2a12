/*
 * similarity_fn.c
 *		SQL functions frqad and its_score.
 */
#include "postgres.h"

#include "utils/varbit.h"
#include "vector/checks.h"
#include "vector/kernels.h"
#include "vector/quantize.h"
#include "vector/similarity.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_frqad);
PG_FUNCTION_INFO_V1(agm_fn_its_score);

Datum
agm_fn_frqad(PG_FUNCTION_ARGS)
{
	int a_bits = agm_vector_precision(PG_GETARG_AGM_VECTOR_RAW(0));
	int b_bits = agm_vector_precision(PG_GETARG_AGM_VECTOR_RAW(1));
	AgmVector a = PG_GETARG_AGM_VECTOR(0);
	AgmVector b = PG_GETARG_AGM_VECTOR(1);

	agm_vector_check_same_dim(a, b);

	PG_RETURN_FLOAT8(
		agm_frqad((AgmMeasured){a->x, a_bits}, (AgmMeasured){b->x, b_bits}, a->dim));
}

Datum
agm_fn_its_score(PG_FUNCTION_ARGS)
{
	VarBit *query = PG_GETARG_VARBIT_P(0);
	VarBit *other = PG_GETARG_VARBIT_P(1);
	AgmBitCounts counts;
	AgmBitPairs pairs;
	uint64 ones;

	agm_check_same_bits(VARBITLEN(query), VARBITLEN(other));

	/* The bits behind the last one are zero in both, and count in neither. */
	counts = agm_kernels->bit_counts(VARBITS(query), VARBITS(other), VARBITBYTES(query));
	ones = agm_kernels->bit_counts(VARBITS(query), VARBITS(query), VARBITBYTES(query)).both;

	pairs.both = counts.both;
	pairs.only_query = ones - counts.both;
	pairs.only_other = counts.either - ones;
	pairs.neither = VARBITLEN(query) - counts.either;

	PG_RETURN_FLOAT8(agm_its_score(pairs));
}

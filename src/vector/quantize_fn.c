/*
 * quantize_fn.c
 *		SQL functions that choose how many bits a vector takes.
 */
#include "postgres.h"

#include "vector/quantize.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_quantize);
PG_FUNCTION_INFO_V1(agm_fn_precision);

Datum
agm_fn_quantize(PG_FUNCTION_ARGS)
{
	AgmVector stored = PG_GETARG_AGM_VECTOR_RAW(0);
	int32 bits = PG_GETARG_INT32(1);
	AgmVector vector;

	if (bits != 32 && bits != 16 && bits != 8 && bits != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("precision of a vector cannot be %d bits", bits),
						errhint("It is 32, 16, 8 or 1.")));

	if (agm_vector_precision(stored) == bits)
		PG_RETURN_POINTER(stored);

	vector = agm_vector_from_datum(PointerGetDatum(stored));
	PG_RETURN_POINTER(bits == 32 ? vector : agm_vector_quantize(vector, bits));
}

Datum
agm_fn_precision(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(agm_vector_precision(PG_GETARG_AGM_VECTOR_RAW(0)));
}

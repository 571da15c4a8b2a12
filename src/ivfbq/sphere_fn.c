/*
 * sphere_fn.c
 *		Ranges of distance as operators, which an index can serve: vector <<=>> sphere(center, radius).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "executor/executor.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(agm_fn_sphere);
PG_FUNCTION_INFO_V1(agm_fn_vector_in_cosine_sphere);
PG_FUNCTION_INFO_V1(agm_fn_vector_in_l2_sphere);
PG_FUNCTION_INFO_V1(agm_fn_vector_in_ip_sphere);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_in_cosine_sphere);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_in_l2_sphere);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_in_ip_sphere);

/* The operators of distance, src/vector. */
extern Datum agm_fn_cosine_distance(PG_FUNCTION_ARGS);
extern Datum agm_fn_l2_distance(PG_FUNCTION_ARGS);
extern Datum agm_fn_vector_negative_inner_product(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_cosine_distance(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_l2_distance(PG_FUNCTION_ARGS);
extern Datum agm_fn_halfvec_negative_inner_product(PG_FUNCTION_ARGS);

/* Of either type of vectors: the values as they are. */
Datum
agm_fn_sphere(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[2];
	bool isnull[2];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 2)
		elog(ERROR, "return type must be a sphere");
	for (int i = 0; i < 2; i++)
	{
		isnull[i] = PG_ARGISNULL(i);
		values[i] = isnull[i] ? (Datum) 0 : PG_GETARG_DATUM(i);
	}
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, isnull)));
}

/* NULL where the center or the radius is; a distance that is NaN is in no range. */
static Datum
is_within(FunctionCallInfo fcinfo, PGFunction distance)
{
	HeapTupleHeader sphere = PG_GETARG_HEAPTUPLEHEADER(1);
	bool isnull[2];
	Datum center = GetAttributeByNum(sphere, 1, &isnull[0]);
	Datum radius = GetAttributeByNum(sphere, 2, &isnull[1]);

	if (isnull[0] || isnull[1])
		PG_RETURN_NULL();
	PG_RETURN_BOOL(DatumGetFloat8(DirectFunctionCall2(distance, PG_GETARG_DATUM(0), center)) <=
				   DatumGetFloat8(radius));
}

Datum
agm_fn_vector_in_cosine_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_cosine_distance);
}

Datum
agm_fn_vector_in_l2_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_l2_distance);
}

Datum
agm_fn_vector_in_ip_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_vector_negative_inner_product);
}

Datum
agm_fn_halfvec_in_cosine_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_halfvec_cosine_distance);
}

Datum
agm_fn_halfvec_in_l2_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_halfvec_l2_distance);
}

Datum
agm_fn_halfvec_in_ip_sphere(PG_FUNCTION_ARGS)
{
	return is_within(fcinfo, agm_fn_halfvec_negative_inner_product);
}

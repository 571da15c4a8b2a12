/*
 * halfvec_io_fn.c
 *		The halfvec type to and from the outside: text, binary, type modifier, casts.
 *
 * Both formats are pgvector's.  Whatever comes in is checked here, once, as for vectors
 * (vector_io_fn.c).  Text and arrays are read as floats, which are then rounded.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "vector/array.h"
#include "vector/half.h"
#include "vector/halfvec.h"
#include "vector/kernels.h"
#include "vector/text.h"

PG_FUNCTION_INFO_V1(agm_fn_halfvec_in);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_out);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_typmod_in);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_recv);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_send);
PG_FUNCTION_INFO_V1(agm_fn_halfvec);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_to_vector);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_halfvec);
PG_FUNCTION_INFO_V1(agm_fn_array_to_halfvec);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_to_float4);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_to_float8);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_to_int4);
PG_FUNCTION_INFO_V1(agm_fn_halfvec_to_numeric);

/* The values of argument 0 as floats. */
static float *
get_floats(FunctionCallInfo fcinfo, int *dim)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	float *x = (float *) palloc(sizeof(float) * halfvec->dim);

	agm_kernels->half_to_float(halfvec->x, x, halfvec->dim);
	*dim = halfvec->dim;
	return x;
}

Datum
agm_fn_halfvec_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32 typmod = PG_GETARG_INT32(2);
	float x[AGM_VECTOR_MAX_DIM]; /* only as much of the stack is touched as is used */
	int dim = agm_text_read(&agm_halfvec_type, text, x);

	agm_check_typmod(typmod, dim);

	PG_RETURN_POINTER(agm_halfvec_from_floats(x, dim));
}

/* As pgvector writes them: what a half is as a float, in the shortest text for that. */
Datum
agm_fn_halfvec_out(PG_FUNCTION_ARGS)
{
	int dim;
	float *x = get_floats(fcinfo, &dim);

	PG_RETURN_CSTRING(agm_text_write(x, dim));
}

/* halfvec(n) is the integer n; the default output of a type modifier fits it. */
Datum
agm_fn_halfvec_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(agm_check_typmod_in(&agm_halfvec_type, PG_GETARG_ARRAYTYPE_P(0)));
}

/* Two int16 (dimension, zero) and the halves, all in network order. */
Datum
agm_fn_halfvec_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int dim = agm_check_received_dim(&agm_halfvec_type, buf, PG_GETARG_INT32(2));
	const char *values = pq_getmsgbytes(buf, (int) sizeof(uint16) * dim);
	AgmHalfvec result = agm_halfvec_new(dim);

	memcpy(result->x, values, sizeof(uint16) * dim);
	for (int i = 0; i < dim; i++)
		result->x[i] = pg_ntoh16(result->x[i]);

	if (unlikely(!agm_halfvec_is_finite(result->x, dim)))
	{
		float *x = (float *) palloc(sizeof(float) * dim);

		agm_kernels->half_to_float(result->x, x, dim);
		agm_check_values(&agm_halfvec_type, x, dim);
	}

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_halfvec_send(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, 2 * sizeof(int16) + sizeof(uint16) * halfvec->dim);
	pq_writeint16(&buf, (uint16) halfvec->dim);
	pq_writeint16(&buf, (uint16) halfvec->unused);
	for (int i = 0; i < halfvec->dim; i++)
		pq_writeint16(&buf, halfvec->x[i]);

	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The length coercion of halfvec(n): changes nothing, only checks. */
Datum
agm_fn_halfvec(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);

	agm_check_typmod(PG_GETARG_INT32(1), halfvec->dim);

	PG_RETURN_POINTER(halfvec);
}

Datum
agm_fn_halfvec_to_vector(PG_FUNCTION_ARGS)
{
	AgmHalfvec halfvec = PG_GETARG_AGM_HALFVEC(0);
	AgmVector result;

	agm_check_typmod(PG_GETARG_INT32(1), halfvec->dim);

	result = agm_vector_new(halfvec->dim);
	agm_kernels->half_to_float(halfvec->x, result->x, halfvec->dim);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_to_halfvec(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	agm_check_dim(&agm_halfvec_type, vector->dim);
	agm_check_typmod(PG_GETARG_INT32(1), vector->dim);

	PG_RETURN_POINTER(agm_halfvec_from_floats(vector->x, vector->dim));
}

/* For arrays of integer, real, double precision and numeric. */
Datum
agm_fn_array_to_halfvec(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int dim = agm_array_check(&agm_halfvec_type, array, PG_GETARG_INT32(1));
	float *x = (float *) palloc(sizeof(float) * dim);

	agm_array_read(array, dim, x);

	PG_RETURN_POINTER(agm_halfvec_from_floats(x, dim));
}

Datum
agm_fn_halfvec_to_float4(PG_FUNCTION_ARGS)
{
	int dim;
	float *x = get_floats(fcinfo, &dim);

	PG_RETURN_ARRAYTYPE_P(agm_array_make(x, dim));
}

Datum
agm_fn_halfvec_to_float8(PG_FUNCTION_ARGS)
{
	int dim;
	float *x = get_floats(fcinfo, &dim);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(x, dim, FLOAT8OID));
}

Datum
agm_fn_halfvec_to_int4(PG_FUNCTION_ARGS)
{
	int dim;
	float *x = get_floats(fcinfo, &dim);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(x, dim, INT4OID));
}

Datum
agm_fn_halfvec_to_numeric(PG_FUNCTION_ARGS)
{
	int dim;
	float *x = get_floats(fcinfo, &dim);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(x, dim, NUMERICOID));
}

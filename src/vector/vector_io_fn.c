/*
 * vector_io_fn.c
 *		The vector type to and from the outside: text, binary, type modifier, casts.
 *
 * Both formats are pgvector's.  Whatever comes in is checked here, once: 1 to
 * AGM_VECTOR_MAX_DIM finite values, as many as the type modifier says.  The rest of
 * the code relies on it.
 */
#include "postgres.h"

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "vector/array.h"
#include "vector/quantize.h"
#include "vector/text.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_vector_in);
PG_FUNCTION_INFO_V1(agm_fn_vector_out);
PG_FUNCTION_INFO_V1(agm_fn_vector_typmod_in);
PG_FUNCTION_INFO_V1(agm_fn_vector_recv);
PG_FUNCTION_INFO_V1(agm_fn_vector_send);
PG_FUNCTION_INFO_V1(agm_fn_vector);
PG_FUNCTION_INFO_V1(agm_fn_array_to_vector);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_float4);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_float8);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_int4);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_numeric);

Datum
agm_fn_vector_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32 typmod = PG_GETARG_INT32(2);
	float x[AGM_VECTOR_MAX_DIM]; /* only as much of the stack is touched as is used */
	int dim = agm_text_read(&agm_vector_type, text, x);
	AgmVector result;

	agm_vector_check_typmod(typmod, dim);

	result = agm_vector_new(dim);
	memcpy(result->x, x, sizeof(float) * dim);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_out(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_CSTRING(agm_text_write(vector->x, vector->dim));
}

/* vector(n) is the integer n; the default output of a type modifier fits it. */
Datum
agm_fn_vector_typmod_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(agm_check_typmod_in(&agm_vector_type, PG_GETARG_ARRAYTYPE_P(0)));
}

/* Two int16 (dimension, zero) and the float4s, all in network order. */
Datum
agm_fn_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int dim = agm_check_received_dim(&agm_vector_type, buf, PG_GETARG_INT32(2));
	const char *values;
	AgmVector result;

	/* All at once: one call for each value costs more than the copy. */
	values = pq_getmsgbytes(buf, (int) sizeof(float) * dim);

	result = agm_vector_new(dim);
	for (int i = 0; i < dim; i++)
	{
		uint32 bits;

		memcpy(&bits, values + sizeof(bits) * i, sizeof(bits));
		bits = pg_ntoh32(bits);
		memcpy(&result->x[i], &bits, sizeof(bits));
	}
	agm_vector_check_values(result->x, dim);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_send(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	enlargeStringInfo(&buf, 2 * sizeof(int16) + sizeof(float) * vector->dim);
	pq_writeint16(&buf, (uint16) vector->dim);
	pq_writeint16(&buf, (uint16) vector->format);
	for (int i = 0; i < vector->dim; i++)
	{
		uint32 bits;

		memcpy(&bits, &vector->x[i], sizeof(bits));
		pq_writeint32(&buf, bits);
	}

	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The length coercion of vector(n): changes nothing, only checks. */
Datum
agm_fn_vector(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR_RAW(0);
	int32 typmod = PG_GETARG_INT32(1);

	/* For its check that there is a dimension to look at. */
	(void) agm_vector_precision(vector);
	agm_vector_check_typmod(typmod, vector->dim);

	PG_RETURN_POINTER(vector);
}

/* For arrays of integer, real, double precision and numeric. */
Datum
agm_fn_array_to_vector(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int dim = agm_array_check(&agm_vector_type, array, PG_GETARG_INT32(1));
	AgmVector result = agm_vector_new(dim);

	agm_array_read(array, dim, result->x);
	agm_vector_check_values(result->x, dim);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_to_float4(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_ARRAYTYPE_P(agm_array_make(vector->x, vector->dim));
}

Datum
agm_fn_vector_to_float8(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(vector->x, vector->dim, FLOAT8OID));
}

Datum
agm_fn_vector_to_int4(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(vector->x, vector->dim, INT4OID));
}

Datum
agm_fn_vector_to_numeric(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);

	PG_RETURN_ARRAYTYPE_P(agm_array_convert(vector->x, vector->dim, NUMERICOID));
}

/*
 * array.c
 *		Vectors from arrays of numbers, and back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "utils/fmgrprotos.h"
#include "vector/array.h"

int
agm_array_check(const AgmVectorType *type, ArrayType *array, int32 typmod)
{
	int dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));

	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("array must not contain nulls")));

	agm_check_dim(type, dim);
	agm_check_typmod(typmod, dim);

	return dim;
}

void
agm_array_read(ArrayType *array, int dim, float *x)
{
	const char *data = ARR_DATA_PTR(array);

	/* Without nulls, elements of fixed length are a plain C array. */
	switch (ARR_ELEMTYPE(array))
	{
		case FLOAT4OID:
			memcpy(x, data, sizeof(float4) * dim);
			break;

		case FLOAT8OID:
			for (int i = 0; i < dim; i++)
				x[i] = (float) ((const float8 *) data)[i];
			break;

		case INT4OID:
			for (int i = 0; i < dim; i++)
				x[i] = (float) ((const int32 *) data)[i];
			break;

		case NUMERICOID:
		{
			Datum *elements;

			deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, NULL,
							  &dim);
			for (int i = 0; i < dim; i++)
				x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
			break;
		}

		default:
			elog(ERROR, "unexpected array element type: %u", ARR_ELEMTYPE(array));
	}
}

/*
 * Room for an array of elements of `width` bytes, aligned to eight.  By hand:
 * construct_array() would take the values as Datums, one by one.
 */
static ArrayType *
new_array(int dim, Oid element, Size width)
{
	Size size = ARR_OVERHEAD_NONULLS(1) + width * dim;
	ArrayType *result = (ArrayType *) palloc0(size);

	SET_VARSIZE(result, size);
	result->ndim = 1;
	result->elemtype = element;
	ARR_DIMS(result)[0] = dim;
	ARR_LBOUND(result)[0] = 1;

	return result;
}

ArrayType *
agm_array_make(const float *x, int dim)
{
	ArrayType *result = new_array(dim, FLOAT4OID, sizeof(float4));

	memcpy(ARR_DATA_PTR(result), x, sizeof(float4) * dim);

	return result;
}

/* By way of text: float4_numeric() would keep six digits. */
static ArrayType *
make_numerics(const float *x, int dim)
{
	Datum *elements = (Datum *) palloc(sizeof(Datum) * dim);
	char text[FLOAT_SHORTEST_DECIMAL_LEN];

	for (int i = 0; i < dim; i++)
	{
		float_to_shortest_decimal_buf(x[i], text);
		elements[i] = DirectFunctionCall3(numeric_in, CStringGetDatum(text),
										  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	}

	return construct_array(elements, dim, NUMERICOID, -1, false, TYPALIGN_INT);
}

ArrayType *
agm_array_convert(const float *x, int dim, Oid element)
{
	ArrayType *result;

	switch (element)
	{
		case FLOAT8OID:
			result = new_array(dim, FLOAT8OID, sizeof(float8));
			for (int i = 0; i < dim; i++)
				((float8 *) ARR_DATA_PTR(result))[i] = x[i];
			return result;

		case INT4OID:
			result = new_array(dim, INT4OID, sizeof(int32));
			for (int i = 0; i < dim; i++)
				((int32 *) ARR_DATA_PTR(result))[i] =
					DatumGetInt32(DirectFunctionCall1(ftoi4, Float4GetDatum(x[i])));
			return result;

		case NUMERICOID:
			return make_numerics(x, dim);

		default:
			elog(ERROR, "unexpected array element type: %u", element);
	}
}

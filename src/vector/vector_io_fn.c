/*
 * vector_io_fn.c
 *		The vector type to and from the outside: text, binary, type modifier, casts.
 *
 * Both formats are pgvector's.  Whatever comes in is checked here, once: 1 to
 * AGM_VECTOR_MAX_DIM finite values, as many as the type modifier says.  The rest of
 * the code relies on it.  How numbers are read fast and right: README.md, "Reading
 * text".
 */
#include "postgres.h"

#include <math.h>

#include "base/compat.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "port/pg_bswap.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"
#include "vector/vector.h"

PG_FUNCTION_INFO_V1(agm_fn_vector_in);
PG_FUNCTION_INFO_V1(agm_fn_vector_out);
PG_FUNCTION_INFO_V1(agm_fn_vector_typmod_in);
PG_FUNCTION_INFO_V1(agm_fn_vector_recv);
PG_FUNCTION_INFO_V1(agm_fn_vector_send);
PG_FUNCTION_INFO_V1(agm_fn_vector);
PG_FUNCTION_INFO_V1(agm_fn_array_to_vector);
PG_FUNCTION_INFO_V1(agm_fn_vector_to_float4);

/* The digits that a uint64 holds, whatever they are. */
#define MAX_DIGITS 19

/*
 * The powers of ten that read_decimal() knows: a double holds 1e0 to 1e22 exactly, and
 * 19 digits with 19 zeros behind them are still below FLT_MAX.
 */
#define MIN_POWER (-22)
#define MAX_POWER 19

static const double powers_of_ten[] = {
	1e0,  1e1,	1e2,  1e3,	1e4,  1e5,	1e6,  1e7,	1e8,  1e9,	1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* The bits that a double has and a float has not; half of their range is a tie. */
#define EXTRA_BITS 29
#define EXTRA_MASK ((UINT64CONST(1) << EXTRA_BITS) - 1)
#define EXTRA_TIE (UINT64CONST(1) << (EXTRA_BITS - 1))

/* More than the distance, in units of the last bit, of our double from the truth. */
#define DOUBLE_ERROR 3

/* Like the scanner's, so that the locale has no say. */
static inline bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline const char *
skip_spaces(const char *at)
{
	while (is_space(*at))
		at++;
	return at;
}

static inline bool
ends_element(char c)
{
	return c == ',' || c == ']' || is_space(c);
}

/*
 * Reads an ordinary decimal number at `at`, correctly rounded, and returns its end.
 * NULL if it is anything else, or if the rounding could be in doubt; that says nothing
 * about whether the text is a number.
 */
static inline const char *
read_decimal(const char *at, float *result)
{
	bool negative = (*at == '-');
	uint64 digits = 0;
	int power = 0;
	const char *start;
	const char *point = NULL;
	double value;
	uint64 bits;
	uint64 extra;
	int ndigits;

	if (negative)
		at++;

	/* `digits` may wrap around: that is found by counting, once, instead of at each digit. */
	start = at;
	while (is_digit(*at))
		digits = digits * 10 + (uint64) (*at++ - '0');
	ndigits = (int) (at - start);

	if (*at == '.')
	{
		point = at++;
		while (is_digit(*at))
			digits = digits * 10 + (uint64) (*at++ - '0');
		power = -(int) (at - point - 1);
		ndigits -= power;
	}

	if (ndigits == 0)
		return NULL;

	if (unlikely(ndigits > MAX_DIGITS))
	{
		/* Zeros in front did not fill the uint64. */
		for (const char *c = start; *c == '0' || c == point; c++)
			ndigits -= (*c == '0');
		if (ndigits > MAX_DIGITS)
			return NULL;
	}

	if (*at == 'e' || *at == 'E')
	{
		bool negative_exponent;
		int exponent;

		at++;
		negative_exponent = (*at == '-');
		if (*at == '-' || *at == '+')
			at++;

		/* Two digits are enough for the powers we know; a third cannot end the element. */
		if (!is_digit(*at))
			return NULL;
		exponent = *at++ - '0';
		if (is_digit(*at))
			exponent = exponent * 10 + (*at++ - '0');

		power += negative_exponent ? -exponent : exponent;
	}

	/* "0x1", "1e400" and the like begin like a decimal, but go on. */
	if (!ends_element(*at) || power < MIN_POWER || power > MAX_POWER)
		return NULL;

	if (power < 0)
		value = (double) digits / powers_of_ten[-power];
	else
		value = (double) digits * powers_of_ten[power];

	/*
	 * Two roundings got us here, so that the truth is less than DOUBLE_ERROR away.  The
	 * third one, to float, is right unless a tie of two floats lies between.
	 */
	memcpy(&bits, &value, sizeof(bits));
	extra = bits & EXTRA_MASK;
	if (unlikely(extra >= EXTRA_TIE - DOUBLE_ERROR && extra <= EXTRA_TIE + DOUBLE_ERROR))
		return NULL;

	*result = negative ? -(float) value : (float) value;
	return at;
}

/* Does not return.  The whole text is shown, for the user to find it among many values. */
static void
syntax_error(const char *text, const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					errmsg("invalid input syntax for type vector: \"%s\"", text),
					errdetail_internal("%s", detail)));
}

/* Reads element number `element` (from 1) at `at` in `text`, and returns its end. */
static const char *
read_element(const char *text, const char *at, int element, float *result)
{
	const char *end = read_decimal(at, result);
	char *strtof_end;

	if (likely(end != NULL))
		return end;

	/*
	 * strtof, like float4in: reading a double and rounding that to float would round
	 * twice.  LC_NUMERIC is always C in a server.
	 */
	errno = 0;
	*result = strtof(at, &strtof_end);

	if (strtof_end == at)
		syntax_error(text, psprintf("Element %d is not a number.", element));

	/* A number too small for a float is zero, one too large is the user's mistake. */
	if (errno == ERANGE && isinf(*result))
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						errmsg("\"%s\" is out of range for type vector",
							   pnstrdup(at, (Size) (strtof_end - at)))));

	agm_vector_check_values(result, 1);

	return strtof_end;
}

Datum
agm_fn_vector_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	int32 typmod = PG_GETARG_INT32(2);
	float x[AGM_VECTOR_MAX_DIM]; /* only as much of the stack is touched as is used */
	int dim = 0;
	const char *at;
	AgmVector result;

	at = skip_spaces(text);
	if (*at != '[')
		syntax_error(text, "Vector contents must start with \"[\".");
	at = skip_spaces(at + 1);

	/* Empty, rather than malformed: let the dimension check say so. */
	if (*at == ']')
		agm_vector_check_dim(0);

	for (;;)
	{
		if (dim == AGM_VECTOR_MAX_DIM)
			agm_vector_check_dim(dim + 1);

		at = read_element(text, skip_spaces(at), dim + 1, &x[dim]);
		dim++;

		at = skip_spaces(at);
		if (*at == ']')
			break;
		if (*at != ',')
			syntax_error(text, psprintf("Expected \",\" or \"]\" after element %d.", dim));
		at++;
	}

	at = skip_spaces(at + 1);
	if (*at != '\0')
		syntax_error(text, "Junk after closing \"]\".");

	agm_vector_check_typmod(typmod, dim);

	result = agm_vector_new(dim);
	memcpy(result->x, x, sizeof(float) * dim);

	PG_RETURN_POINTER(result);
}

/* The shortest text that reads back to the same bits; extra_float_digits has no say. */
Datum
agm_fn_vector_out(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	char *text;
	char *end;

	/* FLOAT_SHORTEST_DECIMAL_LEN counts a zero at the end, which pays for the comma. */
	text = end = palloc(vector->dim * FLOAT_SHORTEST_DECIMAL_LEN + strlen("[]") + 1);

	*end++ = '[';
	for (int i = 0; i < vector->dim; i++)
	{
		if (i > 0)
			*end++ = ',';
		end += float_to_shortest_decimal_bufn(vector->x[i], end);
	}
	*end++ = ']';
	*end = '\0';

	PG_RETURN_CSTRING(text);
}

/* vector(n) is the integer n; the default output of a type modifier fits it. */
Datum
agm_fn_vector_typmod_in(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int n;
	int32 *modifiers = ArrayGetIntegerTypmods(array, &n);

	if (n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier"),
				 errdetail("Type vector takes one modifier, the number of dimensions.")));

	if (modifiers[0] < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("dimensions for type vector must be at least 1")));

	if (modifiers[0] > AGM_VECTOR_MAX_DIM)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("dimensions for type vector cannot exceed %d", AGM_VECTOR_MAX_DIM)));

	PG_RETURN_INT32(modifiers[0]);
}

/* Two int16 (dimension, zero) and the float4s, all in network order. */
Datum
agm_fn_vector_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int32 typmod = PG_GETARG_INT32(2);
	int dim = (int) pq_getmsgint(buf, sizeof(int16));
	int unused = (int) pq_getmsgint(buf, sizeof(int16));
	const char *values;
	AgmVector result;

	agm_vector_check_dim(dim);
	agm_vector_check_typmod(typmod, dim);

	if (unused != 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected unused to be 0, not %d", unused)));

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

	agm_vector_check_typmod(typmod, vector->dim);

	PG_RETURN_POINTER(vector);
}

/* For arrays of integer, real, double precision and numeric. */
Datum
agm_fn_array_to_vector(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int32 typmod = PG_GETARG_INT32(1);
	const char *data = ARR_DATA_PTR(array);
	int dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	AgmVector result;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be 1-D")));

	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("array must not contain nulls")));

	agm_vector_check_dim(dim);
	agm_vector_check_typmod(typmod, dim);

	/* Without nulls, elements of fixed length are a plain C array. */
	result = agm_vector_new(dim);
	switch (ARR_ELEMTYPE(array))
	{
		case FLOAT4OID:
			memcpy(result->x, data, sizeof(float4) * dim);
			break;

		case FLOAT8OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = (float) ((const float8 *) data)[i];
			break;

		case INT4OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = (float) ((const int32 *) data)[i];
			break;

		case NUMERICOID:
		{
			Datum *elements;

			deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &elements, NULL,
							  &dim);
			for (int i = 0; i < dim; i++)
				result->x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, elements[i]));
			break;
		}

		default:
			elog(ERROR, "unexpected array element type: %u", ARR_ELEMTYPE(array));
	}
	agm_vector_check_values(result->x, dim);

	PG_RETURN_POINTER(result);
}

Datum
agm_fn_vector_to_float4(PG_FUNCTION_ARGS)
{
	AgmVector vector = PG_GETARG_AGM_VECTOR(0);
	Datum *elements = (Datum *) palloc(sizeof(Datum) * vector->dim);

	for (int i = 0; i < vector->dim; i++)
		elements[i] = Float4GetDatum(vector->x[i]);

	PG_RETURN_ARRAYTYPE_P(
		construct_array(elements, vector->dim, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT));
}

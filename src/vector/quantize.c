/*
 * quantize.c
 *		Vectors in 16, 8 and 1 bit a dimension.
 *
 * Each scale is chosen so that a value read back is exact in a float, and that
 * quantizing it again gives the same bytes.  Why both hold: README.md, "Precision".
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "base/compat.h"
#include "vector/half.h"
#include "vector/kernels.h"
#include "vector/quantize.h"

/* Of the exponents that quantize_16() can choose. */
#define EXPONENT_MIN (-164)
#define EXPONENT_MAX 112

#define INT8_CODE_MAX 127

/* Values that are scaled at once. */
#define BLOCK 16

/* Up to here 16 significant bits of a scale would be too fine for a float. */
#define INT8_POWER_OF_TWO_MAX (INT8_CODE_MAX * 0x1p-127)

static Size
codes_size(int dim, int bits)
{
	return ((Size) dim * bits + 7) / 8;
}

static AgmQuantizedData *
new_quantized(int dim, int bits)
{
	Size size = offsetof(AgmQuantizedData, codes) + codes_size(dim, bits);
	AgmQuantizedData *result = (AgmQuantizedData *) palloc0(size);

	SET_VARSIZE(result, size);
	result->dim = (int16) dim;
	result->format = AGM_QUANTIZED_FORMAT(bits);

	return result;
}

static float
largest_magnitude(const AgmVectorData *vector)
{
	float largest = 0.0f;

	for (int i = 0; i < vector->dim; i++)
		largest = Max(largest, fabsf(vector->x[i]));

	return largest;
}

/*
 * The largest value, rounded to the 11 bits of a half, gets the highest exponent that a
 * half has: smaller ones keep as many bits as there can be.
 */
static void
quantize_16(const AgmVectorData *vector, AgmQuantizedData *result)
{
	float largest = largest_magnitude(vector);
	int exponent = 0;
	double factor;
	float *scaled;

	if (largest > 0.0f)
	{
		double fraction = frexp(largest, &exponent);

		/* Rounded up to a power of two, except where that is no float. */
		if (rint(ldexp(fraction, 11)) == 2048.0 && exponent < FLT_MAX_EXP)
			exponent++;
		exponent -= 16;
	}
	result->scale.exponent = exponent;

	factor = ldexp(1.0, -exponent);
	scaled = (float *) palloc(sizeof(float) * vector->dim);
	for (int i = 0; i < vector->dim; i++)
	{
		double x = vector->x[i] * factor;

		scaled[i] = (float) Max(Min(x, AGM_HALF_MAX), -AGM_HALF_MAX);
	}
	agm_kernels->float_to_half(scaled, (uint16 *) result->codes, vector->dim);
	pfree(scaled);
}

static void
dequantize_16(const AgmQuantizedData *quantized, AgmVector result)
{
	int exponent = quantized->scale.exponent;
	double factor = ldexp(1.0, exponent);
	int i = 0;

	agm_kernels->half_to_float((const uint16 *) quantized->codes, result->x, result->dim);

	/* Where the factor is a float, a product of floats is rounded no differently. */
	if (exponent >= FLT_MIN_EXP - FLT_MANT_DIG)
	{
		float float_factor = (float) factor;

		/* A loop of known length, which compilers make a few instructions of. */
		for (; i + BLOCK <= result->dim; i += BLOCK)
			for (int j = 0; j < BLOCK; j++)
				result->x[i + j] *= float_factor;
	}

	for (; i < result->dim; i++)
		result->x[i] = (float) (result->x[i] * factor);
}

static float
int8_scale(float largest)
{
	double ideal = (double) largest / INT8_CODE_MAX;
	double fraction;
	int exponent;
	double scale;

	if (largest == 0.0f)
		return 0.0f;

	fraction = frexp(ideal, &exponent);

	if (largest <= INT8_POWER_OF_TWO_MAX)
	{
		/* 2^exponent is above `ideal` unless that is the power of two below it. */
		if (fraction == 0.5)
			exponent--;
		return (float) ldexp(1.0, Max(exponent, FLT_MIN_EXP - FLT_MANT_DIG));
	}

	scale = ldexp(ceil(ldexp(fraction, 16)), exponent - 16);
	if (scale * INT8_CODE_MAX > FLT_MAX)
		scale = ldexp(floor(ldexp(fraction, 16)), exponent - 16);
	return (float) scale;
}

static void
quantize_8(const AgmVectorData *vector, AgmQuantizedData *result)
{
	float scale = int8_scale(largest_magnitude(vector));
	int8 *codes = (int8 *) result->codes;

	result->scale.value = scale;
	if (scale == 0.0f)
		return;
	for (int i = 0; i < vector->dim; i++)
		codes[i] = (int8) rint((double) vector->x[i] / scale);
}

static void
quantize_1(const AgmVectorData *vector, AgmQuantizedData *result)
{
	double sum = 0.0;
	float scale;

	for (int i = 0; i < vector->dim; i++)
		sum += fabsf(vector->x[i]);
	scale = (float) (sum / vector->dim);
	result->scale.value = scale;

	/* Where nothing is left every value is 0, and not -0. */
	for (int i = 0; i < vector->dim; i++)
		if (vector->x[i] > 0.0f || scale == 0.0f)
			result->codes[i / 8] |= (uint8) (0x80 >> i % 8);
}

static void
dequantize_1(const AgmQuantizedData *quantized, AgmVector result)
{
	float scale = quantized->scale.value;
	float values[16][4]; /* of the bits of half a byte */
	int i = 0;

	for (int bits = 0; bits < 16; bits++)
		for (int j = 0; j < 4; j++)
			values[bits][j] = bits >> (3 - j) & 1 ? scale : -scale;

	for (; i + 8 <= result->dim; i += 8)
	{
		uint8 byte = quantized->codes[i / 8];

		memcpy(result->x + i, values[byte >> 4], sizeof(values[0]));
		memcpy(result->x + i + 4, values[byte & 15], sizeof(values[0]));
	}
	for (; i < result->dim; i++)
		result->x[i] = quantized->codes[i / 8] >> (7 - i % 8) & 1 ? scale : -scale;
}

AgmVector
agm_vector_quantize(const AgmVectorData *vector, int bits)
{
	AgmQuantizedData *result = new_quantized(vector->dim, bits);

	switch (bits)
	{
		case 16:
			quantize_16(vector, result);
			break;
		case 8:
			quantize_8(vector, result);
			break;
		case 1:
			quantize_1(vector, result);
			break;
		default:
			elog(ERROR, "unexpected precision: %d", bits);
	}

	return (AgmVector) result;
}

/* Does not return. */
static void
corrupted(const char *detail)
{
	ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED), errmsg("vector is corrupted"),
					errdetail_internal("%s", detail),
					errhint("Restore the row from a backup, or embed its text again.")));
}

/* Whether a value of the scale times any code is a float. */
static bool
scale_is_valid(const AgmQuantizedData *quantized, int bits)
{
	float scale = quantized->scale.value;

	switch (bits)
	{
		case 16:
			return quantized->scale.exponent >= EXPONENT_MIN &&
				   quantized->scale.exponent <= EXPONENT_MAX;
		case 8:
			return scale >= 0.0f && (double) scale * INT8_CODE_MAX <= FLT_MAX;
		default:
			return scale >= 0.0f && scale <= FLT_MAX;
	}
}

int
agm_vector_precision(const AgmVectorData *stored)
{
	const AgmQuantizedData *quantized = (const AgmQuantizedData *) stored;
	Size size = VARSIZE(stored);
	int bits;

	if (size < offsetof(AgmVectorData, x))
		corrupted("It is shorter than its header.");

	if (stored->dim < 1 || stored->dim > AGM_VECTOR_MAX_DIM)
		corrupted(psprintf("It has %d dimensions.", stored->dim));

	if (stored->format == 0)
	{
		if (size != AGM_VECTOR_SIZE((Size) stored->dim))
			corrupted(psprintf("%d dimensions do not take %zu bytes.", stored->dim, size));
		return 32;
	}

	bits = AGM_QUANTIZED_BITS(stored->format);
	if (stored->format != AGM_QUANTIZED_FORMAT(bits) || (bits != 16 && bits != 8 && bits != 1))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("vector has an unknown format: 0x%04x", (uint16) stored->format),
				 errhint("It is damaged, or was written by a newer version of agentmem.")));

	if (size != offsetof(AgmQuantizedData, codes) + codes_size(stored->dim, bits))
		corrupted(psprintf("%d dimensions of %d bits do not take %zu bytes.", stored->dim, bits,
						   size));
	if (!scale_is_valid(quantized, bits))
		corrupted("Its scale is out of range.");

	return bits;
}

#ifdef USE_ASSERT_CHECKING
/* What the checks of every access leave out because they would have to read all codes. */
static void
check_codes(const AgmQuantizedData *quantized, int bits)
{
	const uint16 *halves = (const uint16 *) quantized->codes;
	int dim = quantized->dim;

	if (bits == 16)
	{
		for (int i = 0; i < dim; i++)
			if (!agm_half_is_finite(halves[i]))
				corrupted(psprintf("Value %d is not finite.", i + 1));
	}
	else if (bits == 8)
	{
		for (int i = 0; i < dim; i++)
			if ((int8) quantized->codes[i] < -INT8_CODE_MAX)
				corrupted(psprintf("Code %d is out of range.", i + 1));
	}
	else if (dim % 8 != 0 && (uint8) (quantized->codes[dim / 8] << dim % 8) != 0)
		corrupted("The bits behind the last dimension are not zero.");
}
#endif

AgmVector
agm_vector_to_single(Datum datum, AgmVector stored)
{
	const AgmQuantizedData *quantized = (const AgmQuantizedData *) stored;
	int bits = agm_vector_precision(stored);
	AgmVector result;

	if (bits == 32)
		return stored;

#ifdef USE_ASSERT_CHECKING
	check_codes(quantized, bits);
#endif

	result = agm_vector_new(stored->dim);
	if (bits == 16)
		dequantize_16(quantized, result);
	else if (bits == 8)
		agm_kernels->int8_to_float((const int8 *) quantized->codes, quantized->scale.value,
								   result->x, result->dim);
	else
		dequantize_1(quantized, result);

	/* A caller who frees copies would not see this one. */
	if ((Pointer) stored != DatumGetPointer(datum))
		pfree(stored);

	return result;
}

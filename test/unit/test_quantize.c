/*
 * test_quantize.c
 *		Vectors in fewer bits: the bounds of README.md, "Precision", and that a value read
 *		back and quantized again is the same bytes.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "unit.h"
#include "vector/quantize.h"
#include "vector/vector.h"

#define MAX_DIM 16000

static uint64 random_state;

static uint64
next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64CONST(2685821657736338717);
}

/* -1 to 1. */
static float
next_value(void)
{
	return (float) (int32) (next_random() >> 32) / 2147483648.0f;
}

/* Any finite float, each of its bits as likely as any other. */
static float
next_float(void)
{
	float value;

	do
	{
		uint32 bits = (uint32) (next_random() >> 32);

		memcpy(&value, &bits, sizeof(value));
	} while (!isfinite(value));
	return value;
}

/* The families of vectors; `i` counts the dimensions. */
typedef float (*Family)(int i);

static float
ordinary(int i pg_attribute_unused())
{
	return next_value();
}

static float
any_float(int i pg_attribute_unused())
{
	return next_float();
}

static float
denormal(int i pg_attribute_unused())
{
	return next_value() * 0x1p-130f;
}

/* A few units of the smallest float there is. */
static float
smallest(int i pg_attribute_unused())
{
	return (float) ((int) (next_random() >> 60) - 8) * 0x1p-149f;
}

/* Around the place where the scale of 8 bits becomes a power of two. */
static float
border(int i pg_attribute_unused())
{
	return next_value() * 0x1p-119f;
}

static float
huge(int i)
{
	return i % 3 == 0 ? FLT_MAX : -FLT_MAX * next_value();
}

/* Below FLT_MAX, where a rounded maximum may be too large for a float. */
static float
nearly_huge(int i)
{
	uint32 bits = 0x7f7fffff - (uint32) (next_random() >> 48);
	float value;

	memcpy(&value, &bits, sizeof(value));
	return i % 2 == 0 ? value : -value;
}

static float
mixed(int i pg_attribute_unused())
{
	return ldexpf(next_value(), (int) (next_random() >> 57) - 64);
}

static float
all_equal(int i pg_attribute_unused())
{
	return -0.1f;
}

static float
zero(int i)
{
	return i % 2 == 0 ? 0.0f : -0.0f;
}

static float
one_hot(int i)
{
	return i == 0 ? 0.3f : 0.0f;
}

static const struct
{
	const char *name;
	Family next;
} families[] = {
	{"ordinary values", ordinary},
	{"any floats", any_float},
	{"denormal values", denormal},
	{"the smallest values", smallest},
	{"values at the border of denormal scales", border},
	{"the largest values", huge},
	{"values below the largest", nearly_huge},
	{"values of mixed magnitudes", mixed},
	{"equal values", all_equal},
	{"zeros", zero},
	{"one value", one_hot},
};

static const int bits_of[] = {16, 8, 1};

static AgmVector
make(Family next, int dim)
{
	AgmVector vector = agm_vector_new(dim);

	for (int i = 0; i < dim; i++)
		vector->x[i] = next(i);
	return vector;
}

static bool
same_bytes(AgmVector a, AgmVector b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

static float
largest_magnitude(AgmVector vector)
{
	float largest = 0.0f;

	for (int i = 0; i < vector->dim; i++)
		largest = Max(largest, fabsf(vector->x[i]));
	return largest;
}

/* 2^-11 of the value, or half of what the last bit of the smallest half means. */
static bool
within_bound_16(AgmVector vector, AgmVector back)
{
	double largest = largest_magnitude(vector);

	for (int i = 0; i < vector->dim; i++)
	{
		double error = fabs((double) vector->x[i] - back->x[i]);

		if (!(error <= fabs(vector->x[i]) * 0x1p-11 || error <= largest * 0x1p-40))
			return false;
	}
	return true;
}

/* Half of the scale; the scale is at most a little, and for denormal values twice, the ideal. */
static bool
within_bound_8(AgmVector vector, AgmVector back, const AgmQuantizedData *quantized)
{
	double scale = quantized->scale.value;
	double largest = largest_magnitude(vector);
	double limit = largest > 127 * 0x1p-127 ? largest / 127 * (1 + 0x1p-14)
											: Max(largest / 127 * 2, 0x1p-149);

	if (scale > limit)
		return false;
	for (int i = 0; i < vector->dim; i++)
		if (!(fabs((double) vector->x[i] - back->x[i]) <= scale * (0.5 + 1e-9) ||
			  (fabsf(vector->x[i]) > FLT_MAX * (1 - 0x1p-14f) &&
			   fabs((double) vector->x[i] - back->x[i]) <= scale * 0x1p-7)))
			return false;
	return true;
}

/* One scale for all is off by |v|^2 - n scale^2 in all, which no other scale makes less. */
static bool
within_bound_1(AgmVector vector, AgmVector back, const AgmQuantizedData *quantized)
{
	double scale = quantized->scale.value;
	double error = 0.0;
	double square = 0.0;

	for (int i = 0; i < vector->dim; i++)
	{
		double difference = (double) vector->x[i] - back->x[i];

		error += difference * difference;
		square += (double) vector->x[i] * vector->x[i];
		if (fabsf(back->x[i]) != scale ||
			(scale > 0.0 && (vector->x[i] > 0.0f) != (back->x[i] > 0.0f)))
			return false;
	}

	/* The scale is rounded to a float, at the denormal end to a coarse one. */
	return error <= square - vector->dim * scale * scale +
						(1e-5 * square + vector->dim * (2 * scale + 0x1p-149) * 0x1p-149);
}

/* What is wrong with the vector in so many bits, or NULL. */
static const char *
find_fault(AgmVector vector, int bits)
{
	AgmVector stored = agm_vector_quantize(vector, bits);
	const AgmQuantizedData *quantized = (const AgmQuantizedData *) stored;
	AgmVector back;
	bool good;

	if (agm_vector_precision(stored) != bits)
		return "precision";
	if (VARSIZE(stored) != (Size) (12 + (vector->dim * bits + 7) / 8))
		return "size";

	back = agm_vector_from_datum(PointerGetDatum(stored));
	if (back == stored || back->format != 0 || back->dim != vector->dim)
		return "reading back";
	for (int i = 0; i < back->dim; i++)
		if (!isfinite(back->x[i]))
			return "finite values";

	if (bits == 16)
		good = within_bound_16(vector, back);
	else if (bits == 8)
		good = within_bound_8(vector, back, quantized);
	else
		good = within_bound_1(vector, back, quantized);
	if (!good)
		return "bound of the error";

	return same_bytes(stored, agm_vector_quantize(back, bits)) ? NULL : "quantizing again";
}

static int
next_dim(int dim)
{
	if (dim < 130)
		return dim + 1;
	if (dim < 384)
		return 384;
	return dim < MAX_DIM ? MAX_DIM : -1;
}

static void
check_family(const char *name, Family next, int bits)
{
	const char *fault = NULL;
	int wrong_dim = 0;

	for (int dim = 1; dim > 0 && fault == NULL; dim = next_dim(dim))
	{
		for (int round = 0; round < 8 && fault == NULL; round++)
		{
			random_state = UINT64CONST(88172645463325252) + dim * 16 + round;
			fault = find_fault(make(next, dim), bits);
			wrong_dim = dim;
		}
	}
	UNIT_CHECK(fault == NULL, "%s in %d bits (first fault: %s, %d dimensions)", name, bits,
			   fault == NULL ? "none" : fault, fault == NULL ? 0 : wrong_dim);
}

/* The formats are stored: their bytes are for ever. */
static void
check_bytes(void)
{
	AgmVector vector = agm_vector_new(3);
	AgmQuantizedData *quantized;

	vector->x[0] = -0.5f;
	vector->x[1] = -0.25f;
	vector->x[2] = 0.125f;

	quantized = (AgmQuantizedData *) agm_vector_quantize(vector, 1);
	UNIT_CHECK(quantized->format == 0x0101 && quantized->codes[0] == 0x20 &&
				   quantized->scale.value == 0.875f / 3,
			   "1 bit: the bytes");

	quantized = (AgmQuantizedData *) agm_vector_quantize(vector, 8);
	UNIT_CHECK(quantized->format == 0x0108 && (int8) quantized->codes[0] == -127 &&
				   (int8) quantized->codes[1] == -63 && (int8) quantized->codes[2] == 32 &&
				   quantized->scale.value == 33027 * 0x1p-23f,
			   "8 bits: the bytes");

	/* -0.5 = -2^15 * 2^-16; -0.25 and 0.125 one and two exponents below. */
	quantized = (AgmQuantizedData *) agm_vector_quantize(vector, 16);
	UNIT_CHECK(quantized->format == 0x0110 && quantized->scale.exponent == -16 &&
				   ((uint16 *) quantized->codes)[0] == 0xf800 &&
				   ((uint16 *) quantized->codes)[1] == 0xf400 &&
				   ((uint16 *) quantized->codes)[2] == 0x7000,
			   "16 bits: the bytes");
}

/* A vector of one dimension, in so many bits. */
static const AgmQuantizedData *
quantize_one(float value, int bits)
{
	AgmVector vector = agm_vector_new(1);

	vector->x[0] = value;
	return (const AgmQuantizedData *) agm_vector_quantize(vector, bits);
}

/* Where the rules of the scales change: random vectors seldom come there. */
static void
check_borders(void)
{
	const AgmQuantizedData *quantized;
	float border = 127 * 0x1p-127f;

	/* Rounded to 11 bits it is 2, and takes the exponent of 2; a little less is below. */
	quantized = quantize_one(2 - 0x1p-11f, 16);
	UNIT_CHECK(quantized->scale.exponent == -14 && *(const uint16 *) quantized->codes == 0x7800,
			   "16 bits: a value that is rounded up to a power of two");
	quantized = quantize_one(2 - 0x1p-11f - 0x1p-20f, 16);
	UNIT_CHECK(quantized->scale.exponent == -15 && *(const uint16 *) quantized->codes == 0x7bff,
			   "16 bits: a value that is just not");
	quantized = quantize_one(FLT_MAX, 16);
	UNIT_CHECK(quantized->scale.exponent == 112 && *(const uint16 *) quantized->codes == 0x7bff,
			   "16 bits: the largest float");
	quantized = quantize_one(-0x1p-149f, 16);
	UNIT_CHECK(quantized->scale.exponent == -164 &&
				   *(const uint16 *) quantized->codes == 0xf800,
			   "16 bits: the smallest float");

	quantized = quantize_one(border, 8);
	UNIT_CHECK(quantized->scale.value == 0x1p-127f && quantized->codes[0] == 127,
			   "8 bits: the last scale that is a power of two");
	quantized = quantize_one(nextafterf(border, 1.0f), 8);
	UNIT_CHECK(quantized->scale.value == 0x1p-127f + 0x1p-142f && quantized->codes[0] == 127,
			   "8 bits: the first scale of 16 bits");
	quantized = quantize_one(FLT_MAX, 8);
	UNIT_CHECK(quantized->scale.value == 33026 * 0x1p106f && quantized->codes[0] == 127,
			   "8 bits: a scale that is rounded down");

	quantized = quantize_one(-0.0f, 1);
	UNIT_CHECK(quantized->scale.value == 0.0f && quantized->codes[0] == 0x80,
			   "1 bit: minus zero is zero");
}

#ifdef USE_ASSERT_CHECKING
/* Whether reading a stored value says that it is damaged. */
static bool
is_refused(AgmVector stored)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool refused = false;

	PG_TRY();
	{
		agm_vector_from_datum(PointerGetDatum(stored));
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		refused = error->sqlerrcode == ERRCODE_DATA_CORRUPTED;
	}
	PG_END_TRY();

	return refused;
}

/* Codes that quantizing never gives, at every place: only a build with assertions looks. */
static void
check_damaged_codes(void)
{
	static const uint16 halves[] = {0x7c00, 0xfc00, 0x7e00, 0x7c01, 0xffff};
	bool refused[3] = {true, true, true};
	bool accepted = true;

	for (int dim = 1; dim <= 40; dim++)
	{
		AgmVector vector = make(ordinary, dim);

		for (int i = 0; i < dim; i++)
		{
			AgmVector stored = agm_vector_quantize(vector, 16);

			accepted &= !is_refused(stored);
			((uint16 *) ((AgmQuantizedData *) stored)->codes)[i] = halves[i % lengthof(halves)];
			refused[0] &= is_refused(stored);

			stored = agm_vector_quantize(vector, 8);
			accepted &= !is_refused(stored);
			((AgmQuantizedData *) stored)->codes[i] = 0x80;
			refused[1] &= is_refused(stored);
		}

		for (int bit = dim; bit % 8 != 0; bit++)
		{
			AgmVector stored = agm_vector_quantize(vector, 1);

			accepted &= !is_refused(stored);
			((AgmQuantizedData *) stored)->codes[bit / 8] |= 0x80 >> bit % 8;
			refused[2] &= is_refused(stored);
		}
	}

	UNIT_CHECK(accepted, "codes that are whole are read");
	UNIT_CHECK(refused[0], "16 bits: a half that is infinite or NaN is damage");
	UNIT_CHECK(refused[1], "8 bits: the code -128 is damage");
	UNIT_CHECK(refused[2], "1 bit: a bit behind the last dimension is damage");
}
#endif

void
agm_unit_quantize(void)
{
	for (int f = 0; f < (int) lengthof(families); f++)
		for (int b = 0; b < (int) lengthof(bits_of); b++)
			check_family(families[f].name, families[f].next, bits_of[b]);
	check_bytes();
	check_borders();
#ifdef USE_ASSERT_CHECKING
	check_damaged_codes();
#endif
}

/*
 * rotation.c
 *		Random orthogonal transforms out of sign flips, Hadamard transforms and butterflies.
 *
 * A Hadamard transform spreads each element over all, but only for powers of two; so each
 * round transforms as many elements as it can, in even rounds those at the front and in odd
 * rounds those at the back.  After both, when each element has been spread over some, the
 * front half of the vector is mixed with the back half.  (Before, that would leave half of
 * an element in the part that the next round does not reach, again and again.)  Each of
 * these is orthonormal, and its own inverse.
 *
 * Signs come from the seed and decide everything; they are a format, and so is the order
 * of the operations.  No product is added to anything, so that no compiler may fuse, and
 * the kernels used here promise the same bits on every table.
 */
#include "postgres.h"

#include <math.h>

#include "vector/kernels.h"
#include "vector/rotation.h"

/* Signs are drawn so many at a time. */
#define WORD_BITS 64

/*
 * The generator SplitMix64: G. L. Steele, D. Lea, C. H. Flood, "Fast Splittable Pseudorandom
 * Number Generators", OOPSLA 2014, with the constants of its mix64variant13.  PostgreSQL's
 * own generator may change from one major to the next.
 */
uint64
agm_splitmix64(uint64 *state)
{
	uint64 z = (*state += UINT64CONST(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int
largest_power(int dim)
{
	int power = 1;

	while (power * 2 <= dim)
		power *= 2;
	return power;
}

/* Bytes that hold the signs of n elements: whole words of the generator. */
static Size
sign_bytes(int n)
{
	return (Size) ((n + WORD_BITS - 1) / WORD_BITS) * sizeof(uint64);
}

static Size
round_bytes(int dim)
{
	int power = largest_power(dim);

	return sign_bytes(power) + sign_bytes(dim - power);
}

Size
agm_rotation_size(int dim)
{
	return offsetof(AgmRotation, signs) + AGM_ROTATION_ROUNDS * round_bytes(dim);
}

void
agm_rotation_init(AgmRotation *rotation, int dim, uint64 seed)
{
	uint64 state = seed;
	uint8 *next = rotation->signs;

	Assert(dim >= 1 && dim <= AGM_ROTATION_MAX_DIM);
	rotation->dim = dim;
	rotation->power = largest_power(dim);
	rotation->scale = (float) (1.0 / sqrt(rotation->power));
	rotation->rest_offset = sign_bytes(rotation->power);
	rotation->round_stride = round_bytes(dim);

	/* Lowest byte first, whatever the processor's order. */
	while (next < rotation->signs + AGM_ROTATION_ROUNDS * rotation->round_stride)
	{
		uint64 word = agm_splitmix64(&state);

		for (int i = 0; i < (int) sizeof(word); i++)
			*next++ = (uint8) (word >> (8 * i));
	}
}

AgmRotation *
agm_rotation_new(int dim, uint64 seed)
{
	AgmRotation *rotation = palloc(agm_rotation_size(dim));

	agm_rotation_init(rotation, dim, seed);
	return rotation;
}

/* The elements of a round: those that are transformed, and the others. */
typedef struct RoundParts
{
	int start; /* the first that is transformed */
	int rest;  /* the first of the others */
	const uint8 *start_signs;
	const uint8 *rest_signs;
} RoundParts;

static RoundParts
round_parts(const AgmRotation *rotation, int round)
{
	RoundParts parts;

	parts.start = round % 2 == 0 ? 0 : rotation->dim - rotation->power;
	parts.rest = round % 2 == 0 ? rotation->power : 0;
	parts.start_signs = rotation->signs + round * rotation->round_stride;
	parts.rest_signs = parts.start_signs + rotation->rest_offset;
	return parts;
}

/* The scale of the Hadamard transform goes with the signs, which pass over the data anyway. */
static void
flip_signs(const AgmRotation *rotation, RoundParts parts, const float *in, float *out)
{
	agm_kernels->flip_signs(in + parts.start, parts.start_signs, rotation->scale,
							out + parts.start, rotation->power);
	agm_kernels->flip_signs(in + parts.rest, parts.rest_signs, 1.0f, out + parts.rest,
							rotation->dim - rotation->power);
}

/* Where the transform reaches every element, there is nothing left to mix. */
static void
mix_halves(const AgmRotation *rotation, int round, float *x)
{
	int half = rotation->dim / 2;

	if (round % 2 == 1 && rotation->dim != rotation->power)
		agm_kernels->butterfly(x, x + rotation->dim - half, (float) M_SQRT1_2, half);
}

void
agm_rotation_apply(const AgmRotation *rotation, const float *in, float *out)
{
	for (int round = 0; round < AGM_ROTATION_ROUNDS; round++)
	{
		RoundParts parts = round_parts(rotation, round);

		flip_signs(rotation, parts, round == 0 ? in : out, out);
		agm_kernels->hadamard(out + parts.start, rotation->power);
		mix_halves(rotation, round, out);
	}
}

/* The same parts from the last to the first. */
void
agm_rotation_invert(const AgmRotation *rotation, const float *in, float *out)
{
	if (out != in)
		memcpy(out, in, sizeof(float) * rotation->dim);
	for (int round = AGM_ROTATION_ROUNDS - 1; round >= 0; round--)
	{
		RoundParts parts = round_parts(rotation, round);

		mix_halves(rotation, round, out);
		agm_kernels->hadamard(out + parts.start, rotation->power);
		flip_signs(rotation, parts, out, out);
	}
}

/*
 * test_kernels.c
 *		The sums of floats and halves on every table that the processor can run, against a
 *		plain loop in double precision.  The rest is in test_codes.c and test_rotation.c.
 *
 * Lengths 0 to 130 meet every tail of every block width; 384 to 1536 are common embeddings.
 * AGM_KERNEL_ERROR is the usual bound for sums: a term is rounded three times at most, then
 * takes part in n / 16 + 5 additions at most (so many with 16 lanes, fewer with more), and
 * each of these roundings is off by FLT_EPSILON / 2 at most.
 */
#include "postgres.h"

#include <math.h>

#include "unit.h"
#include "vector/half.h"
#include "vector/simd.h"

#define MAX_DIM 16000

/* Each array is followed by NaN, which spoils the sum of a kernel that reads too far. */
typedef struct TestVectors
{
	float a[MAX_DIM + 2];
	float b[MAX_DIM + 2];
	uint16 half_a[MAX_DIM + 2];
	uint16 half_b[MAX_DIM + 2];
} TestVectors;

/* The first length to fail, or -1. */
typedef int (*LengthTest)(const AgmKernels *kernels, TestVectors *vectors);

/* xorshift64*, so that a failure can be repeated anywhere; -1 to 1. */
static float
next_value(uint64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (float) (int32) ((*state * UINT64CONST(2685821657736338717)) >> 32) / 2147483648.0f;
}

/* n values from `start` on: an odd start is aligned for nothing but a float. */
static void
fill(TestVectors *vectors, int start, int n)
{
	uint64 state = UINT64CONST(88172645463325252) + n;

	for (int i = 0; i < start; i++)
		vectors->a[i] = vectors->b[i] = NAN;
	for (int i = start; i < start + n; i++)
	{
		vectors->a[i] = next_value(&state);
		vectors->b[i] = next_value(&state);
	}
	vectors->a[start + n] = vectors->b[start + n] = NAN;
}

/* The same rounded to halves, which replace the floats, too. */
static void
fill_halves(TestVectors *vectors, int start, int n)
{
	fill(vectors, start, n);
	for (int i = 0; i <= start + n; i++)
	{
		vectors->half_a[i] = agm_float_to_half(vectors->a[i]);
		vectors->half_b[i] = agm_float_to_half(vectors->b[i]);
		vectors->a[i] = agm_half_to_float(vectors->half_a[i]);
		vectors->b[i] = agm_half_to_float(vectors->half_b[i]);
	}
}

static int
next_length(int n)
{
	static const int after[] = {384, 768, 1536, 4097, MAX_DIM};

	if (n < 130)
		return n + 1;
	for (int i = 0; i < (int) lengthof(after); i++)
		if (n < after[i])
			return after[i];
	return -1;
}

/* False for NaN, too. */
static bool
within_bound(float got, double want, double magnitude, int n)
{
	return fabs(got - want) <= AGM_KERNEL_ERROR(n) * magnitude;
}

static bool
same_bits(float a, float b)
{
	return memcmp(&a, &b, sizeof(float)) == 0;
}

static bool
dot_is_close(float got, const float *a, const float *b, int n)
{
	double want = 0.0;
	double magnitude = 0.0;

	for (int i = 0; i < n; i++)
	{
		want += (double) a[i] * b[i];
		magnitude += fabs((double) a[i] * b[i]);
	}
	return within_bound(got, want, magnitude, n);
}

static int
test_dot(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		const float *a = vectors->a + n % 2;
		const float *b = vectors->b + n % 2;
		float got;

		fill(vectors, n % 2, n);
		got = kernels->dot(a, b, n);
		if (!dot_is_close(got, a, b, n) || !same_bits(got, kernels->dot(b, a, n)) ||
			!same_bits(got, kernels->dot(a, b, n)))
			return n;
	}
	return -1;
}

static int
test_l2_squared(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		const float *a = vectors->a + n % 2;
		const float *b = vectors->b + n % 2;
		double want = 0.0;
		float got;

		fill(vectors, n % 2, n);
		for (int i = 0; i < n; i++)
			want += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
		got = kernels->l2_squared(a, b, n);
		if (!within_bound(got, want, want, n) ||
			!same_bits(got, kernels->l2_squared(b, a, n)) ||
			!same_bits(got, kernels->l2_squared(a, b, n)))
			return n;
	}
	return -1;
}

static int
test_l1(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		const float *a = vectors->a + n % 2;
		const float *b = vectors->b + n % 2;
		double want = 0.0;
		float got;

		fill(vectors, n % 2, n);
		for (int i = 0; i < n; i++)
			want += fabs((double) a[i] - b[i]);
		got = kernels->l1(a, b, n);
		if (!within_bound(got, want, want, n) || !same_bits(got, kernels->l1(b, a, n)) ||
			!same_bits(got, kernels->l1(a, b, n)))
			return n;
	}
	return -1;
}

static int
test_cosine_sums(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		const float *a = vectors->a + n % 2;
		const float *b = vectors->b + n % 2;
		AgmCosineSums got;

		fill(vectors, n % 2, n);
		got = kernels->cosine_sums(a, b, n);
		if (!same_bits(got.dot, kernels->dot(a, b, n)) ||
			!same_bits(got.a_squared, kernels->dot(a, a, n)) ||
			!same_bits(got.b_squared, kernels->dot(b, b, n)))
			return n;
	}
	return -1;
}

static bool
same_sums(AgmCosineSums x, AgmCosineSums y)
{
	return same_bits(x.dot, y.dot) && same_bits(x.a_squared, y.a_squared) &&
		   same_bits(x.b_squared, y.b_squared);
}

static int
test_halves(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		const float *a = vectors->a + n % 2;
		const float *b = vectors->b + n % 2;
		const uint16 *half_a = vectors->half_a + n % 2;
		const uint16 *half_b = vectors->half_b + n % 2;

		fill_halves(vectors, n % 2, n);
		if (!same_bits(kernels->half_dot(half_a, half_b, n), kernels->dot(a, b, n)) ||
			!same_bits(kernels->half_l2_squared(half_a, half_b, n),
					   kernels->l2_squared(a, b, n)) ||
			!same_bits(kernels->half_l1(half_a, half_b, n), kernels->l1(a, b, n)) ||
			!same_sums(kernels->half_cosine_sums(half_a, half_b, n),
					   kernels->cosine_sums(a, b, n)))
			return n;
	}
	return -1;
}

/* Small integers leave nothing to round: the answer is exact in any order. */
static int
test_exact(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 0; n >= 0; n = next_length(n))
	{
		float dot = 0.0f;
		float l2_squared = 0.0f;
		float l1 = 0.0f;

		for (int i = 0; i < n; i++)
		{
			vectors->a[i] = (float) (i % 7 - 3);
			vectors->b[i] = (float) (i % 11 - 5);
			dot += vectors->a[i] * vectors->b[i];
			l2_squared += (vectors->a[i] - vectors->b[i]) * (vectors->a[i] - vectors->b[i]);
			l1 += fabsf(vectors->a[i] - vectors->b[i]);
		}
		if (kernels->dot(vectors->a, vectors->b, n) != dot ||
			kernels->l2_squared(vectors->a, vectors->b, n) != l2_squared ||
			kernels->l1(vectors->a, vectors->b, n) != l1)
			return n;
	}
	return -1;
}

/* One large value at each place in turn: no element is left out or counted twice. */
static int
test_each_place(const AgmKernels *kernels, TestVectors *vectors)
{
	for (int n = 1; n <= 130; n++)
	{
		memset(vectors, 0, sizeof(*vectors));
		for (int i = 0; i < n; i++)
		{
			AgmCosineSums sums;

			vectors->a[i] = 3.0f;
			vectors->b[i] = 5.0f;
			sums = kernels->cosine_sums(vectors->a, vectors->b, n);
			if (sums.dot != 15.0f || sums.a_squared != 9.0f || sums.b_squared != 25.0f ||
				kernels->l2_squared(vectors->a, vectors->b, n) != 4.0f ||
				kernels->l1(vectors->a, vectors->b, n) != 2.0f)
				return n;
			vectors->a[i] = vectors->b[i] = 0.0f;
		}
	}
	return -1;
}

static const struct
{
	const char *what;
	LengthTest test;
} length_tests[] = {
	{"dot product within its bound, symmetric, the same again", test_dot},
	{"squared distance within its bound, symmetric, the same again", test_l2_squared},
	{"taxicab distance within its bound, symmetric, the same again", test_l1},
	{"the sums of the cosine are dot products to the bit", test_cosine_sums},
	{"sums of halves are those of floats to the bit", test_halves},
	{"integers are summed exactly", test_exact},
	{"each element counts once", test_each_place},
};

static void
check_overflow(const AgmKernels *kernels)
{
	float large[] = {3e38f, 3e38f};
	float opposite[] = {-3e38f, -3e38f};
	float zero[] = {0.0f, 0.0f};

	UNIT_CHECK(isinf(kernels->dot(large, large, 2)), "%s: a product too large is infinite",
			   kernels->name);
	UNIT_CHECK(isinf(kernels->l2_squared(large, opposite, 2)),
			   "%s: a distance too large is infinite", kernels->name);
	UNIT_CHECK(isinf(kernels->l1(large, opposite, 2)),
			   "%s: a taxicab distance too large is infinite", kernels->name);
	UNIT_CHECK(isnan(agm_cosine_distance(kernels->cosine_sums(large, large, 2))),
			   "%s: cosine of lengths too large is NaN", kernels->name);
	UNIT_CHECK(isnan(agm_cosine_distance(kernels->cosine_sums(large, zero, 2))),
			   "%s: cosine with a zero vector is NaN", kernels->name);
}

void
agm_unit_kernels(void)
{
	TestVectors *vectors = palloc(sizeof(TestVectors));

	for (int simd = AGM_SIMD_SCALAR; simd <= AGM_SIMD_LAST; simd++)
	{
		const AgmKernels *kernels = agm_simd_kernels(simd);

		if (kernels == NULL)
			continue;
		for (int i = 0; i < (int) lengthof(length_tests); i++)
		{
			int wrong = length_tests[i].test(kernels, vectors);

			UNIT_CHECK(wrong == -1, "%s: %s (first wrong length %d)", kernels->name,
					   length_tests[i].what, wrong);
		}
		check_overflow(kernels);
	}
	UNIT_CHECK(agm_simd_kernels(AGM_SIMD_SCALAR) == &agm_kernels_scalar,
			   "the scalar table is always there");
	UNIT_CHECK(agm_simd_kernels(AGM_SIMD_AUTO) != NULL, "there is a best table");

	UNIT_CHECK(agm_cosine_distance((AgmCosineSums){1.0000001f, 1.0f, 1.0f}) == 0.0,
			   "cosine distance is never below 0");
	UNIT_CHECK(agm_cosine_distance((AgmCosineSums){-1.0000001f, 1.0f, 1.0f}) == 2.0,
			   "cosine distance is never above 2");
	UNIT_CHECK(agm_cosine_distance((AgmCosineSums){0.0f, 1.0f, 1.0f}) == 1.0,
			   "cosine distance of a right angle is 1");
}

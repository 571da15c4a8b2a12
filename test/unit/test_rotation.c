/*
 * test_rotation.c
 *		The kernels that rotations are made of, equal to the bit on every table, and the
 *		rotations: orthogonal, invertible, well spread, and the same forever.
 */
#include "postgres.h"

#include <math.h>

#include "unit.h"
#include "vector/rotation.h"
#include "vector/simd.h"

#define MAX_DIM AGM_ROTATION_MAX_DIM
#define MAX_POWER 16384
#define SEED UINT64CONST(42)

/*
 * Each of the rounds adds up to 14 steps of the transform, a butterfly and two products;
 * each rounds by FLT_EPSILON / 2 of what is by then the length of the whole, at most.
 */
#define ROUNDING (AGM_ROTATION_ROUNDS * 17 * FLT_EPSILON / 2)

typedef struct Scratch
{
	float a[MAX_POWER + 1];
	float b[MAX_POWER + 1];
	float x[MAX_POWER + 1];
	float y[MAX_POWER + 1];
	float want_x[MAX_POWER + 1];
	float want_y[MAX_POWER + 1];
} Scratch;

/* -1 to 1, over many magnitudes, so that additions in another order would show. */
static void
fill(float *x, int n, uint64 seed)
{
	uint64 state = seed;

	for (int i = 0; i < n; i++)
	{
		uint64 word = agm_splitmix64(&state);

		x[i] = ldexpf((float) (int32) word / 2147483648.0f, -(int) (word >> 60));
	}
	x[n] = NAN;
}

/* The first dimension of interest after dim, or -1. */
static int
next_dim(int dim)
{
	static const int after[] = {96,	 127,  128,	 129,  384,	 511,  512,	 513,	 767,
								768, 1023, 1024, 1536, 3072, 4097, 8191, MAX_DIM};

	if (dim < 70)
		return dim + 1;
	for (int i = 0; i < (int) lengthof(after); i++)
		if (dim < after[i])
			return after[i];
	return -1;
}

static bool
same_floats(const float *x, const float *y, int n)
{
	return memcmp(x, y, sizeof(float) * n) == 0;
}

/* As the definition has it: the sign of row i, column j is the parity of i & j. */
static void
check_hadamard(const AgmKernels *kernels, Scratch *s)
{
	for (int n = 1; n <= MAX_POWER; n *= 2)
	{
		fill(s->x, n, n);
		memcpy(s->want_x, s->x, sizeof(float) * (n + 1));
		agm_kernels_scalar.hadamard(s->want_x, n);
		kernels->hadamard(s->x, n);
		UNIT_CHECK(same_floats(s->x, s->want_x, n) && isnan(s->x[n]),
				   "%s: the transform is that of the scalar table to the bit", kernels->name);
	}
	for (int n = 1; n <= 256; n *= 2)
		for (int j = 0; j < n; j++)
		{
			bool right = true;

			memset(s->x, 0, sizeof(float) * n);
			s->x[j] = 3.0f;
			kernels->hadamard(s->x, n);
			for (int i = 0; i < n; i++)
			{
				bool odd = false;

				for (int bits = i & j; bits != 0; bits &= bits - 1)
					odd = !odd;
				right = right && s->x[i] == (odd ? -3.0f : 3.0f);
			}
			UNIT_CHECK(right, "%s: the transform is Hadamard's", kernels->name);
		}
}

/* n floats after `start` others; in place, too. */
static bool
flips_signs(const AgmKernels *kernels, Scratch *s, const uint8 *signs, int start, int n)
{
	float *x = s->x + start;

	fill(s->a, n + start, n);
	for (int i = 0; i <= n; i++)
		x[i] = NAN;
	agm_kernels_scalar.flip_signs(s->a + start, signs, 0.1f, s->want_x, n);
	kernels->flip_signs(s->a + start, signs, 0.1f, x, n);
	kernels->flip_signs(s->a + start, signs, 0.1f, s->a + start, n);
	return same_floats(x, s->want_x, n) && isnan(x[n]) &&
		   same_floats(s->a + start, s->want_x, n) && isnan(s->a[n + start]);
}

static void
check_flip_signs(const AgmKernels *kernels, Scratch *s)
{
	uint8 signs[MAX_DIM / 8 + 1];
	uint64 state = SEED;

	for (int i = 0; i < (int) sizeof(signs); i++)
		signs[i] = (uint8) agm_splitmix64(&state);
	for (int n = 0; n >= 0; n = next_dim(n))
		for (int start = 0; start < 2; start++)
			UNIT_CHECK(flips_signs(kernels, s, signs, start, n),
					   "%s: signs are flipped as by the scalar table", kernels->name);
}

static void
check_butterfly(const AgmKernels *kernels, Scratch *s)
{
	for (int n = 0; n >= 0 && n <= MAX_DIM / 2; n = next_dim(n))
		for (int start = 0; start < 2; start++)
		{
			float *x = s->x + start;
			float *y = s->y + start;

			fill(x, n, n);
			fill(y, n, ~(uint64) n);
			memcpy(s->want_x, x, sizeof(float) * n);
			memcpy(s->want_y, y, sizeof(float) * n);
			agm_kernels_scalar.butterfly(s->want_x, s->want_y, (float) M_SQRT1_2, n);
			kernels->butterfly(x, y, (float) M_SQRT1_2, n);
			UNIT_CHECK(same_floats(x, s->want_x, n) && same_floats(y, s->want_y, n) &&
						   isnan(x[n]) && isnan(y[n]),
					   "%s: the butterfly is that of the scalar table", kernels->name);
		}
}

static double
product(const float *a, const float *b, int n)
{
	double sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += (double) a[i] * b[i];
	return sum;
}

static double
distance(const float *a, const float *b, int n)
{
	double sum = 0.0;

	for (int i = 0; i < n; i++)
		sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	return sqrt(sum);
}

static bool
tables_agree(const AgmRotation *rotation, Scratch *s)
{
	const AgmKernels *before = agm_kernels;
	int dim = rotation->dim;
	bool agree = true;

	agm_kernels = &agm_kernels_scalar;
	agm_rotation_apply(rotation, s->a, s->want_x);
	agm_rotation_invert(rotation, s->a, s->want_y);
	for (int simd = AGM_SIMD_SCALAR; simd <= AGM_SIMD_LAST; simd++)
		if (agm_simd_kernels(simd) != NULL)
		{
			agm_kernels = agm_simd_kernels(simd);
			agm_rotation_apply(rotation, s->a, s->x);
			agm_rotation_invert(rotation, s->a, s->y);
			agree =
				agree && same_floats(s->x, s->want_x, dim) && same_floats(s->y, s->want_y, dim);
		}
	agm_kernels = before;
	return agree;
}

static bool
preserves_products(const AgmRotation *rotation, Scratch *s)
{
	int dim = rotation->dim;
	double a_length = sqrt(product(s->a, s->a, dim));
	double b_length = sqrt(product(s->b, s->b, dim));

	s->x[dim] = s->y[dim] = NAN;
	agm_rotation_apply(rotation, s->a, s->x);
	agm_rotation_apply(rotation, s->b, s->y);
	return fabs(sqrt(product(s->x, s->x, dim)) - a_length) <= ROUNDING * a_length &&
		   fabs(product(s->x, s->y, dim) - product(s->a, s->b, dim)) <=
			   2 * ROUNDING * a_length * b_length &&
		   isnan(s->x[dim]) && isnan(s->y[dim]);
}

/* And is the same in place. */
static bool
inverse_brings_back(const AgmRotation *rotation, Scratch *s)
{
	int dim = rotation->dim;
	bool in_place;

	agm_rotation_apply(rotation, s->a, s->x);
	memcpy(s->y, s->a, sizeof(float) * dim);
	agm_rotation_apply(rotation, s->y, s->y);
	in_place = same_floats(s->x, s->y, dim);
	s->want_y[dim] = NAN;
	agm_rotation_invert(rotation, s->x, s->want_y);
	agm_rotation_invert(rotation, s->y, s->y);
	in_place = in_place && same_floats(s->want_y, s->y, dim) && isnan(s->want_y[dim]);
	return in_place &&
		   distance(s->a, s->y, dim) <= 2 * ROUNDING * sqrt(product(s->a, s->a, dim));
}

static void
check_orthogonal(Scratch *s)
{
	int disagree = -1;
	int not_preserved = -1;
	int not_back = -1;

	for (int dim = 1; dim >= 0; dim = next_dim(dim))
	{
		AgmRotation *rotation = agm_rotation_new(dim, SEED + dim);

		fill(s->a, dim, dim);
		fill(s->b, dim, ~(uint64) dim);
		if (!tables_agree(rotation, s))
			disagree = dim;
		if (!preserves_products(rotation, s))
			not_preserved = dim;
		if (!inverse_brings_back(rotation, s))
			not_back = dim;
		pfree(rotation);
	}
	UNIT_CHECK(disagree == -1, "all tables rotate to the same bits (last wrong dimension %d)",
			   disagree);
	UNIT_CHECK(not_preserved == -1,
			   "lengths and inner products are preserved (last wrong dimension %d)",
			   not_preserved);
	UNIT_CHECK(not_back == -1,
			   "the inverse brings a vector back, in place too (last wrong dimension %d)",
			   not_back);
}

/*
 * Every unit vector is spread over all dimensions like a random one: of dim * dim values
 * distributed normally the largest is some 5 standard deviations, beyond 6 for one seed in
 * two hundred; these are a little more spread where dim is no power of two.  Signs are balanced like coins: the number of ones among n
 * is off by 5 standard deviations, sqrt(n) / 2 each, once in two million; the worst of 1536
 * vectors is allowed 6.
 */
static void
check_spread(Scratch *s)
{
	static const int dims[] = {384, 513, 768, 1023, 1536};

	for (int k = 0; k < (int) lengthof(dims); k++)
	{
		int dim = dims[k];
		AgmRotation *rotation = agm_rotation_new(dim, SEED);
		double largest = 0.0;
		double unbalanced = 0.0;
		int64 all_positive = 0;

		for (int i = 0; i < dim; i++)
		{
			int positive = 0;

			memset(s->a, 0, sizeof(float) * dim);
			s->a[i] = 1.0f;
			agm_rotation_apply(rotation, s->a, s->x);
			for (int j = 0; j < dim; j++)
			{
				largest = Max(largest, fabs((double) s->x[j]));
				positive += s->x[j] > 0.0f;
			}
			unbalanced = Max(unbalanced, fabs(positive - dim / 2.0));
			all_positive += positive;
		}
		UNIT_CHECK(largest * sqrt(dim) < 6.5, "unit vectors of %d dimensions are spread", dim);
		UNIT_CHECK(unbalanced < 6.0 * sqrt(dim) / 2.0,
				   "half of the signs of each are positive, %d dimensions", dim);
		UNIT_CHECK(fabs(all_positive - dim * dim / 2.0) < 5.0 * dim / 2.0,
				   "half of all signs are positive, %d dimensions", dim);
		pfree(rotation);
	}
}

/* Another seed, another rotation: at right angles, but for chance. */
static void
check_seeds(Scratch *s)
{
	AgmRotation *one = agm_rotation_new(768, 1);
	AgmRotation *two = agm_rotation_new(768, 2);

	fill(s->a, 768, SEED);
	agm_rotation_apply(one, s->a, s->x);
	agm_rotation_apply(two, s->a, s->y);
	UNIT_CHECK(fabs(product(s->x, s->y, 768)) < 5.0 / sqrt(768) * product(s->a, s->a, 768),
			   "seeds give different rotations");
}

/*
 * What these say is on disk somewhere: they may not change.  The generator's values are
 * those that its authors' program gives for the seed.
 */
static void
check_golden(Scratch *s)
{
	static const uint64 words[] = {UINT64CONST(6457827717110365317),
								   UINT64CONST(3203168211198807973),
								   UINT64CONST(9817491932198370423)};
	static const float rotated[][7] = {
		{0x1p+0f},
		{0x1.fffffep-1f, 0x1.fffffcp+0f},
		{-0x1.2e6454p+1f, 0x1.712316p+1f, -0x1.473674p-2f},
		{-0x1p+0f, 0x0p+0f, 0x1.4p+2f, 0x1p+1f},
		{0x1.34afbp+2f, 0x1.a57d88p+0f, 0x1.8a09e6p+1f, 0x1.e2462ep+0f, 0x1.fffffep+1f},
		{0x1.200004p+0f, -0x1.bffffep+0f, -0x1.77fffep+2f, -0x1.7p+1f, 0x0p+0f, 0x1.a80002p+2f},
		{-0x1.15f614p-1f, 0x1.083c48p+2f, 0x1.ba827cp+1f, 0x1.f0edp-5f, 0x1.af876cp+1f,
		 -0x1.1ea09cp+3f, 0x1.17c3b4p+2f},
	};
	uint64 state = 1234567;

	for (int i = 0; i < (int) lengthof(words); i++)
		UNIT_CHECK(agm_splitmix64(&state) == words[i], "the generator is SplitMix64");

	for (int dim = 1; dim <= 7; dim++)
	{
		for (int i = 0; i < dim; i++)
			s->a[i] = (float) (i + 1);
		agm_rotation_apply(agm_rotation_new(dim, SEED), s->a, s->x);
		UNIT_CHECK(same_floats(s->x, rotated[dim - 1], dim), "rotations stay what they were");
	}
	for (int i = 0; i < 768; i++)
		s->a[i] = (float) (i % 17 - 8);
	agm_rotation_apply(agm_rotation_new(768, SEED), s->a, s->x);
	UNIT_CHECK(s->x[0] == 0x1.c36db6p+2f && s->x[255] == 0x1.a3e912p+1f &&
				   s->x[384] == -0x1.a8205ap+3f && s->x[511] == -0x1.6fbc4p+2f &&
				   s->x[767] == -0x1.8a27cep+2f,
			   "rotations of 768 dimensions stay what they were");
}

void
agm_unit_rotation(void)
{
	Scratch *scratch = palloc(sizeof(Scratch));

	for (int simd = AGM_SIMD_SCALAR; simd <= AGM_SIMD_LAST; simd++)
	{
		const AgmKernels *kernels = agm_simd_kernels(simd);

		if (kernels == NULL)
			continue;
		check_hadamard(kernels, scratch);
		check_flip_signs(kernels, scratch);
		check_butterfly(kernels, scratch);
	}
	check_orthogonal(scratch);
	check_spread(scratch);
	check_seeds(scratch);
	check_golden(scratch);
}

/*
 * kernels_scalar.c
 *		The kernels without any instruction set of their own: always built, right
 *		everywhere, and the reference for the other tables.
 *
 * Not one float at a time, though: the vector extension of gcc and clang becomes SSE2
 * on x86-64 and NEON on aarch64 at plain -O2, and ordinary scalar code elsewhere.  A
 * simple loop would not do: without -ffast-math no compiler may reorder the additions,
 * so it would wait for each before it starts the next.
 */
#include "postgres.h"

#include "vector/kernels.h"

typedef float Float4 __attribute__((vector_size(16)));

/* The running sums of all lanes; `s1` holds lanes 4 to 7, and so on. */
typedef struct LaneSums
{
	Float4 s0;
	Float4 s1;
	Float4 s2;
	Float4 s3;
} LaneSums;

StaticAssertDecl(sizeof(LaneSums) == AGM_KERNEL_LANES * sizeof(float),
				 "LaneSums must hold AGM_KERNEL_LANES floats");

/* memcpy, because a vector's values are aligned for a float, not for a Float4. */
static inline Float4
load(const float *x)
{
	Float4 v;

	memcpy(&v, x, sizeof(v));
	return v;
}

/* Adds one block of AGM_KERNEL_LANES products. */
static inline void
add_products(LaneSums *sums, const float *a, const float *b)
{
	sums->s0 += load(a) * load(b);
	sums->s1 += load(a + 4) * load(b + 4);
	sums->s2 += load(a + 8) * load(b + 8);
	sums->s3 += load(a + 12) * load(b + 12);
}

static inline void
add_squared_differences(LaneSums *sums, const float *a, const float *b)
{
	Float4 d0 = load(a) - load(b);
	Float4 d1 = load(a + 4) - load(b + 4);
	Float4 d2 = load(a + 8) - load(b + 8);
	Float4 d3 = load(a + 12) - load(b + 12);

	sums->s0 += d0 * d0;
	sums->s1 += d1 * d1;
	sums->s2 += d2 * d2;
	sums->s3 += d3 * d3;
}

/*
 * The last, short block, filled up with zeros: they add nothing to any of the sums, so
 * that the tail needs no loop of its own.
 */
static inline void
fill_block(float block[AGM_KERNEL_LANES], const float *x, int n)
{
	memset(block, 0, sizeof(float) * AGM_KERNEL_LANES);
	for (int i = 0; i < n; i++)
		block[i] = x[i];
}

/* Halves: lane i with i + 8, then with i + 4, i + 2, i + 1. */
static inline float
fold(const LaneSums *sums)
{
	Float4 v = (sums->s0 + sums->s2) + (sums->s1 + sums->s3);

	return (v[0] + v[2]) + (v[1] + v[3]);
}

static float
dot_scalar(const float *a, const float *b, int n)
{
	LaneSums sums = {0};
	int i;

	for (i = 0; i + AGM_KERNEL_LANES <= n; i += AGM_KERNEL_LANES)
		add_products(&sums, a + i, b + i);

	if (i < n)
	{
		float a_block[AGM_KERNEL_LANES];
		float b_block[AGM_KERNEL_LANES];

		fill_block(a_block, a + i, n - i);
		fill_block(b_block, b + i, n - i);
		add_products(&sums, a_block, b_block);
	}

	return fold(&sums);
}

static float
l2_squared_scalar(const float *a, const float *b, int n)
{
	LaneSums sums = {0};
	int i;

	for (i = 0; i + AGM_KERNEL_LANES <= n; i += AGM_KERNEL_LANES)
		add_squared_differences(&sums, a + i, b + i);

	if (i < n)
	{
		float a_block[AGM_KERNEL_LANES];
		float b_block[AGM_KERNEL_LANES];

		fill_block(a_block, a + i, n - i);
		fill_block(b_block, b + i, n - i);
		add_squared_differences(&sums, a_block, b_block);
	}

	return fold(&sums);
}

static AgmCosineSums
cosine_sums_scalar(const float *a, const float *b, int n)
{
	LaneSums dot = {0};
	LaneSums a_squared = {0};
	LaneSums b_squared = {0};
	AgmCosineSums result;
	int i;

	for (i = 0; i + AGM_KERNEL_LANES <= n; i += AGM_KERNEL_LANES)
	{
		add_products(&dot, a + i, b + i);
		add_products(&a_squared, a + i, a + i);
		add_products(&b_squared, b + i, b + i);
	}

	if (i < n)
	{
		float a_block[AGM_KERNEL_LANES];
		float b_block[AGM_KERNEL_LANES];

		fill_block(a_block, a + i, n - i);
		fill_block(b_block, b + i, n - i);
		add_products(&dot, a_block, b_block);
		add_products(&a_squared, a_block, a_block);
		add_products(&b_squared, b_block, b_block);
	}

	result.dot = fold(&dot);
	result.a_squared = fold(&a_squared);
	result.b_squared = fold(&b_squared);
	return result;
}

const AgmKernels agm_kernels_scalar = {
	.name = "scalar",
	.dot = dot_scalar,
	.l2_squared = l2_squared_scalar,
	.cosine_sums = cosine_sums_scalar,
};

const AgmKernels *agm_kernels = &agm_kernels_scalar;

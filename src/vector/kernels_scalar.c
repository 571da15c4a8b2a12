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

/*
 * Where the baseline has a fused multiply-add, a compiler would use it in one function and
 * not in another, and their sums would differ that are to be the same.
 */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("fp-contract=off")
#endif

#include "port/pg_bitutils.h"
#include "vector/half.h"
#include "vector/kernels.h"

/* Element i is added to sum i % LANES; the sums are then folded in halves. */
#define LANES 16

typedef float Float4 __attribute__((vector_size(16)));

/* The running sums of all lanes; `s1` holds lanes 4 to 7, and so on. */
typedef struct LaneSums
{
	Float4 s0;
	Float4 s1;
	Float4 s2;
	Float4 s3;
} LaneSums;

StaticAssertDecl(sizeof(LaneSums) == LANES * sizeof(float), "LaneSums must hold LANES floats");

/* memcpy, because a vector's values are aligned for a float, not for a Float4. */
static inline Float4
load(const float *x)
{
	Float4 v;

	memcpy(&v, x, sizeof(v));
	return v;
}

/* Adds one block of LANES products. */
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

static inline void
add_differences(LaneSums *sums, const float *a, const float *b)
{
	for (int i = 0; i < 4; i++)
	{
		sums->s0[i] += fabsf(a[i] - b[i]);
		sums->s1[i] += fabsf(a[i + 4] - b[i + 4]);
		sums->s2[i] += fabsf(a[i + 8] - b[i + 8]);
		sums->s3[i] += fabsf(a[i + 12] - b[i + 12]);
	}
}

/*
 * The last, short block, filled up with zeros: they add nothing to any of the sums, so
 * that the tail needs no loop of its own.
 */
static inline void
fill_block(float block[LANES], const float *x, int n)
{
	memset(block, 0, sizeof(float) * LANES);
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

	for (i = 0; i + LANES <= n; i += LANES)
		add_products(&sums, a + i, b + i);

	if (i < n)
	{
		float a_block[LANES];
		float b_block[LANES];

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

	for (i = 0; i + LANES <= n; i += LANES)
		add_squared_differences(&sums, a + i, b + i);

	if (i < n)
	{
		float a_block[LANES];
		float b_block[LANES];

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

	for (i = 0; i + LANES <= n; i += LANES)
	{
		add_products(&dot, a + i, b + i);
		add_products(&a_squared, a + i, a + i);
		add_products(&b_squared, b + i, b + i);
	}

	if (i < n)
	{
		float a_block[LANES];
		float b_block[LANES];

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

static float
l1_scalar(const float *a, const float *b, int n)
{
	LaneSums sums = {0};
	int i;

	for (i = 0; i + LANES <= n; i += LANES)
		add_differences(&sums, a + i, b + i);

	if (i < n)
	{
		float a_block[LANES];
		float b_block[LANES];

		fill_block(a_block, a + i, n - i);
		fill_block(b_block, b + i, n - i);
		add_differences(&sums, a_block, b_block);
	}

	return fold(&sums);
}

static void
half_to_float_scalar(const uint16 *half, float *x, int n)
{
	for (int i = 0; i < n; i++)
		x[i] = agm_half_to_float(half[i]);
}

static void
float_to_half_scalar(const float *x, uint16 *half, int n)
{
	for (int i = 0; i < n; i++)
		half[i] = agm_float_to_half(x[i]);
}

static void
int8_to_float_scalar(const int8 *code, float scale, float *x, int n)
{
	for (int i = 0; i < n; i++)
		x[i] = (float) code[i] * scale;
}

/* Adds one step over blocks of halves, made floats first. */
#define FOR_HALF_BLOCKS(a, b, n, STEP)                                                         \
	do                                                                                         \
	{                                                                                          \
		float a_block[LANES];                                                                  \
		float b_block[LANES];                                                                  \
                                                                                               \
		for (int start = 0; start < (n); start += LANES)                                       \
		{                                                                                      \
			int size = Min(LANES, (n) -start);                                                 \
                                                                                               \
			if (size < LANES)                                                                  \
			{                                                                                  \
				memset(a_block, 0, sizeof(a_block));                                           \
				memset(b_block, 0, sizeof(b_block));                                           \
			}                                                                                  \
			half_to_float_scalar((a) + start, a_block, size);                                  \
			half_to_float_scalar((b) + start, b_block, size);                                  \
			STEP;                                                                              \
		}                                                                                      \
	} while (0)

static float
half_dot_scalar(const uint16 *a, const uint16 *b, int n)
{
	LaneSums sums = {0};

	FOR_HALF_BLOCKS(a, b, n, add_products(&sums, a_block, b_block));
	return fold(&sums);
}

static float
half_l2_squared_scalar(const uint16 *a, const uint16 *b, int n)
{
	LaneSums sums = {0};

	FOR_HALF_BLOCKS(a, b, n, add_squared_differences(&sums, a_block, b_block));
	return fold(&sums);
}

static float
half_l1_scalar(const uint16 *a, const uint16 *b, int n)
{
	LaneSums sums = {0};

	FOR_HALF_BLOCKS(a, b, n, add_differences(&sums, a_block, b_block));
	return fold(&sums);
}

static AgmCosineSums
half_cosine_sums_scalar(const uint16 *a, const uint16 *b, int n)
{
	LaneSums dot = {0};
	LaneSums a_squared = {0};
	LaneSums b_squared = {0};
	AgmCosineSums result;

	FOR_HALF_BLOCKS(a, b, n, {
		add_products(&dot, a_block, b_block);
		add_products(&a_squared, a_block, a_block);
		add_products(&b_squared, b_block, b_block);
	});

	result.dot = fold(&dot);
	result.a_squared = fold(&a_squared);
	result.b_squared = fold(&b_squared);
	return result;
}

static int32
int8_dot_scalar(const int8 *a, const int8 *b, int n)
{
	int32 sum = 0;

	for (int i = 0; i < n; i++)
		sum += (int32) a[i] * b[i];
	return sum;
}

static int32
uint8_int8_dot_scalar(const uint8 *a, const int8 *b, int n)
{
	int32 sum = 0;

	for (int i = 0; i < n; i++)
		sum += (int32) a[i] * b[i];
	return sum;
}

static uint64
hamming_scalar(const uint8 *a, const uint8 *b, Size bytes)
{
	uint64 count = 0;
	Size i;

	for (i = 0; i + sizeof(uint64) <= bytes; i += sizeof(uint64))
	{
		uint64 x;
		uint64 y;

		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		count += (uint64) pg_popcount64(x ^ y);
	}
	for (; i < bytes; i++)
		count += pg_number_of_ones[a[i] ^ b[i]];
	return count;
}

static AgmBitCounts
bit_counts_scalar(const uint8 *a, const uint8 *b, Size bytes)
{
	AgmBitCounts counts = {0};
	Size i;

	for (i = 0; i + sizeof(uint64) <= bytes; i += sizeof(uint64))
	{
		uint64 x;
		uint64 y;

		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		counts.both += (uint64) pg_popcount64(x & y);
		counts.either += (uint64) pg_popcount64(x | y);
	}
	for (; i < bytes; i++)
	{
		counts.both += pg_number_of_ones[a[i] & b[i]];
		counts.either += pg_number_of_ones[a[i] | b[i]];
	}
	return counts;
}

static void
scan_block_scalar(const uint8 *codes, const uint8 *table, int ngroups,
				  uint32 sums[AGM_BLOCK_CODES])
{
	memset(sums, 0, sizeof(uint32) * AGM_BLOCK_CODES);
	for (int g = 0; g < ngroups; g++)
	{
		for (int j = 0; j < AGM_BLOCK_GROUP_BYTES; j++)
		{
			sums[j] += table[codes[j] & 15];
			sums[j + AGM_BLOCK_GROUP_BYTES] += table[codes[j] >> 4];
		}
		codes += AGM_BLOCK_GROUP_BYTES;
		table += 16;
	}
}

/* The float whose upper half this is. */
static inline float
upper_half(uint16 half)
{
	uint32 bits = (uint32) half << 16;
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint32
block_bounds_scalar(const uint32 sums[AGM_BLOCK_CODES], const float *a, const uint16 *b,
					const uint16 *e, const AgmBlockTerms *terms, float limit,
					float bounds[AGM_BLOCK_CODES])
{
	uint32 mask = 0;

	for (int i = 0; i < AGM_BLOCK_CODES; i++)
	{
		float factor = (float) (int32) sums[i] * terms->sum_scale + terms->sum_offset;

		bounds[i] =
			terms->offset + a[i] + upper_half(b[i]) * factor - terms->error * upper_half(e[i]);
		mask |= (uint32) (bounds[i] <= limit) << i;
	}
	return mask;
}

static int32
scan_code_scalar(const uint8 *code, const uint8 *planes, Size bytes)
{
	int32 sum = 0;
	int32 count = 0;
	Size i;

	for (i = 0; i + sizeof(uint64) <= bytes; i += sizeof(uint64))
	{
		uint64 x;

		memcpy(&x, code + i, sizeof(x));
		count += pg_popcount64(x);
		for (int k = 0; k < 4; k++)
		{
			uint64 plane;

			memcpy(&plane, planes + k * bytes + i, sizeof(plane));
			sum += pg_popcount64(x & plane) << k;
		}
	}
	for (; i < bytes; i++)
	{
		count += pg_number_of_ones[code[i]];
		for (int k = 0; k < 4; k++)
			sum += pg_number_of_ones[code[i] & planes[k * bytes + i]] << k;
	}
	return 4 * sum - 30 * count;
}

static void
hadamard_scalar(float *x, int n)
{
	for (int step = 1; step < n; step *= 2)
		for (int start = 0; start < n; start += 2 * step)
			for (int i = start; i < start + step; i++)
			{
				float sum = x[i] + x[i + step];

				x[i + step] = x[i] - x[i + step];
				x[i] = sum;
			}
}

static void
flip_signs_scalar(const float *in, const uint8 *signs, float scale, float *out, int n)
{
	for (int i = 0; i < n; i++)
	{
		float product = in[i] * scale;

		out[i] = (signs[i / 8] >> (i % 8)) & 1 ? -product : product;
	}
}

static void
butterfly_scalar(float *x, float *y, float scale, int n)
{
	for (int i = 0; i < n; i++)
	{
		float sum = x[i] + y[i];
		float difference = x[i] - y[i];

		x[i] = sum * scale;
		y[i] = difference * scale;
	}
}

const AgmKernels agm_kernels_scalar = {
	.name = "scalar",
	.dot = dot_scalar,
	.l2_squared = l2_squared_scalar,
	.l1 = l1_scalar,
	.cosine_sums = cosine_sums_scalar,
	.half_dot = half_dot_scalar,
	.half_l2_squared = half_l2_squared_scalar,
	.half_l1 = half_l1_scalar,
	.half_cosine_sums = half_cosine_sums_scalar,
	.half_to_float = half_to_float_scalar,
	.float_to_half = float_to_half_scalar,
	.int8_to_float = int8_to_float_scalar,
	.int8_dot = int8_dot_scalar,
	.uint8_int8_dot = uint8_int8_dot_scalar,
	.hamming = hamming_scalar,
	.bit_counts = bit_counts_scalar,
	.scan_block = scan_block_scalar,
	.block_bounds = block_bounds_scalar,
	.scan_code = scan_code_scalar,
	.hadamard = hadamard_scalar,
	.flip_signs = flip_signs_scalar,
	.butterfly = butterfly_scalar,
};

const AgmKernels *agm_kernels = &agm_kernels_scalar;

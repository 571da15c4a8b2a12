/*
 * kernels_neon.c
 *		The kernels for NEON as every 64-bit ARM processor has it: 4 floats or 16 bytes at a
 *		time.  Where the compiler is told that there are dot products of bytes
 *		(-march=armv8.2-a+dotprod), they are used.
 *
 * Tails go by way of blocks that are filled with zeros: they add nothing to any sum.
 */
#include "postgres.h"

#include "vector/half.h"
#include "vector/kernels.h"

#if defined(__aarch64__) && defined(__AARCH64EL__)

#include <arm_neon.h>

#define INLINE static pg_attribute_always_inline

/* Floats and bytes a register. */
#define FLOATS 4
#define BYTES 16

/* Four sums of 4 lanes: an addition takes four cycles, and two or more may start in each. */
#define SUMS 4
#define BLOCK (SUMS * FLOATS)

/* ---------------------------------------------------------------- sums of floats */

typedef enum Term
{
	TERM_PRODUCT,
	TERM_SQUARED_DIFFERENCE,
	TERM_DIFFERENCE
} Term;

/*
 * Elements i to i + 3 of floats or halves.  The kernels for both are made of the same
 * functions, `half` being a constant in each: so they agree to the bit.
 */
INLINE float32x4_t
load(const void *x, int i, bool half)
{
	if (half)
		return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16 *) x + i)));
	return vld1q_f32((const float *) x + i);
}

/* The last, short block, and zeros after it. */
static inline void
fill_block(void *block, const void *x, int i, int n, bool half)
{
	Size width = half ? sizeof(uint16) : sizeof(float);

	memset(block, 0, BLOCK * width);
	memcpy(block, (const char *) x + i * width, (n - i) * width);
}

INLINE float32x4_t
add_term(float32x4_t sum, float32x4_t a, float32x4_t b, Term term)
{
	float32x4_t difference;

	if (term == TERM_PRODUCT)
		return vfmaq_f32(sum, a, b);
	difference = vsubq_f32(a, b);
	if (term == TERM_SQUARED_DIFFERENCE)
		return vfmaq_f32(sum, difference, difference);
	return vaddq_f32(sum, vabsq_f32(difference));
}

/* Written out, for the order of these additions is part of what a table promises. */
INLINE float
fold(const float32x4_t sums[SUMS])
{
	float32x4_t v = vaddq_f32(vaddq_f32(sums[0], sums[1]), vaddq_f32(sums[2], sums[3]));
	float32x2_t v2 = vadd_f32(vget_low_f32(v), vget_high_f32(v));

	return vget_lane_f32(v2, 0) + vget_lane_f32(v2, 1);
}

INLINE float
sum_terms(const void *a, const void *b, int n, bool half, Term term)
{
	float32x4_t sums[SUMS];
	float a_block[BLOCK];
	float b_block[BLOCK];
	int i;

	for (int k = 0; k < SUMS; k++)
		sums[k] = vdupq_n_f32(0.0f);

#define STEP(a, b, i)                                                                          \
	for (int k = 0; k < SUMS; k++)                                                             \
	sums[k] = add_term(sums[k], load(a, (i) + k * FLOATS, half),                               \
					   load(b, (i) + k * FLOATS, half), term)

	for (i = 0; i + BLOCK <= n; i += BLOCK)
		STEP(a, b, i);
	if (i < n)
	{
		fill_block(a_block, a, i, n, half);
		fill_block(b_block, b, i, n, half);
		STEP(a_block, b_block, 0);
	}
#undef STEP

	return fold(sums);
}

INLINE AgmCosineSums
sum_cosine(const void *a, const void *b, int n, bool half)
{
	float32x4_t dot[SUMS];
	float32x4_t a_squared[SUMS];
	float32x4_t b_squared[SUMS];
	float a_block[BLOCK];
	float b_block[BLOCK];
	AgmCosineSums result;
	int i;

	for (int k = 0; k < SUMS; k++)
		dot[k] = a_squared[k] = b_squared[k] = vdupq_n_f32(0.0f);

#define STEP(a, b, i)                                                                          \
	for (int k = 0; k < SUMS; k++)                                                             \
	{                                                                                          \
		float32x4_t av = load(a, (i) + k * FLOATS, half);                                      \
		float32x4_t bv = load(b, (i) + k * FLOATS, half);                                      \
                                                                                               \
		dot[k] = vfmaq_f32(dot[k], av, bv);                                                    \
		a_squared[k] = vfmaq_f32(a_squared[k], av, av);                                        \
		b_squared[k] = vfmaq_f32(b_squared[k], bv, bv);                                        \
	}

	for (i = 0; i + BLOCK <= n; i += BLOCK)
		STEP(a, b, i);
	if (i < n)
	{
		fill_block(a_block, a, i, n, half);
		fill_block(b_block, b, i, n, half);
		STEP(a_block, b_block, 0);
	}
#undef STEP

	result.dot = fold(dot);
	result.a_squared = fold(a_squared);
	result.b_squared = fold(b_squared);
	return result;
}

static float
dot_neon(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_PRODUCT);
}

static float
l2_squared_neon(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_SQUARED_DIFFERENCE);
}

static float
l1_neon(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_DIFFERENCE);
}

static AgmCosineSums
cosine_sums_neon(const float *a, const float *b, int n)
{
	return sum_cosine(a, b, n, false);
}

static float
half_dot_neon(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_PRODUCT);
}

static float
half_l2_squared_neon(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_SQUARED_DIFFERENCE);
}

static float
half_l1_neon(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_DIFFERENCE);
}

static AgmCosineSums
half_cosine_sums_neon(const uint16 *a, const uint16 *b, int n)
{
	return sum_cosine(a, b, n, true);
}

/* ---------------------------------------------------------------- conversions */

static void
half_to_float_neon(const uint16 *half, float *x, int n)
{
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
		vst1q_f32(x + i, load(half, i, true));
	for (; i < n; i++)
		x[i] = agm_half_to_float(half[i]);
}

static void
float_to_half_neon(const float *x, uint16 *half, int n)
{
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
		vst1_u16(half + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(x + i))));
	for (; i < n; i++)
		half[i] = agm_float_to_half(x[i]);
}

static void
int8_to_float_neon(const int8 *code, float scale, float *x, int n)
{
	int i;

	for (i = 0; i + 8 <= n; i += 8)
	{
		int16x8_t v = vmovl_s8(vld1_s8(code + i));
		float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(v)));
		float32x4_t high = vcvtq_f32_s32(vmovl_s16(vget_high_s16(v)));

		vst1q_f32(x + i, vmulq_n_f32(low, scale));
		vst1q_f32(x + i + 4, vmulq_n_f32(high, scale));
	}
	for (; i < n; i++)
		x[i] = (float) code[i] * scale;
}

/* ---------------------------------------------------------------- sums of integers */

INLINE int32x4_t
add_products(int32x4_t sum, int8x16_t a, int8x16_t b)
{
#if defined(__ARM_FEATURE_DOTPROD)
	return vdotq_s32(sum, a, b);
#else
	sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(a), vget_low_s8(b)));
	return vpadalq_s16(sum, vmull_high_s8(a, b));
#endif
}

static int32
int8_dot_neon(const int8 *a, const int8 *b, int n)
{
	int32x4_t sum0 = vdupq_n_s32(0);
	int32x4_t sum1 = vdupq_n_s32(0);
	int32 sum;
	int i;

	for (i = 0; i + 2 * BYTES <= n; i += 2 * BYTES)
	{
		sum0 = add_products(sum0, vld1q_s8(a + i), vld1q_s8(b + i));
		sum1 = add_products(sum1, vld1q_s8(a + i + BYTES), vld1q_s8(b + i + BYTES));
	}
	sum = vaddvq_s32(vaddq_s32(sum0, sum1));
	for (; i < n; i++)
		sum += (int32) a[i] * b[i];
	return sum;
}

/* There is no product of unsigned and signed bytes: a = (a - 128) + 128. */
static int32
uint8_int8_dot_neon(const uint8 *a, const int8 *b, int n)
{
	const uint8x16_t bias = vdupq_n_u8(0x80);
	int32x4_t sums = vdupq_n_s32(0);
	int32x4_t b_sums = vdupq_n_s32(0);
	int32 sum;
	int i;

	for (i = 0; i + BYTES <= n; i += BYTES)
	{
		int8x16_t bv = vld1q_s8(b + i);

		sums = add_products(sums, vreinterpretq_s8_u8(veorq_u8(vld1q_u8(a + i), bias)), bv);
		b_sums = vpadalq_s16(b_sums, vpaddlq_s8(bv));
	}
	sum = vaddvq_s32(vaddq_s32(sums, vshlq_n_s32(b_sums, 7)));
	for (; i < n; i++)
		sum += (int32) a[i] * b[i];
	return sum;
}

/* So many bytes of 8 bits each may be counted before a sum of 16 bits is full. */
#define COUNT_BYTES (4096 * BYTES)

static uint64
hamming_neon(const uint8 *a, const uint8 *b, Size bytes)
{
	uint64 count = 0;
	Size i = 0;

	while (i + BYTES <= bytes)
	{
		Size end = i + Min(bytes - i, COUNT_BYTES) / BYTES * BYTES;
		uint16x8_t counts = vdupq_n_u16(0);

		for (; i < end; i += BYTES)
			counts = vpadalq_u8(counts, vcntq_u8(veorq_u8(vld1q_u8(a + i), vld1q_u8(b + i))));
		count += vaddlvq_u16(counts);
	}
	return count + agm_kernels_scalar.hamming(a + i, b + i, bytes - i);
}

static AgmBitCounts
bit_counts_neon(const uint8 *a, const uint8 *b, Size bytes)
{
	AgmBitCounts counts = {0};
	AgmBitCounts rest;
	Size i = 0;

	while (i + BYTES <= bytes)
	{
		Size end = i + Min(bytes - i, COUNT_BYTES) / BYTES * BYTES;
		uint16x8_t both = vdupq_n_u16(0);
		uint16x8_t either = vdupq_n_u16(0);

		for (; i < end; i += BYTES)
		{
			uint8x16_t av = vld1q_u8(a + i);
			uint8x16_t bv = vld1q_u8(b + i);

			both = vpadalq_u8(both, vcntq_u8(vandq_u8(av, bv)));
			either = vpadalq_u8(either, vcntq_u8(vorrq_u8(av, bv)));
		}
		counts.both += vaddlvq_u16(both);
		counts.either += vaddlvq_u16(either);
	}
	rest = agm_kernels_scalar.bit_counts(a + i, b + i, bytes - i);
	counts.both += rest.both;
	counts.either += rest.either;
	return counts;
}

/* ---------------------------------------------------------------- blocks of codes */

/* Groups whose sums fit a byte, and whose sums fit 16 bits. */
#define ROUND_GROUPS 4
#define EMPTY_GROUPS (65535 / AGM_BLOCK_TABLE_MAX / ROUND_GROUPS * ROUND_GROUPS)

/* The sums of 16 codes. */
typedef struct CodeSums
{
	uint16x8_t first;  /* 0 to 7 */
	uint16x8_t second; /* 8 to 15 */
} CodeSums;

INLINE void
add_bytes(CodeSums *sums, uint8x16_t bytes)
{
	sums->first = vaddw_u8(sums->first, vget_low_u8(bytes));
	sums->second = vaddw_high_u8(sums->second, bytes);
}

/* Adds the sums to those of 32 bits, and starts anew. */
INLINE void
empty_sums(CodeSums *sums, uint32 *total)
{
	vst1q_u32(total, vaddw_u16(vld1q_u32(total), vget_low_u16(sums->first)));
	vst1q_u32(total + 4, vaddw_high_u16(vld1q_u32(total + 4), sums->first));
	vst1q_u32(total + 8, vaddw_u16(vld1q_u32(total + 8), vget_low_u16(sums->second)));
	vst1q_u32(total + 12, vaddw_high_u16(vld1q_u32(total + 12), sums->second));
	sums->first = sums->second = vdupq_n_u16(0);
}

/* A register holds one group, and looks up in its row of the table. */
static void
scan_block_neon(const uint8 *codes, const uint8 *table, int ngroups,
				uint32 sums[AGM_BLOCK_CODES])
{
	const uint8x16_t low_half = vdupq_n_u8(15);
	CodeSums low_sums = {vdupq_n_u16(0), vdupq_n_u16(0)};
	CodeSums high_sums = {vdupq_n_u16(0), vdupq_n_u16(0)};

	memset(sums, 0, sizeof(uint32) * AGM_BLOCK_CODES);
	for (int start = 0; start < ngroups; start += ROUND_GROUPS)
	{
		uint8x16_t low = vdupq_n_u8(0);
		uint8x16_t high = vdupq_n_u8(0);
		int end = Min(start + ROUND_GROUPS, ngroups);

		for (int g = start; g < end; g++)
		{
			uint8x16_t code = vld1q_u8(codes + g * AGM_BLOCK_GROUP_BYTES);
			uint8x16_t row = vld1q_u8(table + g * 16);

			low = vaddq_u8(low, vqtbl1q_u8(row, vandq_u8(code, low_half)));
			high = vaddq_u8(high, vqtbl1q_u8(row, vshrq_n_u8(code, 4)));
		}
		add_bytes(&low_sums, low);
		add_bytes(&high_sums, high);
		if (end % EMPTY_GROUPS == 0 || end == ngroups)
		{
			empty_sums(&low_sums, sums);
			empty_sums(&high_sums, sums + AGM_BLOCK_CODES / 2);
		}
	}
}

/*
 * A product that is rounded before anything is added to it: the compiler would fuse the two,
 * although these are intrinsics.
 */
INLINE float32x4_t
product(float32x4_t a, float32x4_t b)
{
	float32x4_t v = vmulq_f32(a, b);

	__asm__("" : "+w"(v));
	return v;
}

/* Four floats, of which these are the upper halves. */
INLINE float32x4_t
load_upper_halves(const uint16 *x)
{
	return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(x), 16));
}

static uint32
block_bounds_neon(const uint32 sums[AGM_BLOCK_CODES], const float *a, const uint16 *b,
				  const uint16 *e, const AgmBlockTerms *terms, float limit,
				  float bounds[AGM_BLOCK_CODES])
{
	const float32x4_t offset = vdupq_n_f32(terms->offset);
	const float32x4_t sum_scale = vdupq_n_f32(terms->sum_scale);
	const float32x4_t sum_offset = vdupq_n_f32(terms->sum_offset);
	const float32x4_t error = vdupq_n_f32(terms->error);
	const uint32x4_t bits = {1, 2, 4, 8};
	uint32 mask = 0;

	for (int i = 0; i < AGM_BLOCK_CODES; i += FLOATS)
	{
		float32x4_t sum = vcvtq_f32_u32(vld1q_u32(sums + i));
		float32x4_t factor = vaddq_f32(product(sum, sum_scale), sum_offset);
		float32x4_t bound = vaddq_f32(offset, vld1q_f32(a + i));

		bound = vaddq_f32(bound, product(load_upper_halves(b + i), factor));
		bound = vsubq_f32(bound, product(error, load_upper_halves(e + i)));
		vst1q_f32(bounds + i, bound);
		mask |= vaddvq_u32(vandq_u32(vcleq_f32(bound, vdupq_n_f32(limit)), bits)) << i;
	}
	return mask;
}

static int32
scan_code_neon(const uint8 *code, const uint8 *planes, Size bytes)
{
	uint32x4_t sums = vdupq_n_u32(0);
	uint32x4_t counts = vdupq_n_u32(0);
	int32 sum;
	int32 count;
	Size i;

	for (i = 0; i + BYTES <= bytes; i += BYTES)
	{
		uint8x16_t v = vld1q_u8(code + i);
		/* 15 times 8 bits at most. */
		uint8x16_t part = vdupq_n_u8(0);

		for (int k = 3; k >= 0; k--)
			part = vaddq_u8(vaddq_u8(part, part),
							vcntq_u8(vandq_u8(v, vld1q_u8(planes + k * bytes + i))));
		sums = vpadalq_u16(sums, vpaddlq_u8(part));
		counts = vpadalq_u16(counts, vpaddlq_u8(vcntq_u8(v)));
	}
	sum = (int32) vaddvq_u32(sums);
	count = (int32) vaddvq_u32(counts);
	for (; i < bytes; i++)
	{
		count += __builtin_popcount(code[i]);
		for (int k = 0; k < 4; k++)
			sum += __builtin_popcount(code[i] & planes[k * bytes + i]) << k;
	}
	return 4 * sum - 30 * count;
}

/* ---------------------------------------------------------------- rotation */

/* One step for two registers. */
INLINE void
transform_pair(float32x4_t *a, float32x4_t *b)
{
	float32x4_t sum = vaddq_f32(*a, *b);

	*b = vsubq_f32(*a, *b);
	*a = sum;
}

/* Loading 16 floats by fours takes apart what the steps 1 and 2 bring together. */
static void
hadamard_neon(float *x, int n)
{
	if (n < 16)
	{
		agm_kernels_scalar.hadamard(x, n);
		return;
	}
	for (int i = 0; i < n; i += 16)
	{
		float32x4x4_t v = vld4q_f32(x + i);

		transform_pair(&v.val[0], &v.val[1]);
		transform_pair(&v.val[2], &v.val[3]);
		transform_pair(&v.val[0], &v.val[2]);
		transform_pair(&v.val[1], &v.val[3]);
		vst4q_f32(x + i, v);
	}
	for (int step = 4; step < n; step *= 2)
		for (int start = 0; start < n; start += 2 * step)
			for (int i = start; i < start + step; i += FLOATS)
			{
				float32x4_t a = vld1q_f32(x + i);
				float32x4_t b = vld1q_f32(x + i + step);

				transform_pair(&a, &b);
				vst1q_f32(x + i, a);
				vst1q_f32(x + i + step, b);
			}
}

static void
flip_signs_neon(const float *in, const uint8 *signs, float scale, float *out, int n)
{
	/* Brings bit i of a byte to the highest place of lane i. */
	const int32x4_t low_shift = {31, 30, 29, 28};
	const int32x4_t high_shift = {27, 26, 25, 24};
	const uint32x4_t sign = vdupq_n_u32(0x80000000);
	int i;

	for (i = 0; i + 8 <= n; i += 8)
	{
		uint32x4_t bits = vdupq_n_u32(signs[i / 8]);
		uint32x4_t low = vandq_u32(vshlq_u32(bits, low_shift), sign);
		uint32x4_t high = vandq_u32(vshlq_u32(bits, high_shift), sign);
		uint32x4_t a = vreinterpretq_u32_f32(vmulq_n_f32(vld1q_f32(in + i), scale));
		uint32x4_t b = vreinterpretq_u32_f32(vmulq_n_f32(vld1q_f32(in + i + 4), scale));

		vst1q_f32(out + i, vreinterpretq_f32_u32(veorq_u32(a, low)));
		vst1q_f32(out + i + 4, vreinterpretq_f32_u32(veorq_u32(b, high)));
	}
	agm_kernels_scalar.flip_signs(in + i, signs + i / 8, scale, out + i, n - i);
}

static void
butterfly_neon(float *x, float *y, float scale, int n)
{
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
	{
		float32x4_t a = vld1q_f32(x + i);
		float32x4_t b = vld1q_f32(y + i);

		transform_pair(&a, &b);
		vst1q_f32(x + i, vmulq_n_f32(a, scale));
		vst1q_f32(y + i, vmulq_n_f32(b, scale));
	}
	agm_kernels_scalar.butterfly(x + i, y + i, scale, n - i);
}

const AgmKernels agm_kernels_neon = {
	.name = "neon",
	.dot = dot_neon,
	.l2_squared = l2_squared_neon,
	.l1 = l1_neon,
	.cosine_sums = cosine_sums_neon,
	.half_dot = half_dot_neon,
	.half_l2_squared = half_l2_squared_neon,
	.half_l1 = half_l1_neon,
	.half_cosine_sums = half_cosine_sums_neon,
	.half_to_float = half_to_float_neon,
	.float_to_half = float_to_half_neon,
	.int8_to_float = int8_to_float_neon,
	.int8_dot = int8_dot_neon,
	.uint8_int8_dot = uint8_int8_dot_neon,
	.hamming = hamming_neon,
	.bit_counts = bit_counts_neon,
	.scan_block = scan_block_neon,
	.block_bounds = block_bounds_neon,
	.scan_code = scan_code_neon,
	.hadamard = hadamard_neon,
	.flip_signs = flip_signs_neon,
	.butterfly = butterfly_neon,
};

#endif

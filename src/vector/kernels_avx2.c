/*
 * kernels_avx2.c
 *		The kernels for AVX2 as Haswell and Zen have it, with FMA, F16C and POPCNT, and all
 *		that came after: 8 floats or 32 bytes at a time.
 *
 * Only functions are compiled for it (TARGET), never the file, so that the module still
 * loads where it cannot run; simd.c looks before anyone calls.
 *
 * Tails of floats are loaded under a mask, those of halves and bytes by way of a block that
 * is filled with zeros: they add nothing to any sum.
 */
#include "postgres.h"

#include "vector/half.h"
#include "vector/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx2,fma,f16c,popcnt")))
#define INLINE static pg_attribute_always_inline TARGET

/* Floats and bytes a register. */
#define FLOATS 8
#define BYTES 32

/* Four sums of 8 lanes: an addition takes four cycles, and two may start in each. */
#define SUMS 4

/* ---------------------------------------------------------------- sums of floats */

typedef enum Term
{
	TERM_PRODUCT,
	TERM_SQUARED_DIFFERENCE,
	TERM_DIFFERENCE
} Term;

/*
 * Elements i to i + 7 of floats or halves.  The kernels for both are made of the same
 * functions, `half` being a constant in each: so they agree to the bit.
 */
INLINE __m256
load(const void *x, int i, bool half)
{
	if (half)
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *) ((const uint16 *) x + i)));
	return _mm256_loadu_ps((const float *) x + i);
}

/* All bits set in the first n lanes; n may be negative or larger than there are lanes. */
INLINE __m256i
first(int n)
{
	return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* Elements i to i + 7 of n, zero from n on. */
INLINE __m256
load_tail(const void *x, int i, int n, bool half)
{
	uint16 block[FLOATS] = {0};

	if (!half)
		return _mm256_maskload_ps((const float *) x + i, first(n - i));
	for (int j = 0; j < FLOATS && i + j < n; j++)
		block[j] = ((const uint16 *) x)[i + j];
	return load(block, 0, true);
}

INLINE __m256
add_term(__m256 sum, __m256 a, __m256 b, Term term)
{
	__m256 difference;

	if (term == TERM_PRODUCT)
		return _mm256_fmadd_ps(a, b, sum);
	difference = _mm256_sub_ps(a, b);
	if (term == TERM_SQUARED_DIFFERENCE)
		return _mm256_fmadd_ps(difference, difference, sum);
	return _mm256_add_ps(sum, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), difference));
}

/* Written out, for the order of these additions is part of what a table promises. */
INLINE float
fold(const __m256 sums[SUMS])
{
	__m256 v = _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
	__m128 v4 = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	__m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));

	return _mm_cvtss_f32(_mm_add_ss(v2, _mm_movehdup_ps(v2)));
}

INLINE float
sum_terms(const void *a, const void *b, int n, bool half, Term term)
{
	__m256 sums[SUMS] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(),
						 _mm256_setzero_ps()};
	int i;

#define STEP(k)                                                                                \
	sums[k] = add_term(sums[k], load(a, i + (k) *FLOATS, half),                                \
					   load(b, i + (k) *FLOATS, half), term)
#define TAIL_STEP(k)                                                                           \
	sums[k] = add_term(sums[k], load_tail(a, i + (k) *FLOATS, n, half),                        \
					   load_tail(b, i + (k) *FLOATS, n, half), term)

	for (i = 0; i + SUMS * FLOATS <= n; i += SUMS * FLOATS)
	{
		STEP(0);
		STEP(1);
		STEP(2);
		STEP(3);
	}
	if (i < n)
	{
		TAIL_STEP(0);
		TAIL_STEP(1);
		TAIL_STEP(2);
		TAIL_STEP(3);
	}
#undef STEP
#undef TAIL_STEP

	return fold(sums);
}

INLINE AgmCosineSums
sum_cosine(const void *a, const void *b, int n, bool half)
{
	__m256 dot[SUMS];
	__m256 a_squared[SUMS];
	__m256 b_squared[SUMS];
	AgmCosineSums result;
	int i;

#define STEP(k, av, bv)                                                                        \
	do                                                                                         \
	{                                                                                          \
		__m256 a_##k = (av);                                                                   \
		__m256 b_##k = (bv);                                                                   \
                                                                                               \
		dot[k] = _mm256_fmadd_ps(a_##k, b_##k, dot[k]);                                        \
		a_squared[k] = _mm256_fmadd_ps(a_##k, a_##k, a_squared[k]);                            \
		b_squared[k] = _mm256_fmadd_ps(b_##k, b_##k, b_squared[k]);                            \
	} while (0)
#define WHOLE_STEP(k) STEP(k, load(a, i + (k) *FLOATS, half), load(b, i + (k) *FLOATS, half))
#define TAIL_STEP(k)                                                                           \
	STEP(k, load_tail(a, i + (k) *FLOATS, n, half), load_tail(b, i + (k) *FLOATS, n, half))

	for (int k = 0; k < SUMS; k++)
		dot[k] = a_squared[k] = b_squared[k] = _mm256_setzero_ps();
	for (i = 0; i + SUMS * FLOATS <= n; i += SUMS * FLOATS)
	{
		WHOLE_STEP(0);
		WHOLE_STEP(1);
		WHOLE_STEP(2);
		WHOLE_STEP(3);
	}
	if (i < n)
	{
		TAIL_STEP(0);
		TAIL_STEP(1);
		TAIL_STEP(2);
		TAIL_STEP(3);
	}
#undef STEP
#undef WHOLE_STEP
#undef TAIL_STEP

	result.dot = fold(dot);
	result.a_squared = fold(a_squared);
	result.b_squared = fold(b_squared);
	return result;
}

static TARGET float
dot_avx2(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_PRODUCT);
}

static TARGET float
l2_squared_avx2(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_SQUARED_DIFFERENCE);
}

static TARGET float
l1_avx2(const float *a, const float *b, int n)
{
	return sum_terms(a, b, n, false, TERM_DIFFERENCE);
}

static TARGET AgmCosineSums
cosine_sums_avx2(const float *a, const float *b, int n)
{
	return sum_cosine(a, b, n, false);
}

static TARGET float
half_dot_avx2(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_PRODUCT);
}

static TARGET float
half_l2_squared_avx2(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_SQUARED_DIFFERENCE);
}

static TARGET float
half_l1_avx2(const uint16 *a, const uint16 *b, int n)
{
	return sum_terms(a, b, n, true, TERM_DIFFERENCE);
}

static TARGET AgmCosineSums
half_cosine_sums_avx2(const uint16 *a, const uint16 *b, int n)
{
	return sum_cosine(a, b, n, true);
}

/* ---------------------------------------------------------------- conversions */

static TARGET void
half_to_float_avx2(const uint16 *half, float *x, int n)
{
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
		_mm256_storeu_ps(x + i, load(half, i, true));
	for (; i < n; i++)
		x[i] = agm_half_to_float(half[i]);
}

static TARGET void
float_to_half_avx2(const float *x, uint16 *half, int n)
{
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
		_mm_storeu_si128((__m128i *) (half + i),
						 _mm256_cvtps_ph(_mm256_loadu_ps(x + i), _MM_FROUND_TO_NEAREST_INT));
	for (; i < n; i++)
		half[i] = agm_float_to_half(x[i]);
}

static TARGET void
int8_to_float_avx2(const int8 *code, float scale, float *x, int n)
{
	__m256 factor = _mm256_set1_ps(scale);
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
	{
		__m256i v = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *) (code + i)));

		_mm256_storeu_ps(x + i, _mm256_mul_ps(_mm256_cvtepi32_ps(v), factor));
	}
	for (; i < n; i++)
		x[i] = (float) code[i] * scale;
}

/* ---------------------------------------------------------------- sums of integers */

INLINE int32
fold_int32(__m256i v)
{
	__m128i v4 = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
	__m128i v2 = _mm_add_epi32(v4, _mm_unpackhi_epi64(v4, v4));

	return _mm_cvtsi128_si32(_mm_add_epi32(v2, _mm_shuffle_epi32(v2, 1)));
}

/*
 * 16 bytes as 16-bit numbers.  The instruction that multiplies bytes would do twice as
 * many, but saturates.
 */
INLINE __m256i
load_int8(const int8 *x)
{
	return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *) x));
}

INLINE __m256i
load_uint8(const uint8 *x)
{
	return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *) x));
}

/* Up to 31 bytes, and zeros after them. */
static inline void
fill_bytes(void *block, const void *x, int n)
{
	memset(block, 0, BYTES);
	memcpy(block, x, n);
}

static TARGET int32
int8_dot_avx2(const int8 *a, const int8 *b, int n)
{
	__m256i sum0 = _mm256_setzero_si256();
	__m256i sum1 = _mm256_setzero_si256();
	int8 a_block[BYTES];
	int8 b_block[BYTES];
	int i;

	for (i = 0; i < n; i += BYTES)
	{
		const int8 *a_next = a + i;
		const int8 *b_next = b + i;

		if (n - i < BYTES)
		{
			fill_bytes(a_block, a_next, n - i);
			fill_bytes(b_block, b_next, n - i);
			a_next = a_block;
			b_next = b_block;
		}
		sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(load_int8(a_next), load_int8(b_next)));
		sum1 = _mm256_add_epi32(
			sum1, _mm256_madd_epi16(load_int8(a_next + 16), load_int8(b_next + 16)));
	}
	return fold_int32(_mm256_add_epi32(sum0, sum1));
}

static TARGET int32
uint8_int8_dot_avx2(const uint8 *a, const int8 *b, int n)
{
	__m256i sum0 = _mm256_setzero_si256();
	__m256i sum1 = _mm256_setzero_si256();
	uint8 a_block[BYTES];
	int8 b_block[BYTES];
	int i;

	for (i = 0; i < n; i += BYTES)
	{
		const uint8 *a_next = a + i;
		const int8 *b_next = b + i;

		if (n - i < BYTES)
		{
			fill_bytes(a_block, a_next, n - i);
			fill_bytes(b_block, b_next, n - i);
			a_next = a_block;
			b_next = b_block;
		}
		sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(load_uint8(a_next), load_int8(b_next)));
		sum1 = _mm256_add_epi32(
			sum1, _mm256_madd_epi16(load_uint8(a_next + 16), load_int8(b_next + 16)));
	}
	return fold_int32(_mm256_add_epi32(sum0, sum1));
}

/* The 8 bytes from i on, zeros after the end. */
INLINE uint64
load_word(const uint8 *x, Size i, Size bytes)
{
	uint64 word = 0;

	if (i + sizeof(word) <= bytes)
		memcpy(&word, x + i, sizeof(word));
	else
		memcpy(&word, x + i, bytes - i);
	return word;
}

static TARGET uint64
hamming_avx2(const uint8 *a, const uint8 *b, Size bytes)
{
	uint64 count = 0;

	for (Size i = 0; i < bytes; i += sizeof(uint64))
		count += (uint64) _mm_popcnt_u64(load_word(a, i, bytes) ^ load_word(b, i, bytes));
	return count;
}

static TARGET AgmBitCounts
bit_counts_avx2(const uint8 *a, const uint8 *b, Size bytes)
{
	AgmBitCounts counts = {0};

	for (Size i = 0; i < bytes; i += sizeof(uint64))
	{
		uint64 x = load_word(a, i, bytes);
		uint64 y = load_word(b, i, bytes);

		counts.both += (uint64) _mm_popcnt_u64(x & y);
		counts.either += (uint64) _mm_popcnt_u64(x | y);
	}
	return counts;
}

/* ---------------------------------------------------------------- blocks of codes */

/* Registers of two groups whose sums fit a byte: four times AGM_BLOCK_TABLE_MAX. */
#define ROUND_BYTES (4 * BYTES)

/* Rounds whose sums fit 16 bits: each adds to a sum of a lane 4 * 60 at most. */
#define ROUNDS_MAX (65535 / (4 * AGM_BLOCK_TABLE_MAX))

/* The sums of 16 codes in two lanes of groups: of the even codes and all pairs, 16 bits each. */
typedef struct CodeSums
{
	__m256i pairs; /* even + 256 * odd, modulo 65536 */
	__m256i odd;
} CodeSums;

/*
 * Half the price of taking the bytes apart: the sum of the 16-bit words is even + 256 * odd,
 * from which the odd part is subtracted in the end.
 */
INLINE void
add_bytes(CodeSums *sums, __m256i bytes)
{
	sums->pairs = _mm256_add_epi16(sums->pairs, bytes);
	sums->odd = _mm256_add_epi16(sums->odd, _mm256_srli_epi16(bytes, 8));
}

/* Adds the sums of codes 0 to 15 to theirs of 32 bits, and starts anew. */
INLINE void
empty_sums(CodeSums *sums, uint32 *total)
{
	__m256i even = _mm256_sub_epi16(sums->pairs, _mm256_slli_epi16(sums->odd, 8));
	/* In each lane of 128 bits: codes 0 to 7, 8 to 15. */
	__m256i low = _mm256_unpacklo_epi16(even, sums->odd);
	__m256i high = _mm256_unpackhi_epi16(even, sums->odd);
	__m256i low_sum = _mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(low)),
									   _mm256_cvtepu16_epi32(_mm256_extracti128_si256(low, 1)));
	__m256i high_sum =
		_mm256_add_epi32(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(high)),
						 _mm256_cvtepu16_epi32(_mm256_extracti128_si256(high, 1)));
	__m256i *low_total = (__m256i *) total;
	__m256i *high_total = (__m256i *) (total + 8);

	_mm256_storeu_si256(low_total, _mm256_add_epi32(_mm256_loadu_si256(low_total), low_sum));
	_mm256_storeu_si256(high_total, _mm256_add_epi32(_mm256_loadu_si256(high_total), high_sum));
	sums->pairs = sums->odd = _mm256_setzero_si256();
}

/* A register holds two groups, and its lanes look up in two rows of the table at once. */
static TARGET void
scan_block_avx2(const uint8 *codes, const uint8 *table, int ngroups,
				uint32 sums[AGM_BLOCK_CODES])
{
	const __m256i low_half = _mm256_set1_epi8(15);
	CodeSums low_sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};
	CodeSums high_sums = {_mm256_setzero_si256(), _mm256_setzero_si256()};
	int bytes = ngroups * AGM_BLOCK_GROUP_BYTES;
	int rounds = 0;
	int i;

#define STEP(code, row)                                                                        \
	do                                                                                         \
	{                                                                                          \
		__m256i c = (code);                                                                    \
		__m256i t = (row);                                                                     \
                                                                                               \
		low = _mm256_add_epi8(low, _mm256_shuffle_epi8(t, _mm256_and_si256(c, low_half)));     \
		c = _mm256_and_si256(_mm256_srli_epi16(c, 4), low_half);                               \
		high = _mm256_add_epi8(high, _mm256_shuffle_epi8(t, c));                               \
	} while (0)
#define WHOLE_STEP(k)                                                                          \
	STEP(_mm256_loadu_si256((const __m256i *) (codes + i + (k) *BYTES)),                       \
		 _mm256_loadu_si256((const __m256i *) (table + i + (k) *BYTES)))

	/* Not memset(): of a constant size it becomes an instruction that takes longer than all the rest here. */
	for (i = 0; i < AGM_BLOCK_CODES; i += FLOATS)
		_mm256_storeu_si256((__m256i *) (sums + i), _mm256_setzero_si256());
	for (i = 0; i + ROUND_BYTES <= bytes; i += ROUND_BYTES)
	{
		__m256i low = _mm256_setzero_si256();
		__m256i high = _mm256_setzero_si256();

		WHOLE_STEP(0);
		WHOLE_STEP(1);
		WHOLE_STEP(2);
		WHOLE_STEP(3);
		add_bytes(&low_sums, low);
		add_bytes(&high_sums, high);
		/* One is left for the tail. */
		if (++rounds == ROUNDS_MAX - 1)
		{
			empty_sums(&low_sums, sums);
			empty_sums(&high_sums, sums + AGM_BLOCK_CODES / 2);
			rounds = 0;
		}
	}
	if (i < bytes)
	{
		__m256i low = _mm256_setzero_si256();
		__m256i high = _mm256_setzero_si256();

		for (; i + BYTES <= bytes; i += BYTES)
			WHOLE_STEP(0);
		/* The last group of an odd number; the upper lane reads zeros. */
		if (i < bytes)
			STEP(_mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *) (codes + i))),
				 _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *) (table + i))));
		add_bytes(&low_sums, low);
		add_bytes(&high_sums, high);
	}
#undef STEP
#undef WHOLE_STEP

	empty_sums(&low_sums, sums);
	empty_sums(&high_sums, sums + AGM_BLOCK_CODES / 2);
}

/*
 * A product that is rounded before anything is added to it: the compiler would fuse the two,
 * although these are intrinsics.
 */
INLINE __m256
product(__m256 a, __m256 b)
{
	__m256 v = _mm256_mul_ps(a, b);

	__asm__("" : "+x"(v));
	return v;
}

/* Eight floats, of which these are the upper halves. */
INLINE __m256
load_upper_halves(const uint16 *x)
{
	__m256i v = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *) x));

	return _mm256_castsi256_ps(_mm256_slli_epi32(v, 16));
}

static TARGET uint32
block_bounds_avx2(const uint32 sums[AGM_BLOCK_CODES], const float *a, const uint16 *b,
				  const uint16 *e, const AgmBlockTerms *terms, float limit,
				  float bounds[AGM_BLOCK_CODES])
{
	const __m256 offset = _mm256_set1_ps(terms->offset);
	const __m256 sum_scale = _mm256_set1_ps(terms->sum_scale);
	const __m256 sum_offset = _mm256_set1_ps(terms->sum_offset);
	const __m256 error = _mm256_set1_ps(terms->error);
	uint32 mask = 0;

	for (int i = 0; i < AGM_BLOCK_CODES; i += FLOATS)
	{
		__m256 sum = _mm256_cvtepi32_ps(_mm256_loadu_si256((const __m256i *) (sums + i)));
		__m256 factor = _mm256_add_ps(product(sum, sum_scale), sum_offset);
		__m256 bound = _mm256_add_ps(offset, _mm256_loadu_ps(a + i));

		bound = _mm256_add_ps(bound, product(load_upper_halves(b + i), factor));
		bound = _mm256_sub_ps(bound, product(error, load_upper_halves(e + i)));
		_mm256_storeu_ps(bounds + i, bound);
		bound = _mm256_cmp_ps(bound, _mm256_set1_ps(limit), _CMP_LE_OQ);
		mask |= (uint32) _mm256_movemask_ps(bound) << i;
	}
	return mask;
}

static TARGET int32
scan_code_avx2(const uint8 *code, const uint8 *planes, Size bytes)
{
	int32 sum = 0;
	int32 count = 0;

	for (Size i = 0; i < bytes; i += sizeof(uint64))
	{
		uint64 x = load_word(code, i, bytes);

		count += (int32) _mm_popcnt_u64(x);
		for (int k = 0; k < 4; k++)
			sum += (int32) _mm_popcnt_u64(x & load_word(planes + k * bytes, i, bytes)) << k;
	}
	return 4 * sum - 30 * count;
}

/* ---------------------------------------------------------------- rotation */

/* 1 for the first of two elements 1, 2 or 4 apart, -1 for the second. */
static const float pair_signs[3][FLOATS] = {
	{1, -1, 1, -1, 1, -1, 1, -1},
	{1, 1, -1, -1, 1, 1, -1, -1},
	{1, 1, 1, 1, -1, -1, -1, -1},
};

/*
 * The steps 1, 2 and 4 of the transform, within a register: each element is added to its
 * partner, the second of a pair with the other sign.  To multiply by 1 or -1 rounds
 * nothing, so that the fused instruction does what an addition does.
 */
INLINE __m256
transform_lanes(__m256 v)
{
	v = _mm256_fmadd_ps(v, _mm256_loadu_ps(pair_signs[0]), _mm256_permute_ps(v, 0xb1));
	v = _mm256_fmadd_ps(v, _mm256_loadu_ps(pair_signs[1]), _mm256_permute_ps(v, 0x4e));
	return _mm256_fmadd_ps(v, _mm256_loadu_ps(pair_signs[2]),
						   _mm256_permute2f128_ps(v, v, 0x01));
}

/* One step for two registers. */
INLINE void
transform_pair(__m256 *a, __m256 *b)
{
	__m256 sum = _mm256_add_ps(*a, *b);

	*b = _mm256_sub_ps(*a, *b);
	*a = sum;
}

/* The steps up to 32, in eight registers. */
INLINE void
transform_64(float *x)
{
	__m256 v0 = transform_lanes(_mm256_loadu_ps(x));
	__m256 v1 = transform_lanes(_mm256_loadu_ps(x + 8));
	__m256 v2 = transform_lanes(_mm256_loadu_ps(x + 16));
	__m256 v3 = transform_lanes(_mm256_loadu_ps(x + 24));
	__m256 v4 = transform_lanes(_mm256_loadu_ps(x + 32));
	__m256 v5 = transform_lanes(_mm256_loadu_ps(x + 40));
	__m256 v6 = transform_lanes(_mm256_loadu_ps(x + 48));
	__m256 v7 = transform_lanes(_mm256_loadu_ps(x + 56));

	transform_pair(&v0, &v1);
	transform_pair(&v2, &v3);
	transform_pair(&v4, &v5);
	transform_pair(&v6, &v7);
	transform_pair(&v0, &v2);
	transform_pair(&v1, &v3);
	transform_pair(&v4, &v6);
	transform_pair(&v5, &v7);
	transform_pair(&v0, &v4);
	transform_pair(&v1, &v5);
	transform_pair(&v2, &v6);
	transform_pair(&v3, &v7);

	_mm256_storeu_ps(x, v0);
	_mm256_storeu_ps(x + 8, v1);
	_mm256_storeu_ps(x + 16, v2);
	_mm256_storeu_ps(x + 24, v3);
	_mm256_storeu_ps(x + 32, v4);
	_mm256_storeu_ps(x + 40, v5);
	_mm256_storeu_ps(x + 48, v6);
	_mm256_storeu_ps(x + 56, v7);
}

/* The steps `step` and 2 * step, in one pass over the memory. */
INLINE void
transform_two_steps(float *x, int n, int step)
{
	for (int start = 0; start < n; start += 4 * step)
		for (int i = start; i < start + step; i += FLOATS)
		{
			__m256 a = _mm256_loadu_ps(x + i);
			__m256 b = _mm256_loadu_ps(x + i + step);
			__m256 c = _mm256_loadu_ps(x + i + 2 * step);
			__m256 d = _mm256_loadu_ps(x + i + 3 * step);

			transform_pair(&a, &b);
			transform_pair(&c, &d);
			transform_pair(&a, &c);
			transform_pair(&b, &d);
			_mm256_storeu_ps(x + i, a);
			_mm256_storeu_ps(x + i + step, b);
			_mm256_storeu_ps(x + i + 2 * step, c);
			_mm256_storeu_ps(x + i + 3 * step, d);
		}
}

INLINE void
transform_step(float *x, int n, int step)
{
	for (int start = 0; start < n; start += 2 * step)
		for (int i = start; i < start + step; i += FLOATS)
		{
			__m256 a = _mm256_loadu_ps(x + i);
			__m256 b = _mm256_loadu_ps(x + i + step);

			transform_pair(&a, &b);
			_mm256_storeu_ps(x + i, a);
			_mm256_storeu_ps(x + i + step, b);
		}
}

static TARGET void
hadamard_avx2(float *x, int n)
{
	int step;

	if (n < FLOATS)
	{
		agm_kernels_scalar.hadamard(x, n);
		return;
	}
	if (n < 64)
	{
		for (int i = 0; i < n; i += FLOATS)
			_mm256_storeu_ps(x + i, transform_lanes(_mm256_loadu_ps(x + i)));
		step = FLOATS;
	}
	else
	{
		for (int i = 0; i < n; i += 64)
			transform_64(x + i);
		step = 64;
	}
	for (; 4 * step <= n; step *= 4)
		transform_two_steps(x, n, step);
	if (step < n)
		transform_step(x, n, step);
}

static TARGET void
flip_signs_avx2(const float *in, const uint8 *signs, float scale, float *out, int n)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	const __m256 factor = _mm256_set1_ps(scale);
	/* Brings bit i of a byte to the highest place of lane i. */
	const __m256i shift = _mm256_setr_epi32(31, 30, 29, 28, 27, 26, 25, 24);
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
	{
		__m256i bits = _mm256_sllv_epi32(_mm256_set1_epi32(signs[i / 8]), shift);
		__m256 v = _mm256_mul_ps(_mm256_loadu_ps(in + i), factor);

		v = _mm256_xor_ps(v, _mm256_and_ps(_mm256_castsi256_ps(bits), sign));
		_mm256_storeu_ps(out + i, v);
	}
	agm_kernels_scalar.flip_signs(in + i, signs + i / 8, scale, out + i, n - i);
}

static TARGET void
butterfly_avx2(float *x, float *y, float scale, int n)
{
	const __m256 factor = _mm256_set1_ps(scale);
	int i;

	for (i = 0; i + FLOATS <= n; i += FLOATS)
	{
		__m256 a = _mm256_loadu_ps(x + i);
		__m256 b = _mm256_loadu_ps(y + i);

		transform_pair(&a, &b);
		_mm256_storeu_ps(x + i, _mm256_mul_ps(a, factor));
		_mm256_storeu_ps(y + i, _mm256_mul_ps(b, factor));
	}
	agm_kernels_scalar.butterfly(x + i, y + i, scale, n - i);
}

const AgmKernels agm_kernels_avx2 = {
	.name = "avx2",
	.dot = dot_avx2,
	.l2_squared = l2_squared_avx2,
	.l1 = l1_avx2,
	.cosine_sums = cosine_sums_avx2,
	.half_dot = half_dot_avx2,
	.half_l2_squared = half_l2_squared_avx2,
	.half_l1 = half_l1_avx2,
	.half_cosine_sums = half_cosine_sums_avx2,
	.half_to_float = half_to_float_avx2,
	.float_to_half = float_to_half_avx2,
	.int8_to_float = int8_to_float_avx2,
	.int8_dot = int8_dot_avx2,
	.uint8_int8_dot = uint8_int8_dot_avx2,
	.hamming = hamming_avx2,
	.bit_counts = bit_counts_avx2,
	.scan_block = scan_block_avx2,
	.block_bounds = block_bounds_avx2,
	.scan_code = scan_code_avx2,
	.hadamard = hadamard_avx2,
	.flip_signs = flip_signs_avx2,
	.butterfly = butterfly_avx2,
};

#endif

/*
 * kernels_avx512.c
 *		The kernels for AVX-512 as Ice Lake and Zen 4 have it, and all that came after:
 *		16 floats or 64 bytes at a time.
 *
 * Only functions are compiled for it (TARGET), never the file, so that the module still
 * loads where it cannot run; simd.c looks before anyone calls.  The set is what one loop
 * or the other needs: F, BW, DQ and VL are the language itself; VNNI multiplies bytes,
 * VPOPCNTDQ counts bits, VBMI moves bytes across a register, GFNI shifts within bytes.
 * The older processors that have the first four alone are served by the table for AVX2.
 *
 * Tails are loaded under a mask: what is masked out is not touched, and counts as zero.
 */
#include "postgres.h"

#include "vector/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET                                                                                 \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni,"          \
						  "avx512vpopcntdq,gfni")))
#define INLINE static pg_attribute_always_inline TARGET

/* Floats and bytes a register. */
#define FLOATS 16
#define BYTES 64

/* Four sums of 16 lanes: an addition takes four cycles, and two may start in each. */
#define SUMS 4

/* The first n elements; all if there are so many, none if n is negative. */
INLINE __mmask64
first(int n)
{
	return n >= 64 ? ~UINT64CONST(0) : n <= 0 ? 0 : (UINT64CONST(1) << n) - 1;
}

/*
 * A value that stays in its register: gcc would load or make it again for each of its uses,
 * and the ports that takes are the ones that the loops are short of.
 */
INLINE __m512i
keep(__m512i v)
{
	__asm__("" : "+v"(v));
	return v;
}

/* Four bytes again and again; by way of a general register it would take such a port, too. */
INLINE __m512i
repeat(const uint32 *bytes)
{
	__m512i v;

	__asm__("vpbroadcastd %1, %0" : "=v"(v) : "m"(*bytes));
	return v;
}

INLINE __m512
keep_floats(__m512 v)
{
	__asm__("" : "+v"(v));
	return v;
}

/* A product that the compiler does not fuse with a sum. */
INLINE __m512
product(__m512 a, __m512 b)
{
	return keep_floats(_mm512_mul_ps(a, b));
}

/* ---------------------------------------------------------------- sums of floats */

typedef enum Term
{
	TERM_PRODUCT,
	TERM_SQUARED_DIFFERENCE,
	TERM_DIFFERENCE
} Term;

/*
 * Elements i to i + 15 of floats or halves.  The kernels for both are made of the same
 * functions, `half` being a constant in each: so they agree to the bit.
 */
INLINE __m512
load(const void *x, Size i, bool half)
{
	if (half)
		return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *) ((const uint16 *) x + i)));
	return _mm512_loadu_ps((const float *) x + i);
}

INLINE __m512
load_masked(const void *x, Size i, __mmask16 mask, bool half)
{
	if (half)
		return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, (const uint16 *) x + i));
	return _mm512_maskz_loadu_ps(mask, (const float *) x + i);
}

INLINE __m512
add_term(__m512 sum, __m512 a, __m512 b, Term term)
{
	__m512 difference;

	if (term == TERM_PRODUCT)
		return _mm512_fmadd_ps(a, b, sum);
	difference = _mm512_sub_ps(a, b);
	if (term == TERM_SQUARED_DIFFERENCE)
		return _mm512_fmadd_ps(difference, difference, sum);
	return _mm512_add_ps(sum, _mm512_abs_ps(difference));
}

/* Written out, for the order of these additions is part of what a table promises. */
INLINE float
fold(const __m512 sums[SUMS])
{
	__m512 v = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
	__m256 v8 = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
	__m128 v4 = _mm_add_ps(_mm256_castps256_ps128(v8), _mm256_extractf128_ps(v8, 1));
	__m128 v2 = _mm_add_ps(v4, _mm_movehl_ps(v4, v4));

	return _mm_cvtss_f32(_mm_add_ss(v2, _mm_movehdup_ps(v2)));
}

INLINE float
sum_terms(const void *a, const void *b, int n, bool half, Term term)
{
	__m512 sums[SUMS] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(),
						 _mm512_setzero_ps()};
	Size size = (Size) n;
	Size i;

#define STEP(k)                                                                                \
	sums[k] = add_term(sums[k], load(a, i + (k) *FLOATS, half),                                \
					   load(b, i + (k) *FLOATS, half), term)
#define TAIL_STEP(k)                                                                           \
	sums[k] = add_term(sums[k], load_masked(a, i + (k) *FLOATS, tail >> ((k) *FLOATS), half),  \
					   load_masked(b, i + (k) *FLOATS, tail >> ((k) *FLOATS), half), term)

	for (i = 0; i + SUMS * FLOATS <= size; i += SUMS * FLOATS)
	{
		STEP(0);
		STEP(1);
		STEP(2);
		STEP(3);
	}
	if (i < size)
	{
		__mmask64 tail = first((int) (size - i));

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
	__m512 dot[SUMS];
	__m512 a_squared[SUMS];
	__m512 b_squared[SUMS];
	AgmCosineSums result;
	Size size = (Size) n;
	Size i;

#define STEP(k, av, bv)                                                                        \
	do                                                                                         \
	{                                                                                          \
		__m512 a_##k = keep_floats(av);                                                        \
		__m512 b_##k = keep_floats(bv);                                                        \
                                                                                               \
		dot[k] = _mm512_fmadd_ps(a_##k, b_##k, dot[k]);                                        \
		a_squared[k] = _mm512_fmadd_ps(a_##k, a_##k, a_squared[k]);                            \
		b_squared[k] = _mm512_fmadd_ps(b_##k, b_##k, b_squared[k]);                            \
	} while (0)
#define WHOLE_STEP(k) STEP(k, load(a, i + (k) *FLOATS, half), load(b, i + (k) *FLOATS, half))
#define TAIL_STEP(k)                                                                           \
	STEP(k, load_masked(a, i + (k) *FLOATS, tail >> ((k) *FLOATS), half),                      \
		 load_masked(b, i + (k) *FLOATS, tail >> ((k) *FLOATS), half))

	for (int k = 0; k < SUMS; k++)
		dot[k] = a_squared[k] = b_squared[k] = _mm512_setzero_ps();
	for (i = 0; i + SUMS * FLOATS <= size; i += SUMS * FLOATS)
	{
		WHOLE_STEP(0);
		WHOLE_STEP(1);
		WHOLE_STEP(2);
		WHOLE_STEP(3);
	}
	if (i < size)
	{
		__mmask64 tail = first((int) (size - i));

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

#define SUM_KERNEL(name, type, half, term)                                                     \
	static TARGET float name(const type *a, const type *b, int n)                              \
	{                                                                                          \
		return sum_terms(a, b, n, half, term);                                                 \
	}

SUM_KERNEL(dot_avx512, float, false, TERM_PRODUCT)
SUM_KERNEL(l2_squared_avx512, float, false, TERM_SQUARED_DIFFERENCE)
SUM_KERNEL(l1_avx512, float, false, TERM_DIFFERENCE)
SUM_KERNEL(half_dot_avx512, uint16, true, TERM_PRODUCT)
SUM_KERNEL(half_l2_squared_avx512, uint16, true, TERM_SQUARED_DIFFERENCE)
SUM_KERNEL(half_l1_avx512, uint16, true, TERM_DIFFERENCE)

static TARGET AgmCosineSums
cosine_sums_avx512(const float *a, const float *b, int n)
{
	return sum_cosine(a, b, n, false);
}

static TARGET AgmCosineSums
half_cosine_sums_avx512(const uint16 *a, const uint16 *b, int n)
{
	return sum_cosine(a, b, n, true);
}

/* ---------------------------------------------------------------- conversions */

/* STEP(i, mask) for each 16 floats from i on, all of them but for the last. */
#define FOR_FLOATS(STEP)                                                                       \
	do                                                                                         \
	{                                                                                          \
		Size size = (Size) n;                                                                  \
		Size i;                                                                                \
                                                                                               \
		for (i = 0; i + FLOATS <= size; i += FLOATS)                                           \
			STEP(i, 0xffff);                                                                   \
		if (i < size)                                                                          \
			STEP(i, (__mmask16) first((int) (size - i)));                                      \
	} while (0)

static TARGET void
half_to_float_avx512(const uint16 *half, float *x, int n)
{
#define STEP(i, mask) _mm512_mask_storeu_ps(x + i, mask, load_masked(half, i, mask, true))
	FOR_FLOATS(STEP);
#undef STEP
}

static TARGET void
float_to_half_avx512(const float *x, uint16 *half, int n)
{
#define STEP(i, mask)                                                                          \
	_mm256_mask_storeu_epi16(                                                                  \
		half + i, mask,                                                                        \
		_mm512_cvtps_ph(_mm512_maskz_loadu_ps(mask, x + i), _MM_FROUND_TO_NEAREST_INT))
	FOR_FLOATS(STEP);
#undef STEP
}

static TARGET void
int8_to_float_avx512(const int8 *code, float scale, float *x, int n)
{
	__m512 factor = _mm512_set1_ps(scale);

#define STEP(i, mask)                                                                          \
	_mm512_mask_storeu_ps(x + i, mask,                                                         \
						  _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(               \
											_mm_maskz_loadu_epi8(mask, code + i))),            \
										factor))
	FOR_FLOATS(STEP);
#undef STEP
}

/* ---------------------------------------------------------------- sums of integers */

INLINE int32
fold_int32(__m512i v)
{
	__m256i v8 = _mm256_add_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
	__m128i v4 = _mm_add_epi32(_mm256_castsi256_si128(v8), _mm256_extracti128_si256(v8, 1));
	__m128i v2 = _mm_add_epi32(v4, _mm_unpackhi_epi64(v4, v4));
	uint64 pair = (uint64) _mm_cvtsi128_si64(v2);

	/* The last addition is free in a general register, and is not in these. */
	return (int32) ((uint32) pair + (uint32) (pair >> 32));
}

INLINE uint64
fold_int64(__m512i v)
{
	__m256i v4 = _mm256_add_epi64(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
	__m128i v2 = _mm_add_epi64(_mm256_castsi256_si128(v4), _mm256_extracti128_si256(v4, 1));

	return (uint64) _mm_cvtsi128_si64(_mm_add_epi64(v2, _mm_unpackhi_epi64(v2, v2)));
}

/* STEP of 64 bytes from k * 64 on, into the sum that is not waited for. */
#define STEP_AT(STEP, sum, k)                                                                  \
	STEP(sum, _mm512_loadu_si512(x + (k) *BYTES), _mm512_loadu_si512(y + (k) *BYTES))

/* Six of them.  Embeddings have multiples of 384 dimensions more often than not. */
#define TURN (6 * BYTES)
#define TURN_AT(STEP)                                                                          \
	do                                                                                         \
	{                                                                                          \
		STEP_AT(STEP, 0, 0);                                                                   \
		STEP_AT(STEP, 1, 1);                                                                   \
		STEP_AT(STEP, 0, 2);                                                                   \
		STEP_AT(STEP, 1, 3);                                                                   \
		STEP_AT(STEP, 0, 4);                                                                   \
		STEP_AT(STEP, 1, 5);                                                                   \
	} while (0)

/*
 * STEP(sum, a's bytes, b's bytes) over all bytes; two sums, so that they wait less for each
 * other.  What there is beside the steps is felt, because two ports of four that take general
 * instructions are those that take these: a last turn that is whole moves no pointer and
 * counts nothing.
 */
#define FOR_BYTES(STEP)                                                                        \
	do                                                                                         \
	{                                                                                          \
		const uint8 *x = (const uint8 *) a;                                                    \
		const uint8 *y = (const uint8 *) b;                                                    \
		int left = n;                                                                          \
                                                                                               \
		for (; left > TURN; left -= TURN, x += TURN, y += TURN)                                \
			TURN_AT(STEP);                                                                     \
		if (left == TURN)                                                                      \
		{                                                                                      \
			TURN_AT(STEP);                                                                     \
			break;                                                                             \
		}                                                                                      \
		for (; left >= 2 * BYTES; left -= 2 * BYTES, x += 2 * BYTES, y += 2 * BYTES)           \
		{                                                                                      \
			STEP_AT(STEP, 0, 0);                                                               \
			STEP_AT(STEP, 1, 1);                                                               \
		}                                                                                      \
		for (int i = 0; i < left; i += BYTES)                                                  \
		{                                                                                      \
			__mmask64 mask = first(left - i);                                                  \
                                                                                               \
			STEP(0, _mm512_maskz_loadu_epi8(mask, x + i),                                      \
				 _mm512_maskz_loadu_epi8(mask, y + i));                                        \
		}                                                                                      \
	} while (0)

/*
 * The instruction multiplies unsigned by signed bytes.  a + 128 is unsigned, and is a with
 * its highest bit flipped; 128 times the sum of b is then too much.  (What is masked out is
 * 128 in the one and 0 in the other.)
 */
static TARGET int32
int8_dot_avx512(const int8 *a, const int8 *b, int n)
{
	static const uint32 highest_bits = 0x80808080;
	const __m512i bias = repeat(&highest_bits);
	__m512i sum0 = _mm512_setzero_si512();
	__m512i sum1 = _mm512_setzero_si512();
	__m512i excess0 = _mm512_setzero_si512();
	__m512i excess1 = _mm512_setzero_si512();

#define STEP(k, av, bv)                                                                        \
	do                                                                                         \
	{                                                                                          \
		__m512i b_bytes = keep(bv);                                                            \
                                                                                               \
		sum##k = _mm512_dpbusd_epi32(sum##k, _mm512_xor_si512(av, bias), b_bytes);             \
		excess##k = _mm512_dpbusd_epi32(excess##k, bias, b_bytes);                             \
	} while (0)

	FOR_BYTES(STEP);
#undef STEP

	return fold_int32(
		_mm512_sub_epi32(_mm512_add_epi32(sum0, sum1), _mm512_add_epi32(excess0, excess1)));
}

static TARGET int32
uint8_int8_dot_avx512(const uint8 *a, const int8 *b, int n)
{
	__m512i sum0 = _mm512_setzero_si512();
	__m512i sum1 = _mm512_setzero_si512();

#define STEP(k, av, bv) sum##k = _mm512_dpbusd_epi32(sum##k, av, bv)
	FOR_BYTES(STEP);
#undef STEP

	return fold_int32(_mm512_add_epi32(sum0, sum1));
}

/* The bytes from i on, zeros after the end. */
INLINE __m512i
load_bytes(const uint8 *x, Size i, Size bytes)
{
	if (i + BYTES <= bytes)
		return _mm512_loadu_si512(x + i);
	return _mm512_maskz_loadu_epi8(first((int) (bytes - i)), x + i);
}

static TARGET uint64
hamming_avx512(const uint8 *a, const uint8 *b, Size bytes)
{
	__m512i count = _mm512_setzero_si512();

	for (Size i = 0; i < bytes; i += BYTES)
	{
		__m512i v = _mm512_xor_si512(load_bytes(a, i, bytes), load_bytes(b, i, bytes));

		count = _mm512_add_epi64(count, _mm512_popcnt_epi64(v));
	}
	return fold_int64(count);
}

static TARGET AgmBitCounts
bit_counts_avx512(const uint8 *a, const uint8 *b, Size bytes)
{
	__m512i both = _mm512_setzero_si512();
	__m512i either = _mm512_setzero_si512();
	AgmBitCounts counts;

	for (Size i = 0; i < bytes; i += BYTES)
	{
		__m512i va = load_bytes(a, i, bytes);
		__m512i vb = load_bytes(b, i, bytes);

		both = _mm512_add_epi64(both, _mm512_popcnt_epi64(_mm512_and_si512(va, vb)));
		either = _mm512_add_epi64(either, _mm512_popcnt_epi64(_mm512_or_si512(va, vb)));
	}
	counts.both = fold_int64(both);
	counts.either = fold_int64(either);
	return counts;
}

/* ---------------------------------------------------------------- blocks of codes */

/* Groups a register, and those whose sums fit a byte: four times AGM_BLOCK_TABLE_MAX. */
#define GROUPS (BYTES / AGM_BLOCK_GROUP_BYTES)
#define ROUND_GROUPS (4 * GROUPS)

/* Byte j of these, in each of the four groups of a register, is to stand at 4 * j. */
static const uint8 by_code[BYTES] = {
	0,	16, 32, 48, 1,	17, 33, 49, 2,	18, 34, 50, 3,	19, 35, 51, 4,	20, 36, 52, 5,	21,
	37, 53, 6,	22, 38, 54, 7,	23, 39, 55, 8,	24, 40, 56, 9,	25, 41, 57, 10, 26, 42, 58,
	11, 27, 43, 59, 12, 28, 44, 60, 13, 29, 45, 61, 14, 30, 46, 62, 15, 31, 47, 63,
};

/* As a matrix over bits, the first row highest: bit i becomes bit i - 4. */
#define SHIFT_RIGHT_4 UINT64CONST(0x1020408000000000)

/*
 * A register holds four groups, and its lanes look up in four rows of the table at once.
 * The sums of four such registers fit bytes.  Then the four bytes of one code are brought
 * together, and the instruction that is for products adds them to the code's own sum: no
 * sums of 16 bits are needed in between, and no folding at the end.
 */
static TARGET void
scan_block_avx512(const uint8 *codes, const uint8 *table, int ngroups,
				  uint32 sums[AGM_BLOCK_CODES])
{
	const __m512i low_half = keep(_mm512_set1_epi8(15));
	const __m512i shift = keep(_mm512_set1_epi64(SHIFT_RIGHT_4));
	const __m512i ones = keep(_mm512_set1_epi8(1));
	const __m512i order = _mm512_loadu_si512(by_code);
	__m512i low_sums = _mm512_setzero_si512();
	__m512i high_sums = _mm512_setzero_si512();
	Size bytes = (Size) ngroups * AGM_BLOCK_GROUP_BYTES;
	Size i;

#define STEP(code, row)                                                                        \
	do                                                                                         \
	{                                                                                          \
		__m512i c = keep(code);                                                                \
		__m512i t = (row);                                                                     \
                                                                                               \
		low = _mm512_add_epi8(low, _mm512_shuffle_epi8(t, _mm512_and_si512(c, low_half)));     \
		c = _mm512_gf2p8affine_epi64_epi8(c, shift, 0);                                        \
		high = _mm512_add_epi8(high, _mm512_shuffle_epi8(t, c));                               \
	} while (0)
#define WHOLE_STEP(k)                                                                          \
	STEP(_mm512_loadu_si512(codes + i + (k) *BYTES), _mm512_loadu_si512(table + i + (k) *BYTES))
#define FINISH_ROUND()                                                                         \
	do                                                                                         \
	{                                                                                          \
		low_sums = _mm512_dpbusd_epi32(low_sums, _mm512_permutexvar_epi8(order, low), ones);   \
		high_sums =                                                                            \
			_mm512_dpbusd_epi32(high_sums, _mm512_permutexvar_epi8(order, high), ones);        \
	} while (0)

	for (i = 0; i + ROUND_GROUPS * AGM_BLOCK_GROUP_BYTES <= bytes;
		 i += ROUND_GROUPS * AGM_BLOCK_GROUP_BYTES)
	{
		__m512i low = _mm512_setzero_si512();
		__m512i high = _mm512_setzero_si512();

		WHOLE_STEP(0);
		WHOLE_STEP(1);
		WHOLE_STEP(2);
		WHOLE_STEP(3);
		FINISH_ROUND();
	}
	if (i < bytes)
	{
		__m512i low = _mm512_setzero_si512();
		__m512i high = _mm512_setzero_si512();

		for (; i < bytes; i += BYTES)
		{
			__mmask64 mask = first((int) (bytes - i));

			/* A row that is masked out holds zeros. */
			STEP(_mm512_maskz_loadu_epi8(mask, codes + i),
				 _mm512_maskz_loadu_epi8(mask, table + i));
		}
		FINISH_ROUND();
	}
#undef STEP
#undef WHOLE_STEP
#undef FINISH_ROUND

	_mm512_storeu_si512(sums, low_sums);
	_mm512_storeu_si512(sums + AGM_BLOCK_CODES / 2, high_sums);
}

/* Sixteen floats, of which these are the upper halves. */
INLINE __m512
load_upper_halves(const uint16 *x)
{
	__m512i v = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *) x));

	return _mm512_castsi512_ps(_mm512_slli_epi32(v, 16));
}

static TARGET uint32
block_bounds_avx512(const uint32 sums[AGM_BLOCK_CODES], const float *a, const uint16 *b,
					const uint16 *e, const AgmBlockTerms *terms, float limit,
					float bounds[AGM_BLOCK_CODES])
{
	uint32 mask = 0;

#define TERM(t) _mm512_set1_ps(terms->t)
	for (int i = 0; i < AGM_BLOCK_CODES; i += FLOATS)
	{
		__m512 factor =
			product(_mm512_cvtepi32_ps(_mm512_loadu_si512(sums + i)), TERM(sum_scale));
		__m512 bound = _mm512_add_ps(TERM(offset), _mm512_loadu_ps(a + i));

		factor = _mm512_add_ps(factor, TERM(sum_offset));
		bound = _mm512_add_ps(bound, product(load_upper_halves(b + i), factor));
		bound = _mm512_sub_ps(bound, product(TERM(error), load_upper_halves(e + i)));
		_mm512_storeu_ps(bounds + i, bound);
		mask |= (uint32) _mm512_cmp_ps_mask(bound, _mm512_set1_ps(limit), _CMP_LE_OQ) << i;
	}
#undef TERM
	return mask;
}

static TARGET int32
scan_code_avx512(const uint8 *code, const uint8 *planes, Size bytes)
{
	__m512i counts = _mm512_setzero_si512();
	__m512i sums = _mm512_setzero_si512();

	for (Size i = 0; i < bytes; i += BYTES)
	{
		__m512i v = load_bytes(code, i, bytes);
		__m512i part = _mm512_setzero_si512();

		counts = _mm512_add_epi64(counts, _mm512_popcnt_epi64(v));
		for (int k = 3; k >= 0; k--)
		{
			__m512i both = _mm512_and_si512(v, load_bytes(planes + k * bytes, i, bytes));

			part = _mm512_add_epi64(_mm512_add_epi64(part, part), _mm512_popcnt_epi64(both));
		}
		sums = _mm512_add_epi64(sums, part);
	}
	return 4 * (int32) fold_int64(sums) - 30 * (int32) fold_int64(counts);
}

/* ---------------------------------------------------------------- rotation */

/* 1 for the first of two elements 1, 2, 4 or 8 apart, -1 for the second. */
static const float pair_signs[4][FLOATS] = {
	{1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1},
	{1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1},
	{1, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1},
	{1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1},
};

/*
 * The steps 1, 2, 4 and 8 of the transform, within a register: each element is added to
 * its partner, the second of a pair with the other sign.  To multiply by 1 or -1 rounds
 * nothing, so that the fused instruction does what an addition does.
 */
INLINE __m512
transform_lanes(__m512 v)
{
	v = _mm512_fmadd_ps(v, _mm512_loadu_ps(pair_signs[0]), _mm512_permute_ps(v, 0xb1));
	v = _mm512_fmadd_ps(v, _mm512_loadu_ps(pair_signs[1]), _mm512_permute_ps(v, 0x4e));
	v = _mm512_fmadd_ps(v, _mm512_loadu_ps(pair_signs[2]), _mm512_shuffle_f32x4(v, v, 0xb1));
	return _mm512_fmadd_ps(v, _mm512_loadu_ps(pair_signs[3]), _mm512_shuffle_f32x4(v, v, 0x4e));
}

/* One step for two registers. */
INLINE void
transform_pair(__m512 *a, __m512 *b)
{
	__m512 sum = _mm512_add_ps(*a, *b);

	*b = _mm512_sub_ps(*a, *b);
	*a = sum;
}

/* The steps up to 64, in eight registers. */
INLINE void
transform_128(float *x)
{
	__m512 v0 = transform_lanes(_mm512_loadu_ps(x));
	__m512 v1 = transform_lanes(_mm512_loadu_ps(x + 16));
	__m512 v2 = transform_lanes(_mm512_loadu_ps(x + 32));
	__m512 v3 = transform_lanes(_mm512_loadu_ps(x + 48));
	__m512 v4 = transform_lanes(_mm512_loadu_ps(x + 64));
	__m512 v5 = transform_lanes(_mm512_loadu_ps(x + 80));
	__m512 v6 = transform_lanes(_mm512_loadu_ps(x + 96));
	__m512 v7 = transform_lanes(_mm512_loadu_ps(x + 112));

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

	_mm512_storeu_ps(x, v0);
	_mm512_storeu_ps(x + 16, v1);
	_mm512_storeu_ps(x + 32, v2);
	_mm512_storeu_ps(x + 48, v3);
	_mm512_storeu_ps(x + 64, v4);
	_mm512_storeu_ps(x + 80, v5);
	_mm512_storeu_ps(x + 96, v6);
	_mm512_storeu_ps(x + 112, v7);
}

/* The steps `step` and 2 * step, in one pass over the memory. */
INLINE void
transform_two_steps(float *x, int n, int step)
{
	for (int start = 0; start < n; start += 4 * step)
		for (int i = start; i < start + step; i += FLOATS)
		{
			__m512 a = _mm512_loadu_ps(x + i);
			__m512 b = _mm512_loadu_ps(x + i + step);
			__m512 c = _mm512_loadu_ps(x + i + 2 * step);
			__m512 d = _mm512_loadu_ps(x + i + 3 * step);

			transform_pair(&a, &b);
			transform_pair(&c, &d);
			transform_pair(&a, &c);
			transform_pair(&b, &d);
			_mm512_storeu_ps(x + i, a);
			_mm512_storeu_ps(x + i + step, b);
			_mm512_storeu_ps(x + i + 2 * step, c);
			_mm512_storeu_ps(x + i + 3 * step, d);
		}
}

INLINE void
transform_step(float *x, int n, int step)
{
	for (int start = 0; start < n; start += 2 * step)
		for (int i = start; i < start + step; i += FLOATS)
		{
			__m512 a = _mm512_loadu_ps(x + i);
			__m512 b = _mm512_loadu_ps(x + i + step);

			transform_pair(&a, &b);
			_mm512_storeu_ps(x + i, a);
			_mm512_storeu_ps(x + i + step, b);
		}
}

static TARGET void
hadamard_avx512(float *x, int n)
{
	int step;

	if (n < FLOATS)
	{
		agm_kernels_scalar.hadamard(x, n);
		return;
	}
	if (n < 128)
	{
		for (int i = 0; i < n; i += FLOATS)
			_mm512_storeu_ps(x + i, transform_lanes(_mm512_loadu_ps(x + i)));
		step = FLOATS;
	}
	else
	{
		for (int i = 0; i < n; i += 128)
			transform_128(x + i);
		step = 128;
	}
	for (; 4 * step <= n; step *= 4)
		transform_two_steps(x, n, step);
	if (step < n)
		transform_step(x, n, step);
}

static TARGET void
flip_signs_avx512(const float *in, const uint8 *signs, float scale, float *out, int n)
{
	const __m512 sign = _mm512_set1_ps(-0.0f);
	const __m512 factor = _mm512_set1_ps(scale);

	for (int i = 0; i < n; i += FLOATS)
	{
		__mmask16 mask = first(n - i);
		__m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, in + i), factor);
		uint16 bits = signs[i / 8];

		/* The second byte is not there if the vector ends within the first. */
		if (n - i > 8)
			bits |= (uint16) (signs[i / 8 + 1] << 8);
		_mm512_mask_storeu_ps(out + i, mask, _mm512_mask_xor_ps(v, bits, v, sign));
	}
}

static TARGET void
butterfly_avx512(float *x, float *y, float scale, int n)
{
	const __m512 factor = _mm512_set1_ps(scale);

#define STEP(i, mask)                                                                          \
	do                                                                                         \
	{                                                                                          \
		__m512 a = _mm512_maskz_loadu_ps(mask, x + i);                                         \
		__m512 b = _mm512_maskz_loadu_ps(mask, y + i);                                         \
                                                                                               \
		transform_pair(&a, &b);                                                                \
		_mm512_mask_storeu_ps(x + i, mask, _mm512_mul_ps(a, factor));                          \
		_mm512_mask_storeu_ps(y + i, mask, _mm512_mul_ps(b, factor));                          \
	} while (0)
	FOR_FLOATS(STEP);
#undef STEP
}

const AgmKernels agm_kernels_avx512 = {
	.name = "avx512",
	.dot = dot_avx512,
	.l2_squared = l2_squared_avx512,
	.l1 = l1_avx512,
	.cosine_sums = cosine_sums_avx512,
	.half_dot = half_dot_avx512,
	.half_l2_squared = half_l2_squared_avx512,
	.half_l1 = half_l1_avx512,
	.half_cosine_sums = half_cosine_sums_avx512,
	.half_to_float = half_to_float_avx512,
	.float_to_half = float_to_half_avx512,
	.int8_to_float = int8_to_float_avx512,
	.int8_dot = int8_dot_avx512,
	.uint8_int8_dot = uint8_int8_dot_avx512,
	.uint8_int8_dots = agm_uint8_int8_dots_avx512,
	.hamming = hamming_avx512,
	.bit_counts = bit_counts_avx512,
	.scan_block = scan_block_avx512,
	.block_bounds = block_bounds_avx512,
	.scan_code = scan_code_avx512,
	.hadamard = hadamard_avx512,
	.flip_signs = flip_signs_avx512,
	.butterfly = butterfly_avx512,
};

#endif

/*
 * kernels_avx512_many.c
 *		Products of one string of bytes with many others, for AVX-512 (kernels_avx512.c says
 *		which).
 *
 * One product at a time is mostly the folding of its 16 sums into one.  Sixteen of them are
 * folded together in 30 moves and 15 additions, which is less than three for each.
 */
#include "postgres.h"

#include "vector/kernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define INLINE static pg_attribute_always_inline TARGET

#define BYTES 64
/* As many sums as are folded together: one for each of 16 lanes. */
#define MANY 16

INLINE __mmask64
first(int n)
{
	return n >= 64 ? ~UINT64CONST(0) : (UINT64CONST(1) << n) - 1;
}

/* The sums of pairs of lanes of a, and of b, in turns; within each 128 bits. */
INLINE __m512i
fold_pair(__m512i a, __m512i b)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
}

/* Four sums of four lanes each, one for each of the four; in each 128 bits. */
INLINE __m512i
fold_four(__m512i a, __m512i b, __m512i c, __m512i d)
{
	__m512i ab = fold_pair(a, b);
	__m512i cd = fold_pair(c, d);

	return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* The sums of pairs of quarters of a, and of those of b. */
INLINE __m512i
fold_quarters(__m512i a, __m512i b)
{
	return _mm512_add_epi32(_mm512_shuffle_i32x4(a, b, 0x88), _mm512_shuffle_i32x4(a, b, 0xdd));
}

#define FOR_MANY(DO)                                                                           \
	DO(0);                                                                                     \
	DO(1);                                                                                     \
	DO(2);                                                                                     \
	DO(3);                                                                                     \
	DO(4);                                                                                     \
	DO(5);                                                                                     \
	DO(6);                                                                                     \
	DO(7);                                                                                     \
	DO(8);                                                                                     \
	DO(9);                                                                                     \
	DO(10);                                                                                    \
	DO(11);                                                                                    \
	DO(12);                                                                                    \
	DO(13);                                                                                    \
	DO(14);                                                                                    \
	DO(15)

/* Sixteen at once: their loads and products do not wait for each other.  Sums are kept in registers by name. */
static pg_noinline TARGET void
products_of_many(const uint8 *a, const int8 *b, Size stride, int n, int32 *products)
{
	const int8 *b12 = b + 12 * stride;
	const int8 *b8 = b + 8 * stride;
	const int8 *b4 = b + 4 * stride;
	int i = 0;

#define DECLARE(j) __m512i sum##j = _mm512_setzero_si512()
	FOR_MANY(DECLARE);
#undef DECLARE

#define OTHER(j) ((j >= 12 ? b12 : j >= 8 ? b8 : j >= 4 ? b4 : b) + (j % 4) * stride + i)
#define STEP(j)                                                                                \
	sum##j = _mm512_dpbusd_epi32(sum##j, av, _mm512_loadu_si512(OTHER(j)));                    \
	__asm__("" : "+v"(sum##j))
	for (; i + BYTES <= n; i += BYTES)
	{
		__m512i av = _mm512_loadu_si512(a + i);

		FOR_MANY(STEP);
	}
#undef STEP
#define STEP(j)                                                                                \
	sum##j = _mm512_dpbusd_epi32(sum##j, av, _mm512_maskz_loadu_epi8(mask, OTHER(j)))
	if (i < n)
	{
		__mmask64 mask = first(n - i);
		__m512i av = _mm512_maskz_loadu_epi8(mask, a + i);

		FOR_MANY(STEP);
	}
#undef STEP
	_mm512_storeu_si512(products,
						fold_quarters(fold_quarters(fold_four(sum0, sum1, sum2, sum3),
													fold_four(sum4, sum5, sum6, sum7)),
									  fold_quarters(fold_four(sum8, sum9, sum10, sum11),
													fold_four(sum12, sum13, sum14, sum15))));
}

TARGET void
agm_uint8_int8_dots_avx512(const uint8 *a, const int8 *b, Size stride, int count, int n,
						   int32 *products)
{
	int j = 0;

	for (; j + MANY <= count; j += MANY)
		products_of_many(a, b + stride * j, stride, n, products + j);
	for (; j < count; j++)
		products[j] = agm_kernels_avx512.uint8_int8_dot(a, b + stride * j, n);
}

#endif

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

/* The same of what fold_pair() gave: four sums of four lanes each. */
INLINE __m512i
fold_four(__m512i ab, __m512i cd)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/* Lane i: the sum of all lanes of v[i]. */
INLINE __m512i
fold_all(const __m512i v[MANY])
{
	__m512i q[4];
	__m512i low;
	__m512i high;

	for (int i = 0; i < 4; i++)
		q[i] =
			fold_four(fold_pair(v[4 * i], v[4 * i + 1]), fold_pair(v[4 * i + 2], v[4 * i + 3]));

	/* Each q has its four sums in four parts, one in each quarter. */
	low = _mm512_add_epi32(_mm512_shuffle_i32x4(q[0], q[1], 0x88),
						   _mm512_shuffle_i32x4(q[0], q[1], 0xdd));
	high = _mm512_add_epi32(_mm512_shuffle_i32x4(q[2], q[3], 0x88),
							_mm512_shuffle_i32x4(q[2], q[3], 0xdd));
	return _mm512_add_epi32(_mm512_shuffle_i32x4(low, high, 0x88),
							_mm512_shuffle_i32x4(low, high, 0xdd));
}

/* Sixteen at once: their loads and products do not wait for each other. */
INLINE void
products_of_many(const uint8 *a, const int8 *b, Size stride, int n, int32 *products)
{
	__m512i sums[MANY];
	int i = 0;

	for (int j = 0; j < MANY; j++)
		sums[j] = _mm512_setzero_si512();
	for (; i + BYTES <= n; i += BYTES)
	{
		__m512i av = _mm512_loadu_si512(a + i);

#pragma GCC unroll 16
		for (int j = 0; j < MANY; j++)
			sums[j] = _mm512_dpbusd_epi32(sums[j], av, _mm512_loadu_si512(b + stride * j + i));
	}
	if (i < n)
	{
		__mmask64 mask = first(n - i);
		__m512i av = _mm512_maskz_loadu_epi8(mask, a + i);

#pragma GCC unroll 16
		for (int j = 0; j < MANY; j++)
			sums[j] = _mm512_dpbusd_epi32(sums[j], av,
										  _mm512_maskz_loadu_epi8(mask, b + stride * j + i));
	}
	_mm512_storeu_si512(products, fold_all(sums));
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

/*
 * kernels.h
 *		The loops over floats, halves, codes and bits that every distance is made of.
 *
 * One table of function pointers for each instruction set; agm_kernels points to the
 * one in use, which simd.h chooses.  The functions know nothing of SQL or the vector type,
 * take n >= 0 elements of any alignment, read and write nothing beyond them, allocate
 * nothing and cannot fail: a sum that is too large is infinite.  What tables may differ
 * in, and what not: README.md, "Kernels".
 */
#ifndef AGM_VECTOR_KERNELS_H
#define AGM_VECTOR_KERNELS_H

#include "postgres.h"

#include <float.h>
#include <math.h>

/*
 * A sum of n terms that a float kernel gives is off by at most so many times the sum of the
 * terms' magnitudes, on every table.
 */
#define AGM_KERNEL_ERROR(n) (FLT_EPSILON / 2 * ((n) / 16 + 8))

typedef struct AgmCosineSums
{
	float dot;		 /* a . b */
	float a_squared; /* a . a */
	float b_squared; /* b . b */
} AgmCosineSums;

/* How alike two strings of bits are: how many are set in both, in either. */
typedef struct AgmBitCounts
{
	uint64 both;
	uint64 either;
} AgmBitCounts;

/*
 * Codes of one bit a dimension are scanned in blocks of so many.  Four dimensions are a
 * group, and a group of a block takes 16 bytes: byte j holds the four bits of code j in
 * its low half (the first dimension in bit 0) and those of code j + 16 in its high half.
 */
#define AGM_BLOCK_CODES 32
#define AGM_BLOCK_GROUP_BYTES (AGM_BLOCK_CODES / 2)
/* The most that the 16 sums of a group may be: four values of four bits. */
#define AGM_BLOCK_TABLE_MAX 60

/* What of the bounds of a block is the same for all its codes. */
typedef struct AgmBlockTerms
{
	float offset;
	float sum_scale;
	float sum_offset;
	float error;
} AgmBlockTerms;

typedef struct AgmKernels
{
	const char *name;

	/* Sums of floats: within AGM_KERNEL_ERROR, symmetric and always the same on one table. */
	float (*dot)(const float *a, const float *b, int n);
	float (*l2_squared)(const float *a, const float *b, int n);
	float (*l1)(const float *a, const float *b, int n);
	/* Each of the three is, to the bit, what dot() gives. */
	AgmCosineSums (*cosine_sums)(const float *a, const float *b, int n);

	/* Floats of 16 bits, as uint16: to the bit what the above give for the values as floats. */
	float (*half_dot)(const uint16 *a, const uint16 *b, int n);
	float (*half_l2_squared)(const uint16 *a, const uint16 *b, int n);
	float (*half_l1)(const uint16 *a, const uint16 *b, int n);
	AgmCosineSums (*half_cosine_sums)(const uint16 *a, const uint16 *b, int n);

	/* Conversions, the same on every table: exact; to nearest, ties to even; x = code * scale. */
	void (*half_to_float)(const uint16 *half, float *x, int n);
	void (*float_to_half)(const float *x, uint16 *half, int n);
	void (*int8_to_float)(const int8 *code, float scale, float *x, int n);

	/* Integers, the same on every table.  n is at most 65536 for the sums to fit. */
	int32 (*int8_dot)(const int8 *a, const int8 *b, int n);
	int32 (*uint8_int8_dot)(const uint8 *a, const int8 *b, int n);
	/* The same of a and `count` others, `stride` bytes apart.  NULL: one by one is as fast. */
	void (*uint8_int8_dots)(const uint8 *a, const int8 *b, Size stride, int count, int n,
							int32 *products);
	uint64 (*hamming)(const uint8 *a, const uint8 *b, Size bytes);
	AgmBitCounts (*bit_counts)(const uint8 *a, const uint8 *b, Size bytes);

	/*
	 * sums[i] = over all groups g, table[16 * g + the four bits of code i in g].  No entry of
	 * the table is above AGM_BLOCK_TABLE_MAX; the sums of 65536 groups fit.
	 */
	void (*scan_block)(const uint8 *codes, const uint8 *table, int ngroups,
					   uint32 sums[AGM_BLOCK_CODES]);
	/*
	 * bounds[i] = offset + a[i] + b[i] * (sums[i] * sum_scale + sum_offset) - error * e[i],
	 * b and e being the upper halves of floats, sums below 2^31.  Each operation rounds by
	 * itself, from the left to the right, so that the bits are the same on every table.  Bit
	 * i of the result: bounds[i] <= limit; not set if either is NaN.
	 */
	uint32 (*block_bounds)(const uint32 sums[AGM_BLOCK_CODES], const float *a, const uint16 *b,
						   const uint16 *e, const AgmBlockTerms *terms, float limit,
						   float bounds[AGM_BLOCK_CODES]);
	/*
	 * For one code that lies by itself, and four planes of as many bytes, the bits of numbers
	 * u of four bits: 4 * (the sum of u where the code has a bit set) - 30 * (how many are
	 * set).  With 15 * D - 2 * (the sum of all u) added it is the sum of w = 2 * u - 15 over D
	 * dimensions, negative where the code's bit is not set.
	 */
	int32 (*scan_code)(const uint8 *code, const uint8 *planes, Size bytes);

	/*
	 * What a rotation (rotation.h) is made of.  Each result is rounded at the same places in
	 * the same order, so that the bits are the same on every table, NaN aside.
	 */
	/* The fast Hadamard transform in place, not scaled; n is a power of two. */
	void (*hadamard)(float *x, int n);
	/* out[i] = in[i] * scale, negated where bit i % 8 of signs[i / 8] is set; out may be in. */
	void (*flip_signs)(const float *in, const uint8 *signs, float scale, float *out, int n);
	/* (x[i], y[i]) becomes ((x[i] + y[i]) * scale, (x[i] - y[i]) * scale). */
	void (*butterfly)(float *x, float *y, float scale, int n);
} AgmKernels;

/* Those that this build has; which of them the processor can run is for simd.h to say. */
extern const AgmKernels agm_kernels_scalar;
#if defined(__x86_64__)
extern const AgmKernels agm_kernels_avx2;
extern const AgmKernels agm_kernels_avx512;

/* In kernels_avx512_many.c. */
extern void agm_uint8_int8_dots_avx512(const uint8 *a, const int8 *b, Size stride, int count,
									   int n, int32 *products);
#elif defined(__aarch64__) && defined(__AARCH64EL__)
extern const AgmKernels agm_kernels_neon;
#endif

extern const AgmKernels *agm_kernels;

/* products[i] = a . the i-th of `count` strings of n bytes that are `stride` bytes apart. */
static inline void
agm_uint8_int8_dots(const uint8 *a, const int8 *b, Size stride, int count, int n,
					int32 *products)
{
	if (agm_kernels->uint8_int8_dots != NULL)
		agm_kernels->uint8_int8_dots(a, b, stride, count, n, products);
	else
		for (int i = 0; i < count; i++)
			products[i] = agm_kernels->uint8_int8_dot(a, b + stride * i, n);
}

/*
 * 0 to 2; NaN where a squared length is infinite, or is zero as the product is: no direction is left.
 * Of a vector so short that its squares are lost, but not its products with a long one, it is 0 or 2.
 */
static inline double
agm_cosine_distance(AgmCosineSums sums)
{
	double similarity;

	/* A sum that overflowed says nothing: 0 would call parallel vectors orthogonal. */
	if (isinf(sums.a_squared) || isinf(sums.b_squared))
		return NAN;

	/* The product of two floats fits a double: one root instead of two. */
	similarity = sums.dot / sqrt((double) sums.a_squared * (double) sums.b_squared);

	/* Rounding may push parallel vectors past the ends; NaN must pass through. */
	if (similarity > 1.0)
		similarity = 1.0;
	else if (similarity < -1.0)
		similarity = -1.0;

	return 1.0 - similarity;
}

#endif

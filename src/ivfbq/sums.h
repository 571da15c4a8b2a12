/*
 * sums.h
 *		Sums over the elements of a vector and their rounding, for codec.c and query.c alone.
 *
 * A sum is made in lanes, so that an addition need not wait for the one before it, and in an
 * order that is the same everywhere: what is stored depends on it.  Whoever includes this has
 * seen to it that no product is fused with a sum.
 */
#ifndef AGM_IVFBQ_SUMS_H
#define AGM_IVFBQ_SUMS_H

#include "postgres.h"

#include <math.h>

#define LANES 8

/*
 * Of floats there are more, so that a sum of 16,000 products is off by 1020 roundings at most
 * (three for each term).
 */
#define FLOAT_LANES 16
#define FLOAT_SUM_ERROR (1020 * 0x1p-24)

/* Four of these are the lanes. */
typedef float Float4 __attribute__((vector_size(16)));

static inline Float4
load_floats(const float *x)
{
	Float4 v;

	memcpy(&v, x, sizeof(v));
	return v;
}

/* Runs STEP(i, lane of i) for all i below n. */
#define FOR_LANES(n, lanes, STEP)                                                              \
	do                                                                                         \
	{                                                                                          \
		int start;                                                                             \
                                                                                               \
		for (start = 0; start + (lanes) <= (n); start += (lanes))                              \
			for (int lane = 0; lane < (lanes); lane++)                                         \
				STEP(start + lane, lane);                                                      \
		for (; start < (n); start++)                                                           \
			STEP(start, start % (lanes));                                                      \
	} while (0)

static inline double
fold(const double sums[LANES])
{
	return ((sums[0] + sums[4]) + (sums[2] + sums[6])) +
		   ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

static inline float
fold_floats(const float sums[FLOAT_LANES])
{
	float sum = 0.0f;

	for (int i = 0; i < FLOAT_LANES; i++)
		sum += sums[i];
	return sum;
}

static inline double
sum_of_squares(const float *x, int n)
{
	double sums[LANES] = {0};

#define STEP(i, lane) sums[lane] += (double) x[i] * (double) x[i]
	FOR_LANES(n, LANES, STEP);
#undef STEP
	return fold(sums);
}

/* Without their signs floats are ordered as their bits are, which compilers compare faster. */
static inline float
max_magnitude(const float *x, int n)
{
	int32 max = 0;
	float result;

	for (int i = 0; i < n; i++)
	{
		int32 bits;

		memcpy(&bits, &x[i], sizeof(bits));
		bits &= 0x7fffffff;
		max = Max(max, bits);
	}
	memcpy(&result, &max, sizeof(result));
	return result;
}

/* The last bit of 1.5 * 2^23 stands for 1. */
#define ROUND_FLOAT 12582912.0f
#define ROUND_BITS 0x4b400000

/* To the nearest integer, ties to even, as integer and as float; |x| is below 2^22. */
static inline int32
round_float(float x)
{
	float shifted = x + ROUND_FLOAT;
	int32 bits;

	memcpy(&bits, &shifted, sizeof(bits));
	return bits - ROUND_BITS;
}

static inline float
rounded_float(float x)
{
	return x + ROUND_FLOAT - ROUND_FLOAT;
}

#endif

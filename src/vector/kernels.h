/*
 * kernels.h
 *		The loops over floats that every distance is made of.
 *
 * One table of function pointers for each instruction set; agm_kernels points to the
 * one in use.  The functions know nothing of SQL or the vector type, take n >= 0 floats
 * of any alignment, allocate nothing and cannot fail: a sum that is too large is
 * infinite.  All tables must give the same bits: the order of additions is part of the
 * contract (README.md, "Kernels").
 */
#ifndef AGM_VECTOR_KERNELS_H
#define AGM_VECTOR_KERNELS_H

#include "postgres.h"

#include <math.h>

/* Element i is added to sum i % AGM_KERNEL_LANES; the sums are then folded in halves. */
#define AGM_KERNEL_LANES 16

typedef struct AgmCosineSums
{
	float dot;		 /* a . b */
	float a_squared; /* a . a */
	float b_squared; /* b . b */
} AgmCosineSums;

typedef struct AgmKernels
{
	const char *name;
	float (*dot)(const float *a, const float *b, int n);
	float (*l2_squared)(const float *a, const float *b, int n);
	/* Each of the three is, to the bit, what dot() gives. */
	AgmCosineSums (*cosine_sums)(const float *a, const float *b, int n);
} AgmKernels;

extern const AgmKernels agm_kernels_scalar;

extern const AgmKernels *agm_kernels;

/* 0 to 2; NaN where a squared length is zero or infinite: no direction is left. */
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

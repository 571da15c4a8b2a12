/*
 * half.h
 *		Floats of 16 bits (IEEE 754 binary16), as uint16, one at a time and without any
 *		instruction of their own; arrays of them are for kernels.h.
 */
#ifndef AGM_VECTOR_HALF_H
#define AGM_VECTOR_HALF_H

#include "postgres.h"

#define AGM_HALF_MAX 65504.0f

/* The bits of its exponent, all of them set in an infinite half or NaN. */
#define AGM_HALF_EXPONENT 0x7c00

/* Neither infinite nor NaN. */
static inline bool
agm_half_is_finite(uint16 half)
{
	return (half & AGM_HALF_EXPONENT) != AGM_HALF_EXPONENT;
}

static inline bool
agm_half_is_nan(uint16 half)
{
	return (half & 0x7fff) > AGM_HALF_EXPONENT;
}

/* Exact. */
static inline float
agm_half_to_float(uint16 half)
{
	uint32 sign = (uint32) (half & 0x8000) << 16;
	uint32 rest = half & 0x7fff;
	uint32 bits;
	float result;

	if (rest >= AGM_HALF_EXPONENT) /* infinite, NaN */
		bits = 0x7f800000 | (rest & 0x03ff) << 13;
	else if (rest >= 0x0400) /* normal: the exponent's bias is 127 instead of 15 */
		bits = (rest << 13) + ((127 - 15) << 23);
	else
	{
		/* Subnormal or zero: so many times 2^-24. */
		float value = (float) rest * 0x1p-24f;

		memcpy(&bits, &value, sizeof(bits));
	}

	bits |= sign;
	memcpy(&result, &bits, sizeof(result));
	return result;
}

/* To the nearest half, ties to even; infinite from 65520 on. */
static inline uint16
agm_float_to_half(float x)
{
	uint32 bits;
	uint32 sign;

	memcpy(&bits, &x, sizeof(bits));
	sign = (bits >> 16) & 0x8000;
	bits &= 0x7fffffff;

	if (bits > 0x7f800000) /* NaN, its quiet bit set as the processors do */
		return (uint16) (sign | 0x7e00 | ((bits >> 13) & 0x03ff));
	if (bits >= 0x477ff000) /* 65520 */
		return (uint16) (sign | AGM_HALF_EXPONENT);
	if (bits >= 0x38800000) /* 2^-14, normal: a carry into the exponent is right */
	{
		bits += 0x0fff + ((bits >> 13) & 1);
		return (uint16) (sign | ((bits >> 13) - ((127 - 15) << 10)));
	}

	/* Adding 2^-1 leaves the multiple of 2^-24, rounded to even, in the last bits. */
	{
		float magnitude;

		memcpy(&magnitude, &bits, sizeof(magnitude));
		magnitude += 0.5f;
		memcpy(&bits, &magnitude, sizeof(bits));
		return (uint16) (sign | (bits - 0x3f000000));
	}
}

#endif

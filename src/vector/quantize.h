/*
 * quantize.h
 *		Vectors stored in fewer bits a dimension: the bytes, and the way there and back.
 *
 * A quantized value is a value of the type vector like any other: nobody but this file
 * and the functions quantize() and precision() knows of it, because
 * agm_vector_from_datum() gives everybody floats.  Rounding and its bounds: README.md,
 * "Precision".
 */
#ifndef AGM_VECTOR_QUANTIZE_H
#define AGM_VECTOR_QUANTIZE_H

#include "postgres.h"

#include "vector/vector.h"

/*
 *	offset	bytes	field
 *	0		4		vl_len_		varlena header
 *	4		2		dim			number of dimensions, 1..AGM_VECTOR_MAX_DIM
 *	6		2		format		version * 256 + bits a dimension
 *	8		4		scale		16 bits: int32 exponent; 8 and 1 bits: float4
 *	12		...		codes		16 bits: uint16 half[dim]				value = half * 2^exponent
 *								8 bits:  int8 code[dim], -127..127		value = code * scale
 *								1 bit:   dim bits, the first one highest,
 *										 padded with zeros				value = scale or -scale
 */
typedef struct AgmQuantizedData
{
	int32 vl_len_;
	int16 dim;
	int16 format;
	union
	{
		int32 exponent;
		float value;
	} scale;
	uint8 codes[FLEXIBLE_ARRAY_MEMBER];
} AgmQuantizedData;

StaticAssertDecl(offsetof(AgmQuantizedData, scale) == 8 &&
					 offsetof(AgmQuantizedData, codes) == 12,
				 "AgmQuantizedData");

#define AGM_QUANTIZED_VERSION 1
#define AGM_QUANTIZED_FORMAT(bits) ((int16) (AGM_QUANTIZED_VERSION << 8 | (bits)))
#define AGM_QUANTIZED_BITS(format) ((format) &0xff)

/* A new value of `bits` a dimension, 16, 8 or 1, from one in single precision. */
extern AgmVector agm_vector_quantize(const AgmVectorData *vector, int bits);

/* The precision of a stored value: 32, 16, 8 or 1.  Raises XX001 for one that is damaged. */
extern int agm_vector_precision(const AgmVectorData *stored);

#endif

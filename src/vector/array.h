/*
 * array.h
 *		Vectors from arrays of numbers, and back.
 */
#ifndef AGM_VECTOR_ARRAY_H
#define AGM_VECTOR_ARRAY_H

#include "postgres.h"

#include "utils/array.h"
#include "vector/checks.h"

/*
 * How many dimensions a vector made of the array has.  Raises 22000 for a wrong number of
 * them and for more than one subscript, 22004 for nulls.
 */
extern int agm_array_check(const AgmVectorType *type, ArrayType *array, int32 typmod);

/*
 * Writes the elements (integer, real, double precision or numeric) of an array that
 * agm_array_check() has passed to x, rounded to float; they may be NaN or infinite.
 */
extern void agm_array_read(ArrayType *array, int dim, float *x);

/* An array of real. */
extern ArrayType *agm_array_make(const float *x, int dim);

/*
 * An array of double precision, integer (rounded as real is, 22003 if it does not fit) or
 * numeric (the digits of the text form).
 */
extern ArrayType *agm_array_convert(const float *x, int dim, Oid element);

#endif

/*
 * checks.h
 *		What vector and halfvec refuse in the same words: dimensions and values.
 *
 * The messages and their codes are pgvector's, so that an application that looks at
 * them finds what it knows.
 */
#ifndef AGM_VECTOR_CHECKS_H
#define AGM_VECTOR_CHECKS_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/array.h"

/* A type of vectors, as far as messages and the range of its values go. */
typedef struct AgmVectorType
{
	const char *name;
	float too_large; /* the least magnitude that has no finite value */
} AgmVectorType;

extern const AgmVectorType agm_vector_type;
extern const AgmVectorType agm_halfvec_type;

/* Raises 22000 below one dimension, 54000 above AGM_VECTOR_MAX_DIM. */
extern void agm_check_dim(const AgmVectorType *type, int dim);

/* Raises 22000 unless the dimension is that of the type modifier; -1 admits any. */
extern void agm_check_typmod(int32 typmod, int dim);

/* Whether no value is NaN or infinite. */
extern bool agm_all_finite(const float *x, int dim);

/* Raises 22000 at the first value that is NaN or infinite. */
extern void agm_check_values(const AgmVectorType *type, const float *x, int dim);

/* Raises 22000 unless the dimensions of two vectors are the same. */
extern void agm_check_same_dim(const AgmVectorType *type, int a, int b);

/*
 * The part of `dim` dimensions from number *start on (the first is 1), `count` long.  Like
 * substring(), it is cut where the vector ends: *start is made the first one inside, and how
 * many there are is returned.  Raises 22000 if that is none.
 */
extern int agm_check_slice(const AgmVectorType *type, int dim, int32 *start, int32 count);

/* The type modifier of vector(n), an integer; raises 22023. */
extern int32 agm_check_typmod_in(const AgmVectorType *type, ArrayType *modifiers);

/* Reads the head of a binary message, dimension and zero; raises as the above, and 22000. */
extern int agm_check_received_dim(const AgmVectorType *type, StringInfo message, int32 typmod);

/* Raises 22000 unless two strings of bits have the same length. */
extern void agm_check_same_bits(int a, int b);

#endif

/*
 * text.h
 *		The text form that vector and halfvec share: [1,2.5,-3e-05].
 */
#ifndef AGM_VECTOR_TEXT_H
#define AGM_VECTOR_TEXT_H

#include "postgres.h"

#include "vector/checks.h"

/*
 * Reads a whole text into x, which has room for AGM_VECTOR_MAX_DIM values, and returns how
 * many there are: 1 to AGM_VECTOR_MAX_DIM, all of them finite and in the range of the type.
 * Raises 22P02 for what is no vector, and what agm_check_dim() and agm_check_values() do.
 */
extern int agm_text_read(const AgmVectorType *type, const char *text, float *x);

/* The shortest text that reads back to the same bits; extra_float_digits has no say. */
extern char *agm_text_write(const float *x, int dim);

#endif

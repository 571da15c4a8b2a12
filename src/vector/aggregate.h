/*
 * aggregate.h
 *		The state of an average of vectors, whatever the precision of what comes in.
 *
 * An array of float8, as in pgvector: how many vectors, then the sum of each dimension.
 * {0}, without dimensions, is the state before the first one, which decides how many
 * there are.
 */
#ifndef AGM_VECTOR_AGGREGATE_H
#define AGM_VECTOR_AGGREGATE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"

/*
 * The numbers in a state that may come from anywhere: the count, then *dim sums.  Raises
 * 22000 in the name of the SQL function unless it is an array of one dimension without nulls.
 */
extern float8 *agm_average_numbers(ArrayType *state, const char *function, int *dim);

/*
 * The state of argument 0 with one vector more.  An aggregate's own state is changed in
 * place; what another caller passes is copied.  Raises 22000 if the dimensions are not the
 * state's, 22003 if a sum overflows.
 */
extern ArrayType *agm_average_add(FunctionCallInfo fcinfo, const char *function, const float *x,
								  int dim);

#endif

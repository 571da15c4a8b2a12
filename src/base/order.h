/*
 * order.h
 *		Comparisons for qsort and bsearch.
 */
#ifndef AGM_BASE_ORDER_H
#define AGM_BASE_ORDER_H

#include "postgres.h"

static inline int
agm_compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

#endif

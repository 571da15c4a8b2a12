/*
 * sort.h
 *		Rows sorted by a number: by the hash of their key, by the list that they belong to.
 */
#ifndef AGM_IVFBQ_SORT_H
#define AGM_IVFBQ_SORT_H

#include "ivfbq/format.h"
#include "utils/tuplesort.h"

typedef struct IvfbqSort IvfbqSort;

/*
 * Rows of the same number are together, and within it those of the same ntags tags.  At most
 * `memory` bytes; coordinate: of a sort that several processes share, else NULL.  In the current
 * memory context, which must live as long.
 */
extern IvfbqSort *ivfbq_sort_new(int ntags, Size memory, SortCoordinate coordinate);
extern void ivfbq_sort_put(IvfbqSort *sort, uint64 number, const uint32 *tags,
						   const char *bytes, int n);
extern void ivfbq_sort_perform(IvfbqSort *sort);
/* The next in ascending order; *bytes, of any alignment, are good until the next call.  False at the end. */
extern bool ivfbq_sort_next(IvfbqSort *sort, uint64 *number, uint32 *tags, const char **bytes,
							int *n);
extern void ivfbq_sort_free(IvfbqSort *sort);

/* The same for numbers alone. */
extern Tuplesortstate *ivfbq_numbers_new(Size memory, SortCoordinate coordinate);
extern void ivfbq_numbers_put(Tuplesortstate *numbers, uint64 number);
extern bool ivfbq_numbers_next(Tuplesortstate *numbers, uint64 *number);

#endif

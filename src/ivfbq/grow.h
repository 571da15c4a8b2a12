/*
 * grow.h
 *		New lists of a clustered key, before anybody can see them: cells, and rows of centroids.
 */
#ifndef AGM_IVFBQ_GROW_H
#define AGM_IVFBQ_GROW_H

#include "ivfbq/list.h"

/* Cells that are not in use, on one lists page, and slots that are not live, on one page of centroids. */
typedef struct IvfbqNewLists
{
	int n;
	BlockNumber cells_block;
	uint16 *cells;
	BlockNumber centroids_block;
	int *slots;
	char *rows; /* the centroids, with TIDs that name their cells; row_bytes each */
} IvfbqNewLists;

/* How many lists one call can make. */
extern int ivfbq_new_lists_max(const IvfbqIndex *info);

/*
 * Finds or makes room for n lists of a clustered key and writes the centroids' 8-bit rows, whose slots the caller makes
 * live.  In the current memory context.
 */
extern void ivfbq_new_lists(Relation index, const IvfbqIndex *info, IvfbqCellRef key,
							const char *centroids, int n, IvfbqNewLists *result);

#endif

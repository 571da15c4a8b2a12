/*
 * top.h
 *		The best hits of a stream, in bounded memory.
 */
#ifndef AGM_RECALL_TOP_H
#define AGM_RECALL_TOP_H

#include "postgres.h"

#include "lib/binaryheap.h"

#include "recall/recall.h"

typedef struct AgmTop
{
	AgmHits hits; /* in no order */
	int depth;
	binaryheap *heap; /* over hits, the one to beat at its root */
} AgmTop;

extern void agm_top_init(AgmTop *top, int depth);

/* Keeps the hit if it is among the best `depth` so far; of equal scores the smaller id. */
extern void agm_top_add(AgmTop *top, int64 id, double score, AgmPlace place);

/* The score that a further hit has to reach; none: -infinity. */
extern double agm_top_worst(const AgmTop *top);

#endif

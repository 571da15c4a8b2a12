/*
 * graph.h
 *		The graph channel: what edges lead to from the best of the other channels.
 */
#ifndef AGM_RECALL_GRAPH_H
#define AGM_RECALL_GRAPH_H

#include "postgres.h"

#include "graph/push.h"
#include "recall/recall.h"

typedef struct AgmReached
{
	AgmScored *hits;  /* best first */
	AgmPlace *places; /* where each lies */
	int n;			  /* 0 if no edge was found */
} AgmReached;

/* README rule 14.  `candidates` of one namespace have the scores of the other channels; `ideal` is BM25's best. */
extern AgmReached agm_graph_search(const AgmRecall *recall, const AgmSearched *searched,
								   const AgmCandidate *candidates, int n, double ideal);

#endif

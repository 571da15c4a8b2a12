/*
 * summary.h
 *		Granularity "summary": memories that were found stand for what sums them up.
 */
#ifndef AGM_RECALL_SUMMARY_H
#define AGM_RECALL_SUMMARY_H

#include "postgres.h"

#include "recall/recall.h"

/* A candidate and a summary of it, of one namespace. */
typedef struct AgmSummed
{
	int ns;
	int64 member;
	int64 summary;
} AgmSummed;

typedef struct AgmSummaries
{
	AgmSummed *items;
	int n;
	int capacity;
} AgmSummaries;

/*
 * Notes which summaries that are there have n candidates of a namespace as members.  Returns where
 * those summaries lie, each once, *nfound of them.
 */
extern AgmHit *agm_summaries_find(AgmSummaries *summaries, const AgmRecall *recall,
								  const AgmSearched *searched, const AgmCandidate *candidates,
								  int n, int *nfound);

/*
 * With the fused scores: leaves the summaries, of the score and the channels of the best that stands
 * for each, best first; returns how many.
 */
extern int agm_summaries_lift(const AgmSummaries *summaries, AgmCandidate *candidates, int n);

#endif

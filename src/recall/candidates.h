/*
 * candidates.h
 *		The candidates of one recall, pooled over the namespaces it searches.
 */
#ifndef AGM_RECALL_CANDIDATES_H
#define AGM_RECALL_CANDIDATES_H

#include "postgres.h"

#include "recall/recall.h"
#include "recall/summary.h"

/* The namespaces that are searched, by name. */
typedef struct AgmSearchedList
{
	AgmSearched *items;
	int n;
	int capacity;
} AgmSearchedList;

typedef struct AgmPool
{
	const AgmRecall *recall;
	AgmCandidate *items; /* within one namespace ordered by id, until agm_pool_trim */
	int n;
	int capacity;
	int first;				/* where the namespace at hand begins */
	int ns;					/* which that is */
	bool has_words;			/* the query has more than stop words */
	struct AgmNames *names; /* what the query names, in that namespace; NULL: not asked */
	struct AgmTimes *times; /* ... when it asks of; NULL: it does not say */
	AgmSummaries summaries; /* which stand for candidates, if summaries are wanted */
} AgmPool;

extern AgmSearchedList agm_find_namespaces(const AgmRecall *recall);
extern void agm_pool_init(AgmPool *pool, const AgmRecall *recall);

/* Adds one of the namespace at hand. */
extern AgmCandidate *agm_pool_add(AgmPool *pool, int64 id, AgmPlace place);

/* Adds what the channels find in one namespace, each with the score of every channel. */
extern void agm_pool_search(AgmPool *pool, int ns, const AgmSearched *searched);

/* Adds the k newest of one namespace; `score` is the beginning of their valid time. */
extern void agm_pool_newest(AgmPool *pool, int ns, const AgmSearched *searched);

/*
 * Bounds the pool when it has outgrown what an answer needs: of every channel the best
 * `depth` stay, or the k newest.  Orders it anew.
 */
extern void agm_pool_trim(AgmPool *pool);
extern void agm_pool_sort_newest(AgmPool *pool);

#endif

/*
 * diversity.h
 *		Maximal marginal relevance: what says the same as a better memory comes later.
 */
#ifndef AGM_RECALL_DIVERSITY_H
#define AGM_RECALL_DIVERSITY_H

#include "postgres.h"

#include "recall/candidates.h"

/* README rule 17: brings the pool, best first, into another order. */
extern void agm_diversify(const AgmRecall *recall, const AgmSearched *searched, AgmPool *pool);

#endif

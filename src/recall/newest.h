/*
 * newest.h
 *		The newest memories of one namespace.
 */
#ifndef AGM_RECALL_NEWEST_H
#define AGM_RECALL_NEWEST_H

#include "recall/candidates.h"

/* Adds the k newest that pass the filter, or some more, to the pool; `score` is the beginning of their valid time. */
extern void agm_newest_list(AgmPool *pool, const AgmSearched *searched);

#endif

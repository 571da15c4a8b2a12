/*
 * times.h
 *		The temporal channel: is a memory of the time that the query speaks of?
 */
#ifndef AGM_RECALL_TIMES_H
#define AGM_RECALL_TIMES_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "lib/stringinfo.h"

#include "recall/recall.h"

typedef struct AgmTimes AgmTimes;

/* README rule 16.  NULL if the query says nothing of time, or the caller says what time is asked of. */
extern AgmTimes *agm_times_open(const AgmRecall *recall, const AgmSearched *searched);

/* Appends ", beginning, end" of memory c, which agm_times_score reads. */
#define AGM_TIME_TYPES "z?z?"
extern void agm_times_columns(const AgmTimes *times, const AgmRecall *recall, StringInfo sql,
							  AgmParams *params);
extern double agm_times_score(const AgmTimes *times, TupleTableSlot *slot, int first);

#endif

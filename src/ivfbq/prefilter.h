/*
 * prefilter.h
 *		Rows that a scan need not give, because who began it knows that they are filtered out.
 *
 * The executor reads a row, and computes its exact distance, before it looks at a condition.
 * A condition that excludes most of the nearest is cheaper to ask here.  Nothing depends on it: the
 * statement has the condition too.
 */
#ifndef AGM_IVFBQ_PREFILTER_H
#define AGM_IVFBQ_PREFILTER_H

#include "postgres.h"

#include "storage/itemptr.h"

/* May the row that the entry leads to be wanted? */
typedef bool (*IvfbqPrefilterFn)(void *arg, const ItemPointerData *tid);

typedef struct IvfbqPrefilter
{
	Oid table; /* scans of its indexes ask */
	IvfbqPrefilterFn wanted;
	void *arg;
} IvfbqPrefilter;

/*
 * For scans that begin from now on, in this backend; NULL: none.  Returns what there was, which the caller
 * puts back, after an error too, before the argument goes.
 */
extern const IvfbqPrefilter *agm_ivfbq_set_prefilter(const IvfbqPrefilter *prefilter);

#endif

/*
 * prefilter.h
 *		Rows that a scan need not give, because who runs it knows that they are filtered out.
 *
 * The executor reads a row, and computes its exact distance, before it looks at a condition.
 * A condition that excludes most of the nearest is cheaper to ask here.  Nothing depends on it: the
 * statement has the condition too.
 */
#ifndef AGM_IVFBQ_PREFILTER_H
#define AGM_IVFBQ_PREFILTER_H

#include "postgres.h"

#include "storage/itemptr.h"

typedef enum IvfbqWanted
{
	IVFBQ_WANTED,	/* the row that the entry leads to may be */
	IVFBQ_UNWANTED, /* it is not */
	IVFBQ_ENOUGH	/* the scan ends here: it costs more than another way would */
} IvfbqWanted;

typedef IvfbqWanted (*IvfbqPrefilterFn)(void *arg, const ItemPointerData *tid);

/* Scans of an index of this table that are ordered by the distance from this vector ask. */
typedef struct IvfbqPrefilter
{
	Oid table;
	const struct varlena *vector;
	IvfbqPrefilterFn wanted;
	void *arg;

	/* set by agm_ivfbq_begin_prefilter */
	uint64 number; /* of all that there have been in this backend */
	const struct IvfbqPrefilter *outer;
} IvfbqPrefilter;

/*
 * From here on until the end, after an error too.  A scan that outlives it, as a cursor's may that a
 * policy's function opened, asks no more.
 */
extern void agm_ivfbq_begin_prefilter(IvfbqPrefilter *prefilter);
extern void agm_ivfbq_end_prefilter(const IvfbqPrefilter *prefilter);

#endif

/*
 * vacuum.h
 *		ambulkdelete and amvacuumcleanup; freeing slots.
 */
#ifndef AGM_IVFBQ_VACUUM_H
#define AGM_IVFBQ_VACUUM_H

#include "postgres.h"

#include "access/genam.h"
#include "ivfbq/list.h"

extern IndexBulkDeleteResult *ivfbqbulkdelete(IndexVacuumInfo *info,
											  IndexBulkDeleteResult *stats,
											  IndexBulkDeleteCallback callback,
											  void *callback_state);
extern IndexBulkDeleteResult *ivfbqvacuumcleanup(IndexVacuumInfo *info,
												 IndexBulkDeleteResult *stats);

/* Freeing the slots of rows that are dead, whoever says so. */
typedef struct IvfbqClearing
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	BufferAccessStrategy strategy;
	IndexBulkDeleteCallback dead;
	void *state;

	/* changes */
	char *copy;				/* of the page: BLCKSZ bytes */
	int *slots;				/* dead ones: as many as a page has at most */
	int64 live;				/* rows left on pages that are not retired */
	int64 cleared;			/* on pages that are not retired */
	int64 cleared_anywhere; /* retired ones too */
} IvfbqClearing;

/* In the current memory context. */
extern void ivfbq_clearing_begin(IvfbqClearing *clearing, Relation index,
								 BufferAccessStrategy strategy, IndexBulkDeleteCallback dead,
								 void *state);

/*
 * Frees the slots of dead rows on one page, if it is one that has heap rows, reachable or not.  The caller holds
 * the maintenance lock.
 */
extern void ivfbq_clear_page(IvfbqClearing *clearing, BlockNumber block);

/*
 * How many pages the index has.  None of them is one that somebody has just added and not locked yet:
 * that is why it takes the extension lock.
 */
extern BlockNumber ivfbq_count_pages(Relation index);

#endif

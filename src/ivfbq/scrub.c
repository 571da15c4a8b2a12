/*
 * scrub.c
 *		Leaving no byte of rows that are gone (maintain.h), without waiting for a VACUUM that may pass the index
 *		over.
 *
 * All pages are gone through, those that nothing reaches too.  The caller holds a lock on the table that keeps VACUUM
 * out: a line pointer that is dead is not used for another row then.  One that is free already may be,
 * at any time; so each row is looked up in the table once more when its slot has been seen, when a new row with
 * its TID would be there.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "base/compat.h"
#include "ivfbq/maintain.h"
#include "ivfbq/vacuum.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

typedef struct Scrubbing
{
	Relation heap;
	const ItemPointerData *tids; /* ordered */
	int n;
	IndexFetchTableData *fetch;
	TupleTableSlot *slot;
	SnapshotData snapshot;
} Scrubbing;

static int
compare_tids(const void *a, const void *b)
{
	return ItemPointerCompare((ItemPointer) unconstify(void *, a),
							  (ItemPointer) unconstify(void *, b));
}

/* Can no transaction, now or later, see a row that this TID leads to? */
static bool
is_gone(Scrubbing *scrubbing, const ItemPointerData *tid)
{
	ItemPointerData copy = *tid;
	bool again = false;
	bool all_dead = false;

	if (ivfbq_tid_is_damaged(scrubbing->heap, tid))
		return true;
	return !table_index_fetch_tuple(scrubbing->fetch, &copy, &scrubbing->snapshot,
									scrubbing->slot, &again, &all_dead);
}

static bool
is_dead(ItemPointer tid, void *arg)
{
	Scrubbing *scrubbing = arg;

	return bsearch(tid, scrubbing->tids, scrubbing->n, sizeof(ItemPointerData), compare_tids) !=
			   NULL &&
		   is_gone(scrubbing, tid);
}

static void
refuse_visible(Scrubbing *scrubbing)
{
	for (int i = 0; i < scrubbing->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_gone(scrubbing, &scrubbing->tids[i]))
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("row (%u,%u) of table \"%s\" is not gone",
							ItemPointerGetBlockNumberNoCheck(&scrubbing->tids[i]),
							ItemPointerGetOffsetNumberNoCheck(&scrubbing->tids[i]),
							RelationGetRelationName(scrubbing->heap)),
					 errdetail("Some transaction can see it, or will, or its place has another "
							   "row by now."),
					 errhint("Delete it, commit, and wait for all transactions that began "
							 "before that.")));
	}
}

int64
ivfbq_scrub(Relation index, Relation heap, ItemPointerData *tids, int n)
{
	Scrubbing scrubbing = {.heap = heap, .tids = tids, .n = n};
	IvfbqClearing clearing;
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_VACUUM);
	BlockNumber pages;

	qsort(tids, n, sizeof(ItemPointerData), compare_tids);
	InitNonVacuumableSnapshot(scrubbing.snapshot, GlobalVisTestFor(heap));
	scrubbing.fetch = agm_index_fetch_begin(heap);
	scrubbing.slot = table_slot_create(heap, NULL);
	refuse_visible(&scrubbing);

	(void) ivfbq_lock_maintenance(index, true);
	ivfbq_clearing_begin(&clearing, index, strategy, is_dead, &scrubbing);
	/* A row that comes now is not one of these. */
	pages = ivfbq_count_pages(index);
	for (BlockNumber block = IVFBQ_ROOT_BLOCK + 1; block < pages; block++)
	{
		CHECK_FOR_INTERRUPTS();
		ivfbq_clear_page(&clearing, block);
		ivfbq_wipe_orphan(index, clearing.info, block, strategy);
	}
	ivfbq_unlock_maintenance(index);

	ExecDropSingleTupleTableSlot(scrubbing.slot);
	table_index_fetch_end(scrubbing.fetch);
	FreeAccessStrategy(strategy);
	return clearing.cleared_anywhere;
}

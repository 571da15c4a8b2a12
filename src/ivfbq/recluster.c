/*
 * recluster.c
 *		All lists of a key made anew (maintain.h): of a flat list that is over the limit, and of lists that
 *		were made when the key had far fewer rows.
 *
 * README.md, "Clustering anew" and invariant 14.  All of a key's lists cannot be drained as a move drains one, since
 * the switch is one record: so they are closed first, and inserts go to the flat list until the switch,
 * which then has to change the key's cell only.  If it does not come to that, the key stays closed, and the
 * next VACUUM begins again.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ivfbq/maintain.h"
#include "ivfbq/move.h"
#include "ivfbq/options.h"
#include "miscadmin.h"

/* Pages that get no rows, one after the other. */
typedef struct Chain
{
	IvfbqListRef ref;
	BlockNumber head;
	BlockNumber stop;
} Chain;

typedef struct Reclustering
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	IvfbqCell key; /* as it was before */

	/* what there is */
	Chain *chains;
	int nchains;
	int chains_max;

	/* what there will be */
	IvfbqClustered made;

	/* where the rows are being read */
	int chain;		  /* the next one */
	BlockNumber next; /* page of the chain before that, or its stop */
	BlockNumber read; /* pages so far */
	char *page;		  /* a copy */
	BlockNumber block;
	int slot;
	bool has_page;
} Reclustering;

static void
add_chain(Reclustering *work, IvfbqListRef ref, BlockNumber head, BlockNumber stop)
{
	if (head == stop)
		return;
	if (work->nchains == work->chains_max)
	{
		work->chains_max = Max(64, work->chains_max * 2);
		work->chains = work->chains == NULL
						   ? palloc(sizeof(Chain) * work->chains_max)
						   : repalloc_huge(work->chains, sizeof(Chain) * work->chains_max);
	}
	work->chains[work->nchains++] = (Chain){ref, head, stop};
}

/* ---------------------------------------------------------------- closing */

/* From now on whoever looks the key up puts rows into its flat list. */
static void
close_key(Reclustering *work)
{
	IvfbqCellRef ref = work->key.ref;
	Buffer buffer =
		ivfbq_read(work->index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	IvfbqChange change = ivfbq_change_begin(work->index, false);

	ivfbq_directory_cell(work->index, work->info->nkeys,
						 ivfbq_change_page(&change, buffer, false), ref.block, ref.index)
		->flags |= IVFBQ_KEY_CLOSED;
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

/* Nobody adds pages to these lists any more; returns the next lists page. */
static BlockNumber
close_lists_page(Reclustering *work, BlockNumber block)
{
	Buffer buffer = ivfbq_read(work->index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_EXCLUSIVE);
	IvfbqChange change = ivfbq_change_begin(work->index, false);
	IvfbqListsData *lists = IVFBQ_CONTENT(ivfbq_change_page(&change, buffer, false));
	BlockNumber next = lists->next;

	if (lists->key_block != work->key.ref.block || lists->key_index != work->key.ref.index ||
		lists->nlists > IVFBQ_LISTS_PER_PAGE)
		ivfbq_corrupted(work->index, block, "The page has no lists of key (%u,%u).",
						work->key.ref.block, work->key.ref.index);
	for (uint16 i = 0; i < lists->nlists; i++)
	{
		IvfbqListData *list = (IvfbqListData *) (lists + 1) + i;

		list->flags |= IVFBQ_LIST_CLOSED;
		add_chain(work, (IvfbqListRef){{block, i, 0}, IVFBQ_ROLE_LIST}, list->head,
				  InvalidBlockNumber);
	}
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
	return next;
}

/* Nobody puts rows there any more. */
static void
seal_chain(Reclustering *work, const Chain *chain)
{
	BlockNumber pages = 0;

	for (BlockNumber block = chain->head; block != chain->stop;)
	{
		agm_vacuum_delay_point();
		if (++pages > RelationGetNumberOfBlocks(work->index))
			ivfbq_corrupted(work->index, block, "The pages of a list run in a circle.");
		block = ivfbq_seal_page(work->index, chain->ref, block);
	}
}

static void
close_lists(Reclustering *work)
{
	BlockNumber pages = 0;

	close_key(work);
	for (BlockNumber block = work->key.u.data.lists; block != InvalidBlockNumber;)
	{
		if (++pages > RelationGetNumberOfBlocks(work->index))
			ivfbq_corrupted(work->index, block, "The pages of lists run in a circle.");
		block = close_lists_page(work, block);
	}
	for (int i = 0; i < work->nchains; i++)
		seal_chain(work, &work->chains[i]);
}

/* ---------------------------------------------------------------- the rows, one after the other */

static void
rewind_rows(void *arg)
{
	Reclustering *work = arg;

	work->chain = 0;
	work->next = InvalidBlockNumber;
	work->read = 0;
	work->has_page = false;
}

/* Copies the next page; false: there is none. */
static bool
next_page(Reclustering *work)
{
	const Chain *chain = work->chain > 0 ? &work->chains[work->chain - 1] : NULL;
	Buffer buffer;
	Page page;

	if (chain == NULL || work->next == chain->stop)
	{
		if (work->chain == work->nchains)
			return false;
		chain = &work->chains[work->chain++];
		work->next = chain->head;
	}
	CHECK_FOR_INTERRUPTS();
	work->block = work->next;
	if (++work->read > RelationGetNumberOfBlocks(work->index))
		ivfbq_corrupted(work->index, work->block, "The pages of a list run in a circle.");
	buffer = ivfbq_read(work->index, work->block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	ivfbq_check_owner(work->index, work->block, page, chain->ref);
	ivfbq_check_counts(work->index, work->block, page, &work->info->rows);
	memcpy(work->page, page, BLCKSZ);
	UnlockReleaseBuffer(buffer);
	work->next = ivfbq_codes(work->page)->next;
	work->slot = 0;
	work->has_page = true;
	return true;
}

static bool
next_row(void *arg, char *row)
{
	Reclustering *work = arg;
	const IvfbqGeometry *geometry = &work->info->rows;

	do
	{
		while (work->has_page && work->slot < ivfbq_codes(work->page)->nslots)
		{
			int slot = work->slot++;

			if (!ivfbq_slot_is_live(geometry, work->page, slot))
				continue;
			ivfbq_row_read(work->index, geometry, work->page, work->block, slot, row);
			return true;
		}
		work->has_page = false;
	} while (next_page(work));
	return false;
}

/* ---------------------------------------------------------------- the switch, and after it */

static void
set_lists(Page codes pg_attribute_unused(), Page (*page_of)(void *, BlockNumber), void *pages,
		  void *arg)
{
	Reclustering *work = arg;
	IvfbqCellRef ref = work->key.ref;
	IvfbqCellData *cell = ivfbq_directory_cell(work->index, work->info->nkeys,
											   page_of(pages, ref.block), ref.block, ref.index);

	ivfbq_set_clustered(cell, &work->made);
	cell->flags &= ~IVFBQ_KEY_CLOSED;
}

static void
retire_lists_pages(Reclustering *work)
{
	for (BlockNumber block = work->key.u.data.lists; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read(work->index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_SHARE);
		BlockNumber next = ((IvfbqListsData *) IVFBQ_CONTENT(BufferGetPage(buffer)))->next;

		UnlockReleaseBuffer(buffer);
		ivfbq_retire(work->index, block);
		block = next;
	}
}

/* What the key's cell named before; the move has retired the pages of the flat list. */
static void
retire_lists(Reclustering *work)
{
	for (int i = 0; i < work->nchains; i++)
		if (work->chains[i].ref.role == IVFBQ_ROLE_LIST)
			ivfbq_retire_chain(work->index, work->info, IVFBQ_ROLE_LIST, work->chains[i].head,
							   work->chains[i].stop);
	retire_lists_pages(work);
	ivfbq_retire_chain(work->index, work->info, IVFBQ_ROLE_CENTROIDS,
					   work->key.u.data.centroids.head, InvalidBlockNumber);
}

bool
ivfbq_cluster_key(Relation index, const IvfbqIndex *info, IvfbqCellRef key, int64 rows,
				  int list_size)
{
	Reclustering *work = palloc0(sizeof(Reclustering));
	IvfbqMove *move = palloc(sizeof(IvfbqMove));
	IvfbqListRef flat = {key, IVFBQ_ROLE_ROWS};
	IvfbqSwitch also = {InvalidBlockNumber, set_lists, work};
	IvfbqRowSource source = {rows, rewind_rows, next_row, NULL, work};
	int64 wanted = Min(Max(1, (rows + list_size - 1) / list_size), IVFBQ_LISTS_MAX);
	bool clustered;

	work->index = index;
	work->info = info;
	work->page = palloc(BLCKSZ);
	ivfbq_cell_read(index, info->nkeys, key, &work->key);
	clustered = (work->key.u.data.flags & IVFBQ_KEY_CLUSTERED) != 0;
	if (clustered)
		close_lists(work);

	ivfbq_move_begin(move, index, info);
	(void) ivfbq_move_drain(move, flat, false);
	add_chain(work, flat, move->lists[0].before.head, move->lists[0].stop);
	ivfbq_cluster(index, info, key, &source, (int) wanted, (Size) maintenance_work_mem * 1024,
				  false, &work->made);
	ivfbq_move_finish(move, &also);
	if (clustered)
		retire_lists(work);
	ivfbq_detach_empty(index, info, flat);
	return true;
}

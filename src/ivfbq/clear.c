/*
 * clear.c
 *		Freeing the slots of dead rows on one page (vacuum.h): for VACUUM and for scrubbing.
 *
 * README.md, invariants 5 and 9: a slot is freed in one record with its rows on the refine pages,
 * so that nobody puts a row where an old one is still to be zeroed.  It is not asked whether the page can be
 * reached: what nobody can find any more must not keep the row's bytes either.
 */
#include "postgres.h"

#include "ivfbq/vacuum.h"
#include "miscadmin.h"
#include "storage/lmgr.h"

/* Refine pages that fit into the record of a code page. */
#define GROUP_PAGES 3

BlockNumber
ivfbq_count_pages(Relation index)
{
	bool lock = !RELATION_IS_LOCAL(index);
	BlockNumber pages;

	if (lock)
		LockRelationForExtension(index, ExclusiveLock);
	pages = RelationGetNumberOfBlocks(index);
	if (lock)
		UnlockRelationForExtension(index, ExclusiveLock);
	return pages;
}

void
ivfbq_clearing_begin(IvfbqClearing *clearing, Relation index, BufferAccessStrategy strategy,
					 IndexBulkDeleteCallback dead, void *state)
{
	memset(clearing, 0, sizeof(*clearing));
	clearing->index = index;
	clearing->info = ivfbq_index(index);
	clearing->strategy = strategy;
	clearing->dead = dead;
	clearing->state = state;
	clearing->copy = palloc(BLCKSZ);
	/* A TID alone takes six bytes. */
	clearing->slots = palloc(sizeof(int) * (BLCKSZ / sizeof(ItemPointerData)));
}

/* A code page and some of its refine pages, from `first` on, in one record. */
typedef struct Group
{
	const IvfbqGeometry *geometry;
	BlockNumber block;
	IvfbqChange change;
	Page page;
	int first;
	Buffer buffers[GROUP_PAGES];
	Page refine[GROUP_PAGES];
	bool looked[GROUP_PAGES];
} Group;

/*
 * The refine page, to be changed; NULL if it is not this page's any more: a retired or unreached code page may name
 * one that was used again.
 */
static Page
group_page(IvfbqClearing *clearing, Group *group, int i)
{
	int number = group->first + i;
	IvfbqRefineData *refine;
	Buffer buffer;

	if (group->looked[i])
		return group->refine[i];
	group->looked[i] = true;
	if (number >= ivfbq_codes(group->page)->nrefine)
		return NULL;
	buffer = ivfbq_read_with(clearing->index,
							 ivfbq_refine_blocks(group->geometry, group->page)[number], 0,
							 BUFFER_LOCK_EXCLUSIVE, clearing->strategy);
	refine = (IvfbqRefineData *) IVFBQ_CONTENT(BufferGetPage(buffer));
	if (ivfbq_page_kind(BufferGetPage(buffer)) != IVFBQ_PAGE_REFINE ||
		refine->codes_block != group->block || refine->number != number)
	{
		UnlockReleaseBuffer(buffer);
		return NULL;
	}
	group->buffers[i] = buffer;
	group->refine[i] = ivfbq_change_page(&group->change, buffer, false);
	return group->refine[i];
}

static void
zero_row(IvfbqClearing *clearing, Group *group, int slot)
{
	int rest = group->geometry->row_bytes;
	int number;
	int offset;

	ivfbq_row_place(group->geometry, slot, &number, &offset);
	for (; rest > 0; number++)
	{
		int n = Min(rest, (int) IVFBQ_REFINE_BYTES - offset);
		Page page = group_page(clearing, group, number - group->first);

		if (page != NULL)
			memset((char *) page + IVFBQ_REFINE_START + offset, 0, n);
		rest -= n;
		offset = 0;
	}
}

/* Frees as many of the slots as one record can; returns how many. */
static int
clear_group(IvfbqClearing *clearing, const IvfbqGeometry *geometry, Buffer buffer,
			const int *slots, int n)
{
	Group group = {.geometry = geometry, .block = BufferGetBlockNumber(buffer)};
	int offset;
	int done;

	ivfbq_row_place(geometry, slots[0], &group.first, &offset);
	group.change = ivfbq_change_begin(clearing->index, false);
	group.page = ivfbq_change_page(&group.change, buffer, false);
	for (done = 0; done < n; done++)
	{
		if (geometry->row_bytes > 0)
		{
			if (ivfbq_row_last_page(geometry, slots[done]) >= group.first + GROUP_PAGES)
				break;
			zero_row(clearing, &group, slots[done]);
		}
		ivfbq_slot_clear(geometry, group.page, slots[done]);
	}
	ivfbq_change_finish(&group.change);
	for (int i = 0; i < GROUP_PAGES; i++)
		if (BufferIsValid(group.buffers[i]))
			UnlockReleaseBuffer(group.buffers[i]);
	return done;
}

/* Has the page, locked, rows of the heap? */
static bool
has_heap_rows(Page page)
{
	IvfbqPageKind kind = ivfbq_page_kind(page);

	return (kind == IVFBQ_PAGE_CODES || kind == IVFBQ_PAGE_TIDS) &&
		   ivfbq_codes(page)->role != IVFBQ_ROLE_CENTROIDS && ivfbq_codes(page)->nlive > 0;
}

/* The dead slots of the copied page, into clearing->slots. */
static int
find_dead(IvfbqClearing *clearing, BlockNumber block, const IvfbqGeometry *geometry)
{
	Page page = clearing->copy;
	int n = 0;

	for (int slot = 0; slot < ivfbq_codes(page)->nslots; slot++)
	{
		ItemPointer tid = ivfbq_slot_tid(page, slot);

		if (!ivfbq_slot_is_live(geometry, page, slot))
			continue;
		/* Whoever answers takes it for one of a row. */
		if (unlikely(!ItemPointerIsValid(tid)))
			ivfbq_corrupted(
				clearing->index, block, "Slot %d is of a row (%u,%u), which cannot be.", slot,
				ItemPointerGetBlockNumberNoCheck(tid), ItemPointerGetOffsetNumberNoCheck(tid));
		if (clearing->dead(tid, clearing->state))
			clearing->slots[n++] = slot;
	}
	return n;
}

void
ivfbq_clear_page(IvfbqClearing *clearing, BlockNumber block)
{
	Relation index = clearing->index;
	Buffer buffer =
		ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, clearing->strategy);
	Page page = BufferGetPage(buffer);
	const IvfbqGeometry *geometry;
	bool retired;
	int dead;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (PageIsNew(page))
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	ivfbq_check_page(index, block, page, 0);
	if (!has_heap_rows(page))
	{
		UnlockReleaseBuffer(buffer);
		return;
	}
	memcpy(clearing->copy, page, BLCKSZ);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);

	/* Whose rows these are is asked without a lock: none moves, and none but us frees a slot. */
	if (clearing->info->dim == 0)
		clearing->info = ivfbq_index(index);
	geometry = ivfbq_page_geometry(clearing->info, clearing->copy);
	ivfbq_check_counts(index, block, clearing->copy, geometry);
	retired = ivfbq_page_is_retired(clearing->copy);
	dead = find_dead(clearing, block, geometry);
	if (dead > 0)
	{
		if (geometry->row_bytes > 0)
			ivfbq_check_refine_blocks(index, block, clearing->copy, geometry);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		for (int done = 0; done < dead;)
			done +=
				clear_group(clearing, geometry, buffer, clearing->slots + done, dead - done);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	clearing->cleared_anywhere += dead;
	if (!retired)
	{
		clearing->live += ivfbq_codes(clearing->copy)->nlive - dead;
		clearing->cleared += dead;
	}
	ReleaseBuffer(buffer);
}

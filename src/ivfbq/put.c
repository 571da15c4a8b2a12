/*
 * put.c
 *		Putting one row into a list (list.h): the page, the slot, the records.
 *
 * README.md, "Insert" and invariants 2 to 4.  Locks are taken in the order of "Locks": the
 * list's cell, code pages, refine pages, the meta page.
 */
#include "postgres.h"

#include "base/point.h"
#include "ivfbq/list.h"
#include "miscadmin.h"

/* What a call is about. */
typedef struct Put
{
	Relation index;
	const IvfbqIndex *info;
	IvfbqListRef ref;
	const IvfbqEntry *entry;
	const IvfbqGeometry *geometry;
	bool tagged;
	bool building;
} Put;

/* Locks the page of the list's cell, if the list still is as it was seen. */
static Buffer
lock_cell(const Put *put, const IvfbqListData *seen)
{
	Buffer buffer = ivfbq_read(put->index, put->ref.cell.block, 0, BUFFER_LOCK_EXCLUSIVE);
	IvfbqListData *now =
		ivfbq_list_on_page(put->index, put->info->nkeys, BufferGetPage(buffer), put->ref);

	if (memcmp(now, seen, sizeof(*now)) == 0)
		return buffer;
	UnlockReleaseBuffer(buffer);
	return InvalidBuffer;
}

/* The first page in the list's chain of those with free slots is full: out of the chain. */
static void
drop_free_page(const Put *put, const IvfbqListData *list)
{
	Buffer cell = lock_cell(put, list);
	Buffer buffer;

	if (!BufferIsValid(cell))
		return;
	buffer = ivfbq_read(put->index, list->free, ivfbq_list_kind(put->ref.role),
						BUFFER_LOCK_EXCLUSIVE);
	if (ivfbq_free_slot(put->geometry, BufferGetPage(buffer)) < 0)
	{
		IvfbqChange change = ivfbq_change_begin(put->index, put->building);
		IvfbqCodesData *codes = ivfbq_codes(ivfbq_change_page(&change, buffer, false));

		ivfbq_list_on_page(put->index, put->info->nkeys,
						   ivfbq_change_page(&change, cell, false), put->ref)
			->free = codes->free;
		codes->free = InvalidBlockNumber;
		codes->flags &= ~IVFBQ_CODES_IN_FREE;
		ivfbq_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
	UnlockReleaseBuffer(cell);
}

/* Adds an empty page to the end of the list. */
static void
add_page(const Put *put, const IvfbqListData *list)
{
	Buffer cell = lock_cell(put, list);
	Buffer tail = InvalidBuffer;
	IvfbqNewPage new_page;
	IvfbqChange change;
	IvfbqListData *now;
	BlockNumber block;

	if (!BufferIsValid(cell))
		return;
	if (list->tail != InvalidBlockNumber)
		tail = ivfbq_read(put->index, list->tail, ivfbq_list_kind(put->ref.role),
						  BUFFER_LOCK_EXCLUSIVE);
	new_page = ivfbq_new_page(put->index, put->building);
	block = BufferGetBlockNumber(new_page.buffer);
	change = ivfbq_change_begin(put->index, put->building);
	ivfbq_codes_init(ivfbq_take_page(&change, &new_page, ivfbq_list_kind(put->ref.role), 0),
					 put->geometry, put->ref, put->tagged);
	now = ivfbq_list_on_page(put->index, put->info->nkeys,
							 ivfbq_change_page(&change, cell, false), put->ref);
	now->tail = block;
	now->pages++;
	if (BufferIsValid(tail))
		ivfbq_codes(ivfbq_change_page(&change, tail, false))->next = block;
	else
		now->head = block;
	ivfbq_change_finish(&change);
	ivfbq_release_new_page(&new_page);
	if (BufferIsValid(tail))
		UnlockReleaseBuffer(tail);
	UnlockReleaseBuffer(cell);
}

/* Gives a locked code page one more refine page. */
static void
add_refine_page(const Put *put, Buffer codes)
{
	IvfbqNewPage new_page = ivfbq_new_page(put->index, put->building);
	IvfbqChange change = ivfbq_change_begin(put->index, put->building);
	Page page = ivfbq_change_page(&change, codes, false);
	int number = ivfbq_codes(page)->nrefine++;

	ivfbq_refine_blocks(put->geometry, page)[number] = BufferGetBlockNumber(new_page.buffer);
	ivfbq_refine_init(ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_REFINE, 0),
					  BufferGetBlockNumber(codes), number);
	ivfbq_change_finish(&change);
	ivfbq_release_new_page(&new_page);
}

/* A row's parts on its refine pages, in the record of its slot. */
static void
write_row(const Put *put, IvfbqChange *change, Page codes, BlockNumber block, int slot,
		  Buffer refine[3])
{
	int number;
	int offset;
	int done = 0;

	ivfbq_row_place(put->geometry, slot, &number, &offset);
	if (ivfbq_row_last_page(put->geometry, slot) > number)
		ivfbq_check_refine_blocks(put->index, block, codes, put->geometry);
	for (int i = 0; done < put->geometry->row_bytes; i++)
	{
		BlockNumber refine_block = ivfbq_refine_blocks(put->geometry, codes)[number + i];
		int n = Min(put->geometry->row_bytes - done, (int) IVFBQ_REFINE_BYTES - offset);
		IvfbqRefineData *head;
		Page page;

		refine[i] =
			ivfbq_read(put->index, refine_block, IVFBQ_PAGE_REFINE, BUFFER_LOCK_EXCLUSIVE);
		page = ivfbq_change_page(change, refine[i], false);
		head = (IvfbqRefineData *) IVFBQ_CONTENT(page);
		if (head->codes_block != block)
			ivfbq_corrupted(put->index, refine_block,
							"The page is a refine page of block %u, not %u.", head->codes_block,
							block);
		ivfbq_refine_write(page, offset, put->entry->row + done, n);
		done += n;
		offset = 0;
	}
}

/* Into a free slot of a locked code page. */
static void
put_into_slot(const Put *put, Buffer codes, int slot)
{
	const IvfbqEntry *entry = put->entry;
	Buffer refine[3] = {InvalidBuffer, InvalidBuffer, InvalidBuffer};
	IvfbqChange change;
	Page page;

	if (put->geometry->row_bytes > 0)
		while (ivfbq_codes(BufferGetPage(codes))->nrefine <=
			   ivfbq_row_last_page(put->geometry, slot))
			add_refine_page(put, codes);

	change = ivfbq_change_begin(put->index, put->building);
	page = ivfbq_change_page(&change, codes, false);
	ivfbq_slot_put(put->geometry, page, slot, &entry->code, entry->bits, entry->tags,
				   unconstify(ItemPointerData *, &entry->tid));
	if (put->geometry->row_bytes > 0)
		write_row(put, &change, page, BufferGetBlockNumber(codes), slot, refine);
	ivfbq_change_finish(&change);
	for (int i = 0; i < 3; i++)
		if (BufferIsValid(refine[i]))
			UnlockReleaseBuffer(refine[i]);
}

/* Is this locked page still one where rows of the list may go? */
static bool
is_open(const Put *put, Page page)
{
	IvfbqCodesData *codes = ivfbq_codes(page);

	return ivfbq_page_kind(page) == ivfbq_list_kind(put->ref.role) &&
		   !ivfbq_page_is_retired(page) && codes->owner_block == put->ref.cell.block &&
		   codes->owner_index == put->ref.cell.index && codes->role == put->ref.role &&
		   (codes->flags & IVFBQ_CODES_SEALED) == 0 &&
		   ((codes->flags & IVFBQ_CODES_TAGS) != 0) == put->tagged;
}

/*
 * A page that the cell names and where no row may go: a page is sealed, retired or used again only after
 * its cell has changed.  If that has not, the way is not old but damaged, and going on would not end.
 */
static void
check_cell_changed(const Put *put, const IvfbqListData *seen, BlockNumber block)
{
	IvfbqListData now;

	ivfbq_list_read(put->index, put->info->nkeys, put->ref, &now);
	if (memcmp(&now, seen, sizeof(now)) == 0)
		ivfbq_corrupted(put->index, block,
						"List %u of cell (%u,%u) names the page, but it takes no rows of it.",
						put->ref.role, put->ref.cell.block, put->ref.cell.index);
}

IvfbqPut
ivfbq_list_put(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
			   const IvfbqEntry *entry, BlockNumber base, uint16 base_slot, uint32 max_pages,
			   bool building, BlockNumber *block, int *put_slot)
{
	Put put = {.index = index, .info = info, .ref = ref, .entry = entry, .building = building};

	put.tagged = entry->tags != NULL;
	put.geometry = ivfbq_list_geometry(info, ref.role, put.tagged);
	for (;;)
	{
		IvfbqListData list;
		BlockNumber target;
		Buffer buffer;
		int slot;

		CHECK_FOR_INTERRUPTS();
		ivfbq_list_read(index, info->nkeys, ref, &list);
		if (list.flags & IVFBQ_LIST_CLOSED)
		{
			if (ref.role != IVFBQ_ROLE_LIST)
				ivfbq_corrupted(index, ref.cell.block, "List %u of cell %u is closed.",
								ref.role, ref.cell.index);
			return IVFBQ_PUT_CLOSED;
		}
		/* It never changes (3): looking it up again would find the same. */
		if (list.base != base || list.slot != base_slot)
			ivfbq_corrupted(
				index, ref.cell.block,
				"List %u of cell (%u,%u) is relative to slot %u of block %u, not %u of "
				"%u as what led to it.",
				ref.role, ref.cell.block, ref.cell.index, list.slot, list.base, base_slot,
				base);
		target = list.free != InvalidBlockNumber ? list.free : list.tail;
		if (target == InvalidBlockNumber)
		{
			add_page(&put, &list);
			continue;
		}

		AGM_POINT(put.ref.role == IVFBQ_ROLE_LIST ? "ivfbq put, list" : "ivfbq put");
		/* Of any kind: it may have been used again since the cell was read. */
		buffer = ivfbq_read(index, target, 0, BUFFER_LOCK_EXCLUSIVE);
		if (!is_open(&put, BufferGetPage(buffer)))
		{
			UnlockReleaseBuffer(buffer);
			check_cell_changed(&put, &list, target);
			return IVFBQ_PUT_STALE;
		}
		ivfbq_check_counts(index, target, BufferGetPage(buffer), put.geometry);
		slot = ivfbq_free_slot(put.geometry, BufferGetPage(buffer));
		if (slot >= 0)
		{
			put_into_slot(&put, buffer, slot);
			UnlockReleaseBuffer(buffer);
			if (block != NULL)
				*block = target;
			if (put_slot != NULL)
				*put_slot = slot;
			return IVFBQ_PUT_DONE;
		}
		UnlockReleaseBuffer(buffer);

		if (target == list.free)
			drop_free_page(&put, &list);
		else if (max_pages > 0 && list.pages >= max_pages)
			return IVFBQ_PUT_FULL;
		else
			add_page(&put, &list);
	}
}

/*
 * grow.c
 *		New lists of a clustered key, before anybody can see them (grow.h).
 *
 * README.md, invariants 5, 9 and 11.  A cell of a lists page without a base is in nobody's use: a centroid names it
 * only from the switch on.  A crash before that leaves cells and rows that the next call uses.
 */
#include "postgres.h"

#include "ivfbq/grow.h"
#include "ivfbq/move.h"

static IvfbqListsData *
lists_of(Page page)
{
	return (IvfbqListsData *) IVFBQ_CONTENT(page);
}

static IvfbqListData *
list_cell(Page page, int i)
{
	return (IvfbqListData *) (lists_of(page) + 1) + i;
}

int
ivfbq_new_lists_max(const IvfbqIndex *info)
{
	return Min(IVFBQ_MOVE_LISTS - 4, info->rows.slots);
}

/* ---------------------------------------------------------------- cells */

/* Cells without a base on one page of the chain; fewer than n: not enough there. */
static int
unused_cells(Page page, int n, uint16 *cells)
{
	int found = 0;

	for (uint16 i = 0; i < lists_of(page)->nlists && found < n; i++)
		if (list_cell(page, i)->base == InvalidBlockNumber)
			cells[found++] = i;
	return found;
}

/* Looks for n unused cells on one page of the key's lists. */
static bool
find_unused(Relation index, BlockNumber first, IvfbqNewLists *new_lists)
{
	BlockNumber pages = 0;

	for (BlockNumber block = first; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read(index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_SHARE);
		int found = unused_cells(BufferGetPage(buffer), new_lists->n, new_lists->cells);
		BlockNumber next = lists_of(BufferGetPage(buffer))->next;

		UnlockReleaseBuffer(buffer);
		if (found == new_lists->n)
		{
			new_lists->cells_block = block;
			return true;
		}
		if (++pages > RelationGetNumberOfBlocks(index))
			ivfbq_corrupted(index, block, "The pages of lists run in a circle.");
		block = next;
	}
	return false;
}

/* Chains an empty lists page to the key's last one. */
static void
add_lists_page(Relation index, int nkeys, IvfbqCellRef key)
{
	Buffer cell = ivfbq_read(index, key.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	IvfbqCellData *data =
		ivfbq_directory_cell(index, nkeys, BufferGetPage(cell), key.block, key.index);
	Buffer tail = ivfbq_read(index, data->lists_tail, IVFBQ_PAGE_LISTS, BUFFER_LOCK_EXCLUSIVE);
	IvfbqNewPage new_page = ivfbq_new_page(index, false);
	IvfbqChange change = ivfbq_change_begin(index, false);
	Page page = ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_LISTS, sizeof(IvfbqListsData));

	lists_of(page)->next = InvalidBlockNumber;
	lists_of(page)->key_block = key.block;
	lists_of(page)->key_index = key.index;
	lists_of(ivfbq_change_page(&change, tail, false))->next =
		BufferGetBlockNumber(new_page.buffer);
	ivfbq_directory_cell(index, nkeys, ivfbq_change_page(&change, cell, false), key.block,
						 key.index)
		->lists_tail = BufferGetBlockNumber(new_page.buffer);
	ivfbq_change_finish(&change);
	ivfbq_release_new_page(&new_page);
	UnlockReleaseBuffer(tail);
	UnlockReleaseBuffer(cell);
}

/* Adds n cells to the key's last lists page; false: no room there. */
static bool
add_cells(Relation index, int nkeys, IvfbqCellRef key, IvfbqNewLists *new_lists)
{
	Buffer cell = ivfbq_read(index, key.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	BlockNumber block =
		ivfbq_directory_cell(index, nkeys, BufferGetPage(cell), key.block, key.index)
			->lists_tail;
	Buffer buffer = ivfbq_read(index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_EXCLUSIVE);
	bool room =
		lists_of(BufferGetPage(buffer))->nlists + new_lists->n <= (int) IVFBQ_LISTS_PER_PAGE;

	if (room)
	{
		IvfbqChange change = ivfbq_change_begin(index, false);
		Page page = ivfbq_change_page(&change, buffer, false);

		for (int i = 0; i < new_lists->n; i++)
		{
			new_lists->cells[i] = lists_of(page)->nlists++;
			ivfbq_list_init(list_cell(page, new_lists->cells[i]), InvalidBlockNumber, 0);
		}
		((PageHeader) page)->pd_lower += sizeof(IvfbqListData) * new_lists->n;
		ivfbq_directory_cell(index, nkeys, ivfbq_change_page(&change, cell, false), key.block,
							 key.index)
			->nlists += new_lists->n;
		ivfbq_change_finish(&change);
		new_lists->cells_block = block;
	}
	UnlockReleaseBuffer(buffer);
	UnlockReleaseBuffer(cell);
	return room;
}

/* ---------------------------------------------------------------- centroids */

/* Slots of a page that are not live; fewer than n: not enough there. */
static int
unused_slots(const IvfbqGeometry *geometry, Page page, int n, int *slots)
{
	int found = 0;

	for (int slot = 0; slot < geometry->slots && found < n; slot++)
		if (!ivfbq_slot_is_live(geometry, page, slot))
			slots[found++] = slot;
	return found;
}

static void
find_slots(Relation index, const IvfbqIndex *info, IvfbqListRef centroids,
		   IvfbqNewLists *new_lists)
{
	IvfbqListData list;

	ivfbq_list_read(index, info->nkeys, centroids, &list);
	for (BlockNumber block = list.head; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read(index, block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
		Page page = BufferGetPage(buffer);
		BlockNumber next = ivfbq_codes(page)->next;
		int found;

		ivfbq_check_owner(index, block, page, centroids);
		ivfbq_check_counts(index, block, page, &info->rows);
		found = unused_slots(&info->rows, page, new_lists->n, new_lists->slots);
		UnlockReleaseBuffer(buffer);
		if (found == new_lists->n)
		{
			new_lists->centroids_block = block;
			return;
		}
		block = next;
	}
	new_lists->centroids_block = ivfbq_add_empty_page(index, info, centroids, false);
	for (int i = 0; i < new_lists->n; i++)
		new_lists->slots[i] = i;
}

/* Gives a locked code page one more refine page. */
static void
add_refine_page(Relation index, const IvfbqGeometry *geometry, Buffer codes)
{
	IvfbqNewPage new_page = ivfbq_new_page(index, false);
	IvfbqChange change = ivfbq_change_begin(index, false);
	Page page = ivfbq_change_page(&change, codes, false);
	int number = ivfbq_codes(page)->nrefine++;

	ivfbq_refine_blocks(geometry, page)[number] = BufferGetBlockNumber(new_page.buffer);
	ivfbq_refine_init(ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_REFINE, 0),
					  BufferGetBlockNumber(codes), number);
	ivfbq_change_finish(&change);
	ivfbq_release_new_page(&new_page);
}

/* The 8-bit row of a slot that is not live: onto up to three refine pages. */
static void
write_centroid(Relation index, const IvfbqGeometry *geometry, Buffer codes, int slot,
			   const char *row)
{
	Buffer buffers[3] = {InvalidBuffer, InvalidBuffer, InvalidBuffer};
	IvfbqChange change;
	int number;
	int offset;
	int done = 0;

	while (ivfbq_codes(BufferGetPage(codes))->nrefine <= ivfbq_row_last_page(geometry, slot))
		add_refine_page(index, geometry, codes);
	change = ivfbq_change_begin(index, false);
	ivfbq_row_place(geometry, slot, &number, &offset);
	for (int i = 0; done < geometry->row_bytes; i++)
	{
		int n = Min(geometry->row_bytes - done, (int) IVFBQ_REFINE_BYTES - offset);

		buffers[i] =
			ivfbq_read(index, ivfbq_refine_blocks(geometry, BufferGetPage(codes))[number + i],
					   IVFBQ_PAGE_REFINE, BUFFER_LOCK_EXCLUSIVE);
		ivfbq_refine_write(ivfbq_change_page(&change, buffers[i], false), offset, row + done,
						   n);
		done += n;
		offset = 0;
	}
	ivfbq_change_finish(&change);
	for (int i = 0; i < 3; i++)
		if (BufferIsValid(buffers[i]))
			UnlockReleaseBuffer(buffers[i]);
}

void
ivfbq_new_lists(Relation index, const IvfbqIndex *info, IvfbqCellRef key, const char *centroids,
				int n, IvfbqNewLists *result)
{
	const IvfbqGeometry *geometry = &info->rows;
	IvfbqCell cell;
	Buffer buffer;

	result->n = n;
	result->cells = palloc(sizeof(uint16) * n);
	result->slots = palloc(sizeof(int) * n);
	result->rows = palloc(mul_size(geometry->row_bytes, n));
	memcpy(result->rows, centroids, mul_size(geometry->row_bytes, n));

	ivfbq_cell_read(index, info->nkeys, key, &cell);
	if (!find_unused(index, cell.u.data.lists, result) &&
		!add_cells(index, info->nkeys, key, result))
	{
		add_lists_page(index, info->nkeys, key);
		if (!add_cells(index, info->nkeys, key, result))
			elog(ERROR, "no room for %d lists on an empty page", n);
	}
	find_slots(index, info, (IvfbqListRef){key, IVFBQ_ROLE_CENTROIDS}, result);

	buffer =
		ivfbq_read(index, result->centroids_block, IVFBQ_PAGE_CODES, BUFFER_LOCK_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		char *row = result->rows + (Size) geometry->row_bytes * i;
		ItemPointerData tid;

		ivfbq_centroid_set_cell(&tid, result->cells_block, result->cells[i]);
		ivfbq_row_set_tid(row, &tid);
		write_centroid(index, geometry, buffer, result->slots[i], row);
	}
	UnlockReleaseBuffer(buffer);
}

/*
 * list.c
 *		One list: where its cell is, its pages, reading them (list.h).  Putting rows into it is
 *		in put.c.
 */
#include "postgres.h"

#include "ivfbq/list.h"
#include "miscadmin.h"

static IvfbqListsData *
lists(Page page)
{
	return (IvfbqListsData *) IVFBQ_CONTENT(page);
}

/* ---------------------------------------------------------------- cells */

void
ivfbq_list_init(IvfbqListData *list, BlockNumber base, uint16 slot)
{
	memset(list, 0, sizeof(*list));
	list->head = list->tail = list->free = InvalidBlockNumber;
	list->base = base;
	list->slot = slot;
}

IvfbqListData *
ivfbq_list_on_page(Relation index, int nkeys, Page page, IvfbqListRef ref)
{
	IvfbqPageKind kind = ivfbq_page_kind(page);

	if (ref.role != IVFBQ_ROLE_LIST)
	{
		if (kind != IVFBQ_PAGE_DIRECTORY)
			ivfbq_corrupted(index, ref.cell.block, "It is no directory page.");
		return ivfbq_cell_list(
			ivfbq_directory_cell(index, nkeys, page, ref.cell.block, ref.cell.index), ref.role);
	}
	if (kind != IVFBQ_PAGE_LISTS || ref.cell.index >= lists(page)->nlists ||
		ref.cell.index >= IVFBQ_LISTS_PER_PAGE)
		ivfbq_corrupted(index, ref.cell.block, "The page has no list %u.", ref.cell.index);
	return (IvfbqListData *) (lists(page) + 1) + ref.cell.index;
}

void
ivfbq_list_read(Relation index, int nkeys, IvfbqListRef ref, IvfbqListData *list)
{
	Buffer buffer = ivfbq_read(index, ref.cell.block, 0, BUFFER_LOCK_SHARE);

	*list = *ivfbq_list_on_page(index, nkeys, BufferGetPage(buffer), ref);
	UnlockReleaseBuffer(buffer);
}

bool
ivfbq_list_is_tagged(const IvfbqIndex *info, IvfbqListRef ref, const IvfbqCellData *cell)
{
	return info->nkeys > 0 && ref.role != IVFBQ_ROLE_LIST && cell->type == IVFBQ_CELL_NODE;
}

IvfbqPageKind
ivfbq_list_kind(uint8 role)
{
	return role == IVFBQ_ROLE_TIDS ? IVFBQ_PAGE_TIDS : IVFBQ_PAGE_CODES;
}

const IvfbqGeometry *
ivfbq_list_geometry(const IvfbqIndex *info, uint8 role, bool tagged)
{
	if (role == IVFBQ_ROLE_TIDS)
		return tagged ? &info->tagged_tids : &info->tids;
	return tagged ? &info->tagged_rows : &info->rows;
}

/* ---------------------------------------------------------------- pages */

void
ivfbq_codes_init(Page page, const IvfbqGeometry *geometry, IvfbqListRef ref, bool tagged)
{
	IvfbqCodesData *codes;

	ivfbq_page_init(page, ivfbq_list_kind(ref.role), 0);
	codes = ivfbq_codes(page);
	codes->next = codes->free = InvalidBlockNumber;
	codes->owner_block = ref.cell.block;
	codes->owner_index = ref.cell.index;
	codes->role = ref.role;
	codes->flags = tagged ? IVFBQ_CODES_TAGS : 0;
	ivfbq_set_bounds(geometry, page);
}

void
ivfbq_refine_init(Page page, BlockNumber codes, int number)
{
	IvfbqRefineData *refine;

	ivfbq_page_init(page, IVFBQ_PAGE_REFINE, sizeof(IvfbqRefineData));
	refine = (IvfbqRefineData *) IVFBQ_CONTENT(page);
	refine->codes_block = codes;
	refine->number = (uint16) number;
}

void
ivfbq_refine_write(Page page, int offset, const char *bytes, int n)
{
	PageHeader header = (PageHeader) page;
	int start = (int) IVFBQ_REFINE_START + offset;

	memcpy((char *) page + start, bytes, n);
	if (header->pd_lower < start + n)
		header->pd_lower = (LocationIndex) (start + n);
}

void
ivfbq_check_owner(Relation index, BlockNumber block, Page page, IvfbqListRef ref)
{
	IvfbqCodesData *codes = ivfbq_codes(page);

	if (codes->owner_block != ref.cell.block || codes->owner_index != ref.cell.index ||
		codes->role != ref.role)
		ivfbq_corrupted(
			index, block,
			"The page belongs to list %u of cell (%u,%u), not to list %u of (%u,%u).",
			codes->role, codes->owner_block, codes->owner_index, ref.role, ref.cell.block,
			ref.cell.index);
}

void
ivfbq_check_counts(Relation index, BlockNumber block, Page page, const IvfbqGeometry *geometry)
{
	IvfbqCodesData *codes = ivfbq_codes(page);

	if (codes->nslots > geometry->slots || codes->nlive > codes->nslots ||
		codes->nrefine > geometry->refine_pages)
		ivfbq_corrupted(index, block, "The page has %u slots, %u rows and %u refine pages.",
						codes->nslots, codes->nlive, codes->nrefine);
}

void
ivfbq_check_refine_blocks(Relation index, BlockNumber block, Page page,
						  const IvfbqGeometry *geometry)
{
	const uint32 *blocks = ivfbq_refine_blocks(geometry, page);
	int n = ivfbq_codes(page)->nrefine;

	for (int i = 0; i < n; i++)
	{
		if (blocks[i] == block)
			ivfbq_corrupted(index, block, "Refine page %d is the page itself.", i);
		for (int j = 0; j < i; j++)
			if (blocks[i] == blocks[j])
				ivfbq_corrupted(index, block, "Refine pages %d and %d are the same, block %u.",
								j, i, blocks[i]);
	}
}

/* A refine page, locked, if it is what the code page says. */
static Buffer
read_refine(Relation index, const IvfbqGeometry *geometry, Page codes, BlockNumber block,
			int number)
{
	BlockNumber refine_block;
	IvfbqRefineData *refine;
	Buffer buffer;

	if (number >= ivfbq_codes(codes)->nrefine)
		ivfbq_corrupted(index, block, "The page has no refine page %d.", number);
	refine_block = ivfbq_refine_blocks(geometry, codes)[number];
	buffer = ivfbq_read(index, refine_block, IVFBQ_PAGE_REFINE, BUFFER_LOCK_SHARE);
	refine = (IvfbqRefineData *) IVFBQ_CONTENT(BufferGetPage(buffer));
	if (refine->codes_block != block || refine->number != number)
		ivfbq_corrupted(index, refine_block,
						"The page is refine page %u of block %u, not %d of block %u.",
						refine->number, refine->codes_block, number, block);
	return buffer;
}

void
ivfbq_row_read(Relation index, const IvfbqGeometry *geometry, Page codes, BlockNumber block,
			   int slot, char *row)
{
	int number;
	int offset;
	int done = 0;

	ivfbq_row_place(geometry, slot, &number, &offset);
	while (done < geometry->row_bytes)
	{
		Buffer buffer = read_refine(index, geometry, codes, block, number);
		int n = Min(geometry->row_bytes - done, (int) IVFBQ_REFINE_BYTES - offset);

		memcpy(row + done, (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START + offset, n);
		UnlockReleaseBuffer(buffer);
		done += n;
		offset = 0;
		number++;
	}
}

/* All 8-bit rows of a code page that is locked: what its refine pages have, one after the other. */
static void
copy_refine_pages(Relation index, const IvfbqGeometry *geometry, Page codes, BlockNumber block,
				  char *rows)
{
	for (int number = 0; number < ivfbq_codes(codes)->nrefine; number++)
	{
		Buffer buffer = read_refine(index, geometry, codes, block, number);

		memcpy(rows + IVFBQ_REFINE_BYTES * number,
			   (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START, IVFBQ_REFINE_BYTES);
		UnlockReleaseBuffer(buffer);
	}
}

void
ivfbq_list_walk(Relation index, const IvfbqIndex *info, IvfbqListRef ref, BlockNumber head,
				BlockNumber stop, bool want_rows, IvfbqRowVisitor visitor, void *arg)
{
	IvfbqPageKind kind = ivfbq_list_kind(ref.role);
	char *copy = palloc(BLCKSZ);
	char *rows = NULL;
	BlockNumber pages = 0;

	for (BlockNumber block = head; block != InvalidBlockNumber && block != stop;)
	{
		Buffer buffer = ivfbq_read(index, block, kind, BUFFER_LOCK_SHARE);
		const IvfbqGeometry *geometry = ivfbq_page_geometry(info, BufferGetPage(buffer));
		IvfbqRowVisit visit = {.block = block, .page = copy, .geometry = geometry};
		bool read_rows = want_rows && geometry->row_bytes > 0;

		ivfbq_check_owner(index, block, BufferGetPage(buffer), ref);
		ivfbq_check_counts(index, block, BufferGetPage(buffer), geometry);
		memcpy(copy, BufferGetPage(buffer), BLCKSZ);
		if (read_rows)
		{
			if (rows == NULL)
				rows = palloc(IVFBQ_REFINE_BYTES * geometry->refine_pages);
			copy_refine_pages(index, geometry, copy, block, rows);
		}
		UnlockReleaseBuffer(buffer);
		if (++pages > RelationGetNumberOfBlocks(index))
			ivfbq_corrupted(index, block, "The pages of a list run in a circle.");
		CHECK_FOR_INTERRUPTS();

		for (int slot = 0; slot < ivfbq_codes(copy)->nslots; slot++)
		{
			if (!ivfbq_slot_is_live(geometry, copy, slot))
				continue;
			visit.slot = slot;
			visit.tid = ivfbq_slot_tid(copy, slot);
			if (read_rows)
			{
				int number;
				int offset;

				ivfbq_row_place(geometry, slot, &number, &offset);
				if (ivfbq_row_last_page(geometry, slot) >= ivfbq_codes(copy)->nrefine)
					ivfbq_corrupted(index, block, "Row %d has no refine page.", slot);
				visit.row = rows + IVFBQ_REFINE_BYTES * number + offset;
			}
			visitor(&visit, arg);
		}
		block = ivfbq_codes(copy)->next;
	}
	pfree(copy);
	if (rows != NULL)
		pfree(rows);
}

int
ivfbq_list_count_tags(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
					  BlockNumber head, const uint32 *tags, int enough)
{
	BlockNumber pages = 0;
	int count = 0;

	for (BlockNumber block = head; block != InvalidBlockNumber && count < enough;)
	{
		Buffer buffer = ivfbq_read(index, block, ivfbq_list_kind(ref.role), BUFFER_LOCK_SHARE);
		Page page = BufferGetPage(buffer);
		const IvfbqGeometry *geometry = ivfbq_page_geometry(info, page);

		ivfbq_check_owner(index, block, page, ref);
		ivfbq_check_counts(index, block, page, geometry);
		for (int slot = 0; slot < ivfbq_codes(page)->nslots; slot++)
		{
			bool same = ivfbq_slot_is_live(geometry, page, slot);

			for (int i = 0; same && i < geometry->ntags; i++)
				same = ivfbq_slot_tag(geometry, page, slot, i) == tags[i];
			count += same;
		}
		block = ivfbq_codes(page)->next;
		UnlockReleaseBuffer(buffer);
		if (++pages > RelationGetNumberOfBlocks(index))
			ivfbq_corrupted(index, block, "The pages of a list run in a circle.");
		CHECK_FOR_INTERRUPTS();
	}
	return count;
}

/* ---------------------------------------------------------------- bases */

/* The 8-bit row of the centroid that a list of a clustered key is relative to; palloc'd. */
static char *
read_centroid(Relation index, const IvfbqIndex *info, const IvfbqListData *list)
{
	Buffer buffer = ivfbq_read(index, list->base, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	char *row = palloc(info->rows.row_bytes);

	ivfbq_check_counts(index, list->base, page, &info->rows);
	if (ivfbq_codes(page)->role != IVFBQ_ROLE_CENTROIDS || list->slot >= info->rows.slots)
		ivfbq_corrupted(index, list->base, "The page has no centroid %u.", list->slot);
	ivfbq_row_read(index, &info->rows, page, list->base, list->slot, row);
	UnlockReleaseBuffer(buffer);
	return row;
}

IvfbqBase *
ivfbq_list_base(Relation index, const IvfbqIndex *info, const IvfbqListData *list, uint8 role)
{
	IvfbqBase *base;
	char *row;

	if (list->base == InvalidBlockNumber)
		return ivfbq_base_new(info->codec, NULL);
	if (role != IVFBQ_ROLE_LIST)
		return ivfbq_base_new(info->codec, ivfbq_index_base(index, list->base)->row);
	row = read_centroid(index, info, list);
	base = ivfbq_base_new(info->codec, row);
	pfree(row);
	return base;
}

IvfbqPlace
ivfbq_list_place(Relation index, const IvfbqIndex *info, const IvfbqListData *list, uint8 role,
				 const IvfbqQuery *query)
{
	IvfbqPlace place;
	char *row;

	if (list->base == InvalidBlockNumber)
		return ivfbq_place(query, NULL);
	if (role != IVFBQ_ROLE_LIST)
		return ivfbq_place(query, ivfbq_index_base(index, list->base)->row);
	row = read_centroid(index, info, list);
	place = ivfbq_place(query, row);
	pfree(row);
	return place;
}

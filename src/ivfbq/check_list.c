/*
 * check_list.c
 *		Lists and their pages: README.md, invariants 2, 4, 10 and 11 (check.h).
 *
 * A code page and its refine pages are copied under the code page's share lock, so that no row is half
 * written, and checked after that.
 */
#include "postgres.h"

#include "ivfbq/check.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"

/* ---------------------------------------------------------------- bases */

void
ivfbq_check_base(IvfbqCheck *check, BlockNumber base)
{
	const char *fault;

	if (ivfbq_check_is_reached(check, base) &&
		(check->pages[base] & IVFBQ_SEEN_KIND) == IVFBQ_PAGE_BASE)
		return;
	if (check->info->dim == 0)
		ivfbq_fault(check, base, -1, 0, "There is a base, but no dimension.");

	/* The reader checks kinds and lengths. */
	fault = ivfbq_row_fault(check->info, ivfbq_index_base(check->index, base)->row, true);
	if (fault != NULL)
		ivfbq_fault(check, base, -1, 3, "%s", fault);

	for (BlockNumber block = base; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read_with(check->index, block, IVFBQ_PAGE_BASE, BUFFER_LOCK_SHARE,
										check->strategy);
		Page page = BufferGetPage(buffer);
		IvfbqBaseData content = *(IvfbqBaseData *) IVFBQ_CONTENT(page);
		LocationIndex lower = ((PageHeader) page)->pd_lower;
		bool retired = ivfbq_page_is_retired(page);

		UnlockReleaseBuffer(buffer);
		ivfbq_check_reach(check, block);
		if (retired && !check->recovery)
			ivfbq_fault(check, block, -1, 7, "The page is retired, and reached.");
		if (content.unused != 0 || lower < IVFBQ_BASE_START + content.bytes)
			ivfbq_fault(check, block, -1, 0, "A base of %u bytes ends at %u.", content.bytes,
						lower);
		block = content.next;
	}
}

/* ---------------------------------------------------------------- pages */

/* Copies a refine page's rows, the code page being locked. */
static void
read_refine_page(IvfbqListCheck *list, int number)
{
	IvfbqCheck *check = list->check;
	BlockNumber block = ivfbq_refine_blocks(list->geometry, check->page)[number];
	Buffer buffer = ivfbq_read_with(check->index, block, IVFBQ_PAGE_REFINE, BUFFER_LOCK_SHARE,
									check->strategy);
	Page page = BufferGetPage(buffer);
	IvfbqRefineData content = *(IvfbqRefineData *) IVFBQ_CONTENT(page);

	if (content.codes_block != list->block || content.number != number || content.unused != 0)
		ivfbq_fault(check, block, -1, 2,
					"The page is refine page %u of block %u, not %d of block %u.",
					content.number, content.codes_block, number, list->block);
	if (ivfbq_page_is_retired(page) && !check->recovery)
		ivfbq_fault(check, block, -1, 7, "The page is retired, and reached.");
	list->refine_lower[number] = ((PageHeader) page)->pd_lower;
	memcpy(check->page_rows + IVFBQ_REFINE_BYTES * number, (char *) page + IVFBQ_REFINE_START,
		   IVFBQ_REFINE_BYTES);
	UnlockReleaseBuffer(buffer);
	ivfbq_check_reach(check, block);
}

static void
read_page(IvfbqListCheck *list, BlockNumber block)
{
	IvfbqCheck *check = list->check;
	const IvfbqGeometry *geometry = list->geometry;
	Buffer buffer = ivfbq_read_with(check->index, block, ivfbq_list_kind(list->ref.role),
									BUFFER_LOCK_SHARE, check->strategy);
	Page page = BufferGetPage(buffer);

	list->block = block;
	ivfbq_check_owner(check->index, block, page, list->ref);
	ivfbq_check_counts(check->index, block, page, geometry);
	if (ivfbq_page_is_retired(page) && !check->recovery)
		ivfbq_fault(check, block, -1, 7, "The page is retired, and reached.");
	memcpy(check->page, page, BLCKSZ);
	if (geometry->row_bytes > 0)
	{
		memset(check->page_rows, 0, IVFBQ_REFINE_BYTES * geometry->refine_pages);
		for (int i = 0; i < ivfbq_checked_codes(list)->nrefine; i++)
			read_refine_page(list, i);
	}
	UnlockReleaseBuffer(buffer);
	ivfbq_check_reach(check, block);
	list->sealed = (ivfbq_checked_codes(list)->flags & IVFBQ_CODES_SEALED) != 0;
}

/* Counts, bitmap and bounds of the page that was read. */
static void
check_page_head(IvfbqListCheck *list)
{
	IvfbqCheck *check = list->check;
	const IvfbqGeometry *geometry = list->geometry;
	Page page = check->page;
	PageHeader header = (PageHeader) page;
	IvfbqCodesData *codes = ivfbq_checked_codes(list);
	LocationIndex lower = header->pd_lower;
	LocationIndex upper = header->pd_upper;
	int live = 0;

	if (codes->unused != 0 ||
		(codes->flags & ~(IVFBQ_CODES_SEALED | IVFBQ_CODES_IN_FREE | IVFBQ_CODES_TAGS)))
		ivfbq_fault(check, list->block, -1, 0, "The page has flags %u.", codes->flags);
	if (!(codes->flags & IVFBQ_CODES_IN_FREE) && codes->free != InvalidBlockNumber)
		ivfbq_fault(check, list->block, -1, 0,
					"The page names a page with free slots, but is not one.");
	if (((codes->flags & IVFBQ_CODES_TAGS) != 0) != list->tagged)
		ivfbq_fault(check, list->block, -1, 2,
					"The page has tags where its list has none, or none.");
	for (int block = 0; block < geometry->blocks; block++)
	{
		uint32 word = ivfbq_live(geometry, page)[block];
		int used = Max(0, codes->nslots - block * geometry->block_slots);
		int slots = Min(used, geometry->block_slots);

		live += pg_popcount32(word);
		if (slots < 32 && (word >> slots) != 0)
			ivfbq_fault(check, list->block, block * geometry->block_slots + slots, 10,
						"The slot is live, but was never used.");
	}
	if (live != codes->nlive)
		ivfbq_fault(check, list->block, -1, 10, "The page has %d rows, not %u.", live,
					codes->nlive);
	for (int i = codes->nrefine; i < geometry->refine_pages; i++)
		if (ivfbq_refine_blocks(geometry, page)[i] != 0)
			ivfbq_fault(check, list->block, -1, 0, "The page names refine page %d, but has %u.",
						i, codes->nrefine);
	ivfbq_set_bounds(geometry, page);
	if (header->pd_lower != lower || header->pd_upper != upper)
		ivfbq_fault(check, list->block, -1, 0,
					"The page's content is bounded by %u and %u, not by %u and %u.", lower,
					upper, header->pd_lower, header->pd_upper);
}

/* What is beyond a refine page's pd_lower is lost with the next change of it. */
static void
check_refine_bounds(IvfbqListCheck *list, int slot)
{
	const IvfbqGeometry *geometry = list->geometry;
	int number;
	int offset;
	int rest = geometry->row_bytes;

	ivfbq_row_place(geometry, slot, &number, &offset);
	while (rest > 0 && number < ivfbq_checked_codes(list)->nrefine)
	{
		int n = Min(rest, (int) IVFBQ_REFINE_BYTES - offset);

		if (list->refine_lower[number] < IVFBQ_REFINE_START + offset + n)
			ivfbq_fault(list->check, ivfbq_refine_blocks(geometry, list->check->page)[number],
						-1, 0, "The page's content ends at %u, before row %d of block %u does.",
						list->refine_lower[number], slot, list->block);
		rest -= n;
		offset = 0;
		number++;
	}
}

/* Returns the next page of the chain. */
static BlockNumber
check_code_page(IvfbqListCheck *list, BlockNumber block)
{
	const IvfbqGeometry *geometry = list->geometry;
	Page page = list->check->page;
	int written;

	CHECK_FOR_INTERRUPTS();
	read_page(list, block);
	check_page_head(list);
	written = (ivfbq_checked_codes(list)->nslots + geometry->block_slots - 1) /
			  geometry->block_slots * geometry->block_slots;
	for (int slot = 0; slot < geometry->slots; slot++)
	{
		if (ivfbq_slot_is_live(geometry, page, slot))
		{
			if (geometry->row_bytes > 0)
				check_refine_bounds(list, slot);
			ivfbq_check_live_slot(list, slot);
		}
		else
			ivfbq_check_free_slot(list, slot, slot < written);
	}
	return ivfbq_checked_codes(list)->next;
}

/* ---------------------------------------------------------------- chains */

/* The page after `block` by now. */
static BlockNumber
next_of(IvfbqListCheck *list, BlockNumber block)
{
	Buffer buffer = ivfbq_read(list->check->index, block, ivfbq_list_kind(list->ref.role),
							   BUFFER_LOCK_SHARE);
	BlockNumber next = ivfbq_codes(BufferGetPage(buffer))->next;

	UnlockReleaseBuffer(buffer);
	return next;
}

/*
 * A list says that it is closed before its pages are sealed: on a standby that may have come between two looks.
 */
static bool
is_closed(IvfbqListCheck *list)
{
	IvfbqListData now;

	ivfbq_list_read(list->check->index, list->check->info->nkeys, list->ref, &now);
	return (now.flags & IVFBQ_LIST_CLOSED) != 0;
}

/* Inserts may add pages to the end while we are at it. */
static void
check_chain(IvfbqListCheck *list, BlockNumber head)
{
	IvfbqCheck *check = list->check;
	BlockNumber block = head;
	BlockNumber pages = 0;

	for (;;)
	{
		BlockNumber next = check_code_page(list, block);
		IvfbqListData now;

		pages++;
		if (next == InvalidBlockNumber)
		{
			ivfbq_list_read(check->index, check->info->nkeys, list->ref, &now);
			if (now.tail == block && now.pages == pages)
				break;
			if (now.pages > pages)
				next = next_of(list, block);
			if (next == InvalidBlockNumber)
				ivfbq_fault(check, block, -1, 2,
							"List %u of cell (%u,%u) ends here after %u pages, not at block %u "
							"after %u.",
							list->ref.role, list->ref.cell.block, list->ref.cell.index, pages,
							now.tail, now.pages);
		}
		block = next;
	}
	if (list->sealed && !is_closed(list))
		ivfbq_fault(check, block, -1, 4, "The last page of a list is sealed.");
}

/*
 * The pages with free slots.  Inserts take full ones from the head of their chain; nobody but us adds
 * any.
 */
static void
check_pages_with_free_slots(IvfbqListCheck *list)
{
	IvfbqCheck *check = list->check;
	IvfbqListData seen;
	BlockNumber count;

again:
	ivfbq_list_read(check->index, check->info->nkeys, list->ref, &seen);
	count = 0;
	for (BlockNumber block = seen.free; block != InvalidBlockNumber;)
	{
		Buffer buffer =
			ivfbq_read(check->index, block, ivfbq_list_kind(list->ref.role), BUFFER_LOCK_SHARE);
		IvfbqCodesData codes = *ivfbq_codes(BufferGetPage(buffer));

		ivfbq_check_owner(check->index, block, BufferGetPage(buffer), list->ref);
		UnlockReleaseBuffer(buffer);
		CHECK_FOR_INTERRUPTS();
		if (!(codes.flags & IVFBQ_CODES_IN_FREE))
		{
			IvfbqListData now;

			ivfbq_list_read(check->index, check->info->nkeys, list->ref, &now);
			if (now.free != seen.free)
				goto again;
			ivfbq_fault(check, block, -1, 4,
						"The page is among those with free slots, but does not say so.");
		}
		if ((codes.flags & IVFBQ_CODES_SEALED) && !is_closed(list))
			ivfbq_fault(check, block, -1, 4,
						"The page is sealed, and among those with free slots.");
		if (!ivfbq_check_is_reached(check, block))
			ivfbq_fault(check, block, -1, 2,
						"The page is among those with free slots, but not in the list.");
		if (++count > seen.pages)
			ivfbq_fault(check, block, -1, 2,
						"The chain of pages with free slots runs in a circle.");
		block = codes.free;
	}
}

/* The list of a lists page is relative to the centroid that names it. */
static void
check_list_centroid(IvfbqListCheck *list, const IvfbqListData *data)
{
	IvfbqCheck *check = list->check;
	IvfbqListRef centroids = {list->cell->ref, IVFBQ_ROLE_CENTROIDS};
	const IvfbqGeometry *geometry = &check->info->rows;
	Buffer buffer = ivfbq_read(check->index, data->base, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	IvfbqCellRef named = ivfbq_no_cell();

	ivfbq_check_owner(check->index, data->base, page, centroids);
	ivfbq_check_counts(check->index, data->base, page, geometry);
	if (data->slot < ivfbq_codes(page)->nslots &&
		ivfbq_slot_is_live(geometry, page, data->slot))
		named = ivfbq_centroid_cell(ivfbq_slot_tid(page, data->slot));
	UnlockReleaseBuffer(buffer);
	if (!ivfbq_check_is_reached(check, data->base) || named.block != list->ref.cell.block ||
		named.index != list->ref.cell.index)
		ivfbq_fault(check, list->ref.cell.block, -1, 11,
					"List %u is relative to slot %u of block %u, which is not its centroid.",
					list->ref.cell.index, data->slot, data->base);
}

static void
begin_rows(IvfbqListCheck *list, const IvfbqListData *data)
{
	IvfbqCheck *check = list->check;

	if (check->info->dim == 0)
		ivfbq_fault(check, data->head, -1, 0, "The list has rows, but the index no dimension.");
	if (check->page_rows == NULL)
	{
		const IvfbqIndex *info = check->info;
		int pages = Max(info->rows.refine_pages, info->tagged_rows.refine_pages);

		check->page_rows =
			MemoryContextAlloc(check->context, IVFBQ_REFINE_BYTES * pages + BLCKSZ);
		for (int i = 0; i < 2; i++)
			check->bits[i] =
				MemoryContextAllocZero(check->context, (info->codec->code_dim + 7) / 8);
	}
	list->base = ivfbq_list_base(check->index, check->info, data, list->ref.role);
	list->refine_lower = palloc(sizeof(LocationIndex) * list->geometry->refine_pages);
}

void
ivfbq_check_list(IvfbqCheck *check, IvfbqListRef ref, const IvfbqCell *cell)
{
	IvfbqListCheck list = {.check = check, .ref = ref, .cell = cell};
	IvfbqListData data;

	ivfbq_list_read(check->index, check->info->nkeys, ref, &data);
	if (ref.role != IVFBQ_ROLE_LIST && (data.slot != 0 || data.flags != 0))
		ivfbq_fault(check, ref.cell.block, -1, 0,
					"Unused bytes of list %u of cell %u are not zero.", ref.role,
					ref.cell.index);
	if (data.flags & ~IVFBQ_LIST_CLOSED)
		ivfbq_fault(check, ref.cell.block, -1, 0, "List %u has flags %u.", ref.cell.index,
					data.flags);
	if (data.flags != 0 && !(cell->u.data.flags & IVFBQ_KEY_CLOSED) && !check->recovery)
		ivfbq_fault(check, ref.cell.block, -1, 14, "List %u is closed, but its key is not.",
					ref.cell.index);
	if ((data.head == InvalidBlockNumber) != (data.tail == InvalidBlockNumber) ||
		(data.head == InvalidBlockNumber) != (data.pages == 0) ||
		(data.head == InvalidBlockNumber && data.free != InvalidBlockNumber))
		ivfbq_fault(check, ref.cell.block, -1, 2, "List %u of cell %u has pages, and has none.",
					ref.role, ref.cell.index);
	if (data.base != InvalidBlockNumber)
	{
		/* The first rows may have come since the index was looked at. */
		if (check->info->dim == 0)
			check->info = ivfbq_index(check->index);
		if (ref.role == IVFBQ_ROLE_TIDS)
			ivfbq_fault(check, ref.cell.block, -1, 0, "A list of TIDs has a base.");
		if (ref.role == IVFBQ_ROLE_LIST)
			check_list_centroid(&list, &data);
		else
			ivfbq_check_base(check, data.base);
	}
	else if (ref.role == IVFBQ_ROLE_LIST && data.head != InvalidBlockNumber)
		ivfbq_fault(check, ref.cell.block, -1, 11, "List %u has pages, but no centroid.",
					ref.cell.index);
	if (data.head == InvalidBlockNumber)
		return;

	if (check->info->dim == 0 && ref.role != IVFBQ_ROLE_TIDS)
		check->info = ivfbq_index(check->index);
	list.tagged = ivfbq_list_is_tagged(check->info, ref, &cell->u.data);
	list.geometry = ivfbq_list_geometry(check->info, ref.role, list.tagged);
	if (check->page == NULL)
		check->page = MemoryContextAlloc(check->context, BLCKSZ);
	if (ref.role != IVFBQ_ROLE_TIDS)
		begin_rows(&list, &data);
	check_chain(&list, data.head);
	check_pages_with_free_slots(&list);
	if (list.base != NULL)
	{
		ivfbq_base_free(list.base);
		pfree(list.refine_lower);
	}
}

/* ---------------------------------------------------------------- lists pages */

void
ivfbq_check_lists(IvfbqCheck *check, const IvfbqCell *key)
{
	BlockNumber block = key->u.data.lists;
	uint32 nlists = 0;

	for (;;)
	{
		Buffer buffer = ivfbq_read_with(check->index, block, IVFBQ_PAGE_LISTS,
										BUFFER_LOCK_SHARE, check->strategy);
		Page page = BufferGetPage(buffer);
		IvfbqListsData content = *(IvfbqListsData *) IVFBQ_CONTENT(page);
		LocationIndex lower = ((PageHeader) page)->pd_lower;
		bool retired = ivfbq_page_is_retired(page);

		UnlockReleaseBuffer(buffer);
		ivfbq_check_reach(check, block);
		if (retired && !check->recovery)
			ivfbq_fault(check, block, -1, 7, "The page is retired, and reached.");
		if (content.key_block != key->ref.block || content.key_index != key->ref.index)
			ivfbq_fault(check, block, -1, 2, "The lists are of key (%u,%u), not of (%u,%u).",
						content.key_block, content.key_index, key->ref.block, key->ref.index);
		if (content.unused != 0 || content.nlists > IVFBQ_LISTS_PER_PAGE ||
			lower != IVFBQ_CONTENT_START + sizeof(IvfbqListsData) +
						 sizeof(IvfbqListData) * content.nlists)
			ivfbq_fault(check, block, -1, 0, "The page has %u lists and ends at %u.",
						content.nlists, lower);
		for (uint16 i = 0; i < content.nlists; i++)
			ivfbq_check_list(check, (IvfbqListRef){{block, i, 0}, IVFBQ_ROLE_LIST}, key);
		nlists += content.nlists;
		CHECK_FOR_INTERRUPTS();
		if (content.next == InvalidBlockNumber)
			break;
		block = content.next;
	}

	if (block != key->u.data.lists_tail || nlists != key->u.data.nlists)
	{
		IvfbqCell now;

		/* On a standby lists may have been added meanwhile. */
		ivfbq_cell_read(check->index, check->info->nkeys, key->ref, &now);
		if (now.u.data.nlists == key->u.data.nlists)
			ivfbq_fault(check, block, -1, 2,
						"Key (%u,%u) has %u lists up to here, not %u up to block %u.",
						key->ref.block, key->ref.index, nlists, key->u.data.nlists,
						key->u.data.lists_tail);
	}
}

/*
 * move.c
 *		Draining lists into others (move.h).
 *
 * README.md, "Moving" and invariants 3 to 7 and 13.  What is decided here is the order of the records; which rows
 * go where is the caller's.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/point.h"
#include "ivfbq/move.h"
#include "ivfbq/survey.h"
#include "miscadmin.h"

void
ivfbq_move_begin(IvfbqMove *move, Relation index, const IvfbqIndex *info)
{
	move->index = index;
	move->info = info;
	move->n = 0;
}

static bool
same_list(IvfbqListRef a, IvfbqListRef b)
{
	return a.cell.block == b.cell.block && a.cell.index == b.cell.index && a.role == b.role;
}

static IvfbqMoveList *
add_list(IvfbqMove *move, IvfbqListRef ref, bool tagged)
{
	IvfbqMoveList *list;

	if (move->n == IVFBQ_MOVE_LISTS)
		elog(ERROR, "too many lists in one move");
	list = &move->lists[move->n++];
	memset(list, 0, sizeof(*list));
	list->ref = ref;
	list->tagged = tagged;
	ivfbq_list_init(&list->made, InvalidBlockNumber, 0);
	return list;
}

/* ---------------------------------------------------------------- sealing */

BlockNumber
ivfbq_add_empty_page(Relation index, const IvfbqIndex *info, IvfbqListRef ref, bool tagged)
{
	IvfbqPageKind kind = ivfbq_list_kind(ref.role);
	Buffer cell = ivfbq_read(index, ref.cell.block, 0, BUFFER_LOCK_EXCLUSIVE);
	IvfbqListData *list = ivfbq_list_on_page(index, info->nkeys, BufferGetPage(cell), ref);
	Buffer tail = InvalidBuffer;
	IvfbqNewPage new_page;
	IvfbqChange change;
	BlockNumber block;

	if (list->tail != InvalidBlockNumber)
		tail = ivfbq_read(index, list->tail, kind, BUFFER_LOCK_EXCLUSIVE);
	new_page = ivfbq_new_page(index, false);
	block = BufferGetBlockNumber(new_page.buffer);
	change = ivfbq_change_begin(index, false);
	ivfbq_codes_init(ivfbq_take_page(&change, &new_page, kind, 0),
					 ivfbq_list_geometry(info, ref.role, tagged), ref, tagged);
	list = ivfbq_list_on_page(index, info->nkeys, ivfbq_change_page(&change, cell, false), ref);
	list->tail = block;
	list->free = InvalidBlockNumber;
	list->pages++;
	if (BufferIsValid(tail))
		ivfbq_codes(ivfbq_change_page(&change, tail, false))->next = block;
	else
		list->head = block;
	ivfbq_change_finish(&change);
	ivfbq_release_new_page(&new_page);
	if (BufferIsValid(tail))
		UnlockReleaseBuffer(tail);
	UnlockReleaseBuffer(cell);
	return block;
}

BlockNumber
ivfbq_seal_page(Relation index, IvfbqListRef ref, BlockNumber block)
{
	Buffer buffer = ivfbq_read(index, block, ivfbq_list_kind(ref.role), BUFFER_LOCK_EXCLUSIVE);
	IvfbqCodesData *codes = ivfbq_codes(BufferGetPage(buffer));
	BlockNumber next = codes->next;

	ivfbq_check_owner(index, block, BufferGetPage(buffer), ref);
	if (!(codes->flags & IVFBQ_CODES_SEALED))
	{
		IvfbqChange change = ivfbq_change_begin(index, false);

		ivfbq_codes(ivfbq_change_page(&change, buffer, false))->flags |= IVFBQ_CODES_SEALED;
		ivfbq_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
	return next;
}

static int
find_list(const IvfbqMove *move, IvfbqListRef ref)
{
	for (int i = 0; i < move->n; i++)
		if (same_list(move->lists[i].ref, ref))
			return i;
	return -1;
}

/* What the rows that the list gets are relative to. */
static void
set_base(IvfbqMove *move, IvfbqMoveList *list)
{
	list->base_block = list->before.base;
	list->base_slot = list->before.slot;
	if (list->ref.role != IVFBQ_ROLE_TIDS)
		list->base = ivfbq_list_base(move->index, move->info, &list->before, list->ref.role);
}

int
ivfbq_move_drain(IvfbqMove *move, IvfbqListRef ref, bool tagged)
{
	int nkeys = move->info->nkeys;
	IvfbqMoveList *list;

	Assert(ref.role != IVFBQ_ROLE_CENTROIDS && find_list(move, ref) < 0);
	list = add_list(move, ref, tagged);
	list->drained = true;
	list->stop = ivfbq_add_empty_page(move->index, move->info, ref, tagged);
	/* Whoever read the cell before this may still add pages after `stop`, none before it. */
	ivfbq_list_read(move->index, nkeys, ref, &list->before);
	set_base(move, list);
	for (BlockNumber block = list->before.head; block != list->stop;)
	{
		agm_vacuum_delay_point();
		block = ivfbq_seal_page(move->index, ref, block);
		list->sealed_pages++;
		if (block == InvalidBlockNumber)
			ivfbq_corrupted(move->index, list->stop, "The page is not in its list's chain.");
	}
	return move->n - 1;
}

int
ivfbq_move_target(IvfbqMove *move, IvfbqListRef ref, bool tagged)
{
	IvfbqMoveList *list;
	int known = find_list(move, ref);

	if (known >= 0)
		return known;
	list = add_list(move, ref, tagged);
	ivfbq_list_read(move->index, move->info->nkeys, ref, &list->before);
	if (list->before.head == InvalidBlockNumber)
	{
		/* Else the first insert would change its head. */
		(void) ivfbq_add_empty_page(move->index, move->info, ref, tagged);
		ivfbq_list_read(move->index, move->info->nkeys, ref, &list->before);
	}
	list->stop = list->before.head;
	set_base(move, list);
	return move->n - 1;
}

int
ivfbq_move_new_list(IvfbqMove *move, IvfbqListRef ref, const char *centroid, BlockNumber base,
					uint16 slot)
{
	IvfbqMoveList *list = add_list(move, ref, false);

	list->is_new = true;
	list->stop = InvalidBlockNumber;
	list->base = ivfbq_base_new(move->info->codec, centroid);
	list->base_block = base;
	list->base_slot = slot;
	ivfbq_list_init(&list->made, base, slot);
	return move->n - 1;
}

/* ---------------------------------------------------------------- copying */

void
ivfbq_move_walk(IvfbqMove *move, int number, bool want_rows, IvfbqRowVisitor visit, void *arg)
{
	const IvfbqMoveList *list = &move->lists[number];

	Assert(list->drained);
	ivfbq_list_walk(move->index, move->info, list->ref, list->before.head, list->stop,
					want_rows, visit, arg);
}

void
ivfbq_move_row(IvfbqMove *move, int number, const char *row, ItemPointer tid,
			   const uint32 *tags)
{
	IvfbqMoveList *list = &move->lists[number];

	if (list->appender == NULL)
		list->appender =
			ivfbq_append_begin(move->index, move->info, list->ref, list->tagged, list->base,
							   list->base_block, list->base_slot, false);
	ivfbq_append_row(list->appender, row, tid, list->tagged ? tags : NULL, NULL, NULL);
}

int64
ivfbq_move_rows(const IvfbqMove *move, int number)
{
	const IvfbqMoveList *list = &move->lists[number];

	return list->appender == NULL ? 0 : ivfbq_append_rows(list->appender);
}

/* ---------------------------------------------------------------- switching */

/* The pages of the record, locked. */
typedef struct SwitchPages
{
	int n;
	BlockNumber blocks[IVFBQ_MOVE_CELL_PAGES];
	bool directory[IVFBQ_MOVE_CELL_PAGES]; /* a directory page; else of lists */
	Buffer buffers[IVFBQ_MOVE_CELL_PAGES];
	Page pages[IVFBQ_MOVE_CELL_PAGES];
	Buffer codes;
} SwitchPages;

static Page
page_of(void *arg, BlockNumber block)
{
	SwitchPages *pages = arg;

	for (int i = 0; i < pages->n; i++)
		if (pages->blocks[i] == block)
			return pages->pages[i];
	elog(ERROR, "block %u is not part of this switch", block);
	return NULL;
}

/* Directory pages before lists pages, each in ascending order. */
static bool
is_before(bool directory, BlockNumber block, bool other_directory, BlockNumber other)
{
	if (directory != other_directory)
		return directory;
	return block < other;
}

static void
add_page(SwitchPages *pages, BlockNumber block, bool directory)
{
	int at = pages->n;

	for (int i = 0; i < pages->n; i++)
		if (pages->blocks[i] == block)
			return;
	if (pages->n == IVFBQ_MOVE_CELL_PAGES)
		elog(ERROR, "too many pages in one switch");
	while (at > 0 &&
		   is_before(directory, block, pages->directory[at - 1], pages->blocks[at - 1]))
	{
		pages->blocks[at] = pages->blocks[at - 1];
		pages->directory[at] = pages->directory[at - 1];
		at--;
	}
	pages->blocks[at] = block;
	pages->directory[at] = directory;
	pages->n++;
}

/* What the list's cell says from now on. */
static void
switch_list(IvfbqMove *move, const IvfbqMoveList *list, SwitchPages *pages)
{
	IvfbqListData *now = ivfbq_list_on_page(move->index, move->info->nkeys,
											page_of(pages, list->ref.cell.block), list->ref);

	if (list->is_new)
	{
		*now = list->made;
		return;
	}
	now->head = list->made.head != InvalidBlockNumber ? list->made.head : list->stop;
	now->pages = now->pages - list->sealed_pages + list->made.pages;
}

static void
write_switch(IvfbqMove *move, const IvfbqSwitch *also)
{
	SwitchPages pages = {0};
	Relation index = move->index;
	IvfbqChange change;
	Page codes = NULL;
	Buffer meta;

	for (int i = 0; i < move->n; i++)
		add_page(&pages, move->lists[i].ref.cell.block,
				 move->lists[i].ref.role != IVFBQ_ROLE_LIST);
	for (int i = 0; i < pages.n; i++)
		pages.buffers[i] = ivfbq_read(index, pages.blocks[i], 0, BUFFER_LOCK_EXCLUSIVE);
	if (also != NULL && also->codes != InvalidBlockNumber)
		pages.codes = ivfbq_read(index, also->codes, IVFBQ_PAGE_CODES, BUFFER_LOCK_EXCLUSIVE);
	meta = ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);

	change = ivfbq_change_begin(index, false);
	for (int i = 0; i < pages.n; i++)
		pages.pages[i] = ivfbq_change_page(&change, pages.buffers[i], false);
	if (BufferIsValid(pages.codes))
		codes = ivfbq_change_page(&change, pages.codes, false);
	for (int i = 0; i < move->n; i++)
		switch_list(move, &move->lists[i], &pages);
	if (also != NULL && also->change != NULL)
		also->change(codes, page_of, &pages, also->arg);
	ivfbq_meta(ivfbq_change_page(&change, meta, false))->switches++;
	ivfbq_change_finish(&change);

	UnlockReleaseBuffer(meta);
	if (BufferIsValid(pages.codes))
		UnlockReleaseBuffer(pages.codes);
	for (int i = 0; i < pages.n; i++)
		UnlockReleaseBuffer(pages.buffers[i]);
}

void
ivfbq_retire_chain(Relation index, const IvfbqIndex *info, uint8 role, BlockNumber head,
				   BlockNumber stop)
{
	for (BlockNumber block = head; block != stop;)
	{
		Buffer buffer = ivfbq_read(index, block, ivfbq_list_kind(role), BUFFER_LOCK_SHARE);
		BlockNumber next = ivfbq_codes(BufferGetPage(buffer))->next;

		UnlockReleaseBuffer(buffer);
		ivfbq_retire_codes(index, info, block);
		agm_vacuum_delay_point();
		block = next;
	}
}

void
ivfbq_move_finish(IvfbqMove *move, const IvfbqSwitch *also)
{
	for (int i = 0; i < move->n; i++)
	{
		IvfbqMoveList *list = &move->lists[i];

		if (list->appender != NULL)
			ivfbq_append_end(list->appender, list->stop, &list->made);
		list->appender = NULL;
	}
	AGM_POINT("ivfbq switch");
	write_switch(move, also);
	AGM_POINT("ivfbq retire");
	for (int i = 0; i < move->n; i++)
	{
		const IvfbqMoveList *list = &move->lists[i];

		if (list->drained)
			ivfbq_retire_chain(move->index, move->info, list->ref.role, list->before.head,
							   list->stop);
		if (list->base != NULL)
			ivfbq_base_free(list->base);
	}
}

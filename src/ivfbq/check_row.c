/*
 * check_row.c
 *		The slots of a code page that was copied: README.md, invariants 1, 3, 6 and 9 (check.h).
 */
#include "postgres.h"

#include "ivfbq/check.h"

/* Norms and residuals are rounded up by what their sums in floats may be wrong: by less than this. */
#define NORM_ERROR 1e-3

/* ---------------------------------------------------------------- 8-bit rows */

const char *
ivfbq_row_fault(const IvfbqIndex *info, const char *row, bool is_base)
{
	const uint8 *codes = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	IvfbqRowHeadData head;
	int64 square_sum = 0;
	double length;

	ivfbq_row_head(row, &head);
	if (!isfinite(head.scale) || head.scale < 0)
		return "The scale is no such number.";
	if (isnan(head.residual) || head.residual < 0 || isnan(head.norm) || head.norm < 0)
		return "The residual or norm is no such number.";
	for (int i = 0; i < info->dim; i++)
	{
		int code = (int) codes[i] - 128;

		if (code < -127)
			return "A code is below -127.";
		square_sum += code * code;
	}
	if (square_sum != head.square_sum)
		return "The sum of squares is not that of the codes.";
	if (info->dim % 2 == 1 && codes[info->dim] != 0)
		return "The padding is not zero.";

	/* The triangle of y, what it was rounded to, and what is between them. */
	length = (double) head.scale * sqrt((double) square_sum);
	if (isfinite(head.norm) &&
		fabs(length - head.norm) > (double) head.residual + NORM_ERROR * (length + head.norm))
		return "The norm is not that of the codes.";
	if (!is_base && info->type.metric == IVFBQ_COSINE && fabs(head.norm - 1.0) > 1e-3)
		return "The norm is not 1.";
	return NULL;
}

/* ---------------------------------------------------------------- slots */

/* Where the copied row of a slot is. */
static char *
slot_row(const IvfbqListCheck *list, int slot)
{
	int number;
	int offset;

	ivfbq_row_place(list->geometry, slot, &number, &offset);
	return list->check->page_rows + IVFBQ_REFINE_BYTES * number + offset;
}

static bool
is_zero(const char *bytes, Size n)
{
	for (Size i = 0; i < n; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

void
ivfbq_check_free_slot(IvfbqListCheck *list, int slot, bool written)
{
	IvfbqCheck *check = list->check;
	const IvfbqGeometry *geometry = list->geometry;
	Page page = check->page;
	bool zero = true;

	if (written && geometry->row_bytes > 0)
	{
		IvfbqCode code;

		ivfbq_slot_get(geometry, page, slot, &code, check->bits[0]);
		zero = is_zero((char *) &code, sizeof(code)) &&
			   is_zero((char *) check->bits[0], (geometry->code_dim + 7) / 8);
	}
	for (int i = 0; written && i < geometry->ntags; i++)
		zero = zero && ivfbq_slot_tag(geometry, page, slot, i) == 0;
	if (slot < ivfbq_checked_codes(list)->nslots)
		zero = zero && is_zero((char *) ivfbq_slot_tid(page, slot), sizeof(ItemPointerData));
	if (!zero)
		ivfbq_fault(check, list->block, slot, 9, "The slot is free, but not zero.");
	if (geometry->row_bytes > 0 && list->ref.role != IVFBQ_ROLE_CENTROIDS &&
		!is_zero(slot_row(list, slot), geometry->row_bytes))
		ivfbq_fault(check, list->block, slot, 9,
					"The slot is free, but its 8-bit row is not zero.");
}

/* A centroid's row names a list, which is relative to it. */
static void
check_centroid(IvfbqListCheck *list, int slot, ItemPointer tid)
{
	IvfbqCheck *check = list->check;
	IvfbqCellRef ref = ivfbq_centroid_cell(tid);
	Buffer buffer = ivfbq_read(check->index, ref.block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	IvfbqListsData content = *(IvfbqListsData *) IVFBQ_CONTENT(page);
	IvfbqListData named = *ivfbq_list_on_page(check->index, check->info->nkeys, page,
											  (IvfbqListRef){ref, IVFBQ_ROLE_LIST});

	UnlockReleaseBuffer(buffer);
	if (content.key_block != list->ref.cell.block || content.key_index != list->ref.cell.index)
		ivfbq_fault(check, ref.block, -1, 2, "The lists are of key (%u,%u), not of (%u,%u).",
					content.key_block, content.key_index, list->ref.cell.block,
					list->ref.cell.index);
	/* A list that is given up lets go of its centroid first. */
	if (named.base != InvalidBlockNumber && (named.base != list->block || named.slot != slot))
		ivfbq_fault(
			check, list->block, slot, 11,
			"The centroid names list (%u,%u), which is relative to slot %u of block %u.",
			ref.block, ref.index, named.slot, named.base);
}

/* The code is what the row and the base make. */
static void
check_code(IvfbqListCheck *list, int slot, const char *row)
{
	IvfbqCheck *check = list->check;
	const IvfbqGeometry *geometry = list->geometry;
	Size bytes = (geometry->code_dim + 7) / 8;
	IvfbqCode made = {0};
	IvfbqCode stored = {0};

	ivfbq_encode(check->info->codec, list->base, row, &made, check->bits[0]);
	ivfbq_slot_get(geometry, check->page, slot, &stored, check->bits[1]);
	if (memcmp(&made, &stored, sizeof(IvfbqCode)) != 0 ||
		memcmp(check->bits[0], check->bits[1], bytes) != 0)
		ivfbq_fault(check, list->block, slot, 3, "The code is not that of the 8-bit row.");
}

static void
check_tid(IvfbqListCheck *list, int slot, ItemPointer tid)
{
	IvfbqCheck *check = list->check;
	BlockNumber block = ItemPointerGetBlockNumberNoCheck(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumberNoCheck(tid);

	if (block != InvalidBlockNumber && block >= check->heap_blocks)
		check->heap_blocks = RelationGetNumberOfBlocks(check->heap);
	if (block >= check->heap_blocks || offset == InvalidOffsetNumber ||
		offset > MaxOffsetNumber)
		ivfbq_fault(check, list->block, slot, 1, "The table has no row (%u,%u).", block,
					offset);
}

void
ivfbq_check_live_slot(IvfbqListCheck *list, int slot)
{
	IvfbqCheck *check = list->check;
	const IvfbqGeometry *geometry = list->geometry;
	ItemPointer tid = ivfbq_slot_tid(check->page, slot);
	uint32 tags[IVFBQ_MAX_KEYS];
	const char *row = NULL;

	for (int i = 0; i < geometry->ntags; i++)
		tags[i] = ivfbq_slot_tag(geometry, check->page, slot, i);
	if (geometry->ntags > 0 &&
		!ivfbq_has_prefix(ivfbq_tags_hash(tags, geometry->ntags), list->cell->u.data.hash,
						  list->cell->u.data.depth))
		ivfbq_fault(check, list->block, slot, 6,
					"The row is in a node that is not on its way.");

	if (geometry->row_bytes > 0)
	{
		IvfbqRowHeadData head;
		const char *fault;

		if (ivfbq_row_last_page(geometry, slot) >= ivfbq_checked_codes(list)->nrefine)
			ivfbq_fault(check, list->block, slot, 2, "The row has no refine page.");
		row = slot_row(list, slot);
		ivfbq_row_head(row, &head);
		if (memcmp(&head.tid, tid, sizeof(ItemPointerData)) != 0)
			ivfbq_fault(check, list->block, slot, 2,
						"The slot is of row (%u,%u), its 8-bit row of (%u,%u).",
						ItemPointerGetBlockNumberNoCheck(tid),
						ItemPointerGetOffsetNumberNoCheck(tid),
						ItemPointerGetBlockNumberNoCheck(&head.tid),
						ItemPointerGetOffsetNumberNoCheck(&head.tid));
		fault = ivfbq_row_fault(check->info, row, list->ref.role == IVFBQ_ROLE_CENTROIDS);
		if (fault != NULL)
			ivfbq_fault(check, list->block, slot, 3, "%s", fault);
		check_code(list, slot, row);
	}

	if (list->ref.role == IVFBQ_ROLE_CENTROIDS)
	{
		check_centroid(list, slot, tid);
		return;
	}
	check_tid(list, slot, tid);
	ivfbq_entries_add(check, list->cell, geometry->ntags > 0 ? tags : list->cell->u.data.tags,
					  tid, row);
}

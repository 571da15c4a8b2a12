/*
 * check_heap.c
 *		The rows of an index against each other and against the table: README.md, invariant 1.
 *
 * That no TID is there twice is exact, by a sort.  That no row is missing is told by a Bloom filter of what
 * was found in the index, which sees a missing row with a chance of 98 in 100 at least (nearly always where
 * maintenance_work_mem suffices for the table), and never sees one that is not missing.
 */
#include "postgres.h"

#include "access/tableam.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "common/pg_prng.h"
#include "ivfbq/check.h"
#include "lib/bloomfilter.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "storage/itemptr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/tuplesort.h"

/* Nodes on the way of a key, and its own cell. */
#define PLACES_MAX 66

struct IvfbqEntries
{
	Tuplesortstate *tids;

	/* for the table; filter NULL: it is not asked for */
	Snapshot snapshot;
	bloom_filter *filter;
	char *element;
	MemoryContext row_context;
	IvfbqCellRef places[PLACES_MAX];
	int nplaces;
};

static int64
encode_tid(const ItemPointerData *tid)
{
	return ((int64) ItemPointerGetBlockNumberNoCheck(tid) << 16) |
		   ItemPointerGetOffsetNumberNoCheck(tid);
}

void
ivfbq_entries_begin(IvfbqCheck *check, bool heap_all_indexed)
{
	IvfbqEntries *entries = palloc0(sizeof(IvfbqEntries));
	int memory = heap_all_indexed ? maintenance_work_mem / 2 : maintenance_work_mem;

	entries->tids = tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false, memory,
										  NULL, TUPLESORT_NONE);
	check->entries = entries;
	if (!heap_all_indexed)
		return;

	entries->snapshot = RegisterSnapshot(GetTransactionSnapshot());
	/* As a scan of the table would, which may be in a transaction of an older snapshot. */
	if (IsolationUsesXactSnapshot() && check->index->rd_index->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(check->index->rd_indextuple->t_data),
							   entries->snapshot->xmin))
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("index \"%s\" cannot be checked in a transaction that is older",
							   RelationGetRelationName(check->index))));
	entries->filter = bloom_create(Max((int64) check->heap->rd_rel->reltuples,
									   (int64) RelationGetNumberOfBlocks(check->heap) * 8),
								   memory, pg_prng_uint64(&pg_global_prng_state));
	entries->element = palloc(sizeof(IvfbqCellRef) + sizeof(uint32) * IVFBQ_MAX_KEYS +
							  sizeof(ItemPointerData) + 1 + IVFBQ_ROW_SIZE(IVFBQ_MAX_DIM));
	entries->row_context = AllocSetContextCreate(check->context, "agentmem ivfbq check row",
												 ALLOCSET_DEFAULT_SIZES);
}

/* A row with all that is known of it, where a search comes by. */
static Size
make_element(const IvfbqCheck *check, IvfbqCellRef place, const uint32 *tags,
			 const ItemPointerData *tid, const char *row)
{
	char *element = check->entries->element;
	Size size = 0;

	memcpy(element, &place.block, sizeof(place.block));
	size += sizeof(place.block);
	memcpy(element + size, &place.index, sizeof(place.index));
	size += sizeof(place.index);
	memcpy(element + size, tags, sizeof(uint32) * check->info->nkeys);
	size += sizeof(uint32) * check->info->nkeys;
	memcpy(element + size, tid, sizeof(ItemPointerData));
	size += sizeof(ItemPointerData);
	element[size++] = row != NULL;
	if (row != NULL)
	{
		memcpy(element + size, row, IVFBQ_ROW_SIZE(check->info->dim));
		size += IVFBQ_ROW_SIZE(check->info->dim);
	}
	return size;
}

void
ivfbq_entries_add(IvfbqCheck *check, const IvfbqCell *cell, const uint32 *tags, ItemPointer tid,
				  const char *row)
{
	IvfbqEntries *entries = check->entries;

	check->rows++;
	tuplesort_putdatum(entries->tids, Int64GetDatum(encode_tid(tid)), false);
	if (entries->filter != NULL)
	{
		Size size = make_element(check, cell->ref, tags, tid, row);

		bloom_add_element(entries->filter, (unsigned char *) entries->element, size);
	}
}

/* ---------------------------------------------------------------- no TID twice */

/* The first slot of a copied page, from `slot` on, that has the TID; or -1. */
static int
find_tid(const IvfbqGeometry *geometry, Page page, int64 tid, int slot)
{
	for (; slot < ivfbq_codes(page)->nslots; slot++)
		if (ivfbq_slot_is_live(geometry, page, slot) &&
			encode_tid(ivfbq_slot_tid(page, slot)) == tid)
			return slot;
	return -1;
}

/*
 * Looks for the slots of a TID that was found twice, and raises the error.  On a standby the row may have
 * been removed and another one put in its place meanwhile; then there are no two.
 */
static void
report_duplicate(IvfbqCheck *check, int64 tid)
{
	BlockNumber first_block = InvalidBlockNumber;
	int first_slot = 0;

	for (BlockNumber block = 0; block < check->npages; block++)
	{
		const IvfbqGeometry *geometry;
		Buffer buffer;
		Page page;
		IvfbqPageKind kind;

		if (!ivfbq_check_is_reached(check, block))
			continue;
		buffer = ivfbq_read_with(check->index, block, 0, BUFFER_LOCK_SHARE, check->strategy);
		page = BufferGetPage(buffer);
		kind = ivfbq_page_kind(page);
		if ((kind == IVFBQ_PAGE_CODES || kind == IVFBQ_PAGE_TIDS) &&
			!ivfbq_page_is_retired(page) && ivfbq_codes(page)->role != IVFBQ_ROLE_CENTROIDS)
		{
			geometry = ivfbq_page_geometry(check->info, page);
			ivfbq_check_counts(check->index, block, page, geometry);
			for (int slot = -1; (slot = find_tid(geometry, page, tid, slot + 1)) >= 0;)
			{
				if (first_block != InvalidBlockNumber)
					ivfbq_fault(check, block, slot, 1,
								"The slot is of row (%u,%u), as slot %d of block %u is.",
								(BlockNumber) (tid >> 16), (OffsetNumber) (tid & 0xffff),
								first_slot, first_block);
				first_block = block;
				first_slot = slot;
			}
		}
		UnlockReleaseBuffer(buffer);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
check_duplicates(IvfbqCheck *check)
{
	Tuplesortstate *tids = check->entries->tids;
	int64 last = -1;
	Datum datum;
	bool isnull;

	tuplesort_performsort(tids);
	while (agm_tuplesort_getdatum(tids, &datum, &isnull))
	{
		int64 tid = DatumGetInt64(datum);

		if (tid == last)
			report_duplicate(check, tid);
		last = tid;
		CHECK_FOR_INTERRUPTS();
	}
	tuplesort_end(tids);
}

/* ---------------------------------------------------------------- every row of the table */

static void
add_place(const IvfbqCell *cell, void *arg)
{
	IvfbqEntries *entries = arg;

	if (entries->nplaces < PLACES_MAX)
		entries->places[entries->nplaces++] = cell->ref;
}

/* As the index would have it; false: the vector has no direction, or is NULL. */
static bool
make_row(IvfbqCheck *check, ItemPointer tid, Datum value, bool isnull, char *row)
{
	IvfbqIndex *info = check->info;
	int dim;

	if (isnull)
		return false;
	(void) info->type.floats(value, &dim);
	/* ivfbq_row_of() would set the dimension of an index that has none. */
	if (dim != info->dim)
		ivfbq_fault(
			check, IVFBQ_META_BLOCK, -1, 1,
			"Row (%u,%u) of table \"%s\" has a vector of %d dimensions, the index is of %d.",
			ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid),
			RelationGetRelationName(check->heap), dim, info->dim);
	if (!ivfbq_row_of(check->index, value, false, false, &info, row))
		return false;
	ivfbq_row_set_tid(row, tid);
	return true;
}

static void
check_heap_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
			   bool is_alive pg_attribute_unused(), void *state)
{
	IvfbqCheck *check = state;
	IvfbqEntries *entries = check->entries;
	MemoryContext old = MemoryContextSwitchTo(entries->row_context);
	int vector = check->info->nkeys;
	char *row = palloc0(IVFBQ_ROW_SIZE(IVFBQ_MAX_DIM));
	IvfbqKey key;
	IvfbqCell found;
	bool has_row;

	ivfbq_key_of(index, values, isnull, &key);
	has_row = make_row(check, tid, values[vector], isnull[vector], row);
	entries->nplaces = 0;
	if (ivfbq_directory_find(index, check->info, &key, add_place, entries, &found))
		add_place(&found, entries);

	for (int i = 0;; i++)
	{
		Size size;

		if (i == entries->nplaces)
			ivfbq_fault(
				check, found.ref.block, -1, 1,
				"Row (%u,%u) of table \"%s\" is not where a search for its key, from the root "
				"to cell %u, would find it, or not with this key and vector.",
				ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid),
				RelationGetRelationName(check->heap), found.ref.index);
		size = make_element(check, entries->places[i], key.tags, tid, has_row ? row : NULL);
		if (!bloom_lacks_element(entries->filter, (unsigned char *) entries->element, size))
			break;
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(entries->row_context);
}

/*
 * Functions of the index's expressions and predicate run as the table's owner, who can be expected to
 * trust them, and cannot do more than a maintenance command lets them.
 */
static void
check_heap(IvfbqCheck *check)
{
	IndexInfo *index_info = BuildIndexInfo(check->index);
	TableScanDesc scan =
		table_beginscan_strat(check->heap, check->entries->snapshot, 0, NULL, true, true);
	Oid user;
	int security;
	int guc_level;

	/* Rows are looked at by the snapshot, as in the first scan of a concurrent build. */
	index_info->ii_Concurrent = true;
	index_info->ii_Unique = false;
	index_info->ii_ExclusionOps = NULL;
	index_info->ii_ExclusionProcs = NULL;
	index_info->ii_ExclusionStrats = NULL;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(check->heap->rd_rel->relowner,
						   security | SECURITY_RESTRICTED_OPERATION);
	guc_level = NewGUCNestLevel();
	agm_restrict_search_path();
	table_index_build_scan(check->heap, check->index, index_info, true, false, check_heap_row,
						   check, scan);
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(user, security);
}

void
ivfbq_entries_finish(IvfbqCheck *check)
{
	check_duplicates(check);
	if (check->entries->filter != NULL)
	{
		/* Vectors of the first dimension may have come since. */
		check->info = ivfbq_index(check->index);
		check_heap(check);
		UnregisterSnapshot(check->entries->snapshot);
	}
}

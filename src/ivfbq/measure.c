/*
 * measure.c
 *		How well an index answers with the settings as they are, against its own exact answers (stats.h).
 *
 * Goes through the method's own scan as the executor does: rows come by their certain bounds, distances are
 * computed from the table, and reading ends when no bound can beat the k-th of them.  So no plan is in the
 * way, and no other index.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "ivfbq/list.h"
#include "ivfbq/stats.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/guc.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

typedef struct Measuring
{
	/* set once */
	Relation heap;
	Relation index;
	int k;
	Snapshot snapshot;
	IndexInfo *index_info;
	EState *estate;
	int nkeys;
	FmgrInfo equal[IVFBQ_MAX_KEYS];
	FmgrInfo distance;
	Oid collation; /* of the vector: none */
	TupleTableSlot *slot;
	MemoryContext query_context;
	double *distances;		 /* k, of one search */
	double *exact_distances; /* k */
} Measuring;

static void
init_operator(Relation index, int column, StrategyNumber strategy, FmgrInfo *function)
{
	Oid type = index->rd_opcintype[column];
	Oid op = get_opfamily_member(index->rd_opfamily[column], type, type, strategy);

	if (!OidIsValid(op))
		elog(ERROR, "operator %d(%u,%u) is missing in operator family %u", strategy, type, type,
			 index->rd_opfamily[column]);
	fmgr_info(get_opcode(op), function);
}

/* The index's columns of the row in the slot. */
static void
form_columns(Measuring *measuring, Datum *values, bool *isnull)
{
	ExprContext *econtext = GetPerTupleExprContext(measuring->estate);

	econtext->ecxt_scantuple = measuring->slot;
	FormIndexDatum(measuring->index_info, measuring->slot, measuring->estate, values, isnull);
}

/* Does the row that was fetched have the key that was asked for? */
static bool
has_key(Measuring *measuring, const ScanKey keys, const Datum *values, const bool *isnull)
{
	for (int i = 0; i < measuring->nkeys; i++)
		if (isnull[i] ||
			!DatumGetBool(FunctionCall2Coll(&measuring->equal[i], keys[i].sk_collation,
											values[i], keys[i].sk_argument)))
			return false;
	return true;
}

/* Puts a distance among the k least. */
static int
add_distance(double *distances, int n, int k, double distance)
{
	int i;

	if (n == k && distance >= distances[k - 1])
		return n;
	for (i = n < k ? n : k - 1; i > 0 && distances[i - 1] > distance; i--)
		distances[i] = distances[i - 1];
	distances[i] = distance;
	return Min(n + 1, k);
}

/* The k least distances of others; returns how many there are, and adds to *milliseconds. */
static int
search(Measuring *measuring, ScanKey keys, ScanKey order, ItemPointer own, double *distances,
	   double *milliseconds)
{
	IndexScanDesc scan;
	instr_time start;
	instr_time end;
	int n = 0;

	INSTR_TIME_SET_CURRENT(start);
	scan = agm_index_beginscan(measuring->heap, measuring->index, measuring->snapshot,
							   measuring->nkeys, 1);
	index_rescan(scan, keys, measuring->nkeys, order, 1);
	while (index_getnext_slot(scan, ForwardScanDirection, measuring->slot))
	{
		Datum values[INDEX_MAX_KEYS];
		bool isnull[INDEX_MAX_KEYS];

		CHECK_FOR_INTERRUPTS();
		/* Rows without a distance are the last. */
		if (scan->xs_orderbynulls[0])
			break;
		if (n == measuring->k && DatumGetFloat8(scan->xs_orderbyvals[0]) >= distances[n - 1])
			break;
		ResetPerTupleExprContext(measuring->estate);
		form_columns(measuring, values, isnull);
		if (ItemPointerEquals(&scan->xs_heaptid, own) || isnull[measuring->nkeys] ||
			!has_key(measuring, keys, values, isnull))
			continue;
		n = add_distance(
			distances, n, measuring->k,
			DatumGetFloat8(FunctionCall2Coll(&measuring->distance, measuring->collation,
											 values[measuring->nkeys], order->sk_argument)));
	}
	index_endscan(scan);
	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_SUBTRACT(end, start);
	*milliseconds += INSTR_TIME_GET_MILLISEC(end);
	return n;
}

static void
set_exact(bool exact)
{
	(void) set_config_option("agentmem.ivfbq_exact", exact ? "on" : "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

/* One query, from the row in the slot; false: it has a NULL in its key, or nobody beside it. */
static bool
measure_row(Measuring *measuring, ItemPointer tid, IvfbqMeasured *measured)
{
	Relation index = measuring->index;
	Datum values[INDEX_MAX_KEYS];
	bool isnull[INDEX_MAX_KEYS];
	ScanKeyData keys[INDEX_MAX_KEYS];
	ScanKeyData order;
	int vector = measuring->nkeys;
	double recall = 0;
	double milliseconds = 0;
	double exact_milliseconds = 0;
	int found;
	int exact;
	int guc_level;

	ResetPerTupleExprContext(measuring->estate);
	form_columns(measuring, values, isnull);
	for (int i = 0; i <= vector; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(index), i);

		if (isnull[i])
			return false;
		/* The slot and the expressions' context are used for what is found. */
		values[i] = attribute->attlen == -1
						? PointerGetDatum(PG_DETOAST_DATUM_COPY(values[i]))
						: datumCopy(values[i], attribute->attbyval, attribute->attlen);
	}
	for (int i = 0; i < vector; i++)
		ScanKeyEntryInitializeWithInfo(&keys[i], 0, (AttrNumber) (i + 1), IVFBQ_EQUAL_STRATEGY,
									   index->rd_opcintype[i], index->rd_indcollation[i],
									   &measuring->equal[i], values[i]);
	ScanKeyEntryInitializeWithInfo(&order, SK_ORDER_BY, (AttrNumber) (vector + 1),
								   IVFBQ_DISTANCE_STRATEGY, index->rd_opcintype[vector],
								   measuring->collation, &measuring->distance, values[vector]);

	found = search(measuring, keys, &order, tid, measuring->distances, &milliseconds);
	guc_level = NewGUCNestLevel();
	set_exact(true);
	exact =
		search(measuring, keys, &order, tid, measuring->exact_distances, &exact_milliseconds);
	AtEOXact_GUC(false, guc_level);
	if (exact == 0)
		return false;

	/* Of equal distances any will do. */
	for (int i = 0;
		 i < found && measuring->distances[i] <= measuring->exact_distances[exact - 1]; i++)
		recall++;
	recall = Min(1.0, recall / exact);
	if (measured->queries == 0 || recall < measured->recall_min)
		measured->recall_min = recall;
	measured->recall += recall;
	measured->milliseconds += milliseconds;
	measured->exact_milliseconds += exact_milliseconds;
	measured->queries++;
	return true;
}

/* The TID of some row of a page that is drawn, if it has any. */
static bool
draw_tid(Relation heap, Relation index, const IvfbqIndex *info, ItemPointer tid)
{
	BlockNumber npages = RelationGetNumberOfBlocks(index);
	BlockNumber block =
		(BlockNumber) pg_prng_uint64_range(&pg_global_prng_state, 1, Max(npages, 2) - 1);
	Buffer buffer = ReadBuffer(index, block);
	Page page = BufferGetPage(buffer);
	bool found = false;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	if (!PageIsNew(page))
	{
		ivfbq_check_page(index, block, page, 0);
		if (ivfbq_page_kind(page) == IVFBQ_PAGE_CODES && !ivfbq_page_is_retired(page) &&
			ivfbq_codes(page)->role != IVFBQ_ROLE_CENTROIDS && ivfbq_codes(page)->nlive > 0)
		{
			const IvfbqGeometry *geometry = ivfbq_page_geometry(info, page);
			int slot;

			ivfbq_check_counts(index, block, page, geometry);
			slot = (int) pg_prng_uint64_range(&pg_global_prng_state, 0,
											  ivfbq_codes(page)->nslots - 1);
			if (ivfbq_slot_is_live(geometry, page, slot))
			{
				*tid = *ivfbq_slot_tid(page, slot);
				found = true;
				if (ivfbq_tid_is_damaged(heap, tid))
					ivfbq_corrupted(index, block,
									"Slot %d is of a row (%u,%u), the table has none.", slot,
									ItemPointerGetBlockNumberNoCheck(tid),
									ItemPointerGetOffsetNumberNoCheck(tid));
			}
		}
	}
	UnlockReleaseBuffer(buffer);
	return found;
}

static bool
is_among(const ItemPointerData *tids, int n, ItemPointer tid)
{
	for (int i = 0; i < n; i++)
		if (ItemPointerEquals(unconstify(ItemPointerData *, &tids[i]), tid))
			return true;
	return false;
}

/* Draws rows until there are enough, or there seem to be no more. */
static void
measure_sample(Measuring *measuring, int sample, IvfbqMeasured *measured)
{
	const IvfbqIndex *info = ivfbq_index(measuring->index);
	ItemPointerData *drawn = palloc(sizeof(ItemPointerData) * sample);
	int ndrawn = 0;
	int64 tries = (int64) sample * 100 + 1000;

	while (ndrawn < sample && tries-- > 0)
	{
		IndexFetchTableData *fetch;
		ItemPointerData tid;
		ItemPointerData at;
		bool again = false;
		bool visible;
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (!draw_tid(measuring->heap, measuring->index, info, &tid) ||
			is_among(drawn, ndrawn, &tid))
			continue;
		drawn[ndrawn++] = tid;

		old = MemoryContextSwitchTo(measuring->query_context);
		fetch = agm_index_fetch_begin(measuring->heap);
		/* Fetching moves the TID along the row's versions. */
		at = tid;
		visible = table_index_fetch_tuple(fetch, &at, measuring->snapshot, measuring->slot,
										  &again, NULL);
		if (visible)
			ExecMaterializeSlot(measuring->slot);
		table_index_fetch_end(fetch);
		if (visible)
			(void) measure_row(measuring, &at, measured);
		ExecClearTuple(measuring->slot);
		MemoryContextSwitchTo(old);
		MemoryContextReset(measuring->query_context);
	}
}

void
ivfbq_measure(Relation heap, Relation index, int sample, int k, IvfbqMeasured *measured)
{
	Measuring measuring = {.heap = heap, .index = index, .k = k};
	Oid user;
	int security;
	int guc_level;

	memset(measured, 0, sizeof(*measured));
	if (ivfbq_index(index)->dim == 0)
		return;
	measuring.nkeys = ivfbq_index(index)->nkeys;
	measuring.snapshot = GetActiveSnapshot();
	measuring.index_info = BuildIndexInfo(index);
	measuring.estate = CreateExecutorState();
	measuring.slot = table_slot_create(heap, NULL);
	measuring.distances = palloc(sizeof(double) * k);
	measuring.exact_distances = palloc(sizeof(double) * k);
	measuring.collation = index->rd_indcollation[measuring.nkeys];
	measuring.query_context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem ivfbq measured query", ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < measuring.nkeys; i++)
		init_operator(index, i, IVFBQ_EQUAL_STRATEGY, &measuring.equal[i]);
	init_operator(index, measuring.nkeys, IVFBQ_DISTANCE_STRATEGY, &measuring.distance);

	/* The index's expressions are the owner's, not the caller's to run. */
	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(heap->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
	guc_level = NewGUCNestLevel();
	agm_restrict_search_path();
	measure_sample(&measuring, sample, measured);
	AtEOXact_GUC(false, guc_level);
	SetUserIdAndSecContext(user, security);

	ExecDropSingleTupleTableSlot(measuring.slot);
	FreeExecutorState(measuring.estate);
	if (measured->queries > 0)
	{
		measured->recall /= measured->queries;
		measured->milliseconds /= measured->queries;
		measured->exact_milliseconds /= measured->queries;
	}
}

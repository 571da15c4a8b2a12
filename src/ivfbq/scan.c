/*
 * scan.c
 *		ambeginscan to amendscan: which lists, in which rounds, and what the executor is told.
 *
 * README.md, "Scan".  target.c reads the scan keys, sources.c finds the lists that may have the
 * rows, stream.c gives them in order.
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "ivfbq/options.h"
#include "ivfbq/prefilter.h"
#include "ivfbq/scan.h"
#include "ivfbq/sources.h"
#include "ivfbq/stream.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/*
 * Standard errors of the 1-bit bound, unless agentmem.ivfbq_epsilon says otherwise; measured in README.md,
 * "Where the time goes".
 */
#define SMALL_EPSILON 3.5 /* keys of few pages: misses no neighbour in 40,000 */
#define SMALL_PAGES 32
#define FLAT_EPSILON 2.5
#define HIGH_RECALL_FLAT_EPSILON 3.0
#define LISTS_EPSILON 2.2
#define HIGH_RECALL 0.985
#define HIGH_RECALL_EPSILON 2.5

typedef enum Phase
{
	PHASE_BEGIN, /* nothing is known yet */
	PHASE_ROWS,	 /* by the stream, in order */
	PHASE_TIDS,	 /* one page after the other, in no order */
	PHASE_END
} Phase;

typedef struct Scan
{
	MemoryContext context; /* of all below, reset by rescan */
	Phase phase;
	IvfbqTarget target;
	const IvfbqIndex *info;
	IvfbqQuery *query;
	IvfbqSources sources;
	IvfbqStream *stream;
	bool streamed_rows; /* rows have come from the stream; tids are what is left */
	uint64 prefilter;	/* prefilter.h; 0: none */
	int next_list;		/* of sources.lists: the first that has not been read */
	int round;

	/* PHASE_TIDS */
	int source;
	BlockNumber block;
	BlockNumber pages;		/* of the source's chain that were read */
	BlockNumber tids_block; /* the page that they are of */
	ItemPointerData *tids;
	int ntids;
	int next_tid;
} Scan;

static const IvfbqPrefilter *prefilters = NULL;
static uint64 nprefilters = 0;

void
agm_ivfbq_begin_prefilter(IvfbqPrefilter *prefilter)
{
	prefilter->number = ++nprefilters;
	prefilter->outer = prefilters;
	prefilters = prefilter;
}

void
agm_ivfbq_end_prefilter(const IvfbqPrefilter *prefilter)
{
	prefilters = prefilter->outer;
}

/* The number of the one for such a scan, 0: none. */
static uint64
find_prefilter(Oid table, const struct varlena *vector)
{
	for (const IvfbqPrefilter *p = prefilters; p != NULL; p = p->outer)
		if (p->table == table && VARSIZE_ANY_EXHDR(p->vector) == VARSIZE_ANY_EXHDR(vector) &&
			memcmp(VARDATA_ANY(p->vector), VARDATA_ANY(vector), VARSIZE_ANY_EXHDR(vector)) == 0)
			return p->number;
	return 0;
}

static IvfbqWanted
ask_prefilter(const Scan *scan, Relation table, const ItemPointerData *tid)
{
	const IvfbqPrefilter *p = prefilters;

	if (scan->prefilter == 0)
		return IVFBQ_WANTED;
	while (p != NULL && p->number != scan->prefilter)
		p = p->outer;
	/* A damaged TID is for tell() to find. */
	if (p == NULL || ivfbq_tid_is_damaged(table, tid))
		return IVFBQ_WANTED;
	return p->wanted(p->arg, tid);
}

IndexScanDesc
ivfbqbeginscan(Relation index, int nkeys, int norderbys)
{
	IndexScanDesc desc = RelationGetIndexScan(index, nkeys, norderbys);
	Scan *scan = palloc0(sizeof(Scan));

	scan->context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq scan",
										  ALLOCSET_DEFAULT_SIZES);
	desc->opaque = scan;
	if (norderbys > 0)
	{
		desc->xs_orderbyvals = palloc0(sizeof(Datum) * norderbys);
		desc->xs_orderbynulls = palloc(sizeof(bool) * norderbys);
		memset(desc->xs_orderbynulls, true, sizeof(bool) * norderbys);
	}
	return desc;
}

void
ivfbqrescan(IndexScanDesc desc, ScanKey keys, int nkeys pg_attribute_unused(), ScanKey orderbys,
			int norderbys pg_attribute_unused())
{
	Scan *scan = desc->opaque;
	MemoryContext context = scan->context;

	MemoryContextReset(context);
	memset(scan, 0, sizeof(*scan));
	scan->context = context;
	if (keys != NULL && desc->numberOfKeys > 0)
		memmove(desc->keyData, keys, sizeof(ScanKeyData) * desc->numberOfKeys);
	if (orderbys != NULL && desc->numberOfOrderBys > 0)
		memmove(desc->orderByData, orderbys, sizeof(ScanKeyData) * desc->numberOfOrderBys);
	if (desc->numberOfOrderBys == 1 && (desc->orderByData->sk_flags & SK_ISNULL) == 0)
		scan->prefilter = find_prefilter(
			desc->indexRelation->rd_index->indrelid,
			(const struct varlena *) DatumGetPointer(desc->orderByData->sk_argument));
}

void
ivfbqendscan(IndexScanDesc desc)
{
	Scan *scan = desc->opaque;

	MemoryContextDelete(scan->context);
	pfree(scan);
}

/* ---------------------------------------------------------------- beginning */

static void
check_dim(const IvfbqIndex *info, Relation index, int dim)
{
	if (dim != info->dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("different vector dimensions %d and %d", info->dim, dim),
						errdetail("Index \"%s\" is of vectors of %d dimensions.",
								  RelationGetRelationName(index), info->dim)));
}

static double
list_epsilon(const Scan *scan)
{
	const IvfbqSources *sources = &scan->sources;
	bool high = ivfbq_recall >= HIGH_RECALL;
	uint32 pages = 0;

	if (ivfbq_epsilon >= 0)
		return ivfbq_epsilon;
	if (sources->nlists > 0)
		return high ? HIGH_RECALL_EPSILON : LISTS_EPSILON;
	for (int i = 0; i < sources->nflat && pages <= SMALL_PAGES; i++)
		pages += sources->flat[i].list.pages;
	if (pages <= SMALL_PAGES)
		return SMALL_EPSILON;
	return high ? HIGH_RECALL_FLAT_EPSILON : FLAT_EPSILON;
}

static void
add_flat(Scan *scan, Relation index, const IvfbqSource *source)
{
	IvfbqPlace place =
		ivfbq_list_place(index, scan->info, &source->list, source->ref.role, scan->query);

	ivfbq_stream_add(scan->stream, source->ref, source->list.head, &place, source->tags,
					 source->target);
}

static void
add_list(Scan *scan, Relation index, const IvfbqRankedList *list)
{
	IvfbqListRef ref = {list->cell, IVFBQ_ROLE_LIST};
	IvfbqPlace place = list->place >= 0 ? scan->sources.places[list->place]
										: ivfbq_list_place(index, scan->info, &list->list,
														   IVFBQ_ROLE_LIST, scan->query);

	ivfbq_stream_add(scan->stream, ref, list->list.head, &place, NULL, NULL);
}

/* How many lists the first round reads; they are in front then. */
static int
near_lists(Scan *scan)
{
	if (ivfbq_exact || scan->target.ranged)
		return scan->sources.nlists;
	return ivfbq_sources_near(&scan->sources);
}

/* Gives the stream the lists of the next round; false: there are none left. */
static bool
add_round(Scan *scan, Relation index)
{
	IvfbqSources *sources = &scan->sources;
	int end;

	if (scan->round == 0)
	{
		for (int i = 0; i < sources->nflat; i++)
			add_flat(scan, index, &sources->flat[i]);
		end = near_lists(scan);
	}
	else
	{
		/* As many again as have been read. */
		if (scan->round == 1)
			ivfbq_sources_sort(sources, scan->next_list);
		end = Min(sources->nlists, Max(2 * scan->next_list, 8));
	}
	scan->round++;
	for (int i = scan->next_list; i < end; i++)
		add_list(scan, index, &sources->lists[i]);

	/* Nothing near: on to what is far. */
	if (scan->round == 1 && sources->nflat == 0 && end == 0 && sources->nlists > 0)
		return add_round(scan, index);
	if (scan->round > 1 && scan->next_list >= end)
		return false;
	scan->next_list = end;
	return scan->round > 1 || sources->nflat > 0 || end > 0;
}

/*
 * A range from the query's own place, or without a query: no row beyond the radius is wanted, and as they come
 * in order, the scan is over there.
 */
static bool
ends_at_radius(const IvfbqTarget *target)
{
	return target->ranged &&
		   (!target->ordered ||
			(target->query != NULL && target->query_dim == target->center_dim &&
			 memcmp(target->query, target->center, sizeof(float) * target->query_dim) == 0));
}

/* What the stream measures from: the query, or the center of a range. */
static bool
make_query(Scan *scan, Relation index)
{
	IvfbqTarget *target = &scan->target;

	if (scan->info->dim == 0 || target->nothing)
		return false;
	if (target->query != NULL)
		check_dim(scan->info, index, target->query_dim);
	if (target->ranged)
		check_dim(scan->info, index, target->center_dim);
	if (target->query != NULL)
		scan->query = ivfbq_query_new(scan->info->codec, target->query);
	else if (target->ranged && !target->ordered)
		scan->query = ivfbq_query_new(scan->info->codec, target->center);
	return scan->query != NULL;
}

static void
begin(Scan *scan, IndexScanDesc desc)
{
	Relation index = desc->indexRelation;
	bool certain;

	if (desc->xs_snapshot == NULL || !IsMVCCSnapshot(desc->xs_snapshot))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("non-MVCC snapshots are not supported by ivfbq indexes")));
	pgstat_count_index_scan(index);
	scan->info = ivfbq_index(index);
	ivfbq_target_init(&scan->target, index, desc->keyData, desc->numberOfKeys,
					  desc->orderByData, desc->numberOfOrderBys);
	if (scan->target.nothing)
	{
		scan->phase = PHASE_END;
		return;
	}

	scan->phase = PHASE_TIDS;
	certain = ivfbq_exact || scan->target.ranged;
	if (make_query(scan, index))
	{
		ivfbq_sources_find(&scan->sources, index, scan->info, &scan->target, scan->query,
						   ivfbq_recall);
		scan->stream = ivfbq_stream_new(index, scan->info, scan->query, list_epsilon(scan),
										certain, (Size) work_mem * 1024 / 4);
		if (ends_at_radius(&scan->target))
			ivfbq_stream_limit(
				scan->stream, ivfbq_key_distance(scan->info->type.metric, scan->target.radius));
		scan->streamed_rows = true;
		if (add_round(scan, index))
			scan->phase = PHASE_ROWS;
	}
	else
		ivfbq_sources_find(&scan->sources, index, scan->info, &scan->target, NULL,
						   ivfbq_recall);
	scan->source = 0;
	scan->block = InvalidBlockNumber;
}

/* ---------------------------------------------------------------- rows */

static void
tell(IndexScanDesc desc, Scan *scan, BlockNumber block, ItemPointer tid, double order_value)
{
	/* A damaged TID must not be an error of the storage manager. */
	if (unlikely(desc->heapRelation != NULL && ivfbq_tid_is_damaged(desc->heapRelation, tid)))
		ivfbq_corrupted(
			desc->indexRelation, block, "The page has a row (%u,%u), the table has not.",
			ItemPointerGetBlockNumberNoCheck(tid), ItemPointerGetOffsetNumberNoCheck(tid));
	desc->xs_heaptid = *tid;
	desc->xs_recheck = scan->target.any_given || scan->target.ranged;
	if (scan->target.ordered)
	{
		desc->xs_recheckorderby = true;
		desc->xs_orderbynulls[0] = scan->target.null_query;
		desc->xs_orderbyvals[0] =
			scan->target.null_query ? (Datum) 0 : Float8GetDatum(order_value);
	}
}

static bool
next_row(Scan *scan, IndexScanDesc desc)
{
	IvfbqHit hit;
	IvfbqWanted wanted;

	do
	{
		CHECK_FOR_INTERRUPTS();
		while (!ivfbq_stream_next(scan->stream, &hit))
			if (!add_round(scan, desc->indexRelation))
				return false;
		wanted = ask_prefilter(scan, desc->heapRelation, &hit.tid);
	} while (wanted == IVFBQ_UNWANTED);
	if (wanted == IVFBQ_ENOUGH)
	{
		scan->phase = PHASE_END;
		return false;
	}
	tell(desc, scan, hit.block, &hit.tid,
		 ivfbq_order_value(scan->info->type.metric, hit.bound));
	return true;
}

/* The TIDs of a page of a source, into scan->tids. */
static void
read_tids(Scan *scan, Relation index, const IvfbqSource *source)
{
	Buffer buffer =
		ivfbq_read(index, scan->block, ivfbq_list_kind(source->ref.role), BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	const IvfbqGeometry *geometry = ivfbq_page_geometry(scan->info, page);

	ivfbq_check_owner(index, scan->block, page, source->ref);
	ivfbq_check_counts(index, scan->block, page, geometry);
	if (scan->tids == NULL)
		scan->tids = MemoryContextAlloc(scan->context, sizeof(ItemPointerData) *
														   (BLCKSZ / sizeof(ItemPointerData)));
	scan->ntids = scan->next_tid = 0;
	scan->tids_block = scan->block;
	for (int slot = 0; slot < ivfbq_codes(page)->nslots; slot++)
	{
		uint32 tags[IVFBQ_MAX_KEYS];

		if (!ivfbq_slot_is_live(geometry, page, slot))
			continue;
		for (int i = 0; i < geometry->ntags; i++)
			tags[i] = ivfbq_slot_tag(geometry, page, slot, i);
		if ((source->tags == NULL ||
			 memcmp(tags, source->tags, sizeof(uint32) * geometry->ntags) == 0) &&
			(source->target == NULL ||
			 ivfbq_target_matches(source->target, geometry->ntags, tags)))
			scan->tids[scan->ntids++] = *ivfbq_slot_tid(page, slot);
	}
	scan->block = ivfbq_codes(page)->next;
	UnlockReleaseBuffer(buffer);
}

/* Which sources are read for their TIDs: rows only if the stream has not given them; false: no more. */
static bool
tid_source(const Scan *scan, int number, IvfbqSource *source)
{
	const IvfbqSources *sources = &scan->sources;

	if (number < sources->ntids)
	{
		*source = sources->tids[number];
		return true;
	}
	number -= sources->ntids;
	if (scan->streamed_rows)
		return false;
	if (number < sources->nflat)
	{
		*source = sources->flat[number];
		return true;
	}
	number -= sources->nflat;
	if (number >= sources->nlists)
		return false;
	memset(source, 0, sizeof(*source));
	source->ref = (IvfbqListRef){sources->lists[number].cell, IVFBQ_ROLE_LIST};
	source->list = sources->lists[number].list;
	return true;
}

/*
 * NaN is what the operator gives a row without a direction, and comes before the NULL of a row
 * without a vector; a smaller value would be an error of the executor's for neither.
 */
static bool
next_tid(Scan *scan, IndexScanDesc desc)
{
	/* What is in a range has a direction, and came by the stream, if there was one. */
	if (scan->target.ranged && (scan->streamed_rows || !scan->target.ordered))
		return false;
	while (scan->next_tid >= scan->ntids)
	{
		IvfbqSource source;

		CHECK_FOR_INTERRUPTS();
		if (!tid_source(scan, scan->source, &source))
			return false;
		if (scan->block == InvalidBlockNumber)
		{
			scan->block = source.list.head;
			scan->pages = 0;
		}
		read_tids(scan, desc->indexRelation, &source);
		if (++scan->pages > RelationGetNumberOfBlocks(desc->indexRelation))
			ivfbq_corrupted(desc->indexRelation, source.list.head,
							"The pages of a list run in a circle.");
		if (scan->block == InvalidBlockNumber)
			scan->source++;
	}
	tell(desc, scan, scan->tids_block, &scan->tids[scan->next_tid++], NAN);
	return true;
}

bool
ivfbqgettuple(IndexScanDesc desc, ScanDirection direction pg_attribute_unused())
{
	Scan *scan = desc->opaque;
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	bool found = false;

	if (scan->phase == PHASE_BEGIN)
		begin(scan, desc);
	if (scan->phase == PHASE_ROWS)
	{
		found = next_row(scan, desc);
		if (!found && scan->phase == PHASE_ROWS)
			scan->phase = PHASE_TIDS;
	}
	if (!found && scan->phase == PHASE_TIDS)
	{
		found = next_tid(scan, desc);
		if (!found)
			scan->phase = PHASE_END;
	}
	MemoryContextSwitchTo(old);
	return found;
}

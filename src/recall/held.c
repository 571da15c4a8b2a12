/*
 * held.c
 *		Which rows of a table were held at the instant asked.
 *
 * By looking at the row, or, if many are asked for, by a set of all that the index of time gives:
 * src/memory/README.md, "Versions", 5.  README rule 21.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/visibilitymap.h"
#include "access/relation.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/tables.h"
#include "memory/span.h"
#include "recall/held.h"
#include "recall/postings.h"
#include "recall/rowset.h"

/*
 * Pages of the visibility map that are kept at hand: versions in the order of time lie all over the table. One is for
 * so many blocks (as in visibilitymap.c; taken for the wrong one, a page is but looked up again).
 */
#define MAP_PAGES 16
#define BLOCKS_PER_MAP_PAGE ((BLCKSZ - MAXALIGN(SizeOfPageHeaderData)) * 4)

/* Looking at a row costs as much as so many entries of the index of time. */
#define ENTRIES_PER_ROW 3

struct AgmHeld
{
	AgmSource source;
	Relation table;
	text *ns;
	TimestampTz at;
	Snapshot snapshot;
	AttrNumber period; /* of the column system_period */
	TypeCacheEntry *range;
	TupleTableSlot *slot;
	IndexFetchTableData *fetch;
	bool collected; /* what follows is known */
	int64 too_many; /* there are more than these */
	uint64 *found;
	int64 n;
	int64 room;
	AgmRowSet *all; /* of the same; NULL: each row is looked at */
	MemoryContext row_context;
};

/* A search of the index of time for the periods of one level. */
typedef struct Search
{
	AgmHeld *held;
	IndexScanDesc scan;
	FmgrInfo *order; /* of namespaces */
	bool history;
	int level;
	TimestampTz since;
	ItemPointerData *tids; /* of a page */
	int64 most;
	Buffer maps[MAP_PAGES];
} Search;

AgmHeld *
agm_held_of(const AgmRecall *recall, const AgmSearched *searched, AgmSource source)
{
	text *ns = DatumGetTextPP(searched->name);
	AgmHeld *held = searched->held[source];
	Relation table;

	if (held != NULL)
		return held;
	table = agm_table_open(&recall->store, source == AGM_MEMORY ? "memory" : "memory_history",
						   ns, AGM_READS_ROWS, GetActiveSnapshot());
	if (table == NULL)
		return NULL;
	held = palloc0(sizeof(AgmHeld));
	held->source = source;
	held->table = table;
	held->ns = ns;
	held->at = recall->filter.known_at;
	held->snapshot = GetActiveSnapshot();
	held->period = get_attnum(RelationGetRelid(table), "system_period");
	held->range = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	held->slot = table_slot_create(table, NULL);
	held->fetch = agm_index_fetch_begin(table);
	held->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem held", ALLOCSET_SMALL_SIZES);
	searched->held[source] = held;
	return held;
}

static void
forget_all(AgmHeld *held)
{
	if (held->all != NULL)
		agm_rowset_free(held->all);
	if (held->found != NULL)
		pfree(held->found);
	held->all = NULL;
	held->found = NULL;
	held->n = held->room = 0;
}

void
agm_held_end(const AgmSearched *searched)
{
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmHeld *held = searched->held[source];

		if (held == NULL)
			continue;
		searched->held[source] = NULL;
		forget_all(held);
		table_index_fetch_end(held->fetch);
		ExecDropSingleTupleTableSlot(held->slot);
		MemoryContextDelete(held->row_context);
		relation_close(held->table, NoLock);
		pfree(held);
	}
}

Oid
agm_held_table(const AgmHeld *held)
{
	return RelationGetRelid(held->table);
}

/* Leaves the row in the slot. */
static bool
is_visible(AgmHeld *held, const ItemPointerData *tid)
{
	ItemPointerData at = *tid;
	bool again = false;

	return table_index_fetch_tuple(held->fetch, &at, held->snapshot, held->slot, &again, NULL);
}

static bool
look_at(AgmHeld *held, const ItemPointerData *tid)
{
	MemoryContext old;
	bool isnull;
	bool contained = false;
	Datum value;

	if (!is_visible(held, tid))
		return false;
	value = slot_getattr(held->slot, held->period, &isnull);
	if (!isnull)
	{
		old = MemoryContextSwitchTo(held->row_context);
		contained = range_contains_elem_internal(held->range, DatumGetRangeTypeP(value),
												 TimestampTzGetDatum(held->at));
		MemoryContextSwitchTo(old);
		MemoryContextReset(held->row_context);
	}
	return contained;
}

bool
agm_held_has(AgmHeld *held, const ItemPointerData *tid)
{
	return held->all == NULL ? look_at(held, tid)
							 : agm_rowset_has(held->all, ItemPointerGetBlockNumberNoCheck(tid),
											  ItemPointerGetOffsetNumberNoCheck(tid));
}

const AgmRowSet *
agm_held_set(const AgmHeld *held)
{
	return held->all;
}

/* Is key i of the index, an expression, this function of system_period, in ascending order? */
static bool
is_key(Relation table, Relation index, int i, Oid function, const char *ours, Oid type)
{
	const Node *node = list_nth(RelationGetIndexExpressions(index), i - 1);
	const FuncExpr *call = (const FuncExpr *) node;

	if (index->rd_opfamily[i] != get_opclass_family(GetDefaultOpClass(type, BTREE_AM_OID)) ||
		index->rd_indoption[i] != 0 || !IsA(node, FuncExpr) || list_length(call->args) != 1 ||
		!agm_is_column(table, linitial(call->args), "system_period"))
		return false;
	return ours == NULL ? call->funcid == function : agm_is_call(node, "agentmem", ours, 1);
}

/* Is it an index by namespace and the beginning of the period, in the history by its length first? */
static bool
is_time_index(Relation table, Relation index, void *arg)
{
	const AgmHeld *held = arg;
	bool history = held->source == AGM_HISTORY;
	int nkeys = history ? 4 : 2;
	AttrNumber ns = get_attnum(RelationGetRelid(table), "namespace");

	if (IndexRelationGetNumberOfKeyAttributes(index) != nkeys ||
		index->rd_index->indkey.values[0] != ns ||
		index->rd_opfamily[0] != TEXT_BTREE_FAM_OID || index->rd_indoption[0] != 0 ||
		index->rd_indcollation[0] !=
			TupleDescAttr(RelationGetDescr(table), ns - 1)->attcollation)
		return false;
	for (int i = 1; i < nkeys; i++)
		if (index->rd_index->indkey.values[i] != 0)
			return false;
	if (!history)
		return is_key(table, index, 1, F_LOWER_ANYRANGE, NULL, TIMESTAMPTZOID);
	return is_key(table, index, 1, InvalidOid, "history_level", INT4OID) &&
		   is_key(table, index, 2, F_LOWER_ANYRANGE, NULL, TIMESTAMPTZOID) &&
		   is_key(table, index, 3, F_UPPER_ANYRANGE, NULL, TIMESTAMPTZOID);
}

static void
keep(AgmHeld *held, uint64 entry)
{
	if (held->n == held->room)
	{
		held->room = Max(held->room * 2, 1024);
		held->found = held->found == NULL
						  ? palloc(sizeof(uint64) * held->room)
						  : repalloc_huge(held->found, sizeof(uint64) * held->room);
	}
	held->found[held->n++] = entry;
}

typedef enum Judged
{
	JUDGED_BEFORE, /* it comes before those that are looked for */
	JUDGED_HELD,
	JUDGED_NOT, /* it ended before the instant */
	JUDGED_END	/* neither it nor any behind it */
} Judged;

/* The order of the tuple's namespace and the one that is searched. */
static int
compare_namespace(const Search *search, const char *data)
{
	text *ns = search->held->ns;
	Size len = VARSIZE_ANY_EXHDR(ns);

	if (VARSIZE_ANY_EXHDR(data) == len && memcmp(VARDATA_ANY(data), VARDATA_ANY(ns), len) == 0)
		return 0;
	return DatumGetInt32(FunctionCall2Coll(search->order,
										   search->scan->indexRelation->rd_indcollation[0],
										   PointerGetDatum(data), PointerGetDatum(ns)));
}

static Judged
judge_times(const Search *search, int64 lower, int64 upper)
{
	if (search->history && lower <= search->since)
		return JUDGED_BEFORE;
	if (lower > search->held->at)
		return JUDGED_END;
	return !search->history || upper > search->held->at ? JUDGED_HELD : JUDGED_NOT;
}

/* A tuple with an end of a period that is infinite: at the index's own pace. */
static Judged
judge_slowly(const Search *search, IndexTuple tuple)
{
	Relation index = search->scan->indexRelation;
	TupleDesc desc = RelationGetDescr(index);
	AttrNumber attno = 1;
	bool isnull;
	Datum value = index_getattr(tuple, attno, desc, &isnull);
	int order = isnull ? 1 : compare_namespace(search, DatumGetPointer(value));
	int64 lower;

	if (order == 0 && search->history)
	{
		value = index_getattr(tuple, attno, desc, &isnull);
		order = isnull ? 1 : DatumGetInt32(value) - search->level;
	}
	if (order != 0)
		return order < 0 ? JUDGED_BEFORE : JUDGED_END;
	value = index_getattr(tuple, attno, desc, &isnull);
	if (isnull)
		return JUDGED_END; /* NULLs are last */
	lower = DatumGetTimestampTz(value);
	value = search->history ? index_getattr(tuple, attno, desc, &isnull) : (Datum) 0;
	return judge_times(search, lower,
					   search->history && !isnull ? DatumGetTimestampTz(value) : DT_NOEND);
}

/* The order of the tuple's keys before its times, which none is NULL, and those that are searched. */
static int
compare_keys(const Search *search, IndexTuple tuple, Size *times)
{
	const char *tuple_data = (const char *) tuple;
	Size offset = IndexInfoFindDataOffset(tuple->t_info);
	int order = compare_namespace(search, tuple_data + offset);

	offset += VARSIZE_ANY(tuple_data + offset);
	if (search->history)
	{
		int32 level;

		offset = INTALIGN(offset);
		memcpy(&level, tuple_data + offset, sizeof(level));
		offset += sizeof(level);
		if (order == 0)
			order = level - search->level;
	}
	*times = DOUBLEALIGN(offset);
	return order;
}

static Judged
judge(const Search *search, IndexTuple tuple)
{
	int64 times[2] = {0, DT_NOEND};
	Size offset;
	int order;

	if (IndexTupleHasNulls(tuple))
		return judge_slowly(search, tuple);
	order = compare_keys(search, tuple, &offset);
	if (order != 0)
		return order < 0 ? JUDGED_BEFORE : JUDGED_END;
	memcpy(times, (const char *) tuple + offset, sizeof(int64) * (search->history ? 2 : 1));
	return judge_times(search, times[0], times[1]);
}

/* All keys of a page's tuples before the times are those that are searched: its first and last say so. */
typedef struct Alike
{
	Size times;	  /* where they are in a tuple like the first; 0: not alike */
	uint8 header; /* of the namespace in it, which has its length */
} Alike;

#define FIRST_KEY(tuple) ((const char *) (tuple) + MAXALIGN(sizeof(IndexTupleData)))

static Alike
alike_on(const Search *search, Page page, BTPageOpaque opaque)
{
	OffsetNumber ends[2] = {PageGetMaxOffsetNumber(page), P_FIRSTDATAKEY(opaque)};
	Alike alike = {0, 0};
	Alike none = {0, 0};

	if (ends[0] < ends[1])
		return none;
	for (int i = 0; i < 2; i++)
	{
		IndexTuple tuple = (IndexTuple) PageGetItem(page, PageGetItemId(page, ends[i]));

		if (IndexTupleHasNulls(tuple) || !VARATT_IS_1B(FIRST_KEY(tuple)) ||
			compare_keys(search, tuple, &alike.times) != 0)
			return none;
		alike.header = *(const uint8 *) FIRST_KEY(tuple);
	}
	return alike;
}

/*
 * Of a tuple that has its times where they are known to be: most of them, and half of these were held, so that no
 * branch tells.
 */
static inline bool
read_alike(const Search *search, IndexTuple tuple, const Alike *alike, bool dead, int *n)
{
	const char *times = (const char *) tuple + alike->times;
	int held = !dead;
	int64 lower;
	int64 upper;

	memcpy(&lower, times, sizeof(lower));
	if (lower > search->held->at)
		return false;
	if (search->history)
	{
		memcpy(&upper, times + sizeof(lower), sizeof(upper));
		held &= (int) (lower > search->since) & (int) (upper > search->held->at);
	}
	search->tids[*n] = tuple->t_tid;
	*n += held;
	return true;
}

/* Entries of a page that were held, copied; false if none is on the pages behind it. */
static bool
read_page(const Search *search, Page page, BTPageOpaque opaque, int *n)
{
	Alike alike = alike_on(search, page, opaque);

	for (OffsetNumber offset = P_FIRSTDATAKEY(opaque); offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		ItemId id = PageGetItemId(page, offset);
		IndexTuple tuple = (IndexTuple) PageGetItem(page, id);
		/* On a standby what is dead there is not so for its snapshots: the mark is the primary's. */
		bool dead = search->scan->ignore_killed_tuples && ItemIdIsDead(id);
		Judged judged;

		if (alike.times != 0 && !IndexTupleHasNulls(tuple) && !BTreeTupleIsPosting(tuple) &&
			*(const uint8 *) FIRST_KEY(tuple) == alike.header)
		{
			if (!read_alike(search, tuple, &alike, dead, n))
				return false;
			continue;
		}
		judged = judge(search, tuple);
		if (judged == JUDGED_END)
			return false;
		if (judged != JUDGED_HELD || dead)
			continue;
		if (!BTreeTupleIsPosting(tuple))
			search->tids[(*n)++] = tuple->t_tid;
		else
			for (int i = 0; i < BTreeTupleGetNPosting(tuple); i++)
				search->tids[(*n)++] = *BTreeTupleGetPostingN(tuple, i);
	}
	return true;
}

static bool
all_see(Search *search, BlockNumber block)
{
	Buffer *map = &search->maps[block / BLOCKS_PER_MAP_PAGE % MAP_PAGES];

	return (visibilitymap_get_status(search->held->table, block, map) &
			VISIBILITYMAP_ALL_VISIBLE) != 0;
}

/*
 * From where the scan is on, leaf by leaf to the right.  The server's own loop takes the tuple apart for
 * each condition, three times as long in all.  As it does, a page is copied from under a lock, and stays
 * pinned while the map is asked whether all see a row: VACUUM removes nothing from it until then.
 */
static void
collect(Search *search)
{
	AgmHeld *held = search->held;
	BlockNumber block;
	bool more = true;

	if (index_getnext_tid(search->scan, ForwardScanDirection) == NULL)
		return;
	block = ((BTScanOpaque) search->scan->opaque)->currPos.currPage;
	while (more && block != P_NONE && held->n <= search->most)
	{
		Relation index = search->scan->indexRelation;
		Buffer buffer;
		Page page;
		BTPageOpaque opaque;
		int n = 0;

		CHECK_FOR_INTERRUPTS();
		/* By the method's own functions, which check the page, and tell valgrind who may look at it. */
		buffer = _bt_getbuf(index, block, BT_READ);
		page = BufferGetPage(buffer);
		opaque = BTPageGetOpaque(page);
		if (!P_IGNORE(opaque))
			more = read_page(search, page, opaque, &n);
		block = opaque->btpo_next;
		_bt_unlockbuf(index, buffer);
		for (int i = 0; i < n; i++)
		{
			if ((i & 63) == 0)
				CHECK_FOR_INTERRUPTS();
			if (all_see(search, ItemPointerGetBlockNumber(&search->tids[i])) ||
				is_visible(held, &search->tids[i]))
				keep(held, AGM_ENTRY(0, ItemPointerGetBlockNumber(&search->tids[i]),
									 ItemPointerGetOffsetNumber(&search->tids[i])));
		}
		ReleaseBuffer(buffer);
	}
}

static void
set_key(ScanKey key, Relation index, AttrNumber attno, StrategyNumber strategy, Oid function,
		Datum value)
{
	ScanKeyEntryInitialize(key, 0, attno, strategy, InvalidOid,
						   index->rd_indcollation[attno - 1], function, value);
}

/* By the index: all that began before the instant; in the history, of each length, those that may last till then. */
static void
collect_all(AgmHeld *held, Relation index, int64 most)
{
	Search search = {.held = held, .most = most, .history = held->source == AGM_HISTORY};
	int nkeys = search.history ? 4 : 2;

	search.scan = agm_index_beginscan(held->table, index, held->snapshot, nkeys, 0);
	search.scan->xs_want_itup = true;
	search.order = index_getprocinfo(index, 1, BTORDER_PROC);
	search.tids = palloc(sizeof(ItemPointerData) * MaxTIDsPerBTreePage);
	for (; search.level < (search.history ? AGM_PERIOD_LEVELS : 1); search.level++)
	{
		AttrNumber lower = search.history ? 3 : 2;
		ScanKeyData keys[4];

		search.since = agm_span_began(held->at, search.level);
		set_key(&keys[0], index, 1, BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(held->ns));
		set_key(&keys[1], index, lower, BTLessEqualStrategyNumber, F_TIMESTAMPTZ_LE,
				TimestampTzGetDatum(held->at));
		if (search.history)
		{
			keys[3] = keys[1];
			set_key(&keys[1], index, 2, BTEqualStrategyNumber, F_INT4EQ,
					Int32GetDatum(search.level));
			set_key(&keys[2], index, lower, BTGreaterStrategyNumber, F_TIMESTAMPTZ_GT,
					TimestampTzGetDatum(search.since));
		}
		index_rescan(search.scan, keys, nkeys, NULL, 0);
		collect(&search);
	}
	index_endscan(search.scan);
	pfree(search.tids);
	for (int i = 0; i < MAP_PAGES; i++)
		if (BufferIsValid(search.maps[i]))
			ReleaseBuffer(search.maps[i]);
}

int64
agm_held_collect(AgmHeld *held, int64 most)
{
	Relation index;

	if (held->collected)
		return held->n <= most ? held->n : -1;
	if (most <= held->too_many)
		return -1;
	index = agm_table_index(held->table, BTREE_AM_OID, is_time_index, held);
	if (index == NULL)
	{
		held->too_many = PG_INT64_MAX;
		return -1;
	}
	collect_all(held, index, most);
	index_close(index, NoLock);
	if (held->n > most)
	{
		forget_all(held);
		held->too_many = most;
		return -1;
	}
	held->all = agm_rowset_make(held->found, held->n);
	held->collected = true;
	return held->n;
}

void
agm_held_expect(AgmHeld *held, int64 asked)
{
	(void) agm_held_collect(held, asked * ENTRIES_PER_ROW);
}

ItemPointerData *
agm_held_rows(AgmHeld *held, int *n)
{
	ItemPointerData *tids =
		palloc_extended(sizeof(ItemPointerData) * Max(held->n, 1), MCXT_ALLOC_HUGE);

	*n = 0;
	for (int64 i = 0; i < held->n; i++)
	{
		ItemPointerData tid;

		if ((i & 63) == 0)
			CHECK_FOR_INTERRUPTS();
		ItemPointerSet(&tid, AGM_ENTRY_BLOCK(held->found[i]), AGM_ENTRY_OFFSET(held->found[i]));
		if (is_visible(held, &tid))
			tids[(*n)++] = held->slot->tts_tid;
	}
	return tids;
}

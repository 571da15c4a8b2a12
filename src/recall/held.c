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
#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/tables.h"
#include "memory/span.h"
#include "recall/held.h"
#include "recall/postings.h"

/* Looking at a row costs as much as so many entries of the index of time. */
#define ENTRIES_PER_ROW 3

#define HASH_ENTRY(entry)                                                                      \
	hash_combine(murmurhash32(AGM_ENTRY_BLOCK(entry)), murmurhash32(AGM_ENTRY_OFFSET(entry)))

typedef struct Held
{
	uint64 entry;
	char status; /* of the hash table */
} Held;

#define SH_PREFIX entries
#define SH_ELEMENT_TYPE Held
#define SH_KEY_TYPE uint64
#define SH_KEY entry
#define SH_HASH_KEY(table, key) HASH_ENTRY(key)
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

/* A first look at whether an entry is among those that were held: a bit of many for each. */
#define MARKS_PER_ROW 16
#define MARKED_MAX 10000000
#define MARK(held, entry) (HASH_ENTRY(entry) & (held)->mark_mask)

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
	entries_hash *all; /* of the same; NULL: each row is looked at */
	uint8 *marks;
	uint32 mark_mask;
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
	held->fetch = table_index_fetch_begin(table);
	held->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem held", ALLOCSET_SMALL_SIZES);
	searched->held[source] = held;
	return held;
}

static void
forget_all(AgmHeld *held)
{
	if (held->all != NULL)
	{
		entries_destroy(held->all);
		pfree(held->marks);
	}
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
	uint64 entry = AGM_ENTRY(0, ItemPointerGetBlockNumberNoCheck(tid),
							 ItemPointerGetOffsetNumberNoCheck(tid));

	if (held->all == NULL)
		return look_at(held, tid);
	return (held->marks[MARK(held, entry) >> 3] & 1 << (MARK(held, entry) & 7)) != 0 &&
		   entries_lookup(held->all, entry) != NULL;
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

static Judged
judge(const Search *search, IndexTuple tuple)
{
	const char *tuple_data = (const char *) tuple;
	Size offset = IndexInfoFindDataOffset(tuple->t_info);
	int64 times[2] = {0, DT_NOEND};
	int order;

	if (IndexTupleHasNulls(tuple))
		return judge_slowly(search, tuple);
	order = compare_namespace(search, tuple_data + offset);
	offset += VARSIZE_ANY(tuple_data + offset);
	if (order == 0 && search->history)
	{
		int32 level;

		offset = INTALIGN(offset);
		memcpy(&level, tuple_data + offset, sizeof(level));
		order = level - search->level;
		offset += sizeof(level);
	}
	if (order != 0)
		return order < 0 ? JUDGED_BEFORE : JUDGED_END;
	memcpy(times, tuple_data + DOUBLEALIGN(offset), sizeof(int64) * (search->history ? 2 : 1));
	return judge_times(search, times[0], times[1]);
}

/* Entries of a page that were held, copied; false if none is on the pages behind it. */
static bool
read_page(const Search *search, Page page, BTPageOpaque opaque, int *n)
{
	for (OffsetNumber offset = P_FIRSTDATAKEY(opaque); offset <= PageGetMaxOffsetNumber(page);
		 offset++)
	{
		ItemId id = PageGetItemId(page, offset);
		IndexTuple tuple = (IndexTuple) PageGetItem(page, id);
		Judged judged = judge(search, tuple);

		if (judged == JUDGED_END)
			return false;
		/* On a standby what is dead there is not so for its snapshots: the mark is the primary's. */
		if (judged != JUDGED_HELD || (search->scan->ignore_killed_tuples && ItemIdIsDead(id)))
			continue;
		if (!BTreeTupleIsPosting(tuple))
			search->tids[(*n)++] = tuple->t_tid;
		else
			for (int i = 0; i < BTreeTupleGetNPosting(tuple); i++)
				search->tids[(*n)++] = *BTreeTupleGetPostingN(tuple, i);
	}
	return true;
}

/*
 * From where the scan is on, leaf by leaf to the right.  The server's own loop takes the tuple apart for
 * each condition, three times as long in all.  As it does, a page is copied from under a lock, and stays
 * pinned while the map is asked whether all see a row: VACUUM removes nothing from it until then.
 */
static void
collect(Search *search, Buffer *map)
{
	AgmHeld *held = search->held;
	BlockNumber block;
	bool more = true;

	if (index_getnext_tid(search->scan, ForwardScanDirection) == NULL)
		return;
	block = ((BTScanOpaque) search->scan->opaque)->currPos.currPage;
	while (more && block != P_NONE && held->n <= search->most)
	{
		Buffer buffer = ReadBuffer(search->scan->indexRelation, block);
		Page page = BufferGetPage(buffer);
		BTPageOpaque opaque;
		int n = 0;

		CHECK_FOR_INTERRUPTS();
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		opaque = BTPageGetOpaque(page);
		if (!P_IGNORE(opaque))
			more = read_page(search, page, opaque, &n);
		block = opaque->btpo_next;
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		for (int i = 0; i < n; i++)
		{
			if ((i & 63) == 0)
				CHECK_FOR_INTERRUPTS();
			if ((visibilitymap_get_status(held->table,
										  ItemPointerGetBlockNumber(&search->tids[i]), map) &
				 VISIBILITYMAP_ALL_VISIBLE) != 0 ||
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
	Buffer map = InvalidBuffer;

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
		collect(&search, &map);
	}
	index_endscan(search.scan);
	pfree(search.tids);
	if (BufferIsValid(map))
		ReleaseBuffer(map);
}

static void
mark_all(AgmHeld *held)
{
	uint32 size = (uint32) Min(Max(held->n, 256), MARKED_MAX);

	held->all = entries_create(CurrentMemoryContext, size, NULL);
	held->mark_mask = pg_nextpower2_32(size * MARKS_PER_ROW) - 1;
	held->marks = palloc0((held->mark_mask + 1) / 8);
	for (int64 i = 0; i < held->n; i++)
	{
		uint64 entry = held->found[i];
		bool found;

		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		(void) entries_insert(held->all, entry, &found);
		held->marks[MARK(held, entry) >> 3] |= 1 << (MARK(held, entry) & 7);
	}
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
	mark_all(held);
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

/*
 * direct.c
 *		Rows of a store's table read from a btree of it, without a statement.
 *
 * Decides when an index may be read so, and which of its entries are rows of the snapshot; knows nothing
 * of what they mean.  Rules: src/base/README.md, "Reading an index directly".
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/visibilitymap.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/descend.h"
#include "base/direct.h"
#include "base/point.h"
#include "base/tables.h"

/*
 * Pages of the visibility map that are kept at hand: one tells of some 32,000 of the table's, and the
 * entries of an index go to and fro between them.
 */
#define MAPS 8
#define BLOCKS_A_MAP 32768

struct AgmDirect
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	Buffer maps[MAPS]; /* pages of the visibility map */
	ScanKeyData keys[2];
	int ncolumns;
	AttrNumber at[AGM_DIRECT_COLUMNS_MAX]; /* the columns among the index's */
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
	bool descends; /* many values may be looked for at once */
	AgmDescent descent;
	AgmRuns leaves;
	AgmLeaf leaf;
};

/* Does entry i of the index hold the column as it is? */
static bool
is_column(Relation table, Relation index, int i, const AgmDirectColumn *column)
{
	AttrNumber attno = index->rd_index->indkey.values[i];
	Form_pg_attribute attribute;

	if (attno <= 0)
		return false;
	attribute = TupleDescAttr(RelationGetDescr(table), attno - 1);
	return strcmp(NameStr(attribute->attname), column->name) == 0 &&
		   attribute->atttypid == column->type && attribute->attnotnull &&
		   TupleDescAttr(RelationGetDescr(index), i)->atttypid == column->type;
}

/* Is entry i, of a key, in the order in which a statement would have it? */
static bool
is_in_order(Relation table, Relation index, int i, const AgmDirectColumn *column)
{
	AttrNumber attno = index->rd_index->indkey.values[i];
	bool descending = (index->rd_indoption[i] & INDOPTION_DESC) != 0;

	return descending == column->descending &&
		   index->rd_indcollation[i] ==
			   TupleDescAttr(RelationGetDescr(table), attno - 1)->attcollation;
}

typedef struct Wanted
{
	AgmDirect *direct;
	const AgmDirectColumn *columns;
	int nkeys;
} Wanted;

/* Has it the columns, the first `nkeys` as its first keys?  Notes where. */
static bool
has_columns(Relation table, Relation index, void *arg)
{
	const Wanted *wanted = arg;
	AgmDirect *direct = wanted->direct;

	if (index->rd_index->indnkeyatts < wanted->nkeys ||
		index->rd_opfamily[0] != TEXT_BTREE_FAM_OID ||
		index->rd_opfamily[1] != INTEGER_BTREE_FAM_OID)
		return false;
	for (int i = 0; i < direct->ncolumns; i++)
	{
		const AgmDirectColumn *column = &wanted->columns[i];
		int at = i;

		if (i >= wanted->nkeys)
			while (at < index->rd_index->indnatts && !is_column(table, index, at, column))
				at++;
		else if (!is_column(table, index, at, column) || !is_in_order(table, index, at, column))
			return false;
		if (at >= index->rd_index->indnatts)
			return false;
		direct->at[i] = at;
	}
	return true;
}

AgmDirect *
agm_direct_open(const AgmStore *store, const char *table, const AgmDirectColumn *columns,
				int nkeys, int ncolumns, Datum ns, Snapshot snapshot)
{
	AgmDirect *direct = palloc0(sizeof(AgmDirect));
	Wanted wanted = {direct, columns, nkeys};

	Assert(ncolumns <= AGM_DIRECT_COLUMNS_MAX);
	direct->ncolumns = ncolumns;
	direct->table = agm_table_open(store, table, DatumGetTextPP(ns), AGM_READS_ALL, snapshot);
	if (direct->table == NULL)
		return NULL;
	direct->index = agm_table_index(direct->table, BTREE_AM_OID, has_columns, &wanted);
	if (direct->index == NULL)
	{
		relation_close(direct->table, NoLock);
		return NULL;
	}
	ScanKeyEntryInitialize(&direct->keys[0], 0, 1, BTEqualStrategyNumber, InvalidOid,
						   direct->index->rd_indcollation[0], F_TEXTEQ, ns);
	ScanKeyEntryInitialize(&direct->keys[1], 0, 2, BTEqualStrategyNumber, InvalidOid,
						   InvalidOid, F_INT8EQ, (Datum) 0);
	direct->scan = agm_index_beginscan(direct->table, direct->index, snapshot, 2, 0);
	direct->scan->xs_want_itup = true;
	direct->slot = table_slot_create(direct->table, NULL);
	direct->descends =
		agm_descent_suits(direct->index) && !RelationUsesLocalBuffers(direct->index);
	agm_descent_init(&direct->descent, direct->index, snapshot, DatumGetTextPP(ns));
	direct->descent.skips_dead = direct->scan->ignore_killed_tuples;
	return direct;
}

void
agm_direct_close(AgmDirect *direct)
{
	for (int i = 0; i < MAPS; i++)
		if (BufferIsValid(direct->maps[i]))
			ReleaseBuffer(direct->maps[i]);
	index_endscan(direct->scan);
	ExecDropSingleTupleTableSlot(direct->slot);
	index_close(direct->index, NoLock);
	relation_close(direct->table, NoLock);
	pfree(direct);
}

static void
seek(AgmDirect *direct, int64 value, StrategyNumber strategy, RegProcedure compare)
{
	CHECK_FOR_INTERRUPTS();
	ScanKeyEntryInitialize(&direct->keys[1], 0, 2, strategy, InvalidOid, InvalidOid, compare,
						   Int64GetDatum(value));
	index_rescan(direct->scan, direct->keys, 2, NULL, 0);
}

void
agm_direct_seek(AgmDirect *direct, int64 value)
{
	/* The one that is looked for mostly: what compares is found once. */
	if (direct->keys[1].sk_strategy != BTEqualStrategyNumber)
	{
		seek(direct, value, BTEqualStrategyNumber, F_INT8EQ);
		return;
	}
	CHECK_FOR_INTERRUPTS();
	direct->keys[1].sk_argument = Int64GetDatum(value);
	index_rescan(direct->scan, direct->keys, 2, NULL, 0);
}

void
agm_direct_seek_from(AgmDirect *direct, int64 value)
{
	seek(direct, value, BTGreaterEqualStrategyNumber, F_INT8GE);
}

/* Does everybody see all rows of this page?  To be asked while the entry's page is pinned, after the entry was read. */
static inline bool
is_all_visible(AgmDirect *direct, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);

	return VM_ALL_VISIBLE(direct->table, block, &direct->maps[block / BLOCKS_A_MAP % MAPS]);
}

/* The next entry whose row the snapshot sees, as an index-only scan finds it. */
static bool
next_entry(AgmDirect *direct)
{
	ItemPointer tid;

	while ((tid = index_getnext_tid(direct->scan, ForwardScanDirection)) != NULL)
	{
		bool seen;

		CHECK_FOR_INTERRUPTS();
		if (is_all_visible(direct, tid))
			return true;
		seen = index_fetch_heap(direct->scan, direct->slot);
		(void) ExecClearTuple(direct->slot);
		if (seen)
			return true;
	}
	return false;
}

static void
take_columns(AgmDirect *direct, IndexTuple tuple, Datum *values)
{
	index_deform_tuple(tuple, RelationGetDescr(direct->index), direct->values, direct->nulls);
	for (int i = 0; i < direct->ncolumns; i++)
		values[i] = direct->values[direct->at[i]];
}

bool
agm_direct_next(AgmDirect *direct, Datum *values)
{
	if (!next_entry(direct))
		return false;
	take_columns(direct, direct->scan->xs_itup, values);
	return true;
}

/* What is wanted of many values' entries: columns, rows, or neither. */
typedef struct Reader
{
	AgmDirect *direct;
	const int64 *values;
	const int64 *most;
	AgmDirectFn entry;
	AgmDirectRowFn row;
	int *counts;
	void *arg;
} Reader;

/* Passes on what was found to be seen; false: no more of this value. */
static bool
take(const Reader *reader, int i, IndexTuple tuple)
{
	Datum columns[AGM_DIRECT_COLUMNS_MAX];

	if (reader->counts != NULL)
		return ++reader->counts[i] < reader->most[i];
	take_columns(reader->direct, tuple, columns);
	return reader->entry(i, columns, reader->arg);
}

/* Does the snapshot see the entry's row?  *dead: nobody does. */
static bool
is_seen(AgmDirect *direct, AgmEntry *entry, bool *dead)
{
	bool again = false;
	bool seen;

	if (is_all_visible(direct, &entry->tid))
		return true;
	seen = table_index_fetch_tuple(direct->scan->xs_heapfetch, &entry->tid,
								   direct->scan->xs_snapshot, direct->slot, &again, dead);
	(void) ExecClearTuple(direct->slot);
	return seen;
}

/* By core's own search, all but the first `passed` that are seen: they were taken. */
static void
read_alone(const Reader *reader, int i, int passed)
{
	AgmDirect *direct = reader->direct;
	bool more = true;

	agm_direct_seek(direct, reader->values[i]);
	if (reader->row == NULL)
	{
		while (more && next_entry(direct))
			if (passed-- <= 0)
				more = take(reader, i, direct->scan->xs_itup);
		return;
	}
	while (index_getnext_slot(direct->scan, ForwardScanDirection, direct->slot))
		if (passed-- <= 0)
			reader->row(i, direct->slot, reader->arg);
	(void) ExecClearTuple(direct->slot);
}

/* What a leaf, which is pinned, says of value i; false: no more of it.  *passed: so many were seen. */
static bool
take_found(const Reader *reader, int i, const AgmFound *found, int *passed, bool *dead)
{
	AgmDirect *direct = reader->direct;

	pgstat_count_index_tuples(direct->index, found->n);
	for (int j = 0; j < found->n && !*dead; j++)
	{
		AgmEntry *entry = &direct->leaf.entries[found->first + j];

		if (!is_seen(direct, entry, dead))
			continue;
		(*passed)++;
		if (!take(reader, i, agm_leaf_tuple(&direct->leaf, entry)))
			return false;
	}
	return true;
}

/* ... from leaf to leaf; where these do not tell, by core's search.  The last of a leaf's values may go on. */
static void
read_found(const Reader *reader, int i, AgmFound found)
{
	AgmDirect *direct = reader->direct;
	int passed = 0;
	bool dead = false;
	bool more;

	pgstat_count_index_scan(direct->index);
	more = take_found(reader, i, &found, &passed, &dead);
	while (more && !dead && found.next != InvalidBlockNumber)
	{
		AgmRun run = {found.next, i, 1, AGM_ANYWHERE};
		Buffer buffer = ReadBuffer(direct->index, run.block);

		CHECK_FOR_INTERRUPTS();
		agm_leaf_read(&direct->descent, buffer, &run, reader->most, reader->entry != NULL,
					  &direct->leaf);
		found = direct->leaf.found[0];
		more = take_found(reader, i, &found, &passed, &dead);
		ReleaseBuffer(buffer);
	}
	/* Core's search marks entries that are dead, so that they are passed over from then on. */
	if (more && (found.more || (dead && direct->descent.skips_dead)))
		read_alone(reader, i, passed);
}

/* Rows that were found, by value and in its order; what is known of the values. */
typedef struct Located
{
	ItemPointerData *tids;
	int *values;
	int n;
	int room;
	int *passed; /* rows of each value that were seen */
	bool *more;	 /* core's search has to look */
	AgmRuns pages;
} Located;

/* Notes where the rows of a leaf's value are. */
static void
locate(const AgmDirect *direct, int i, const AgmFound *found, Located *located)
{
	pgstat_count_index_scan(direct->index);
	pgstat_count_index_tuples(direct->index, found->n);
	located->more[i] = found->more;
	for (int j = 0; j < found->n; j++)
	{
		const ItemPointerData *tid = &direct->leaf.entries[found->first + j].tid;

		if (located->n == located->room)
		{
			located->room *= 2;
			located->tids =
				repalloc_huge(located->tids, sizeof(ItemPointerData) * located->room);
			located->values = repalloc_huge(located->values, sizeof(int) * located->room);
		}
		agm_runs_add(&located->pages, ItemPointerGetBlockNumber(tid), located->n, AGM_ANYWHERE);
		located->tids[located->n] = *tid;
		located->values[located->n++] = i;
	}
}

/* The located rows of one page of the table, which is pinned. */
static void
read_page(const Reader *reader, Buffer buffer, const AgmRun *run, Located *located)
{
	AgmDirect *direct = reader->direct;

	for (int j = run->first; j < run->first + run->n; j++)
	{
		int i = located->values[j];
		HeapTupleData tuple = {.t_tableOid = RelationGetRelid(direct->table)};
		bool dead = false;
		bool seen;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		agm_check_old_snapshot(direct->scan->xs_snapshot, direct->table, BufferGetPage(buffer));
		seen = heap_hot_search_buffer(&located->tids[j], direct->table, buffer,
									  direct->scan->xs_snapshot, &tuple, &dead, true);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		/* Core's search marks the entry, so that it is passed over from then on. */
		located->more[i] |= dead && direct->descent.skips_dead;
		if (!seen)
			continue;
		ExecStoreBufferHeapTuple(&tuple, direct->slot, buffer);
		reader->row(i, direct->slot, reader->arg);
		(void) ExecClearTuple(direct->slot);
		located->passed[i]++;
	}
}

/*
 * Rows, which an index that is read under no pin finds too: of whatever takes the place of one that is gone the
 * snapshot sees nothing.
 */
static void
read_located(const Reader *reader, int n, Located *located)
{
	AgmAhead ahead;

	agm_ahead_begin_rows(&ahead, reader->direct->table, &located->pages, located->tids);
	for (int r = 0; r < located->pages.n; r++)
	{
		Buffer buffer = agm_ahead_take(&ahead, r);

		CHECK_FOR_INTERRUPTS();
		read_page(reader, buffer, &located->pages.runs[r], located);
		ReleaseBuffer(buffer);
	}
	for (int i = 0; i < n; i++)
		if (located->more[i])
			read_alone(reader, i, located->passed[i]);
}

static void
read_leaves(const Reader *reader, int n, Located *located)
{
	AgmDirect *direct = reader->direct;
	AgmAhead ahead;

	direct->descent.values = reader->values;
	if (direct->leaf.bytes == NULL)
		agm_leaf_init(&direct->leaf);
	agm_descend(&direct->descent, n, &direct->leaves);
	agm_ahead_begin(&ahead, &direct->descent, &direct->leaves);
	for (int r = 0; r < direct->leaves.n; r++)
	{
		const AgmRun *run = &direct->leaves.runs[r];
		Buffer buffer = agm_ahead_take(&ahead, r);

		CHECK_FOR_INTERRUPTS();
		if (BufferIsValid(buffer))
			agm_leaf_read(&direct->descent, buffer, run, reader->most, reader->entry != NULL,
						  &direct->leaf);
		for (int i = run->first; i < run->first + run->n; i++)
			if (!BufferIsValid(buffer))
				read_alone(reader, i, 0);
			else if (located != NULL)
				locate(direct, i, &direct->leaf.found[i - run->first], located);
			else
				read_found(reader, i, direct->leaf.found[i - run->first]);
		if (BufferIsValid(buffer))
			ReleaseBuffer(buffer);
	}
}

static void
read_together(const Reader *reader, int n)
{
	Located located = {.room = n};

	if (reader->row == NULL)
	{
		read_leaves(reader, n, NULL);
		return;
	}
	located.tids = palloc(sizeof(ItemPointerData) * n);
	located.values = palloc(sizeof(int) * n);
	located.passed = palloc0(sizeof(int) * n);
	located.more = palloc0(sizeof(bool) * n);
	read_leaves(reader, n, &located);
	AGM_POINT("direct rows");
	read_located(reader, n, &located);
	if (located.pages.runs != NULL)
		pfree(located.pages.runs);
	pfree(located.tids);
	pfree(located.values);
	pfree(located.passed);
	pfree(located.more);
}

static void
read_each(const Reader *reader, int n)
{
	if (n == 0)
		return;
	if (reader->direct->descends)
		read_together(reader, n);
	else
		for (int i = 0; i < n; i++)
			read_alone(reader, i, 0);
}

void
agm_direct_each(AgmDirect *direct, const int64 *values, const int64 *most, int n,
				AgmDirectFn fn, void *arg)
{
	read_each(
		&(Reader){.direct = direct, .values = values, .most = most, .entry = fn, .arg = arg},
		n);
}

/* So many of each value, for those who want as many of all. */
static int64 *
as_many(int n, int64 most)
{
	int64 *limits = palloc(sizeof(int64) * Max(n, 1));

	for (int i = 0; i < n; i++)
		limits[i] = most;
	return limits;
}

void
agm_direct_rows(AgmDirect *direct, const int64 *values, int n, AgmDirectRowFn fn, void *arg)
{
	int64 *limits = as_many(n, PG_INT64_MAX);

	read_each(
		&(Reader){.direct = direct, .values = values, .most = limits, .row = fn, .arg = arg},
		n);
	pfree(limits);
}

void
agm_direct_counts(AgmDirect *direct, const int64 *values, int n, int most, int *counts)
{
	int64 *limits = as_many(n, most);

	memset(counts, 0, sizeof(int) * n);
	read_each(&(Reader){.direct = direct, .values = values, .most = limits, .counts = counts},
			  n);
	pfree(limits);
}

AttrNumber
agm_direct_attribute(const AgmDirect *direct, const char *name, Oid type)
{
	AttrNumber attno = get_attnum(RelationGetRelid(direct->table), name);

	return attno > 0 &&
				   TupleDescAttr(RelationGetDescr(direct->table), attno - 1)->atttypid == type
			   ? attno
			   : InvalidAttrNumber;
}

int
agm_direct_count(AgmDirect *direct, int64 value, int most)
{
	int n = 0;

	agm_direct_seek(direct, value);
	while (n < most && next_entry(direct))
		n++;
	return n;
}

/* Is the entry one of those that are looked for, none of whose keys is NULL? */
static bool
is_sought(const AgmDirect *direct, IndexTuple entry)
{
	TupleDesc desc = RelationGetDescr(direct->index);

	for (int i = 0; i < (int) lengthof(direct->keys); i++)
	{
		const ScanKeyData *key = &direct->scan->keyData[i];
		bool isnull;
		Datum value = index_getattr(entry, key->sk_attno, desc, &isnull);

		if (!DatumGetBool(FunctionCall2Coll((FmgrInfo *) &key->sk_func, key->sk_collation,
											value, key->sk_argument)))
			return false;
	}
	return true;
}

/* Entries of a page that lies in the middle or at the end of those that are looked for; false: at the end. */
static bool
count_page(const AgmDirect *direct, Page page, int *n)
{
	OffsetNumber first = P_FIRSTDATAKEY(BTPageGetOpaque(page));
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	bool more;

	while (last >= first &&
		   !is_sought(direct, (IndexTuple) PageGetItem(page, PageGetItemId(page, last))))
		last--;
	more = last == PageGetMaxOffsetNumber(page);
	*n += last + 1 - first;
	return more;
}

int
agm_direct_entries(AgmDirect *direct, int most)
{
	BTScanOpaque state = (BTScanOpaque) direct->scan->opaque;
	BlockNumber block;
	bool more;
	int n;

	if (most <= 0 || index_getnext_tid(direct->scan, ForwardScanDirection) == NULL)
		return 0;
	/* The server has looked at all of the first page.  Its loop would take as long for each entry as this for ten. */
	n = state->currPos.lastItem - state->currPos.firstItem + 1;
	more = state->currPos.moreRight;
	block = state->currPos.nextPage;
	while (more && n < most && block != P_NONE)
	{
		Buffer buffer;
		Page page;

		CHECK_FOR_INTERRUPTS();
		buffer = _bt_getbuf(direct->index, block, BT_READ);
		page = BufferGetPage(buffer);
		if (!P_IGNORE(BTPageGetOpaque(page)))
			more = count_page(direct, page, &n);
		block = BTPageGetOpaque(page)->btpo_next;
		_bt_relbuf(direct->index, buffer);
	}
	return Min(n, most);
}

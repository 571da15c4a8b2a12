/*
 * direct.c
 *		Rows of a store's table read from a btree of it, without a statement.
 *
 * Decides when an index may be read so, and which of its entries are rows of the snapshot; knows nothing
 * of what they mean.  Rules: src/base/README.md, "Reading an index directly".
 */
#include "postgres.h"

#include "access/genam.h"
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
#include "utils/fmgroids.h"

#include "base/compat.h"
#include "base/direct.h"
#include "base/tables.h"

struct AgmDirect
{
	Relation table;
	Relation index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	Buffer map; /* a page of the visibility map */
	ScanKeyData keys[2];
	int ncolumns;
	AttrNumber at[AGM_DIRECT_COLUMNS_MAX]; /* the columns among the index's */
	Datum values[INDEX_MAX_KEYS];
	bool nulls[INDEX_MAX_KEYS];
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
	direct->map = InvalidBuffer;
	return direct;
}

void
agm_direct_close(AgmDirect *direct)
{
	if (BufferIsValid(direct->map))
		ReleaseBuffer(direct->map);
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

/* The next entry whose row the snapshot sees, as an index-only scan finds it. */
static bool
next_entry(AgmDirect *direct)
{
	ItemPointer tid;

	while ((tid = index_getnext_tid(direct->scan, ForwardScanDirection)) != NULL)
	{
		bool seen;

		CHECK_FOR_INTERRUPTS();
		if (VM_ALL_VISIBLE(direct->table, ItemPointerGetBlockNumber(tid), &direct->map))
			return true;
		seen = index_fetch_heap(direct->scan, direct->slot);
		(void) ExecClearTuple(direct->slot);
		if (seen)
			return true;
	}
	return false;
}

bool
agm_direct_next(AgmDirect *direct, Datum *values)
{
	if (!next_entry(direct))
		return false;
	index_deform_tuple(direct->scan->xs_itup, direct->scan->xs_itupdesc, direct->values,
					   direct->nulls);
	for (int i = 0; i < direct->ncolumns; i++)
		values[i] = direct->values[direct->at[i]];
	return true;
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
		buffer = ReadBuffer(direct->index, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		page = BufferGetPage(buffer);
		if (!P_IGNORE(BTPageGetOpaque(page)))
			more = count_page(direct, page, &n);
		block = BTPageGetOpaque(page)->btpo_next;
		UnlockReleaseBuffer(buffer);
	}
	return Min(n, most);
}

/*
 * postings.c
 *		Collects the keys of many rows, and puts them into a GIN index key by key.
 *
 * What gininsert() would do row by row, in the order of the keys, without the list of pending
 * rows that other readers would have to read.  Rules: postings.h.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin_private.h"
#include "catalog/pg_am.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "lexical/postings.h"

typedef struct Posting
{
	int64 key;
	int row; /* its number among those of the statement */
	ItemPointerData tid;
} Posting;

static struct
{
	MemoryContext context; /* NULL: nothing is collected */
	Oid index;
	Posting *postings;
	Size n;
	Size capacity;
	int nrows;
} collected = {0};

/* An index of the whole table by one column of keys that are collected. */
static bool
is_suitable(Relation index)
{
	return index->rd_rel->relam == GIN_AM_OID && index->rd_index->indisready &&
		   IndexRelationGetNumberOfKeyAttributes(index) == 1 &&
		   index_getprocinfo(index, 1, GIN_EXTRACTVALUE_PROC)->fn_addr ==
			   agm_fn_bigint_overlap_extract;
}

static bool
is_partial(Relation index)
{
	return !heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL);
}

void
agm_postings_begin(Relation table)
{
	Oid found = InvalidOid;
	int n = 0;
	List *indexes;
	ListCell *cell;

	Assert(collected.context == NULL);
	/* A row that goes to a partition is put into that one's indexes. */
	if (table->rd_rel->relkind != RELKIND_RELATION)
		return;
	indexes = RelationGetIndexList(table);
	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), RowExclusiveLock);

		if (is_suitable(index))
		{
			found = RelationGetRelid(index);
			n += is_partial(index) ? 2 : 1;
		}
		index_close(index, NoLock);
	}
	list_free(indexes);
	if (n != 1)
		return;
	memset(&collected, 0, sizeof(collected));
	collected.index = found;
	collected.context = AllocSetContextCreate(CurrentMemoryContext, "agentmem postings",
											  ALLOCSET_DEFAULT_SIZES);
}

bool
agm_postings_keep(const Datum *keys, int n)
{
	if (collected.context == NULL)
		return false;
	if (collected.n + n > collected.capacity)
	{
		Size capacity = Max(Max((Size) 8192, collected.capacity * 2), collected.n + n);
		Posting *postings =
			MemoryContextAllocHuge(collected.context, capacity * sizeof(Posting));

		if (collected.n > 0)
			memcpy(postings, collected.postings, collected.n * sizeof(Posting));
		if (collected.postings != NULL)
			pfree(collected.postings);
		collected.postings = postings;
		collected.capacity = capacity;
	}
	for (int i = 1; i < n; i++)
	{
		Posting *posting = &collected.postings[collected.n++];

		posting->key = DatumGetInt64(keys[i]);
		posting->row = collected.nrows;
	}
	collected.nrows++;
	return true;
}

static int
compare_postings(const void *a, const void *b)
{
	const Posting *x = a;
	const Posting *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return ItemPointerCompare((ItemPointer) &x->tid, (ItemPointer) &y->tid);
}

/* All rows of one key; says where the next key begins. */
static Size
put_key(GinState *state, Size first, ItemPointerData *tids)
{
	const Posting *postings = collected.postings;
	Size i;
	uint32 n = 0;

	for (i = first; i < collected.n && postings[i].key == postings[first].key; i++)
		if (n == 0 || !ItemPointerEquals(&tids[n - 1], (ItemPointer) &postings[i].tid))
			tids[n++] = postings[i].tid;
	ginEntryInsert(state, FirstOffsetNumber, Int64GetDatum(postings[first].key),
				   GIN_CAT_NORM_KEY, tids, n, NULL);
	return i;
}

void
agm_postings_flush(const ItemPointerData *rows, int n)
{
	GinState state;
	Relation index;
	MemoryContext old;
	MemoryContext scratch;
	ItemPointerData *tids;

	if (collected.context == NULL)
		return;
	if (collected.nrows != n)
		elog(ERROR, "the keys of %d rows were collected, but %d were inserted", collected.nrows,
			 n);
	old = MemoryContextSwitchTo(collected.context);
	for (Size i = 0; i < collected.n; i++)
		collected.postings[i].tid = rows[collected.postings[i].row];
	qsort(collected.postings, collected.n, sizeof(Posting), compare_postings);
	tids = palloc(sizeof(ItemPointerData) * Max(n, 1));
	index = index_open(collected.index, RowExclusiveLock);
	initGinState(&state, index);
	scratch =
		AllocSetContextCreate(collected.context, "agentmem posting", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(scratch);
	for (Size i = 0; i < collected.n;)
	{
		CHECK_FOR_INTERRUPTS();
		i = put_key(&state, i, tids);
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	index_close(index, NoLock);
	collected.n = 0;
	collected.nrows = 0;
}

void
agm_postings_end(void)
{
	MemoryContext context = collected.context;

	collected.context = NULL;
	if (context != NULL)
		MemoryContextDelete(context);
}

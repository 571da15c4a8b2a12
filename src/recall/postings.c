/*
 * postings.c
 *		Reads posting lists of the index of words.
 *
 * The only file that knows GIN's pages.  What it decides: when lists may be read directly, and how
 * rows that the snapshot does not see, or that were not held then, are taken out of them.  Which rows of a namespace the caller may
 * see is not decided here: rows are read by statements, with his rights and policies.  README rule 19.
 */
#include "postgres.h"

#include "access/gin_private.h"
#include "access/relation.h"
#include "access/visibilitymap.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/tables.h"
#include "recall/held.h"
#include "recall/postings.h"
#include "recall/rowset.h"

/* After so many pages of a posting list its lock is let go. */
#define TREE_PAGES 16

/* The table of a source, and its index of words. */
typedef struct Posted
{
	AgmSource source;
	Relation heap;
	Relation index;
	GinState *gin;
	TupleTableSlot *slot;
	IndexFetchTableData *fetch;
	AgmHeld *held; /* NULL: no instant is asked */
} Posted;

struct AgmPostings
{
	text *ns;
	Snapshot snapshot;
	Posted tables[AGM_NSOURCES];
	int ntables;
};

/* Is it the index on agentmem.memory_keys(namespace, lexemes, tokens), with no row waiting to be put in? */
static bool
is_word_index(Relation table, Relation index, void *arg)
{
	List *expressions = RelationGetIndexExpressions(index);
	List *args;
	GinStatsData stats;

	(void) arg;
	if (IndexRelationGetNumberOfAttributes(index) != 1 || list_length(expressions) != 1 ||
		!agm_is_call(linitial(expressions), "agentmem", "memory_keys", 3))
		return false;
	args = ((FuncExpr *) linitial(expressions))->args;
	if (!agm_is_column(table, linitial(args), "namespace") ||
		!agm_is_column(table, lsecond(args), "lexemes") ||
		!agm_is_column(table, lthird(args), "tokens") ||
		TupleDescAttr(RelationGetDescr(index), 0)->atttypid != INT8OID)
		return false;
	ginGetStats(index, &stats);
	return stats.nPendingPages == 0;
}

static void
close_table(Posted *table)
{
	table_index_fetch_end(table->fetch);
	ExecDropSingleTupleTableSlot(table->slot);
	index_close(table->index, NoLock);
	relation_close(table->heap, NoLock);
}

static bool
open_table(const AgmRecall *recall, const AgmSearched *searched, AgmPostings *postings,
		   AgmSource source)
{
	Posted *table = &postings->tables[postings->ntables];

	table->source = source;
	table->heap =
		agm_table_open(&recall->store, source == AGM_MEMORY ? "memory" : "memory_history",
					   postings->ns, AGM_READS_BY_NAMESPACE, postings->snapshot);
	if (table->heap == NULL)
		return false;
	table->index = agm_table_index(table->heap, GIN_AM_OID, is_word_index, NULL);
	if (table->index == NULL)
	{
		relation_close(table->heap, NoLock);
		return false;
	}
	table->gin = palloc(sizeof(GinState));
	initGinState(table->gin, table->index);
	table->slot = table_slot_create(table->heap, NULL);
	table->fetch = agm_index_fetch_begin(table->heap);
	table->held = recall->filter.has_known_at ? agm_held_of(recall, searched, source) : NULL;
	postings->ntables++;
	return !recall->filter.has_known_at || table->held != NULL;
}

AgmPostings *
agm_postings_open(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmPostings *postings = palloc0(sizeof(AgmPostings));

	postings->ns = DatumGetTextPP(searched->name);
	postings->snapshot = GetActiveSnapshot();
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
		if (agm_filter_needs(&recall->filter, source) &&
			!open_table(recall, searched, postings, source))
		{
			agm_postings_close(postings);
			return NULL;
		}
	return postings;
}

void
agm_postings_close(AgmPostings *postings)
{
	for (int i = 0; i < postings->ntables; i++)
		close_table(&postings->tables[i]);
	pfree(postings);
}

static void
append_items(AgmPostingList *list, int64 *capacity, AgmSource source,
			 const ItemPointerData *items, int n)
{
	if (list->n + n > *capacity)
	{
		*capacity = Max(*capacity * 2, list->n + n);
		list->entries = list->entries == NULL
							? palloc_extended(sizeof(uint64) * *capacity, MCXT_ALLOC_HUGE)
							: repalloc_huge(list->entries, sizeof(uint64) * *capacity);
	}
	for (int i = 0; i < n; i++)
		list->entries[list->n++] =
			AGM_ENTRY(source, ItemPointerGetBlockNumberNoCheck(&items[i]),
					  ItemPointerGetOffsetNumberNoCheck(&items[i]));
}

/* A long list is a tree: its leaves from left to right, a lock on the next before that on the last goes. */
static void
read_tree(const Posted *table, Snapshot snapshot, BlockNumber root, AgmPostingList *list)
{
	GinBtreeData tree;
	GinBtreeStack *stack = agm_gin_begin_tree(&tree, table->index, root, snapshot);
	ItemPointerData last;
	int64 capacity = list->n;
	int pages = 0;

	ItemPointerSetMin(&last);
	for (;;)
	{
		Page page = BufferGetPage(stack->buffer);

		if (!GinPageIsDeleted(page))
		{
			int n;
			int known = 0;
			ItemPointer items = GinDataLeafPageGetItems(page, &n, last);

			/* A page that split while it was not locked gave some to the next. */
			while (known < n && ItemPointerCompare(&items[known], &last) <= 0)
				known++;
			append_items(list, &capacity, table->source, items + known, n - known);
			if (n > 0)
				last = items[n - 1];
			pfree(items);
		}
		if (GinPageRightMost(page))
			break;
		/* Nobody can be interrupted who holds a lock. */
		if (++pages % TREE_PAGES == 0)
		{
			LockBuffer(stack->buffer, GIN_UNLOCK);
			CHECK_FOR_INTERRUPTS();
			LockBuffer(stack->buffer, GIN_SHARE);
			if (GinPageRightMost(page))
				break;
		}
		stack->buffer = ginStepRight(stack->buffer, table->index, GIN_SHARE);
	}
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
}

/* What a leaf of the entries says of a word: short lists, and where the trees of long ones are. */
typedef struct WordEntries
{
	AgmWordLists *lists;
	int64 capacities[AGM_KEY_CLASSES];
	BlockNumber trees[AGM_KEY_CLASSES];
} WordEntries;

/* False if the tuple's key is of a later word. */
static bool
read_entry(const Posted *table, IndexTuple tuple, int64 word, WordEntries *entries)
{
	GinNullCategory category;
	int64 key = DatumGetInt64(gintuple_get_key(table->gin, tuple, &category));
	int class = (int) ((uint64) key & AGM_KEY_CLASS_MASK);
	ItemPointer items;
	int n;

	if (category != GIN_CAT_NORM_KEY || (int64) ((uint64) key & ~AGM_KEY_CLASS_MASK) != word)
		return false;
	if (GinIsPostingTree(tuple))
	{
		entries->trees[class] = GinGetPostingTree(tuple);
		return true;
	}
	items = ginReadTuple(table->gin, FirstOffsetNumber, tuple, &n);
	append_items(&entries->lists->classes[class], &entries->capacities[class], table->source,
				 items, n);
	pfree(items);
	return true;
}

/*
 * The classes of a word lie side by side.  Pages of entries are never removed, and an entry that has a
 * tree keeps it, so that trees can be read when the leaf is no longer locked.
 */
static void
read_word(const Posted *table, Snapshot snapshot, int64 word, AgmWordLists *lists)
{
	WordEntries entries = {.lists = lists};
	GinBtreeData btree;
	GinBtreeStack *stack;
	bool more = true;

	for (int i = 0; i < AGM_KEY_CLASSES; i++)
	{
		entries.capacities[i] = lists->classes[i].n;
		entries.trees[i] = InvalidBlockNumber;
	}
	ginPrepareEntryScan(&btree, FirstOffsetNumber, Int64GetDatum(word), GIN_CAT_NORM_KEY,
						table->gin);
	stack = agm_gin_find_leaf(&btree, snapshot);
	(void) btree.findItem(&btree, stack);
	while (more)
	{
		Page page = BufferGetPage(stack->buffer);

		while (more && stack->off <= PageGetMaxOffsetNumber(page))
		{
			more = read_entry(table,
							  (IndexTuple) PageGetItem(page, PageGetItemId(page, stack->off)),
							  word, &entries);
			stack->off++;
		}
		if (!more || GinPageRightMost(page))
			break;
		stack->buffer = ginStepRight(stack->buffer, table->index, GIN_SHARE);
		stack->off = FirstOffsetNumber;
	}
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
	for (int i = 0; i < AGM_KEY_CLASSES; i++)
		if (entries.trees[i] != InvalidBlockNumber)
			read_tree(table, snapshot, entries.trees[i], &lists->classes[i]);
}

bool
agm_postings_row(AgmPostings *postings, uint64 entry, AgmSource *source, ItemPointer tid)
{
	Posted *table = &postings->tables[0];
	bool again = false;

	while (table->source != AGM_ENTRY_SOURCE(entry))
		table++;
	*source = table->source;
	ItemPointerSet(tid, AGM_ENTRY_BLOCK(entry), AGM_ENTRY_OFFSET(entry));
	if (!table_index_fetch_tuple(table->fetch, tid, postings->snapshot, table->slot, &again,
								 NULL))
		return false;
	*tid = table->slot->tts_tid;
	return true;
}

typedef struct Sieve
{
	AgmPostings *postings;
	Buffer map;
	BlockNumber block; /* what follows is known of */
	bool all_visible;
} Sieve;

/* Does the snapshot see the row, and was it held at the instant?  A page of which all is seen need not be read. */
static bool
passes(Sieve *sieve, const Posted *table, uint64 entry)
{
	AgmSource source;
	ItemPointerData tid;

	if (table->held != NULL)
	{
		ItemPointerSet(&tid, AGM_ENTRY_BLOCK(entry), AGM_ENTRY_OFFSET(entry));
		return agm_held_has(table->held, &tid);
	}
	if (AGM_ENTRY_BLOCK(entry) != sieve->block)
	{
		sieve->block = AGM_ENTRY_BLOCK(entry);
		sieve->all_visible = (visibilitymap_get_status(table->heap, sieve->block, &sieve->map) &
							  VISIBILITYMAP_ALL_VISIBLE) != 0;
	}
	return sieve->all_visible || agm_postings_row(sieve->postings, entry, &source, &tid);
}

/* The lists of one table's; those of the other come behind. */
static void
sift(Sieve *sieve, const Posted *table, AgmPostingList *list, int64 first)
{
	const AgmRowSet *held = table->held == NULL ? NULL : agm_held_set(table->held);
	int64 kept = first;

	sieve->block = InvalidBlockNumber;
	for (int64 i = first; i < list->n; i++)
	{
		uint64 entry = list->entries[i];

		if ((i & 63) == 0)
			CHECK_FOR_INTERRUPTS();
		if (held != NULL ? agm_rowset_has(held, AGM_ENTRY_BLOCK(entry), AGM_ENTRY_OFFSET(entry))
						 : passes(sieve, table, entry))
			list->entries[kept++] = entry;
	}
	list->n = kept;
}

/* All words' lists of a table, added to what there is of another. */
static void
read_table(Sieve *sieve, const Posted *table, const AgmWords *words, AgmWordLists *lists)
{
	AgmPostings *postings = sieve->postings;
	int64(*first)[AGM_KEY_CLASSES] = palloc(sizeof(*first) * words->n);
	int64 n = 0;

	for (int i = 0; i < words->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < AGM_KEY_CLASSES; j++)
			first[i][j] = lists[i].classes[j].n;
		read_word(table, postings->snapshot,
				  agm_lexeme_key(VARDATA_ANY(postings->ns), VARSIZE_ANY_EXHDR(postings->ns),
								 words->terms[i].word, words->terms[i].len),
				  &lists[i]);
		for (int j = 0; j < AGM_KEY_CLASSES; j++)
			n += lists[i].classes[j].n - first[i][j];
	}
	if (table->held != NULL)
		agm_held_expect(table->held, n);
	for (int i = 0; i < words->n; i++)
		for (int j = 0; j < AGM_KEY_CLASSES; j++)
			sift(sieve, table, &lists[i].classes[j], first[i][j]);
	pfree(first);
}

AgmWordLists *
agm_postings_read(AgmPostings *postings, const AgmWords *words)
{
	AgmWordLists *lists = palloc0(sizeof(AgmWordLists) * words->n);
	Sieve sieve = {.postings = postings, .map = InvalidBuffer};

	for (int i = 0; i < postings->ntables; i++)
	{
		read_table(&sieve, &postings->tables[i], words, lists);
		if (BufferIsValid(sieve.map))
			ReleaseBuffer(sieve.map);
		sieve.map = InvalidBuffer;
	}
	for (int i = 0; i < words->n; i++)
		for (int j = 0; j < AGM_KEY_CLASSES; j++)
			lists[i].n += lists[i].classes[j].n;
	return lists;
}

/*
 * postings.c
 *		Reads posting lists of the index of words.
 *
 * The only file that knows GIN's pages.  What it decides: when lists may be read directly, and how
 * rows that the snapshot does not see are taken out of them.  Which rows of a namespace the caller may
 * see is not decided here: rows are read by statements, with his rights and policies.  README rule 19.
 */
#include "postgres.h"

#include "access/gin_private.h"
#include "access/heapam.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rowsecurity.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "recall/postings.h"

struct AgmPostings
{
	text *ns;
	Relation heap;
	Relation index;
	Snapshot snapshot;
	GinState *gin;
	TupleTableSlot *slot;
	IndexFetchTableData *fetch;
};

#define ENTRY(block, offset) ((uint64) (block) << 16 | (offset))
#define ENTRY_BLOCK(entry) ((BlockNumber) ((entry) >> 16))
#define ENTRY_OFFSET(entry) ((OffsetNumber) ((entry) &0xffff))

/* Does every policy judge a row by its namespace alone, so that of one all rows or none are seen? */
static bool
policies_by_namespace(Relation table)
{
	AttrNumber ns = get_attnum(RelationGetRelid(table), "namespace");
	ListCell *cell;

	if (table->rd_rsdesc == NULL || row_security_policy_hook_permissive != NULL ||
		row_security_policy_hook_restrictive != NULL)
		return false;
	foreach (cell, table->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(cell);
		Bitmapset *columns = NULL;

		if (policy->qual == NULL)
			continue;
		if (policy->hassublinks || contain_volatile_functions((Node *) policy->qual))
			return false;
		pull_varattnos((Node *) policy->qual, 1, &columns);
		columns = bms_del_member(columns, ns - FirstLowInvalidHeapAttributeNumber);
		if (!bms_is_empty(columns))
			return false;
	}
	return true;
}

/* The partition that has the namespace; InvalidOid if it is not one of those that create_store makes. */
static Oid
partition_of(Relation table, text *ns)
{
	PartitionKey key = RelationGetPartitionKey(table);
	PartitionDesc desc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Datum value = PointerGetDatum(ns);
	bool isnull = false;
	uint64 hash;
	int part;

	if (key->strategy != PARTITION_STRATEGY_HASH || key->partnatts != 1 ||
		key->parttypid[0] != TEXTOID || bounds == NULL || bounds->nindexes == 0)
		return InvalidOid;
	hash =
		compute_partition_hash_value(1, key->partsupfunc, key->partcollation, &value, &isnull);
	part = bounds->indexes[hash % bounds->nindexes];
	return part >= 0 && desc->is_leaf[part] ? desc->oids[part] : InvalidOid;
}

/* The table with the namespace's memories, locked as a reader does; NULL if it is not a plain one. */
static Relation
open_heap(const AgmRecall *recall, text *ns)
{
	Oid relid = get_relname_relid("memory", get_namespace_oid(recall->store.name, false));
	Relation table;
	Oid part;

	if (!OidIsValid(relid))
		return NULL;
	table = relation_open(relid, AccessShareLock);
	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED &&
		!policies_by_namespace(table))
	{
		relation_close(table, NoLock);
		return NULL;
	}
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		part = partition_of(table, ns);
		relation_close(table, NoLock);
		if (!OidIsValid(part))
			return NULL;
		table = relation_open(part, AccessShareLock);
	}
	if (table->rd_rel->relkind == RELKIND_RELATION &&
		table->rd_rel->relam == HEAP_TABLE_AM_OID && !table->rd_rel->relhassubclass)
		return table;
	relation_close(table, NoLock);
	return NULL;
}

/* May a reader use the index: is it complete, also for rows that are older than itself? */
static bool
is_usable(Relation index)
{
	return index->rd_index->indisvalid && index->rd_index->indisready &&
		   (!index->rd_index->indcheckxmin ||
			TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
								  TransactionXmin));
}

static bool
is_column(Relation table, Node *node, const char *name)
{
	return IsA(node, Var) && ((Var *) node)->varattno > 0 &&
		   strcmp(NameStr(TupleDescAttr(RelationGetDescr(table), ((Var *) node)->varattno - 1)
							  ->attname),
				  name) == 0;
}

/* Is it the index on agentmem.memory_keys(namespace, lexemes, tokens), with no row waiting to be put in? */
static bool
is_word_index(Relation table, Relation index)
{
	List *expressions;
	FuncExpr *keys;
	GinStatsData stats;

	if (index->rd_rel->relam != GIN_AM_OID || IndexRelationGetNumberOfAttributes(index) != 1 ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	expressions = RelationGetIndexExpressions(index);
	if (list_length(expressions) != 1 || !IsA(linitial(expressions), FuncExpr))
		return false;
	keys = linitial(expressions);
	if (list_length(keys->args) != 3 || !is_column(table, linitial(keys->args), "namespace") ||
		!is_column(table, lsecond(keys->args), "lexemes") ||
		!is_column(table, lthird(keys->args), "tokens") ||
		get_func_namespace(keys->funcid) != get_namespace_oid("agentmem", false) ||
		strcmp(get_func_name(keys->funcid), "memory_keys") != 0 ||
		TupleDescAttr(RelationGetDescr(index), 0)->atttypid != INT8OID)
		return false;
	ginGetStats(index, &stats);
	return stats.nPendingPages == 0;
}

static Relation
open_index(Relation table)
{
	List *list = RelationGetIndexList(table);
	Relation found = NULL;
	ListCell *cell;

	foreach (cell, list)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (found == NULL && is_usable(index) && is_word_index(table, index))
			found = index;
		else
			index_close(index, AccessShareLock);
	}
	list_free(list);
	return found;
}

/*
 * Not of an instant of the past, which is in two tables; not where reads must leave predicate locks;
 * not where a table is only the name of others elsewhere.
 */
AgmPostings *
agm_postings_open(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmPostings *postings;
	Relation heap;
	Relation index;

	if (recall->filter.has_known_at || IsolationIsSerializable() ||
		!IsMVCCSnapshot(GetActiveSnapshot()) || OidIsValid(get_extension_oid("citus", true)))
		return NULL;
	heap = open_heap(recall, DatumGetTextPP(searched->name));
	if (heap == NULL)
		return NULL;
	index = open_index(heap);
	if (index == NULL)
	{
		relation_close(heap, NoLock);
		return NULL;
	}
	postings = palloc0(sizeof(AgmPostings));
	postings->ns = DatumGetTextPP(searched->name);
	postings->heap = heap;
	postings->index = index;
	postings->snapshot = GetActiveSnapshot();
	postings->gin = palloc(sizeof(GinState));
	initGinState(postings->gin, index);
	postings->slot = table_slot_create(heap, NULL);
	postings->fetch = table_index_fetch_begin(heap);
	return postings;
}

void
agm_postings_close(AgmPostings *postings)
{
	table_index_fetch_end(postings->fetch);
	ExecDropSingleTupleTableSlot(postings->slot);
	index_close(postings->index, NoLock);
	relation_close(postings->heap, NoLock);
	pfree(postings);
}

static void
append_items(AgmPostingList *list, int64 *capacity, const ItemPointerData *items, int n)
{
	if (list->n + n > *capacity)
	{
		*capacity = Max(*capacity * 2, list->n + n);
		list->entries = list->entries == NULL
							? palloc_extended(sizeof(uint64) * *capacity, MCXT_ALLOC_HUGE)
							: repalloc_huge(list->entries, sizeof(uint64) * *capacity);
	}
	for (int i = 0; i < n; i++)
		list->entries[list->n++] = ENTRY(ItemPointerGetBlockNumberNoCheck(&items[i]),
										 ItemPointerGetOffsetNumberNoCheck(&items[i]));
}

/* A long list is a tree: its leaves from left to right, a lock on the next before that on the last goes. */
static void
read_tree(AgmPostings *postings, BlockNumber root, AgmPostingList *list)
{
	GinBtreeData tree;
	GinBtreeStack *stack = agm_gin_begin_tree(&tree, postings->index, root, postings->snapshot);
	ItemPointerData first;
	int64 capacity = list->n;

	ItemPointerSetMin(&first);
	for (;;)
	{
		Page page = BufferGetPage(stack->buffer);

		if (!GinPageIsDeleted(page))
		{
			int n;
			ItemPointer items = GinDataLeafPageGetItems(page, &n, first);

			append_items(list, &capacity, items, n);
			pfree(items);
		}
		if (GinPageRightMost(page))
			break;
		stack->buffer = ginStepRight(stack->buffer, postings->index, GIN_SHARE);
	}
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
}

/* What a leaf of the entries says of a word: short lists, and where the trees of long ones are. */
typedef struct WordEntries
{
	AgmWordLists *lists;
	BlockNumber trees[AGM_KEY_CLASSES];
} WordEntries;

/* False if the tuple's key is of a later word. */
static bool
read_entry(AgmPostings *postings, IndexTuple tuple, int64 word, WordEntries *entries)
{
	GinNullCategory category;
	int64 key = DatumGetInt64(gintuple_get_key(postings->gin, tuple, &category));
	int class = (int) ((uint64) key & AGM_KEY_CLASS_MASK);
	int64 capacity = 0;
	ItemPointer items;
	int n;

	if (category != GIN_CAT_NORM_KEY || (int64) ((uint64) key & ~AGM_KEY_CLASS_MASK) != word)
		return false;
	if (GinIsPostingTree(tuple))
	{
		entries->trees[class] = GinGetPostingTree(tuple);
		return true;
	}
	items = ginReadTuple(postings->gin, FirstOffsetNumber, tuple, &n);
	append_items(&entries->lists->classes[class], &capacity, items, n);
	pfree(items);
	return true;
}

/*
 * The classes of a word lie side by side.  Pages of entries are never removed, and an entry that has a
 * tree keeps it, so that trees can be read when the leaf is no longer locked.
 */
static void
read_word(AgmPostings *postings, int64 word, AgmWordLists *lists)
{
	WordEntries entries = {.lists = lists};
	GinBtreeData btree;
	GinBtreeStack *stack;
	bool more = true;

	memset(lists, 0, sizeof(*lists));
	for (int i = 0; i < AGM_KEY_CLASSES; i++)
		entries.trees[i] = InvalidBlockNumber;
	ginPrepareEntryScan(&btree, FirstOffsetNumber, Int64GetDatum(word), GIN_CAT_NORM_KEY,
						postings->gin);
	stack = agm_gin_find_leaf(&btree, postings->snapshot);
	(void) btree.findItem(&btree, stack);
	while (more)
	{
		Page page = BufferGetPage(stack->buffer);

		while (more && stack->off <= PageGetMaxOffsetNumber(page))
		{
			more = read_entry(postings,
							  (IndexTuple) PageGetItem(page, PageGetItemId(page, stack->off)),
							  word, &entries);
			stack->off++;
		}
		if (!more || GinPageRightMost(page))
			break;
		stack->buffer = ginStepRight(stack->buffer, postings->index, GIN_SHARE);
		stack->off = FirstOffsetNumber;
	}
	LockBuffer(stack->buffer, GIN_UNLOCK);
	freeGinBtreeStack(stack);
	for (int i = 0; i < AGM_KEY_CLASSES; i++)
		if (entries.trees[i] != InvalidBlockNumber)
			read_tree(postings, entries.trees[i], &lists->classes[i]);
}

bool
agm_postings_row(AgmPostings *postings, uint64 entry, ItemPointer tid)
{
	bool again = false;

	ItemPointerSet(tid, ENTRY_BLOCK(entry), ENTRY_OFFSET(entry));
	if (!table_index_fetch_tuple(postings->fetch, tid, postings->snapshot, postings->slot,
								 &again, NULL))
		return false;
	*tid = postings->slot->tts_tid;
	return true;
}

/* Takes out what the snapshot does not see; a page of which all is seen need not be read. */
static void
keep_visible(AgmPostings *postings, AgmPostingList *list, Buffer *map)
{
	BlockNumber block = InvalidBlockNumber;
	bool visible = false;
	int64 kept = 0;

	for (int64 i = 0; i < list->n; i++)
	{
		uint64 entry = list->entries[i];
		ItemPointerData tid;

		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		if (ENTRY_BLOCK(entry) != block)
		{
			block = ENTRY_BLOCK(entry);
			visible = (visibilitymap_get_status(postings->heap, block, map) &
					   VISIBILITYMAP_ALL_VISIBLE) != 0;
		}
		if (visible || agm_postings_row(postings, entry, &tid))
			list->entries[kept++] = entry;
	}
	list->n = kept;
}

AgmWordLists *
agm_postings_read(AgmPostings *postings, const AgmWords *words)
{
	AgmWordLists *lists = palloc(sizeof(AgmWordLists) * words->n);
	Buffer map = InvalidBuffer;

	for (int i = 0; i < words->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_word(postings,
				  agm_lexeme_key(VARDATA_ANY(postings->ns), VARSIZE_ANY_EXHDR(postings->ns),
								 words->terms[i].word, words->terms[i].len),
				  &lists[i]);
		for (int j = 0; j < AGM_KEY_CLASSES; j++)
		{
			keep_visible(postings, &lists[i].classes[j], &map);
			lists[i].n += lists[i].classes[j].n;
		}
	}
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	return lists;
}

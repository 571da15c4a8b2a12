/*
 * descend.c
 *		Where a btree has the entries of many values, which go down from its root together.
 *
 * A level at a time, each page once, for all values that it leads on; the pages of a level are known
 * before the first of them is read, so that memory is waited for once and not page after page.
 * Rules: src/base/README.md, "Reading an index directly".
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "access/tupmacs.h"
#include "catalog/pg_collation_d.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "base/compat.h"
#include "base/descend.h"
#include "base/point.h"

/* A page as those who look for values see it. */
typedef struct TreePage
{
	Page page;
	BTPageOpaque opaque;
	OffsetNumber first;
	OffsetNumber last;
} TreePage;

/* Valgrind has no cache that could be warmed, and would see a look at a page that nobody has locked. */
#ifdef USE_VALGRIND
#define CALLS_ENTRIES false
#else
#define CALLS_ENTRIES true
#endif

/* Instead of how a value compares with an entry: it cannot be told here. */
#define UNREADABLE PG_INT32_MAX

bool
agm_descent_suits(Relation index)
{
	/* Bytes are compared, and every namespace that is compared is stored as it is. */
	return index->rd_indcollation[0] == C_COLLATION_OID &&
		   (index->rd_indoption[0] & INDOPTION_DESC) == 0 &&
		   (index->rd_indoption[1] & INDOPTION_DESC) == 0;
}

static inline IndexTuple
tuple_at(const TreePage *node, OffsetNumber at)
{
	return (IndexTuple) PageGetItem(node->page, PageGetItemId(node->page, at));
}

void
agm_descent_init(AgmDescent *descent, Relation index, Snapshot snapshot, const text *ns)
{
	char head[AGM_DESCENT_HEAD] = {0};
	char mask[AGM_DESCENT_HEAD] = {0};
	int shown;

	descent->index = index;
	descent->recent = agm_recent_of(index);
	descent->snapshot = snapshot;
	descent->ns = VARDATA_ANY(ns);
	descent->length = VARSIZE_ANY_EXHDR(ns);
	descent->value = 0;
	if (descent->length + VARHDRSZ_SHORT > VARATT_SHORT_MAX)
		return;
	shown = Min(descent->length, (int) (AGM_DESCENT_HEAD - VARHDRSZ_SHORT));
	SET_VARSIZE_SHORT(head, descent->length + VARHDRSZ_SHORT);
	memcpy(head + VARHDRSZ_SHORT, descent->ns, shown);
	memset(mask, 0xff, VARHDRSZ_SHORT + shown);
	memcpy(&descent->head, head, sizeof(head));
	memcpy(&descent->mask, mask, sizeof(mask));
	descent->value = att_align_nominal(descent->length + VARHDRSZ_SHORT, TYPALIGN_DOUBLE);
}

/* Has the entry, whose columns begin at `data`, the namespace in its short form?  An entry's data is this long at least. */
static inline bool
has_namespace(const AgmDescent *descent, const char *data)
{
	const int shown = AGM_DESCENT_HEAD - VARHDRSZ_SHORT;
	uint64 head;

	memcpy(&head, data, sizeof(head));
	return descent->value > 0 && (head & descent->mask) == descent->head &&
		   (descent->length <= shown ||
			memcmp(data + AGM_DESCENT_HEAD, descent->ns + shown, descent->length - shown) == 0);
}

/* How the namespace compares with the entry's, and where its value lies. */
static int
compare_namespace(const AgmDescent *descent, const char *data, const char **value)
{
	Size length;
	int order;

	if (VARATT_IS_COMPRESSED(data))
		return UNREADABLE;
	length = VARSIZE_ANY_EXHDR(data);
	order = memcmp(descent->ns, VARDATA_ANY(data), Min(length, (Size) descent->length));
	*value = data + att_align_nominal(VARSIZE_ANY(data), TYPALIGN_DOUBLE);
	if (order == 0)
		order = descent->length - (int) length;
	return order < 0 ? -1 : order > 0;
}

/*
 * Below 0: the value's entries lie before this one; above: after it, as all do that begin where
 * the columns of a pivot end.
 */
static inline int
compare(const AgmDescent *descent, int64 value, IndexTuple tuple)
{
	const char *data = (const char *) tuple + IndexInfoFindDataOffset(tuple->t_info);
	const char *at = data + descent->value;
	int natts = BTreeTupleIsPivot(tuple) ? BTreeTupleGetNAtts(tuple, descent->index) : 2;
	int64 entry;

	if (natts == 0)
		return 1;
	if (!has_namespace(descent, data))
	{
		int order = compare_namespace(descent, data, &at);

		if (order != 0)
			return order;
	}
	if (natts == 1)
		return 1;
	memcpy(&entry, at, sizeof(entry));
	if (value != entry)
		return value < entry ? -1 : 1;
	return natts == 2 && BTreeTupleIsPivot(tuple) && BTreeTupleGetHeapTID(tuple) == NULL ? 1
																						 : 0;
}

/*
 * Locks the page, as all here by the method's own functions, which tell valgrind who may look at it.
 * False if it is not what it was when it was found: of this level, and in use.  The caller unlocks it
 * in any case.
 */
static bool
lock_node(const AgmDescent *descent, Buffer buffer, uint32 level, TreePage *node)
{
	_bt_lockbuf(descent->index, buffer, BT_READ);
	node->page = BufferGetPage(buffer);
	if (PageIsNew(node->page) ||
		PageGetSpecialSize(node->page) != MAXALIGN(sizeof(BTPageOpaqueData)))
		return false;
	agm_check_old_snapshot(descent->snapshot, descent->index, node->page);
	node->opaque = BTPageGetOpaque(node->page);
	if (P_IGNORE(node->opaque) || P_ISMETA(node->opaque) || node->opaque->btpo_level != level)
		return false;
	node->first = P_FIRSTDATAKEY(node->opaque);
	node->last = PageGetMaxOffsetNumber(node->page);
	return true;
}

/*
 * The first entry from `from` on, up to the one after the last, that does not lie before the
 * value; InvalidOffsetNumber if that cannot be told.  It is looked for near a guess, which need not be one of
 * the entries, in steps that double: what lies there is at hand sooner than what halves the page.
 */
static OffsetNumber
search(const AgmDescent *descent, const TreePage *node, OffsetNumber from, int guess,
	   int64 value)
{
	int low = from;
	int high = node->last + 1;
	int probe = Max(low, Min(guess, node->last));
	int step = 0; /* below 0: it lies between two entries that were looked at */
	bool up = false;

	while (low < high)
	{
		int order = compare(descent, value, tuple_at(node, probe));

		if (order == UNREADABLE)
			return InvalidOffsetNumber;
		if (step == 0)
			up = order > 0;
		if (step >= 0)
			step = (order > 0) == up ? Max(1, step * 2) : -1;
		if (order > 0)
			low = probe + 1;
		else
			high = probe;
		if (step < 0)
			probe = low + (high - low) / 2;
		else
			probe = up ? Min(low + step, high) - 1 : Max(high - step, low);
	}
	return low;
}

/* Is the value to be looked for on pages to the right of this one? */
static inline bool
lies_right(const AgmDescent *descent, const TreePage *node, int64 value)
{
	return !P_RIGHTMOST(node->opaque) && compare(descent, value, tuple_at(node, P_HIKEY)) > 0;
}

void
agm_runs_add(AgmRuns *runs, BlockNumber block, int value, float guess)
{
	AgmRun *last = runs->n > 0 ? &runs->runs[runs->n - 1] : NULL;

	if (last != NULL && last->block == block)
	{
		last->n++;
		return;
	}
	if (runs->n == runs->room)
	{
		runs->room = Max(64, runs->room * 2);
		runs->runs = runs->runs == NULL
						 ? palloc(sizeof(AgmRun) * runs->room)
						 : repalloc_huge(runs->runs, sizeof(AgmRun) * runs->room);
	}
	runs->runs[runs->n++] = (AgmRun){block, value, 1, guess};
}

/* The value of a pivot; false if it has none, or is of another namespace. */
static bool
pivot_value(const AgmDescent *descent, IndexTuple tuple, int64 *value)
{
	const char *data = (const char *) tuple + IndexInfoFindDataOffset(tuple->t_info);

	if (BTreeTupleGetNAtts(tuple, descent->index) < 2 || !has_namespace(descent, data))
		return false;
	memcpy(value, data + descent->value, sizeof(*value));
	return true;
}

/* Where a value lies on the page to which the pivot before `at` leads, as far as the pivots on either side tell. */
static float
guess_place(const AgmDescent *descent, const TreePage *node, OffsetNumber at, int64 value)
{
	OffsetNumber end = at;
	int64 low;
	int64 high;

	if (at > node->last)
	{
		if (P_RIGHTMOST(node->opaque))
			return AGM_ANYWHERE;
		end = P_HIKEY;
	}
	if (!pivot_value(descent, tuple_at(node, at - 1), &low) ||
		!pivot_value(descent, tuple_at(node, end), &high) || value <= low || value >= high)
		return AGM_ANYWHERE;
	return ((float) value - (float) low) / ((float) high - (float) low);
}

static inline int
place_of(float guess, int entries)
{
	return guess < 0 ? 0 : (int) (guess * entries);
}

/* Where an inner page leads each of the run's values; nowhere, if it is not what it was. */
static void
read_inner(const AgmDescent *descent, Buffer buffer, uint32 level, const AgmRun *run,
		   AgmRuns *below)
{
	TreePage node;
	bool usable = lock_node(descent, buffer, level, &node);
	OffsetNumber from = usable ? node.first : InvalidOffsetNumber;
	int guess = usable ? from + place_of(run->guess, node.last) : 0;

	for (int i = run->first; i < run->first + run->n; i++)
	{
		int64 value = descent->values[i];
		OffsetNumber at = InvalidOffsetNumber;

		if (usable && !lies_right(descent, &node, value))
			at = search(descent, &node, from, guess, value);
		/* The first of an inner page lies before all. */
		if (!usable || at <= node.first)
		{
			agm_runs_add(below, InvalidBlockNumber, i, AGM_ANYWHERE);
			continue;
		}
		from = guess = at;
		agm_runs_add(below, BTreeTupleGetDownLink(tuple_at(&node, at - 1)), i,
					 guess_place(descent, &node, at, value));
	}
	_bt_unlockbuf(descent->index, buffer);
}

static void
read_level(const AgmDescent *descent, uint32 level, const AgmRuns *runs, AgmRuns *below)
{
	AgmAhead ahead;

	below->n = 0;
	agm_ahead_begin(&ahead, descent, runs);
	for (int i = 0; i < runs->n; i++)
	{
		const AgmRun *run = &runs->runs[i];
		Buffer buffer = agm_ahead_take(&ahead, i);

		CHECK_FOR_INTERRUPTS();
		if (BufferIsValid(buffer))
		{
			read_inner(descent, buffer, level, run, below);
			ReleaseBuffer(buffer);
			continue;
		}
		for (int j = run->first; j < run->first + run->n; j++)
			agm_runs_add(below, InvalidBlockNumber, j, AGM_ANYWHERE);
	}
}

/* The root, or the lowest page that is alone on its level; InvalidBlockNumber if there is none. */
static BlockNumber
find_root(Relation index, uint32 *level)
{
	Buffer buffer = ReadBuffer(index, BTREE_METAPAGE);
	const BTMetaPageData *meta;
	BlockNumber root = InvalidBlockNumber;

	_bt_lockbuf(index, buffer, BT_READ);
	meta = BTPageGetMeta(BufferGetPage(buffer));
	/* Before this version pivots had all columns. */
	if (meta->btm_magic == BTREE_MAGIC && meta->btm_version == BTREE_VERSION &&
		meta->btm_fastroot != P_NONE)
	{
		root = meta->btm_fastroot;
		*level = meta->btm_fastlevel;
	}
	_bt_relbuf(index, buffer);
	return root;
}

void
agm_descend(const AgmDescent *descent, int n, AgmRuns *leaves)
{
	AgmRuns above = {NULL, 0, 0};
	uint32 level = 0;
	BlockNumber root = find_root(descent->index, &level);

	leaves->n = 0;
	for (int i = 0; i < n; i++)
		agm_runs_add(leaves, root, i, AGM_ANYWHERE);
	for (; level > 0; level--)
	{
		AgmRuns runs = above;

		above = *leaves;
		*leaves = runs;
		AGM_POINT(above.n == 1 ? "descend root" : "descend inner");
		read_level(descent, level, &above, leaves);
	}
	if (above.runs != NULL)
		pfree(above.runs);
	AGM_POINT("descend leaf");
}

static inline Buffer *
place_of_run(const AgmAhead *ahead, const AgmRun *run)
{
	return run->block == InvalidBlockNumber
			   ? NULL
			   : agm_recent_place(ahead->index, ahead->recent, run->block);
}

static void
begin_ahead(AgmAhead *ahead, Relation relation, AgmRecent *recent, const AgmRuns *runs,
			const ItemPointerData *tids)
{
	ahead->index = relation;
	ahead->recent = recent;
	ahead->runs = runs;
	ahead->tids = tids;
	ahead->sighted = ahead->pinned = ahead->called = 0;
	/* A server may have few buffers, and many sessions. */
	ahead->depth = Max(1, Min(AGM_AHEAD, NBuffers / 256));
	ahead->entries = 128;
	for (int i = 0; i < runs->n; i++)
		__builtin_prefetch(place_of_run(ahead, &runs->runs[i]));
}

void
agm_ahead_begin(AgmAhead *ahead, const AgmDescent *descent, const AgmRuns *runs)
{
	begin_ahead(ahead, descent->index, descent->recent, runs, NULL);
}

void
agm_ahead_begin_rows(AgmAhead *ahead, Relation table, const AgmRuns *runs,
					 const ItemPointerData *tids)
{
	begin_ahead(ahead, table, agm_recent_of(table), runs, tids);
}

#define LINE 64	 /* of the processor's caches; nothing depends on it but time */
#define AROUND 3 /* entries on either side of where one is guessed */

/* The item of the page, of so many, that will be looked at first; from 0 on. */
static inline int
item_of_run(const AgmAhead *ahead, const AgmRun *run, int entries)
{
	return ahead->tids != NULL ? ItemPointerGetOffsetNumber(&ahead->tids[run->first]) - 1
							   : place_of(run->guess, entries);
}

/* A page's head, an index's tail, and what tells where the entries are that will be looked at first. */
static void
call_page(const AgmAhead *ahead, const char *page, const AgmRun *run)
{
	__builtin_prefetch(page);
	if (ahead->tids == NULL)
		__builtin_prefetch(page + BLCKSZ - LINE);
	__builtin_prefetch(&((PageHeader) page)->pd_linp[item_of_run(ahead, run, ahead->entries)]);
}

static void
sight(const AgmAhead *ahead, const AgmRun *run)
{
	const Buffer *place = place_of_run(ahead, run);

	if (place != NULL && BufferIsValid(*place))
		call_page(ahead, agm_recent_call(*place), run);
}

static Buffer
pin(const AgmAhead *ahead, const AgmRun *run)
{
	Buffer *place = place_of_run(ahead, run);
	Buffer buffer;

	if (run->block == InvalidBlockNumber)
		return InvalidBuffer;
	if (agm_recent_pin(ahead->index, ahead->recent, run->block, place))
		return *place;
	buffer = ReadBuffer(ahead->index, run->block);
	if (place != NULL)
		*place = buffer;
	call_page(ahead, BufferGetPage(buffer), run);
	return buffer;
}

/* These entries themselves.  Not locked: what is read here decides nothing. */
static void
call_entries(AgmAhead *ahead, Buffer buffer, const AgmRun *run)
{
	Page page = BufferGetPage(buffer);
	int n = PageGetMaxOffsetNumber(page);
	int around = ahead->tids != NULL ? 0 : AROUND;
	int middle = item_of_run(ahead, run, n) + 1;

	ahead->entries = n;
	for (int i = Max(middle - around, 1); i <= Min(middle + around, n); i++)
		__builtin_prefetch((const char *) page + ItemIdGetOffset(PageGetItemId(page, i)));
}

Buffer
agm_ahead_take(AgmAhead *ahead, int i)
{
	const AgmRuns *runs = ahead->runs;

	for (; ahead->sighted < runs->n && ahead->sighted < i + 2 * ahead->depth; ahead->sighted++)
		sight(ahead, &runs->runs[ahead->sighted]);
	for (; ahead->pinned < runs->n && ahead->pinned < i + ahead->depth; ahead->pinned++)
		ahead->buffers[ahead->pinned % AGM_AHEAD] = pin(ahead, &runs->runs[ahead->pinned]);
	for (; ahead->called < runs->n && ahead->called < i + (ahead->depth + 1) / 2;
		 ahead->called++)
	{
		Buffer buffer = ahead->buffers[ahead->called % AGM_AHEAD];

		if (CALLS_ENTRIES && BufferIsValid(buffer))
			call_entries(ahead, buffer, &runs->runs[ahead->called]);
	}
	return ahead->buffers[i % AGM_AHEAD];
}

void
agm_leaf_init(AgmLeaf *leaf)
{
	memset(leaf, 0, sizeof(*leaf));
	leaf->entries = palloc(sizeof(AgmEntry) * MaxTIDsPerBTreePage);
	leaf->bytes = palloc(BLCKSZ);
}

static void
add_entries(AgmLeaf *leaf, IndexTuple tuple, bool tuples)
{
	int n = BTreeTupleIsPosting(tuple) ? BTreeTupleGetNPosting(tuple) : 1;
	Size size = MAXALIGN(IndexTupleSize(tuple));

	for (int i = 0; i < n; i++)
	{
		AgmEntry *entry = &leaf->entries[leaf->n++];

		entry->tid =
			BTreeTupleIsPosting(tuple) ? *BTreeTupleGetPostingN(tuple, i) : tuple->t_tid;
		entry->at = leaf->used / MAXIMUM_ALIGNOF;
	}
	if (!tuples)
		return;
	memcpy(leaf->bytes + leaf->used, tuple, IndexTupleSize(tuple));
	leaf->used += size;
}

/* One value's entries, from `from` on. */
static void
read_value(const AgmDescent *descent, const TreePage *node, OffsetNumber from, int64 value,
		   int64 most, bool tuples, AgmLeaf *leaf, AgmFound *found)
{
	for (; from <= node->last; from++)
	{
		IndexTuple tuple = tuple_at(node, from);
		int order = compare(descent, value, tuple);

		if (order < 0)
			return;
		if (order > 0 || leaf->n - found->first >= most)
		{
			found->more = true;
			return;
		}
		if (!(descent->skips_dead && ItemIdIsDead(PageGetItemId(node->page, from))))
			add_entries(leaf, tuple, tuples);
	}
	if (P_RIGHTMOST(node->opaque) || compare(descent, value, tuple_at(node, P_HIKEY)) != 0)
		return;
	found->more = true;
	found->next = node->opaque->btpo_next;
}

void
agm_leaf_read(const AgmDescent *descent, Buffer buffer, const AgmRun *run, const int64 *most,
			  bool tuples, AgmLeaf *leaf)
{
	TreePage node;
	bool usable = lock_node(descent, buffer, 0, &node);
	OffsetNumber from = usable ? node.first : InvalidOffsetNumber;
	int guess = usable ? from + place_of(run->guess, node.last) : 0;

	if (run->n > leaf->room)
	{
		leaf->room = Max(64, run->n * 2);
		if (leaf->found != NULL)
			pfree(leaf->found);
		leaf->found = palloc(sizeof(AgmFound) * leaf->room);
	}
	leaf->n = leaf->used = 0;
	for (int i = 0; i < run->n; i++)
	{
		int at = run->first + i;
		int64 value = descent->values[at];
		AgmFound *found = &leaf->found[i];
		OffsetNumber begin = InvalidOffsetNumber;

		*found = (AgmFound){leaf->n, 0, true, InvalidBlockNumber};
		/* The same value again: there would be no room for its entries. */
		if (!usable || (i > 0 && value == descent->values[at - 1]) ||
			lies_right(descent, &node, value))
			continue;
		begin = search(descent, &node, from, guess, value);
		if (begin == InvalidOffsetNumber)
			continue;
		from = guess = begin;
		found->more = false;
		read_value(descent, &node, from, value, most[at], tuples, leaf, found);
		found->n = leaf->n - found->first;
	}
	_bt_unlockbuf(descent->index, buffer);
}

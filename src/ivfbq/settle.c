/*
 * settle.c
 *		Rows of nodes go where they belong: to the lists of their key if it has some, else to the
 *		node's children (maintain.h).
 *
 * README.md, "Directory" and invariant 6: scans find them in either place.  The way of a row follows from its
 * tags alone.  One move drains one list of one node, into as many lists as one record can switch; rows of more
 * keys than that stay in the node, or go to its children, and another round will bring them on.
 */
#include "postgres.h"

#include "ivfbq/maintain.h"
#include "ivfbq/move.h"
#include "ivfbq/survey.h"

/* Targets that are counted before some are chosen. */
#define MAX_WAYS 64

/* A cell that rows of the node belong to. */
typedef struct Way
{
	IvfbqCellRef cell;
	bool is_key;
	int rows;
	bool chosen;
} Way;

typedef struct Settling
{
	Relation index;
	const IvfbqIndex *info;
	IvfbqCell node; /* as it was at the beginning */
	IvfbqListRef ref;
	Way ways[MAX_WAYS];
	int nways;
	IvfbqMove move;
	/* The way of the row before. */
	uint32 tags[IVFBQ_MAX_KEYS];
	IvfbqCellRef cell;
	bool is_key;
	bool known;
} Settling;

static bool
same_cell(IvfbqCellRef a, IvfbqCellRef b)
{
	return a.block == b.block && a.index == b.index;
}

static bool
has_children(const Settling *settling)
{
	return ivfbq_cell_ref_is_valid(settling->node.u.data.left);
}

/* The node's child on the way of a hash, or the node itself. */
static IvfbqCellRef
next_node(const Settling *settling, uint64 hash)
{
	const IvfbqCellData *node = &settling->node.u.data;

	if (!has_children(settling))
		return settling->node.ref;
	return (hash >> (63 - node->depth)) & 1 ? node->right : node->left;
}

/* Sets the tags of a visited row, and the cell where it belongs. */
static void
find_way(Settling *settling, const IvfbqRowVisit *visit)
{
	int nkeys = settling->info->nkeys;
	IvfbqKey key;
	IvfbqCell found;

	memset(&key, 0, sizeof(key));
	for (int i = 0; i < nkeys; i++)
		key.tags[i] = ivfbq_slot_tag(visit->geometry, visit->page, visit->slot, i);
	if (settling->known && memcmp(key.tags, settling->tags, sizeof(uint32) * nkeys) == 0)
		return;
	memcpy(settling->tags, key.tags, sizeof(uint32) * nkeys);
	settling->known = true;
	key.hash = ivfbq_tags_hash(key.tags, nkeys);
	settling->is_key =
		ivfbq_directory_find(settling->index, settling->info, &key, NULL, NULL, &found);
	settling->cell = settling->is_key ? found.ref : next_node(settling, key.hash);
}

static Way *
way_to(Settling *settling, IvfbqCellRef cell)
{
	for (int i = 0; i < settling->nways; i++)
		if (same_cell(settling->ways[i].cell, cell))
			return &settling->ways[i];
	return NULL;
}

static void
count_row(const IvfbqRowVisit *visit, void *arg)
{
	Settling *settling = arg;
	Way *way;

	find_way(settling, visit);
	if (same_cell(settling->cell, settling->node.ref))
		return;
	way = way_to(settling, settling->cell);
	if (way == NULL && settling->nways < MAX_WAYS)
	{
		way = &settling->ways[settling->nways++];
		*way = (Way){.cell = settling->cell, .is_key = settling->is_key};
	}
	if (way != NULL)
		way->rows++;
}

static void
put_row(const IvfbqRowVisit *visit, void *arg)
{
	Settling *settling = arg;
	IvfbqMove *move = &settling->move;
	IvfbqCellRef cell;
	Way *way;
	int number = 0; /* the node itself */

	find_way(settling, visit);
	cell = settling->cell;
	way = way_to(settling, cell);
	/* A key that is not part of the move, or not there when the rows were counted. */
	if (way == NULL || !way->chosen)
	{
		cell = next_node(settling, ivfbq_tags_hash(settling->tags, settling->info->nkeys));
		way = way_to(settling, cell);
	}
	if (way != NULL && way->chosen)
		number =
			ivfbq_move_target(move, (IvfbqListRef){cell, settling->ref.role}, !way->is_key);
	ivfbq_move_row(move, number, visit->row, visit->tid, settling->tags);
}

/* Children first: what cannot go to its key goes there.  Then keys, those with most rows first. */
static int
compare_ways(const void *a, const void *b)
{
	const Way *left = a;
	const Way *right = b;

	if (left->is_key != right->is_key)
		return left->is_key ? 1 : -1;
	return right->rows - left->rows;
}

/* As many as there are lists in a move, and pages in its record. */
static int
choose_ways(Settling *settling)
{
	BlockNumber pages[IVFBQ_MOVE_CELL_PAGES] = {settling->node.ref.block};
	int npages = 1;
	int chosen = 0;

	/* Both children, though none of the rows seen so far goes there. */
	if (has_children(settling))
		for (int side = 0; side < 2; side++)
		{
			IvfbqCellRef child =
				side == 0 ? settling->node.u.data.left : settling->node.u.data.right;

			if (way_to(settling, child) == NULL)
			{
				if (settling->nways == MAX_WAYS)
					settling->nways--;
				settling->ways[settling->nways++] = (Way){.cell = child};
			}
		}
	qsort(settling->ways, settling->nways, sizeof(Way), compare_ways);
	for (int i = 0; i < settling->nways && chosen < IVFBQ_MOVE_LISTS - 1; i++)
	{
		Way *way = &settling->ways[i];
		int at = 0;

		while (at < npages && pages[at] != way->cell.block)
			at++;
		if (at == npages)
		{
			if (npages == IVFBQ_MOVE_CELL_PAGES)
				continue;
			pages[npages++] = way->cell.block;
		}
		way->chosen = true;
		chosen++;
	}
	return chosen;
}

/* One list of the node; false if there is nothing to do. */
static bool
settle_list(Settling *settling)
{
	IvfbqCellData copy = settling->node.u.data;
	IvfbqListData *list = ivfbq_cell_list(&copy, settling->ref.role);

	settling->nways = 0;
	settling->known = false;
	if (list->head == InvalidBlockNumber)
		return false;
	ivfbq_list_walk(settling->index, settling->info, settling->ref, list->head,
					InvalidBlockNumber, false, count_row, settling);
	if (settling->nways == 0 || choose_ways(settling) == 0)
		return false;

	settling->known = false;
	ivfbq_move_begin(&settling->move, settling->index, settling->info);
	(void) ivfbq_move_drain(&settling->move, settling->ref, true);
	ivfbq_move_walk(&settling->move, 0, true, put_row, settling);
	ivfbq_move_finish(&settling->move, NULL);
	/* Nobody puts rows into a node with children any more, those under way aside. */
	if (has_children(settling))
		ivfbq_detach_empty(settling->index, settling->info, settling->ref);
	return true;
}

int
ivfbq_settle_node(Relation index, const IvfbqIndex *info, IvfbqCellRef node)
{
	Settling *settling = palloc0(sizeof(Settling));
	const uint8 roles[] = {IVFBQ_ROLE_ROWS, IVFBQ_ROLE_TIDS};
	int moves = 0;

	settling->index = index;
	settling->info = info;
	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		ivfbq_cell_read(index, info->nkeys, node, &settling->node);
		settling->ref = (IvfbqListRef){node, roles[i]};
		moves += settle_list(settling);
	}
	pfree(settling);
	return moves;
}

/* ---------------------------------------------------------------- bringing a key's rows */

/* Nodes on the way of a key. */
typedef struct Nodes
{
	IvfbqCellRef refs[65];
	int n;
} Nodes;

static void
note_node(const IvfbqCell *node, void *arg)
{
	Nodes *nodes = arg;

	if (node->u.data.rows.head == InvalidBlockNumber &&
		node->u.data.tids.head == InvalidBlockNumber)
		return;
	if (nodes->n < (int) lengthof(nodes->refs))
		nodes->refs[nodes->n++] = node->ref;
}

/* Says in the key's cell that its rows have been brought. */
static void
set_brought(Relation index, int nkeys, IvfbqCellRef ref)
{
	Buffer buffer = ivfbq_read(index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	IvfbqChange change = ivfbq_change_begin(index, false);

	ivfbq_directory_cell(index, nkeys, ivfbq_change_page(&change, buffer, false), ref.block,
						 ref.index)
		->flags |= IVFBQ_KEY_BROUGHT;
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

typedef struct RowCount
{
	const IvfbqCell *key;
	int nkeys;
	int rows;
} RowCount;

static void
count_of_key(const IvfbqRowVisit *visit, void *arg)
{
	RowCount *count = arg;

	for (int i = 0; i < count->nkeys; i++)
		if (ivfbq_slot_tag(visit->geometry, visit->page, visit->slot, i) !=
			count->key->u.data.tags[i])
			return;
	count->rows++;
}

/* Rows of the key that are in the node. */
static int
rows_in_node(Relation index, const IvfbqIndex *info, const IvfbqCell *key, IvfbqCellRef node)
{
	RowCount count = {key, info->nkeys, 0};
	const uint8 roles[] = {IVFBQ_ROLE_ROWS, IVFBQ_ROLE_TIDS};

	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		IvfbqListRef ref = {node, roles[i]};
		IvfbqListData list;

		ivfbq_list_read(index, info->nkeys, ref, &list);
		ivfbq_list_walk(index, info, ref, list.head, InvalidBlockNumber, false, count_of_key,
						&count);
	}
	return count.rows;
}

/* Rows of the key in all nodes on its way, and those nodes. */
static int
rows_on_the_way(Relation index, const IvfbqIndex *info, const IvfbqCell *key, Nodes *nodes)
{
	IvfbqKey sought;
	IvfbqCell found;
	int rows = 0;

	sought.hash = key->u.data.hash;
	memcpy(sought.tags, key->u.data.tags, sizeof(uint32) * info->nkeys);
	nodes->n = 0;
	(void) ivfbq_directory_find(index, info, &sought, note_node, nodes, &found);
	for (int i = 0; i < nodes->n; i++)
		rows += rows_in_node(index, info, key, nodes->refs[i]);
	return rows;
}

int
ivfbq_bring_key(Relation index, const IvfbqIndex *info, IvfbqCellRef ref)
{
	IvfbqCell key;
	Nodes nodes;
	int moves = 0;

	ivfbq_cell_read(index, info->nkeys, ref, &key);
	if (key.u.data.flags & IVFBQ_KEY_BROUGHT)
		return 0;
	if (rows_on_the_way(index, info, &key, &nodes) > 0)
	{
		/* From the root on: what goes to a child is brought on from there. */
		for (int i = 0; i < nodes.n; i++)
			if (rows_in_node(index, info, &key, nodes.refs[i]) > 0)
				moves += ivfbq_settle_node(index, info, nodes.refs[i]);
		if (rows_on_the_way(index, info, &key, &nodes) > 0)
			return moves;
	}
	set_brought(index, info->nkeys, ref);
	return moves;
}

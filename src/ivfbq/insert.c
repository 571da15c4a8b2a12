/*
 * insert.c
 *		aminsert: one row into the list where it belongs.
 *
 * README.md, "Insert".  Whatever changed while the way was looked up is found when the row is to be
 * put there, and then the way is looked up again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "ivfbq/centroids.h"
#include "ivfbq/insert.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* The row that is put in. */
typedef struct Insertion
{
	Relation index;
	IvfbqIndex *info;
	IvfbqKey key;
	IvfbqEntry entry;
	uint8 *bits;
	char *row; /* NULL: without a direction */
} Insertion;

/* Pages that a node's list may have. */
static uint32
node_pages(const IvfbqGeometry *geometry)
{
	return (uint32) Max(1, IVFBQ_NODE_ROWS / geometry->slots);
}

/* The code of the row relative to a base; frees the base. */
static void
encode(Insertion *insertion, IvfbqBase *base)
{
	ivfbq_encode(insertion->info->codec, base, insertion->row, &insertion->entry.code,
				 insertion->bits);
	ivfbq_base_free(base);
}

/* Into a list of a directory cell; false: look again.  *full: the node has no room. */
static bool
put_into_cell(Insertion *insertion, const IvfbqCell *cell, uint8 role, bool *full)
{
	bool tagged = insertion->info->nkeys > 0 && cell->u.data.type == IVFBQ_CELL_NODE;
	IvfbqListRef ref = {cell->ref, role};
	IvfbqCellData copy = cell->u.data;
	IvfbqListData *list = ivfbq_cell_list(&copy, role);
	IvfbqPut put;

	if (role == IVFBQ_ROLE_ROWS)
		encode(insertion, ivfbq_list_base(insertion->index, insertion->info, list, role));
	insertion->entry.tags = tagged ? insertion->key.tags : NULL;
	put = ivfbq_list_put(
		insertion->index, insertion->info, ref, &insertion->entry, list->base, list->slot,
		tagged ? node_pages(ivfbq_list_geometry(insertion->info, role, true)) : 0, false, NULL,
		NULL);
	*full = put == IVFBQ_PUT_FULL;
	return put == IVFBQ_PUT_DONE;
}

/*
 * The nearest list is closed: then its key is, or has other lists by now (14).  If it has not changed,
 * looking again would not end.
 */
static void
check_key_changed(Insertion *insertion, const IvfbqCell *seen, IvfbqCellRef list)
{
	IvfbqCell now;

	ivfbq_cell_read(insertion->index, insertion->info->nkeys, seen->ref, &now);
	if ((now.u.data.flags & IVFBQ_KEY_CLUSTERED) && !(now.u.data.flags & IVFBQ_KEY_CLOSED) &&
		now.u.data.centroids.head == seen->u.data.centroids.head)
		ivfbq_corrupted(insertion->index, list.block,
						"List %u is closed, but its key (%u,%u) is not.", list.index,
						seen->ref.block, seen->ref.index);
}

/* Into the list of the nearest centroid; false: look again. */
static bool
put_into_nearest(Insertion *insertion, const IvfbqCell *key)
{
	IvfbqCentroid found;
	char *centroid = palloc(insertion->info->rows.row_bytes);
	IvfbqPut put;
	bool done = false;

	if (ivfbq_nearest_list(insertion->index, insertion->info, &key->u.data, key->ref,
						   insertion->row, &found, centroid))
	{
		IvfbqListRef ref = {found.list, IVFBQ_ROLE_LIST};

		encode(insertion, ivfbq_base_new(insertion->info->codec, centroid));
		insertion->entry.tags = NULL;
		put = ivfbq_list_put(insertion->index, insertion->info, ref, &insertion->entry,
							 found.block, found.slot, 0, false, NULL, NULL);
		done = put == IVFBQ_PUT_DONE;
		if (put == IVFBQ_PUT_CLOSED)
			check_key_changed(insertion, key, found.list);
	}
	else
	{
		bool full;

		done = put_into_cell(insertion, key, IVFBQ_ROLE_ROWS, &full);
	}
	pfree(centroid);
	return done;
}

/*
 * A leaf without room: a key that has many rows here gets its own lists, else the node gets
 * children.  A node cannot be split for ever: at the end of the hash every key is promoted.
 */
static void
make_room(Insertion *insertion, const IvfbqCell *leaf, uint8 role)
{
	IvfbqCellData copy = leaf->u.data;
	IvfbqListRef ref = {leaf->ref, role};
	IvfbqCell now;
	int rows;

	/* As it is now: a leaf that was found empty has no head yet. */
	ivfbq_cell_read(insertion->index, insertion->info->nkeys, leaf->ref, &now);
	copy = now.u.data;
	rows = ivfbq_list_count_tags(insertion->index, insertion->info, ref,
								 ivfbq_cell_list(&copy, role)->head, insertion->key.tags,
								 IVFBQ_PROMOTE_ROWS);
	if ((rows >= IVFBQ_PROMOTE_ROWS && leaf->keys <= IVFBQ_LEAF_KEYS) ||
		leaf->u.data.depth >= 63)
		ivfbq_directory_add_key(insertion->index, insertion->info, leaf, &insertion->key,
								false);
	else
		ivfbq_directory_split(insertion->index, insertion->info, leaf, false);
}

static void
insert_row(Insertion *insertion)
{
	uint8 role = insertion->row != NULL ? IVFBQ_ROLE_ROWS : IVFBQ_ROLE_TIDS;

	for (;;)
	{
		IvfbqCell cell;
		bool is_key = ivfbq_directory_find(insertion->index, insertion->info, &insertion->key,
										   NULL, NULL, &cell);
		bool full = false;

		CHECK_FOR_INTERRUPTS();
		if (is_key && role == IVFBQ_ROLE_ROWS &&
			(cell.u.data.flags & (IVFBQ_KEY_CLUSTERED | IVFBQ_KEY_CLOSED)) ==
				IVFBQ_KEY_CLUSTERED)
		{
			if (put_into_nearest(insertion, &cell))
				return;
		}
		else if (put_into_cell(insertion, &cell, role, &full))
			return;
		else if (full)
			make_room(insertion, &cell, role);
	}
}

bool
ivfbqinsert(Relation index, Datum *values, bool *isnull, ItemPointer heap_tid,
			Relation heap pg_attribute_unused(),
			IndexUniqueCheck check_unique pg_attribute_unused(),
			bool index_unchanged pg_attribute_unused(),
			struct IndexInfo *index_info pg_attribute_unused())
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq insert",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Insertion insertion = {.index = index};
	int vector = IndexRelationGetNumberOfKeyAttributes(index) - 1;
	char *row = palloc0(IVFBQ_ROW_SIZE(IVFBQ_MAX_DIM));

	insertion.info = ivfbq_index(index);
	ivfbq_key_of(index, values, isnull, &insertion.key);
	if (ivfbq_row_of(index, values[vector], isnull[vector], false, &insertion.info, row))
	{
		ivfbq_row_set_tid(row, heap_tid);
		insertion.row = row;
		insertion.bits = palloc0((insertion.info->codec->code_dim + 7) / 8);
		insertion.entry.row = row;
		insertion.entry.bits = insertion.bits;
	}
	insertion.entry.tid = *heap_tid;
	insert_row(&insertion);

	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return false;
}

/*
 * directory.c
 *		The trie of nodes and the keys that hang on them (directory.h).
 *
 * Cells are added and never moved or taken away, so that a reference to one is good for as long
 * as the index is.  What a cell says may change whenever its page is not locked.
 */
#include "postgres.h"

#include "ivfbq/directory.h"
#include "miscadmin.h"

/* A chain that is longer than this has a cycle. */
#define CHAIN_MAX 10000000
#define DEPTH_MAX 64

static IvfbqDirectoryData *
directory(Page page)
{
	return (IvfbqDirectoryData *) IVFBQ_CONTENT(page);
}

/* Where a cell lies, whether or not it is there. */
static IvfbqCellData *
cell_at(Page page, int nkeys, int number)
{
	return (IvfbqCellData *) ((char *) directory(page) + MAXALIGN(sizeof(IvfbqDirectoryData)) +
							  IVFBQ_CELL_SIZE(nkeys) * number);
}

static int
free_cells(Page page, int nkeys)
{
	return (int) IVFBQ_CELLS_PER_PAGE(nkeys) - directory(page)->ncells;
}

IvfbqCellData *
ivfbq_directory_cell(Relation index, int nkeys, Page page, BlockNumber block, uint16 number)
{
	IvfbqCellData *cell = cell_at(page, nkeys, number);

	if (number >= directory(page)->ncells || number >= IVFBQ_CELLS_PER_PAGE(nkeys))
		ivfbq_corrupted(index, block, "The page has no cell %u.", number);
	if (cell->type != IVFBQ_CELL_NODE && cell->type != IVFBQ_CELL_KEY)
		ivfbq_corrupted(index, block, "Cell %u is of no known type.", number);
	return cell;
}

static void
copy_cell(IvfbqCell *copy, const IvfbqCellData *cell, int nkeys, IvfbqCellRef ref)
{
	copy->ref = ref;
	copy->keys = 0;
	memcpy(&copy->u, cell, IVFBQ_CELL_SIZE(nkeys));
}

void
ivfbq_cell_read(Relation index, int nkeys, IvfbqCellRef ref, IvfbqCell *cell)
{
	Buffer buffer = ivfbq_read(index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_SHARE);

	copy_cell(cell,
			  ivfbq_directory_cell(index, nkeys, BufferGetPage(buffer), ref.block, ref.index),
			  nkeys, ref);
	UnlockReleaseBuffer(buffer);
}

/* ---------------------------------------------------------------- making cells */

static void
init_list(IvfbqListData *list, BlockNumber base)
{
	memset(list, 0, sizeof(*list));
	list->head = list->tail = list->free = InvalidBlockNumber;
	list->base = base;
}

void
ivfbq_cell_init(IvfbqCellData *cell, int nkeys, uint16 type, BlockNumber base)
{
	memset(cell, 0, IVFBQ_CELL_SIZE(nkeys));
	cell->type = type;
	init_list(&cell->rows, base);
	init_list(&cell->tids, InvalidBlockNumber);
	init_list(&cell->centroids, InvalidBlockNumber);
	cell->next = cell->left = cell->right = ivfbq_no_cell();
	cell->lists = cell->lists_tail = InvalidBlockNumber;
}

static void
init_page(Page page)
{
	ivfbq_page_init(page, IVFBQ_PAGE_DIRECTORY, MAXALIGN(sizeof(IvfbqDirectoryData)));
	directory(page)->next = InvalidBlockNumber;
}

/* The next cell of a page that has room for it. */
static IvfbqCellData *
add_cell(Page page, int nkeys, uint16 type, BlockNumber base, uint16 *number)
{
	IvfbqCellData *cell;

	Assert(free_cells(page, nkeys) > 0);
	*number = directory(page)->ncells++;
	cell = cell_at(page, nkeys, *number);
	ivfbq_cell_init(cell, nkeys, type, base);
	((PageHeader) page)->pd_lower += IVFBQ_CELL_SIZE(nkeys);
	return cell;
}

void
ivfbq_directory_init(Page page, int nkeys)
{
	uint16 number;

	init_page(page);
	(void) add_cell(page, nkeys, nkeys > 0 ? IVFBQ_CELL_NODE : IVFBQ_CELL_KEY,
					InvalidBlockNumber, &number);
}

/* ---------------------------------------------------------------- looking */

/* A page under a share lock, kept as long as cells of it are asked for. */
typedef struct Reader
{
	Relation index;
	const IvfbqIndex *info;
	Buffer buffer;
	BlockNumber block;
} Reader;

static void
let_go(Reader *reader)
{
	if (BufferIsValid(reader->buffer))
		UnlockReleaseBuffer(reader->buffer);
	reader->buffer = InvalidBuffer;
	reader->block = InvalidBlockNumber;
}

static const IvfbqCellData *
look_at(Reader *reader, IvfbqCellRef ref)
{
	if (reader->block != ref.block)
	{
		let_go(reader);
		CHECK_FOR_INTERRUPTS();
		reader->buffer = ivfbq_read_recent(reader->index, reader->info->recent, ref.block,
										   IVFBQ_PAGE_DIRECTORY);
		reader->block = ref.block;
	}
	return ivfbq_directory_cell(reader->index, reader->info->nkeys,
								BufferGetPage(reader->buffer), ref.block, ref.index);
}

/* Looks for the key among those that hang on a node; counts them. */
static bool
find_key(Reader *reader, IvfbqCellRef first, const IvfbqKey *key, IvfbqCell *found, int *count)
{
	*count = 0;
	for (IvfbqCellRef ref = first; ivfbq_cell_ref_is_valid(ref);)
	{
		const IvfbqCellData *cell = look_at(reader, ref);

		if (ivfbq_cell_is_key(cell, key, reader->info->nkeys))
		{
			copy_cell(found, cell, reader->info->nkeys, ref);
			return true;
		}
		if (++*count > CHAIN_MAX)
			ivfbq_corrupted(reader->index, ref.block, "The keys of a node run in a circle.");
		ref = cell->next;
	}
	return false;
}

bool
ivfbq_directory_find(Relation index, const IvfbqIndex *info, const IvfbqKey *key,
					 IvfbqVisit visit, void *arg, IvfbqCell *found)
{
	Reader reader = {index, info, InvalidBuffer, InvalidBlockNumber};
	IvfbqCellRef ref = {IVFBQ_ROOT_BLOCK, 0, 0};
	bool has_key = false;

	if (info->nkeys == 0)
	{
		ivfbq_cell_read(index, 0, ref, found);
		return true;
	}

	for (int depth = 0; ivfbq_cell_ref_is_valid(ref); depth++)
	{
		const IvfbqCellData *cell = look_at(&reader, ref);
		IvfbqCell node;
		int count = 0;

		if (cell->type != IVFBQ_CELL_NODE || depth > DEPTH_MAX)
			ivfbq_corrupted(index, ref.block, "Cell %u is not a node of its depth.", ref.index);
		copy_cell(&node, cell, info->nkeys, ref);
		if (visit != NULL)
		{
			/* Not under our lock: who knows what it locks. */
			let_go(&reader);
			visit(&node, arg);
		}
		if (!has_key)
			has_key = find_key(&reader, node.u.data.next, key, found, &count);

		if (ivfbq_cell_ref_is_valid(node.u.data.left))
			ref = (key->hash >> (63 - depth)) & 1 ? node.u.data.right : node.u.data.left;
		else
		{
			if (!has_key)
			{
				*found = node;
				found->keys = count;
			}
			break;
		}
	}
	let_go(&reader);
	return has_key;
}

void
ivfbq_directory_walk(Relation index, const IvfbqIndex *info, IvfbqVisit visit, void *arg)
{
	BlockNumber block = IVFBQ_ROOT_BLOCK;
	int pages = 0;
	char *copy = palloc(BLCKSZ);

	while (block != InvalidBlockNumber)
	{
		Buffer buffer = ivfbq_read(index, block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_SHARE);

		/* Aligned by palloc as a page is. */
		memcpy(copy, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
		if (++pages > CHAIN_MAX)
			ivfbq_corrupted(index, block, "The directory pages run in a circle.");
		for (uint16 i = 0; i < directory(copy)->ncells; i++)
		{
			IvfbqCell cell;

			copy_cell(&cell, ivfbq_directory_cell(index, info->nkeys, copy, block, i),
					  info->nkeys, (IvfbqCellRef){block, i, 0});
			visit(&cell, arg);
		}
		block = directory(copy)->next;
		CHECK_FOR_INTERRUPTS();
	}
	pfree(copy);
}

/* ---------------------------------------------------------------- growing */

/* The page of a cell, and another one that has room if that has none; both locked exclusively. */
typedef struct Room
{
	Buffer own;
	Buffer other; /* InvalidBuffer: there is room on the own page */
} Room;

static void
unlock_room(Room *room)
{
	UnlockReleaseBuffer(room->own);
	if (BufferIsValid(room->other))
		UnlockReleaseBuffer(room->other);
}

/* Chains a new page to the directory's last one, if that is still `tail`. */
static void
add_page(Relation index, BlockNumber tail, bool building)
{
	Buffer tail_buffer = ivfbq_read(index, tail, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
	IvfbqNewPage new_page;
	IvfbqChange change;
	Buffer meta;

	if (directory(BufferGetPage(tail_buffer))->next != InvalidBlockNumber)
	{
		UnlockReleaseBuffer(tail_buffer);
		return;
	}
	new_page = ivfbq_new_page(index, building);
	meta = new_page.meta;
	if (!BufferIsValid(meta))
		meta = ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
	change = ivfbq_change_begin(index, building);
	init_page(ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_DIRECTORY, 0));
	directory(ivfbq_change_page(&change, tail_buffer, false))->next =
		BufferGetBlockNumber(new_page.buffer);
	ivfbq_meta(ivfbq_change_page(&change, meta, false))->directory_tail =
		BufferGetBlockNumber(new_page.buffer);
	ivfbq_change_finish(&change);
	if (!BufferIsValid(new_page.meta))
		UnlockReleaseBuffer(meta);
	ivfbq_release_new_page(&new_page);
	UnlockReleaseBuffer(tail_buffer);
}

/*
 * Locks the page of a cell and finds room for n cells near it; *base is what lists that are made
 * now are relative to.
 */
static Room
find_room(Relation index, int nkeys, IvfbqCellRef ref, int n, bool building, BlockNumber *base)
{
	for (;;)
	{
		IvfbqMetaData meta;
		Room room;

		CHECK_FOR_INTERRUPTS();
		ivfbq_meta_read(index, &meta);
		*base = meta.mean;
		room.own = ivfbq_read(index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
		room.other = InvalidBuffer;
		if (free_cells(BufferGetPage(room.own), nkeys) >= n)
			return room;

		/* Two directory pages are locked in the order of their numbers. */
		if (meta.directory_tail < ref.block)
			UnlockReleaseBuffer(room.own);
		if (meta.directory_tail != ref.block)
		{
			room.other = ivfbq_read(index, meta.directory_tail, IVFBQ_PAGE_DIRECTORY,
									BUFFER_LOCK_EXCLUSIVE);
			if (meta.directory_tail < ref.block)
				room.own =
					ivfbq_read(index, ref.block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
			if (free_cells(BufferGetPage(room.other), nkeys) >= n)
				return room;
		}
		unlock_room(&room);
		add_page(index, meta.directory_tail, building);
	}
}

/* Has the leaf children or another first key by now? */
static bool
has_changed(const IvfbqCellData *now, const IvfbqCell *then)
{
	return ivfbq_cell_ref_is_valid(now->left) || now->next.block != then->u.data.next.block ||
		   now->next.index != then->u.data.next.index;
}

void
ivfbq_directory_split(Relation index, const IvfbqIndex *info, const IvfbqCell *leaf,
					  bool building)
{
	int nkeys = info->nkeys;
	BlockNumber base;
	Room room = find_room(index, nkeys, leaf->ref, 2, building, &base);
	Buffer target = BufferIsValid(room.other) ? room.other : room.own;
	IvfbqCellData *cell = ivfbq_directory_cell(index, nkeys, BufferGetPage(room.own),
											   leaf->ref.block, leaf->ref.index);

	if (!ivfbq_cell_ref_is_valid(cell->left) && cell->depth < DEPTH_MAX - 1)
	{
		IvfbqChange change = ivfbq_change_begin(index, building);
		Page own = ivfbq_change_page(&change, room.own, false);
		Page page = ivfbq_change_page(&change, target, false);

		cell = ivfbq_directory_cell(index, nkeys, own, leaf->ref.block, leaf->ref.index);
		for (int side = 0; side < 2; side++)
		{
			uint16 number;
			IvfbqCellData *child = add_cell(page, nkeys, IVFBQ_CELL_NODE, base, &number);
			IvfbqCellRef ref = {BufferGetBlockNumber(target), number, 0};

			child->depth = cell->depth + 1;
			child->hash = cell->hash | ((uint64) side << (63 - cell->depth));
			if (side == 0)
				cell->left = ref;
			else
				cell->right = ref;
		}
		ivfbq_change_finish(&change);
	}
	unlock_room(&room);
}

void
ivfbq_directory_add_key(Relation index, const IvfbqIndex *info, const IvfbqCell *leaf,
						const IvfbqKey *key, bool building)
{
	int nkeys = info->nkeys;
	BlockNumber base;
	Room room = find_room(index, nkeys, leaf->ref, 1, building, &base);
	Buffer target = BufferIsValid(room.other) ? room.other : room.own;
	IvfbqCellData *cell = ivfbq_directory_cell(index, nkeys, BufferGetPage(room.own),
											   leaf->ref.block, leaf->ref.index);

	if (!has_changed(cell, leaf))
	{
		IvfbqChange change = ivfbq_change_begin(index, building);
		Page own = ivfbq_change_page(&change, room.own, false);
		Page page = ivfbq_change_page(&change, target, false);
		uint16 number;
		IvfbqCellData *added = add_cell(page, nkeys, IVFBQ_CELL_KEY, base, &number);

		cell = ivfbq_directory_cell(index, nkeys, own, leaf->ref.block, leaf->ref.index);
		added->hash = key->hash;
		memcpy(added->tags, key->tags, sizeof(uint32) * nkeys);
		added->left = leaf->ref;
		added->next = cell->next;
		cell->next = (IvfbqCellRef){BufferGetBlockNumber(target), number, 0};
		ivfbq_change_finish(&change);
	}
	unlock_room(&room);
}

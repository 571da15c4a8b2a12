/*
 * directory.h
 *		From a key to its lists: the trie of nodes and the keys that hang on them.
 *
 * Cells are copied out under a share lock; nobody keeps a pointer into a page.
 */
#ifndef AGM_IVFBQ_DIRECTORY_H
#define AGM_IVFBQ_DIRECTORY_H

#include "ivfbq/meta.h"

/*
 * Rows of a node's list from which on it gets children instead of another page; rows of one key
 * in a node that earn it lists of its own.
 */
#define IVFBQ_NODE_ROWS 128
#define IVFBQ_PROMOTE_ROWS 64

/* A copy of a cell with room for all tags, and where it was. */
typedef struct IvfbqCell
{
	IvfbqCellRef ref;
	int keys; /* of a leaf that ivfbq_directory_find() gave: how many keys hang on it */
	union
	{
		IvfbqCellData data;
		char bytes[IVFBQ_CELL_SIZE(IVFBQ_MAX_KEYS)];
	} u;
} IvfbqCell;

static inline IvfbqCellRef
ivfbq_no_cell(void)
{
	return (IvfbqCellRef){InvalidBlockNumber, 0, 0};
}

static inline bool
ivfbq_cell_ref_is_valid(IvfbqCellRef ref)
{
	return ref.block != InvalidBlockNumber;
}

/* The cell on a directory page that is locked; raises corruption if there is none. */
extern IvfbqCellData *ivfbq_directory_cell(Relation index, int nkeys, Page page,
										   BlockNumber block, uint16 number);
extern void ivfbq_cell_read(Relation index, int nkeys, IvfbqCellRef ref, IvfbqCell *cell);

/*
 * Walks from the root along the bits of key->hash.  True and *found is the key's cell, if there is
 * one; else *found is the leaf.  Calls `visit` (may be NULL) with each node on the way.  Goes on to the leaf
 * in either case.
 */
typedef void (*IvfbqVisit)(const IvfbqCell *cell, void *arg);
extern bool ivfbq_directory_find(Relation index, const IvfbqIndex *info, const IvfbqKey *key,
								 IvfbqVisit visit, void *arg, IvfbqCell *found);

/* The first directory page of an index: the root, or the only key if there are no key columns. */
extern void ivfbq_directory_init(Page page, int nkeys);
/* An empty cell; lists of rows relative to `base`. */
extern void ivfbq_cell_init(IvfbqCellData *cell, int nkeys, uint16 type, BlockNumber base);

/* All cells of all directory pages, nodes and keys, page by page. */
extern void ivfbq_directory_walk(Relation index, const IvfbqIndex *info, IvfbqVisit visit,
								 void *arg);

/*
 * Gives a leaf two children, adds a key to a leaf: unless the cell has changed since it was found
 * (then nothing is done; look again).
 */
extern void ivfbq_directory_split(Relation index, const IvfbqIndex *info, const IvfbqCell *leaf,
								  bool building);
extern void ivfbq_directory_add_key(Relation index, const IvfbqIndex *info,
									const IvfbqCell *leaf, const IvfbqKey *key, bool building);

/* A leaf with more keys than this is given children for new ones. */
#define IVFBQ_LEAF_KEYS 16

/* Does a key's cell belong to this key? */
static inline bool
ivfbq_cell_is_key(const IvfbqCellData *cell, const IvfbqKey *key, int nkeys)
{
	return cell->type == IVFBQ_CELL_KEY && cell->hash == key->hash &&
		   memcmp(cell->tags, key->tags, sizeof(uint32) * nkeys) == 0;
}

#endif

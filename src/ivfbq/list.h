/*
 * list.h
 *		One list: where its cell is, reading its pages, putting one row into it.
 */
#ifndef AGM_IVFBQ_LIST_H
#define AGM_IVFBQ_LIST_H

#include "ivfbq/directory.h"

/* Which list: the cell that has it, and which of the cell's lists it is. */
typedef struct IvfbqListRef
{
	IvfbqCellRef cell;
	uint8 role; /* IVFBQ_ROLE_... */
} IvfbqListRef;

/* The list of a role in a directory cell; of a lists page's cell for IVFBQ_ROLE_LIST. */
static inline IvfbqListData *
ivfbq_cell_list(IvfbqCellData *cell, uint8 role)
{
	switch (role)
	{
		case IVFBQ_ROLE_TIDS:
			return &cell->tids;
		case IVFBQ_ROLE_CENTROIDS:
			return &cell->centroids;
		default:
			return &cell->rows;
	}
}

/* The list on the locked page of its cell; raises corruption if there is none. */
extern IvfbqListData *ivfbq_list_on_page(Relation index, int nkeys, Page page, IvfbqListRef ref);
extern void ivfbq_list_read(Relation index, int nkeys, IvfbqListRef ref, IvfbqListData *list);

/* A fresh list without pages, relative to a base page. */
extern void ivfbq_list_init(IvfbqListData *list, BlockNumber base, uint16 slot);

/* Raises corruption (in recovery a serialization failure) unless the locked page is one of the list. */
extern void ivfbq_check_owner(Relation index, BlockNumber block, Page page, IvfbqListRef ref);

/*
 * Reads an 8-bit row into `row`: of a slot of a code page that is locked.  Locks its refine pages,
 * one at a time.
 */
extern void ivfbq_row_read(Relation index, const IvfbqGeometry *geometry, Page codes,
						   BlockNumber block, int slot, char *row);

/*
 * Calls `visit` with every live row of a chain of code pages, from `head` to before `stop` (Invalid:
 * to the end).  row is NULL on tids pages.  Holds the code page's share lock during the call.
 */
typedef struct IvfbqRowVisit
{
	BlockNumber block;
	Page page;
	int slot;
	const IvfbqGeometry *geometry;
	ItemPointer tid;
	const char *row; /* 8-bit row; NULL unless asked for */
} IvfbqRowVisit;
typedef void (*IvfbqRowVisitor)(const IvfbqRowVisit *visit, void *arg);
extern void ivfbq_list_walk(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
							BlockNumber head, BlockNumber stop, bool want_rows,
							IvfbqRowVisitor visitor, void *arg);

/* A row to be put into a list. */
typedef struct IvfbqEntry
{
	const char *row; /* 8-bit row with its TID, NULL for a list of tids */
	ItemPointerData tid;
	const uint32 *tags; /* NULL for lists of keys */
	IvfbqCode code;		/* relative to the list's base; set by the caller */
	const uint8 *bits;
} IvfbqEntry;

typedef enum IvfbqPut
{
	IVFBQ_PUT_DONE,
	IVFBQ_PUT_STALE, /* sealed, or not the list's any more: look the key up again */
	IVFBQ_PUT_FULL	 /* max_pages reached: no room without one more page */
} IvfbqPut;

/*
 * Puts a row into a list, adding pages as needed, no more than max_pages to the chain (0: no limit).
 * base and slot: what the code is relative to; STALE if the list's is another.
 * *block, *put_slot (NULL: not wanted): where it went.
 */
extern IvfbqPut ivfbq_list_put(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
							   const IvfbqEntry *entry, BlockNumber base, uint16 base_slot,
							   uint32 max_pages, bool building, BlockNumber *block, int *put_slot);

/* How many rows with these tags a chain has, no more than `enough`. */
extern int ivfbq_list_count_tags(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
								 BlockNumber head, const uint32 *tags, int enough);

/*
 * The lists of a clustered key, and the centroids they are relative to, found by the code page and slot of
 * their rows: the base of one list.  Memory in the current context.
 */
extern IvfbqBase *ivfbq_list_base(Relation index, const IvfbqIndex *info, const IvfbqListData *list,
								  uint8 role);

#endif

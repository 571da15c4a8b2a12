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
extern IvfbqListData *ivfbq_list_on_page(Relation index, int nkeys, Page page,
										 IvfbqListRef ref);
extern void ivfbq_list_read(Relation index, int nkeys, IvfbqListRef ref, IvfbqListData *list);

/* A fresh list without pages, relative to a base page. */
extern void ivfbq_list_init(IvfbqListData *list, BlockNumber base, uint16 slot);

/* Raises corruption (in recovery a serialization failure) unless the locked page is one of the list's. */
extern void ivfbq_check_owner(Relation index, BlockNumber block, Page page, IvfbqListRef ref);
/* The same unless the counts of the locked page are within its geometry: before they are used as bounds. */
extern void ivfbq_check_counts(Relation index, BlockNumber block, Page page,
							   const IvfbqGeometry *geometry);

/*
 * The same if the page names a refine page twice, or itself: before more than one of them is locked, or one of
 * any kind.
 */
extern void ivfbq_check_refine_blocks(Relation index, BlockNumber block, Page page,
									  const IvfbqGeometry *geometry);

/*
 * Reads an 8-bit row into `row`: of a slot of a code page that is locked.  Locks its refine pages,
 * one at a time.
 */
extern void ivfbq_row_read(Relation index, const IvfbqGeometry *geometry, Page codes,
						   BlockNumber block, int slot, char *row);

/*
 * Calls `visit` with every live row of a chain of code pages, from `head` to before `stop` (Invalid:
 * to the end).  row is NULL on tids pages.  Works on copies and holds no lock during the call.
 */
typedef struct IvfbqRowVisit
{
	BlockNumber block;
	Page page;
	int slot;
	const IvfbqGeometry *geometry;
	ItemPointer tid;
	const char *row; /* 8-bit row, until the call is over; NULL unless asked for */
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
	IVFBQ_PUT_STALE,  /* sealed, or not the list's any more: look the key up again */
	IVFBQ_PUT_CLOSED, /* the list is closed: the same, and the key must have changed */
	IVFBQ_PUT_FULL	  /* max_pages reached: no room without one more page */
} IvfbqPut;

/*
 * Puts a row into a list, adding pages as needed, no more than max_pages to the chain (0: no limit).
 * base and slot: what the code is relative to; raises corruption if the list is not.
 * *block, *put_slot (NULL: not wanted): where it went.
 */
extern IvfbqPut ivfbq_list_put(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
							   const IvfbqEntry *entry, BlockNumber base, uint16 base_slot,
							   uint32 max_pages, bool building, BlockNumber *block,
							   int *put_slot);

/* Whether the rows of a list have tags: its cell is a node. */
extern bool ivfbq_list_is_tagged(const IvfbqIndex *info, IvfbqListRef ref,
								 const IvfbqCellData *cell);

/*
 * Makes a page an empty one of the list.  geometry: of the list's pages.  For new pages that no list
 * has yet, too.
 */
extern void ivfbq_codes_init(Page page, const IvfbqGeometry *geometry, IvfbqListRef ref,
							 bool tagged);
/* The kind of page and geometry of a list. */
extern IvfbqPageKind ivfbq_list_kind(uint8 role);
extern const IvfbqGeometry *ivfbq_list_geometry(const IvfbqIndex *info, uint8 role,
												bool tagged);

/* An empty refine page of a code page. */
extern void ivfbq_refine_init(Page page, BlockNumber codes, int number);
/* Puts a part of a row on a refine page, and moves pd_lower if it must. */
extern void ivfbq_refine_write(Page page, int offset, const char *bytes, int n);

/* How many rows with these tags a chain has, no more than `enough`. */
extern int ivfbq_list_count_tags(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
								 BlockNumber head, const uint32 *tags, int enough);

/*
 * The TID of a centroid's row names its list: a cell of a lists page.  Offsets of TIDs begin at 1, cells
 * at 0.
 */
static inline void
ivfbq_centroid_set_cell(ItemPointer tid, BlockNumber block, uint16 cell)
{
	ItemPointerSet(tid, block, (OffsetNumber) (cell + 1));
}

static inline IvfbqCellRef
ivfbq_centroid_cell(const ItemPointerData *tid)
{
	return (IvfbqCellRef){ItemPointerGetBlockNumberNoCheck(tid),
						  (uint16) (ItemPointerGetOffsetNumberNoCheck(tid) - 1), 0};
}

/* What the codes of a list are relative to.  In the current context, for ivfbq_base_free(). */
extern IvfbqBase *ivfbq_list_base(Relation index, const IvfbqIndex *info,
								  const IvfbqListData *list, uint8 role);
/* Where that is, from a query. */
extern IvfbqPlace ivfbq_list_place(Relation index, const IvfbqIndex *info,
								   const IvfbqListData *list, uint8 role,
								   const IvfbqQuery *query);

#endif

/*
 * check.h
 *		What is wrong with an index: README.md, "Invariants", as code.
 *
 * Raises an error at the first fault.  The frame, pages and the directory are in check.c, lists and their pages
 * in check_list.c, rows in check_row.c, heap TIDs and the table in check_heap.c.
 */
#ifndef AGM_IVFBQ_CHECK_H
#define AGM_IVFBQ_CHECK_H

#include "ivfbq/list.h"
#include "utils/hsearch.h"
#include "utils/snapshot.h"

/*
 * Checks an index that the caller has locked, its table first; returns the number of its rows.
 * heap_all_indexed: that each row of the table that a new snapshot sees is where a search would look
 * for it, too.  Memory: a byte a page, and maintenance_work_mem.
 */
extern int64 ivfbq_check(Relation heap, Relation index, bool heap_all_indexed);

/* What is known of a page: its kind when it was looked at first, and ... */
#define IVFBQ_SEEN_KIND 0x0f
#define IVFBQ_SEEN_RETIRED 0x10
#define IVFBQ_SEEN_REACHED 0x20 /* the walk from the directory came to it */
#define IVFBQ_SEEN_FREE 0x40	/* the walk along the free chain did */

typedef struct IvfbqEntries IvfbqEntries;

typedef struct IvfbqCheck
{
	/* set once */
	Relation heap;
	Relation index;
	bool recovery;	 /* on a standby: nobody can be kept from moving entries */
	uint64 switches; /* of the meta page, at the start */
	BufferAccessStrategy strategy;
	MemoryContext context; /* of everything here */
	IvfbqEntries *entries;

	/* changes */
	IvfbqIndex *info;
	uint8 *pages; /* what is known of each, IVFBQ_SEEN_... */
	BlockNumber npages;
	HTAB *directory; /* its pages, and which of their cells the walk came to */
	BlockNumber heap_blocks;
	int64 rows;

	/* for check_list.c: copies of a code page, of its refine pages' rows; two codes */
	char *page;
	char *page_rows;
	uint8 *bits[2];
} IvfbqCheck;

/*
 * The error: the fault is at a block, at a slot of it (-1: at none), and breaks an invariant (0: what
 * format.h says).  On a standby where entries have been moved meanwhile, a serialization failure instead.
 */
extern void ivfbq_fault(IvfbqCheck *check, BlockNumber block, int slot, int invariant,
						const char *format, ...)
	__attribute__((format(printf, 5, 6), __noreturn__));

/* The walk comes to a page; only once, unless it is a base's. */
extern void ivfbq_check_reach(IvfbqCheck *check, BlockNumber block);
static inline bool
ivfbq_check_is_reached(const IvfbqCheck *check, BlockNumber block)
{
	return block < check->npages && (check->pages[block] & IVFBQ_SEEN_REACHED) != 0;
}

/* Are the first `depth` bits of two hashes the same? */
static inline bool
ivfbq_has_prefix(uint64 hash, uint64 prefix, int depth)
{
	return depth == 0 || ((hash ^ prefix) >> (64 - depth)) == 0;
}

/* check_list.c: a list of a directory cell, or of a lists page that belongs to it. */
extern void ivfbq_check_list(IvfbqCheck *check, IvfbqListRef ref, const IvfbqCell *cell);
/* The lists pages of a clustered key, and all their lists. */
extern void ivfbq_check_lists(IvfbqCheck *check, const IvfbqCell *key);
/* The base pages from this one on, unless the walk came to them already. */
extern void ivfbq_check_base(IvfbqCheck *check, BlockNumber base);

/* What a list's pages and rows are checked against. */
typedef struct IvfbqListCheck
{
	IvfbqCheck *check;
	IvfbqListRef ref;
	const IvfbqCell *cell; /* of the directory */
	bool tagged;
	const IvfbqGeometry *geometry;
	IvfbqBase *base; /* NULL: on tids pages */
	/* of the page that was read last */
	BlockNumber block;
	bool sealed;
	LocationIndex *refine_lower; /* geometry->refine_pages */
} IvfbqListCheck;

static inline IvfbqCodesData *
ivfbq_checked_codes(const IvfbqListCheck *list)
{
	return ivfbq_codes(list->check->page);
}

/* check_row.c: what is wrong with the bytes of an 8-bit row, or NULL.  is_base: a mean has any length. */
extern const char *ivfbq_row_fault(const IvfbqIndex *info, const char *row, bool is_base);
extern void ivfbq_check_live_slot(IvfbqListCheck *list, int slot);
/* written: the slot's block has been written, so that there is a code, if zero. */
extern void ivfbq_check_free_slot(IvfbqListCheck *list, int slot, bool written);

/* check_heap.c */
extern void ivfbq_entries_begin(IvfbqCheck *check, bool heap_all_indexed);
/* A live row; of a list of this directory cell, row NULL on tids pages. */
extern void ivfbq_entries_add(IvfbqCheck *check, const IvfbqCell *cell, const uint32 *tags,
							  ItemPointer tid, const char *row);
extern void ivfbq_entries_finish(IvfbqCheck *check);

#endif

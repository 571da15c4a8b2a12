/*
 * move.h
 *		Draining lists into others: README.md, "Moving".
 *
 * A move is begun, is given the lists that it drains and those that get rows, is given the rows, and is
 * switched; until then nothing that it wrote can be seen.  The caller holds the maintenance lock.
 */
#ifndef AGM_IVFBQ_MOVE_H
#define AGM_IVFBQ_MOVE_H

#include "ivfbq/append.h"

/* Lists of one move. */
#define IVFBQ_MOVE_LISTS 36
/* Pages that have their cells: with the meta page they are one record. */
#define IVFBQ_MOVE_CELL_PAGES 3

typedef struct IvfbqMoveList
{
	IvfbqListRef ref;
	bool tagged;
	bool drained;
	bool is_new;			  /* its cell is not in use: what it gets is all it has */
	IvfbqListData before;	  /* with its empty page at the end */
	BlockNumber stop;		  /* what its new pages are followed by */
	BlockNumber sealed_pages; /* from before.head to `stop` */
	IvfbqBase *base;
	BlockNumber base_block;
	uint16 base_slot;
	IvfbqAppender *appender; /* made when the first row comes */
	IvfbqListData made;
} IvfbqMoveList;

typedef struct IvfbqMove
{
	Relation index;
	const IvfbqIndex *info;
	int n;
	IvfbqMoveList lists[IVFBQ_MOVE_LISTS];
} IvfbqMove;

/* What else a switch changes: a page of centroids, and whatever of the cells' pages. */
typedef struct IvfbqSwitch
{
	BlockNumber codes; /* a page of centroids to change, or InvalidBlockNumber */
	/* The pages that are registered: codes (NULL if there is none), and the page of a cell. */
	void (*change)(Page codes, Page (*page_of)(void *pages, BlockNumber block), void *pages,
				   void *arg);
	void *arg;
} IvfbqSwitch;

extern void ivfbq_move_begin(IvfbqMove *move, Relation index, const IvfbqIndex *info);

/* A list to be drained: it is sealed now, and may get rows itself.  Returns its number in the move. */
extern int ivfbq_move_drain(IvfbqMove *move, IvfbqListRef ref, bool tagged);
/* A list that gets rows, if it is not one already. */
extern int ivfbq_move_target(IvfbqMove *move, IvfbqListRef ref, bool tagged);
/* A list of a cell that is not in use, relative to a centroid that is not live yet. */
extern int ivfbq_move_new_list(IvfbqMove *move, IvfbqListRef ref, const char *centroid,
							   BlockNumber base, uint16 slot);

/* Calls `visit` with all rows of a drained list. */
extern void ivfbq_move_walk(IvfbqMove *move, int number, bool want_rows, IvfbqRowVisitor visit,
							void *arg);
extern void ivfbq_move_row(IvfbqMove *move, int number, const char *row, ItemPointer tid,
						   const uint32 *tags);
/* The rows that a list got so far. */
extern int64 ivfbq_move_rows(const IvfbqMove *move, int number);

/*
 * The one record that makes it so; then retires the pages that were drained.  `also` may be NULL.
 */
extern void ivfbq_move_finish(IvfbqMove *move, const IvfbqSwitch *also);

/* Marks a page of a list as one that gets no rows any more; returns the next one. */
extern BlockNumber ivfbq_seal_page(Relation index, IvfbqListRef ref, BlockNumber block);
/* Retires the pages of a chain that nothing reaches any more, from `head` to before `stop`. */
extern void ivfbq_retire_chain(Relation index, const IvfbqIndex *info, uint8 role,
							   BlockNumber head, BlockNumber stop);

/*
 * Appends an empty page to a list; returns it.  Of lists of centroids, and of those that have none before
 * they become targets.
 */
extern BlockNumber ivfbq_add_empty_page(Relation index, const IvfbqIndex *info,
										IvfbqListRef ref, bool tagged);

#endif

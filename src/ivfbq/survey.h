/*
 * survey.h
 *		What there is in an index: a walk through all lists, and what is due.
 *
 * For cleanup and maintenance, which hold the maintenance lock: no row moves while this looks, but inserts go
 * on.
 */
#ifndef AGM_IVFBQ_SURVEY_H
#define AGM_IVFBQ_SURVEY_H

#include "ivfbq/list.h"

/* What a list needs. */
typedef enum IvfbqDueKind
{
	IVFBQ_DUE_NODE,		 /* a node with children has rows */
	IVFBQ_DUE_KEY,		 /* a key's rows are still in nodes */
	IVFBQ_DUE_RECLUSTER, /* the lists of a key were made for far fewer rows, or are closed */
	IVFBQ_DUE_CLUSTER,	 /* a flat list is over the limit */
	IVFBQ_DUE_SPREAD,	 /* the flat list of a clustered key has a list's worth of rows */
	IVFBQ_DUE_SPLIT,	 /* a list is far larger than it should be */
	IVFBQ_DUE_REWRITE	 /* most slots of a list are free */
} IvfbqDueKind;

typedef struct IvfbqDue
{
	IvfbqDueKind kind;
	IvfbqListRef ref;
	IvfbqCellRef key; /* the list's key or node */
	int64 rows;
} IvfbqDue;

/* Of a page: its kind, in the low bits, and: */
#define IVFBQ_SURVEY_KIND 0x0f
#define IVFBQ_SURVEY_RETIRED 0x40
#define IVFBQ_SURVEY_REACHED 0x80

typedef struct IvfbqSurvey
{
	/* set once */
	Relation index;
	Relation heap; /* NULL before 16 */
	const IvfbqIndex *info;
	BufferAccessStrategy strategy;
	MemoryContext context;
	int flat_limit;
	int list_size;

	/* changes */
	BlockNumber npages;
	uint8 *pages;
	int64 rows;
	int64 lists; /* of clustered keys */
	IvfbqDue *due;
	int ndue;
	int due_max;
	bool only_mark; /* pages that are reached, and nothing else */
	/* For the index's mean, if it has none. */
	double *sum;
	double squares;
	int64 summed;
} IvfbqSurvey;

/* In the current memory context. */
extern void ivfbq_survey_begin(IvfbqSurvey *survey, Relation index, Relation heap,
							   BufferAccessStrategy strategy);

/*
 * Walks through all lists, marks the pages, notes what is due; on the way links pages with free slots to
 * `free` of their lists, and gives up single pages that are empty.
 */
extern void ivfbq_survey_walk(IvfbqSurvey *survey);

/* Counts for VACUUM. */
typedef struct IvfbqPageCounts
{
	BlockNumber free;
	BlockNumber retired;
	BlockNumber newly_retired;
} IvfbqPageCounts;

/* After the walk: frees retired pages whose time has come, retires what nothing reaches. */
extern void ivfbq_recycle_pages(IvfbqSurvey *survey, IvfbqPageCounts *counts);

/* Retires a code page or tids page with its refine pages. */
extern void ivfbq_retire_codes(Relation index, const IvfbqIndex *info, BlockNumber block);

/*
 * Zeroes a refine page that no code page names: a move that was cut short left it, and nobody will read it.  Other pages are
 * left alone.
 */
extern void ivfbq_wipe_orphan(Relation index, const IvfbqIndex *info, BlockNumber block,
							  BufferAccessStrategy strategy);

/* Gives up the only page of a list if it is empty. */
extern void ivfbq_detach_empty(Relation index, const IvfbqIndex *info, IvfbqListRef ref);

#endif

/*
 * descend.h
 *		Where a btree has the entries of many values, which go down from its root together.
 *
 * Knows btree's pages, and nothing of visibility.  What is not found on the first look (a page was
 * split meanwhile, entries go on on the next) is told, and core's own search has the answer.
 * src/base/README.md, "Reading an index directly".
 */
#ifndef AGM_BASE_DESCEND_H
#define AGM_BASE_DESCEND_H

#include "postgres.h"

#include "access/itup.h"
#include "storage/buf.h"
#include "storage/itemptr.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

#include "base/recent.h"

/* The first bytes of a namespace as entries have it: one comparison, mostly of all of it. */
#define AGM_DESCENT_HEAD 8

/* What is looked for: entries that begin with a namespace and one of the values. */
typedef struct AgmDescent
{
	Relation index;
	AgmRecent *recent; /* where its pages were */
	Snapshot snapshot; /* held: no page that it could have come to is used again */
	const char *ns;
	int length;
	uint64 head;		 /* of a namespace that is short ... */
	uint64 mask;		 /* ... these bytes of it */
	int value;			 /* where the value lies after one */
	const int64 *values; /* ascending */
	bool skips_dead;	 /* entries that were found to be of no row that anyone sees */
} AgmDescent;

/* Values that are next to each other and lie on one leaf; InvalidBlockNumber: nobody knows where. */
typedef struct AgmRun
{
	BlockNumber block;
	int first; /* of the values */
	int n;
	float guess; /* so much of the page lies before the first of them, if values lie evenly */
} AgmRun;

/* No guess. */
#define AGM_ANYWHERE (-1.0f)

typedef struct AgmRuns
{
	AgmRun *runs;
	int n;
	int room;
} AgmRuns;

/*
 * Pages of the runs to come, on their way into the processor's caches: first what tells where entries are, of pages
 * that were found before; then they are pinned; then the entries.
 */
#define AGM_AHEAD 16

typedef struct AgmAhead
{
	Relation index;
	AgmRecent *recent;
	const AgmRuns *runs;
	const ItemPointerData *tids; /* of the runs' firsts, where these are known; else NULL */
	int depth;					 /* so many are pinned */
	int sighted;				 /* runs up to here have been asked for */
	int pinned;
	int called;	 /* ... and the entries of these */
	int entries; /* of the last page that was looked at */
	Buffer buffers[AGM_AHEAD];
} AgmAhead;

extern void agm_ahead_begin(AgmAhead *ahead, const AgmDescent *descent, const AgmRuns *runs);

/* ... of a table, whose runs are of these rows. */
extern void agm_ahead_begin_rows(AgmAhead *ahead, Relation table, const AgmRuns *runs,
								 const ItemPointerData *tids);

/* The next value, or row, is on this page. */
extern void agm_runs_add(AgmRuns *runs, BlockNumber block, int value, float guess);

/* The page of run i, pinned: the caller releases it.  To be asked for each run in turn. */
extern Buffer agm_ahead_take(AgmAhead *ahead, int i);

/* What one leaf says of one value. */
typedef struct AgmFound
{
	int first; /* of the leaf's entries */
	int n;
	bool more;		  /* ... or there may be */
	BlockNumber next; /* there, if it is known: the leaf ended with it */
} AgmFound;

/* An entry: its row, and a copy of its tuple. */
typedef struct AgmEntry
{
	ItemPointerData tid;
	uint16 at; /* in `bytes`, divided by MAXIMUM_ALIGNOF */
} AgmEntry;

typedef struct AgmLeaf
{
	AgmFound *found; /* by value of the run */
	int room;		 /* of `found` */
	int n;			 /* entries */
	int used;		 /* of `bytes` */
	AgmEntry *entries;
	char *bytes;
} AgmLeaf;

/* Can values be looked for like this in an index whose first columns are a namespace and a bigint? */
extern bool agm_descent_suits(Relation index);

/* `ns` must outlive it. */
extern void agm_descent_init(AgmDescent *descent, Relation index, Snapshot snapshot,
							 const text *ns);

/* The leaves of the first n values, in their order. */
extern void agm_descend(const AgmDescent *descent, int n, AgmRuns *leaves);

extern void agm_leaf_init(AgmLeaf *leaf);

/*
 * Reads the first most[i] entries of each value of the run from its page, which is pinned and stays so;
 * most is by value.  `tuples`: with copies of them.
 */
extern void agm_leaf_read(const AgmDescent *descent, Buffer buffer, const AgmRun *run,
						  const int64 *most, bool tuples, AgmLeaf *leaf);

static inline IndexTuple
agm_leaf_tuple(const AgmLeaf *leaf, const AgmEntry *entry)
{
	return (IndexTuple) (leaf->bytes + (Size) entry->at * MAXIMUM_ALIGNOF);
}

#endif

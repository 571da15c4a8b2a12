/*
 * rows.h
 *		Reading again the rows of memories that were found: by where they lie.
 *
 * All statements of a call see one snapshot, so that a row is where the first of them found it, and
 * needs no look-up by key, whose cost grows with what others have.  README, "Rows".
 */
#ifndef AGM_RECALL_ROWS_H
#define AGM_RECALL_ROWS_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "lib/stringinfo.h"
#include "storage/itemptr.h"

#include "recall/recall.h"

/* A statement that reads rows of one source; $1 is the namespace, $2 where they are. */
typedef struct AgmRows
{
	const AgmRecall *recall;
	AgmSource source;
	bool passed; /* the filter */
	bool by_place;
	AgmParams params;
	StringInfoData sql;
} AgmRows;

/* Where a row lies, of its ctid; and of that in a slot. */
extern AgmPlace agm_place(const AgmRecall *recall, AgmSource source,
						  const ItemPointerData *tid);
extern AgmPlace agm_place_of(const AgmRecall *recall, AgmSource source, TupleTableSlot *slot,
							 int attno);

/*
 * Writes "SELECT ".  False if the source has none of these, whose places are known.  `passed`: they
 * have passed the filter.
 */
extern bool agm_rows_begin(AgmRows *rows, const AgmRecall *recall, const AgmSearched *searched,
						   AgmSource source, const AgmHit *hits, int n, bool passed);

/* After the columns of m that are wanted: "FROM (SELECT ", to be followed by columns of c. */
extern void agm_rows_from(AgmRows *rows);

/* "FROM c) m", with the filter unless they have passed it. */
extern void agm_rows_end(AgmRows *rows, const AgmSearched *searched);
extern void agm_rows_read(AgmRows *rows, AgmColumns columns, AgmRowFn row, void *arg);

#endif

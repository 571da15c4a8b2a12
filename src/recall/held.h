/*
 * held.h
 *		Which rows of a table were held at the instant asked (README rule 21).
 */
#ifndef AGM_RECALL_HELD_H
#define AGM_RECALL_HELD_H

#include "postgres.h"

#include "storage/itemptr.h"

#include "recall/recall.h"

typedef struct AgmHeld AgmHeld;

/*
 * That of a source's table, for all channels of one namespace's search; NULL where the table may not be
 * read directly.  At the end of the search all are closed.
 */
extern AgmHeld *agm_held_of(const AgmRecall *recall, const AgmSearched *searched,
							AgmSource source);
extern void agm_held_end(const AgmSearched *searched);
extern Oid agm_held_table(const AgmHeld *held);

/* So many rows will be asked for: looks all up that were held, if that is cheaper. */
extern void agm_held_expect(AgmHeld *held, int64 asked);

/* Looks all up that were held, and returns how many; -1 if there are more than `most`, or no index of time. */
extern int64 agm_held_collect(AgmHeld *held, int64 most);

/* After that: of the row versions that the snapshot sees, where they are; palloc'd, *n of them. */
extern ItemPointerData *agm_held_rows(AgmHeld *held, int *n);

/* Does an index's entry lead to a row that the snapshot sees and that was held? */
extern bool agm_held_has(AgmHeld *held, const ItemPointerData *tid);

/* The same of many, if all have been looked up; else NULL. */
extern const struct AgmRowSet *agm_held_set(const AgmHeld *held);

#endif

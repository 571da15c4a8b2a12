/*
 * held.h
 *		Which rows of a table were held at the instant asked (README rule 21).
 */
#ifndef AGM_RECALL_HELD_H
#define AGM_RECALL_HELD_H

#include "postgres.h"

#include "storage/itemptr.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "recall/recall.h"

typedef struct AgmHeld AgmHeld;

/* The relation is one of agm_table_open(), and stays open. */
extern AgmHeld *agm_held_open(const AgmRecall *recall, AgmSource source, Relation table,
							  text *ns, Snapshot snapshot);
extern void agm_held_close(AgmHeld *held);

/* So many rows will be asked for, of a namespace of so many: shall all that were held be looked up at once? */
extern void agm_held_expect(AgmHeld *held, int64 asked, int64 memories);

/* Does an index's entry lead to a row that the snapshot sees and that was held? */
extern bool agm_held_has(AgmHeld *held, const ItemPointerData *tid);

#endif

/*
 * bulk.h
 *		Memories of a batch that are new for sure wait, and are inserted by one statement.
 *
 * src/memory/README.md, "Batches".
 */
#ifndef AGM_MEMORY_BULK_H
#define AGM_MEMORY_BULK_H

#include "postgres.h"

#include "utils/hsearch.h"

#include "memory/memory.h"

typedef struct AgmBulk
{
	AgmWriter *writer;
	bool closed; /* memories are written one by one */
	HTAB *seen;	 /* locks of what is held, and of what came before in the batch */
	AgmMemory **memories;
	AgmWritten **written;
	ItemPointerData *rows;
	int n;
	int at; /* the one that is being written */
	Size words;
	const AgmMemory *episode; /* the last of those that wait */
	int64 parent;			  /* that is known to be there; 0: none */
} AgmBulk;

/* With the locks held: looks which of the memories may be repetitions. */
extern void agm_bulk_open(AgmBulk *bulk, AgmWriter *writer, AgmMemory **memories, int n);

/*
 * Does the memory wait?  If not, it is to be written by itself, after those that do.  Each
 * memory of the batch is shown once, in order.
 */
extern bool agm_bulk_take(AgmBulk *bulk, AgmMemory *memory, AgmWritten *written);

/* Writes those that wait; what agm_memory_write() would have done for one after the other. */
extern void agm_bulk_write(AgmBulk *bulk);

/* None waits any more: after an error, they are written one by one. */
extern void agm_bulk_reset(AgmBulk *bulk);

#endif

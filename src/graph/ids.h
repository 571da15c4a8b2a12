/*
 * ids.h
 *		A dictionary of 64-bit ids: each gets the next number from 0 on.  Pure.
 *
 * Open addressing; nothing is ever removed.  The numbers index arrays of whoever counts.
 */
#ifndef AGM_GRAPH_IDS_H
#define AGM_GRAPH_IDS_H

#include "postgres.h"

#define AGM_NO_NODE PG_UINT32_MAX

typedef struct AgmIds
{
	MemoryContext context;
	uint32 n;
	uint32 capacity; /* of ids */
	int64 *ids;		 /* by number */
	uint32 *slots;	 /* number + 1; 0: free */
	uint32 mask;
} AgmIds;

extern void agm_ids_init(AgmIds *ids, MemoryContext context);

/* The number of an id, which is given one if it has none; *is_new may be NULL. */
extern uint32 agm_ids_add(AgmIds *ids, int64 id, bool *is_new);

/* AGM_NO_NODE if it has none. */
extern uint32 agm_ids_find(const AgmIds *ids, int64 id);

/* Bytes that it takes. */
extern Size agm_ids_size(const AgmIds *ids);

#endif

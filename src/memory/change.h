/*
 * change.h
 *		Operations on memories that are named by their ids.
 *
 * Each learns the hashes of the memories first, then takes their rows of key_lock in order,
 * and looks again with the locks held.  Rules: src/memory/README.md, "Operations".
 */
#ifndef AGM_MEMORY_CHANGE_H
#define AGM_MEMORY_CHANGE_H

#include "memory/memory.h"

/* What names the locks of a memory that is held. */
typedef struct AgmHeld
{
	int64 id;
	pg_uuid_t statement;
	bool has_key_hash;
	pg_uuid_t key_hash;
	Datum key; /* text */
	bool has_key;
	AgmPeriod period;
} AgmHeld;

/* Those of `ids` that are held, in the order of ids; the result is palloc'd. */
extern AgmHeld *agm_held_read(AgmWriter *writer, const int64 *ids, int n, int *nheld);

/* Room for the locks of n memories. */
extern int agm_held_locks(const AgmHeld *held, int n, int64 *locks);

/*
 * With the locks held: locks the rows and raises 40001 if one states something else by now,
 * which its lock does not cover.  False if one is gone.
 */
extern bool agm_held_confirm(AgmWriter *writer, const AgmHeld *held, int n);

extern void agm_memory_remove(AgmWriter *writer, int64 id);

/* A memory as remember() takes it, from its row; false if there is none of this id. */
extern bool agm_memory_load(AgmWriter *writer, int64 id, AgmMemory *memory);

#endif

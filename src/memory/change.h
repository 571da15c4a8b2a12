/*
 * change.h
 *		Operations on memories that are named by their ids.
 *
 * Each learns the hashes of the memories first, then takes their rows of key_lock in order,
 * and looks again with the locks held.  Rules: src/memory/README.md, "Operations".
 */
#ifndef AGM_MEMORY_CHANGE_H
#define AGM_MEMORY_CHANGE_H

#include "memory/filter.h"
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

/* Raises 40001: the memory is another than the one whose locks are held. */
pg_noreturn extern void agm_changed_meanwhile(int64 id);

/* Ids or locks of many memories. */
typedef struct AgmInt64List
{
	int64 *items;
	int n;
	int capacity;
} AgmInt64List;

/* An AgmRowFn that adds the locks of a row: content_hash, key_hash, key ("uu?t?"). */
extern void agm_read_locks(TupleTableSlot *slot, void *list);
/* ... of a row whose first of these columns has the number attno. */
extern void agm_add_locks(AgmInt64List *list, TupleTableSlot *slot, int attno);
extern void agm_int64_add(AgmInt64List *list, int64 value);
/* In ascending order, each once; agm_int64_has wants that. */
extern void agm_int64_sort(AgmInt64List *list);
extern bool agm_int64_has(const AgmInt64List *list, int64 value);

extern void agm_memory_remove(AgmWriter *writer, int64 id);

/* A memory as remember() takes it, from its row; false if there is none of this id. */
extern bool agm_memory_load(AgmWriter *writer, int64 id, AgmMemory *memory);

/* ... with its kind, period, statement and key, but no words and no locks. */
extern bool agm_memory_load_derived(AgmWriter *writer, int64 id, AgmMemory *memory);

/* Raises as a write would if its attributes are not what its kind declares by now. */
extern void agm_held_check_attributes(AgmWriter *writer, int64 id);

/* Which memories to forget. */
typedef struct AgmForgetting
{
	AgmFilter filter;
	int64 limit; /* at most so many, the oldest ids first; 0: no limit */
	bool dry_run;
} AgmForgetting;

/*
 * forget.c: takes out those that pass the filter, as one operation; the ids, in order.  Raises
 * 54000 if their ids and locks need more than maintenance_work_mem, 40001.
 */
extern AgmInt64List agm_forget_where(AgmWriter *writer, const AgmForgetting *forgetting);

/* Whether a memory helped, in its counters.  False: none of this id is held. */
extern bool agm_feedback(AgmWriter *writer, int64 id, bool useful);

#endif

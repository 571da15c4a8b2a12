/*
 * resolve.h
 *		Settling conflicts, and undoing operations.
 */
#ifndef AGM_MEMORY_RESOLVE_H
#define AGM_MEMORY_RESOLVE_H

#include "memory/memory.h"

/* The winner takes over what the loser adds; the loser is forgotten, an edge leads to it. */
extern void agm_merge(AgmWriter *writer, int64 winner, int64 loser, const char *edge);

/* `side` is NULL for the default.  Raises P0002, 22023, 55000. */
extern void agm_resolve(AgmWriter *writer, int64 conflict, const char *resolution,
						const int64 *side, Datum note, bool no_note);

/*
 * Merges memories that say the same into the first of them, as one operation that restore()
 * undoes: what they add, their edges, how often they were confirmed and used.  False, and nothing
 * happens, if one is not held any more.
 */
extern bool agm_merge_duplicates(AgmWriter *writer, const int64 *ids, int n);

/* Undoes the last operation on the memory; false if there is none.  Raises 55000, 23P01. */
extern bool agm_restore_last(AgmWriter *writer, int64 id);

/* Makes the version that was held at the instant the current one; false if there was none. */
extern bool agm_restore_version(AgmWriter *writer, int64 id, TimestampTz known_at);

#endif

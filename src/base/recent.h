/*
 * recent.h
 *		In which buffers pages of an index were found before.
 *
 * A page is pinned there without a look at the server's table of buffers, and its memory can be asked for before it
 * is pinned.  It may be another page by now: the server tells, and nothing but time depends on it.
 */
#ifndef AGM_BASE_RECENT_H
#define AGM_BASE_RECENT_H

#include "postgres.h"

#include "storage/buf.h"
#include "storage/block.h"
#include "utils/rel.h"

typedef struct AgmRecent
{
	Buffer *buffers; /* by block; of some that share a place, the last */
	uint32 size;	 /* a power of two */
	uint32 turn;
} AgmRecent;

/* Room for an index of so many blocks, 4 bytes each: 1 MB at most.  What is known is lost where it grows. */
extern void agm_recent_fit(AgmRecent *recent, MemoryContext context, BlockNumber blocks);

/* That of a backend for a btree; of some that were used last. */
extern AgmRecent *agm_recent_of(Relation index);

/* Where the block's buffer is noted; NULL where none is. */
static inline Buffer *
agm_recent_place(Relation index, AgmRecent *recent, BlockNumber block)
{
	if (unlikely(recent->size == 0 || RelationUsesLocalBuffers(index)))
		return NULL;
	return &recent->buffers[block & (recent->size - 1)];
}

/* Pins the page where it was, if it is there: `place` is of agm_recent_place. */
extern bool agm_recent_pin(Relation index, AgmRecent *recent, BlockNumber block,
						   const Buffer *place);

/* The page's memory, which is another's if it has gone; asks for what the server needs to pin it. */
extern const char *agm_recent_call(Buffer buffer);

#endif

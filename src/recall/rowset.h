/*
 * rowset.h
 *		A set of rows by where they lie in their table, asked for far more often than it is made.
 *
 * A bit for each place of a page, as many places as the greatest line number asks for, in chunks that
 * are there only where there is a row: of wide rows, a byte a page.  The server's own bitmaps of
 * rows (tidbitmap.h) can be walked, but not asked.
 */
#ifndef AGM_RECALL_ROWSET_H
#define AGM_RECALL_ROWSET_H

#include "postgres.h"

#include "recall/postings.h"

#define AGM_ROWSET_CHUNK_BITS 4096

typedef struct AgmRowSet
{
	int shift; /* 2^shift places a page */
	uint64 nchunks;
	uint64 **chunks; /* NULL: no row there */
} AgmRowSet;

/* Of entries of one source, in the current memory context; agm_rowset_free frees all of it. */
extern AgmRowSet *agm_rowset_make(const uint64 *entries, int64 n);
extern void agm_rowset_free(AgmRowSet *set);

static inline bool
agm_rowset_has(const AgmRowSet *set, BlockNumber block, OffsetNumber offset)
{
	uint64 place = (uint64) block << set->shift | offset;
	uint64 chunk = place / AGM_ROWSET_CHUNK_BITS;

	return offset >> set->shift == 0 && chunk < set->nchunks && set->chunks[chunk] != NULL &&
		   (set->chunks[chunk][place % AGM_ROWSET_CHUNK_BITS / 64] >> place % 64 & 1) != 0;
}

#endif

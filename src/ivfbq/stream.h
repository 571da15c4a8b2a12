/*
 * stream.h
 *		The rows of some lists, nearest first, as long as somebody asks.
 *
 * Candidates come from 1-bit bounds, are refined by 8-bit rows when their bound is the least, and leave by their
 * certain bound.  README.md, "Scan".
 */
#ifndef AGM_IVFBQ_STREAM_H
#define AGM_IVFBQ_STREAM_H

#include "ivfbq/list.h"
#include "ivfbq/target.h"

typedef struct IvfbqStream IvfbqStream;

typedef struct IvfbqHit
{
	double bound; /* certain lower bound of the key distance */
	ItemPointerData tid;
	BlockNumber block; /* the row's code page and slot */
	int slot;
} IvfbqHit;

/* At most `memory` bytes for candidates.  certain: refine by certain bounds only (exact order). */
extern IvfbqStream *ivfbq_stream_new(Relation index, const IvfbqIndex *info,
									 const IvfbqQuery *query, double epsilon, bool certain,
									 Size memory);
/*
 * A chain to read; place: of its base.  Of a node: tags: only rows with these (NULL: all); target: only rows that it matches
 * (NULL: all).  Both are to stay as long as the stream.
 */
extern void ivfbq_stream_add(IvfbqStream *stream, IvfbqListRef ref, BlockNumber head,
							 const IvfbqPlace *place, const uint32 *tags,
							 const IvfbqTarget *target);
/* Rows whose key distance is certainly above this are left out. */
extern void ivfbq_stream_limit(IvfbqStream *stream, double key_distance);
/* False: no more rows in the chains that were added. More may be added then. */
extern bool ivfbq_stream_next(IvfbqStream *stream, IvfbqHit *hit);
extern void ivfbq_stream_free(IvfbqStream *stream);

/* How many rows were estimated and refined. */
typedef struct IvfbqStreamCounts
{
	int64 estimated;
	int64 refined;
	int64 pages;
} IvfbqStreamCounts;
extern void ivfbq_stream_counts(const IvfbqStream *stream, IvfbqStreamCounts *counts);

#endif

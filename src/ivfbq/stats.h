/*
 * stats.h
 *		What there is in an index, how well it answers, how large one would be.
 */
#ifndef AGM_IVFBQ_STATS_H
#define AGM_IVFBQ_STATS_H

#include "ivfbq/meta.h"

typedef struct IvfbqStats
{
	IvfbqMetaData meta;
	BlockNumber pages;
	int64 page_kinds[IVFBQ_PAGE_FREE +
					 1]; /* by IvfbqPageKind, without retired ones; 0: all zeros */
	int64 retired_pages;
	int64 rows;			 /* with a vector's code */
	int64 directionless; /* rows on tids pages */
	int64 centroids;
	int64 free_slots;	/* used before */
	int64 unused_slots; /* at the ends of pages */
	int64 nodes;
	int64 keys;
	int64 clustered_keys;
	int64 lists;
	int64 list_rows; /* rows of these lists */
	/* shares of rows whose bit is set, over the dimensions of codes; of bit_rows rows */
	int64 bit_rows;
	double bits_min;
	double bits_avg;
	double bits_max;
} IvfbqStats;

/* One pass over all pages, one lock at a time: what is written meanwhile may be counted or not. */
extern void ivfbq_stats(Relation index, IvfbqStats *stats);

/* Bytes of a new index over so many rows of one key, with default options. */
extern double ivfbq_estimate_bytes(int64 rows, int dim);

typedef struct IvfbqMeasured
{
	int queries;
	double recall; /* mean */
	double recall_min;
	double milliseconds; /* mean */
	double exact_milliseconds;
} IvfbqMeasured;

/* measure.c: asks for the k nearest others of some of the index's own rows, with the settings and exactly. */
extern void ivfbq_measure(Relation heap, Relation index, int sample, int k,
						  IvfbqMeasured *measured);

#endif

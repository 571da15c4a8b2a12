/*
 * cluster.h
 *		Many rows of one key made into lists: centroids, the cells of their lists, and the lists.
 *
 * For builds, where rows come from a file, and for maintenance, where they come from sealed pages. What it
 * writes is reachable only when the caller puts the result into the key's cell.
 */
#ifndef AGM_IVFBQ_CLUSTER_H
#define AGM_IVFBQ_CLUSTER_H

#include "ivfbq/append.h"
#include "ivfbq/kmeans.h"

struct IvfbqSort;

/* Rows that can be read more than once, in any but always the same order. */
typedef struct IvfbqRowSource
{
	int64 rows; /* at least so many, about */
	void (*rewind)(void *arg);
	/* The next 8-bit row with its TID into `row`; false at the end. */
	bool (*next)(void *arg, char *row);
	/* In place of rewind, next and ivfbq_assign_rows(), if several processes share this work; else NULL. */
	struct IvfbqSort *(*assign)(void *arg, const IvfbqKmeans *kmeans, int64 *counts,
								double *squares);
	void *arg;
} IvfbqRowSource;

/*
 * Puts all rows of a source into a sort, by the number of their nearest centroid.  Adds to the k counts of rows, and
 * to the sum of the squares of their distances.
 */
extern void ivfbq_assign_rows(IvfbqRowSource *source, const IvfbqKmeans *kmeans,
							  struct IvfbqSort *sort, int64 *counts, double *squares);

/* For the key's cell. */
typedef struct IvfbqClustered
{
	IvfbqListData centroids;
	uint32 lists;
	uint32 lists_tail;
	uint32 nlists;
	uint16 wanted;
	float spread;
} IvfbqClustered;

/* Puts it there; a key without any lists is not clustered. */
extern void ivfbq_set_clustered(IvfbqCellData *cell, const IvfbqClustered *made);

/* More lists than this one key does not get: each row is compared with each centroid. */
#define IVFBQ_LISTS_MAX 20000

/* How many lists a key with so many rows is to have; 0: it is to be flat. */
extern int ivfbq_lists_of(Relation index, int64 rows);

/*
 * Uses no more than `memory` bytes for sample and sort (fewer lists, if k-means needs more).  The key
 * is a cell of the directory.  Without any rows nothing is written, and result->nlists is 0.
 */
extern void ivfbq_cluster(Relation index, const IvfbqIndex *info, IvfbqCellRef key,
						  IvfbqRowSource *source, int nlists, Size memory, bool building,
						  IvfbqClustered *result);

#endif

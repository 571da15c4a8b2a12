/*
 * centroids.h
 *		The centroids of a clustered key, remembered by a backend.
 *
 * They are asked for by every search and every insert, and change with `switches` only.
 */
#ifndef AGM_IVFBQ_CENTROIDS_H
#define AGM_IVFBQ_CENTROIDS_H

#include "ivfbq/kmeans.h"
#include "ivfbq/list.h"

typedef struct IvfbqCentroid
{
	IvfbqCellRef list; /* the cell of its list */
	BlockNumber block; /* its own row: what the list is relative to */
	uint16 slot;
} IvfbqCentroid;

typedef struct IvfbqCentroids
{
	MemoryContext context;
	IvfbqCellRef key;
	BlockNumber
		head; /* of the list of centroids: the key's cell may be older than `switches` */
	uint64 switches;
	int n;
	IvfbqCentroid *items;
	IvfbqKmeans *kmeans; /* the same ones, in this order */
} IvfbqCentroids;

/*
 * Those of a clustered key as of `switches`, which the caller has just read.  Stay until the next
 * call for this index.  NULL if there are too many to remember.
 */
extern const IvfbqCentroids *ivfbq_centroids(Relation index, IvfbqIndex *info,
											 const IvfbqCellData *key, IvfbqCellRef ref,
											 uint64 switches);

/*
 * The centroid that is nearest to a row, and its 8-bit row; false if there is none.
 */
extern bool ivfbq_nearest_list(Relation index, IvfbqIndex *info, const IvfbqCellData *key,
							   IvfbqCellRef ref, const char *row, IvfbqCentroid *found,
							   char *centroid_row);

#endif

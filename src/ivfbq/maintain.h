/*
 * maintain.h
 *		What moves entries between pages (README.md, "Moving"), and calibration.
 */
#ifndef AGM_IVFBQ_MAINTAIN_H
#define AGM_IVFBQ_MAINTAIN_H

#include "ivfbq/cluster.h"
#include "ivfbq/survey.h"

/* Lists that one call clusters, splits or rewrites at most. */
#define IVFBQ_MOVES_MAX 64

/* Does what the survey found to be due; the caller holds the maintenance lock.  Returns how many moves were made. */
extern int ivfbq_maintain(IvfbqSurvey *survey);

/* Brings the rows of a node where they belong: to their keys' lists, to its children. */
extern int ivfbq_settle_node(Relation index, const IvfbqIndex *info, IvfbqCellRef node);
/* Brings the rows of a key from the nodes on its way to its lists. */
extern int ivfbq_bring_key(Relation index, const IvfbqIndex *info, IvfbqCellRef ref);

/* Makes lists of the flat list of a key, and of those that it has. */
extern bool ivfbq_cluster_key(Relation index, const IvfbqIndex *info, IvfbqCellRef key,
							  int64 rows, int list_size);
/*
 * Gives a clustered key new lists, and them the rows of one that has too many: of a list, which keeps
 * those that are nearest to its centroid, or of the flat list.
 */
extern bool ivfbq_split_list(Relation index, const IvfbqIndex *info, IvfbqCellRef key,
							 IvfbqListRef ref, int64 rows, int list_size);
/* Writes the rows of a list to fewer pages. */
extern bool ivfbq_rewrite_list(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
							   bool tagged);

/*
 * Zeroes what the index has of these rows, on retired pages and on pages that nothing reaches too; raises an error if
 * one of them is not dead to all.  Sorts the TIDs.  The caller holds ShareUpdateExclusiveLock on the table.
 */
extern int64 ivfbq_scrub(Relation index, Relation heap, ItemPointerData *tids, int n);

/* Recall target -> threshold, measured on rows of the index; README.md, "Recall target". */
extern void ivfbq_calibrate(Relation index, const IvfbqIndex *info, bool building);

/* The threshold for a recall target, from what is calibrated (or a default if nothing is). */
extern double ivfbq_threshold(const IvfbqMetaData *meta, double recall);

#endif

/*
 * build_parallel.h
 *		Several processes that scan the table of a build, and assign its rows to lists.
 */
#ifndef AGM_IVFBQ_BUILD_PARALLEL_H
#define AGM_IVFBQ_BUILD_PARALLEL_H

#include "access/parallel.h"
#include "ivfbq/spool.h"

typedef struct IvfbqParallelBuild IvfbqParallelBuild;

/*
 * Scans the table with up to `workers` others, and sets what was spooled.  NULL, and nothing is done: there
 * are none to be had.  `memory` is for all of them together.  From here to the end the transaction is in
 * parallel mode.
 */
extern IvfbqParallelBuild *ivfbq_parallel_begin(Relation heap, Relation index,
												struct IndexInfo *index_info, int workers,
												Size memory, IvfbqSpooled *spooled);
/* When what was spooled is not needed any more. */
extern void ivfbq_parallel_end(IvfbqParallelBuild *build);

/* What a worker does. */
extern PGDLLEXPORT void ivfbq_build_worker(dsm_segment *segment, shm_toc *toc);

#endif

/*
 * build.h
 *		ambuild and ambuildempty, and the phases that a build reports.
 */
#ifndef AGM_IVFBQ_BUILD_H
#define AGM_IVFBQ_BUILD_H

#include "nodes/execnodes.h"
#include "utils/rel.h"

extern struct IndexBuildResult *ivfbqbuild(Relation heap, Relation index,
										   struct IndexInfo *index_info);
extern void ivfbqbuildempty(Relation index);

/* Phases, beside core's initialization, which is 1; names are ivfbqbuildphasename's. */
#define PROGRESS_IVFBQ_PHASE_LOADING 2
#define PROGRESS_IVFBQ_PHASE_SORTING 3
#define PROGRESS_IVFBQ_PHASE_KMEANS 4
#define PROGRESS_IVFBQ_PHASE_ASSIGNING 5
#define PROGRESS_IVFBQ_PHASE_WRITING 6
#define PROGRESS_IVFBQ_PHASE_CALIBRATING 7
#define PROGRESS_IVFBQ_PHASE_LOGGING 8

/*
 * The seed of every index's rotation.  Nothing depends on its being secret or another one each time,
 * and so the same rows make the same index.
 */
#define IVFBQ_SEED UINT64CONST(0x8f1bbcdca62c1d6e)

#endif

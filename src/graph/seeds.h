/*
 * seeds.h
 *		Seeds of a walk and their weights, as the caller gave them.
 */
#ifndef AGM_GRAPH_SEEDS_H
#define AGM_GRAPH_SEEDS_H

#include "postgres.h"

#include "utils/array.h"

typedef struct AgmSeeds
{
	int n;
	int64 *ids;
	double *weights; /* finite and not negative; all 1 where none are given */
} AgmSeeds;

/*
 * `argument` is what the seeds are called; `weights` is a real[] or double precision[], or
 * NULL.  Raises 22004, 2202E or 22023.
 */
extern void agm_seeds_read(const char *argument, ArrayType *seeds, ArrayType *weights,
						   AgmSeeds *result);

#endif

/*
 * cost.h
 *		amcostestimate.
 */
#ifndef AGM_IVFBQ_COST_H
#define AGM_IVFBQ_COST_H

#include "postgres.h"

#include "nodes/pathnodes.h"

extern void ivfbqcostestimate(PlannerInfo *root, IndexPath *path, double loop_count,
							  Cost *startup, Cost *total, Selectivity *selectivity,
							  double *correlation, double *pages);

#endif

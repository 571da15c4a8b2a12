/*
 * rank.h
 *		PageRank of a graph in memory, by power iteration.  Pure.
 *
 * Formula, what it converges to and how far from it the result is: src/graph/README.md.
 */
#ifndef AGM_GRAPH_RANK_H
#define AGM_GRAPH_RANK_H

#include "postgres.h"

#include "graph/csr.h"

typedef struct AgmRankOptions
{
	double damping;
	double tolerance; /* stops when a round changes the ranks by no more, summed */
	int max_iterations;
	const double *teleport; /* sums to 1; NULL: uniform */
} AgmRankOptions;

typedef struct AgmRankResult
{
	double *rank; /* sums to 1 */
	int iterations;
	double change; /* of the last round */
	bool converged;
} AgmRankResult;

extern void agm_rank(AgmCsr *csr, const AgmRankOptions *options, AgmRankResult *result);

#endif

/*
 * push.h
 *		Personalized PageRank near its seeds, by forward push over the edges of a namespace.
 *
 * Formulas, invariants and the error bound: src/graph/README.md, "Forward push".
 */
#ifndef AGM_GRAPH_PUSH_H
#define AGM_GRAPH_PUSH_H

#include "postgres.h"

#include "graph/scope.h"
#include "graph/seeds.h"

typedef struct AgmPushOptions
{
	double damping; /* the share that goes on along edges */
	double epsilon; /* what a memory may hold back, for each of its edges */
	int k;			/* the best so many */
	bool there;		/* the caller knows that the seeds are */
} AgmPushOptions;

typedef struct AgmScored
{
	int64 id;
	double score;
	bool linked; /* an edge was found that counts */
} AgmScored;

typedef struct AgmPushResult
{
	AgmScored *best; /* highest score first, then smallest id */
	int n;
	double
		left; /* what was held back: the scores of all memories are too low by so much in sum */
	int pushes;
	uint64 read; /* edges */
	uint32 seen; /* memories */
	int looked_up;
	int rounds;
} AgmPushResult;

/* Seeds that are not there are passed over; if none is, there is no result. */
extern void agm_push(AgmScope *scope, const AgmSeeds *seeds, const AgmPushOptions *options,
					 AgmPushResult *result);

#endif

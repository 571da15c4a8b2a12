/*
 * walk.h
 *		Walks from memory to memory along edges of either direction: what lies around some,
 *		the shortest way between two, and how activation spreads.
 */
#ifndef AGM_GRAPH_WALK_H
#define AGM_GRAPH_WALK_H

#include "postgres.h"

#include "graph/ids.h"
#include "graph/push.h"
#include "graph/scope.h"
#include "graph/seeds.h"

/* How a memory was come to. */
typedef struct AgmVisit
{
	int64 id;
	int depth;
	int64 via; /* the memory before it */
	int type;  /* of the edge between them, index of the scope's types */
	float4 weight;
	bool outgoing; /* the edge begins at via */
} AgmVisit;

typedef struct AgmVisits
{
	AgmVisit *visits;
	int n;
	int room;
} AgmVisits;

/*
 * The memories within `depth` edges of those given, nearest first, then along the heaviest
 * edge, then by id, at most max_nodes of them; those given come first, at depth 0.
 */
extern void agm_neighbors(AgmScope *scope, const int64 *ids, int n, int depth, int max_nodes,
						  AgmVisits *result);

/*
 * The memories from source to target on a way of fewest edges; none if there is no way of
 * max_depth edges.  Raises 54000 when more than max_nodes were looked at.
 */
extern void agm_shortest_path(AgmScope *scope, int64 source, int64 target, int max_depth,
							  int max_nodes, AgmVisits *result);

typedef struct AgmSpreadOptions
{
	double retention; /* what a memory keeps of its activation in a step */
	double spread;	  /* what it gives to its neighbours */
	int steps;
	int fan; /* the heaviest edges of each direction that it gives along */
	int k;
} AgmSpreadOptions;

extern AgmScored *agm_spread(AgmScope *scope, const AgmSeeds *seeds,
							 const AgmSpreadOptions *options, int *n);

#endif

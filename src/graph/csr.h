/*
 * csr.h
 *		A graph in memory: gathered edge by edge, then made into compressed rows.  Pure.
 *
 * Nodes are numbered by their ids in ascending order, and the edges of a row stand in the
 * order of the other end: what is computed does not depend on the order in which edges came.
 * Rules and sizes: src/graph/README.md, "Whole graphs".
 */
#ifndef AGM_GRAPH_CSR_H
#define AGM_GRAPH_CSR_H

#include "postgres.h"

#include "graph/ids.h"

typedef struct AgmEdgeChunk AgmEdgeChunk;

/* Edges as they come. */
typedef struct AgmGraph
{
	MemoryContext context;
	Size limit; /* bytes that all of it may take */
	Size used;
	AgmIds nodes;
	uint64 nedges;
	bool weighted; /* some weight is not 1 */
	AgmEdgeChunk *first;
	AgmEdgeChunk *last;
} AgmGraph;

/* Row v holds the edges that end in v: from other[e] with weight[e], start[v] <= e < start[v + 1]. */
typedef struct AgmCsr
{
	uint32 n;
	uint64 m;
	const int64 *ids; /* ascending */
	uint64 *start;
	uint32 *other;
	double *weight; /* NULL: all are 1 */
	double *out;	/* sum of the weights of the edges that leave a node */
	bool symmetric; /* each edge is in the rows of both its ends */
	Size used;		/* bytes */
	Size limit;
	MemoryContext context;
} AgmCsr;

extern void agm_graph_init(AgmGraph *graph, MemoryContext context, Size limit);

/* Raises 53200 if the graph would take more than its limit. */
extern void agm_graph_add(AgmGraph *graph, int64 source, int64 target, double weight);

/* Makes the rows; what was gathered is freed meanwhile.  Undirected: of either direction. */
extern void agm_graph_finish(AgmGraph *graph, bool directed, AgmCsr *csr);

/* Number of a node, AGM_NO_NODE if there is none of this id. */
extern uint32 agm_csr_find(const AgmCsr *csr, int64 id);

/* palloc of n elements, counted; raises 53200 above the limit. */
extern void *agm_csr_alloc(AgmCsr *csr, Size n, Size size);
extern void agm_csr_free(AgmCsr *csr, void *pointer, Size n, Size size);

#endif

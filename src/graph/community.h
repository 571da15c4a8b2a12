/*
 * community.h
 *		Communities of an undirected graph in memory, by modularity.  Pure.
 */
#ifndef AGM_GRAPH_COMMUNITY_H
#define AGM_GRAPH_COMMUNITY_H

#include "postgres.h"

#include "graph/csr.h"

/*
 * community[v] is the number of the first node of v's community.  The graph must be
 * symmetric; its weights are not changed.  Returns the modularity.
 */
extern double agm_communities(AgmCsr *csr, double resolution, uint32 *community);

#endif

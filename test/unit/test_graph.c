/*
 * test_graph.c
 *		Numbers for ids, rows of edges, ranks and communities, without a server's tables.
 */
#include "postgres.h"

#include <math.h>

#include "graph/community.h"
#include "graph/csr.h"
#include "graph/ids.h"
#include "graph/rank.h"
#include "unit.h"

#define LIMIT (64 * 1024 * 1024)

static void
test_ids(void)
{
	AgmIds ids;
	bool is_new;
	bool right = true;

	agm_ids_init(&ids, CurrentMemoryContext);
	for (int64 i = 0; i < 100000; i++)
		right &= agm_ids_add(&ids, i * -7919, &is_new) == i && is_new;
	for (int64 i = 0; i < 100000; i++)
		right &= agm_ids_add(&ids, i * -7919, &is_new) == i && !is_new &&
				 agm_ids_find(&ids, i * -7919) == i && ids.ids[i] == i * -7919;
	UNIT_CHECK(right && ids.n == 100000, "each id has its number");
	UNIT_CHECK(agm_ids_find(&ids, 1) == AGM_NO_NODE, "one that was not added has none");
	UNIT_CHECK(agm_ids_add(&ids, PG_INT64_MIN, NULL) == 100000 &&
				   agm_ids_add(&ids, PG_INT64_MAX, NULL) == 100001,
			   "the ends of the range");
}

/* Edges of 0..n-1, each to the next and to the one three on, in an order that `step` gives. */
static void
make_graph(AgmCsr *csr, uint32 n, uint32 step, bool directed, bool weighted)
{
	AgmGraph graph;

	agm_graph_init(&graph, CurrentMemoryContext, LIMIT);
	for (uint32 i = 0; i < n; i++)
	{
		uint32 v = (uint32) ((uint64) i * step % n);

		agm_graph_add(&graph, v, (v + 1) % n, weighted ? 0.1 * (v % 7) : 1);
		agm_graph_add(&graph, v, (v + 3) % n, weighted ? 0.3 : 1);
		agm_graph_add(&graph, v, (v + 3) % n, weighted ? 0.7 * (v % 3) : 1);
	}
	agm_graph_finish(&graph, directed, csr);
}

static void
test_rows(void)
{
	AgmCsr csr;
	AgmGraph graph;
	bool right = true;

	agm_graph_init(&graph, CurrentMemoryContext, LIMIT);
	agm_graph_add(&graph, 50, -2, 1);
	agm_graph_add(&graph, -2, 50, 0.5);
	agm_graph_add(&graph, 7, 50, 2);
	agm_graph_add(&graph, 7, 50, 0.25);
	agm_graph_add(&graph, 7, 7, 3);
	agm_graph_finish(&graph, true, &csr);
	UNIT_CHECK(csr.n == 3 && csr.ids[0] == -2 && csr.ids[1] == 7 && csr.ids[2] == 50,
			   "nodes stand in the order of their ids");
	UNIT_CHECK(csr.m == 4 && csr.start[1] == 1 && csr.start[2] == 2 && csr.start[3] == 4,
			   "rows of edges that come in; parallel edges are one");
	UNIT_CHECK(csr.other[0] == 2 && csr.other[1] == 1 && csr.other[2] == 0 && csr.other[3] == 1,
			   "in the order of where they come from");
	UNIT_CHECK(csr.weight[3] == 2.25 && csr.out[1] == 5.25 && csr.out[0] == 0.5,
			   "weights are summed");
	UNIT_CHECK(agm_csr_find(&csr, 7) == 1 && agm_csr_find(&csr, 8) == AGM_NO_NODE &&
				   agm_csr_find(&csr, 51) == AGM_NO_NODE,
			   "nodes are found by id");

	make_graph(&csr, 1000, 1, false, false);
	for (uint32 v = 0; v < csr.n; v++)
		right &= csr.start[v + 1] - csr.start[v] == 6 && csr.out[v] == 6;
	UNIT_CHECK(right && csr.m == 6000, "an undirected edge is in two rows");
}

static void
test_rank(void)
{
	AgmCsr csr[2];
	AgmRankResult result[2];
	AgmRankOptions options = {.damping = 0.85, .tolerance = 1e-13, .max_iterations = 1000};
	double sum = 0;
	bool uniform = true;

	for (int i = 0; i < 2; i++)
	{
		make_graph(&csr[i], 997, i == 0 ? 1 : 613, true, true);
		agm_rank(&csr[i], &options, &result[i]);
	}
	for (uint32 v = 0; v < csr[0].n; v++)
		sum += result[0].rank[v];
	UNIT_CHECK(result[0].converged && fabs(sum - 1) < 1e-12, "ranks sum to 1");
	UNIT_CHECK(memcmp(result[0].rank, result[1].rank, sizeof(double) * 997) == 0,
			   "the order of edges changes no bit");

	make_graph(&csr[0], 997, 1, true, false);
	agm_rank(&csr[0], &options, &result[0]);
	for (uint32 v = 0; v < csr[0].n; v++)
		uniform &= fabs(result[0].rank[v] - 1.0 / 997) < 1e-14;
	UNIT_CHECK(uniform && result[0].iterations == 1, "where all are alike, so are the ranks");

	options.max_iterations = 2;
	make_graph(&csr[0], 997, 1, true, true);
	agm_rank(&csr[0], &options, &result[0]);
	UNIT_CHECK(!result[0].converged && result[0].iterations == 2, "it says if it is not there");
}

static void
test_communities(void)
{
	AgmGraph graph;
	AgmCsr csr;
	uint32 community[40];
	double modularity;
	bool right = true;

	agm_graph_init(&graph, CurrentMemoryContext, LIMIT);
	for (int c = 0; c < 4; c++)
	{
		for (int a = 0; a < 10; a++)
			for (int b = a + 1; b < 10; b++)
				agm_graph_add(&graph, c * 10 + a, c * 10 + b, 1);
		agm_graph_add(&graph, c * 10, ((c + 1) % 4) * 10 + 5, 1);
	}
	agm_graph_finish(&graph, false, &csr);
	modularity = agm_communities(&csr, 1, community);
	for (uint32 v = 0; v < 40; v++)
		right &= community[v] == v / 10 * 10;
	UNIT_CHECK(right, "four cliques in a ring are four communities");
	UNIT_CHECK(fabs(modularity - (180.0 / 184 - 0.25)) < 1e-12, "their modularity");
}

void
agm_unit_graph(void)
{
	test_ids();
	test_rows();
	test_rank();
	test_communities();
}

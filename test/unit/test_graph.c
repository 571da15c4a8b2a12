/*
 * test_graph.c
 *		Numbers for ids, rows of edges, ranks and communities, without a server's tables.
 */
#include "postgres.h"

#include <math.h>

#include "graph/community.h"
#include "graph/csr.h"
#include "graph/ids.h"
#include "graph/lexrank.h"
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

/* Sentences whose words are letters. */
static void
read_letters(AgmLexText *text, const char *const *sentences, int n)
{
	agm_lextext_init(text, CurrentMemoryContext);
	for (int i = 0; i < n; i++)
	{
		for (const char *c = sentences[i]; *c != '\0'; c++)
			if (strchr(sentences[i], *c) == c)
			{
				int count = 0;

				for (const char *d = c; *d != '\0'; d++)
					count += *d == *c;
				agm_lextext_word(text, *c, count);
			}
		agm_lextext_end_sentence(text);
	}
}

/*
 * By hand: a and b are in two of three sentences, weighing ln 1.5 + 1, x and y in one, weighing
 * ln 3 + 1. The cosine of the second with each other is 1.40547² / (1.98763 · 2.52577) = .39347, that of the
 * others 0. On this chain r2 = .05 + .85 (r1 + r3) and r1 = r3 = .05 + .85 r2 / 2, so r2 = .135 / .2775.
 */
static void
test_lexrank(void)
{
	static const char *const chain[] = {"ax", "ab", "by"};
	static const char *const twice[] = {"ax", "ab", "by", "ba", "z", ""};
	AgmLexText text;
	double rank[6];
	int chosen[6];

	read_letters(&text, chain, 3);
	agm_lexrank(&text, LIMIT, rank);
	UNIT_CHECK(fabs(text.words[0].weight * text.words[2].weight - .39347) < 1e-5,
			   "cosine of two sentences");
	UNIT_CHECK(fabs(rank[1] - .135 / .2775) < 1e-6 && fabs(rank[0] - .2567568) < 1e-6 &&
				   fabs(rank[2] - rank[0]) < 1e-12,
			   "ranks of a chain of sentences");
	UNIT_CHECK(agm_lexrank_choose(&text, rank, 2, chosen) == 2 && chosen[0] == 1 &&
				   chosen[1] == 0,
			   "the best, then the earlier of two as good");
	read_letters(&text, twice, 6);
	agm_lexrank(&text, LIMIT, rank);
	UNIT_CHECK(rank[1] == rank[3] && rank[4] == 0 && rank[5] == 0,
			   "the same sentence ranks the same; one by itself, or without words, is 0");
	UNIT_CHECK(agm_lexrank_choose(&text, rank, 6, chosen) == 5 && chosen[0] == 1 &&
				   chosen[1] == 0 && chosen[2] == 2 && chosen[3] == 4 && chosen[4] == 5,
			   "what was said is not said again");
	read_letters(&text, NULL, 0);
	agm_lexrank(&text, LIMIT, rank);
	UNIT_CHECK(agm_lexrank_choose(&text, rank, 6, chosen) == 0, "nothing of nothing");
}

/* Random texts: ranks sum to 1 or are all 0, and do not depend on the order of the sentences. */
static void
test_lexrank_order(void)
{
	uint32 seed = 7;
	bool sums = true;
	bool same = true;

	for (int round = 0; round < 200; round++)
	{
		char sentences[12][8];
		const char *forth[12];
		const char *back[12];
		AgmLexText text;
		double rank[2][12];
		double sum = 0;

		for (int i = 0; i < 12; i++)
		{
			int n;

			seed = seed * 1664525 + 1013904223;
			n = seed >> 29;
			for (int j = 0; j < n; j++)
			{
				seed = seed * 1664525 + 1013904223;
				sentences[i][j] = 'a' + (seed >> 16) % (round % 26 + 1);
			}
			sentences[i][n] = '\0';
			forth[i] = back[11 - i] = sentences[i];
		}
		read_letters(&text, forth, 12);
		agm_lexrank(&text, LIMIT, rank[0]);
		read_letters(&text, back, 12);
		agm_lexrank(&text, LIMIT, rank[1]);
		for (int i = 0; i < 12; i++)
		{
			same &= fabs(rank[0][i] - rank[1][11 - i]) < 1e-8;
			sum += rank[0][i];
		}
		sums &= sum == 0 || fabs(sum - 1) < 1e-8;
	}
	UNIT_CHECK(sums, "ranks of sentences sum to 1");
	UNIT_CHECK(same, "ranks do not depend on the order of sentences");
}

void
agm_unit_graph(void)
{
	test_lexrank();
	test_lexrank_order();
	test_ids();
	test_rows();
	test_rank();
	test_communities();
}

/*
 * rank.c
 *		Power iteration over rows of incoming edges.
 *
 * A round is one pass over the edges: it gathers what flows into a node, and with the node in
 * hand counts the change, what dangles, and what the node will pass on in the next round.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "graph/rank.h"

/* Edges between two looks for a cancel: some milliseconds. */
#define EDGES_A_CHECK 1000000

typedef struct Round
{
	double change;
	double dangling; /* rank of nodes that no edge leaves */
} Round;

/* What flows into one node. */
static inline double
gather(const AgmCsr *csr, uint32 v, const double *passes)
{
	uint64 e = csr->start[v];
	uint64 end = csr->start[v + 1];
	const uint32 *other = csr->other;
	const double *weight = csr->weight;
	double sum = 0;

	if (weight == NULL)
		for (; e < end; e++)
			sum += passes[other[e]];
	else
		for (; e < end; e++)
			sum += passes[other[e]] * weight[e];
	return sum;
}

/*
 * Ranks from what the nodes passed on; `next` is what they will pass on.  share[v] is 1 over
 * the weight that leaves v, 0 where none does.
 */
static Round
run_round(const AgmCsr *csr, const AgmRankOptions *options, double dangling,
		  const double *share, const double *passes, double *rank, double *next)
{
	double jump = 1 - options->damping + options->damping * dangling;
	double uniform = 1.0 / csr->n;
	uint64 check = EDGES_A_CHECK;
	Round round = {0, 0};

	for (uint32 v = 0; v < csr->n; v++)
	{
		double x = options->damping * gather(csr, v, passes) +
				   jump * (options->teleport == NULL ? uniform : options->teleport[v]);

		round.change += fabs(x - rank[v]);
		rank[v] = x;
		next[v] = x * share[v];
		if (share[v] == 0)
			round.dangling += x;
		if (csr->start[v + 1] >= check)
		{
			CHECK_FOR_INTERRUPTS();
			check = csr->start[v + 1] + EDGES_A_CHECK;
		}
	}
	return round;
}

void
agm_rank(AgmCsr *csr, const AgmRankOptions *options, AgmRankResult *result)
{
	double *share = agm_csr_alloc(csr, csr->n, sizeof(double));
	double *passes = agm_csr_alloc(csr, csr->n, sizeof(double));
	double *next = agm_csr_alloc(csr, csr->n, sizeof(double));
	double *rank = agm_csr_alloc(csr, csr->n, sizeof(double));
	Round round = {0, 0};

	memset(result, 0, sizeof(*result));
	result->rank = rank;
	for (uint32 v = 0; v < csr->n; v++)
	{
		share[v] = csr->out[v] > 0 ? 1 / csr->out[v] : 0;
		rank[v] = options->teleport == NULL ? 1.0 / csr->n : options->teleport[v];
		passes[v] = rank[v] * share[v];
		if (share[v] == 0)
			round.dangling += rank[v];
	}
	while (!result->converged && result->iterations < options->max_iterations)
	{
		double *swap = passes;

		CHECK_FOR_INTERRUPTS();
		round = run_round(csr, options, round.dangling, share, passes, rank, next);
		passes = next;
		next = swap;
		result->iterations++;
		result->change = round.change;
		result->converged = round.change <= options->tolerance;
	}
	agm_csr_free(csr, share, csr->n, sizeof(double));
	agm_csr_free(csr, passes, csr->n, sizeof(double));
	agm_csr_free(csr, next, csr->n, sizeof(double));
}

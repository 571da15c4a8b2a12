/*
 * fuse.c
 *		Fusion of channels: normalised scores or reciprocal ranks.
 *
 * Pure arithmetic over arrays; src/recall/README.md states the formulas and where they
 * come from.
 */
#include "postgres.h"

#include "recall/fuse.h"

/* Reciprocal rank fusion's constant [Cormack, Clarke, Buettcher 2009]. */
#define RRF_K 60

/* A memory that has no embedding is judged by its words alone, and a little less surely. */
#define NO_EMBEDDING_FACTOR 0.9

/* Importance can add a fifth; dividing keeps the score within 1. */
#define IMPORTANCE_SHARE 0.2

typedef struct RankItem
{
	double score;
	int index;
	int ns;
	int64 id;
} RankItem;

static int
compare_order(double score_a, double score_b, int ns_a, int ns_b, int64 id_a, int64 id_b)
{
	if (score_a != score_b)
		return score_a > score_b ? -1 : 1;
	if (ns_a != ns_b)
		return ns_a < ns_b ? -1 : 1;
	return (id_a > id_b) - (id_a < id_b);
}

static int
compare_items(const void *a, const void *b, void *arg)
{
	const RankItem *x = a;
	const RankItem *y = b;

	(void) arg;
	return compare_order(x->score, y->score, x->ns, y->ns, x->id, y->id);
}

static int
compare_candidates(const void *a, const void *b, void *arg)
{
	const AgmCandidate *x = a;
	const AgmCandidate *y = b;

	(void) arg;
	return compare_order(x->score, y->score, x->ns, y->ns, x->id, y->id);
}

/* Ranks within one channel those it found; returns the best raw score, 0 if none. */
static double
rank_channel(AgmCandidate *candidates, int n, AgmChannel channel, RankItem *items)
{
	int found = 0;

	for (int i = 0; i < n; i++)
	{
		candidates[i].channel[channel].rank = 0;
		if (candidates[i].channel[channel].score > 0)
			items[found++] = (RankItem){candidates[i].channel[channel].score, i,
										candidates[i].ns, candidates[i].id};
	}
	qsort_interruptible(items, found, sizeof(RankItem), compare_items, NULL);
	for (int i = 0; i < found; i++)
		candidates[items[i].index].channel[channel].rank = i + 1;
	return found > 0 ? items[0].score : 0;
}

/* One channel's share of a candidate's score, 0 to 1. */
static double
share(const AgmEvidence *evidence, AgmFusion fusion, double best)
{
	if (evidence->rank == 0)
		return 0;
	if (fusion == AGM_FUSION_RRF)
		return (RRF_K + 1.0) / (RRF_K + evidence->rank);
	return evidence->score / best;
}

void
agm_fuse(AgmCandidate *candidates, int n, AgmFusion fusion, const double *weights,
		 const bool *active)
{
	double best[AGM_NCHANNELS] = {0};
	RankItem *items;

	if (n == 0)
		return;
	items = palloc(sizeof(RankItem) * n);
	for (int c = 0; c < AGM_NCHANNELS; c++)
		if (active[c])
			best[c] = rank_channel(candidates, n, c, items);
	pfree(items);

	for (int i = 0; i < n; i++)
	{
		AgmCandidate *candidate = &candidates[i];
		double sum = 0;
		double total = 0;
		bool blind = false;

		for (int c = 0; c < AGM_NCHANNELS; c++)
		{
			if (best[c] <= 0)
				continue; /* the channel found nothing for this query */
			if (c == AGM_SEMANTIC && !candidate->has_embedding)
			{
				blind = true;
				continue;
			}
			if (c == AGM_GRAPH && candidate->isolated)
				continue;
			sum += weights[c] * share(&candidate->channel[c], fusion, best[c]);
			total += weights[c];
		}
		candidate->score = total > 0 ? sum / total : 0;
		if (blind)
			candidate->score *= NO_EMBEDDING_FACTOR;
		candidate->score *= candidate->state_weight *
							(1 + IMPORTANCE_SHARE * candidate->importance) /
							(1 + IMPORTANCE_SHARE);
	}
	agm_sort_candidates(candidates, n);
}

void
agm_sort_candidates(AgmCandidate *candidates, int n)
{
	qsort_interruptible(candidates, n, sizeof(AgmCandidate), compare_candidates, NULL);
}

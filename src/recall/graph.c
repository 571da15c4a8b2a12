/*
 * graph.c
 *		The graph channel: personalized PageRank from the best of what the others found.
 *
 * README rule 14.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"

#include "recall/graph.h"
#include "recall/rows.h"
#include "recall/top.h"

/* So many of the best are seeds. */
#define SEEDS 20

/* Far along edges, but not through much: measured, see the README. */
#define DAMPING 0.85
#define EPSILON 2e-3

/* At most so many of those that were reached become candidates. */
#define REACHED_MAX 60

/* The others' weighted mean, each divided by its best here. */
static double
score_of(const AgmRecall *recall, const AgmCandidate *candidate, const double *best)
{
	double sum = 0;
	double total = 0;

	for (AgmChannel c = AGM_SEMANTIC; c <= AGM_LEXICAL; c++)
	{
		if (best[c] <= 0)
			continue;
		sum += recall->weights[c] * candidate->channel[c].score / best[c];
		total += recall->weights[c];
	}
	return total > 0 ? sum / total : 0;
}

static double
cube(double x)
{
	return x * x * x;
}

/*
 * Ranks of a namespace sum to 1, however little it has to say.  They are told at the price of its best,
 * so that those of several namespaces compare.
 */
static double
scale_of(const AgmRecall *recall, const double *best, double ideal)
{
	double sum = recall->weights[AGM_SEMANTIC] * best[AGM_SEMANTIC];

	if (ideal > 0)
		sum += recall->weights[AGM_LEXICAL] * best[AGM_LEXICAL] / ideal;
	return cube(sum);
}

/* The seeds' weights are cubes: what is best by far is what to start from. */
static AgmSeeds
choose_seeds(const AgmRecall *recall, const AgmCandidate *candidates, int n, double *best)
{
	AgmSeeds seeds;
	AgmTop top;

	for (int i = 0; i < n; i++)
		for (AgmChannel c = AGM_SEMANTIC; c <= AGM_LEXICAL; c++)
			best[c] = Max(best[c], candidates[i].channel[c].score);
	agm_top_init(&top, SEEDS);
	for (int i = 0; i < n; i++)
	{
		double score = score_of(recall, &candidates[i], best);

		if (score > 0)
			agm_top_add(&top, candidates[i].id, score, candidates[i].place);
	}
	seeds.n = top.hits.n;
	seeds.ids = palloc(sizeof(int64) * Max(seeds.n, 1));
	seeds.weights = palloc(sizeof(double) * Max(seeds.n, 1));
	for (int i = 0; i < seeds.n; i++)
	{
		seeds.ids[i] = top.hits.hits[i].id;
		seeds.weights[i] = cube(top.hits.hits[i].score);
	}
	return seeds;
}

static int
compare_seen(const void *a, const void *b)
{
	int64 x = ((const AgmSeen *) a)->id;
	int64 y = ((const AgmSeen *) b)->id;

	return (x > y) - (x < y);
}

/* Whatever the push reached and is no seed, it has looked up. */
static AgmPlace *
places_of(const AgmRecall *recall, AgmScope *scope, const AgmScored *reached, int n)
{
	AgmPlace *places = palloc0(sizeof(AgmPlace) * Max(n, 1));

	qsort(scope->seen, scope->nseen, sizeof(AgmSeen), compare_seen);
	for (int i = 0; i < n; i++)
	{
		AgmSeen key = {.id = reached[i].id};
		const AgmSeen *seen =
			bsearch(&key, scope->seen, scope->nseen, sizeof(AgmSeen), compare_seen);

		if (seen != NULL)
			places[i] = agm_place(recall, seen->source, &seen->tid);
	}
	return places;
}

AgmReached
agm_graph_search(const AgmRecall *recall, const AgmSearched *searched,
				 const AgmCandidate *candidates, int n, double ideal)
{
	double best[AGM_NCHANNELS] = {0};
	AgmSeeds seeds = choose_seeds(recall, candidates, n, best);
	double scale = scale_of(recall, best, ideal);
	/* They have passed recall's filter, which asks for no less. */
	bool there = recall->filter.during == NULL &&
				 (recall->filter.default_states || recall->filter.has_known_at);
	AgmPushOptions options = {
		.damping = DAMPING, .epsilon = EPSILON, .k = REACHED_MAX, .there = there};
	AgmParams params = {0};
	AgmScopeRequest request = {
		.store = &recall->store,
		.memories_only = recall->concepts <= 0,
		.concepts = recall->concepts,
		.params = &params,
		.has_valid_at = recall->filter.has_valid_at,
		.valid_at = recall->filter.valid_at,
		.has_known_at = recall->filter.has_known_at,
		.known_at = recall->filter.known_at,
		.checked = &recall->filter,
		.keeps_seen = true,
	};
	AgmReached reached = {NULL, NULL, 0};
	AgmPushResult result;
	AgmScope scope;

	if (seeds.n == 0)
		return reached;
	agm_param(&params, TEXTOID, searched->name, false);
	agm_scope_open(&scope, &request);
	agm_push(&scope, &seeds, &options, &result);
	agm_scope_close(&scope);
	if (result.read == 0)
		return reached;
	/* Concepts are on the way, and no answers. */
	for (int i = 0; i < result.n; i++)
		if (result.best[i].id > 0)
		{
			result.best[reached.n] = result.best[i];
			result.best[reached.n++].score *= scale;
		}
	reached.hits = result.best;
	reached.places = places_of(recall, &scope, reached.hits, reached.n);
	return reached;
}

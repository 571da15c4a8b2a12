/*
 * summary.c
 *		Granularity "summary": memories that were found stand for what sums them up.
 *
 * README rule 20.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "graph/scope.h"
#include "recall/rows.h"
#include "recall/summary.h"

/* Of a memory that more sum up, those of the heaviest edges. */
#define SUMMARIES_MAX 8

typedef struct Finder
{
	AgmSummaries *summaries;
	int ns;
} Finder;

static void
note(Finder *finder, int64 member, int64 summary)
{
	AgmSummaries *summaries = finder->summaries;

	if (summaries->n == summaries->capacity)
	{
		summaries->capacity *= 2;
		summaries->items =
			repalloc_huge(summaries->items, sizeof(AgmSummed) * (Size) summaries->capacity);
	}
	summaries->items[summaries->n++] = (AgmSummed){finder->ns, member, summary};
}

static void
read_edge(const AgmEdge *edge, void *arg)
{
	if (edge->counts && !edge->outgoing)
		note(arg, edge->node, edge->other);
}

static void
read_summary(TupleTableSlot *slot, void *arg)
{
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));

	note(arg, id, id);
}

/* Candidates of the kind stand for themselves. */
static void
find_themselves(Finder *finder, const AgmRecall *recall, const AgmSearched *searched,
				const AgmCandidate *candidates, int n)
{
	AgmHit *hits = palloc(sizeof(AgmHit) * Max(n, 1));

	for (int i = 0; i < n; i++)
		hits[i] = (AgmHit){candidates[i].id, 0, candidates[i].place};
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmRows rows;

		if (!agm_rows_begin(&rows, recall, searched, source, hits, n, true))
			continue;
		appendStringInfoString(&rows.sql, "m.id");
		agm_rows_from(&rows);
		appendStringInfoString(&rows.sql, "c.id, c.kind");
		agm_rows_end(&rows, searched);
		appendStringInfoString(&rows.sql, " WHERE m.kind OPERATOR(pg_catalog.=) 'summary'");
		agm_rows_read(&rows, "l", read_summary, finder);
	}
	pfree(hits);
}

static void
ignore(int64 id, int64 count, void *arg)
{
	(void) id;
	(void) count;
	(void) arg;
}

static int
compare_ids(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

/* Where the summaries noted from `first` on lie, of those that are there. */
static AgmHit *
look_up(AgmScope *scope, const AgmRecall *recall, const AgmSummaries *summaries, int first,
		int *nfound)
{
	int64 *ids = palloc(sizeof(int64) * Max(summaries->n - first, 1));
	int n = 0;
	int kept = 0;
	AgmHit *hits;

	for (int i = first; i < summaries->n; i++)
		ids[n++] = summaries->items[i].summary;
	qsort(ids, n, sizeof(int64), compare_ids);
	for (int i = 0; i < n; i++)
		if (i == 0 || ids[i] != ids[i - 1])
			ids[kept++] = ids[i];
	agm_scope_visible(scope, ids, kept, ignore, NULL);
	hits = palloc(sizeof(AgmHit) * Max(scope->nseen, 1));
	for (int i = 0; i < scope->nseen; i++)
		hits[i] = (AgmHit){scope->seen[i].id, 0,
						   agm_place(recall, scope->seen[i].source, &scope->seen[i].tid)};
	*nfound = scope->nseen;
	return hits;
}

AgmHit *
agm_summaries_find(AgmSummaries *summaries, const AgmRecall *recall,
				   const AgmSearched *searched, const AgmCandidate *candidates, int n,
				   int *nfound)
{
	Datum type = CStringGetTextDatum("summary_of");
	AgmParams params = {0};
	AgmScopeRequest request = {
		.store = &recall->store,
		.params = &params,
		.types = construct_array(&type, 1, TEXTOID, -1, false, TYPALIGN_INT),
		.memories_only = true,
		.has_valid_at = recall->filter.has_valid_at,
		.valid_at = recall->filter.valid_at,
		.has_known_at = recall->filter.has_known_at,
		.known_at = recall->filter.known_at,
		.checked = &recall->filter,
		.keeps_seen = true,
	};
	int64 *nodes = palloc(sizeof(int64) * Max(n, 1));
	int64 *limits = palloc(sizeof(int64) * Max(n, 1));
	Finder finder = {summaries, 0};
	AgmHit *hits;
	int first;
	AgmScope scope;

	*nfound = 0;
	if (n == 0)
		return NULL;
	finder.ns = candidates[0].ns;
	find_themselves(&finder, recall, searched, candidates, n);
	first = summaries->n;
	for (int i = 0; i < n; i++)
	{
		nodes[i] = candidates[i].id;
		limits[i] = SUMMARIES_MAX;
	}
	agm_param(&params, TEXTOID, searched->name, false);
	agm_scope_open(&scope, &request);
	agm_scope_edges(&scope, false, nodes, limits, n, read_edge, &finder);
	hits = look_up(&scope, recall, summaries, first, nfound);
	agm_scope_close(&scope);
	return hits;
}

/* Candidates by namespace and id. */
typedef struct Place
{
	int ns;
	int64 id;
	int at;
} Place;

static int
compare_places(const void *a, const void *b)
{
	const Place *x = a;
	const Place *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* -1: is none, or none any longer. */
static int
find_place(const Place *places, int n, int ns, int64 id)
{
	Place key = {ns, id, 0};
	const Place *found = bsearch(&key, places, n, sizeof(Place), compare_places);

	return found == NULL ? -1 : found->at;
}

/* best[i] is which candidate is the best that stands for i; -1: none does, it is no summary. */
static int *
choose_best(const AgmSummaries *summaries, const AgmCandidate *candidates, int n)
{
	int *best = palloc(sizeof(int) * n);
	Place *places = palloc(sizeof(Place) * n);

	for (int i = 0; i < n; i++)
	{
		best[i] = -1;
		places[i] = (Place){candidates[i].ns, candidates[i].id, i};
	}
	qsort(places, n, sizeof(Place), compare_places);
	for (int i = 0; i < summaries->n; i++)
	{
		const AgmSummed *summed = &summaries->items[i];
		int summary = find_place(places, n, summed->ns, summed->summary);
		int member = find_place(places, n, summed->ns, summed->member);

		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		/* They stand in the order of their scores. */
		if (summary >= 0 && member >= 0 && (best[summary] < 0 || member < best[summary]))
			best[summary] = member;
	}
	pfree(places);
	return best;
}

int
agm_summaries_lift(const AgmSummaries *summaries, AgmCandidate *candidates, int n)
{
	AgmCandidate *lifted = palloc_extended(sizeof(AgmCandidate) * Max(n, 1), MCXT_ALLOC_HUGE);
	int *best;
	int kept = 0;

	if (n == 0)
		return 0;
	best = choose_best(summaries, candidates, n);
	for (int i = 0; i < n; i++)
	{
		const AgmCandidate *from;

		if (best[i] < 0)
			continue;
		from = &candidates[best[i]];
		lifted[kept] = candidates[i];
		memcpy(lifted[kept].channel, from->channel, sizeof(from->channel));
		lifted[kept].has_embedding = from->has_embedding;
		lifted[kept++].score = from->score;
	}
	memcpy(candidates, lifted, sizeof(AgmCandidate) * kept);
	agm_sort_candidates(candidates, kept);
	pfree(lifted);
	pfree(best);
	return kept;
}

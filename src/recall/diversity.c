/*
 * diversity.c
 *		Maximal marginal relevance: what says the same as a better memory comes later.
 *
 * README rule 17.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "recall/diversity.h"
#include "recall/rows.h"
#include "vector/kernels.h"

/* Of so many of the best for each that is wanted; at least, and at most, so many. */
#define FACTOR 4
#define AMONG_MIN 50
#define AMONG_MAX 1000

typedef struct Choice
{
	AgmCandidate candidate;
	AgmVector embedding; /* NULL: like nothing */
	double likeness;	 /* to the likest that is taken already */
	bool taken;
} Choice;

typedef struct Choices
{
	Choice *items;
	int n;
	int ns; /* whose embeddings are read */
} Choices;

/* Columns: id, embedding. */
static void
read_embedding(TupleTableSlot *slot, void *arg)
{
	Choices *choices = arg;
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	Datum value = slot_getattr(slot, 2, &isnull);

	if (isnull)
		return;
	for (int i = 0; i < choices->n; i++)
		if (choices->items[i].candidate.id == id &&
			choices->items[i].candidate.ns == choices->ns)
			choices->items[i].embedding =
				DatumGetAgmVector(PointerGetDatum(PG_DETOAST_DATUM_COPY(value)));
}

static void
read_embeddings(const AgmRecall *recall, Choices *choices, const AgmSearched *searched)
{
	AgmHit *hits = palloc(sizeof(AgmHit) * choices->n);
	int n = 0;

	for (int i = 0; i < choices->n; i++)
		if (choices->items[i].candidate.ns == choices->ns)
			hits[n++] =
				(AgmHit){choices->items[i].candidate.id, 0, choices->items[i].candidate.place};
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmRows rows;

		if (!agm_rows_begin(&rows, recall, searched, source, hits, n, true))
			continue;
		appendStringInfoString(&rows.sql, "m.*");
		agm_rows_from(&rows);
		appendStringInfoString(&rows.sql, "c.id, c.embedding");
		agm_rows_end(&rows, searched);
		agm_rows_read(&rows, "le?", read_embedding, choices);
	}
}

/* The cosine, whatever the metric; 0 where there is none. */
static double
likeness(const Choice *a, const Choice *b)
{
	AgmCosineSums sums;
	double length;

	if (a->embedding == NULL || b->embedding == NULL)
		return 0;
	sums = agm_kernels->cosine_sums(a->embedding->x, b->embedding->x, a->embedding->dim);
	length = sqrt((double) sums.a_squared * sums.b_squared);
	return length > 0 && length < INFINITY ? sums.dot / length : 0;
}

/* The best that is left, and what it makes of the others. */
static Choice *
take_next(Choices *choices, double diversity, double best_score)
{
	Choice *best = NULL;
	double best_worth = 0;

	for (int i = 0; i < choices->n; i++)
	{
		Choice *choice = &choices->items[i];
		double worth;

		if (choice->taken)
			continue;
		worth = (1 - diversity) * choice->candidate.score / best_score -
				diversity * choice->likeness;
		if (best == NULL || worth > best_worth)
		{
			best = choice;
			best_worth = worth;
		}
	}
	best->taken = true;
	for (int i = 0; i < choices->n; i++)
		if (!choices->items[i].taken)
			choices->items[i].likeness =
				Max(choices->items[i].likeness, likeness(&choices->items[i], best));
	return best;
}

void
agm_diversify(const AgmRecall *recall, const AgmSearched *searched, AgmPool *pool)
{
	Choices choices = {.n = Min(pool->n, Min(Max(FACTOR * recall->k, AMONG_MIN), AMONG_MAX))};
	double best_score;

	if (choices.n < 2)
		return;
	best_score = pool->items[0].score > 0 ? pool->items[0].score : 1;
	choices.items = palloc0(sizeof(Choice) * choices.n);
	for (int i = 0; i < choices.n; i++)
		choices.items[i].candidate = pool->items[i];
	for (int i = 0; i < choices.n; i++)
	{
		bool seen = false;

		choices.ns = choices.items[i].candidate.ns;
		for (int j = 0; j < i && !seen; j++)
			seen = choices.items[j].candidate.ns == choices.ns;
		if (!seen)
			read_embeddings(recall, &choices, &searched[choices.ns]);
	}
	for (int i = 0; i < choices.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		pool->items[i] = take_next(&choices, recall->diversity, best_score)->candidate;
	}
}

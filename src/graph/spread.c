/*
 * spread.c
 *		Spreading activation: a few steps from the seeds, along the heaviest edges.
 *
 * Formula and bounds: src/graph/README.md, "Spread".
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "graph/walk.h"

/* So many memories give in a step, the most active. */
#define GIVERS_MAX 1000

typedef struct Cell
{
	double active;
	double next;
	double total; /* of the weights it gives along in this step */
	bool there;
} Cell;

typedef struct Gift
{
	uint32 from;
	uint32 to;
	double weight;
} Gift;

typedef struct Spread
{
	AgmScope *scope;
	AgmIds ids;
	Cell *cells;
	uint32 room;
	Gift *gifts;
	int ngifts;
	int gifts_room;
} Spread;

static uint32
cell_of(Spread *spread, int64 id)
{
	bool is_new;
	uint32 v = agm_ids_add(&spread->ids, id, &is_new);

	if (!is_new)
		return v;
	if (v >= spread->room)
	{
		spread->room *= 2;
		spread->cells = repalloc_huge(spread->cells, sizeof(Cell) * spread->room);
	}
	memset(&spread->cells[v], 0, sizeof(Cell));
	return v;
}

static void
is_there(int64 id, int64 count, void *arg)
{
	Spread *spread = arg;

	(void) count;
	spread->cells[agm_ids_find(&spread->ids, id)].there = true;
}

static void
look_up(Spread *spread, uint32 first)
{
	agm_scope_visible(spread->scope, spread->ids.ids + first, spread->ids.n - first, is_there,
					  spread);
}

static void
came(const AgmEdge *edge, void *arg)
{
	Spread *spread = arg;
	const AgmEdgeType *type = &spread->scope->types[edge->type];
	double weight = type->weight * edge->weight * edge->weight;
	Gift *gift;

	if (!(weight > 0) || edge->other == edge->node || (type->directed && !edge->outgoing))
		return;
	if (spread->ngifts == spread->gifts_room)
	{
		spread->gifts_room *= 2;
		spread->gifts = repalloc_huge(spread->gifts, sizeof(Gift) * spread->gifts_room);
	}
	gift = &spread->gifts[spread->ngifts++];
	gift->from = agm_ids_find(&spread->ids, edge->node);
	gift->to = cell_of(spread, edge->other);
	gift->weight = weight;
}

static int
compare_scored(const void *a, const void *b)
{
	const AgmScored *x = a;
	const AgmScored *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

/* Those that are active, the most active first. */
static AgmScored *
ranked(const Spread *spread, int *n)
{
	AgmScored *result = MemoryContextAllocExtended(
		CurrentMemoryContext, sizeof(AgmScored) * Max(spread->ids.n, 1), MCXT_ALLOC_HUGE);

	*n = 0;
	for (uint32 v = 0; v < spread->ids.n; v++)
		if (spread->cells[v].there && spread->cells[v].active > 0)
		{
			result[*n].id = spread->ids.ids[v];
			result[(*n)++].score = spread->cells[v].active;
		}
	qsort(result, *n, sizeof(AgmScored), compare_scored);
	return result;
}

static void
run_step(Spread *spread, const AgmSpreadOptions *options)
{
	int n;
	AgmScored *active = ranked(spread, &n);
	int givers = Min(n, GIVERS_MAX);
	int64 *ids = palloc(sizeof(int64) * Max(givers, 1));
	int64 *limits = palloc(sizeof(int64) * Max(givers, 1));
	uint32 known = spread->ids.n;

	for (int i = 0; i < givers; i++)
	{
		ids[i] = active[i].id;
		limits[i] = options->fan;
	}
	spread->ngifts = 0;
	agm_scope_edges(spread->scope, false, ids, limits, givers, came, spread);
	look_up(spread, known);
	for (uint32 v = 0; v < spread->ids.n; v++)
	{
		spread->cells[v].next = options->retention * spread->cells[v].active;
		spread->cells[v].total = 0;
	}
	for (int i = 0; i < spread->ngifts; i++)
		if (spread->cells[spread->gifts[i].to].there)
			spread->cells[spread->gifts[i].from].total += spread->gifts[i].weight;
	for (int i = 0; i < spread->ngifts; i++)
	{
		const Gift *gift = &spread->gifts[i];
		const Cell *from = &spread->cells[gift->from];

		if (spread->cells[gift->to].there)
			spread->cells[gift->to].next +=
				options->spread * from->active * gift->weight / from->total;
	}
	for (uint32 v = 0; v < spread->ids.n; v++)
		spread->cells[v].active = spread->cells[v].next;
	pfree(active);
	pfree(ids);
	pfree(limits);
}

AgmScored *
agm_spread(AgmScope *scope, const AgmSeeds *seeds, const AgmSpreadOptions *options, int *n)
{
	Spread spread = {.scope = scope, .room = 1024, .gifts_room = 1024};
	AgmScored *result;

	agm_ids_init(&spread.ids, CurrentMemoryContext);
	spread.cells = palloc(sizeof(Cell) * spread.room);
	spread.gifts = palloc(sizeof(Gift) * spread.gifts_room);
	for (int i = 0; i < seeds->n; i++)
		spread.cells[cell_of(&spread, seeds->ids[i])].active += seeds->weights[i];
	look_up(&spread, 0);
	for (int i = 0; i < options->steps; i++)
	{
		CHECK_FOR_INTERRUPTS();
		run_step(&spread, options);
	}
	result = ranked(&spread, n);
	*n = Min(*n, options->k);
	return result;
}

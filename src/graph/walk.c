/*
 * walk.c
 *		Breadth-first walks, a depth at a time: the edges of a frontier in one statement, which
 *		of the memories at their ends are there in another.
 */
#include "postgres.h"

#include "executor/nodeHash.h"
#include "miscadmin.h"

#include "graph/walk.h"

/* One side of a walk. */
typedef struct Walk
{
	AgmScope *scope;
	AgmIds ids;		  /* memories that were come to, and those that are not there */
	AgmVisits visits; /* by number of the id; depth -1: not there */
	uint32 first;	  /* of the frontier, which ends where visits do */
	uint32 frontier;
	int depth;
} Walk;

static AgmVisit *
add_visit(AgmVisits *visits)
{
	if (visits->n == visits->room)
	{
		/* Their numbers take some 32 bytes besides. */
		if ((Size) visits->room * 2 * (sizeof(AgmVisit) + 32) > get_hash_memory_limit())
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY),
							errmsg("the walk needs more memory than work_mem allows"),
							errdetail("It has come to %d memories.", visits->n),
							errhint("Lower depth or max_nodes, or raise work_mem, which counts "
									"hash_mem_multiplier times.")));
		visits->room = Max(64, visits->room * 2);
		visits->visits = visits->visits == NULL
							 ? palloc(sizeof(AgmVisit) * visits->room)
							 : repalloc_huge(visits->visits, sizeof(AgmVisit) * visits->room);
	}
	return &visits->visits[visits->n++];
}

/* The heaviest edge leads to a memory; of equal ones that from the smallest id, by type. */
static bool
is_better(const AgmScope *scope, const AgmVisit *a, const AgmVisit *b)
{
	int order;

	if (a->weight != b->weight)
		return a->weight > b->weight;
	if (a->via != b->via)
		return a->via < b->via;
	order = strcmp(scope->types[a->type].name, scope->types[b->type].name);
	return order != 0 ? order < 0 : a->outgoing && !b->outgoing;
}

static void
came_to(const AgmEdge *edge, void *arg)
{
	Walk *walk = arg;
	AgmVisit visit = {.id = edge->other,
					  .depth = -1,
					  .via = edge->node,
					  .type = edge->type,
					  .weight = edge->weight,
					  .outgoing = edge->outgoing};
	bool is_new;
	uint32 v = agm_ids_add(&walk->ids, edge->other, &is_new);

	if (is_new)
		*add_visit(&walk->visits) = visit;
	else if (v >= walk->frontier && is_better(walk->scope, &visit, &walk->visits.visits[v]))
		walk->visits.visits[v] = visit;
}

static void
is_there(int64 id, int64 count, void *arg)
{
	Walk *walk = arg;

	(void) count;
	walk->visits.visits[agm_ids_find(&walk->ids, id)].depth = walk->depth;
}

static void
begin(Walk *walk, AgmScope *scope, const int64 *ids, int n)
{
	memset(walk, 0, sizeof(*walk));
	walk->scope = scope;
	agm_ids_init(&walk->ids, CurrentMemoryContext);
	for (int i = 0; i < n; i++)
	{
		AgmVisit visit = {.id = ids[i], .depth = -1, .via = -1, .type = -1};
		bool is_new;

		(void) agm_ids_add(&walk->ids, ids[i], &is_new);
		if (is_new)
			*add_visit(&walk->visits) = visit;
	}
	agm_scope_visible(scope, walk->ids.ids, walk->ids.n, is_there, walk);
}

/*
 * One edge further from the memories that were come to last, in the order in which they stand.
 * No more than `limit` edges of a memory and direction are read.  False if there were none.
 */
static bool
step(Walk *walk, int64 limit)
{
	uint32 end = walk->visits.n;
	int64 *ids = palloc(sizeof(int64) * Max(end - walk->first, 1));
	int64 *limits = palloc(sizeof(int64) * Max(end - walk->first, 1));
	int n = 0;

	CHECK_FOR_INTERRUPTS();
	for (uint32 v = walk->first; v < end; v++)
		if (walk->visits.visits[v].depth >= 0)
		{
			limits[n] = limit;
			ids[n++] = walk->visits.visits[v].id;
		}
	walk->first = walk->frontier = end;
	walk->depth++;
	agm_scope_edges(walk->scope, false, ids, limits, n, came_to, walk);
	agm_scope_visible(walk->scope, walk->ids.ids + end, walk->ids.n - end, is_there, walk);
	pfree(ids);
	pfree(limits);
	return n > 0;
}

static int
compare_visits(const void *a, const void *b)
{
	const AgmVisit *x = a;
	const AgmVisit *y = b;

	if (x->depth != y->depth)
		return x->depth - y->depth;
	if (x->weight != y->weight)
		return x->weight > y->weight ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void
agm_neighbors(AgmScope *scope, const int64 *ids, int n, int depth, int max_nodes,
			  AgmVisits *result)
{
	Walk walk;
	int found = 0;

	memset(result, 0, sizeof(*result));
	begin(&walk, scope, ids, n);
	/* One more than may be shown, so that none is lost for one that is not there. */
	for (int i = 0; i < depth && found < max_nodes; i++)
	{
		if (!step(&walk, (int64) max_nodes + 1))
			break;
		for (uint32 v = walk.first; v < walk.ids.n; v++)
			found += walk.visits.visits[v].depth >= 0;
	}
	for (int i = 0; i < walk.visits.n; i++)
		if (walk.visits.visits[i].depth >= 0)
			*add_visit(result) = walk.visits.visits[i];
	qsort(result->visits, result->n, sizeof(AgmVisit), compare_visits);
}

/* The least number of a memory that both sides have come to; AGM_NO_NODE if there is none. */
static uint32
meeting(const Walk *a, const Walk *b)
{
	uint32 best = AGM_NO_NODE;

	for (uint32 v = a->first; v < a->ids.n; v++)
	{
		const AgmVisit *visit = &a->visits.visits[v];
		uint32 other = agm_ids_find(&b->ids, visit->id);

		if (visit->depth < 0 || other == AGM_NO_NODE || b->visits.visits[other].depth < 0)
			continue;
		if (best == AGM_NO_NODE || visit->id < a->visits.visits[best].id)
			best = v;
	}
	return best;
}

/* From the meeting back to the source, turned round, then on to the target. */
static void
join_ways(const Walk *from, const Walk *to, int64 middle, AgmVisits *result)
{
	AgmVisit *visit;
	int64 id = middle;

	for (;;)
	{
		visit = &from->visits.visits[agm_ids_find(&from->ids, id)];
		*add_visit(result) = *visit;
		if (visit->depth == 0)
			break;
		id = visit->via;
	}
	for (int i = 0; i < result->n / 2; i++)
	{
		AgmVisit swap = result->visits[i];

		result->visits[i] = result->visits[result->n - 1 - i];
		result->visits[result->n - 1 - i] = swap;
	}
	id = middle;
	for (;;)
	{
		AgmVisit next;

		visit = &to->visits.visits[agm_ids_find(&to->ids, id)];
		if (visit->depth == 0)
			break;
		next = *visit;
		next.id = visit->via;
		next.via = id;
		next.outgoing = !visit->outgoing;
		*add_visit(result) = next;
		id = next.id;
	}
}

void
agm_shortest_path(AgmScope *scope, int64 source, int64 target, int max_depth, int max_nodes,
				  AgmVisits *result)
{
	Walk sides[2];
	uint32 met;

	memset(result, 0, sizeof(*result));
	begin(&sides[0], scope, &source, 1);
	begin(&sides[1], scope, &target, 1);
	if (sides[0].visits.visits[0].depth < 0 || sides[1].visits.visits[0].depth < 0)
		return;
	if (source == target)
	{
		join_ways(&sides[0], &sides[1], source, result);
		return;
	}
	while (sides[0].depth + sides[1].depth < max_depth)
	{
		/* The smaller frontier goes on; of equal ones the source's. */
		int s = sides[0].ids.n - sides[0].first <= sides[1].ids.n - sides[1].first ? 0 : 1;

		if (!step(&sides[s], (int64) max_nodes + 1))
			return;
		if (sides[0].ids.n + sides[1].ids.n > (uint32) max_nodes)
			ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
							errmsg("more than %d memories were looked at without finding a way",
								   max_nodes),
							errhint("Raise max_nodes, or name the types of edges to follow.")));
		met = meeting(&sides[s], &sides[1 - s]);
		if (met != AGM_NO_NODE)
		{
			join_ways(&sides[0], &sides[1], sides[s].visits.visits[met].id, result);
			return;
		}
	}
}

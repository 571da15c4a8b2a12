/*
 * push.c
 *		Forward push: mass begins at the seeds and is passed on until little is held back.
 *
 * A round reads the edges of all memories that are to pass on and are not read yet, then looks
 * which of their neighbours are there: two statements, whatever the number.
 */
#include "postgres.h"

#include <math.h>

#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/order.h"
#include "graph/ids.h"
#include "graph/push.h"

/* Whether a memory is there is looked up when it matters. */
typedef enum Presence
{
	UNKNOWN,
	THERE,
	ABSENT
} Presence;

typedef struct PushNode
{
	double score;  /* settled here */
	double held;   /* to be passed on */
	double seed;   /* its share of the seeds */
	double hub;	   /* 1 / ln(e + edges that end in it) */
	double total;  /* of the weights of its row */
	double passed; /* along its row, so far */
	Size first;	   /* its row, in flows */
	uint32 n;	   /* flows of its row */
	uint32 edges;  /* that it has, at least */
	uint32 reading;
	Presence presence;
	bool has_row;
	bool wanted;  /* hub is needed */
	bool counted; /* ... and known */
} PushNode;

/* To a node of the row's owner. */
typedef struct Flow
{
	uint32 to;
	double weight;
} Flow;

/* A node whose edges are read in this round. */
typedef struct Reading
{
	uint32 node;
	int64 limit;   /* of edges of a direction */
	int64 came[2]; /* edges by direction */
	bool cut;	   /* there are more than were read */
} Reading;

/* An edge that came in this round and conducts. */
typedef struct Came
{
	uint32 reading;
	bool outgoing;
	int64 to;
	double weight;
} Came;

typedef struct Push
{
	AgmScope *scope;
	const AgmPushOptions *options;
	AgmPushResult *result;
	Size limit; /* bytes */
	AgmIds ids;
	PushNode *nodes;
	uint32 nodes_room;
	Flow *flows;
	Size nflows;
	Size flows_room;
	uint32 *seeds; /* nodes that have a share */
	int nseeds;
	Reading *readings; /* the round's */
	uint32 nreadings;
	uint32 readings_room;
	Came *came;
	Size ncame;
	Size came_room;
} Push;

#define FIRST_ROOM 1024

/* To read a memory and look up its neighbours costs as much as so many edges, if it has fewer. */
#define EDGES_MIN 8

static void
check_memory(const Push *push)
{
	Size used = agm_ids_size(&push->ids) + push->nodes_room * sizeof(PushNode) +
				push->flows_room * sizeof(Flow) + push->readings_room * sizeof(Reading) +
				push->came_room * sizeof(Came);

	if (used > push->limit)
		ereport(
			ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("the walk needs more memory than work_mem allows"),
			 errdetail("It has come to %u memories and " UINT64_FORMAT " edges.", push->ids.n,
					   push->result->read),
			 errhint("Raise epsilon, or work_mem, which counts hash_mem_multiplier times.")));
}

static uint32
node_of(Push *push, int64 id)
{
	bool is_new;
	uint32 v = agm_ids_add(&push->ids, id, &is_new);

	if (!is_new)
		return v;
	if (v >= push->nodes_room)
	{
		push->nodes_room *= 2;
		push->nodes = repalloc_huge(push->nodes, sizeof(PushNode) * push->nodes_room);
		check_memory(push);
	}
	memset(&push->nodes[v], 0, sizeof(PushNode));
	return v;
}

static inline void
count_hub(PushNode *node, int64 degree)
{
	node->hub = 1 / log(M_E + Min(degree, AGM_DEGREE_CAP));
	node->edges = Max(node->edges, (uint32) degree);
	node->counted = true;
}

static void
found_degree(int64 id, int64 degree, void *arg)
{
	Push *push = arg;

	count_hub(&push->nodes[agm_ids_find(&push->ids, id)], degree);
}

static void
found_there(int64 id, int64 count, void *arg)
{
	Push *push = arg;

	(void) count;
	push->nodes[agm_ids_find(&push->ids, id)].presence = THERE;
}

/* Counts the hubs that are wanted and not known. */
static void
count_hubs(Push *push)
{
	int64 *ids = palloc(sizeof(int64) * Max(push->ids.n, 1));
	int n = 0;

	for (uint32 v = 0; v < push->ids.n; v++)
		if (push->nodes[v].wanted && !push->nodes[v].counted)
			ids[n++] = push->ids.ids[v];
	/* Neighbours in the index one after the other: their pages are in the processor's caches. */
	qsort(ids, n, sizeof(int64), agm_compare_int64);
	agm_scope_degrees(push->scope, ids, n, found_degree, push);
	pfree(ids);
}

static void
back_to_seeds(Push *push, double mass)
{
	for (int i = 0; i < push->nseeds; i++)
		push->nodes[push->seeds[i]].held += mass * push->nodes[push->seeds[i]].seed;
}

/*
 * A row without those that turned out to be absent: what went to them goes to the others, in
 * the shares that they would have had.  README, "Forward push", invariant 4.
 */
static void
mend_row(Push *push, PushNode *node)
{
	Flow *flow = &push->flows[node->first];
	double total = 0;
	uint32 n = 0;

	for (uint32 i = 0; i < node->n; i++)
		if (push->nodes[flow[i].to].presence != ABSENT)
		{
			total += flow[i].weight;
			flow[n++] = flow[i];
		}
	if (n == node->n)
		return;
	if (n == 0)
		back_to_seeds(push, node->passed);
	for (uint32 i = 0; i < n; i++)
		push->nodes[flow[i].to].held +=
			node->passed * flow[i].weight * (1 / total - 1 / node->total);
	node->n = n;
	node->total = total;
}

/*
 * Looks which of these nodes are there; those that are not hold nothing any more.  Were any
 * of them absent?
 */
static bool
look_up(Push *push, const uint32 *nodes, int n)
{
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));
	bool absent = false;

	for (int i = 0; i < n; i++)
		ids[i] = push->ids.ids[nodes[i]];
	agm_scope_visible(push->scope, ids, n, found_there, push);
	for (int i = 0; i < n; i++)
	{
		PushNode *node = &push->nodes[nodes[i]];

		if (node->presence == THERE)
			continue;
		node->presence = ABSENT;
		node->held = 0;
		absent = true;
	}
	for (uint32 v = 0; absent && v < push->ids.n; v++)
		if (push->nodes[v].has_row && push->nodes[v].n > 0)
			mend_row(push, &push->nodes[v]);
	push->result->looked_up += n;
	pfree(ids);
	return absent;
}

/* May it pass on what it holds?  README, "Forward push", invariant 2. */
static inline bool
holds_much(const Push *push, const PushNode *node)
{
	return node->held > push->options->epsilon * Max(node->edges, EDGES_MIN);
}

/* The seeds that are there, their weights made to sum to 1. */
static void
plant(Push *push, const AgmSeeds *seeds)
{
	double sum = 0;

	for (int i = 0; i < seeds->n; i++)
		if (seeds->weights[i] > 0)
			push->nodes[node_of(push, seeds->ids[i])].seed += seeds->weights[i];
	push->seeds = palloc(sizeof(uint32) * Max(push->ids.n, 1));
	for (uint32 v = 0; v < push->ids.n; v++)
		push->seeds[v] = v;
	if (push->options->there)
		for (uint32 v = 0; v < push->ids.n; v++)
			push->nodes[v].presence = THERE;
	else
		(void) look_up(push, push->seeds, push->ids.n);
	for (uint32 v = 0; v < push->ids.n; v++)
		if (push->nodes[v].presence == THERE)
		{
			push->seeds[push->nseeds++] = v;
			sum += push->nodes[v].seed;
		}
	for (int i = 0; i < push->nseeds; i++)
	{
		PushNode *node = &push->nodes[push->seeds[i]];

		node->seed = isinf(sum) ? 1.0 / push->nseeds : node->seed / sum;
		node->held = node->seed;
	}
}

/* Settles what a node may keep of what it holds, and passes on the rest. */
static void
pass_on(Push *push, PushNode *node)
{
	double mass = node->held;
	double rest = push->options->damping * mass;

	node->held = 0;
	node->score += mass - rest;
	push->result->pushes++;
	if (node->n > 0)
	{
		const Flow *flow = &push->flows[node->first];
		double share = rest / node->total;

		node->passed += rest;
		for (uint32 i = 0; i < node->n; i++)
			push->nodes[flow[i].to].held += flow[i].weight * share;
	}
	else
		back_to_seeds(push, rest); /* it leads nowhere */
}

/* Until no node whose row is known holds much. */
static void
settle(Push *push)
{
	bool passed = true;

	while (passed)
	{
		passed = false;
		CHECK_FOR_INTERRUPTS();
		for (uint32 v = 0; v < push->ids.n; v++)
		{
			PushNode *node = &push->nodes[v];

			if (node->has_row && holds_much(push, node))
			{
				pass_on(push, node);
				passed = true;
			}
		}
	}
}

/* Looks which of the nodes that are to be read are there; were any of them absent? */
static bool
check_readings(Push *push)
{
	uint32 *nodes = palloc(sizeof(uint32) * Max(push->ids.n, 1));
	bool absent;
	int n = 0;

	for (uint32 v = 0; v < push->ids.n; v++)
	{
		const PushNode *node = &push->nodes[v];

		if (!node->has_row && node->presence == UNKNOWN && holds_much(push, node))
			nodes[n++] = v;
	}
	absent = look_up(push, nodes, n);
	pfree(nodes);
	return absent;
}

/* Nodes that hold much and whose rows are not known. */
static void
choose_readings(Push *push)
{
	push->nreadings = 0;
	push->ncame = 0;
	for (uint32 v = 0; v < push->ids.n; v++)
	{
		PushNode *node = &push->nodes[v];
		Reading *reading;

		if (node->has_row || node->presence != THERE || !holds_much(push, node))
			continue;
		if (push->nreadings == push->readings_room)
		{
			push->readings_room *= 2;
			push->readings =
				repalloc_huge(push->readings, sizeof(Reading) * push->readings_room);
			check_memory(push);
		}
		reading = &push->readings[push->nreadings];
		memset(reading, 0, sizeof(*reading));
		reading->node = v;
		/* One edge more than twice as many as it may have: README, invariant 3. */
		reading->limit = (int64) (2 * node->held / push->options->epsilon) + 1;
		node->reading = push->nreadings++;
	}
}

static void
edge_came(const AgmEdge *edge, void *arg)
{
	Push *push = arg;
	uint32 r = push->nodes[agm_ids_find(&push->ids, edge->node)].reading;
	const AgmEdgeType *type = &push->scope->types[edge->type];
	double weight = type->weight * edge->weight * edge->weight;
	Came *came;

	push->readings[r].came[edge->outgoing]++;
	push->result->read++;
	if (!edge->counts || !(weight > 0) || edge->other == edge->node ||
		(type->directed && !edge->outgoing))
		return;
	if (push->ncame == push->came_room)
	{
		push->came_room *= 2;
		push->came = repalloc_huge(push->came, sizeof(Came) * push->came_room);
		check_memory(push);
	}
	came = &push->came[push->ncame++];
	came->reading = r;
	came->outgoing = edge->outgoing;
	came->to = edge->other;
	came->weight = weight;
}

static void
read_edges(Push *push)
{
	int64 *ids = palloc(sizeof(int64) * push->nreadings);
	int64 *limits = palloc(sizeof(int64) * push->nreadings);

	for (uint32 i = 0; i < push->nreadings; i++)
	{
		ids[i] = push->ids.ids[push->readings[i].node];
		limits[i] = push->readings[i].limit;
	}
	agm_scope_edges(push->scope, true, ids, limits, push->nreadings, edge_came, push);
	pfree(ids);
	pfree(limits);
}

/* What came becomes rows, where all of a node's edges have come. */
static void
make_rows(Push *push)
{
	Size needed = push->nflows;

	for (uint32 i = 0; i < push->nreadings; i++)
	{
		Reading *reading = &push->readings[i];
		PushNode *node = &push->nodes[reading->node];

		reading->cut = reading->came[0] >= reading->limit || reading->came[1] >= reading->limit;
		node->edges = Max(node->edges, (uint32) (reading->came[0] + reading->came[1]));
		node->has_row = !reading->cut;
		node->n = 0;
		if (node->has_row)
			count_hub(node, reading->came[0]);
	}
	for (Size i = 0; i < push->ncame; i++)
		if (!push->readings[push->came[i].reading].cut)
		{
			uint32 to = node_of(push, push->came[i].to);

			push->nodes[to].wanted |= push->came[i].outgoing;
		}
	count_hubs(push);

	for (Size i = 0; i < push->ncame; i++)
		push->nodes[push->readings[push->came[i].reading].node].n++;
	for (uint32 i = 0; i < push->nreadings; i++)
	{
		PushNode *node = &push->nodes[push->readings[i].node];

		node->first = needed;
		needed += push->readings[i].cut ? 0 : node->n;
		node->n = 0;
	}
	if (needed > push->flows_room)
	{
		push->flows_room = Max(needed, push->flows_room * 2);
		push->flows = repalloc_huge(push->flows, sizeof(Flow) * push->flows_room);
		check_memory(push);
	}
	push->nflows = needed;
	for (Size i = 0; i < push->ncame; i++)
	{
		const Came *came = &push->came[i];
		PushNode *node = &push->nodes[push->readings[came->reading].node];
		uint32 to = agm_ids_find(&push->ids, came->to);
		Flow *flow;

		if (push->readings[came->reading].cut || push->nodes[to].presence == ABSENT)
			continue;
		flow = &push->flows[node->first + node->n++];
		flow->to = to;
		flow->weight = came->weight * (came->outgoing ? push->nodes[to].hub : node->hub);
		node->total += flow->weight;
	}
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

/* Brings the best k to the front, in no order: what is left of the others is not looked at. */
static void
select_best(AgmScored *scored, int n, int k)
{
	int low = 0;
	int high = n - 1;

	while (low < high)
	{
		AgmScored pivot = scored[low + (high - low) / 2];
		int i = low;
		int j = high;

		while (i <= j)
		{
			while (compare_scored(&scored[i], &pivot) < 0)
				i++;
			while (compare_scored(&scored[j], &pivot) > 0)
				j--;
			if (i <= j)
			{
				AgmScored swapped = scored[i];

				scored[i++] = scored[j];
				scored[j--] = swapped;
			}
		}
		if (k <= j)
			high = j;
		else if (k >= i)
			low = i;
		else
			return;
	}
}

/* What a node holds it would settle in part, so that much of it is certain. */
static void
rank_nodes(Push *push)
{
	AgmPushResult *result = push->result;

	if (result->best != NULL)
		pfree(result->best);
	result->best = MemoryContextAllocExtended(
		CurrentMemoryContext, sizeof(AgmScored) * Max(push->ids.n, 1), MCXT_ALLOC_HUGE);
	result->n = 0;
	result->left = 0;
	for (uint32 v = 0; v < push->ids.n; v++)
	{
		PushNode *node = &push->nodes[v];

		if (node->presence == ABSENT)
			continue;
		result->left += push->options->damping * node->held;
		result->best[result->n].id = push->ids.ids[v];
		result->best[result->n].score = node->score + (1 - push->options->damping) * node->held;
		/* Who has no row was come to along an edge, or was left as it is. */
		result->best[result->n].linked = !node->has_row || node->n > 0;
		if (result->best[result->n].score > 0)
			result->n++;
	}
	if (result->n > push->options->k)
	{
		select_best(result->best, result->n, push->options->k);
		result->n = push->options->k;
	}
	qsort(result->best, result->n, sizeof(AgmScored), compare_scored);
	result->seen = push->ids.n;
}

/* Are the best all there?  False if some had to be looked up: what they held may have moved. */
static bool
best_are_there(Push *push)
{
	const AgmPushResult *result = push->result;
	uint32 *nodes = palloc(sizeof(uint32) * Max(result->n, 1));
	int n = 0;

	for (int i = 0; i < result->n; i++)
	{
		uint32 v = agm_ids_find(&push->ids, result->best[i].id);

		if (push->nodes[v].presence == UNKNOWN)
			nodes[n++] = v;
	}
	(void) look_up(push, nodes, n);
	pfree(nodes);
	return n == 0;
}

void
agm_push(AgmScope *scope, const AgmSeeds *seeds, const AgmPushOptions *options,
		 AgmPushResult *result)
{
	Push push = {0};

	memset(result, 0, sizeof(*result));
	push.scope = scope;
	push.options = options;
	push.result = result;
	push.limit = get_hash_memory_limit();
	push.nodes_room = push.flows_room = push.readings_room = push.came_room = FIRST_ROOM;
	agm_ids_init(&push.ids, CurrentMemoryContext);
	push.nodes = palloc(sizeof(PushNode) * FIRST_ROOM);
	push.flows = palloc(sizeof(Flow) * FIRST_ROOM);
	push.readings = palloc(sizeof(Reading) * FIRST_ROOM);
	push.came = palloc(sizeof(Came) * FIRST_ROOM);
	plant(&push, seeds);
	do
	{
		for (;;)
		{
			settle(&push);
			/* Where one is absent others hold more. */
			if (check_readings(&push))
				continue;
			choose_readings(&push);
			if (push.nreadings == 0)
				break;
			read_edges(&push);
			make_rows(&push);
			result->rounds++;
		}
		rank_nodes(&push);
	} while (!best_are_there(&push));
}

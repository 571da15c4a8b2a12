/*
 * csr.c
 *		Gathers edges and sorts them into rows, in memory that is bounded and counted.
 *
 * Two counting sorts: by source, then, walking the sources in order, by target, which
 * leaves each row in the order of its sources.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "graph/csr.h"

#define CHUNK_EDGES 65536

struct AgmEdgeChunk
{
	AgmEdgeChunk *next;
	uint32 n;
	uint32 *source;
	uint32 *target;
	double *weight; /* NULL: all are 1 */
};

pg_noreturn static void
too_large(Size limit, Size need)
{
	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("the graph needs more memory than maintenance_work_mem allows"),
			 errdetail("The limit is %zu kB, of which %zu kB would be exceeded.", limit / 1024,
					   need / 1024),
			 errhint("Raise maintenance_work_mem: a graph takes some 30 bytes an edge with "
					 "weights, 12 without, and 60 a node.")));
}

static void *
take(MemoryContext context, Size *used, Size limit, Size n, Size size)
{
	Size bytes = mul_size(n, size);

	if (add_size(*used, bytes) > limit)
		too_large(limit, add_size(*used, bytes));
	*used += bytes;
	return MemoryContextAllocExtended(context, Max(bytes, 1), MCXT_ALLOC_HUGE);
}

void *
agm_csr_alloc(AgmCsr *csr, Size n, Size size)
{
	return take(csr->context, &csr->used, csr->limit, n, size);
}

void
agm_csr_free(AgmCsr *csr, void *pointer, Size n, Size size)
{
	pfree(pointer);
	csr->used -= n * size;
}

void
agm_graph_init(AgmGraph *graph, MemoryContext context, Size limit)
{
	memset(graph, 0, sizeof(*graph));
	graph->context = context;
	graph->limit = limit;
	agm_ids_init(&graph->nodes, context);
	graph->used = agm_ids_size(&graph->nodes);
}

static AgmEdgeChunk *
new_chunk(AgmGraph *graph)
{
	AgmEdgeChunk *chunk = take(graph->context, &graph->used, graph->limit, 1, sizeof(*chunk));

	chunk->next = NULL;
	chunk->n = 0;
	chunk->source =
		take(graph->context, &graph->used, graph->limit, CHUNK_EDGES, sizeof(uint32));
	chunk->target =
		take(graph->context, &graph->used, graph->limit, CHUNK_EDGES, sizeof(uint32));
	chunk->weight = NULL;
	if (graph->last == NULL)
		graph->first = chunk;
	else
		graph->last->next = chunk;
	graph->last = chunk;
	return chunk;
}

static uint32
number(AgmGraph *graph, int64 id)
{
	AgmIds *nodes = &graph->nodes;
	uint32 capacity = nodes->capacity;
	Size before = agm_ids_size(nodes);
	uint32 result;

	/* The next id may make the dictionary grow, which doubles it. */
	if (nodes->n == capacity && graph->used + before > graph->limit)
		too_large(graph->limit, graph->used + before);
	result = agm_ids_add(nodes, id, NULL);
	graph->used += agm_ids_size(nodes) - before;
	return result;
}

void
agm_graph_add(AgmGraph *graph, int64 source, int64 target, double weight)
{
	AgmEdgeChunk *chunk = graph->last;
	uint32 i;

	if (chunk == NULL || chunk->n == CHUNK_EDGES)
		chunk = new_chunk(graph);
	i = chunk->n;
	chunk->source[i] = number(graph, source);
	chunk->target[i] = number(graph, target);
	if (weight != 1 && chunk->weight == NULL)
	{
		chunk->weight =
			take(graph->context, &graph->used, graph->limit, CHUNK_EDGES, sizeof(double));
		for (uint32 j = 0; j < i; j++)
			chunk->weight[j] = 1;
		graph->weighted = true;
	}
	if (chunk->weight != NULL)
		chunk->weight[i] = weight;
	chunk->n++;
	graph->nedges++;
}

typedef struct Numbered
{
	int64 id;
	uint32 number;
} Numbered;

#define ST_SORT sort_numbered
#define ST_ELEMENT_TYPE Numbered
#define ST_COMPARE(a, b) ((a)->id < (b)->id ? -1 : (a)->id > (b)->id)
#define ST_SCOPE static
#define ST_DEFINE
#define ST_CHECK_FOR_INTERRUPTS
#include "lib/sort_template.h"

/* Numbers nodes by their ids; map[old number] is the new one. */
static uint32 *
sort_nodes(AgmGraph *graph, AgmCsr *csr)
{
	uint32 n = graph->nodes.n;
	Numbered *order = agm_csr_alloc(csr, n, sizeof(Numbered));
	uint32 *map = agm_csr_alloc(csr, n, sizeof(uint32));
	int64 *ids = graph->nodes.ids;
	bool sorted = true;

	for (uint32 i = 0; i < n; i++)
	{
		order[i].id = ids[i];
		order[i].number = i;
		sorted &= i == 0 || ids[i - 1] < ids[i];
	}
	if (!sorted)
		sort_numbered(order, n);
	for (uint32 i = 0; i < n; i++)
	{
		ids[i] = order[i].id;
		map[order[i].number] = i;
	}
	agm_csr_free(csr, order, n, sizeof(Numbered));
	/* The ids are found by halving from here on. */
	pfree(graph->nodes.slots);
	csr->used -= (Size) graph->nodes.capacity * 2 * sizeof(uint32);
	csr->ids = ids;
	csr->n = n;
	return map;
}

/* counts[v + 1] edges of v: becomes where v's row begins. */
static uint64
sum_counts(uint64 *counts, uint32 n)
{
	for (uint32 v = 0; v < n; v++)
		counts[v + 1] += counts[v];
	return counts[n];
}

/* Renumbers the edges and counts those of each source, of either end if undirected. */
static void
count_edges(AgmGraph *graph, const uint32 *map, bool directed, uint64 *counts)
{
	for (AgmEdgeChunk *chunk = graph->first; chunk != NULL; chunk = chunk->next)
	{
		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < chunk->n; i++)
		{
			uint32 source = chunk->source[i] = map[chunk->source[i]];
			uint32 target = chunk->target[i] = map[chunk->target[i]];

			counts[source + 1]++;
			if (!directed && source != target)
				counts[target + 1]++;
		}
	}
}

/* Edges of a graph in rows, by either end. */
typedef struct Rows
{
	uint64 *start;
	uint32 *other;
	double *weight;
} Rows;

static inline void
place(Rows *rows, uint64 *next, uint32 row, uint32 other, double weight)
{
	uint64 at = next[row]++;

	rows->other[at] = other;
	if (rows->weight != NULL)
		rows->weight[at] = weight;
}

static void
place_by_source(AgmGraph *graph, AgmCsr *csr, bool directed, Rows *rows)
{
	uint64 *next = agm_csr_alloc(csr, csr->n, sizeof(uint64));
	AgmEdgeChunk *chunk = graph->first;

	memcpy(next, rows->start, sizeof(uint64) * csr->n);
	while (chunk != NULL)
	{
		AgmEdgeChunk *done = chunk;

		CHECK_FOR_INTERRUPTS();
		for (uint32 i = 0; i < chunk->n; i++)
		{
			uint32 source = chunk->source[i];
			uint32 target = chunk->target[i];
			double weight = chunk->weight == NULL ? 1 : chunk->weight[i];

			place(rows, next, source, target, weight);
			if (!directed && source != target)
				place(rows, next, target, source, weight);
		}
		chunk = chunk->next;
		if (done->weight != NULL)
			agm_csr_free(csr, done->weight, CHUNK_EDGES, sizeof(double));
		agm_csr_free(csr, done->source, CHUNK_EDGES, sizeof(uint32));
		agm_csr_free(csr, done->target, CHUNK_EDGES, sizeof(uint32));
		agm_csr_free(csr, done, 1, sizeof(*done));
	}
	agm_csr_free(csr, next, csr->n, sizeof(uint64));
	graph->first = graph->last = NULL;
}

static void
place_by_target(AgmCsr *csr, const Rows *by_source, Rows *rows)
{
	uint64 *next = agm_csr_alloc(csr, csr->n, sizeof(uint64));

	memset(rows->start, 0, sizeof(uint64) * ((Size) csr->n + 1));
	for (uint64 e = 0; e < csr->m; e++)
		rows->start[by_source->other[e] + 1]++;
	(void) sum_counts(rows->start, csr->n);
	memcpy(next, rows->start, sizeof(uint64) * csr->n);
	for (uint32 source = 0; source < csr->n; source++)
	{
		if ((source & 0xffff) == 0)
			CHECK_FOR_INTERRUPTS();
		for (uint64 e = by_source->start[source]; e < by_source->start[source + 1]; e++)
			place(rows, next, by_source->other[e], source,
				  by_source->weight == NULL ? 1 : by_source->weight[e]);
	}
	agm_csr_free(csr, next, csr->n, sizeof(uint64));
}

static int
compare_double(const void *a, const void *b)
{
	double x = *(const double *) a;
	double y = *(const double *) b;

	return (x > y) - (x < y);
}

/*
 * Edges of one source and target become one, their weights summed in ascending order, so
 * that the sum is the same whatever the order in which they came.  Without weights they
 * may stay: a sum of ones is exact.
 */
static void
merge_parallel(AgmCsr *csr)
{
	uint64 to = 0;
	uint64 end = 0;

	for (uint32 v = 0; v < csr->n; v++)
	{
		uint64 from = end;

		end = csr->start[v + 1];
		csr->start[v] = to;
		while (from < end)
		{
			uint32 other = csr->other[from];
			uint64 run = from + 1;
			double sum = 0;

			while (run < end && csr->other[run] == other)
				run++;
			if (run - from > 1)
				qsort(csr->weight + from, run - from, sizeof(double), compare_double);
			for (; from < run; from++)
				sum += csr->weight[from];
			csr->other[to] = other;
			csr->weight[to++] = sum;
		}
	}
	csr->start[csr->n] = to;
	csr->m = to;
}

void
agm_graph_finish(AgmGraph *graph, bool directed, AgmCsr *csr)
{
	Rows by_source;
	Rows rows;
	uint32 *map;
	uint64 m;

	memset(csr, 0, sizeof(*csr));
	csr->context = graph->context;
	csr->limit = graph->limit;
	csr->used = graph->used;
	csr->symmetric = !directed;
	map = sort_nodes(graph, csr);

	by_source.start = agm_csr_alloc(csr, (Size) csr->n + 1, sizeof(uint64));
	memset(by_source.start, 0, sizeof(uint64) * ((Size) csr->n + 1));
	count_edges(graph, map, directed, by_source.start);
	agm_csr_free(csr, map, csr->n, sizeof(uint32));
	m = csr->m = sum_counts(by_source.start, csr->n);
	by_source.other = agm_csr_alloc(csr, m, sizeof(uint32));
	by_source.weight = graph->weighted ? agm_csr_alloc(csr, m, sizeof(double)) : NULL;
	place_by_source(graph, csr, directed, &by_source);

	rows.start = agm_csr_alloc(csr, (Size) csr->n + 1, sizeof(uint64));
	rows.other = agm_csr_alloc(csr, m, sizeof(uint32));
	rows.weight = graph->weighted ? agm_csr_alloc(csr, m, sizeof(double)) : NULL;
	place_by_target(csr, &by_source, &rows);
	agm_csr_free(csr, by_source.start, (Size) csr->n + 1, sizeof(uint64));
	agm_csr_free(csr, by_source.other, m, sizeof(uint32));
	if (by_source.weight != NULL)
		agm_csr_free(csr, by_source.weight, m, sizeof(double));

	csr->start = rows.start;
	csr->other = rows.other;
	csr->weight = rows.weight;
	if (csr->weight != NULL)
		merge_parallel(csr);
	csr->out = agm_csr_alloc(csr, csr->n, sizeof(double));
	memset(csr->out, 0, sizeof(double) * csr->n);
	for (uint64 e = 0; e < csr->m; e++)
		csr->out[csr->other[e]] += csr->weight == NULL ? 1 : csr->weight[e];
	for (uint32 v = 0; v < csr->n; v++)
		if (isinf(csr->out[v]))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the weights of the edges of node " INT64_FORMAT " are too large",
							csr->ids[v])));
}

uint32
agm_csr_find(const AgmCsr *csr, int64 id)
{
	uint32 low = 0;
	uint32 high = csr->n;

	while (low < high)
	{
		uint32 middle = low + (high - low) / 2;

		if (csr->ids[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < csr->n && csr->ids[low] == id ? low : AGM_NO_NODE;
}

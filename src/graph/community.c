/*
 * community.c
 *		Louvain's method made deterministic, and a last step that leaves connected communities.
 *
 * Nodes are moved in the order of their ids; of equal gains the smallest community wins.
 * Rules: src/graph/README.md, "Communities".
 */
#include "postgres.h"

#include "miscadmin.h"

#include "graph/community.h"

/* A node moves only for a gain above this share of all weight: rounding must not move it. */
#define GAIN_MIN 1e-12
/* Passes over the nodes of one level; they end by themselves long before. */
#define PASSES_MAX 100

/* A level: the graph whose nodes are the communities of the level below. */
typedef struct Level
{
	uint32 n;
	uint64 *start;
	uint32 *other;
	double *weight;
	double *degree; /* sum of weights at a node, loops twice */
	uint32 *member; /* community of each node */
	double *total;	/* of each community: sum of degrees */
	uint64 room;	/* edges that other and weight have room for */
} Level;

/* Weights from one node to the communities around it. */
typedef struct Around
{
	double *weight; /* by community; 0 where not listed */
	uint32 *listed;
	uint32 n;
} Around;

static void
look_around(const Level *level, uint32 v, Around *around)
{
	around->n = 0;
	for (uint64 e = level->start[v]; e < level->start[v + 1]; e++)
	{
		uint32 c = level->member[level->other[e]];

		if (level->other[e] == v || level->weight[e] == 0)
			continue;
		if (around->weight[c] == 0)
			around->listed[around->n++] = c;
		around->weight[c] += level->weight[e];
	}
}

/* Moves nodes to where modularity gains most, until none moves; did any? */
static bool
move_nodes(Level *level, Around *around, double resolution, double twice)
{
	bool any = false;
	bool moved = true;

	for (int pass = 0; moved && pass < PASSES_MAX; pass++)
	{
		moved = false;
		for (uint32 v = 0; v < level->n; v++)
		{
			uint32 home = level->member[v];
			uint32 best = AGM_NO_NODE;
			double degree = level->degree[v];
			double stays;
			double best_gain;

			if ((v & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			look_around(level, v, around);
			level->total[home] -= degree;
			stays = around->weight[home] - resolution * level->total[home] * degree / twice +
					GAIN_MIN * twice;
			best_gain = 0;
			for (uint32 i = 0; i < around->n; i++)
			{
				uint32 c = around->listed[i];
				double gain = around->weight[c] - resolution * level->total[c] * degree / twice;

				if (gain > stays &&
					(best == AGM_NO_NODE || gain > best_gain + GAIN_MIN * twice ||
					 (gain >= best_gain - GAIN_MIN * twice && c < best)))
				{
					best = c;
					best_gain = gain;
				}
			}
			for (uint32 i = 0; i < around->n; i++)
				around->weight[around->listed[i]] = 0;
			if (best == AGM_NO_NODE)
				best = home;
			level->total[best] += degree;
			if (best != home)
			{
				level->member[v] = best;
				moved = any = true;
			}
		}
	}
	return any;
}

/* Numbers the communities in the order of their first nodes; returns how many there are. */
static uint32
renumber(uint32 *member, uint32 n, uint32 *scratch)
{
	uint32 next = 0;

	for (uint32 v = 0; v < n; v++)
		scratch[v] = AGM_NO_NODE;
	for (uint32 v = 0; v < n; v++)
	{
		if (scratch[member[v]] == AGM_NO_NODE)
			scratch[member[v]] = next++;
		member[v] = scratch[member[v]];
	}
	return next;
}

/* Nodes of each community, one community after the other: list[from[c]] on. */
static void
list_members(const Level *level, uint32 n, uint64 *from, uint32 *list)
{
	memset(from, 0, sizeof(uint64) * ((Size) n + 1));
	for (uint32 v = 0; v < level->n; v++)
		from[level->member[v] + 1]++;
	for (uint32 c = 0; c < n; c++)
		from[c + 1] += from[c];
	for (uint32 v = 0; v < level->n; v++)
		list[from[level->member[v]]++] = v;
	for (uint32 c = n; c > 0; c--)
		from[c] = from[c - 1];
	from[0] = 0;
}

/* The next level: edges between communities summed, those within one a loop. */
static Level *
aggregate(AgmCsr *csr, const Level *level, Around *around, uint32 n)
{
	Level *up = palloc0(sizeof(Level));
	uint64 *from = agm_csr_alloc(csr, (Size) n + 1, sizeof(uint64));
	uint32 *list = agm_csr_alloc(csr, level->n, sizeof(uint32));
	uint64 m = level->start[level->n];
	uint64 to = 0;

	list_members(level, n, from, list);
	up->n = n;
	up->room = m + n;
	up->start = agm_csr_alloc(csr, (Size) n + 1, sizeof(uint64));
	/* A community may have a loop that none of its nodes had. */
	up->other = agm_csr_alloc(csr, up->room, sizeof(uint32));
	up->weight = agm_csr_alloc(csr, up->room, sizeof(double));
	up->degree = agm_csr_alloc(csr, n, sizeof(double));
	up->member = agm_csr_alloc(csr, n, sizeof(uint32));
	up->total = agm_csr_alloc(csr, n, sizeof(double));
	for (uint32 c = 0; c < n; c++)
	{
		double degree = 0;

		CHECK_FOR_INTERRUPTS();
		up->start[c] = to;
		around->n = 0;
		for (uint64 i = from[c]; i < from[c + 1]; i++)
			for (uint64 e = level->start[list[i]]; e < level->start[list[i] + 1]; e++)
			{
				uint32 other = level->member[level->other[e]];

				if (level->weight[e] == 0)
					continue;
				if (around->weight[other] == 0)
					around->listed[around->n++] = other;
				around->weight[other] += level->weight[e];
			}
		for (uint64 i = from[c]; i < from[c + 1]; i++)
			degree += level->degree[list[i]];
		for (uint32 i = 0; i < around->n; i++)
		{
			up->other[to] = around->listed[i];
			up->weight[to++] = around->weight[around->listed[i]];
			around->weight[around->listed[i]] = 0;
		}
		up->degree[c] = up->total[c] = degree;
		up->member[c] = c;
	}
	up->start[n] = to;
	agm_csr_free(csr, from, (Size) n + 1, sizeof(uint64));
	agm_csr_free(csr, list, level->n, sizeof(uint32));
	return up;
}

static void
free_level(AgmCsr *csr, Level *level)
{
	agm_csr_free(csr, level->start, (Size) level->n + 1, sizeof(uint64));
	agm_csr_free(csr, level->other, level->room, sizeof(uint32));
	agm_csr_free(csr, level->weight, level->room, sizeof(double));
	agm_csr_free(csr, level->degree, level->n, sizeof(double));
	agm_csr_free(csr, level->member, level->n, sizeof(uint32));
	agm_csr_free(csr, level->total, level->n, sizeof(double));
	pfree(level);
}

static Level *
first_level(AgmCsr *csr)
{
	Level *level = palloc0(sizeof(Level));

	level->n = csr->n;
	level->start = csr->start;
	level->other = csr->other;
	level->weight = csr->weight;
	if (level->weight == NULL)
	{
		level->weight = agm_csr_alloc(csr, csr->m, sizeof(double));
		for (uint64 e = 0; e < csr->m; e++)
			level->weight[e] = 1;
	}
	level->degree = agm_csr_alloc(csr, csr->n, sizeof(double));
	level->member = agm_csr_alloc(csr, csr->n, sizeof(uint32));
	level->total = agm_csr_alloc(csr, csr->n, sizeof(double));
	for (uint32 v = 0; v < csr->n; v++)
	{
		double degree = 0;

		/* A loop is in its row once, and counts at both of its ends. */
		for (uint64 e = csr->start[v]; e < csr->start[v + 1]; e++)
			degree += level->weight[e] * (csr->other[e] == v ? 2 : 1);
		level->degree[v] = level->total[v] = degree;
		level->member[v] = v;
	}
	return level;
}

/* Parts of a community that no edge joins become communities; each is named by its first node. */
static void
split(AgmCsr *csr, uint32 *community)
{
	uint32 *part = agm_csr_alloc(csr, csr->n, sizeof(uint32));
	uint32 *queue = agm_csr_alloc(csr, csr->n, sizeof(uint32));

	for (uint32 v = 0; v < csr->n; v++)
		part[v] = AGM_NO_NODE;
	for (uint32 root = 0; root < csr->n; root++)
	{
		uint32 head = 0;
		uint32 tail = 0;

		if (part[root] != AGM_NO_NODE)
			continue;
		part[root] = root;
		queue[tail++] = root;
		while (head < tail)
		{
			uint32 v = queue[head++];

			if ((head & 0xfff) == 0)
				CHECK_FOR_INTERRUPTS();
			for (uint64 e = csr->start[v]; e < csr->start[v + 1]; e++)
			{
				uint32 w = csr->other[e];

				if (part[w] == AGM_NO_NODE && community[w] == community[v] &&
					(csr->weight == NULL || csr->weight[e] > 0))
				{
					part[w] = root;
					queue[tail++] = w;
				}
			}
		}
	}
	memcpy(community, part, sizeof(uint32) * csr->n);
	agm_csr_free(csr, part, csr->n, sizeof(uint32));
	agm_csr_free(csr, queue, csr->n, sizeof(uint32));
}

static double
modularity(AgmCsr *csr, const Level *level, const uint32 *community, double resolution,
		   double twice)
{
	double *total = agm_csr_alloc(csr, csr->n, sizeof(double));
	double inside = 0;
	double expected = 0;

	memset(total, 0, sizeof(double) * csr->n);
	for (uint32 v = 0; v < csr->n; v++)
	{
		total[community[v]] += level->degree[v];
		for (uint64 e = csr->start[v]; e < csr->start[v + 1]; e++)
			if (community[csr->other[e]] == community[v])
				inside += level->weight[e] * (csr->other[e] == v ? 2 : 1);
	}
	for (uint32 v = 0; v < csr->n; v++)
		expected += total[v] * total[v];
	agm_csr_free(csr, total, csr->n, sizeof(double));
	return inside / twice - resolution * expected / (twice * twice);
}

double
agm_communities(AgmCsr *csr, double resolution, uint32 *community)
{
	Around around;
	uint32 *scratch = agm_csr_alloc(csr, csr->n, sizeof(uint32));
	Level *bottom = first_level(csr);
	Level *level = bottom;
	double twice = 0;

	for (uint32 v = 0; v < csr->n; v++)
	{
		community[v] = v;
		twice += bottom->degree[v];
	}
	if (twice == 0)
		return 0;
	around.weight = agm_csr_alloc(csr, csr->n, sizeof(double));
	around.listed = agm_csr_alloc(csr, csr->n, sizeof(uint32));
	memset(around.weight, 0, sizeof(double) * csr->n);
	while (move_nodes(level, &around, resolution, twice))
	{
		uint32 n = renumber(level->member, level->n, scratch);
		Level *up;

		for (uint32 v = 0; v < csr->n; v++)
			community[v] = level->member[community[v]];
		up = aggregate(csr, level, &around, n);
		if (level != bottom)
			free_level(csr, level);
		level = up;
	}
	split(csr, community);
	return modularity(csr, bottom, community, resolution, twice);
}

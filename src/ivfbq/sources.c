/*
 * sources.c
 *		Which lists may have the rows that a scan asks for (sources.h).
 *
 * README.md, "Scan": everything is looked up between two looks at `switches`, and again if they
 * differ, so that it is the state before or after each move of rows.
 */
#include "postgres.h"

#include <math.h>

#include "base/point.h"
#include "ivfbq/centroids.h"
#include "ivfbq/maintain.h"
#include "ivfbq/sources.h"
#include "ivfbq/stream.h"
#include "miscadmin.h"

typedef struct Finder
{
	IvfbqSources *sources;
	Relation index;
	const IvfbqIndex *info;
	const IvfbqTarget *target;
	const IvfbqQuery *query;
	const IvfbqKey *key; /* the one that is looked for; NULL: any that matches */
	uint64 switches;

	/* Of the clustered key at hand: its lists pages, and where in sources->lists theirs begin. */
	BlockNumber *pages;
	int *firsts;
	int npages;
	int pages_max;
} Finder;

/* An array with room for `more` behind the first n. */
static void *
with_room(void *items, Size size, int n, int more, int *max)
{
	if (likely(*max - n >= more))
		return items;
	*max = Max(n + more, Max(16, 2 * *max));
	return items == NULL ? palloc_extended(size * *max, MCXT_ALLOC_HUGE)
						 : repalloc_huge(items, size * *max);
}

static void
add(IvfbqSource **items, int *n, int *max, const IvfbqSource *source)
{
	*items = with_room(*items, sizeof(IvfbqSource), *n, 1, max);
	(*items)[(*n)++] = *source;
}

/* The lists of a cell that are read in any case. */
static void
add_cell(Finder *finder, const IvfbqCell *cell, const uint32 *tags, const IvfbqTarget *target)
{
	IvfbqSources *sources = finder->sources;
	IvfbqSource source = {.ref = {cell->ref, IVFBQ_ROLE_ROWS}, .tags = tags, .target = target};

	source.list = cell->u.data.rows;
	if (source.list.head != InvalidBlockNumber)
		add(&sources->flat, &sources->nflat, &sources->flat_max, &source);
	source.ref.role = IVFBQ_ROLE_TIDS;
	source.list = cell->u.data.tids;
	if (source.list.head != InvalidBlockNumber)
		add(&sources->tids, &sources->ntids, &sources->tids_max, &source);
}

/* ---------------------------------------------------------------- lists of a clustered key */

static void
add_lists_page(Finder *finder, BlockNumber block)
{
	if (finder->npages == finder->pages_max)
	{
		finder->pages_max = Max(16, 2 * finder->pages_max);
		finder->pages = finder->pages == NULL
							? palloc(sizeof(BlockNumber) * finder->pages_max)
							: repalloc(finder->pages, sizeof(BlockNumber) * finder->pages_max);
		finder->firsts = finder->firsts == NULL
							 ? palloc(sizeof(int) * finder->pages_max)
							 : repalloc(finder->firsts, sizeof(int) * finder->pages_max);
	}
	finder->pages[finder->npages] = block;
	finder->firsts[finder->npages++] = finder->sources->nlists;
}

/* All lists of the key, unranked. */
static void
add_lists(Finder *finder, const IvfbqCellData *key)
{
	IvfbqSources *sources = finder->sources;
	BlockNumber block = key->lists;

	finder->npages = 0;
	while (block != InvalidBlockNumber)
	{
		Buffer buffer =
			ivfbq_read_recent(finder->index, finder->info->recent, block, IVFBQ_PAGE_LISTS);
		IvfbqListsData *page = (IvfbqListsData *) IVFBQ_CONTENT(BufferGetPage(buffer));
		const IvfbqListData *lists = (const IvfbqListData *) (page + 1);
		uint16 n = Min(page->nlists, IVFBQ_LISTS_PER_PAGE);

		add_lists_page(finder, block);
		sources->lists = with_room(sources->lists, sizeof(IvfbqRankedList), sources->nlists, n,
								   &sources->lists_max);
		for (uint16 i = 0; i < n; i++)
			sources->lists[sources->nlists++] = (IvfbqRankedList){
				.list = lists[i], .cell = {block, i, 0}, .rank = INFINITY, .place = -1};
		block = page->next;
		UnlockReleaseBuffer(buffer);
		if ((BlockNumber) finder->npages > RelationGetNumberOfBlocks(finder->index))
			ivfbq_corrupted(finder->index, key->lists, "The lists pages run in a circle.");
		CHECK_FOR_INTERRUPTS();
	}
}

/* The list whose cell a centroid names; NULL if it was made a moment ago. */
static IvfbqRankedList *
find_list(Finder *finder, IvfbqCellRef cell)
{
	for (int i = 0; i < finder->npages; i++)
		if (finder->pages[i] == cell.block)
		{
			int place = finder->firsts[i] + cell.index;
			int end = i + 1 < finder->npages ? finder->firsts[i + 1] : finder->sources->nlists;

			return place < end ? &finder->sources->lists[place] : NULL;
		}
	return NULL;
}

/* Of a list that is near: where its base is, while the backend remembers it. */
static void
note_place(Finder *finder, IvfbqRankedList *list, const IvfbqCentroid *centroid,
		   const char *row)
{
	IvfbqSources *sources = finder->sources;

	if (list->list.base != centroid->block || list->list.slot != centroid->slot)
		return;
	sources->places = with_room(sources->places, sizeof(IvfbqPlace), sources->nplaces, 1,
								&sources->places_max);
	list->place = sources->nplaces++;
	sources->places[list->place] = ivfbq_place(finder->query, row);
}

/*
 * Through the centroids that the backend remembers; false if it does not.  The query's high bytes are enough
 * to rank lists by.
 */
static bool
rank_by_memory(Finder *finder, const IvfbqCellData *key, IvfbqCellRef ref, double spread)
{
	const IvfbqQuery *query = finder->query;
	const IvfbqCentroids *centroids =
		ivfbq_centroids(finder->index, ivfbq_index(finder->index), key, ref, finder->switches);
	float nearest = INFINITY;
	float *distances;
	uint8 *biased;

	if (centroids == NULL)
		return false;
	distances = palloc(sizeof(float) * Max(centroids->n, 1));
	biased = palloc(finder->info->dim);
	for (int i = 0; i < finder->info->dim; i++)
		biased[i] = (uint8) (query->high[i] + 128);
	ivfbq_kmeans_distances(centroids->kmeans, biased, (float) (256.0 * query->scale),
						   distances);
	for (int i = 0; i < centroids->n; i++)
		nearest = Min(nearest, distances[i]);
	for (int i = 0; i < centroids->n; i++)
	{
		IvfbqRankedList *list = find_list(finder, centroids->items[i].list);

		if (list == NULL)
			continue;
		list->rank = (float) ((distances[i] - nearest) / spread);
		/* Too long for floats: better looked at than not. */
		if (isnan(list->rank))
			list->rank = 0;
		if (list->rank <= finder->sources->threshold)
			note_place(finder, list, &centroids->items[i],
					   centroids->kmeans->centroids + (Size) finder->info->rows.row_bytes * i);
	}
	pfree(distances);
	pfree(biased);
	return true;
}

/* By Euclidean distance, whatever the metric. */
static void
rank_by_stream(Finder *finder, const IvfbqCellData *key, IvfbqCellRef ref, double spread)
{
	IvfbqListRef centroids = {ref, IVFBQ_ROLE_CENTROIDS};
	IvfbqCodec codec = *finder->info->codec;
	IvfbqQuery *query;
	IvfbqStream *stream;
	IvfbqPlace place;
	double nearest = -1;
	IvfbqHit hit;

	codec.metric = IVFBQ_L2;
	query = ivfbq_query_rotated(&codec, finder->query->y, 0);
	stream = ivfbq_stream_new(finder->index, finder->info, query, 0, true,
							  sizeof(IvfbqRankedList) * (Size) key->nlists);
	place = ivfbq_list_place(finder->index, finder->info, &key->centroids, IVFBQ_ROLE_CENTROIDS,
							 query);
	ivfbq_stream_add(stream, centroids, key->centroids.head, &place, NULL, NULL);
	while (ivfbq_stream_next(stream, &hit))
	{
		IvfbqCellRef cell = {ItemPointerGetBlockNumberNoCheck(&hit.tid),
							 ItemPointerGetOffsetNumberNoCheck(&hit.tid) - 1, 0};
		IvfbqRankedList *list = find_list(finder, cell);

		if (nearest < 0)
			nearest = hit.bound;
		if (list != NULL)
			list->rank = (float) ((hit.bound - nearest) / spread);
	}
	ivfbq_stream_free(stream);
	ivfbq_query_free(query);
}

/*
 * Ranks the lists of a key by how much farther than the nearest their centroids are, by Euclidean
 * distance, whatever the metric.
 */
static void
rank_lists(Finder *finder, const IvfbqCellData *key, IvfbqCellRef ref)
{
	double spread = key->spread > 0 ? key->spread : 1;

	if (finder->npages > 0 && !rank_by_memory(finder, key, ref, spread))
		rank_by_stream(finder, key, ref, spread);
}

/* Lists without pages have nothing to read. */
static void
drop_empty_lists(IvfbqSources *sources, int first)
{
	int kept = first;

	for (int i = first; i < sources->nlists; i++)
		if (sources->lists[i].list.head != InvalidBlockNumber)
		{
			if (kept < i)
				sources->lists[kept] = sources->lists[i];
			kept++;
		}
	sources->nlists = kept;
}

static void
add_key(Finder *finder, const IvfbqCell *cell)
{
	int first = finder->sources->nlists;

	add_cell(finder, cell, NULL, NULL);
	if ((cell->u.data.flags & IVFBQ_KEY_CLUSTERED) == 0)
		return;
	add_lists(finder, &cell->u.data);
	if (finder->query != NULL)
		rank_lists(finder, &cell->u.data, cell->ref);
	drop_empty_lists(finder->sources, first);
}

/* ---------------------------------------------------------------- what comes first */

int
ivfbq_sources_near(IvfbqSources *sources)
{
	int near = 0;

	for (int i = 0; i < sources->nlists; i++)
		if (sources->lists[i].rank <= sources->threshold)
		{
			IvfbqRankedList swapped = sources->lists[near];

			sources->lists[near++] = sources->lists[i];
			sources->lists[i] = swapped;
		}
	return near;
}

static int
compare_ranks(const void *a, const void *b)
{
	const IvfbqRankedList *x = a;
	const IvfbqRankedList *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->cell.block != y->cell.block)
		return x->cell.block < y->cell.block ? -1 : 1;
	return (int) x->cell.index - (int) y->cell.index;
}

void
ivfbq_sources_sort(IvfbqSources *sources, int first)
{
	qsort(sources->lists + first, sources->nlists - first, sizeof(IvfbqRankedList),
		  compare_ranks);
}

/* ---------------------------------------------------------------- the directory */

static void
visit_node(const IvfbqCell *cell, void *arg)
{
	Finder *finder = arg;

	add_cell(finder, cell, finder->key->tags, NULL);
	AGM_POINT("ivfbq sources");
}

/* Of a walk through all cells: a node's rows are filtered by those columns that are given. */
static void
visit_any(const IvfbqCell *cell, void *arg)
{
	Finder *finder = arg;

	if (cell->u.data.type == IVFBQ_CELL_NODE)
		add_cell(finder, cell, NULL, finder->target->any_given ? finder->target : NULL);
	else if (ivfbq_target_matches(finder->target, finder->info->nkeys, cell->u.data.tags))
		add_key(finder, cell);
}

static void
find_all(Finder *finder)
{
	IvfbqCell cell;

	if (!finder->target->complete)
	{
		ivfbq_directory_walk(finder->index, finder->info, visit_any, finder);
		return;
	}
	for (int i = 0; i < finder->target->nkeys; i++)
	{
		finder->key = &finder->target->keys[i];
		if (ivfbq_directory_find(finder->index, finder->info, finder->key, visit_node, finder,
								 &cell))
			add_key(finder, &cell);
		CHECK_FOR_INTERRUPTS();
	}
}

void
ivfbq_sources_find(IvfbqSources *sources, Relation index, const IvfbqIndex *info,
				   const IvfbqTarget *target, const IvfbqQuery *query, double recall)
{
	Finder finder = {
		.sources = sources, .index = index, .info = info, .target = target, .query = query};
	IvfbqMetaData before;
	IvfbqMetaData after;

	memset(sources, 0, sizeof(*sources));
	ivfbq_meta_read(index, &after);
	do
	{
		CHECK_FOR_INTERRUPTS();
		before = after;
		sources->nflat = sources->nlists = sources->nplaces = sources->ntids = 0;
		sources->threshold = ivfbq_threshold(&before, recall);
		finder.switches = before.switches;
		find_all(&finder);
		ivfbq_meta_read(index, &after);
	} while (before.switches != after.switches);
}

/*
 * sources.c
 *		Which lists may have the rows that a scan asks for (sources.h).
 *
 * README.md, "Scan": everything is looked up between two looks at `switches`, and again if they
 * differ, so that it is the state before or after each move of rows.
 */
#include "postgres.h"

#include <math.h>

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
} Finder;

static void
add(IvfbqSource **items, int *n, int *max, const IvfbqSource *source)
{
	if (*n == *max)
	{
		*max = Max(16, 2 * *max);
		*items = *items == NULL ? palloc(sizeof(IvfbqSource) * *max)
								: repalloc_huge(*items, sizeof(IvfbqSource) * *max);
	}
	(*items)[(*n)++] = *source;
}

/* The lists of a cell that are read in any case. */
static void
add_cell(Finder *finder, const IvfbqCell *cell, const uint32 *tags)
{
	IvfbqSources *sources = finder->sources;
	IvfbqSource source = {.ref = {cell->ref, IVFBQ_ROLE_ROWS}, .tags = tags};

	source.list = cell->u.data.rows;
	if (source.list.head != InvalidBlockNumber)
		add(&sources->flat, &sources->nflat, &sources->flat_max, &source);
	source.ref.role = IVFBQ_ROLE_TIDS;
	source.list = cell->u.data.tids;
	if (source.list.head != InvalidBlockNumber)
		add(&sources->tids, &sources->ntids, &sources->tids_max, &source);
}

/* ---------------------------------------------------------------- lists of a clustered key */

/* All lists of the key, unranked; *first: where they begin. */
static void
add_lists(Finder *finder, const IvfbqCellData *key, int *first)
{
	IvfbqSources *sources = finder->sources;
	BlockNumber block = key->lists;
	uint32 pages = 0;

	*first = sources->nlists;
	while (block != InvalidBlockNumber)
	{
		Buffer buffer = ivfbq_read(finder->index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_SHARE);
		IvfbqListsData *page = (IvfbqListsData *) IVFBQ_CONTENT(BufferGetPage(buffer));

		for (uint16 i = 0; i < Min(page->nlists, IVFBQ_LISTS_PER_PAGE); i++)
		{
			IvfbqSource source = {.ref = {{block, i, 0}, IVFBQ_ROLE_LIST}};

			source.list = ((IvfbqListData *) (page + 1))[i];
			source.rank = INFINITY;
			add(&sources->lists, &sources->nlists, &sources->lists_max, &source);
		}
		block = page->next;
		UnlockReleaseBuffer(buffer);
		if (++pages > RelationGetNumberOfBlocks(finder->index))
			ivfbq_corrupted(finder->index, key->lists, "The lists pages run in a circle.");
		CHECK_FOR_INTERRUPTS();
	}
}

static int
compare_refs(const void *a, const void *b)
{
	const IvfbqCellRef *x = &((const IvfbqSource *) a)->ref.cell;
	const IvfbqCellRef *y = &((const IvfbqSource *) b)->ref.cell;

	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return (int) x->index - (int) y->index;
}

/*
 * Ranks the lists of a key by how much farther than the nearest their centroids are.  Lists that no
 * centroid names have no rows yet, or no more, and go.
 */
static void
rank_lists(Finder *finder, const IvfbqCellData *key, IvfbqCellRef ref, int first)
{
	IvfbqSources *sources = finder->sources;
	int n = sources->nlists - first;
	int kept = first;
	double nearest = -1;
	double spread = key->spread > 0 ? key->spread : 1;
	IvfbqCodec codec = *finder->info->codec;
	IvfbqListRef centroids = {ref, IVFBQ_ROLE_CENTROIDS};
	IvfbqQuery *query;
	IvfbqStream *stream;
	IvfbqBase *base;
	IvfbqHit hit;

	/* By Euclidean distance, whatever the metric. */
	codec.metric = IVFBQ_L2;
	query = ivfbq_query_rotated(&codec, finder->query->y, 0);
	base = ivfbq_list_base(finder->index, finder->info, &key->centroids, IVFBQ_ROLE_CENTROIDS);
	stream = ivfbq_stream_new(finder->index, finder->info, query, 0, true,
							  sizeof(IvfbqSource) * (Size) Max(n, 1000));
	ivfbq_stream_add(stream, centroids, key->centroids.head, base, NULL, NULL);
	qsort(sources->lists + first, n, sizeof(IvfbqSource), compare_refs);
	while (ivfbq_stream_next(stream, &hit))
	{
		IvfbqSource sought = {.ref = {{ItemPointerGetBlockNumberNoCheck(&hit.tid),
									   ItemPointerGetOffsetNumberNoCheck(&hit.tid) - 1, 0},
									  IVFBQ_ROLE_LIST}};
		IvfbqSource *list =
			bsearch(&sought, sources->lists + first, n, sizeof(IvfbqSource), compare_refs);

		if (nearest < 0)
			nearest = hit.bound;
		if (list != NULL)
			list->rank = (hit.bound - nearest) / spread;
	}
	ivfbq_stream_free(stream);
	ivfbq_base_free(base);
	ivfbq_query_free(query);

	for (int i = first; i < sources->nlists; i++)
		if (sources->lists[i].list.head != InvalidBlockNumber)
			sources->lists[kept++] = sources->lists[i];
	sources->nlists = kept;
}

static int
compare_ranks(const void *a, const void *b)
{
	const IvfbqSource *x = a;
	const IvfbqSource *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return compare_refs(a, b);
}

static void
add_key(Finder *finder, const IvfbqCell *cell)
{
	int first;

	add_cell(finder, cell, NULL);
	if ((cell->u.data.flags & IVFBQ_KEY_CLUSTERED) == 0)
		return;
	add_lists(finder, &cell->u.data, &first);
	if (finder->query != NULL)
		rank_lists(finder, &cell->u.data, cell->ref, first);
	else
	{
		int kept = first;

		for (int i = first; i < finder->sources->nlists; i++)
			if (finder->sources->lists[i].list.head != InvalidBlockNumber)
				finder->sources->lists[kept++] = finder->sources->lists[i];
		finder->sources->nlists = kept;
	}
}

/* ---------------------------------------------------------------- the directory */

static void
visit_node(const IvfbqCell *cell, void *arg)
{
	Finder *finder = arg;

	add_cell(finder, cell, finder->key->tags);
}

/* Of a walk through all cells: a node's rows are not filtered here, the executor does that. */
static void
visit_any(const IvfbqCell *cell, void *arg)
{
	Finder *finder = arg;

	if (cell->u.data.type == IVFBQ_CELL_NODE)
		add_cell(finder, cell, NULL);
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
				   const IvfbqTarget *target, const IvfbqQuery *query)
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
		sources->nflat = sources->nlists = sources->ntids = 0;
		find_all(&finder);
		ivfbq_meta_read(index, &after);
	} while (before.switches != after.switches);
	if (query != NULL)
		qsort(sources->lists, sources->nlists, sizeof(IvfbqSource), compare_ranks);
}

bool
ivfbq_nearest_list(Relation index, const IvfbqIndex *info, const IvfbqCellData *key,
				   IvfbqCellRef ref, const char *row, IvfbqListRef *list, IvfbqListData *data,
				   char *centroid_row)
{
	IvfbqCodec codec = *info->codec;
	IvfbqListRef centroids = {ref, IVFBQ_ROLE_CENTROIDS};
	float *y = palloc(sizeof(float) * info->dim);
	IvfbqQuery *query;
	IvfbqBase *base;
	IvfbqStream *stream;
	IvfbqHit hit;
	bool found;

	codec.metric = IVFBQ_L2;
	ivfbq_dequantize(info->codec, row, y);
	query = ivfbq_query_rotated(&codec, y, 0);
	base = ivfbq_list_base(index, info, &key->centroids, IVFBQ_ROLE_CENTROIDS);
	stream = ivfbq_stream_new(index, info, query, 0, true, 64 * 1024);
	ivfbq_stream_add(stream, centroids, key->centroids.head, base, NULL, NULL);
	found = ivfbq_stream_next(stream, &hit);
	if (found)
	{
		Buffer buffer = ivfbq_read(index, hit.block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);

		ivfbq_row_read(index, &info->rows, BufferGetPage(buffer), hit.block, hit.slot,
					   centroid_row);
		UnlockReleaseBuffer(buffer);
		list->cell = (IvfbqCellRef){ItemPointerGetBlockNumberNoCheck(&hit.tid),
									ItemPointerGetOffsetNumberNoCheck(&hit.tid) - 1, 0};
		list->role = IVFBQ_ROLE_LIST;
		ivfbq_list_read(index, info->nkeys, *list, data);
	}
	ivfbq_stream_free(stream);
	ivfbq_base_free(base);
	ivfbq_query_free(query);
	pfree(y);
	return found;
}

/*
 * cluster.c
 *		Many rows of one key made into lists (cluster.h): a sample, centroids from it, and the
 *		rows sorted by their nearest centroid.
 *
 * Reads the rows twice and sorts them once.  All pages are new ones, so that an error leaves nothing
 * but pages that nothing reaches.
 */
#include "postgres.h"

#include "commands/progress.h"
#include "common/pg_prng.h"
#include "ivfbq/build.h"
#include "ivfbq/cluster.h"
#include "ivfbq/options.h"
#include "ivfbq/sort.h"
#include "miscadmin.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

/* Rows of the sample for each list: fewer make worse centroids, more only cost time. */
#define SAMPLE_PER_LIST 50
/* Fewer than this are not enough: then there are fewer lists. */
#define SAMPLE_PER_LIST_MIN 20
#define ITERATIONS 8

/* What a clustering is at work on. */
typedef struct Clustering
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	IvfbqCellRef key;
	IvfbqRowSource *source;
	bool building;
	Size memory;
	Size row_size;
	BlockNumber mean; /* base of the centroids' list, or Invalid */

	/* changes */
	IvfbqKmeans *kmeans;
	int64 *counts;		  /* rows of each list */
	int nlists;			  /* centroids with rows */
	IvfbqCellRef *cells;  /* k of them: where the list of a centroid is */
	IvfbqListData *lists; /* k of them */
	double squares;		  /* of the distances of rows from their centroids */
} Clustering;

static void
check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* A build says what it is at; VACUUM reports things of its own. */
static void
report(const Clustering *clustering, int64 phase)
{
	if (clustering->building)
		pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, phase);
}

int
ivfbq_lists_of(Relation index, int64 rows)
{
	int64 lists;

	if (rows <= ivfbq_flat_limit(index))
		return 0;
	lists = rows / ivfbq_list_size(index);
	/* One list is what a flat key has. */
	return lists < 2 ? 0 : (int) Min(lists, IVFBQ_LISTS_MAX);
}

/* ---------------------------------------------------------------- centroids */

/* Up to `size` of the rows, each as likely as any other; returns how many. */
static int
take_sample(Clustering *clustering, char *sample, int size)
{
	IvfbqRowSource *source = clustering->source;
	Size row_size = clustering->row_size;
	char *row = palloc(row_size);
	pg_prng_state random;
	int64 seen = 0;

	pg_prng_seed(&random, clustering->info->seed);
	source->rewind(source->arg);
	for (;; seen++)
	{
		int64 place = seen;

		CHECK_FOR_INTERRUPTS();
		if (seen < size)
		{
			if (!source->next(source->arg, sample + row_size * seen))
				break;
			continue;
		}
		if (!source->next(source->arg, row))
			break;
		place = (int64) pg_prng_uint64_range(&random, 0, (uint64) seen);
		if (place < size)
			memcpy(sample + row_size * place, row, row_size);
	}
	pfree(row);
	return (int) Min(seen, (int64) size);
}

/* As many centroids as are wanted, and as memory is enough for; false: there are no rows. */
static bool
find_centroids(Clustering *clustering, int64 wanted)
{
	/* A quarter for the sample, and one for centroids: sums as floats, codes, rows. */
	int64 most = (int64) (clustering->memory / 4 / clustering->row_size);
	int64 k = Min(wanted, most / SAMPLE_PER_LIST_MIN);
	int64 size;
	char *sample;
	int n;

	k = Max(Min(k, (int64) (clustering->memory / 4 / (8 * clustering->row_size))), 2);
	size = Max(Min(most, k * SAMPLE_PER_LIST), 2 * k);
	sample = MemoryContextAllocHuge(CurrentMemoryContext, clustering->row_size * size);
	n = take_sample(clustering, sample, (int) size);
	if (n > 0)
		clustering->kmeans =
			ivfbq_kmeans(clustering->info->codec, sample, clustering->row_size, n, (int) k,
						 NULL, 0, ITERATIONS, clustering->info->seed, check_interrupts);
	pfree(sample);
	return n > 0;
}

/* ---------------------------------------------------------------- lists */

void
ivfbq_assign_rows(IvfbqRowSource *source, const IvfbqKmeans *kmeans, IvfbqSort *sort,
				  int64 *counts, double *squares)
{
	Size row_size = IVFBQ_ROW_SIZE(kmeans->codec->dim);
	char *rows = palloc(row_size * IVFBQ_ASSIGN_ROWS);
	int32 nearest[IVFBQ_ASSIGN_ROWS];
	double distances[IVFBQ_ASSIGN_ROWS];
	int n;

	source->rewind(source->arg);
	do
	{
		CHECK_FOR_INTERRUPTS();
		for (n = 0; n < IVFBQ_ASSIGN_ROWS; n++)
			if (!source->next(source->arg, rows + row_size * n))
				break;
		ivfbq_kmeans_assign(kmeans, rows, row_size, n, nearest, distances);
		for (int i = 0; i < n; i++)
		{
			ivfbq_sort_put(sort, (uint64) nearest[i], NULL, rows + row_size * i,
						   (int) row_size);
			counts[nearest[i]]++;
			*squares += distances[i];
		}
	} while (n == IVFBQ_ASSIGN_ROWS);
	pfree(rows);
	ivfbq_sort_perform(sort);
}

/* All rows, by the number of the nearest centroid. */
static IvfbqSort *
sort_by_list(Clustering *clustering)
{
	IvfbqRowSource *source = clustering->source;
	IvfbqKmeans *kmeans = clustering->kmeans;
	Size used = 4 * clustering->row_size * kmeans->k;
	IvfbqSort *sort;

	clustering->counts = palloc0(sizeof(int64) * kmeans->k);
	if (source->assign != NULL)
		return source->assign(source->arg, kmeans, clustering->counts, &clustering->squares);
	sort = ivfbq_sort_new(0, clustering->memory > used ? clustering->memory - used : 0, NULL);
	ivfbq_assign_rows(source, kmeans, sort, clustering->counts, &clustering->squares);
	return sort;
}

/* New pages with an empty cell for each centroid that has rows.  Sets first and last of them. */
static void
make_cells(Clustering *clustering, IvfbqClustered *result)
{
	int k = clustering->kmeans->k;
	int npages =
		(clustering->nlists + (int) IVFBQ_LISTS_PER_PAGE - 1) / (int) IVFBQ_LISTS_PER_PAGE;
	BlockNumber *blocks = palloc(sizeof(BlockNumber) * npages);
	int made = 0;

	for (int i = 0; i < npages; i++)
	{
		IvfbqNewPage new_page = ivfbq_new_page(clustering->index, clustering->building);
		IvfbqChange change = ivfbq_change_begin(clustering->index, clustering->building);

		(void) ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_LISTS, sizeof(IvfbqListsData));
		ivfbq_change_finish(&change);
		blocks[i] = BufferGetBlockNumber(new_page.buffer);
		ivfbq_release_new_page(&new_page);
	}
	for (int i = 0; i < k; i++)
	{
		if (clustering->counts[i] == 0)
			continue;
		clustering->cells[i].block = blocks[made / (int) IVFBQ_LISTS_PER_PAGE];
		clustering->cells[i].index = (uint16) (made % (int) IVFBQ_LISTS_PER_PAGE);
		made++;
	}
	result->lists = blocks[0];
	result->lists_tail = blocks[npages - 1];
	result->nlists = (uint32) made;
	pfree(blocks);
}

/* The centroids, as rows of a list whose TIDs name their lists' cells. */
static void
write_centroids(Clustering *clustering, IvfbqListData *centroids)
{
	IvfbqListRef ref = {clustering->key, IVFBQ_ROLE_CENTROIDS};
	IvfbqAppender *appender =
		ivfbq_append_begin(clustering->index, clustering->info, ref, false,
						   ivfbq_index_base(clustering->index, clustering->mean),
						   clustering->mean, 0, clustering->building);

	for (int i = 0; i < clustering->kmeans->k; i++)
	{
		const char *row = clustering->kmeans->centroids + clustering->row_size * i;
		ItemPointerData tid;
		BlockNumber block;
		int slot;

		if (clustering->counts[i] == 0)
			continue;
		ivfbq_centroid_set_cell(&tid, clustering->cells[i].block, clustering->cells[i].index);
		ivfbq_append_row(appender, row, &tid, NULL, &block, &slot);
		ivfbq_list_init(&clustering->lists[i], block, (uint16) slot);
	}
	ivfbq_append_end(appender, InvalidBlockNumber, centroids);
}

/* Row after row of the sort, list after list. */
static void
write_lists(Clustering *clustering, IvfbqSort *sort)
{
	IvfbqAppender *appender = NULL;
	IvfbqBase *base = NULL;
	uint64 current = 0;
	uint64 number;
	const char *row;
	int n;

	while (ivfbq_sort_next(sort, &number, NULL, &row, &n))
	{
		IvfbqRowHeadData head;

		if (appender == NULL || number != current)
		{
			IvfbqListData *list = &clustering->lists[number];
			IvfbqListRef ref = {clustering->cells[number], IVFBQ_ROLE_LIST};

			if (appender != NULL)
			{
				ivfbq_append_end(appender, InvalidBlockNumber, &clustering->lists[current]);
				ivfbq_base_free(base);
			}
			current = number;
			base = ivfbq_base_new(clustering->info->codec, clustering->kmeans->centroids +
															   clustering->row_size * number);
			appender = ivfbq_append_begin(clustering->index, clustering->info, ref, false, base,
										  list->base, list->slot, clustering->building);
		}
		CHECK_FOR_INTERRUPTS();
		ivfbq_row_head(row, &head);
		ivfbq_append_row(appender, row, &head.tid, NULL, NULL, NULL);
	}
	if (appender != NULL)
	{
		ivfbq_append_end(appender, InvalidBlockNumber, &clustering->lists[current]);
		ivfbq_base_free(base);
	}
}

/* The lists pages as they are to be, each in one record. */
static void
fill_cells(Clustering *clustering)
{
	Page page = NULL;
	Buffer buffer = InvalidBuffer;
	IvfbqChange change = {0};

	for (int i = 0; i < clustering->kmeans->k; i++)
	{
		IvfbqCellRef cell = clustering->cells[i];
		IvfbqListsData *lists;

		if (clustering->counts[i] == 0)
			continue;
		if (cell.index == 0)
		{
			if (page != NULL)
			{
				((IvfbqListsData *) IVFBQ_CONTENT(page))->next = cell.block;
				ivfbq_change_finish(&change);
				UnlockReleaseBuffer(buffer);
			}
			buffer = ivfbq_read(clustering->index, cell.block, IVFBQ_PAGE_LISTS,
								BUFFER_LOCK_EXCLUSIVE);
			change = ivfbq_change_begin(clustering->index, clustering->building);
			page = ivfbq_change_page(&change, buffer, true);
			ivfbq_page_init(page, IVFBQ_PAGE_LISTS, sizeof(IvfbqListsData));
			lists = (IvfbqListsData *) IVFBQ_CONTENT(page);
			lists->next = InvalidBlockNumber;
			lists->key_block = clustering->key.block;
			lists->key_index = clustering->key.index;
		}
		lists = (IvfbqListsData *) IVFBQ_CONTENT(page);
		((IvfbqListData *) (lists + 1))[lists->nlists++] = clustering->lists[i];
		((PageHeader) page)->pd_lower += sizeof(IvfbqListData);
	}
	Assert(page != NULL);
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

/* What the rows were assigned to, in the order in which it is to be read. */
static void
write_all(Clustering *clustering, IvfbqSort *sort, IvfbqClustered *result)
{
	int k = clustering->kmeans->k;
	int64 rows = 0;

	for (int i = 0; i < k; i++)
	{
		rows += clustering->counts[i];
		clustering->nlists += clustering->counts[i] > 0;
	}
	if (rows == 0)
		return;
	clustering->cells = palloc0(sizeof(IvfbqCellRef) * k);
	clustering->lists = palloc0(sizeof(IvfbqListData) * k);
	make_cells(clustering, result);
	write_centroids(clustering, &result->centroids);
	write_lists(clustering, sort);
	fill_cells(clustering);
	result->spread = (float) (clustering->squares / (double) rows);
}

void
ivfbq_set_clustered(IvfbqCellData *cell, const IvfbqClustered *made)
{
	if (made->nlists > 0)
		cell->flags |= IVFBQ_KEY_CLUSTERED;
	else
		cell->flags &= ~IVFBQ_KEY_CLUSTERED;
	cell->centroids = made->centroids;
	cell->lists = made->lists;
	cell->lists_tail = made->lists_tail;
	cell->nlists = made->nlists;
	cell->wanted = made->wanted;
	cell->spread = made->spread;
}

void
ivfbq_cluster(Relation index, const IvfbqIndex *info, IvfbqCellRef key, IvfbqRowSource *source,
			  int nlists, Size memory, bool building, IvfbqClustered *result)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem ivfbq clustering", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Clustering clustering = {.index = index,
							 .info = info,
							 .key = key,
							 .source = source,
							 .building = building,
							 .memory = memory,
							 .row_size = IVFBQ_ROW_SIZE(info->dim)};
	IvfbqMetaData meta;

	ivfbq_meta_read(index, &meta);
	clustering.mean = meta.mean;
	memset(result, 0, sizeof(*result));
	ivfbq_list_init(&result->centroids, InvalidBlockNumber, 0);
	result->lists = result->lists_tail = InvalidBlockNumber;

	report(&clustering, PROGRESS_IVFBQ_PHASE_KMEANS);
	if (find_centroids(&clustering, nlists))
	{
		IvfbqSort *sort;

		report(&clustering, PROGRESS_IVFBQ_PHASE_ASSIGNING);
		sort = sort_by_list(&clustering);
		report(&clustering, PROGRESS_IVFBQ_PHASE_WRITING);
		write_all(&clustering, sort, result);
		if (result->nlists > 0)
			result->wanted = (uint16) Min(nlists, PG_UINT16_MAX);
		ivfbq_sort_free(sort);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

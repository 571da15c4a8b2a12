/*
 * calibrate.c
 *		From a recall target to a threshold (maintain.h), measured on the index's own rows.
 *
 * README.md, "Recall target".  Rows of clustered keys are taken as queries; the ten others that are nearest to
 * each are looked for in far more lists than a scan would read, and where they were found tells what a scan must not
 * leave out.  Must not change anything but the meta page.
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "ivfbq/maintain.h"
#include "ivfbq/stream.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/*
 * Queries, and neighbours of each: some thousand figures make a quantile of .999 that can be relied on.  Those of
 * one query are much alike: it is the number of queries that tells how far a target is missed, by half a
 * point with these.
 */
#define QUERIES 800
#define NEIGHBOURS 10
/* Keys that are asked: the largest ones. */
#define KEYS_MAX 16

/*
 * All lists are searched for neighbours, where that is no more pages for all queries together than these, which
 * take two seconds or so; else the nearest lists, that many at least.  Neighbours that are elsewhere are not seen,
 * and others are taken for them that are nearer the centroid: of 25 percent of the lists of GloVe's words, the
 * threshold of .99 found .983.
 */
#define PAGES_MAX 3000000
#define LISTS_MIN 64

/* As for keys of one list: it is to find the neighbours. */
#define EPSILON 3.0
#define STREAM_MEMORY (1024 * 1024)

static const double targets[IVFBQ_TARGETS] = {0.90, 0.95, 0.98, 0.99, 0.999};

/* For indexes that were never measured: what embeddings of sentences and of images need, and some more. */
static const double defaults[IVFBQ_TARGETS] = {0.35, 0.50, 0.70, 0.85, 1.40};

/* ---------------------------------------------------------------- from target to threshold */

double
ivfbq_threshold(const IvfbqMetaData *meta, double recall)
{
	double thresholds[IVFBQ_TARGETS];
	double low;

	if (recall >= 1.0)
		return HUGE_VAL;
	for (int i = 0; i < IVFBQ_TARGETS; i++)
		thresholds[i] = meta->calibrated_at != 0 ? meta->thresholds[i] : defaults[i];
	if (recall <= targets[0])
		return thresholds[0] * Max(recall, 0.0) / targets[0];
	for (int i = 1; i < IVFBQ_TARGETS; i++)
		if (recall <= targets[i])
		{
			low = (recall - targets[i - 1]) / (targets[i] - targets[i - 1]);
			return thresholds[i - 1] + low * (thresholds[i] - thresholds[i - 1]);
		}
	/* Beyond what was measured: up to twice of it. */
	low = (recall - targets[IVFBQ_TARGETS - 1]) / (1.0 - targets[IVFBQ_TARGETS - 1]);
	return thresholds[IVFBQ_TARGETS - 1] * (1.0 + low);
}

/* ---------------------------------------------------------------- a key's lists */

typedef struct CentroidList
{
	IvfbqListRef ref;
	IvfbqListData list;
	const char *row; /* its centroid */
	double distance; /* squared, of the query at hand */
} CentroidList;

typedef struct Calibration
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	bool building;
	pg_prng_state random;

	/* of the key at hand */
	IvfbqCell key;
	CentroidList *lists; /* ordered by cell */
	int nlists;
	int max;
	uint64 pages; /* of all lists */
	int search;	  /* lists that a query looks at */

	/* results */
	double *ratios;
	int nratios;
} Calibration;

static void
add_centroid(const IvfbqRowVisit *visit, void *arg)
{
	Calibration *calibration = arg;
	CentroidList *list;
	char *row;

	if (calibration->nlists == calibration->max)
		return;
	row = palloc(calibration->info->rows.row_bytes);
	memcpy(row, visit->row, calibration->info->rows.row_bytes);
	list = &calibration->lists[calibration->nlists++];
	memset(list, 0, sizeof(*list));
	list->ref = (IvfbqListRef){ivfbq_centroid_cell(visit->tid), IVFBQ_ROLE_LIST};
	list->row = row;
}

static int
compare_cells(const void *a, const void *b)
{
	const IvfbqCellRef *left = &((const CentroidList *) a)->ref.cell;
	const IvfbqCellRef *right = &((const CentroidList *) b)->ref.cell;

	if (left->block != right->block)
		return left->block < right->block ? -1 : 1;
	return (left->index > right->index) - (left->index < right->index);
}

static void
read_lists(Calibration *calibration)
{
	IvfbqListRef centroids = {calibration->key.ref, IVFBQ_ROLE_CENTROIDS};

	calibration->max = (int) calibration->key.u.data.nlists;
	calibration->nlists = 0;
	calibration->pages = 0;
	calibration->lists = palloc_extended(
		mul_size(sizeof(CentroidList), Max(1, calibration->max)), MCXT_ALLOC_HUGE);
	ivfbq_list_walk(calibration->index, calibration->info, centroids,
					calibration->key.u.data.centroids.head, InvalidBlockNumber, true,
					add_centroid, calibration);
	qsort(calibration->lists, calibration->nlists, sizeof(CentroidList), compare_cells);
	for (int i = 0; i < calibration->nlists; i++)
	{
		CentroidList *list = &calibration->lists[i];

		CHECK_FOR_INTERRUPTS();
		ivfbq_list_read(calibration->index, calibration->info->nkeys, list->ref, &list->list);
		calibration->pages += list->list.pages;
	}
}

/* ---------------------------------------------------------------- a row as a query */

/* Copies the n-th page of a list; false: there is none. */
static bool
copy_page(Calibration *calibration, const CentroidList *list, BlockNumber n, char *page,
		  BlockNumber *block)
{
	*block = list->list.head;
	for (;; n--)
	{
		Buffer buffer;

		if (*block == InvalidBlockNumber)
			return false;
		CHECK_FOR_INTERRUPTS();
		buffer = ivfbq_read(calibration->index, *block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
		ivfbq_check_counts(calibration->index, *block, BufferGetPage(buffer),
						   &calibration->info->rows);
		memcpy(page, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
		if (n == 0)
			return true;
		*block = ivfbq_codes(page)->next;
	}
}

/* A row of the key's lists, each page being as likely as the others; false: try again. */
static bool
random_row(Calibration *calibration, char *row)
{
	const IvfbqGeometry *geometry = &calibration->info->rows;
	uint64 at = pg_prng_uint64_range(&calibration->random, 0, calibration->pages - 1);
	char *page = palloc(BLCKSZ);
	bool found = false;
	int i = 0;
	BlockNumber block;

	while (i < calibration->nlists - 1 && at >= calibration->lists[i].list.pages)
		at -= calibration->lists[i++].list.pages;
	if (copy_page(calibration, &calibration->lists[i], (BlockNumber) at, page, &block) &&
		ivfbq_codes(page)->nlive > 0)
	{
		int nth =
			(int) pg_prng_uint64_range(&calibration->random, 0, ivfbq_codes(page)->nlive - 1);

		for (int slot = 0; slot < ivfbq_codes(page)->nslots && !found; slot++)
			if (ivfbq_slot_is_live(geometry, page, slot) && nth-- == 0)
			{
				ivfbq_row_read(calibration->index, geometry, page, block, slot, row);
				found = true;
			}
	}
	pfree(page);
	return found;
}

/* Squared distance of a query from a centroid, whatever the metric. */
static double
squared_distance(const IvfbqQuery *query, const char *centroid)
{
	IvfbqRowHeadData head;
	double distance = ivfbq_row_distance(query, centroid);

	if (query->codec->metric == IVFBQ_L2)
		return distance;
	ivfbq_row_head(centroid, &head);
	return query->square + (double) head.scale * head.scale * head.square_sum + 2 * distance;
}

static int
compare_doubles(const void *a, const void *b)
{
	double left = *(const double *) a;
	double right = *(const double *) b;

	return (left > right) - (left < right);
}

/* The distance of the list that is the last to be searched. */
static double
search_limit(Calibration *calibration)
{
	double *distances = palloc(sizeof(double) * calibration->nlists);
	double limit;

	for (int i = 0; i < calibration->nlists; i++)
		distances[i] = calibration->lists[i].distance;
	qsort(distances, calibration->nlists, sizeof(double), compare_doubles);
	limit = distances[Min(calibration->search, calibration->nlists) - 1];
	pfree(distances);
	return limit;
}

/* The squared distance of the centroid of the list that has this page; -1: it is none of a list. */
static double
distance_of_page(Calibration *calibration, BlockNumber block)
{
	Buffer buffer = ivfbq_read(calibration->index, block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
	IvfbqCodesData codes = *ivfbq_codes(BufferGetPage(buffer));
	CentroidList sought = {.ref = {{codes.owner_block, codes.owner_index, 0}, IVFBQ_ROLE_LIST}};
	CentroidList *found;

	UnlockReleaseBuffer(buffer);
	if (codes.role != IVFBQ_ROLE_LIST)
		return -1;
	found = bsearch(&sought, calibration->lists, calibration->nlists, sizeof(CentroidList),
					compare_cells);
	return found == NULL ? -1 : found->distance;
}

/* Adds the lists that are searched to the stream. */
static void
add_lists(Calibration *calibration, IvfbqStream *stream, const IvfbqQuery *query, double limit)
{
	const IvfbqListData *flat = &calibration->key.u.data.rows;
	IvfbqPlace place;

	for (int i = 0; i < calibration->nlists; i++)
	{
		CentroidList *list = &calibration->lists[i];

		if (list->distance > limit || list->list.head == InvalidBlockNumber)
			continue;
		place = ivfbq_place(query, list->row);
		ivfbq_stream_add(stream, list->ref, list->list.head, &place, NULL, NULL);
	}
	if (flat->head == InvalidBlockNumber)
		return;
	place =
		ivfbq_list_place(calibration->index, calibration->info, flat, IVFBQ_ROLE_ROWS, query);
	ivfbq_stream_add(stream, (IvfbqListRef){calibration->key.ref, IVFBQ_ROLE_ROWS}, flat->head,
					 &place, NULL, NULL);
}

/* Takes a row as a query and notes where its neighbours are. */
static void
measure(Calibration *calibration, const char *row)
{
	const IvfbqCodec *codec = calibration->info->codec;
	float *y = palloc(sizeof(float) * codec->dim);
	IvfbqQuery *query;
	IvfbqStream *stream;
	IvfbqRowHeadData head;
	IvfbqHit hit;
	double least = HUGE_VAL;
	double spread = Max((double) calibration->key.u.data.spread, 1e-30);
	int found = 0;

	ivfbq_row_head(row, &head);
	ivfbq_dequantize(codec, row, y);
	query = ivfbq_query_rotated(codec, y, 0);
	for (int i = 0; i < calibration->nlists; i++)
	{
		calibration->lists[i].distance = squared_distance(query, calibration->lists[i].row);
		least = Min(least, calibration->lists[i].distance);
	}
	stream = ivfbq_stream_new(calibration->index, calibration->info, query, EPSILON, false,
							  STREAM_MEMORY);
	add_lists(calibration, stream, query, search_limit(calibration));
	while (found < NEIGHBOURS && ivfbq_stream_next(stream, &hit))
	{
		double distance;

		if (ItemPointerEquals(&hit.tid, &head.tid))
			continue;
		distance = distance_of_page(calibration, hit.block);
		/* The flat list is always read. */
		calibration->ratios[calibration->nratios++] =
			distance < 0 ? 0 : Min((distance - least) / spread, 1e30);
		found++;
	}
	ivfbq_stream_free(stream);
	ivfbq_query_free(query);
	pfree(y);
}

static void
measure_key(Calibration *calibration, IvfbqCellRef ref, int queries)
{
	char *row = palloc(calibration->info->rows.row_bytes);
	double pages_a_list;

	ivfbq_cell_read(calibration->index, calibration->info->nkeys, ref, &calibration->key);
	read_lists(calibration);
	if (calibration->nlists == 0 || calibration->pages == 0)
		return;
	pages_a_list = (double) calibration->pages / calibration->nlists;
	calibration->search = Max(
		LISTS_MIN, (int) Min((double) calibration->nlists, PAGES_MAX / QUERIES / pages_a_list));
	for (int i = 0; i < queries; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (random_row(calibration, row))
			measure(calibration, row);
	}
}

/* ---------------------------------------------------------------- all keys */

typedef struct LargeKeys
{
	IvfbqCellRef refs[KEYS_MAX];
	uint32 nlists[KEYS_MAX];
	int n;
	int64 total; /* lists, of all keys */
} LargeKeys;

/* Keeps the largest ones. */
static void
note_key(const IvfbqCell *cell, void *arg)
{
	LargeKeys *keys = arg;
	int at;

	if (!(cell->u.data.flags & IVFBQ_KEY_CLUSTERED))
		return;
	keys->total += cell->u.data.nlists;
	if (keys->n < KEYS_MAX)
		at = keys->n++;
	else
	{
		at = 0;
		for (int i = 1; i < KEYS_MAX; i++)
			if (keys->nlists[i] < keys->nlists[at])
				at = i;
		if (keys->nlists[at] >= cell->u.data.nlists)
			return;
	}
	keys->refs[at] = cell->ref;
	keys->nlists[at] = cell->u.data.nlists;
}

static void
write_thresholds(Calibration *calibration, int64 lists)
{
	Buffer buffer = ivfbq_read(calibration->index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META,
							   BUFFER_LOCK_EXCLUSIVE);
	IvfbqChange change = ivfbq_change_begin(calibration->index, calibration->building);
	IvfbqMetaData *meta = ivfbq_meta(ivfbq_change_page(&change, buffer, false));

	for (int i = 0; i < IVFBQ_TARGETS; i++)
	{
		/* A tenth of what may be missed is left to the 1-bit bounds, in lists that are read. */
		double share = 1.0 - 0.9 * (1.0 - targets[i]);
		int at = (int) ceil(share * calibration->nratios) - 1;

		meta->thresholds[i] = (float) calibration->ratios[Max(at, 0)];
	}
	meta->calibrated_at = GetCurrentTimestamp();
	meta->sample = (uint32) calibration->nratios;
	meta->calibrated_lists = (uint32) lists;
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

void
ivfbq_calibrate(Relation index, const IvfbqIndex *info, bool building)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem ivfbq calibration", ALLOCSET_DEFAULT_SIZES);
	MemoryContext of_key = AllocSetContextCreate(context, "agentmem ivfbq calibration of a key",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Calibration calibration = {.index = index, .info = info, .building = building};
	LargeKeys keys = {.n = 0};
	int64 asked = 0;

	ivfbq_directory_walk(index, info, note_key, &keys);
	for (int i = 0; i < keys.n; i++)
		asked += keys.nlists[i];
	pg_prng_seed(&calibration.random, info->seed);
	calibration.ratios = palloc(sizeof(double) * (QUERIES + KEYS_MAX) * NEIGHBOURS);
	MemoryContextSwitchTo(of_key);
	for (int i = 0; i < keys.n && asked > 0; i++)
	{
		measure_key(&calibration, keys.refs[i],
					(int) ((QUERIES * (int64) keys.nlists[i] + asked - 1) / asked));
		MemoryContextReset(of_key);
	}
	MemoryContextSwitchTo(context);
	if (calibration.nratios > 0)
	{
		qsort(calibration.ratios, calibration.nratios, sizeof(double), compare_doubles);
		write_thresholds(&calibration, keys.total);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

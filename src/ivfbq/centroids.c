/*
 * centroids.c
 *		The centroids of a clustered key, remembered by a backend (centroids.h).
 *
 * One key an index: who goes from one large key to another reads them anew, which takes about as
 * long as one search without them.
 */
#include "postgres.h"

#include "ivfbq/centroids.h"
#include "ivfbq/stream.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* More bytes than this are not worth remembering in each backend. */
#define BYTES_MAX (32 * 1024 * 1024)

typedef struct Loader
{
	IvfbqCentroids *centroids;
	Size row_bytes;
	char *rows;
	int max;
} Loader;

static void
take(const IvfbqRowVisit *visit, void *arg)
{
	Loader *loader = arg;
	IvfbqCentroids *centroids = loader->centroids;
	IvfbqCentroid *item;

	if (centroids->n == loader->max)
	{
		loader->max *= 2;
		loader->rows = repalloc_huge(loader->rows, loader->row_bytes * loader->max);
		centroids->items = repalloc_huge(centroids->items, sizeof(IvfbqCentroid) * loader->max);
	}
	item = &centroids->items[centroids->n];
	item->list = (IvfbqCellRef){ItemPointerGetBlockNumberNoCheck(visit->tid),
								ItemPointerGetOffsetNumberNoCheck(visit->tid) - 1, 0};
	item->block = visit->block;
	item->slot = (uint16) visit->slot;
	memcpy(loader->rows + loader->row_bytes * centroids->n, visit->row, loader->row_bytes);
	centroids->n++;
}

static IvfbqCentroids *
load(Relation index, const IvfbqIndex *info, const IvfbqCellData *key, IvfbqCellRef ref,
	 uint64 switches)
{
	/* An error in the middle leaves nothing behind: only then is it the index's. */
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem ivfbq centroids", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfbqCentroids *centroids = palloc0(sizeof(IvfbqCentroids));
	Loader loader = {.centroids = centroids, .row_bytes = info->rows.row_bytes};
	IvfbqListRef list = {ref, IVFBQ_ROLE_CENTROIDS};

	centroids->context = context;
	centroids->key = ref;
	centroids->head = key->centroids.head;
	centroids->switches = switches;
	loader.max = (int) Max(key->nlists, 16);
	loader.rows = palloc_extended(loader.row_bytes * loader.max, MCXT_ALLOC_HUGE);
	centroids->items = palloc_extended(sizeof(IvfbqCentroid) * loader.max, MCXT_ALLOC_HUGE);
	ivfbq_list_walk(index, info, list, key->centroids.head, InvalidBlockNumber, true, take,
					&loader);
	centroids->kmeans = ivfbq_kmeans_of(info->codec, loader.rows, centroids->n);
	pfree(loader.rows);
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, info->context);
	return centroids;
}

const IvfbqCentroids *
ivfbq_centroids(Relation index, IvfbqIndex *info, const IvfbqCellData *key, IvfbqCellRef ref,
				uint64 switches)
{
	IvfbqCentroids *kept = info->centroids;

	if (kept != NULL && kept->switches == switches && kept->key.block == ref.block &&
		kept->key.index == ref.index && kept->head == key->centroids.head)
		return kept;
	if ((Size) key->nlists * 2 * info->rows.row_bytes > BYTES_MAX)
		return NULL;
	info->centroids = NULL;
	if (kept != NULL)
		MemoryContextDelete(kept->context);
	info->centroids = load(index, info, key, ref, switches);
	return info->centroids;
}

/* Through a stream over the centroids, where they are too many to remember. */
static bool
nearest_by_stream(Relation index, const IvfbqIndex *info, const IvfbqCellData *key,
				  IvfbqCellRef ref, const char *row, IvfbqCentroid *found)
{
	IvfbqCodec codec = *info->codec;
	IvfbqListRef centroids = {ref, IVFBQ_ROLE_CENTROIDS};
	float *y = palloc(sizeof(float) * info->dim);
	IvfbqQuery *query;
	IvfbqPlace place;
	IvfbqStream *stream;
	IvfbqHit hit;
	bool any;

	/* By Euclidean distance, whatever the metric. */
	codec.metric = IVFBQ_L2;
	ivfbq_dequantize(info->codec, row, y);
	query = ivfbq_query_rotated(&codec, y, 0);
	stream = ivfbq_stream_new(index, info, query, 0, true, 64 * 1024);
	place = ivfbq_list_place(index, info, &key->centroids, IVFBQ_ROLE_CENTROIDS, query);
	ivfbq_stream_add(stream, centroids, key->centroids.head, &place, NULL, NULL);
	any = ivfbq_stream_next(stream, &hit);
	if (any)
	{
		found->list = (IvfbqCellRef){ItemPointerGetBlockNumberNoCheck(&hit.tid),
									 ItemPointerGetOffsetNumberNoCheck(&hit.tid) - 1, 0};
		found->block = hit.block;
		found->slot = (uint16) hit.slot;
	}
	ivfbq_stream_free(stream);
	ivfbq_query_free(query);
	pfree(y);
	return any;
}

bool
ivfbq_nearest_list(Relation index, IvfbqIndex *info, const IvfbqCellData *key, IvfbqCellRef ref,
				   const char *row, IvfbqCentroid *found, char *centroid_row)
{
	const IvfbqCentroids *centroids;
	IvfbqMetaData meta;
	Buffer buffer;

	ivfbq_meta_read(index, &meta);
	centroids = ivfbq_centroids(index, info, key, ref, meta.switches);
	if (centroids != NULL && centroids->n > 0)
	{
		int nearest = ivfbq_kmeans_nearest(centroids->kmeans, row, NULL);

		*found = centroids->items[nearest];
		memcpy(centroid_row,
			   centroids->kmeans->centroids + (Size) info->rows.row_bytes * nearest,
			   info->rows.row_bytes);
		return true;
	}
	if (!nearest_by_stream(index, info, key, ref, row, found))
		return false;
	buffer = ivfbq_read(index, found->block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
	ivfbq_row_read(index, &info->rows, BufferGetPage(buffer), found->block, found->slot,
				   centroid_row);
	UnlockReleaseBuffer(buffer);
	return true;
}

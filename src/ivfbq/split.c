/*
 * split.c
 *		Lists made of lists: splitting one that has grown, writing one to fewer pages (maintain.h).
 *
 * What is moved, and where to; how is in move.c.  Everything is computed from 8-bit rows.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "ivfbq/grow.h"
#include "ivfbq/maintain.h"
#include "ivfbq/move.h"
#include "miscadmin.h"

/* Rounds of Lloyd's algorithm; more gain nothing that can be measured in recall. */
#define ITERATIONS 8

/* Rows of a sample per list that is made. */
#define SAMPLE_PER_LIST 256

static void
interrupt(void)
{
	CHECK_FOR_INTERRUPTS();
}

/* ---------------------------------------------------------------- splitting */

/* Rows to find centroids with: of n that come, as many as there is room for, each as likely as the other. */
typedef struct Sample
{
	char *rows;
	Size row_bytes;
	int n;
	int max;
	int64 seen;
	pg_prng_state random;
} Sample;

static void
sample_row(const IvfbqRowVisit *visit, void *arg)
{
	Sample *sample = arg;
	int64 at = sample->seen++;

	if (at >= sample->max)
		at = (int64) pg_prng_uint64_range(&sample->random, 0, (uint64) at);
	else
		sample->n++;
	if (at < sample->max)
		memcpy(sample->rows + sample->row_bytes * at, visit->row, sample->row_bytes);
}

/* The centroids for a list: the first `fixed` of them are given. */
static IvfbqKmeans *
find_centroids(Relation index, const IvfbqIndex *info, IvfbqListRef ref,
			   const IvfbqListData *list, int64 rows, int k, const char *fixed, int nfixed)
{
	Size row_bytes = info->rows.row_bytes;
	Size room = Max((Size) maintenance_work_mem * 1024 / 2, row_bytes * k) / row_bytes;
	Sample sample = {.row_bytes = row_bytes};
	IvfbqKmeans *result;

	sample.max = (int) Min(Min(rows, (int64) k * SAMPLE_PER_LIST * 4), (int64) room);
	sample.rows = palloc_extended(row_bytes * sample.max, MCXT_ALLOC_HUGE);
	pg_prng_seed(&sample.random, info->seed ^ ref.cell.block);
	ivfbq_list_walk(index, info, ref, list->head, InvalidBlockNumber, true, sample_row,
					&sample);
	result = ivfbq_kmeans(info->codec, sample.rows, row_bytes, sample.n, k, fixed, nfixed,
						  ITERATIONS, info->seed + ref.cell.index, interrupt);
	pfree(sample.rows);
	return result;
}

/* The rows of a list that is split, on their way to where they are nearest. */
typedef struct Splitting
{
	IvfbqMove move;
	const IvfbqKmeans *kmeans;
	int nfixed; /* that many centroids are the list's own */
	const IvfbqIndex *info;
	const IvfbqNewLists *lists;
	const IvfbqBase *base; /* of the list of centroids */
} Splitting;

static void
split_row(const IvfbqRowVisit *visit, void *arg)
{
	Splitting *splitting = arg;
	/* The drained list is number 0 of the move, the new ones follow. */
	int number = ivfbq_kmeans_nearest(splitting->kmeans, visit->row, NULL);

	if (splitting->nfixed == 0)
		number++;
	ivfbq_move_row(&splitting->move, number, visit->row, visit->tid, NULL);
}

/* The new centroids become live. */
static void
set_centroids(Page codes, Page (*page_of)(void *, BlockNumber),
			  void *pages pg_attribute_unused(), void *arg)
{
	Splitting *splitting = arg;
	const IvfbqIndex *info = splitting->info;
	uint8 *bits = palloc0((info->codec->code_dim + 7) / 8);

	(void) page_of;
	for (int i = 0; i < splitting->lists->n; i++)
	{
		const char *row = splitting->lists->rows + (Size) info->rows.row_bytes * i;
		ItemPointerData tid;
		IvfbqCode code = {0};

		ivfbq_centroid_set_cell(&tid, splitting->lists->cells_block,
								splitting->lists->cells[i]);
		ivfbq_encode(info->codec, splitting->base, row, &code, bits);
		ivfbq_slot_put(&info->rows, codes, splitting->lists->slots[i], &code, bits, NULL, &tid);
	}
	pfree(bits);
}

static void
split_into(Relation index, const IvfbqIndex *info, IvfbqCellRef key, IvfbqListRef ref,
		   const IvfbqKmeans *kmeans, int nfixed)
{
	Splitting *splitting = palloc0(sizeof(Splitting));
	IvfbqListRef centroids = {key, IVFBQ_ROLE_CENTROIDS};
	IvfbqNewLists new_lists;
	IvfbqListData list;
	IvfbqSwitch also = {InvalidBlockNumber, set_centroids, splitting};
	Size row_bytes = info->rows.row_bytes;

	ivfbq_new_lists(index, info, key, kmeans->centroids + row_bytes * nfixed,
					kmeans->k - nfixed, &new_lists);
	splitting->kmeans = kmeans;
	splitting->nfixed = nfixed;
	splitting->info = info;
	splitting->lists = &new_lists;
	ivfbq_list_read(index, info->nkeys, centroids, &list);
	splitting->base = ivfbq_list_base(index, info, &list, IVFBQ_ROLE_CENTROIDS);
	also.codes = new_lists.centroids_block;

	ivfbq_move_begin(&splitting->move, index, info);
	(void) ivfbq_move_drain(&splitting->move, ref, false);
	for (int i = 0; i < new_lists.n; i++)
		(void) ivfbq_move_new_list(
			&splitting->move,
			(IvfbqListRef){{new_lists.cells_block, new_lists.cells[i], 0}, IVFBQ_ROLE_LIST},
			new_lists.rows + row_bytes * i, new_lists.centroids_block,
			(uint16) new_lists.slots[i]);
	ivfbq_move_walk(&splitting->move, 0, true, split_row, splitting);
	ivfbq_move_finish(&splitting->move, &also);
}

bool
ivfbq_split_list(Relation index, const IvfbqIndex *info, IvfbqCellRef key, IvfbqListRef ref,
				 int64 rows, int list_size)
{
	bool is_list = ref.role == IVFBQ_ROLE_LIST;
	int nfixed = is_list ? 1 : 0;
	char *fixed = NULL;
	IvfbqListData list;
	IvfbqKmeans *kmeans;
	int64 k = Max(1, (rows + list_size - 1) / list_size);

	k = Min(k, ivfbq_new_lists_max(info) + nfixed);
	ivfbq_list_read(index, info->nkeys, ref, &list);
	if (is_list)
		fixed = ivfbq_list_base(index, info, &list, ref.role)->row;
	/* Before anything is sealed: equal rows make no lists. */
	kmeans = find_centroids(index, info, ref, &list, rows, (int) k, fixed, nfixed);
	if (kmeans->k <= nfixed)
		return false;
	split_into(index, info, key, ref, kmeans, nfixed);
	return true;
}

/* ---------------------------------------------------------------- rewriting */

static void
keep_row(const IvfbqRowVisit *visit, void *arg)
{
	uint32 tags[IVFBQ_MAX_KEYS];

	for (int i = 0; i < visit->geometry->ntags; i++)
		tags[i] = ivfbq_slot_tag(visit->geometry, visit->page, visit->slot, i);
	ivfbq_move_row(arg, 0, visit->row, visit->tid, tags);
}

bool
ivfbq_rewrite_list(Relation index, const IvfbqIndex *info, IvfbqListRef ref, bool tagged)
{
	IvfbqMove *move = palloc(sizeof(IvfbqMove));

	ivfbq_move_begin(move, index, info);
	(void) ivfbq_move_drain(move, ref, tagged);
	ivfbq_move_walk(move, 0, true, keep_row, move);
	ivfbq_move_finish(move, NULL);
	ivfbq_detach_empty(index, info, ref);
	pfree(move);
	return true;
}

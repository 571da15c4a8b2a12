/*
 * build.c
 *		ambuild: a scan of the table (spool.c), the mean, the keys (build_keys.c); one log of all pages at the
 *		end.
 *
 * README.md, "Build".  Nobody else sees the index before it is complete, so that pages are changed
 * without WAL.  An error leaves nothing: the file of the index goes with the transaction,
 * temporary files with the resource owner.
 */
#include "postgres.h"

#include "access/generic_xlog.h"
#include "access/xloginsert.h"
#include "base/compat.h"
#include "commands/progress.h"
#include "ivfbq/build.h"
#include "ivfbq/build_keys.h"
#include "ivfbq/build_parallel.h"
#include "ivfbq/maintain.h"
#include "ivfbq/validate.h"
#include "miscadmin.h"
#include "storage/smgr.h"
#include "utils/backend_progress.h"
#include "utils/memutils.h"

/* The mean is a base if it takes away this part of what rows are long, on average. */
#define MEAN_GAIN_MIN 0.05
/* Of fewer rows it says too little of those that will come. */
#define MEAN_ROWS_MIN 1000

static void
report(int64 phase)
{
	pgstat_progress_update_param(PROGRESS_CREATEIDX_SUBPHASE, phase);
}

static int
key_columns(Relation index)
{
	return IndexRelationGetNumberOfKeyAttributes(index) - 1;
}

/* The meta page and the first directory page, of the main fork. */
static void
init_index(Relation index)
{
	for (BlockNumber block = 0; block <= IVFBQ_ROOT_BLOCK; block++)
	{
		Buffer buffer = agm_extend_locked(index);
		IvfbqChange change = ivfbq_change_begin(index, true);
		Page page = ivfbq_change_page(&change, buffer, true);

		Assert(BufferGetBlockNumber(buffer) == block);
		if (block == IVFBQ_META_BLOCK)
			ivfbq_meta_init(page, ivfbq_vector_type(index), key_columns(index),
							ivfbq_declared_dim(index), IVFBQ_SEED);
		else
			ivfbq_directory_init(page, key_columns(index));
		ivfbq_change_finish(&change);
		UnlockReleaseBuffer(buffer);
	}
}

/* What lists are to be relative to, if it is worth it: into the meta page and the root. */
static void
write_mean(Relation index, const IvfbqIndex *info, const IvfbqSpooled *spooled)
{
	const IvfbqTotals *totals = &spooled->totals;
	double square = 0;
	float *mean;
	char *row;
	BlockNumber block;
	IvfbqChange change;
	Buffer buffer;

	if (totals->rows < MEAN_ROWS_MIN)
		return;
	mean = palloc(sizeof(float) * totals->dim);
	for (int i = 0; i < totals->dim; i++)
	{
		mean[i] = (float) (spooled->sum[i] / (double) totals->rows);
		square += (double) mean[i] * mean[i];
	}

	/* Mean of |y - mean|^2 = mean of |y|^2 - |mean|^2.  Sums that are not finite compare as false. */
	if (square >= MEAN_GAIN_MIN * (totals->square / (double) totals->rows) && isfinite(square))
	{
		row = palloc0(IVFBQ_ROW_SIZE(totals->dim));
		ivfbq_quantize(info->codec, mean, 0.0, row);
		block = ivfbq_write_base(index, row, true);

		buffer = ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
		change = ivfbq_change_begin(index, true);
		ivfbq_meta(ivfbq_change_page(&change, buffer, false))->mean = block;
		ivfbq_change_finish(&change);
		UnlockReleaseBuffer(buffer);

		/* The root has no rows yet; cells that follow ask the meta page. */
		buffer =
			ivfbq_read(index, IVFBQ_ROOT_BLOCK, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_EXCLUSIVE);
		change = ivfbq_change_begin(index, true);
		ivfbq_directory_cell(index, info->nkeys, ivfbq_change_page(&change, buffer, false),
							 IVFBQ_ROOT_BLOCK, 0)
			->rows.base = block;
		ivfbq_change_finish(&change);
		UnlockReleaseBuffer(buffer);
		pfree(row);
	}
	pfree(mean);
}

/* One process scans the table. */
static void
spool_alone(Relation heap, Relation index, struct IndexInfo *index_info, Size memory,
			IvfbqSpooled *spooled)
{
	IvfbqSpool spool;

	ivfbq_spool_begin(&spool, index, memory, (IvfbqCoordinates){NULL, NULL}, NULL, 0);
	ivfbq_spool_scan(&spool, heap, index_info, NULL, true);
	report(PROGRESS_IVFBQ_PHASE_SORTING);
	ivfbq_spool_finish(&spool);
	ivfbq_spooled_by_one(spooled, &spool);
}

struct IndexBuildResult *
ivfbqbuild(Relation heap, Relation index, struct IndexInfo *index_info)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq build",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Size memory = (Size) maintenance_work_mem * 1024;
	bool sorts = key_columns(index) > 0;
	IvfbqParallelBuild *parallel = NULL;
	Size spool_memory;
	int workers;
	IvfbqSpooled spooled;
	IvfbqIndex *info;
	bool clustered;
	IndexBuildResult *result;

	ivfbq_check_columns(index);
	if (RelationGetNumberOfBlocks(index) != 0)
		elog(ERROR, "index \"%s\" already contains data", RelationGetRelationName(index));
	ivfbq_index_forget(index);
	init_index(index);

	/* A sort keeps half of the memory to be read from while keys are written. */
	report(PROGRESS_IVFBQ_PHASE_LOADING);
	spool_memory = sorts ? memory / 2 : memory;
	workers = agm_build_workers(heap, index, index_info);
	if (workers > 0)
		parallel =
			ivfbq_parallel_begin(heap, index, index_info, workers, spool_memory, &spooled);
	if (parallel == NULL)
		spool_alone(heap, index, index_info, spool_memory, &spooled);

	report(PROGRESS_IVFBQ_PHASE_WRITING);
	info = ivfbq_index(index);
	write_mean(index, info, &spooled);
	clustered = ivfbq_write_keys(index, info, &spooled, sorts ? memory / 2 : memory);
	ivfbq_spooled_free(&spooled);
	if (parallel != NULL)
		ivfbq_parallel_end(parallel);
	if (clustered)
	{
		report(PROGRESS_IVFBQ_PHASE_CALIBRATING);
		ivfbq_calibrate(index, info, true);
	}

	report(PROGRESS_IVFBQ_PHASE_LOGGING);
	if (RelationNeedsWAL(index))
		log_newpage_range(index, MAIN_FORKNUM, 0, RelationGetNumberOfBlocks(index), true);

	MemoryContextSwitchTo(old);
	result = palloc(sizeof(IndexBuildResult));
	result->heap_tuples = spooled.totals.heap_rows;
	result->index_tuples = (double) spooled.totals.entries;
	MemoryContextDelete(context);
	return result;
}

/* The init fork of an unlogged index: what the index is reset to after a crash. */
void
ivfbqbuildempty(Relation index)
{
	const IvfbqType *type;
	int dim;

	ivfbq_check_columns(index);
	type = ivfbq_vector_type(index);
	dim = ivfbq_declared_dim(index);
	for (BlockNumber block = 0; block <= IVFBQ_ROOT_BLOCK; block++)
	{
		Buffer buffer = agm_extend_fork_locked(index, INIT_FORKNUM);

		START_CRIT_SECTION();
		MarkBufferDirty(buffer);
		if (block == IVFBQ_META_BLOCK)
			ivfbq_meta_init(BufferGetPage(buffer), type, key_columns(index), dim, IVFBQ_SEED);
		else
			ivfbq_directory_init(BufferGetPage(buffer), key_columns(index));
		log_newpage_buffer(buffer, true);
		END_CRIT_SECTION();
		UnlockReleaseBuffer(buffer);
	}
}

/*
 * spool.c
 *		The scan of the table in a build: every row to its 8-bit row, and that into a file or
 *		sort (spool.h).
 *
 * Runs in every process of a build.  The index has a meta page and a directory then, and nothing else; if
 * its column declares no dimension, the first vector that any of them meets sets it.
 */
#include "postgres.h"

#include <fcntl.h>

#include "access/tableam.h"
#include "commands/tablespace.h"
#include "ivfbq/build.h"
#include "ivfbq/spool.h"
#include "miscadmin.h"
#include "utils/memutils.h"

void
ivfbq_file_write(BufFile *file, const void *bytes, Size n)
{
	BufFileWrite(file, unconstify(void *, bytes), n);
}

static void
file_name(char name[MAXPGPATH], const char *what, int number)
{
	snprintf(name, MAXPGPATH, "%s.%d", what, number);
}

BufFile *
ivfbq_file_create(SharedFileSet *fileset, const char *what, int number)
{
	char name[MAXPGPATH];

	if (fileset == NULL)
		return BufFileCreateTemp(false);
	file_name(name, what, number);
	return BufFileCreateFileSet(&fileset->fs, name);
}

BufFile *
ivfbq_file_open(SharedFileSet *fileset, const char *what, int number)
{
	char name[MAXPGPATH];

	file_name(name, what, number);
	return BufFileOpenFileSet(&fileset->fs, name, O_RDONLY, false);
}

void
ivfbq_file_read(BufFile *file, void *bytes, Size n)
{
	if (BufFileRead(file, bytes, n) != n)
		ereport(ERROR, (errcode_for_file_access(),
						errmsg("temporary file of an index build ends too early")));
}

void
ivfbq_spool_begin(IvfbqSpool *spool, Relation index, Size memory, IvfbqCoordinates coordinates,
				  SharedFileSet *fileset, int number)
{
	memset(spool, 0, sizeof(*spool));
	spool->index = index;
	spool->nkeys = IndexRelationGetNumberOfKeyAttributes(index) - 1;
	spool->fileset = fileset;
	spool->number = number;
	spool->context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq build row",
										   ALLOCSET_DEFAULT_SIZES);
	spool->row = palloc0(IVFBQ_ROW_SIZE(IVFBQ_MAX_DIM));
	if (spool->nkeys > 0)
	{
		Size small = memory / 8;

		spool->by_key = ivfbq_sort_new(spool->nkeys, memory - small, coordinates.by_key);
		spool->hashes = ivfbq_numbers_new(small, coordinates.hashes);
	}
	else
	{
		PrepareTempTablespaces();
		spool->rows = ivfbq_file_create(fileset, "rows", number);
		spool->tids = ivfbq_file_create(fileset, "tids", number);
	}
}

/* Adds the row to the sums that the mean is made of. */
static void
add_to_mean(IvfbqSpool *spool)
{
	const uint8 *codes = (const uint8 *) spool->row + IVFBQ_ROW_HEAD_SIZE;
	int dim = spool->info->dim;
	double *sum;
	IvfbqRowHeadData head;

	if (spool->sum == NULL)
	{
		spool->totals.dim = dim;
		spool->sum =
			MemoryContextAllocZero(GetMemoryChunkContext(spool->row), sizeof(double) * dim);
	}
	sum = spool->sum;
	ivfbq_row_head(spool->row, &head);
	for (int i = 0; i < dim; i++)
		sum[i] += head.scale * (float) ((int) codes[i] - 128);
	spool->totals.square += (double) head.scale * head.scale * head.square_sum;
}

/* A row of the table; the callback of its scan. */
static void
spool_row(Relation index, ItemPointer tid, Datum *values, bool *isnull,
		  bool alive pg_attribute_unused(), void *state)
{
	IvfbqSpool *spool = state;
	MemoryContext old = MemoryContextSwitchTo(spool->context);
	int vector = spool->nkeys;
	bool has_row =
		ivfbq_row_of(index, values[vector], isnull[vector], true, &spool->info, spool->row);

	MemoryContextSwitchTo(old);
	spool->totals.entries++;
	if (has_row)
	{
		spool->totals.rows++;
		ivfbq_row_set_tid(spool->row, tid);
		add_to_mean(spool);
	}
	MemoryContextSwitchTo(spool->context);

	if (spool->nkeys > 0)
	{
		IvfbqKey key;

		/* Without a direction it is a TID alone. */
		ivfbq_key_of(index, values, isnull, &key);
		ivfbq_sort_put(
			spool->by_key, key.hash, key.tags, has_row ? spool->row : (const char *) tid,
			has_row ? (int) IVFBQ_ROW_SIZE(spool->info->dim) : (int) sizeof(ItemPointerData));
		ivfbq_numbers_put(spool->hashes, key.hash);
	}
	else if (has_row)
		ivfbq_file_write(spool->rows, spool->row, IVFBQ_ROW_SIZE(spool->info->dim));
	else
		ivfbq_file_write(spool->tids, tid, sizeof(ItemPointerData));

	MemoryContextSwitchTo(old);
	MemoryContextReset(spool->context);
}

void
ivfbq_spool_scan(IvfbqSpool *spool, Relation heap, struct IndexInfo *index_info,
				 struct TableScanDescData *scan, bool progress)
{
	spool->totals.heap_rows = table_index_build_scan(heap, spool->index, index_info, true,
													 progress, spool_row, spool, scan);
}

void
ivfbq_spool_finish(IvfbqSpool *spool)
{
	if (spool->nkeys > 0)
	{
		ivfbq_sort_perform(spool->by_key);
		tuplesort_performsort(spool->hashes);
	}
	else if (spool->fileset != NULL)
	{
		BufFileExportFileSet(spool->rows);
		BufFileExportFileSet(spool->tids);
		BufFileClose(spool->rows);
		BufFileClose(spool->tids);
		spool->rows = spool->tids = NULL;
	}
	pfree(spool->row);
	MemoryContextDelete(spool->context);
}

void
ivfbq_spooled_by_one(IvfbqSpooled *spooled, IvfbqSpool *spool)
{
	memset(spooled, 0, sizeof(*spooled));
	spooled->totals = spool->totals;
	spooled->sum = spool->sum;
	spooled->by_key = spool->by_key;
	spooled->hashes = spool->hashes;
	if (spool->nkeys == 0)
	{
		spooled->nfiles = 1;
		spooled->rows = palloc(sizeof(BufFile *));
		spooled->tids = palloc(sizeof(BufFile *));
		spooled->rows[0] = spool->rows;
		spooled->tids[0] = spool->tids;
	}
}

void
ivfbq_spooled_free(IvfbqSpooled *spooled)
{
	for (int i = 0; i < spooled->nfiles; i++)
	{
		BufFileClose(spooled->rows[i]);
		BufFileClose(spooled->tids[i]);
	}
	if (spooled->by_key != NULL)
		ivfbq_sort_free(spooled->by_key);
	if (spooled->hashes != NULL)
		tuplesort_end(spooled->hashes);
}

/* ---------------------------------------------------------------- reading files */

void
ivfbq_files_rewind(void *arg)
{
	IvfbqFiles *files = arg;

	files->current = 0;
	for (int i = 0; i < files->nfiles; i++)
		if (BufFileSeek(files->files[i], 0, 0, SEEK_SET) != 0)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("could not rewind temporary file of an index build")));
}

bool
ivfbq_files_next(void *arg, char *row)
{
	IvfbqFiles *files = arg;

	for (; files->current < files->nfiles; files->current++)
	{
		Size n = BufFileRead(files->files[files->current], row, files->row_size);

		if (n == files->row_size)
			return true;
		if (n > 0)
			ereport(ERROR, (errcode_for_file_access(),
							errmsg("temporary file of an index build ends within a row")));
	}
	return false;
}

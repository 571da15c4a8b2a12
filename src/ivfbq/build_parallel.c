/*
 * build_parallel.c
 *		Several processes that scan the table of a build, and assign its rows to lists
 *		(build_parallel.h).
 *
 * The leader is one of them.  All scan parts of the table: into a sort that they share, if there are key columns, else
 * each into files of its own.  Then the leader alone writes the mean and finds centroids, and each
 * assigns the rows of its own file to them, into another sort that they share.  The leader alone writes
 * the index.  Workers wait for its word between these steps; if it fails, core ends them.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "ivfbq/build_parallel.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/spin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* What is in shared memory. */
#define KEY_STATE UINT64CONST(0x1bf1b00000000001)
#define KEY_SCAN UINT64CONST(0x1bf1b00000000002)
#define KEY_SUMS UINT64CONST(0x1bf1b00000000003)
/* Three sorts: of rows by key, of hashes, of rows by list. */
#define KEY_SORTS UINT64CONST(0x1bf1b00000000004)
#define SORTS 3
#define SORT_KEYS 0
#define SORT_HASHES 1
#define SORT_LISTS 2

/* What workers are to do when they have scanned. */
typedef enum NextStep
{
	NEXT_WAIT,
	NEXT_ASSIGN,
	NEXT_END
} NextStep;

typedef struct SharedState
{
	/* set once */
	Oid heap;
	Oid index;
	bool concurrent;
	Size memory; /* of each process */
	SharedFileSet fileset;

	/* changes, under the lock; whoever waits for it waits for `changed` */
	slock_t lock;
	ConditionVariable changed;
	NextStep next;
	int scanned;  /* processes that have */
	int assigned; /* the same */
	IvfbqTotals totals;
} SharedState;

/* One process of a build. */
typedef struct Process
{
	int number; /* 0: the leader */
	Relation heap;
	Relation index;
	SharedState *state;
	ParallelTableScanDesc scan;
	double *sums; /* IVFBQ_MAX_DIM each process */
	Sharedsort *sorts[SORTS];
} Process;

struct IvfbqParallelBuild
{
	ParallelContext *context;
	Snapshot snapshot; /* registered, or SnapshotAny */
	Process leader;
	int processes;
	Size memory;
};

static void
find_shared(Process *process, shm_toc *toc)
{
	process->state = shm_toc_lookup(toc, KEY_STATE, false);
	process->scan = shm_toc_lookup(toc, KEY_SCAN, false);
	process->sums = shm_toc_lookup(toc, KEY_SUMS, false);
	for (int i = 0; i < SORTS; i++)
		process->sorts[i] = shm_toc_lookup(toc, KEY_SORTS + i, false);
}

static SortCoordinate
part_of_sort(const Process *process, int sort)
{
	SortCoordinate coordinate = palloc0(sizeof(SortCoordinateData));

	coordinate->isWorker = true;
	coordinate->nParticipants = -1;
	coordinate->sharedsort = process->sorts[sort];
	return coordinate;
}

static SortCoordinate
whole_of_sort(const IvfbqParallelBuild *build, int sort)
{
	SortCoordinate coordinate = palloc0(sizeof(SortCoordinateData));

	coordinate->isWorker = false;
	coordinate->nParticipants = build->processes;
	coordinate->sharedsort = build->leader.sorts[sort];
	return coordinate;
}

/* ---------------------------------------------------------------- steps that all processes take */

static void
add_totals(SharedState *state, const IvfbqTotals *part)
{
	SpinLockAcquire(&state->lock);
	state->totals.heap_rows += part->heap_rows;
	state->totals.entries += part->entries;
	state->totals.rows += part->rows;
	state->totals.square += part->square;
	if (part->dim > 0)
		state->totals.dim = part->dim;
	state->scanned++;
	SpinLockRelease(&state->lock);
	ConditionVariableBroadcast(&state->changed);
}

static void
scan_part(Process *process, struct IndexInfo *index_info)
{
	SharedState *state = process->state;
	IvfbqCoordinates coordinates = {part_of_sort(process, SORT_KEYS),
									part_of_sort(process, SORT_HASHES)};
	IvfbqSpool spool;

	ivfbq_spool_begin(&spool, process->index, state->memory, coordinates, &state->fileset,
					  process->number);
	ivfbq_spool_scan(&spool, process->heap, index_info,
					 agm_beginscan_parallel(process->heap, process->scan),
					 process->number == 0);
	ivfbq_spool_finish(&spool);
	if (spool.nkeys > 0)
	{
		ivfbq_sort_free(spool.by_key);
		tuplesort_end(spool.hashes);
	}
	if (spool.sum != NULL)
		memcpy(process->sums + (Size) IVFBQ_MAX_DIM * process->number, spool.sum,
			   sizeof(double) * spool.totals.dim);
	add_totals(state, &spool.totals);
}

/* The rows of our own file to the lists of the leader's centroids. */
static void
assign_part(Process *process)
{
	SharedState *state = process->state;
	IvfbqIndex *info = ivfbq_index(process->index);
	Size row_size = IVFBQ_ROW_SIZE(info->dim);
	BufFile *centroids = ivfbq_file_open(&state->fileset, "centroids", 0);
	BufFile *rows = ivfbq_file_open(&state->fileset, "rows", process->number);
	IvfbqFiles files = {&rows, 1, 0, row_size, NULL};
	IvfbqRowSource source = {0, ivfbq_files_rewind, ivfbq_files_next, NULL, &files};
	IvfbqSort *sort = ivfbq_sort_new(0, state->memory, part_of_sort(process, SORT_LISTS));
	BufFile *result;
	IvfbqKmeans *kmeans;
	int64 *counts;
	double squares = 0;
	char *bytes;
	int k;

	ivfbq_file_read(centroids, &k, sizeof(k));
	bytes = MemoryContextAllocHuge(CurrentMemoryContext, row_size * k);
	ivfbq_file_read(centroids, bytes, row_size * k);
	BufFileClose(centroids);
	kmeans = ivfbq_kmeans_of(info->codec, bytes, k);
	counts = palloc0(sizeof(int64) * k);
	ivfbq_assign_rows(&source, kmeans, sort, counts, &squares);
	ivfbq_sort_free(sort);
	BufFileClose(rows);

	result = ivfbq_file_create(&state->fileset, "counts", process->number);
	ivfbq_file_write(result, &squares, sizeof(squares));
	ivfbq_file_write(result, counts, sizeof(int64) * k);
	BufFileExportFileSet(result);
	BufFileClose(result);
	ivfbq_kmeans_free(kmeans);
	pfree(counts);
	pfree(bytes);

	SpinLockAcquire(&state->lock);
	state->assigned++;
	SpinLockRelease(&state->lock);
	ConditionVariableBroadcast(&state->changed);
}

/* ---------------------------------------------------------------- the leader's side */

static void
set_next(SharedState *state, NextStep next)
{
	SpinLockAcquire(&state->lock);
	state->next = next;
	SpinLockRelease(&state->lock);
	ConditionVariableBroadcast(&state->changed);
}

/* Until all processes have done the step that `done` counts. */
static void
wait_for_all(const IvfbqParallelBuild *build, const int *done)
{
	SharedState *state = build->leader.state;

	for (;;)
	{
		int n;

		SpinLockAcquire(&state->lock);
		n = *done;
		SpinLockRelease(&state->lock);
		if (n >= build->processes)
			break;
		ConditionVariableSleep(&state->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
}

/* What the source of the rows of an index without key columns does instead of ivfbq_assign_rows(). */
static IvfbqSort *
assign_together(void *arg, const IvfbqKmeans *kmeans, int64 *counts, double *squares)
{
	IvfbqParallelBuild *build = ((IvfbqFiles *) arg)->processes;
	SharedState *state = build->leader.state;
	BufFile *file = ivfbq_file_create(&state->fileset, "centroids", 0);
	int64 *part = palloc(sizeof(int64) * kmeans->k);
	double part_squares;
	IvfbqSort *sort;

	ivfbq_file_write(file, &kmeans->k, sizeof(kmeans->k));
	ivfbq_file_write(file, kmeans->centroids,
					 (Size) IVFBQ_ROW_SIZE(kmeans->codec->dim) * kmeans->k);
	BufFileExportFileSet(file);
	BufFileClose(file);
	set_next(state, NEXT_ASSIGN);
	assign_part(&build->leader);
	wait_for_all(build, &state->assigned);

	for (int i = 0; i < build->processes; i++)
	{
		file = ivfbq_file_open(&state->fileset, "counts", i);
		ivfbq_file_read(file, &part_squares, sizeof(part_squares));
		ivfbq_file_read(file, part, sizeof(int64) * kmeans->k);
		BufFileClose(file);
		*squares += part_squares;
		for (int j = 0; j < kmeans->k; j++)
			counts[j] += part[j];
	}
	pfree(part);
	sort = ivfbq_sort_new(0, build->memory / 2, whole_of_sort(build, SORT_LISTS));
	ivfbq_sort_perform(sort);
	return sort;
}

/* What all have spooled. */
static void
collect(IvfbqParallelBuild *build, Size memory, IvfbqSpooled *spooled)
{
	SharedState *state = build->leader.state;
	int nkeys = IndexRelationGetNumberOfKeyAttributes(build->leader.index) - 1;

	memset(spooled, 0, sizeof(*spooled));
	spooled->totals = state->totals;
	spooled->sum = palloc0(sizeof(double) * Max(spooled->totals.dim, 1));
	for (int i = 0; i < build->processes; i++)
		for (int j = 0; j < spooled->totals.dim; j++)
			spooled->sum[j] += build->leader.sums[(Size) IVFBQ_MAX_DIM * i + j];

	if (nkeys > 0)
	{
		spooled->by_key =
			ivfbq_sort_new(nkeys, memory - memory / 8, whole_of_sort(build, SORT_KEYS));
		spooled->hashes = ivfbq_numbers_new(memory / 8, whole_of_sort(build, SORT_HASHES));
		ivfbq_sort_perform(spooled->by_key);
		tuplesort_performsort(spooled->hashes);
		return;
	}
	spooled->nfiles = build->processes;
	spooled->rows = palloc(sizeof(BufFile *) * build->processes);
	spooled->tids = palloc(sizeof(BufFile *) * build->processes);
	for (int i = 0; i < build->processes; i++)
	{
		spooled->rows[i] = ivfbq_file_open(&state->fileset, "rows", i);
		spooled->tids[i] = ivfbq_file_open(&state->fileset, "tids", i);
	}
	spooled->assign = assign_together;
	spooled->processes = build;
}

/* Sizes of everything, in the order in which it is made. */
static void
estimate(ParallelContext *context, Relation heap, Snapshot snapshot, int processes)
{
	shm_toc_estimate_chunk(&context->estimator, sizeof(SharedState));
	shm_toc_estimate_chunk(&context->estimator, table_parallelscan_estimate(heap, snapshot));
	shm_toc_estimate_chunk(&context->estimator,
						   mul_size(sizeof(double) * IVFBQ_MAX_DIM, processes));
	for (int i = 0; i < SORTS; i++)
		shm_toc_estimate_chunk(&context->estimator, tuplesort_estimate_shared(processes));
	shm_toc_estimate_keys(&context->estimator, 3 + SORTS);
}

static void
make_shared(IvfbqParallelBuild *build, Relation heap, Relation index, bool concurrent,
			int processes)
{
	ParallelContext *context = build->context;
	SharedState *state = shm_toc_allocate(context->toc, sizeof(SharedState));
	ParallelTableScanDesc scan =
		shm_toc_allocate(context->toc, table_parallelscan_estimate(heap, build->snapshot));
	double *sums =
		shm_toc_allocate(context->toc, mul_size(sizeof(double) * IVFBQ_MAX_DIM, processes));

	memset(state, 0, sizeof(*state));
	state->heap = RelationGetRelid(heap);
	state->index = RelationGetRelid(index);
	state->concurrent = concurrent;
	state->memory = build->memory / processes;
	SpinLockInit(&state->lock);
	ConditionVariableInit(&state->changed);
	SharedFileSetInit(&state->fileset, context->seg);
	shm_toc_insert(context->toc, KEY_STATE, state);
	table_parallelscan_initialize(heap, scan, build->snapshot);
	shm_toc_insert(context->toc, KEY_SCAN, scan);
	shm_toc_insert(context->toc, KEY_SUMS, sums);
	for (int i = 0; i < SORTS; i++)
	{
		Sharedsort *sort = shm_toc_allocate(context->toc, tuplesort_estimate_shared(processes));

		tuplesort_initialize_shared(sort, processes, context->seg);
		shm_toc_insert(context->toc, KEY_SORTS + i, sort);
	}
	find_shared(&build->leader, context->toc);
	build->leader.heap = heap;
	build->leader.index = index;
}

/* Parallel mode ends, and all that was shared. */
static void
end_context(IvfbqParallelBuild *build)
{
	if (IsMVCCSnapshot(build->snapshot))
		UnregisterSnapshot(build->snapshot);
	DestroyParallelContext(build->context);
	ExitParallelMode();
}

IvfbqParallelBuild *
ivfbq_parallel_begin(Relation heap, Relation index, struct IndexInfo *index_info, int workers,
					 Size memory, IvfbqSpooled *spooled)
{
	IvfbqParallelBuild *build = palloc0(sizeof(IvfbqParallelBuild));

	/* CONCURRENTLY sees one snapshot, another build all that is there. */
	build->snapshot =
		index_info->ii_Concurrent ? RegisterSnapshot(GetTransactionSnapshot()) : SnapshotAny;
	build->memory = memory;
	EnterParallelMode();
	build->context = CreateParallelContext("agentmem", "ivfbq_build_worker", workers);
	estimate(build->context, heap, build->snapshot, workers + 1);
	InitializeParallelDSM(build->context);
	if (build->context->seg == NULL)
	{
		end_context(build);
		return NULL;
	}
	make_shared(build, heap, index, index_info->ii_Concurrent, workers + 1);
	LaunchParallelWorkers(build->context);
	build->processes = build->context->nworkers_launched + 1;
	if (build->processes == 1)
	{
		WaitForParallelWorkersToFinish(build->context);
		end_context(build);
		return NULL;
	}

	scan_part(&build->leader, index_info);
	/* Now, so that one that never starts is not waited for. */
	WaitForParallelWorkersToAttach(build->context);
	wait_for_all(build, &build->leader.state->scanned);
	collect(build, memory, spooled);
	return build;
}

void
ivfbq_parallel_end(IvfbqParallelBuild *build)
{
	set_next(build->leader.state, NEXT_END);
	WaitForParallelWorkersToFinish(build->context);
	end_context(build);
	pfree(build);
}

/* ---------------------------------------------------------------- a worker */

/* Until the leader knows what is next. */
static NextStep
wait_for_next(SharedState *state, NextStep last)
{
	NextStep next;

	for (;;)
	{
		SpinLockAcquire(&state->lock);
		next = state->next;
		SpinLockRelease(&state->lock);
		if (next != last)
			break;
		ConditionVariableSleep(&state->changed, WAIT_EVENT_PARALLEL_CREATE_INDEX_SCAN);
	}
	ConditionVariableCancelSleep();
	return next;
}

void
ivfbq_build_worker(dsm_segment *segment, shm_toc *toc)
{
	Process process = {.number = ParallelWorkerNumber + 1};
	SharedState *state;
	struct IndexInfo *index_info;
	LOCKMODE heap_lock;
	LOCKMODE index_lock;

	find_shared(&process, toc);
	state = process.state;
	SharedFileSetAttach(&state->fileset, segment);
	for (int i = 0; i < SORTS; i++)
		tuplesort_attach_shared(process.sorts[i], segment);

	/* As the leader has them. */
	heap_lock = state->concurrent ? ShareUpdateExclusiveLock : ShareLock;
	index_lock = state->concurrent ? RowExclusiveLock : AccessExclusiveLock;
	process.heap = table_open(state->heap, heap_lock);
	process.index = index_open(state->index, index_lock);
	index_info = BuildIndexInfo(process.index);
	index_info->ii_Concurrent = state->concurrent;

	scan_part(&process, index_info);
	if (wait_for_next(state, NEXT_WAIT) == NEXT_ASSIGN)
		assign_part(&process);

	index_close(process.index, index_lock);
	table_close(process.heap, heap_lock);
}

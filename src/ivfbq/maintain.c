/*
 * maintain.c
 *		What is due, one after the other (maintain.h): moves, the index's mean, calibration.
 *
 * The caller holds the maintenance lock.  Each move is whole by itself, so that an error, a cancelled VACUUM or a
 * crash between two loses nothing but time.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ivfbq/maintain.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Rows that an index should have before its mean is taken, and rows that are looked at for it. */
#define MEAN_MIN_ROWS 1000
#define MEAN_MIN_SAMPLE 64
/* What the mean must take away of the rows' squared length, on average: else it is not worth a base. */
#define MEAN_MIN_GAIN 0.05

/* Thresholds are measured again when there are so many percent more lists, or fewer. */
#define CALIBRATE_PERCENT 30

/* ---------------------------------------------------------------- nodes */

/* Brings the rows of a node down, and on where they came to a node with children. */
static int
settle(IvfbqSurvey *survey, IvfbqCellRef ref)
{
	int nkeys = survey->info->nkeys;
	IvfbqCell cell;
	int moves;

	check_stack_depth();
	agm_vacuum_delay_point();
	moves = ivfbq_settle_node(survey->index, survey->info, ref);
	if (moves == 0)
		return 0;
	ivfbq_cell_read(survey->index, nkeys, ref, &cell);
	for (int side = 0; side < 2; side++)
	{
		IvfbqCellRef child = side == 0 ? cell.u.data.left : cell.u.data.right;
		IvfbqCell below;

		if (!ivfbq_cell_ref_is_valid(child))
			continue;
		ivfbq_cell_read(survey->index, nkeys, child, &below);
		if (ivfbq_cell_ref_is_valid(below.u.data.left))
			moves += settle(survey, child);
	}
	return moves;
}

/* ---------------------------------------------------------------- one thing that is due */

static bool
is_tagged(IvfbqSurvey *survey, const IvfbqDue *due)
{
	IvfbqCell cell;

	ivfbq_cell_read(survey->index, survey->info->nkeys, due->key, &cell);
	return ivfbq_list_is_tagged(survey->info, due->ref, &cell.u.data);
}

static int
do_due(IvfbqSurvey *survey, const IvfbqDue *due)
{
	Relation index = survey->index;
	const IvfbqIndex *info = survey->info;

	switch (due->kind)
	{
		case IVFBQ_DUE_NODE:
			return settle(survey, due->key);
		case IVFBQ_DUE_KEY:
			return ivfbq_bring_key(index, info, due->key);
		case IVFBQ_DUE_RECLUSTER:
		case IVFBQ_DUE_CLUSTER:
			return ivfbq_cluster_key(index, info, due->key, due->rows, survey->list_size);
		case IVFBQ_DUE_SPREAD:
		case IVFBQ_DUE_SPLIT:
			return ivfbq_split_list(index, info, due->key, due->ref, due->rows,
									survey->list_size);
		case IVFBQ_DUE_REWRITE:
			return ivfbq_rewrite_list(index, info, due->ref, is_tagged(survey, due));
	}
	return 0;
}

/* Nodes, then keys, whose rows come to lists that other moves are about; then the larger lists first. */
static int
compare_due(const void *a, const void *b)
{
	const IvfbqDue *left = a;
	const IvfbqDue *right = b;
	int left_class = Min((int) left->kind, (int) IVFBQ_DUE_CLUSTER);
	int right_class = Min((int) right->kind, (int) IVFBQ_DUE_CLUSTER);

	if (left_class != right_class)
		return left_class - right_class;
	return (right->rows > left->rows) - (right->rows < left->rows);
}

/* ---------------------------------------------------------------- the mean */

/* The part of the rows' squared length that is their mean's. */
static double
mean_gain(const IvfbqSurvey *survey)
{
	double square = 0;

	for (int i = 0; i < survey->info->dim; i++)
		square += survey->sum[i] * survey->sum[i];
	return survey->squares > 0 ? square / (double) survey->summed / survey->squares : 0;
}

/* Lists that are made from now on are relative to the mean of the rows that the survey came by. */
static void
set_mean(IvfbqSurvey *survey)
{
	const IvfbqIndex *info = survey->info;
	float *y = palloc(sizeof(float) * info->dim);
	char *row = palloc(info->rows.row_bytes);
	BlockNumber base;
	Buffer buffer;
	IvfbqChange change;

	for (int i = 0; i < info->dim; i++)
		y[i] = (float) (survey->sum[i] / (double) survey->summed);
	ivfbq_quantize(info->codec, y, 0, row);
	base = ivfbq_write_base(survey->index, row, false);
	buffer =
		ivfbq_read(survey->index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
	change = ivfbq_change_begin(survey->index, false);
	ivfbq_meta(ivfbq_change_page(&change, buffer, false))->mean = base;
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
	pfree(row);
	pfree(y);
}

/* ---------------------------------------------------------------- thresholds */

static void
count_lists(const IvfbqCell *cell, void *arg)
{
	*(int64 *) arg += cell->u.data.nlists;
}

static bool
calibration_is_due(IvfbqSurvey *survey)
{
	IvfbqMetaData meta;
	int64 lists = 0;
	int64 change;

	ivfbq_directory_walk(survey->index, survey->info, count_lists, &lists);
	ivfbq_meta_read(survey->index, &meta);
	change = lists - (int64) meta.calibrated_lists;
	return lists > 0 &&
		   (meta.calibrated_at == 0 || (change < 0 ? -change : change) * 100 >
										   (int64) meta.calibrated_lists * CALIBRATE_PERCENT);
}

/* ---------------------------------------------------------------- the frame */

int
ivfbq_maintain(IvfbqSurvey *survey)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem ivfbq maintenance", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int moves = 0;
	int list_moves = 0;
	bool calibrate = false;

	if (survey->sum != NULL && survey->rows >= MEAN_MIN_ROWS &&
		survey->summed >= MEAN_MIN_SAMPLE && mean_gain(survey) >= MEAN_MIN_GAIN)
		set_mean(survey);
	if (survey->ndue > 0)
		qsort(survey->due, survey->ndue, sizeof(IvfbqDue), compare_due);
	for (int i = 0; i < survey->ndue && list_moves < IVFBQ_MOVES_MAX; i++)
	{
		const IvfbqDue *due = &survey->due[i];
		int done;

		agm_vacuum_delay_point();
		done = do_due(survey, due);
		moves += done;
		if (due->kind != IVFBQ_DUE_NODE && due->kind != IVFBQ_DUE_KEY)
			list_moves += done;
		calibrate |= due->kind == IVFBQ_DUE_RECLUSTER;
		MemoryContextReset(context);
	}
	if (calibrate || calibration_is_due(survey))
		ivfbq_calibrate(survey->index, survey->info, false);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return moves;
}

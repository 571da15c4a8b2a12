/*
 * vacuum.c
 *		ambulkdelete and amvacuumcleanup (vacuum.h).
 *
 * README.md, "VACUUM".  Both hold the maintenance lock for as long as they are at it: what moves rows
 * is not at work then, and a pass over the pages in the order of the file sees every row that was
 * there when it began.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ivfbq/maintain.h"
#include "ivfbq/survey.h"
#include "ivfbq/vacuum.h"
#include "utils/memutils.h"

IndexBulkDeleteResult *
ivfbqbulkdelete(IndexVacuumInfo *info, IndexBulkDeleteResult *stats,
				IndexBulkDeleteCallback callback, void *callback_state)
{
	Relation index = info->index;
	IvfbqClearing clearing;
	MemoryContext context;
	MemoryContext old;
	BlockNumber block = IVFBQ_ROOT_BLOCK + 1;

	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq vacuum",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	(void) ivfbq_lock_maintenance(index, true);
	ivfbq_clearing_begin(&clearing, index, info->strategy, callback, callback_state);

	/* Rows that come to pages that were added meanwhile are not dead, but a look is cheap. */
	for (;;)
	{
		BlockNumber pages = ivfbq_count_pages(index);

		if (block >= pages)
			break;
		for (; block < pages; block++)
		{
			agm_vacuum_delay_point();
			ivfbq_clear_page(&clearing, block);
		}
	}
	ivfbq_unlock_maintenance(index);

	stats->num_pages = block;
	stats->num_index_tuples = (double) clearing.live;
	stats->estimated_count = false;
	stats->tuples_removed += (double) clearing.cleared;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return stats;
}

IndexBulkDeleteResult *
ivfbqvacuumcleanup(IndexVacuumInfo *info, IndexBulkDeleteResult *stats)
{
	Relation index = info->index;
	IvfbqSurvey survey;
	IvfbqPageCounts counts = {0};
	MemoryContext context;
	MemoryContext old;

	if (info->analyze_only)
		return stats;
	if (stats == NULL)
		stats = palloc0(sizeof(IndexBulkDeleteResult));
	context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq vacuum cleanup",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	(void) ivfbq_lock_maintenance(index, true);
	ivfbq_survey_begin(&survey, index, agm_vacuum_heap(info), info->strategy);
	ivfbq_survey_walk(&survey);
	ivfbq_recycle_pages(&survey, &counts);
	(void) ivfbq_maintain(&survey);
	ivfbq_unlock_maintenance(index);

	stats->num_pages = RelationGetNumberOfBlocks(index);
	stats->num_index_tuples = (double) survey.rows;
	stats->estimated_count = false;
	stats->pages_newly_deleted += counts.newly_retired;
	stats->pages_deleted = counts.free + counts.retired;
	stats->pages_free = counts.free;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return stats;
}

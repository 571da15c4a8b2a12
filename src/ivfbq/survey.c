/*
 * survey.c
 *		A walk through all lists (survey.h): which pages are reached, what is due, and the small repairs
 *		that need no move.
 *
 * Must not move a row.  What is changed here: the chain of pages with free slots, and lists whose only page
 * is empty; each in one record, looked at again under the locks.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ivfbq/cluster.h"
#include "ivfbq/options.h"
#include "ivfbq/survey.h"
#include "ivfbq/vacuum.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* A list is rewritten if fewer of its slots than this many percent are used, and it has more pages than that. */
#define SPARSE_PERCENT 40
#define SPARSE_PAGES 4

/*
 * The lists of a key are made anew when its rows are worth so many times the lists that they were worth then: searches
 * cost a tenth more at the first point, a third at the second.  Making them costs rows times lists: it is done less
 * often where there are many.
 */
#define RECLUSTER_GROWTH 1.25
#define RECLUSTER_GROWTH_MANY 1.5
#define MANY_LISTS 1000

/*
 * A list is split if it has so many times the rows that it should have, and that those of its key have: splitting
 * makes those around it worse.
 */
#define SPLIT_SIZE 4

/* Rows of a page that count for the index's mean, and rows that are enough. */
#define MEAN_ROWS_PER_PAGE 8
#define MEAN_ROWS 2048

void
ivfbq_survey_begin(IvfbqSurvey *survey, Relation index, Relation heap,
				   BufferAccessStrategy strategy)
{
	IvfbqMetaData meta;

	memset(survey, 0, sizeof(*survey));
	survey->index = index;
	survey->heap = heap;
	survey->info = ivfbq_index(index);
	survey->strategy = strategy;
	survey->context = CurrentMemoryContext;
	survey->flat_limit = ivfbq_flat_limit(index);
	survey->list_size = ivfbq_list_size(index);
	ivfbq_meta_read(index, &meta);
	if (meta.mean == InvalidBlockNumber && meta.dim > 0)
		survey->sum = palloc0(sizeof(double) * meta.dim);
}

static void
reach(IvfbqSurvey *survey, BlockNumber block)
{
	/* What was added since the pages were counted is not asked about. */
	if (block < survey->npages)
		survey->pages[block] |= IVFBQ_SURVEY_REACHED;
}

static void
add_due(IvfbqSurvey *survey, IvfbqDueKind kind, IvfbqListRef ref, IvfbqCellRef key, int64 rows)
{
	if (survey->ndue == survey->due_max)
	{
		survey->due_max = Max(64, survey->due_max * 2);
		survey->due =
			survey->due == NULL
				? MemoryContextAlloc(survey->context, sizeof(IvfbqDue) * survey->due_max)
				: repalloc_huge(survey->due, sizeof(IvfbqDue) * survey->due_max);
	}
	survey->due[survey->ndue++] = (IvfbqDue){kind, ref, key, rows};
}

/* ---------------------------------------------------------------- small repairs */

/* Puts a page with free slots at the head of its list's chain of such pages. */
static void
link_free_page(IvfbqSurvey *survey, IvfbqListRef ref, const IvfbqGeometry *geometry,
			   BlockNumber block)
{
	Relation index = survey->index;
	int nkeys = survey->info->nkeys;
	Buffer cell = ivfbq_read(index, ref.cell.block, 0, BUFFER_LOCK_EXCLUSIVE);
	IvfbqListData *list = ivfbq_list_on_page(index, nkeys, BufferGetPage(cell), ref);
	Buffer buffer = ivfbq_read(index, block, ivfbq_list_kind(ref.role), BUFFER_LOCK_EXCLUSIVE);
	IvfbqCodesData *codes = ivfbq_codes(BufferGetPage(buffer));

	if (!(codes->flags & (IVFBQ_CODES_SEALED | IVFBQ_CODES_IN_FREE)) && list->tail != block &&
		ivfbq_free_slot(geometry, BufferGetPage(buffer)) >= 0)
	{
		IvfbqChange change = ivfbq_change_begin(index, false);

		list = ivfbq_list_on_page(index, nkeys, ivfbq_change_page(&change, cell, false), ref);
		codes = ivfbq_codes(ivfbq_change_page(&change, buffer, false));
		codes->free = list->free;
		codes->flags |= IVFBQ_CODES_IN_FREE;
		list->free = block;
		ivfbq_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
	UnlockReleaseBuffer(cell);
}

void
ivfbq_detach_empty(Relation index, const IvfbqIndex *info, IvfbqListRef ref)
{
	Buffer cell = ivfbq_read(index, ref.cell.block, 0, BUFFER_LOCK_EXCLUSIVE);
	IvfbqListData *list = ivfbq_list_on_page(index, info->nkeys, BufferGetPage(cell), ref);
	BlockNumber block = list->head;
	bool done = false;

	if (block != InvalidBlockNumber && block == list->tail)
	{
		Buffer buffer =
			ivfbq_read(index, block, ivfbq_list_kind(ref.role), BUFFER_LOCK_EXCLUSIVE);

		if (ivfbq_codes(BufferGetPage(buffer))->nlive == 0)
		{
			Buffer meta =
				ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
			IvfbqChange change = ivfbq_change_begin(index, false);

			list = ivfbq_list_on_page(index, info->nkeys,
									  ivfbq_change_page(&change, cell, false), ref);
			list->head = list->tail = list->free = InvalidBlockNumber;
			list->pages = 0;
			/* Who comes with an old copy of the cell must not put a row here. */
			ivfbq_codes(ivfbq_change_page(&change, buffer, false))->flags |= IVFBQ_CODES_SEALED;
			ivfbq_meta(ivfbq_change_page(&change, meta, false))->switches++;
			ivfbq_change_finish(&change);
			UnlockReleaseBuffer(meta);
			done = true;
		}
		UnlockReleaseBuffer(buffer);
	}
	UnlockReleaseBuffer(cell);
	if (done)
		ivfbq_retire_codes(index, info, block);
}

/* ---------------------------------------------------------------- one list */

/* What is found out about one. */
typedef struct ListState
{
	int64 live;
	int64 slots;
	BlockNumber pages;
	BlockNumber *free; /* pages with free slots that are not known as such */
	int nfree;
	int free_max;
} ListState;

static void
note_free_page(ListState *state, BlockNumber block)
{
	if (state->nfree == state->free_max)
	{
		state->free_max = Max(16, state->free_max * 2);
		state->free = state->free == NULL
						  ? palloc(sizeof(BlockNumber) * state->free_max)
						  : repalloc_huge(state->free, sizeof(BlockNumber) * state->free_max);
	}
	state->free[state->nfree++] = block;
}

/* Some rows of a page, for the mean. */
static void
add_to_mean(IvfbqSurvey *survey, const IvfbqGeometry *geometry, Page page, BlockNumber block)
{
	int dim = survey->info->dim;
	char *row = palloc(geometry->row_bytes);
	float *y = palloc(sizeof(float) * dim);
	int left = MEAN_ROWS_PER_PAGE;

	for (int slot = 0; slot < ivfbq_codes(page)->nslots && left > 0; slot++)
	{
		if (!ivfbq_slot_is_live(geometry, page, slot))
			continue;
		ivfbq_row_read(survey->index, geometry, page, block, slot, row);
		ivfbq_dequantize(survey->info->codec, row, y);
		for (int i = 0; i < dim; i++)
		{
			survey->sum[i] += y[i];
			survey->squares += (double) y[i] * y[i];
		}
		survey->summed++;
		left--;
	}
	pfree(y);
	pfree(row);
}

static void
walk_chain(IvfbqSurvey *survey, IvfbqListRef ref, const IvfbqGeometry *geometry,
		   BlockNumber head, ListState *state)
{
	IvfbqPageKind kind = ivfbq_list_kind(ref.role);

	for (BlockNumber block = head; block != InvalidBlockNumber;)
	{
		Buffer buffer =
			ivfbq_read_with(survey->index, block, kind, BUFFER_LOCK_SHARE, survey->strategy);
		Page page = BufferGetPage(buffer);
		IvfbqCodesData *codes = ivfbq_codes(page);
		BlockNumber next = codes->next;

		ivfbq_check_owner(survey->index, block, page, ref);
		ivfbq_check_counts(survey->index, block, page, geometry);
		reach(survey, block);
		for (int i = 0; i < codes->nrefine; i++)
			reach(survey, ivfbq_refine_blocks(geometry, page)[i]);
		state->live += codes->nlive;
		state->slots += geometry->slots;
		state->pages++;
		if (!survey->only_mark && ref.role != IVFBQ_ROLE_CENTROIDS)
		{
			if (codes->nlive < geometry->slots && next != InvalidBlockNumber &&
				!(codes->flags & (IVFBQ_CODES_SEALED | IVFBQ_CODES_IN_FREE)))
				note_free_page(state, block);
			if (survey->sum != NULL && survey->summed < MEAN_ROWS && geometry->row_bytes > 0)
				add_to_mean(survey, geometry, page, block);
		}
		UnlockReleaseBuffer(buffer);
		if (state->pages > RelationGetNumberOfBlocks(survey->index))
			ivfbq_corrupted(survey->index, block, "The pages of a list run in a circle.");
		agm_vacuum_delay_point();
		block = next;
	}
}

static void
reach_base(IvfbqSurvey *survey, BlockNumber base)
{
	for (BlockNumber block = base; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read(survey->index, block, IVFBQ_PAGE_BASE, BUFFER_LOCK_SHARE);
		BlockNumber next = ((IvfbqBaseData *) IVFBQ_CONTENT(BufferGetPage(buffer)))->next;

		UnlockReleaseBuffer(buffer);
		if (block < survey->npages && (survey->pages[block] & IVFBQ_SURVEY_REACHED))
			break;
		reach(survey, block);
		block = next;
	}
}

/* What a key's list or a node's needs, of its size. */
static void
note_due(IvfbqSurvey *survey, IvfbqListRef ref, const IvfbqCell *cell, const ListState *state)
{
	const IvfbqCellData *data = &cell->u.data;
	bool is_node = data->type == IVFBQ_CELL_NODE;
	bool is_flat = ref.role == IVFBQ_ROLE_ROWS && !is_node;
	bool clustered = (data->flags & IVFBQ_KEY_CLUSTERED) != 0;

	if (is_node && ivfbq_cell_ref_is_valid(data->left) && state->live > 0)
		add_due(survey, IVFBQ_DUE_NODE, ref, cell->ref, state->live);
	else if (is_flat && !clustered && state->live > survey->flat_limit)
		add_due(survey, IVFBQ_DUE_CLUSTER, ref, cell->ref, state->live);
	else if (is_flat && clustered && state->live > survey->list_size)
		add_due(survey, IVFBQ_DUE_SPREAD, ref, cell->ref, state->live);
	else if (ref.role == IVFBQ_ROLE_LIST &&
			 state->live > SPLIT_SIZE * (int64) survey->list_size)
		add_due(survey, IVFBQ_DUE_SPLIT, ref, cell->ref, state->live);
	else if (state->pages > 1 &&
			 (state->live == 0 || (state->pages > SPARSE_PAGES &&
								   state->live * 100 < state->slots * SPARSE_PERCENT)))
		add_due(survey, IVFBQ_DUE_REWRITE, ref, cell->ref, state->live);
}

/* Returns how many rows it has. */
static int64
survey_list(IvfbqSurvey *survey, IvfbqListRef ref, const IvfbqListData *list,
			const IvfbqCell *cell)
{
	const IvfbqGeometry *geometry;
	ListState state = {0};

	if (ref.role != IVFBQ_ROLE_LIST)
		reach_base(survey, list->base);
	if (list->head == InvalidBlockNumber)
		return 0;
	/* The first row may have come since the index was looked at. */
	if (survey->info->dim == 0)
		survey->info = ivfbq_index(survey->index);
	geometry = ivfbq_list_geometry(survey->info, ref.role,
								   ivfbq_list_is_tagged(survey->info, ref, &cell->u.data));
	walk_chain(survey, ref, geometry, list->head, &state);
	if (survey->only_mark || ref.role == IVFBQ_ROLE_CENTROIDS)
		return 0;

	survey->rows += state.live;
	/* The first page of the chain is then the first of the list. */
	while (state.nfree > 0)
		link_free_page(survey, ref, geometry, state.free[--state.nfree]);
	if (state.free != NULL)
		pfree(state.free);
	if (state.live == 0 && state.pages == 1)
		ivfbq_detach_empty(survey->index, survey->info, ref);
	else
		note_due(survey, ref, cell, &state);
	return state.live;
}

/* ---------------------------------------------------------------- cells */

/* Returns how many rows its lists have; so does the next. */
static int64
survey_lists_page(IvfbqSurvey *survey, BlockNumber block, Page page, const IvfbqCell *key)
{
	int64 rows = 0;
	IvfbqListsData *content = (IvfbqListsData *) IVFBQ_CONTENT(page);

	if (content->key_block != key->ref.block || content->key_index != key->ref.index ||
		content->nlists > IVFBQ_LISTS_PER_PAGE)
		ivfbq_corrupted(survey->index, block, "The page has no lists of key (%u,%u).",
						key->ref.block, key->ref.index);
	for (uint16 i = 0; i < content->nlists; i++)
		rows += survey_list(survey, (IvfbqListRef){{block, i, 0}, IVFBQ_ROLE_LIST},
							(IvfbqListData *) (content + 1) + i, key);
	survey->lists += content->nlists;
	return rows;
}

static int64
survey_clustered(IvfbqSurvey *survey, const IvfbqCell *key)
{
	int64 rows = 0;
	char *copy = palloc(BLCKSZ);
	BlockNumber pages = 0;

	for (BlockNumber block = key->u.data.lists; block != InvalidBlockNumber;)
	{
		Buffer buffer = ivfbq_read(survey->index, block, IVFBQ_PAGE_LISTS, BUFFER_LOCK_SHARE);

		memcpy(copy, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
		reach(survey, block);
		rows += survey_lists_page(survey, block, copy, key);
		if (++pages > RelationGetNumberOfBlocks(survey->index))
			ivfbq_corrupted(survey->index, block, "The pages of lists run in a circle.");
		block = ((IvfbqListsData *) IVFBQ_CONTENT(copy))->next;
	}
	pfree(copy);
	return rows;
}

/*
 * Lists that were made of few rows and split again and again are worse than those that are made at once.  A key's lists
 * that are closed are to be made in any case.
 */
static bool
is_outgrown(IvfbqSurvey *survey, const IvfbqCellData *key, int64 rows)
{
	double growth = key->wanted < MANY_LISTS ? RECLUSTER_GROWTH : RECLUSTER_GROWTH_MANY;

	return (key->flags & IVFBQ_KEY_CLOSED) ||
		   ivfbq_lists_of(survey->index, rows) >= growth * key->wanted;
}

/* What is due for a clustered key with so many rows, of what its lists by themselves made due, from `first` on. */
static void
choose_due(IvfbqSurvey *survey, const IvfbqCell *cell, int64 rows, int first)
{
	const IvfbqCellData *key = &cell->u.data;
	int kept = first;

	if (is_outgrown(survey, key, rows))
	{
		survey->ndue = first;
		add_due(survey, IVFBQ_DUE_RECLUSTER, (IvfbqListRef){cell->ref, IVFBQ_ROLE_ROWS},
				cell->ref, rows);
		return;
	}
	for (int i = first; i < survey->ndue; i++)
		if (survey->due[i].kind != IVFBQ_DUE_SPLIT ||
			survey->due[i].rows > SPLIT_SIZE * rows / Max(key->wanted, 1))
			survey->due[kept++] = survey->due[i];
	survey->ndue = kept;
}

static void
survey_cell(const IvfbqCell *cell, void *arg)
{
	IvfbqSurvey *survey = arg;
	IvfbqCellData *data;
	IvfbqCell copy = *cell;
	int64 rows;
	const uint8 roles[] = {IVFBQ_ROLE_TIDS, IVFBQ_ROLE_CENTROIDS};
	IvfbqListRef flat = {cell->ref, IVFBQ_ROLE_ROWS};
	int ndue = survey->ndue;

	data = &copy.u.data;
	rows = survey_list(survey, flat, &data->rows, cell);
	for (int i = 0; i < (int) lengthof(roles); i++)
		(void) survey_list(survey, (IvfbqListRef){cell->ref, roles[i]},
						   ivfbq_cell_list(data, roles[i]), cell);
	if (data->lists != InvalidBlockNumber)
		rows += survey_clustered(survey, cell);
	if (!survey->only_mark && (data->flags & IVFBQ_KEY_CLUSTERED))
		choose_due(survey, cell, rows, ndue);
	if (!survey->only_mark && survey->info->nkeys > 0 && data->type == IVFBQ_CELL_KEY &&
		!(data->flags & IVFBQ_KEY_BROUGHT))
		add_due(survey, IVFBQ_DUE_KEY, (IvfbqListRef){cell->ref, IVFBQ_ROLE_ROWS}, cell->ref,
				0);
}

/* The directory's pages: the last one may have no cell yet. */
static void
reach_directory(IvfbqSurvey *survey)
{
	BlockNumber pages = 0;

	for (BlockNumber block = IVFBQ_ROOT_BLOCK; block != InvalidBlockNumber;)
	{
		Buffer buffer =
			ivfbq_read(survey->index, block, IVFBQ_PAGE_DIRECTORY, BUFFER_LOCK_SHARE);
		BlockNumber next = ((IvfbqDirectoryData *) IVFBQ_CONTENT(BufferGetPage(buffer)))->next;

		UnlockReleaseBuffer(buffer);
		reach(survey, block);
		if (++pages > RelationGetNumberOfBlocks(survey->index))
			ivfbq_corrupted(survey->index, block, "The directory pages run in a circle.");
		agm_vacuum_delay_point();
		block = next;
	}
}

void
ivfbq_survey_walk(IvfbqSurvey *survey)
{
	IvfbqMetaData meta;
	BlockNumber npages = ivfbq_count_pages(survey->index);

	if (survey->pages == NULL)
	{
		survey->npages = npages;
		survey->pages = palloc_extended(npages, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	}
	reach(survey, IVFBQ_META_BLOCK);
	reach_directory(survey);
	ivfbq_meta_read(survey->index, &meta);
	reach_base(survey, meta.mean);
	ivfbq_directory_walk(survey->index, survey->info, survey_cell, survey);
}

/*
 * recycle.c
 *		Retiring pages that nothing reaches, and freeing them when nobody can read them any more
 *		(survey.h).
 *
 * README.md, "Recycling" and invariants 7, 8 and 12.  A code page is freed after its refine pages, so that what
 * has rows can be found from the code page that names it as long as it has them.
 */
#include "postgres.h"

#include "base/compat.h"
#include "ivfbq/survey.h"
#include "ivfbq/vacuum.h"

/* What a code page says of its refine pages; number < 0: it is none, or has none. */
typedef struct RefineList
{
	BlockNumber *blocks;
	int n;
} RefineList;

static void
copy_refine_list(const IvfbqIndex *info, Page page, RefineList *list)
{
	list->n = 0;
	list->blocks = NULL;
	if (ivfbq_page_kind(page) == IVFBQ_PAGE_CODES)
	{
		const IvfbqGeometry *geometry = ivfbq_page_geometry(info, page);

		list->n = Min(ivfbq_codes(page)->nrefine, geometry->refine_pages);
		list->blocks = palloc(sizeof(BlockNumber) * Max(1, list->n));
		for (int i = 0; i < list->n; i++)
			list->blocks[i] = ivfbq_refine_blocks(geometry, page)[i];
	}
}

/* Is the page a refine page of this code page, with this number?  *retired: whether it is. */
static bool
is_refine_page_of(Relation index, BlockNumber block, BlockNumber codes, int number,
				  bool *retired)
{
	Buffer buffer = ivfbq_read(index, block, 0, BUFFER_LOCK_SHARE);
	Page page = BufferGetPage(buffer);
	IvfbqRefineData *refine = (IvfbqRefineData *) IVFBQ_CONTENT(page);
	bool result = ivfbq_page_kind(page) == IVFBQ_PAGE_REFINE && refine->codes_block == codes &&
				  refine->number == number;

	*retired = ivfbq_page_is_retired(page);
	UnlockReleaseBuffer(buffer);
	return result;
}

void
ivfbq_retire_codes(Relation index, const IvfbqIndex *info, BlockNumber block)
{
	Buffer buffer = ivfbq_read(index, block, 0, BUFFER_LOCK_SHARE);
	RefineList list;
	bool retired;

	copy_refine_list(info, BufferGetPage(buffer), &list);
	UnlockReleaseBuffer(buffer);
	/* Their stamps are not later than the code page's: they may be freed when that may. */
	for (int i = 0; i < list.n; i++)
		if (is_refine_page_of(index, list.blocks[i], block, i, &retired) && !retired)
			ivfbq_retire(index, list.blocks[i]);
	ivfbq_retire(index, block);
	if (list.blocks != NULL)
		pfree(list.blocks);
}

/* ---------------------------------------------------------------- refine pages by themselves */

/* Does a code page name the refine page that says it is its own? */
static bool
is_named(Relation index, const IvfbqIndex *info, BlockNumber codes, int number,
		 BlockNumber block)
{
	Buffer buffer;
	RefineList list;
	bool result;

	if (codes >= RelationGetNumberOfBlocks(index))
		return false;
	buffer = ReadBuffer(index, codes);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	list.n = 0;
	list.blocks = NULL;
	if (!PageIsNew(BufferGetPage(buffer)))
		copy_refine_list(info, BufferGetPage(buffer), &list);
	UnlockReleaseBuffer(buffer);
	result = number < list.n && list.blocks[number] == block;
	if (list.blocks != NULL)
		pfree(list.blocks);
	return result;
}

void
ivfbq_wipe_orphan(Relation index, const IvfbqIndex *info, BlockNumber block,
				  BufferAccessStrategy strategy)
{
	Buffer buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	Page page = BufferGetPage(buffer);
	IvfbqRefineData refine;
	bool is_refine;

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	is_refine = !PageIsNew(page) && ivfbq_page_kind(page) == IVFBQ_PAGE_REFINE;
	refine = *(IvfbqRefineData *) IVFBQ_CONTENT(page);
	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (is_refine && !is_named(index, info, refine.codes_block, refine.number, block))
	{
		IvfbqChange change;
		IvfbqPageEndData end;

		/* None but us changes it, as none can reach it. */
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		change = ivfbq_change_begin(index, false);
		page = ivfbq_change_page(&change, buffer, false);
		end = *IVFBQ_PAGE_END(page);
		ivfbq_refine_init(page, refine.codes_block, refine.number);
		*IVFBQ_PAGE_END(page) = end;
		ivfbq_change_finish(&change);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	ReleaseBuffer(buffer);
}

/* ---------------------------------------------------------------- freeing */

/* Frees a retired code page after its refine pages. */
static bool
recycle_codes(IvfbqSurvey *survey, BlockNumber block, const RefineList *list)
{
	bool all = true;

	for (int i = 0; i < list->n && all; i++)
	{
		bool retired;

		if (!is_refine_page_of(survey->index, list->blocks[i], block, i, &retired))
			continue;
		all = retired && ivfbq_recycle(survey->index, survey->heap, list->blocks[i]);
	}
	return all && ivfbq_recycle(survey->index, survey->heap, block);
}

/* Looks at a page and frees it if that can be done; notes what it is. */
static void
look_at_page(IvfbqSurvey *survey, BlockNumber block)
{
	Buffer buffer =
		ReadBufferExtended(survey->index, MAIN_FORKNUM, block, RBM_NORMAL, survey->strategy);
	Page page = BufferGetPage(buffer);
	bool is_new;
	bool is_retired = false;
	IvfbqPageKind kind = 0;
	IvfbqRefineData refine = {0};
	RefineList list = {0};

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	is_new = PageIsNew(page);
	if (!is_new)
	{
		ivfbq_check_page(survey->index, block, page, 0);
		kind = ivfbq_page_kind(page);
		is_retired = ivfbq_page_is_retired(page);
		if (kind == IVFBQ_PAGE_REFINE)
			refine = *(IvfbqRefineData *) IVFBQ_CONTENT(page);
		if (is_retired)
			copy_refine_list(survey->info, page, &list);
	}
	UnlockReleaseBuffer(buffer);

	if (is_new || is_retired)
	{
		bool freed = false;

		if (is_new)
			freed = ivfbq_recycle(survey->index, survey->heap, block);
		else if (kind == IVFBQ_PAGE_CODES)
			freed = recycle_codes(survey, block, &list);
		else if (kind != IVFBQ_PAGE_REFINE ||
				 !is_named(survey->index, survey->info, refine.codes_block, refine.number,
						   block))
			freed = ivfbq_recycle(survey->index, survey->heap, block);
		if (freed)
			kind = IVFBQ_PAGE_FREE;
		if (freed)
			is_retired = false;
	}
	if (list.blocks != NULL)
		pfree(list.blocks);
	survey->pages[block] = (survey->pages[block] & IVFBQ_SURVEY_REACHED) | (uint8) kind |
						   (is_retired ? IVFBQ_SURVEY_RETIRED : 0);
}

/* Pages that are neither reached nor free nor retired nor new; to be called after look_at_page(). */
static bool
is_lost(const IvfbqSurvey *survey, BlockNumber block)
{
	uint8 seen = survey->pages[block];
	uint8 kind = seen & IVFBQ_SURVEY_KIND;

	return kind != 0 && kind != IVFBQ_PAGE_FREE &&
		   !(seen & (IVFBQ_SURVEY_REACHED | IVFBQ_SURVEY_RETIRED));
}

static BlockNumber
count_lost(const IvfbqSurvey *survey)
{
	BlockNumber lost = 0;

	for (BlockNumber block = 0; block < survey->npages; block++)
		lost += is_lost(survey, block);
	return lost;
}

/*
 * Retires what nothing reaches: a crash or an error in the middle of a move left it.  All pages have been looked
 * at; what a walk that begins now does not come to, nothing does.
 */
static BlockNumber
retire_lost(IvfbqSurvey *survey)
{
	BlockNumber lost = 0;

	for (BlockNumber block = 0; block < survey->npages; block++)
		survey->pages[block] &= ~IVFBQ_SURVEY_REACHED;
	survey->only_mark = true;
	ivfbq_survey_walk(survey);
	survey->only_mark = false;
	for (BlockNumber block = 0; block < survey->npages; block++)
		if (is_lost(survey, block))
		{
			agm_vacuum_delay_point();
			if ((survey->pages[block] & IVFBQ_SURVEY_KIND) == IVFBQ_PAGE_CODES)
				ivfbq_retire_codes(survey->index, survey->info, block);
			else
				ivfbq_retire(survey->index, block);
			lost++;
		}
	return lost;
}

void
ivfbq_recycle_pages(IvfbqSurvey *survey, IvfbqPageCounts *counts)
{
	IvfbqMetaData meta;
	BlockNumber reached = 0;

	memset(counts, 0, sizeof(*counts));
	for (BlockNumber block = 0; block < survey->npages; block++)
		reached += (survey->pages[block] & IVFBQ_SURVEY_REACHED) != 0;
	ivfbq_meta_read(survey->index, &meta);
	/* The rule for an index that only grows: refine pages, most of the file, need not be read. */
	if (reached + meta.free_pages != survey->npages)
	{
		for (BlockNumber block = 0; block < survey->npages; block++)
		{
			agm_vacuum_delay_point();
			look_at_page(survey, block);
		}
		if (count_lost(survey) > 0)
			counts->newly_retired = retire_lost(survey);
		for (BlockNumber block = 0; block < survey->npages; block++)
			counts->retired += (survey->pages[block] & IVFBQ_SURVEY_RETIRED) != 0;
		counts->retired += counts->newly_retired;
		ivfbq_meta_read(survey->index, &meta);
	}
	counts->free = meta.free_pages;
}

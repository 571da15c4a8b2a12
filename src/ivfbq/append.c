/*
 * append.c
 *		Writing a whole chain of pages that nothing reaches yet (append.h).
 *
 * A code page and its refine pages are filled in memory.  When it is full, blocks are found for its
 * refine pages and for the code page that follows, in this order, so that a list lies in the
 * file as it will be read; then each is written once.
 */
#include "postgres.h"

#include "ivfbq/append.h"
#include "miscadmin.h"

struct IvfbqAppender
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	IvfbqListRef ref;
	bool tagged;
	bool building;
	const IvfbqBase *base;
	const IvfbqGeometry *geometry;

	/* changes */
	IvfbqListData list;
	int64 rows;
	int slot;		/* the next one of the page that is being filled */
	Page codes;		/* that page; its block is list.tail */
	Page *refine;	/* geometry->refine_pages pages, made when needed */
	int nrefine;	/* of the page */
	int refine_max; /* made */
	uint8 *bits;
};

IvfbqAppender *
ivfbq_append_begin(Relation index, const IvfbqIndex *info, IvfbqListRef ref, bool tagged,
				   const IvfbqBase *base, BlockNumber base_block, uint16 base_slot,
				   bool building)
{
	IvfbqAppender *appender = palloc0(sizeof(IvfbqAppender));

	appender->index = index;
	appender->info = info;
	appender->ref = ref;
	appender->tagged = tagged;
	appender->building = building;
	appender->base = base;
	appender->geometry = ivfbq_list_geometry(info, ref.role, tagged);
	appender->codes = palloc(BLCKSZ);
	appender->refine = palloc0(sizeof(Page) * Max(1, appender->geometry->refine_pages));
	if (info->codec != NULL)
		appender->bits = palloc((info->codec->code_dim + 7) / 8);
	ivfbq_list_init(&appender->list, base_block, base_slot);
	return appender;
}

/*
 * A block of our own.  What comes from the end of the relation is left all zero until it is
 * written: only VACUUM would touch it, which the maintenance lock or the build's keeps out.
 */
static BlockNumber
allocate(IvfbqAppender *appender)
{
	IvfbqNewPage new_page = ivfbq_new_page(appender->index, appender->building);
	BlockNumber block = BufferGetBlockNumber(new_page.buffer);

	if (BufferIsValid(new_page.meta))
	{
		IvfbqChange change = ivfbq_change_begin(appender->index, appender->building);

		(void) ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_REFINE, sizeof(IvfbqRefineData));
		ivfbq_change_finish(&change);
	}
	ivfbq_release_new_page(&new_page);
	return block;
}

static void
write_page(IvfbqAppender *appender, BlockNumber block, Page image)
{
	Buffer buffer = ReadBuffer(appender->index, block);
	IvfbqChange change;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	change = ivfbq_change_begin(appender->index, appender->building);
	memcpy(ivfbq_change_page(&change, buffer, true), image, BLCKSZ);
	ivfbq_change_finish(&change);
	UnlockReleaseBuffer(buffer);
}

static void
begin_page(IvfbqAppender *appender, BlockNumber block)
{
	ivfbq_codes_init(appender->codes, appender->geometry, appender->ref, appender->tagged);
	appender->slot = 0;
	appender->nrefine = 0;
	if (appender->list.head == InvalidBlockNumber)
		appender->list.head = block;
	appender->list.tail = block;
	appender->list.pages++;
}

/* Writes the page that is being filled, and returns the block of the next: a new one if there is more. */
static BlockNumber
finish_page(IvfbqAppender *appender, bool more, BlockNumber next)
{
	IvfbqCodesData *codes = ivfbq_codes(appender->codes);
	uint32 *blocks = ivfbq_refine_blocks(appender->geometry, appender->codes);

	CHECK_FOR_INTERRUPTS();
	for (int i = 0; i < appender->nrefine; i++)
		blocks[i] = allocate(appender);
	codes->nrefine = (uint16) appender->nrefine;
	if (more)
		next = allocate(appender);
	codes->next = next;
	for (int i = 0; i < appender->nrefine; i++)
	{
		((IvfbqRefineData *) IVFBQ_CONTENT(appender->refine[i]))->codes_block =
			appender->list.tail;
		write_page(appender, blocks[i], appender->refine[i]);
	}
	write_page(appender, appender->list.tail, appender->codes);
	return next;
}

/* The row into the images of the refine pages. */
static void
fill_refine(IvfbqAppender *appender, const char *row, ItemPointer tid)
{
	const IvfbqGeometry *geometry = appender->geometry;
	const char *tid_bytes = (const char *) tid;
	int number;
	int offset;
	int done = 0;

	ivfbq_row_place(geometry, appender->slot, &number, &offset);
	while (done < geometry->row_bytes)
	{
		int n = Min(geometry->row_bytes - done, (int) IVFBQ_REFINE_BYTES - offset);

		if (number >= appender->refine_max)
		{
			appender->refine[number] = palloc(BLCKSZ);
			appender->refine_max = number + 1;
		}
		if (number >= appender->nrefine)
		{
			ivfbq_refine_init(appender->refine[number], InvalidBlockNumber, number);
			appender->nrefine = number + 1;
		}
		ivfbq_refine_write(appender->refine[number], offset, row + done, n);
		done += n;
		offset = 0;
		number++;
	}

	/* The TID lies in the row's head, which may straddle. */
	for (int i = 0; i < (int) sizeof(ItemPointerData); i++)
	{
		int at = (int) offsetof(IvfbqRowHeadData, tid) + i;

		ivfbq_row_place(geometry, appender->slot, &number, &offset);
		number += (offset + at) / (int) IVFBQ_REFINE_BYTES;
		offset = (offset + at) % (int) IVFBQ_REFINE_BYTES;
		*((char *) appender->refine[number] + IVFBQ_REFINE_START + offset) = tid_bytes[i];
	}
}

void
ivfbq_append_row(IvfbqAppender *appender, const char *row, ItemPointer tid, const uint32 *tags,
				 BlockNumber *block, int *slot)
{
	IvfbqCode code = {0};

	if (appender->list.tail == InvalidBlockNumber)
		begin_page(appender, allocate(appender));
	else if (appender->slot == appender->geometry->slots)
		begin_page(appender, finish_page(appender, true, InvalidBlockNumber));

	if (appender->geometry->row_bytes > 0)
	{
		ivfbq_encode(appender->info->codec, appender->base, row, &code, appender->bits);
		fill_refine(appender, row, tid);
	}
	ivfbq_slot_put(appender->geometry, appender->codes, appender->slot, &code, appender->bits,
				   tags, tid);
	if (block != NULL)
		*block = appender->list.tail;
	if (slot != NULL)
		*slot = appender->slot;
	appender->slot++;
	appender->rows++;
}

int64
ivfbq_append_rows(const IvfbqAppender *appender)
{
	return appender->rows;
}

void
ivfbq_append_end(IvfbqAppender *appender, BlockNumber next, IvfbqListData *list)
{
	if (appender->list.tail != InvalidBlockNumber)
		(void) finish_page(appender, false, next);
	*list = appender->list;

	for (int i = 0; i < appender->refine_max; i++)
		pfree(appender->refine[i]);
	pfree(appender->refine);
	pfree(appender->codes);
	if (appender->bits != NULL)
		pfree(appender->bits);
	pfree(appender);
}

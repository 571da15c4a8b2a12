/*
 * page.c
 *		Buffers, WAL, allocation and recycling of pages (page.h).
 *
 * Nothing here knows what is on a page beyond its end and the free chain.  Rules of recycling:
 * README.md, "Recycling" and invariants 7 and 8.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "base/compat.h"
#include "ivfbq/meta.h"
#include "ivfbq/page.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "storage/buf_internals.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "utils/snapmgr.h"

IvfbqChange
ivfbq_change_begin(Relation index, bool building)
{
	IvfbqChange change = {.index = index, .building = building};

	if (!building)
		change.state = GenericXLogStart(index);
	return change;
}

Page
ivfbq_change_page(IvfbqChange *change, Buffer buffer, bool fresh)
{
	if (change->building)
	{
		MarkBufferDirty(buffer);
		return BufferGetPage(buffer);
	}

	/*
	 * The first record of a page after a checkpoint has its image in any case: comparing the page with what it was,
	 * byte by byte, would be for nothing.  Should a checkpoint begin or end in between, the record is larger than it
	 * had to be, or the comparison made.
	 */
	return GenericXLogRegisterBuffer(
		change->state, buffer,
		fresh || XLogCheckBufferNeedsBackup(buffer) ? GENERIC_XLOG_FULL_IMAGE : 0);
}

void
ivfbq_change_finish(IvfbqChange *change)
{
	if (!change->building)
		GenericXLogFinish(change->state);
}

void
ivfbq_change_abort(IvfbqChange *change)
{
	if (!change->building)
		GenericXLogAbort(change->state);
}

void
ivfbq_page_init(Page page, IvfbqPageKind kind, Size content_bytes)
{
	IvfbqPageEndData *end;

	PageInit(page, BLCKSZ, sizeof(IvfbqPageEndData));
	((PageHeader) page)->pd_lower = (LocationIndex) (IVFBQ_CONTENT_START + content_bytes);
	end = IVFBQ_PAGE_END(page);
	end->kind = (uint16) kind;
	end->version = IVFBQ_VERSION;
	end->page_id = IVFBQ_PAGE_ID;
}

void
ivfbq_corrupted(Relation index, BlockNumber block, const char *format, ...)
{
	StringInfoData detail;

	initStringInfo(&detail);
	for (;;)
	{
		va_list args;
		int needed;

		va_start(args, format);
		needed = appendStringInfoVA(&detail, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&detail, needed);
	}

	/*
	 * On a standby a scan may come to a page that was used again before the conflict that
	 * cancels it was noticed; a new try sees the new state.
	 */
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("index \"%s\" was changed by recovery at block %u",
							   RelationGetRelationName(index), block),
						errdetail_internal("%s", detail.data),
						errhint("Try again; if that does not help, REINDEX it.")));
	ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
					errmsg("index \"%s\" is corrupted at block %u",
						   RelationGetRelationName(index), block),
					errdetail_internal("%s", detail.data), errhint("REINDEX it.")));
	pg_unreachable();
}

void
ivfbq_check_page(Relation index, BlockNumber block, Page page, IvfbqPageKind kind)
{
	IvfbqPageEndData *end;

	if (PageIsNew(page))
		ivfbq_corrupted(index, block, "The page is all zeros.");
	if (PageGetSpecialSize(page) != MAXALIGN(sizeof(IvfbqPageEndData)))
		ivfbq_corrupted(index, block, "The page is not one of an ivfbq index.");
	end = IVFBQ_PAGE_END(page);
	if (end->page_id != IVFBQ_PAGE_ID)
		ivfbq_corrupted(index, block, "The page is not one of an ivfbq index.");
	if (end->version != IVFBQ_VERSION)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index \"%s\" has format version %u, this agentmem reads version %u",
						RelationGetRelationName(index), end->version, IVFBQ_VERSION),
				 errhint("REINDEX it, or use the version of agentmem that it was made with.")));
	if (kind != 0 && end->kind != kind)
		ivfbq_corrupted(index, block, "The page is of kind %u where kind %u was expected.",
						end->kind, (unsigned) kind);
}

bool
ivfbq_is_beyond_end(Relation relation, BlockNumber block)
{
	/* What the storage manager knows may be old: relations that somebody has locked only grow. */
	BlockNumber known = RelationGetSmgr(relation)->smgr_cached_nblocks[MAIN_FORKNUM];

	return (known == InvalidBlockNumber || block >= known) &&
		   block >= RelationGetNumberOfBlocks(relation);
}

/* Whatever is there: the page may not be one of ours. */
static IvfbqPageKind
kind_without_lock(Buffer buffer)
{
	const char *end = (const char *) BufferGetPage(buffer) + IVFBQ_CONTENT_END;

	return (IvfbqPageKind) ((const IvfbqPageEndData *) end)->kind;
}

Buffer
ivfbq_read_with(Relation index, BlockNumber block, IvfbqPageKind kind, int lock,
				BufferAccessStrategy strategy)
{
	Buffer buffer;

	/* A damaged number must not be an error of the storage manager. */
	if (unlikely(block == InvalidBlockNumber))
		ivfbq_corrupted(index, block, "A page names no other where it has to.");
	if (unlikely(ivfbq_is_beyond_end(index, block)))
		ivfbq_corrupted(index, block, "A page names this one, but the index ends before it.");
	buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

	/*
	 * Before it is locked: a damaged number may be that of a page which the caller has locked, which is of
	 * another kind then, and waiting for oneself does not end.  A page whose number is seen is of its
	 * kind already, so that nothing sound is refused.
	 */
	if (unlikely(kind != 0 && kind_without_lock(buffer) != kind))
		ivfbq_check_page(index, block, BufferGetPage(buffer), kind);
	LockBuffer(buffer, lock);
	ivfbq_check_page(index, block, BufferGetPage(buffer), kind);
	return buffer;
}

Buffer
ivfbq_read(Relation index, BlockNumber block, IvfbqPageKind kind, int lock)
{
	return ivfbq_read_with(index, block, kind, lock, NULL);
}

/* ---------------------------------------------------------------- pages that were found before */

Buffer
ivfbq_read_recent(Relation index, AgmRecent *recent, BlockNumber block, IvfbqPageKind kind)
{
	Buffer *place = agm_recent_place(index, recent, block);
	Buffer buffer;

	if (agm_recent_pin(index, recent, block, place))
	{
		buffer = *place;
		if (unlikely(kind_without_lock(buffer) != kind))
			ivfbq_check_page(index, block, BufferGetPage(buffer), kind);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		ivfbq_check_page(index, block, BufferGetPage(buffer), kind);
		return buffer;
	}
	buffer = ivfbq_read(index, block, kind, BUFFER_LOCK_SHARE);
	if (place != NULL)
		*place = buffer;
	return buffer;
}

const char *
ivfbq_prefetch(Relation index, AgmRecent *recent, BlockNumber block)
{
	Buffer *place = agm_recent_place(index, recent, block);
	const char *page;

	if (block == InvalidBlockNumber)
		return NULL;
	if (place == NULL || !BufferIsValid(*place))
	{
		PrefetchBufferResult result;

		if (ivfbq_is_beyond_end(index, block))
			return NULL;
		result = PrefetchBuffer(index, MAIN_FORKNUM, block);
		if (place == NULL || !BufferIsValid(result.recent_buffer))
			return NULL;
		*place = result.recent_buffer;
	}
	/* Not pinned, so that it may be another page by now: then it is prefetched for nothing. */
	page = agm_recent_call(*place);
	__builtin_prefetch(page);
	__builtin_prefetch(page + IVFBQ_CONTENT_END);
	return page;
}

/* ---------------------------------------------------------------- allocation */

/* The meta page's lock, if there may be a free page; a look without a lock decides nothing. */
static Buffer
lock_meta_if_free(Relation index)
{
	Buffer buffer = ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_SHARE);
	bool any = ivfbq_meta(BufferGetPage(buffer))->free != InvalidBlockNumber;

	LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	if (any)
	{
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		if (ivfbq_meta(BufferGetPage(buffer))->free != InvalidBlockNumber)
			return buffer;
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	ReleaseBuffer(buffer);
	return InvalidBuffer;
}

IvfbqNewPage
ivfbq_new_page(Relation index, bool building)
{
	IvfbqNewPage result = {InvalidBuffer, InvalidBuffer};

	/* A build has freed nothing. */
	if (!building)
	{
		result.meta = lock_meta_if_free(index);
		if (BufferIsValid(result.meta))
		{
			BlockNumber block = ivfbq_meta(BufferGetPage(result.meta))->free;

			result.buffer = ivfbq_read(index, block, IVFBQ_PAGE_FREE, BUFFER_LOCK_EXCLUSIVE);
			return result;
		}
	}

	result.buffer = agm_extend_locked(index);
	return result;
}

Page
ivfbq_take_page(IvfbqChange *change, IvfbqNewPage *new_page, IvfbqPageKind kind,
				Size content_bytes)
{
	Page page;

	if (BufferIsValid(new_page->meta))
	{
		Page free_page = BufferGetPage(new_page->buffer);
		IvfbqMetaData *meta = ivfbq_meta(ivfbq_change_page(change, new_page->meta, false));

		meta->free = ((IvfbqFreeData *) IVFBQ_CONTENT(free_page))->next;
		meta->free_pages--;
	}
	page = ivfbq_change_page(change, new_page->buffer, true);
	ivfbq_page_init(page, kind, content_bytes);
	return page;
}

void
ivfbq_release_new_page(IvfbqNewPage *new_page)
{
	UnlockReleaseBuffer(new_page->buffer);
	if (BufferIsValid(new_page->meta))
		UnlockReleaseBuffer(new_page->meta);
	new_page->buffer = new_page->meta = InvalidBuffer;
}

/* ---------------------------------------------------------------- recycling */

void
ivfbq_retire(Relation index, BlockNumber block)
{
	Buffer buffer = ivfbq_read(index, block, 0, BUFFER_LOCK_EXCLUSIVE);

	if (!ivfbq_page_is_retired(BufferGetPage(buffer)))
	{
		IvfbqChange change = ivfbq_change_begin(index, false);
		Page page = ivfbq_change_page(&change, buffer, false);

		IVFBQ_PAGE_END(page)->flags |= IVFBQ_PAGE_RETIRED;
		IVFBQ_PAGE_END(page)->retired = U64FromFullTransactionId(ReadNextFullTransactionId());
		ivfbq_change_finish(&change);
	}
	UnlockReleaseBuffer(buffer);
}

bool
ivfbq_recycle(Relation index, Relation heap, BlockNumber block)
{
	Buffer buffer = ReadBuffer(index, block);
	Page page;
	bool is_new;
	FullTransactionId retired = InvalidFullTransactionId;

	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	page = BufferGetPage(buffer);
	is_new = PageIsNew(page);
	if (!is_new)
	{
		ivfbq_check_page(index, block, page, 0);
		if (ivfbq_page_is_retired(page))
			retired = FullTransactionIdFromU64(IVFBQ_PAGE_END(page)->retired);
	}
	if (!is_new &&
		(!FullTransactionIdIsValid(retired) || !GlobalVisCheckRemovableFullXid(NULL, retired)))
	{
		UnlockReleaseBuffer(buffer);
		return false;
	}

	/* Standbys first: a scan there that still reads the page is cancelled before it changes. */
	if (!is_new && XLogStandbyInfoActive() && RelationNeedsWAL(index))
		agm_log_page_reuse(index, heap, block, retired);
	{
		Buffer meta_buffer =
			ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
		IvfbqChange change = ivfbq_change_begin(index, false);
		IvfbqMetaData *meta = ivfbq_meta(ivfbq_change_page(&change, meta_buffer, false));

		page = ivfbq_change_page(&change, buffer, true);
		ivfbq_page_init(page, IVFBQ_PAGE_FREE, sizeof(IvfbqFreeData));
		((IvfbqFreeData *) IVFBQ_CONTENT(page))->next = meta->free;
		meta->free = block;
		meta->free_pages++;
		ivfbq_change_finish(&change);
		UnlockReleaseBuffer(buffer);
		UnlockReleaseBuffer(meta_buffer);
	}
	return true;
}

/* ---------------------------------------------------------------- the maintenance lock */

bool
ivfbq_lock_maintenance(Relation index, bool wait)
{
	if (!wait)
		return ConditionalLockPage(index, IVFBQ_META_BLOCK, ExclusiveLock);
	LockPage(index, IVFBQ_META_BLOCK, ExclusiveLock);
	return true;
}

void
ivfbq_unlock_maintenance(Relation index)
{
	UnlockPage(index, IVFBQ_META_BLOCK, ExclusiveLock);
}

/*
 * page.h
 *		Buffers, WAL, allocation and recycling of pages.
 *
 * The only file that writes pages: everybody else changes the copies that a change gives him.
 * In a build nothing is logged; the build logs all pages at its end.
 */
#ifndef AGM_IVFBQ_PAGE_H
#define AGM_IVFBQ_PAGE_H

#include "access/generic_xlog.h"
#include "base/recent.h"
#include "ivfbq/format.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

/* One atomic change of up to 4 pages; one record. */
typedef struct IvfbqChange
{
	Relation index;
	GenericXLogState *state; /* NULL while building */
	bool building;
} IvfbqChange;

extern IvfbqChange ivfbq_change_begin(Relation index, bool building);
/* The page to change, of an exclusively locked buffer; `fresh`: its old content does not matter. */
extern Page ivfbq_change_page(IvfbqChange *change, Buffer buffer, bool fresh);
/* The locks are the caller's to release, after. */
extern void ivfbq_change_finish(IvfbqChange *change);
extern void ivfbq_change_abort(IvfbqChange *change);

/* An empty page of this kind: content zero, pd_lower at content_bytes behind the header. */
extern void ivfbq_page_init(Page page, IvfbqPageKind kind, Size content_bytes);

/*
 * Reads, locks (BUFFER_LOCK_SHARE or EXCLUSIVE) and checks that the page is of this kind and
 * format, else raises ERRCODE_INDEX_CORRUPTED, or in recovery a serialization failure.  A retired
 * page is of its kind: who must not see one looks at it.  kind 0: any.
 */
extern Buffer ivfbq_read(Relation index, BlockNumber block, IvfbqPageKind kind, int lock);
extern Buffer ivfbq_read_with(Relation index, BlockNumber block, IvfbqPageKind kind, int lock,
							  BufferAccessStrategy strategy);

/*
 * ivfbq_read() with BUFFER_LOCK_SHARE, at first by where the page was found before: half of what the look-up of the
 * shared table costs.  Whoever reads many pages reads them by this.
 */
extern Buffer ivfbq_read_recent(Relation index, AgmRecent *recent, BlockNumber block,
								IvfbqPageKind kind);
/*
 * Says that a page will be read soon: brings it into shared buffers, or what is needed to read it into the
 * cache.  Where the page is then, if that is known, for prefetching more of it; else NULL.  Any number will do.
 */
extern const char *ivfbq_prefetch(Relation index, AgmRecent *recent, BlockNumber block);

/* The same of a page that is locked: a page of ours, of this format and kind (0: any)? */
extern void ivfbq_check_page(Relation index, BlockNumber block, Page page, IvfbqPageKind kind);

/* Has the index or its table no such page?  Cheap. */
extern bool ivfbq_is_beyond_end(Relation relation, BlockNumber block);

/*
 * Is the TID such that no row of the table can have it?  PostgreSQL's functions take a TID for valid, and a page for
 * being there.
 */
static inline bool
ivfbq_tid_is_damaged(Relation heap, const ItemPointerData *tid)
{
	return !ItemPointerIsValid(tid) ||
		   ivfbq_is_beyond_end(heap, ItemPointerGetBlockNumberNoCheck(tid));
}

/* The error itself: "index ... is corrupted", with a detail that is given as a format, and a hint. */
extern void ivfbq_corrupted(Relation index, BlockNumber block, const char *format, ...)
	__attribute__((format(printf, 3, 4), __noreturn__));

static inline IvfbqPageKind
ivfbq_page_kind(Page page)
{
	return (IvfbqPageKind) IVFBQ_PAGE_END(page)->kind;
}

static inline bool
ivfbq_page_is_retired(Page page)
{
	return (IVFBQ_PAGE_END(page)->flags & IVFBQ_PAGE_RETIRED) != 0;
}

/*
 * A page that nobody can reach, locked exclusively, its content undefined: from the free chain,
 * else from the end of the relation.
 *
 * A page from the free chain leaves it with the change that uses it: *meta is then the meta
 * page's buffer, locked exclusively, which the change must register too (ivfbq_take_page() does so
 * and initialises the page), and which the caller unlocks after the change.  InvalidBuffer if the
 * page is new.  To be called with no other lock on the meta page.
 */
typedef struct IvfbqNewPage
{
	Buffer buffer;
	Buffer meta;
} IvfbqNewPage;

extern IvfbqNewPage ivfbq_new_page(Relation index, bool building);
/* Registers the page (and the meta page) with the change; returns it initialised. */
extern Page ivfbq_take_page(IvfbqChange *change, IvfbqNewPage *new_page, IvfbqPageKind kind,
							Size content_bytes);
/* Unlocks and releases both. */
extern void ivfbq_release_new_page(IvfbqNewPage *new_page);
/* The same if it is not needed after all: a page from the end of the relation is left to VACUUM. */

/* Stamps the page as retired now; one record.  Caller holds the maintenance lock, nothing else. */
extern void ivfbq_retire(Relation index, BlockNumber block);

/*
 * If the (retired or all-zero) page may be used again, chains it to the free pages and returns
 * true.  Logs what standbys must know first.
 */
extern bool ivfbq_recycle(Relation index, Relation heap, BlockNumber block);

/* The maintenance lock (README.md, invariant 5); false if `wait` is not set and it is taken. */
extern bool ivfbq_lock_maintenance(Relation index, bool wait);
extern void ivfbq_unlock_maintenance(Relation index);

#endif

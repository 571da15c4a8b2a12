/*
 * check.c
 *		Is an index as README.md says?  The frame, the pages, the meta page, the directory.
 *
 * On a primary the maintenance lock is held, so that no row moves and no slot is freed, while inserts
 * go on: whatever they may do between two looks is allowed for.  Pages are looked at first and walked
 * to after that, so that what the walk does not come to was reached by nothing (invariant 12).
 *
 * On a standby nothing can be held off.  The snapshot keeps the pages that were reachable from being
 * used again, and a fault only counts if no switch was replayed since the start.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "ivfbq/check.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

/* Of a directory page: which of its cells the walk came to. */
#define CELL_WORDS ((IVFBQ_CELLS_PER_PAGE(0) + 63) / 64)
typedef struct DirectoryPage
{
	BlockNumber block;
	uint16 ncells; /* when it was looked at first */
	uint64 seen[CELL_WORDS];
} DirectoryPage;

void
ivfbq_fault(IvfbqCheck *check, BlockNumber block, int slot, int invariant, const char *format,
			...)
{
	const char *name = RelationGetRelationName(check->index);
	StringInfoData detail;
	StringInfoData place;

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
	if (invariant > 0)
		appendStringInfo(&detail, " (Invariant %d.)", invariant);
	initStringInfo(&place);
	appendStringInfo(&place, "block %u", block);
	if (slot >= 0)
		appendStringInfo(&place, ", slot %d", slot);

	if (check->recovery)
	{
		IvfbqMetaData meta;

		ivfbq_meta_read(check->index, &meta);
		if (meta.switches != check->switches)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("index \"%s\" was changed by recovery while it was checked", name),
					 errdetail_internal("At %s: %s", place.data, detail.data),
					 errhint("Try again.")));
	}
	ereport(ERROR, (errcode(ERRCODE_INDEX_CORRUPTED),
					errmsg("index \"%s\" is corrupted at %s", name, place.data),
					errdetail_internal("%s", detail.data), errhint("REINDEX it.")));
	pg_unreachable();
}

/* ---------------------------------------------------------------- pages */

static void
make_room(IvfbqCheck *check, BlockNumber npages)
{
	if (npages <= check->npages)
		return;
	check->pages = repalloc_huge(check->pages, npages);
	memset(check->pages + check->npages, 0, npages - check->npages);
	check->npages = npages;
}

void
ivfbq_check_reach(IvfbqCheck *check, BlockNumber block)
{
	if (block >= check->npages)
		make_room(check, Max(block + 1, RelationGetNumberOfBlocks(check->index)));
	if (check->pages[block] & IVFBQ_SEEN_REACHED)
		ivfbq_fault(check, block, -1, 2, "The page is reached in two ways.");
	check->pages[block] |= IVFBQ_SEEN_REACHED;
}

/* The end of a page of ours, and its bounds: what a page of any kind has. */
static void
check_page_end(IvfbqCheck *check, BlockNumber block, Page page)
{
	PageHeader header = (PageHeader) page;
	IvfbqPageEndData *end = IVFBQ_PAGE_END(page);
	bool retired = ivfbq_page_is_retired(page);

	if (end->kind < IVFBQ_PAGE_META || end->kind > IVFBQ_PAGE_FREE ||
		(end->kind == IVFBQ_PAGE_META) != (block == IVFBQ_META_BLOCK))
		ivfbq_fault(check, block, -1, 0, "The page is of kind %u.", end->kind);
	if (end->flags & ~IVFBQ_PAGE_RETIRED)
		ivfbq_fault(check, block, -1, 0, "The page has flags %u.", end->flags);
	if (retired != (end->retired != 0) || (retired && end->kind == IVFBQ_PAGE_FREE))
		ivfbq_fault(check, block, -1, 7, "The page is retired, and is not.");
	if (retired && !check->recovery &&
		FullTransactionIdFollows(FullTransactionIdFromU64(end->retired),
								 ReadNextFullTransactionId()))
		ivfbq_fault(check, block, -1, 7,
					"The page was retired in the future, by transaction %llu.",
					(unsigned long long) end->retired);
	if (header->pd_lower < IVFBQ_CONTENT_START || header->pd_lower > header->pd_upper ||
		header->pd_upper > IVFBQ_CONTENT_END)
		ivfbq_fault(check, block, -1, 0, "The page's content is bounded by %u and %u.",
					header->pd_lower, header->pd_upper);
}

/* A free page has nothing left of what it was. */
static void
check_free_page(IvfbqCheck *check, BlockNumber block, Page page)
{
	const char *content = (const char *) page + IVFBQ_CONTENT_START;

	for (Size i = offsetof(IvfbqFreeData, unused); i < IVFBQ_CONTENT_END - IVFBQ_CONTENT_START;
		 i++)
		if (content[i] != 0)
			ivfbq_fault(check, block, -1, 8, "Byte %zu of a free page is not zero.",
						IVFBQ_CONTENT_START + i);
}

/* Looks at all pages there are, each under its lock, and notes what they are. */
static void
look_at_pages(IvfbqCheck *check)
{
	bool lock = !check->recovery && !RELATION_IS_LOCAL(check->index);
	BlockNumber npages;

	/* Whoever extends the index locks his page before he lets go of this. */
	if (lock)
		LockRelationForExtension(check->index, ExclusiveLock);
	npages = RelationGetNumberOfBlocks(check->index);
	if (lock)
		UnlockRelationForExtension(check->index, ExclusiveLock);
	make_room(check, npages);

	for (BlockNumber block = 0; block < npages; block++)
	{
		Buffer buffer =
			ReadBufferExtended(check->index, MAIN_FORKNUM, block, RBM_NORMAL, check->strategy);
		Page page = BufferGetPage(buffer);

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (!PageIsNew(page))
		{
			ivfbq_check_page(check->index, block, page, 0);
			check_page_end(check, block, page);
			check->pages[block] = (uint8) ivfbq_page_kind(page);
			if (ivfbq_page_is_retired(page))
				check->pages[block] |= IVFBQ_SEEN_RETIRED;
			if (ivfbq_page_kind(page) == IVFBQ_PAGE_FREE)
				check_free_page(check, block, page);
		}
		UnlockReleaseBuffer(buffer);
		CHECK_FOR_INTERRUPTS();
	}
}

/* Pages that the walk did not come to are not wrong (8), but VACUUM has something to do. */
static void
count_unreached(IvfbqCheck *check, BlockNumber npages)
{
	BlockNumber unreached = 0;

	for (BlockNumber block = 0; block < npages; block++)
	{
		uint8 kind = check->pages[block] & IVFBQ_SEEN_KIND;

		if (kind != 0 && kind != IVFBQ_PAGE_META && kind != IVFBQ_PAGE_FREE &&
			!(check->pages[block] & (IVFBQ_SEEN_REACHED | IVFBQ_SEEN_RETIRED)))
			unreached++;
	}
	if (unreached > 0)
		ereport(
			NOTICE,
			(errmsg("index \"%s\" has %u pages that nothing reaches",
					RelationGetRelationName(check->index), unreached),
			 errdetail("A crash or a cancelled move leaves such pages; VACUUM frees them.")));
}

/* ---------------------------------------------------------------- the meta page, the free chain */

static void
check_meta(IvfbqCheck *check, const IvfbqMetaData *meta)
{
	if (meta->version != IVFBQ_VERSION || meta->refine != 8)
		ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 0, "The page says version %u, refine %u.",
					meta->version, meta->refine);
	if (meta->unused != 0 || meta->unused2 != 0)
		ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 0, "Unused fields are not zero.");
	if (meta->dim > (uint32) check->info->type.max_dim)
		ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 0,
					"The index has %u dimensions, its type at most %d.", meta->dim,
					check->info->type.max_dim);
	if (meta->calibrated_at == 0 && (meta->sample != 0 || meta->calibrated_lists != 0))
		ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 0, "The index was calibrated, and never was.");
	for (int i = 0; i < IVFBQ_TARGETS; i++)
		if (!isfinite(meta->thresholds[i]) || meta->thresholds[i] < 0 ||
			(meta->calibrated_at == 0 && meta->thresholds[i] != 0) ||
			(i > 0 && meta->thresholds[i] < meta->thresholds[i - 1]))
			ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 0, "Threshold %d is %g.", i + 1,
						meta->thresholds[i]);
	if (meta->mean != InvalidBlockNumber)
		ivfbq_check_base(check, meta->mean);
}

/* The content of a page if it is free; else false. */
static bool
read_free_page(IvfbqCheck *check, BlockNumber block, IvfbqFreeData *content)
{
	Buffer buffer = ivfbq_read_with(check->index, block, 0, BUFFER_LOCK_SHARE, check->strategy);
	Page page = BufferGetPage(buffer);
	bool is_free = ivfbq_page_kind(page) == IVFBQ_PAGE_FREE;

	if (is_free)
		*content = *(IvfbqFreeData *) IVFBQ_CONTENT(page);
	UnlockReleaseBuffer(buffer);
	return is_free;
}

/*
 * After the walk: nobody but us adds to the chain meanwhile, and inserts take pages from its head, so
 * that a page that is not free any more means that the head has changed.
 */
static void
check_free_chain(IvfbqCheck *check)
{
	IvfbqMetaData meta;
	IvfbqMetaData now;
	IvfbqFreeData content;
	BlockNumber count;

again:
	ivfbq_meta_read(check->index, &meta);
	count = 0;
	for (BlockNumber i = 0; i < check->npages; i++)
		check->pages[i] &= ~IVFBQ_SEEN_FREE;
	for (BlockNumber block = meta.free; block != InvalidBlockNumber; block = content.next)
	{
		CHECK_FOR_INTERRUPTS();
		if (!read_free_page(check, block, &content))
		{
			ivfbq_meta_read(check->index, &now);
			if (now.free != meta.free)
				goto again;
			ivfbq_fault(check, block, -1, 8,
						"The page is in the chain of free pages, but not free.");
		}
		make_room(check, block + 1);
		if (check->pages[block] & IVFBQ_SEEN_REACHED)
			ivfbq_fault(check, block, -1, 8, "The page is free, and reached.");
		if (check->pages[block] & IVFBQ_SEEN_FREE)
			ivfbq_fault(check, block, -1, 8, "The chain of free pages runs in a circle.");
		check->pages[block] |= IVFBQ_SEEN_FREE;
		count++;
	}
	ivfbq_meta_read(check->index, &now);
	if (now.free == meta.free && now.free_pages == meta.free_pages && count != meta.free_pages)
		ivfbq_fault(check, IVFBQ_META_BLOCK, -1, 8, "The chain of free pages has %u, not %u.",
					count, meta.free_pages);
}

/* ---------------------------------------------------------------- the directory's pages */

static DirectoryPage *
directory_page(IvfbqCheck *check, BlockNumber block, bool add)
{
	bool found;
	DirectoryPage *page =
		hash_search(check->directory, &block, add ? HASH_ENTER : HASH_FIND, &found);

	if (add && !found)
	{
		page->ncells = 0;
		memset(page->seen, 0, sizeof(page->seen));
	}
	return page;
}

/* One page of the chain; returns the next one. */
static BlockNumber
check_directory_page(IvfbqCheck *check, BlockNumber block, bool first)
{
	int nkeys = check->info->nkeys;
	Buffer buffer = ivfbq_read_with(check->index, block, IVFBQ_PAGE_DIRECTORY,
									BUFFER_LOCK_SHARE, check->strategy);
	Page page = BufferGetPage(buffer);
	IvfbqDirectoryData content = *(IvfbqDirectoryData *) IVFBQ_CONTENT(page);
	LocationIndex lower = ((PageHeader) page)->pd_lower;
	bool retired = ivfbq_page_is_retired(page);

	UnlockReleaseBuffer(buffer);
	if (retired)
		ivfbq_fault(check, block, -1, 7, "The page is retired, and reached.");
	if (content.unused != 0 || content.ncells > IVFBQ_CELLS_PER_PAGE(nkeys))
		ivfbq_fault(check, block, -1, 0, "The page has %u cells.", content.ncells);
	if (lower != IVFBQ_CONTENT_START + MAXALIGN(sizeof(IvfbqDirectoryData)) +
					 IVFBQ_CELL_SIZE(nkeys) * content.ncells)
		ivfbq_fault(check, block, -1, 0, "The page's content ends at %u.", lower);
	if (first)
	{
		ivfbq_check_reach(check, block);
		directory_page(check, block, true)->ncells = content.ncells;
	}
	return content.next;
}

static void
check_directory_pages(IvfbqCheck *check)
{
	BlockNumber block = IVFBQ_ROOT_BLOCK;

	for (;;)
	{
		BlockNumber next = check_directory_page(check, block, true);

		CHECK_FOR_INTERRUPTS();
		if (next == InvalidBlockNumber)
		{
			IvfbqMetaData meta;

			ivfbq_meta_read(check->index, &meta);
			if (meta.directory_tail == block)
				break;
			/* A page was added to it between the two looks, or it is not the last. */
			next = check_directory_page(check, block, false);
			if (next == InvalidBlockNumber)
				ivfbq_fault(check, block, -1, 2, "The directory ends here, not at block %u.",
							meta.directory_tail);
		}
		block = next;
	}
}

/* ---------------------------------------------------------------- the directory's cells */

/* What does not name a cell names none at all. */
static bool
is_ref(IvfbqCellRef ref)
{
	return ref.unused == 0 && (ivfbq_cell_ref_is_valid(ref) || ref.index == 0);
}

/* Reads a cell that another names; none is named twice. */
static void
read_cell(IvfbqCheck *check, IvfbqCellRef ref, IvfbqCell *cell)
{
	DirectoryPage *page;
	uint64 bit = UINT64CONST(1) << (ref.index % 64);

	ivfbq_cell_read(check->index, check->info->nkeys, ref, cell);
	page = directory_page(check, ref.block, false);
	if (page == NULL)
	{
		/* Added since the pages were walked; what it has may hang on cells that were read before that. */
		(void) check_directory_page(check, ref.block, true);
		page = directory_page(check, ref.block, false);
		page->ncells = 0;
	}
	if (page->seen[ref.index / 64] & bit)
		ivfbq_fault(check, ref.block, -1, 2, "Cell %u is reached in two ways.", ref.index);
	page->seen[ref.index / 64] |= bit;
	if (!is_ref(cell->u.data.next) || !is_ref(cell->u.data.left) || !is_ref(cell->u.data.right))
		ivfbq_fault(check, ref.block, -1, 0, "Unused bytes of cell %u are not zero.",
					ref.index);
}

static void
check_cell_lists(IvfbqCheck *check, const IvfbqCell *cell)
{
	ivfbq_check_list(check, (IvfbqListRef){cell->ref, IVFBQ_ROLE_ROWS}, cell);
	ivfbq_check_list(check, (IvfbqListRef){cell->ref, IVFBQ_ROLE_TIDS}, cell);
	ivfbq_check_list(check, (IvfbqListRef){cell->ref, IVFBQ_ROLE_CENTROIDS}, cell);
}

/* A key that hangs on a node (NULL: the only key of an index without key columns). */
static void
check_key(IvfbqCheck *check, const IvfbqCell *cell, const IvfbqCell *node)
{
	const IvfbqCellData *key = &cell->u.data;
	int nkeys = check->info->nkeys;
	bool clustered = (key->flags & IVFBQ_KEY_CLUSTERED) != 0;

	if (key->type != IVFBQ_CELL_KEY || key->depth != 0 ||
		(key->flags & ~(IVFBQ_KEY_CLUSTERED | IVFBQ_KEY_BROUGHT | IVFBQ_KEY_CLOSED)) ||
		ivfbq_cell_ref_is_valid(key->right))
		ivfbq_fault(check, cell->ref.block, -1, 0, "Cell %u is no key.", cell->ref.index);
	if (node == NULL ? ivfbq_cell_ref_is_valid(key->left)
					 : key->left.block != node->ref.block || key->left.index != node->ref.index)
		ivfbq_fault(check, cell->ref.block, -1, 2, "Key %u hangs on another node than it says.",
					cell->ref.index);
	if (node != NULL && !ivfbq_has_prefix(key->hash, node->u.data.hash, node->u.data.depth))
		ivfbq_fault(check, cell->ref.block, -1, 6,
					"Key %u hangs on a node that is not on its way.", cell->ref.index);
	if (key->hash != ivfbq_tags_hash(key->tags, nkeys))
		ivfbq_fault(check, cell->ref.block, -1, 6,
					"The hash of key %u is not that of its tags.", cell->ref.index);
	if (clustered != (key->lists != InvalidBlockNumber) ||
		clustered != (key->centroids.head != InvalidBlockNumber) ||
		clustered != (key->nlists > 0) || clustered != (key->wanted > 0) ||
		(!clustered && (key->flags & IVFBQ_KEY_CLOSED)) ||
		!(isfinite(key->spread) && key->spread >= 0))
		ivfbq_fault(check, cell->ref.block, -1, 2, "Key %u is clustered, and is not.",
					cell->ref.index);

	if (node != NULL)
	{
		IvfbqKey sought = {.hash = key->hash};
		IvfbqCell found;

		memcpy(sought.tags, key->tags, sizeof(uint32) * nkeys);
		if (!ivfbq_directory_find(check->index, check->info, &sought, NULL, NULL, &found) ||
			found.ref.block != cell->ref.block || found.ref.index != cell->ref.index)
			ivfbq_fault(check, cell->ref.block, -1, 6, "A search for key %u does not find it.",
						cell->ref.index);
	}
	check_cell_lists(check, cell);
	if (clustered)
		ivfbq_check_lists(check, cell);
}

static void
check_node(IvfbqCheck *check, IvfbqCellRef ref, int depth, uint64 prefix)
{
	IvfbqCell cell;
	const IvfbqCellData *node = &cell.u.data;
	IvfbqCell key;

	CHECK_FOR_INTERRUPTS();
	read_cell(check, ref, &cell);
	if (node->type != IVFBQ_CELL_NODE || node->flags != 0 || node->wanted != 0 ||
		node->lists != InvalidBlockNumber || node->nlists != 0 ||
		node->centroids.head != InvalidBlockNumber)
		ivfbq_fault(check, ref.block, -1, 0, "Cell %u is no node.", ref.index);
	if (node->depth != depth || depth > 63 || node->hash != prefix)
		ivfbq_fault(check, ref.block, -1, 6, "Node %u is of another depth or way than it says.",
					ref.index);
	if (ivfbq_cell_ref_is_valid(node->left) != ivfbq_cell_ref_is_valid(node->right))
		ivfbq_fault(check, ref.block, -1, 2, "Node %u has one child.", ref.index);
	check_cell_lists(check, &cell);

	for (IvfbqCellRef next = node->next; ivfbq_cell_ref_is_valid(next); next = key.u.data.next)
	{
		CHECK_FOR_INTERRUPTS();
		read_cell(check, next, &key);
		check_key(check, &key, &cell);
	}
	if (ivfbq_cell_ref_is_valid(node->left))
	{
		check_node(check, node->left, depth + 1, prefix);
		check_node(check, node->right, depth + 1, prefix | (UINT64CONST(1) << (63 - depth)));
	}
}

/* A cell and what names it are written in one record. */
static void
check_all_cells_seen(IvfbqCheck *check)
{
	HASH_SEQ_STATUS status;
	DirectoryPage *page;

	hash_seq_init(&status, check->directory);
	while ((page = hash_seq_search(&status)) != NULL)
		for (uint16 i = 0; i < page->ncells; i++)
			if ((page->seen[i / 64] & (UINT64CONST(1) << (i % 64))) == 0)
				ivfbq_fault(check, page->block, -1, 2, "Nothing names cell %u.", i);
}

static void
check_directory(IvfbqCheck *check)
{
	HASHCTL control = {.keysize = sizeof(BlockNumber),
					   .entrysize = sizeof(DirectoryPage),
					   .hcxt = check->context};
	IvfbqCellRef root = {IVFBQ_ROOT_BLOCK, 0, 0};

	check->directory = hash_create("agentmem ivfbq directory pages", 64, &control,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	check_directory_pages(check);
	if (check->info->nkeys > 0)
		check_node(check, root, 0, 0);
	else
	{
		IvfbqCell key;

		read_cell(check, root, &key);
		check_key(check, &key, NULL);
	}
	check_all_cells_seen(check);
}

/* ---------------------------------------------------------------- the frame */

int64
ivfbq_check(Relation heap, Relation index, bool heap_all_indexed)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfbqCheck check = {.heap = heap, .index = index, .context = context};
	IvfbqMetaData meta;
	BlockNumber npages;
	int64 rows;

	check.recovery = RecoveryInProgress();
	if (!check.recovery)
		(void) ivfbq_lock_maintenance(index, true);
	check.strategy = GetAccessStrategy(BAS_BULKREAD);
	check.info = ivfbq_index(index);
	check.pages = palloc(1);
	ivfbq_meta_read(index, &meta);
	check.switches = meta.switches;
	/* Its snapshot before the walk: what it sees was put into the index by then. */
	ivfbq_entries_begin(&check, heap_all_indexed);

	look_at_pages(&check);
	npages = check.npages;
	check_meta(&check, &meta);
	check_directory(&check);
	check_free_chain(&check);
	count_unreached(&check, npages);
	ivfbq_entries_finish(&check);

	if (!check.recovery)
		ivfbq_unlock_maintenance(index);
	rows = check.rows;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return rows;
}

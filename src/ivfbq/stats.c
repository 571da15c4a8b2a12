/*
 * stats.c
 *		What there is in an index (stats.h).
 */
#include "postgres.h"

#include "ivfbq/directory.h"
#include "ivfbq/list.h"
#include "ivfbq/options.h"
#include "ivfbq/stats.h"
#include "miscadmin.h"

/* Rows whose bits are counted, about. */
#define BIT_ROWS 100000

typedef struct Counting
{
	const IvfbqIndex *info;
	IvfbqStats *stats;
	char *page;	  /* a copy */
	uint32 *ones; /* of each dimension of codes; NULL: no dimension yet */
	uint8 *bits;
	int64 bit_stride; /* every so many code pages is looked at */
} Counting;

/* The bits of a page's live rows. */
static void
count_bits(Counting *counting, const IvfbqGeometry *geometry)
{
	int wide_dim = counting->info->codec->wide_dim;

	for (int slot = 0; slot < ivfbq_codes(counting->page)->nslots; slot++)
	{
		IvfbqCode code;

		if (!ivfbq_slot_is_live(geometry, counting->page, slot))
			continue;
		ivfbq_slot_get(geometry, counting->page, slot, &code, counting->bits);
		for (int i = 0; i < wide_dim; i++)
			counting->ones[i] += (counting->bits[i / 8] >> (i % 8)) & 1;
		counting->stats->bit_rows++;
	}
}

static void
count_codes(Counting *counting, Relation index, BlockNumber block)
{
	IvfbqStats *stats = counting->stats;
	const IvfbqGeometry *geometry = ivfbq_page_geometry(counting->info, counting->page);
	IvfbqCodesData *codes = ivfbq_codes(counting->page);

	ivfbq_check_counts(index, block, counting->page, geometry);
	stats->free_slots += codes->nslots - codes->nlive;
	stats->unused_slots += geometry->slots - codes->nslots;
	if (codes->role == IVFBQ_ROLE_CENTROIDS)
	{
		stats->centroids += codes->nlive;
		return;
	}
	if (ivfbq_page_kind(counting->page) == IVFBQ_PAGE_TIDS)
	{
		stats->directionless += codes->nlive;
		return;
	}
	stats->rows += codes->nlive;
	if (codes->role == IVFBQ_ROLE_LIST)
		stats->list_rows += codes->nlive;
	if (counting->ones != NULL &&
		stats->page_kinds[IVFBQ_PAGE_CODES] % counting->bit_stride == 0)
		count_bits(counting, geometry);
}

static void
count_cells(Counting *counting, Relation index, BlockNumber block)
{
	IvfbqStats *stats = counting->stats;
	int nkeys = counting->info->nkeys;
	uint16 ncells = ((IvfbqDirectoryData *) IVFBQ_CONTENT(counting->page))->ncells;

	for (uint16 i = 0; i < ncells; i++)
	{
		IvfbqCellData *cell = ivfbq_directory_cell(index, nkeys, counting->page, block, i);

		if (cell->type == IVFBQ_CELL_NODE)
			stats->nodes++;
		else
		{
			stats->keys++;
			if (cell->flags & IVFBQ_KEY_CLUSTERED)
			{
				stats->clustered_keys++;
				stats->lists += cell->nlists;
			}
		}
	}
}

static void
count_page(Counting *counting, Relation index, BlockNumber block)
{
	IvfbqPageKind kind = ivfbq_page_kind(counting->page);

	if (ivfbq_page_is_retired(counting->page))
	{
		counting->stats->retired_pages++;
		return;
	}
	if (kind < IVFBQ_PAGE_META || kind > IVFBQ_PAGE_FREE)
		ivfbq_corrupted(index, block, "The page is of kind %u.", (unsigned) kind);
	if (kind == IVFBQ_PAGE_CODES || kind == IVFBQ_PAGE_TIDS)
		count_codes(counting, index, block);
	else if (kind == IVFBQ_PAGE_DIRECTORY)
		count_cells(counting, index, block);
	counting->stats->page_kinds[kind]++;
}

static void
sum_bits(const Counting *counting)
{
	IvfbqStats *stats = counting->stats;
	int wide_dim = counting->info->codec->wide_dim;
	double sum = 0;

	for (int i = 0; i < wide_dim; i++)
	{
		double share = (double) counting->ones[i] / (double) stats->bit_rows;

		sum += share;
		if (i == 0 || share < stats->bits_min)
			stats->bits_min = share;
		if (i == 0 || share > stats->bits_max)
			stats->bits_max = share;
	}
	stats->bits_avg = sum / wide_dim;
}

void
ivfbq_stats(Relation index, IvfbqStats *stats)
{
	Counting counting = {.stats = stats};
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);

	memset(stats, 0, sizeof(*stats));
	ivfbq_meta_read(index, &stats->meta);
	counting.info = ivfbq_index(index);
	counting.page = palloc(BLCKSZ);
	stats->pages = RelationGetNumberOfBlocks(index);
	if (counting.info->dim > 0)
	{
		const IvfbqGeometry *rows = &counting.info->rows;
		int64 all_rows = (int64) stats->pages / (1 + rows->refine_pages) * rows->slots;

		counting.ones = palloc0(sizeof(uint32) * counting.info->codec->wide_dim);
		counting.bits = palloc0((counting.info->codec->code_dim + 7) / 8);
		counting.bit_stride = Max(1, all_rows / BIT_ROWS);
	}

	for (BlockNumber block = 0; block < stats->pages; block++)
	{
		Buffer buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		Page page = BufferGetPage(buffer);
		bool is_new;

		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		is_new = PageIsNew(page);
		if (!is_new)
		{
			ivfbq_check_page(index, block, page, 0);
			memcpy(counting.page, page, BLCKSZ);
		}
		UnlockReleaseBuffer(buffer);
		if (is_new)
			stats->page_kinds[0]++;
		else
			count_page(&counting, index, block);
		CHECK_FOR_INTERRUPTS();
	}
	if (stats->bit_rows > 0)
		sum_bits(&counting);
	FreeAccessStrategy(strategy);
}

/* ---------------------------------------------------------------- estimates */

/* Pages of a list of so many rows, on the average over lists: the last page of each kind is half full. */
static double
list_pages(const IvfbqGeometry *geometry, double rows)
{
	double refine_rows = geometry->rows_per_page > 0
							 ? geometry->rows_per_page
							 : (double) IVFBQ_REFINE_BYTES / geometry->row_bytes;

	return Max(1.0, rows / geometry->slots + 0.5) + Max(1.0, rows / refine_rows + 0.5);
}

double
ivfbq_estimate_bytes(int64 rows, int dim)
{
	IvfbqGeometry geometry;
	double pages = 2; /* meta, directory */

	ivfbq_geometry_init(&geometry, dim, 0);
	if (rows > IVFBQ_DEFAULT_FLAT_LIMIT)
	{
		double lists = ceil((double) rows / IVFBQ_DEFAULT_LIST_SIZE);

		pages += lists * list_pages(&geometry, (double) rows / lists);
		pages += list_pages(&geometry, lists) + ceil(lists / IVFBQ_LISTS_PER_PAGE);
	}
	else if (rows > 0)
		pages += list_pages(&geometry, (double) rows);
	/* The mean. */
	if (rows > 0)
		pages += ceil((double) IVFBQ_ROW_SIZE(dim) / IVFBQ_BASE_BYTES);
	return pages * BLCKSZ;
}

/*
 * test_ivfbq_geometry.c
 *		Where the parts of a row lie: for every kind of dimension and number of tags all parts
 *		are inside the page and apart from each other, and what is put is what is read.
 */
#include "postgres.h"

#include "ivfbq/geometry.h"
#include "unit.h"
#include "vector/kernels.h"
#include "vector/rotation.h"

static const int tag_counts[] = {0, 1, 3, IVFBQ_MAX_KEYS};

/* Every dimension where something may change, the others in steps. */
static int
next_dim(int dim)
{
	if (dim < 9 || (dim > 250 && dim < 266) || (dim > 1890 && dim < 1930) ||
		dim >= IVFBQ_MAX_DIM - 8)
		return dim + 1;
	if (dim < 2050)
		return dim + 7;
	return Min(dim + 101, IVFBQ_MAX_DIM - 8);
}

/* Marks bytes as taken; false if some were, or lie outside the content. */
static bool
take(uint8 *taken, Size start, Size size)
{
	if (start < IVFBQ_CONTENT_START || start + size > IVFBQ_CONTENT_END)
		return false;
	for (Size i = start; i < start + size; i++)
		if (taken[i]++ != 0)
			return false;
	return true;
}

/* All parts of the page, by the offsets that the header documents. */
static bool
parts_are_apart(const IvfbqGeometry *geometry)
{
	uint8 taken[BLCKSZ] = {0};
	Size slots = geometry->block_slots;
	bool ok = take(taken, IVFBQ_CONTENT_START, sizeof(IvfbqCodesData)) &&
			  take(taken, geometry->refine_offset, sizeof(uint32) * geometry->refine_pages) &&
			  take(taken, geometry->live_offset, sizeof(uint32) * geometry->blocks) &&
			  take(taken, IVFBQ_CONTENT_END - sizeof(ItemPointerData) * geometry->slots,
				   sizeof(ItemPointerData) * geometry->slots);

	for (int b = 0; b < geometry->blocks && ok; b++)
	{
		Size start = geometry->blocks_offset + (Size) b * geometry->block_bytes;
		Size code_bytes = geometry->transposed
							  ? (Size) geometry->ngroups * AGM_BLOCK_GROUP_BYTES
							  : slots * geometry->code_bytes;

		ok = take(taken, start + geometry->tags_offset,
				  sizeof(uint32) * geometry->ntags * slots);
		if (geometry->dim > 0)
			ok = ok && take(taken, start, code_bytes) &&
				 take(taken, start + geometry->a_offset, sizeof(float) * slots) &&
				 take(taken, start + geometry->b_offset, sizeof(uint16) * slots) &&
				 take(taken, start + geometry->e_offset, sizeof(uint16) * slots);
		ok = ok && start % 4 == 0 && geometry->a_offset % 4 == 0 &&
			 geometry->tags_offset % 4 == 0 && geometry->b_offset % 2 == 0;
	}
	return ok && geometry->refine_offset % 4 == 0 && geometry->live_offset % 4 == 0;
}

/* Rows on refine pages: apart, inside, on no more pages than there are, on three at most. */
static bool
rows_are_apart(const IvfbqGeometry *geometry)
{
	Size end = 0;

	for (int slot = 0; slot < geometry->slots; slot++)
	{
		int number;
		int offset;
		int last = ivfbq_row_last_page(geometry, slot);
		Size start;

		ivfbq_row_place(geometry, slot, &number, &offset);
		start = (Size) number * IVFBQ_REFINE_BYTES + offset;
		if (start < end || last >= geometry->refine_pages || last > number + 2)
			return false;
		if (geometry->rows_per_page > 0 && last != number)
			return false;
		end = start + geometry->row_bytes;
	}
	/* None is for nothing. */
	return end > (Size) (geometry->refine_pages - 1) * IVFBQ_REFINE_BYTES;
}

/* One slot more would not fit, or one block more where there are only whole ones. */
static bool
page_is_full(const IvfbqGeometry *geometry)
{
	bool blocks = geometry->transposed || geometry->dim == 0;
	Size slots = geometry->slots + (blocks ? IVFBQ_BLOCK_SLOTS : 1);
	Size size = IVFBQ_CONTENT_START + sizeof(IvfbqCodesData);

	size += slots * (sizeof(ItemPointerData) + sizeof(uint32) * geometry->ntags);
	size += sizeof(uint32) * (geometry->blocks + (blocks ? 1 : 0));
	if (geometry->dim > 0)
	{
		size += slots * (sizeof(float) + 2 * sizeof(uint16));
		size += blocks ? slots * geometry->code_dim / 8
					   : TYPEALIGN(4, slots * geometry->code_bytes);
		size += sizeof(uint32) * (ivfbq_row_last_page(geometry, (int) slots - 1) + 1);
	}
	return size > IVFBQ_CONTENT_END || (!blocks && geometry->slots == IVFBQ_BLOCK_SLOTS);
}

typedef struct Entry
{
	IvfbqCode code;
	uint32 tags[IVFBQ_MAX_KEYS];
	ItemPointerData tid;
	uint8 bits[IVFBQ_MAX_DIM / 8];
} Entry;

static void
make_entry(Entry *entry, const IvfbqGeometry *geometry, uint64 seed)
{
	uint64 state = seed;

	entry->code.a = (float) (int32) agm_splitmix64(&state);
	entry->code.b = (uint16) agm_splitmix64(&state);
	entry->code.e = (uint16) agm_splitmix64(&state);
	for (int i = 0; i < geometry->ntags; i++)
		entry->tags[i] = (uint32) agm_splitmix64(&state);
	ItemPointerSet(&entry->tid, (BlockNumber) agm_splitmix64(&state), 1 + (seed & 0xff));
	memset(entry->bits, 0, sizeof(entry->bits));
	for (int i = 0; i < geometry->code_dim; i++)
		if (agm_splitmix64(&state) & 1)
			entry->bits[i / 8] |= (uint8) (1 << (i % 8));
}

static bool
entry_is_there(const IvfbqGeometry *geometry, Page page, int slot, Entry *entry)
{
	IvfbqCode code;
	uint8 bits[IVFBQ_MAX_DIM / 8];

	for (int i = 0; i < geometry->ntags; i++)
		if (ivfbq_slot_tag(geometry, page, slot, i) != entry->tags[i])
			return false;
	if (geometry->dim > 0)
	{
		ivfbq_slot_get(geometry, page, slot, &code, bits);
		if (code.a != entry->code.a || code.b != entry->code.b || code.e != entry->code.e ||
			memcmp(bits, entry->bits, (geometry->code_dim + 7) / 8) != 0)
			return false;
	}
	return ivfbq_slot_is_live(geometry, page, slot) &&
		   memcmp(ivfbq_slot_tid(page, slot), &entry->tid, sizeof(ItemPointerData)) == 0;
}

static void
put_entry(const IvfbqGeometry *geometry, Page page, int slot, Entry *entry)
{
	bool coded = geometry->dim > 0;

	ivfbq_slot_put(geometry, page, slot, coded ? &entry->code : NULL,
				   coded ? entry->bits : NULL, entry->tags, &entry->tid);
}

/* pd_lower and pd_upper, and only zeros between them. */
static bool
bounds_are_right(const IvfbqGeometry *geometry, Page page, int nslots)
{
	PageHeader header = (PageHeader) page;
	int blocks = (nslots + geometry->block_slots - 1) / geometry->block_slots;

	if (header->pd_lower != geometry->blocks_offset + blocks * geometry->block_bytes ||
		header->pd_upper != IVFBQ_CONTENT_END - 6 * nslots ||
		header->pd_lower > header->pd_upper || header->pd_upper > header->pd_special)
		return false;
	for (int i = header->pd_lower; i < header->pd_upper; i++)
		if (page[i] != 0)
			return false;
	return true;
}

/* What a block holds for the scan: sums over a table whose rows tell the groups apart. */
static bool
block_can_be_scanned(const IvfbqGeometry *geometry, Page page, uint8 *table)
{
	uint32 sums[AGM_BLOCK_CODES];
	Entry entry;

	if (!geometry->transposed)
		return true;
	for (int i = 0; i < geometry->ngroups * 16; i++)
		table[i] = (uint8) ((i / 16 * 7 + i % 16 * 3) % (AGM_BLOCK_TABLE_MAX + 1));
	agm_kernels->scan_block((uint8 *) ivfbq_block(geometry, page, 0), table, geometry->ngroups,
							sums);
	for (int slot = 0; slot < IVFBQ_BLOCK_SLOTS; slot++)
	{
		uint32 want = 0;

		make_entry(&entry, geometry, slot);
		for (int g = 0; g < geometry->ngroups; g++)
			want += table[16 * g + ((entry.bits[g / 2] >> (g % 2 * 4)) & 15)];
		if (sums[slot] != want)
			return false;
	}
	return true;
}

/* Fills a page, frees and fills some slots again, and clears it. */
static const char *
use_page(const IvfbqGeometry *geometry, Page page, Page empty)
{
	static uint8 table[IVFBQ_MAX_DIM / 4 * 16];
	PageHeader header = (PageHeader) page;
	Entry entry;

	memset(page, 0, BLCKSZ);
	header->pd_special = IVFBQ_CONTENT_END;
	ivfbq_set_bounds(geometry, page);
	memcpy(empty, page, BLCKSZ);
	for (int slot = 0; slot < geometry->slots; slot++)
	{
		if (ivfbq_free_slot(geometry, page) != slot || !bounds_are_right(geometry, page, slot))
			return "a free slot or the bounds";
		make_entry(&entry, geometry, slot);
		put_entry(geometry, page, slot, &entry);
	}
	if (ivfbq_free_slot(geometry, page) != -1 || ivfbq_codes(page)->nlive != geometry->slots ||
		!bounds_are_right(geometry, page, geometry->slots))
		return "a full page";
	if (!block_can_be_scanned(geometry, page, table))
		return "the layout of scan_block";
	for (int slot = geometry->slots - 1; slot >= 0; slot -= 3)
		ivfbq_slot_clear(geometry, page, slot);
	for (int slot = geometry->slots - 1; slot >= 0; slot -= 6)
	{
		make_entry(&entry, geometry, slot);
		put_entry(geometry, page, slot, &entry);
	}
	for (int slot = 0; slot < geometry->slots; slot++)
	{
		int from_end = geometry->slots - 1 - slot;

		make_entry(&entry, geometry, slot);
		if (from_end % 3 != 0 || from_end % 6 == 0)
		{
			if (!entry_is_there(geometry, page, slot, &entry))
				return "an entry";
			ivfbq_slot_clear(geometry, page, slot);
		}
		else if (ivfbq_slot_is_live(geometry, page, slot))
			return "a cleared slot";
	}
	if (ivfbq_codes(page)->nlive != 0 || ivfbq_codes(page)->nslots != geometry->slots)
		return "the counts";
	ivfbq_codes(page)->nslots = 0;
	ivfbq_set_bounds(geometry, page);
	if (memcmp(page, empty, BLCKSZ) != 0)
		return "what clearing leaves";
	return NULL;
}

/* What is wrong; NULL: nothing. */
static const char *
test_dim(int dim, int ntags, Page page, Page empty)
{
	IvfbqGeometry geometry;

	ivfbq_geometry_init(&geometry, dim, ntags);
	if (geometry.slots < 1 || geometry.slots != geometry.blocks * geometry.block_slots ||
		geometry.block_slots > IVFBQ_BLOCK_SLOTS)
		return "number of slots";
	if (!parts_are_apart(&geometry))
		return "place of the parts";
	if (!page_is_full(&geometry))
		return "room that is left";
	if (dim > 0 && !rows_are_apart(&geometry))
		return "place of the rows";
	return use_page(&geometry, page, empty);
}

void
agm_unit_ivfbq_geometry(void)
{
	Page page = palloc(BLCKSZ);
	Page empty = palloc(BLCKSZ);
	IvfbqGeometry geometry;

	for (int t = 0; t < (int) lengthof(tag_counts); t++)
	{
		const char *wrong = NULL;
		int dim;

		for (dim = 0; dim <= IVFBQ_MAX_DIM; dim = next_dim(dim))
			if ((wrong = test_dim(dim, tag_counts[t], page, empty)) != NULL)
				break;
		UNIT_CHECK(wrong == NULL, "pages of all dimensions, %d tags: %s at %d", tag_counts[t],
				   wrong == NULL ? "right" : wrong, Min(dim, IVFBQ_MAX_DIM));
	}

	/* The figures of the design, at pages of 8 KiB. */
	ivfbq_geometry_init(&geometry, 384, 0);
	UNIT_CHECK(BLCKSZ != 8192 || (geometry.transposed && geometry.slots == 128 &&
								  geometry.rows_per_page == 20 && geometry.refine_pages == 7),
			   "384 dimensions");
	ivfbq_geometry_init(&geometry, IVFBQ_MAX_DIM, 0);
	UNIT_CHECK(BLCKSZ != 8192 || (!geometry.transposed && geometry.slots == 4 &&
								  geometry.rows_per_page == 0 && geometry.refine_pages == 8),
			   "16000 dimensions");
}

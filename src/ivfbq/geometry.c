/*
 * geometry.c
 *		Where each part of a row lies on a code page or tids page, and putting it there
 *		(geometry.h).
 *
 * Writes nothing but the page it is given, which the caller has locked or owns, and knows no
 * buffers and no WAL.
 */
#include "postgres.h"

#include "ivfbq/geometry.h"
#include "vector/kernels.h"

/* What a code page has room for behind its header. */
#define ROOM (IVFBQ_CONTENT_END - IVFBQ_CONTENT_START - sizeof(IvfbqCodesData))

/* Rows of a refine page may straddle if that saves more of it than so many percent. */
#define WASTE_MAX_PERCENT 6

/* ---------------------------------------------------------------- sizes */

/* How many refine pages so many rows take. */
static int
refine_pages(const IvfbqGeometry *geometry, int slots)
{
	if (geometry->row_bytes == 0)
		return 0;
	if (geometry->rows_per_page > 0)
		return (slots + geometry->rows_per_page - 1) / geometry->rows_per_page;
	return (int) (((Size) slots * geometry->row_bytes + IVFBQ_REFINE_BYTES - 1) /
				  IVFBQ_REFINE_BYTES);
}

static void
set_rows_per_page(IvfbqGeometry *geometry)
{
	int rows = (int) IVFBQ_REFINE_BYTES / geometry->row_bytes;
	int waste = (int) IVFBQ_REFINE_BYTES - rows * geometry->row_bytes;

	geometry->rows_per_page =
		rows > 0 && waste * 100 <= (int) IVFBQ_REFINE_BYTES * WASTE_MAX_PERCENT ? rows : 0;
}

/* Lays out a block of block_slots slots. */
static void
set_block(IvfbqGeometry *geometry, int block_slots)
{
	int size = 0;

	geometry->block_slots = block_slots;
	if (geometry->transposed)
		size = geometry->ngroups * AGM_BLOCK_GROUP_BYTES;
	else if (geometry->code_dim > 0)
		size = TYPEALIGN(sizeof(float), block_slots * geometry->code_bytes);
	geometry->a_offset = geometry->b_offset = geometry->e_offset = size;
	if (geometry->code_dim > 0)
	{
		geometry->b_offset = geometry->a_offset + (int) sizeof(float) * block_slots;
		geometry->e_offset = geometry->b_offset + (int) sizeof(uint16) * block_slots;
		size = geometry->e_offset + (int) sizeof(uint16) * block_slots;
	}
	geometry->tags_offset = size;
	geometry->block_bytes = size + (int) sizeof(uint32) * geometry->ntags * block_slots;
}

static bool
blocks_fit(const IvfbqGeometry *geometry, int blocks)
{
	int slots = blocks * geometry->block_slots;
	Size size = sizeof(uint32) * (refine_pages(geometry, slots) + blocks) +
				(Size) blocks * geometry->block_bytes + (Size) slots * sizeof(ItemPointerData);

	return size <= ROOM;
}

/* As many slots as fit: blocks of 32 if there is room for one, else one block of fewer. */
static void
set_blocks(IvfbqGeometry *geometry)
{
	geometry->transposed = geometry->code_dim > 0;
	set_block(geometry, IVFBQ_BLOCK_SLOTS);
	geometry->blocks = 0;
	while (blocks_fit(geometry, geometry->blocks + 1))
		geometry->blocks++;
	if (geometry->blocks == 0)
	{
		int slots = IVFBQ_BLOCK_SLOTS;

		geometry->transposed = false;
		geometry->code_bytes = (geometry->code_dim + 7) / 8;
		geometry->blocks = 1;
		do
			set_block(geometry, slots);
		while (!blocks_fit(geometry, 1) && --slots > 0);
		Assert(slots > 0);
	}
	geometry->slots = geometry->blocks * geometry->block_slots;
}

void
ivfbq_geometry_init(IvfbqGeometry *geometry, int dim, int ntags)
{
	Assert(dim >= 0 && dim <= IVFBQ_MAX_DIM && ntags >= 0 && ntags <= IVFBQ_MAX_KEYS);
	memset(geometry, 0, sizeof(*geometry));
	geometry->dim = dim;
	geometry->ntags = ntags;
	if (dim > 0)
	{
		geometry->code_dim = TYPEALIGN(4, Max(dim, IVFBQ_MIN_CODE_DIM));
		geometry->ngroups = geometry->code_dim / 4;
		geometry->row_bytes = IVFBQ_ROW_SIZE(dim);
		set_rows_per_page(geometry);
	}
	set_blocks(geometry);
	geometry->refine_pages = refine_pages(geometry, geometry->slots);
	geometry->refine_offset = IVFBQ_CONTENT_START + sizeof(IvfbqCodesData);
	geometry->live_offset =
		geometry->refine_offset + (int) sizeof(uint32) * geometry->refine_pages;
	geometry->blocks_offset = geometry->live_offset + (int) sizeof(uint32) * geometry->blocks;
}

/* ---------------------------------------------------------------- slots */

/* A slot's place: the block it is in, and which of its slots it is. */
typedef struct SlotPlace
{
	char *block;
	int index;
} SlotPlace;

static SlotPlace
slot_place(const IvfbqGeometry *geometry, Page page, int slot)
{
	SlotPlace place;

	Assert(slot >= 0 && slot < geometry->slots);
	place.block = ivfbq_block(geometry, page, slot / geometry->block_slots);
	place.index = slot % geometry->block_slots;
	return place;
}

static uint32 *
slot_tag(const IvfbqGeometry *geometry, SlotPlace place, int column)
{
	return (uint32 *) (place.block + geometry->tags_offset) + column * geometry->block_slots +
		   place.index;
}

/* Of a transposed block: bits NULL means zeros. */
static void
put_groups(const IvfbqGeometry *geometry, SlotPlace place, const uint8 *bits)
{
	uint8 *byte = (uint8 *) place.block + place.index % AGM_BLOCK_GROUP_BYTES;
	int shift = place.index < AGM_BLOCK_GROUP_BYTES ? 0 : 4;
	uint8 keep = (uint8) (0xf0 >> shift);

	for (int g = 0; g < geometry->ngroups; g++, byte += AGM_BLOCK_GROUP_BYTES)
	{
		int group = bits == NULL ? 0 : (bits[g / 2] >> (g % 2 * 4)) & 15;

		*byte = (uint8) ((*byte & keep) | group << shift);
	}
}

static void
get_groups(const IvfbqGeometry *geometry, SlotPlace place, uint8 *bits)
{
	const uint8 *byte = (const uint8 *) place.block + place.index % AGM_BLOCK_GROUP_BYTES;
	int shift = place.index < AGM_BLOCK_GROUP_BYTES ? 0 : 4;

	for (int g = 0; g < geometry->ngroups; g++, byte += AGM_BLOCK_GROUP_BYTES)
	{
		uint8 group = (*byte >> shift) & 15;

		bits[g / 2] = g % 2 == 0 ? group : (uint8) (bits[g / 2] | group << 4);
	}
}

/* Code and factors; both NULL: zeros. */
static void
write_code(const IvfbqGeometry *geometry, SlotPlace place, const IvfbqCode *code,
		   const uint8 *bits)
{
	IvfbqCode zero = {0};

	if (geometry->code_dim == 0)
		return;
	if (code == NULL)
		code = &zero;
	((float *) (place.block + geometry->a_offset))[place.index] = code->a;
	((uint16 *) (place.block + geometry->b_offset))[place.index] = code->b;
	((uint16 *) (place.block + geometry->e_offset))[place.index] = code->e;
	if (geometry->transposed)
		put_groups(geometry, place, bits);
	else
	{
		char *own = place.block + place.index * geometry->code_bytes;

		if (bits == NULL)
			memset(own, 0, geometry->code_bytes);
		else
			memcpy(own, bits, geometry->code_bytes);
	}
}

void
ivfbq_set_bounds(const IvfbqGeometry *geometry, Page page)
{
	PageHeader header = (PageHeader) page;
	int nslots = ivfbq_codes(page)->nslots;
	int blocks = (nslots + geometry->block_slots - 1) / geometry->block_slots;

	header->pd_lower =
		(LocationIndex) (geometry->blocks_offset + blocks * geometry->block_bytes);
	header->pd_upper = (LocationIndex) (IVFBQ_CONTENT_END - sizeof(ItemPointerData) * nslots);
}

void
ivfbq_slot_put(const IvfbqGeometry *geometry, Page page, int slot, const IvfbqCode *code,
			   const uint8 *bits, const uint32 *tags, ItemPointer tid)
{
	IvfbqCodesData *codes = ivfbq_codes(page);
	SlotPlace place = slot_place(geometry, page, slot);

	Assert(!ivfbq_slot_is_live(geometry, page, slot));
	write_code(geometry, place, code, bits);
	for (int i = 0; i < geometry->ntags; i++)
		*slot_tag(geometry, place, i) = tags[i];
	memcpy(ivfbq_slot_tid(page, slot), tid, sizeof(ItemPointerData));
	ivfbq_live(geometry, page)[slot / geometry->block_slots] |= (uint32) 1 << place.index;
	codes->nlive++;
	if (codes->nslots <= slot)
		codes->nslots = (uint16) (slot + 1);
	ivfbq_set_bounds(geometry, page);
}

/* The slot counts as used ever after, so that the bounds stay. */
void
ivfbq_slot_clear(const IvfbqGeometry *geometry, Page page, int slot)
{
	SlotPlace place = slot_place(geometry, page, slot);

	Assert(ivfbq_slot_is_live(geometry, page, slot));
	write_code(geometry, place, NULL, NULL);
	for (int i = 0; i < geometry->ntags; i++)
		*slot_tag(geometry, place, i) = 0;
	memset(ivfbq_slot_tid(page, slot), 0, sizeof(ItemPointerData));
	ivfbq_live(geometry, page)[slot / geometry->block_slots] &= ~((uint32) 1 << place.index);
	ivfbq_codes(page)->nlive--;
}

void
ivfbq_slot_get(const IvfbqGeometry *geometry, Page page, int slot, IvfbqCode *code, uint8 *bits)
{
	SlotPlace place = slot_place(geometry, page, slot);

	Assert(geometry->code_dim > 0);
	code->a = ((float *) (place.block + geometry->a_offset))[place.index];
	code->b = ((uint16 *) (place.block + geometry->b_offset))[place.index];
	code->e = ((uint16 *) (place.block + geometry->e_offset))[place.index];
	if (bits == NULL)
		return;
	if (geometry->transposed)
		get_groups(geometry, place, bits);
	else
		memcpy(bits, place.block + place.index * geometry->code_bytes, geometry->code_bytes);
}

uint32
ivfbq_slot_tag(const IvfbqGeometry *geometry, Page page, int slot, int column)
{
	Assert(column >= 0 && column < geometry->ntags);
	return *slot_tag(geometry, slot_place(geometry, page, slot), column);
}

int
ivfbq_free_slot(const IvfbqGeometry *geometry, Page page)
{
	const uint32 *live = ivfbq_live(geometry, page);

	for (int slot = 0; slot < geometry->slots; slot++)
	{
		/* Words are full for the most part. */
		if (slot % geometry->block_slots == 0 &&
			live[slot / geometry->block_slots] == PG_UINT32_MAX)
		{
			slot += IVFBQ_BLOCK_SLOTS - 1;
			continue;
		}
		if (!ivfbq_slot_is_live(geometry, page, slot))
			return slot;
	}
	return -1;
}

/*
 * geometry.h
 *		How many rows a code page has, and where each part of a row lies.
 *
 * Follows from the dimension, the number of key tags and the block size alone, so that nothing
 * of it is stored.  Pure.
 */
#ifndef AGM_IVFBQ_GEOMETRY_H
#define AGM_IVFBQ_GEOMETRY_H

#include "ivfbq/format.h"

/* Set once, by ivfbq_geometry_init(). */
typedef struct IvfbqGeometry
{
	int dim;		   /* 0: a tids page, or a dimension that is not known yet */
	int ntags;		   /* tags a row: 0, or the number of key columns */
	int code_dim;	   /* D: bits of a code, a multiple of 4 */
	int ngroups;	   /* D / 4 */
	bool transposed;   /* blocks of 32 for scan_block; else codes of code_bytes in a row */
	int code_bytes;	   /* of one code, if not transposed: (D + 7) / 8 */
	int block_slots;   /* 32, fewer if not transposed */
	int blocks;		   /* of a page */
	int slots;		   /* of a page: blocks * block_slots */
	int row_bytes;	   /* of an 8-bit row; 0 on tids pages */
	int rows_per_page; /* on a refine page, if rows do not straddle; else 0 */
	int refine_pages;  /* of a code page, when it is full */

	/* Offsets from the page's start, and within a block. */
	int refine_offset; /* uint32 refine[refine_pages] */
	int live_offset;   /* uint32 live[blocks], bit i of word b: slot b * block_slots + i */
	int blocks_offset;
	int block_bytes;
	int a_offset;	 /* float A[block_slots] */
	int b_offset;	 /* uint16 B[block_slots], upper halves of floats */
	int e_offset;	 /* uint16 E[block_slots], the same */
	int tags_offset; /* uint32 tags[ntags][block_slots] */
} IvfbqGeometry;

/* dim 0: of tids pages. */
extern void ivfbq_geometry_init(IvfbqGeometry *geometry, int dim, int ntags);

static inline IvfbqCodesData *
ivfbq_codes(Page page)
{
	return (IvfbqCodesData *) IVFBQ_CONTENT(page);
}

static inline uint32 *
ivfbq_refine_blocks(const IvfbqGeometry *geometry, Page page)
{
	return (uint32 *) ((char *) page + geometry->refine_offset);
}

static inline uint32 *
ivfbq_live(const IvfbqGeometry *geometry, Page page)
{
	return (uint32 *) ((char *) page + geometry->live_offset);
}

static inline bool
ivfbq_slot_is_live(const IvfbqGeometry *geometry, Page page, int slot)
{
	return (ivfbq_live(geometry, page)[slot / geometry->block_slots] >>
			(slot % geometry->block_slots)) &
		   1;
}

static inline char *
ivfbq_block(const IvfbqGeometry *geometry, Page page, int block)
{
	return (char *) page + geometry->blocks_offset + (Size) block * geometry->block_bytes;
}

/* The TID of a slot, at the page's end. */
static inline ItemPointer
ivfbq_slot_tid(Page page, int slot)
{
	return (ItemPointer) ((char *) page + IVFBQ_CONTENT_END -
						  sizeof(ItemPointerData) * (slot + 1));
}

/* Factors and code of a slot; `code` is code_dim bits, first one in bit 0 of byte 0. */
typedef struct IvfbqCode
{
	float a;
	uint16 b;
	uint16 e;
} IvfbqCode;

/*
 * Puts a row's code, factors, tags and TID into a slot and sets its live bit, nslots, nlive,
 * pd_lower and pd_upper; or clears the bit and zeroes all of that.  `page` is a code page or, with
 * geometry->dim 0, a tids page (code and bits NULL).  The caller writes refine rows.
 */
extern void ivfbq_slot_put(const IvfbqGeometry *geometry, Page page, int slot,
						   const IvfbqCode *code, const uint8 *bits, const uint32 *tags,
						   ItemPointer tid);
extern void ivfbq_slot_clear(const IvfbqGeometry *geometry, Page page, int slot);

/* Reads a slot's code back: bits may be NULL. */
extern void ivfbq_slot_get(const IvfbqGeometry *geometry, Page page, int slot, IvfbqCode *code,
						   uint8 *bits);
extern uint32 ivfbq_slot_tag(const IvfbqGeometry *geometry, Page page, int slot, int column);

/* The first slot that is not live, or -1. */
extern int ivfbq_free_slot(const IvfbqGeometry *geometry, Page page);

/* pd_lower for a code page whose slots below nslots have been used. */
extern void ivfbq_set_bounds(const IvfbqGeometry *geometry, Page page);

/* Where slot's row lies: number of the refine page and byte behind IVFBQ_REFINE_START. */
static inline void
ivfbq_row_place(const IvfbqGeometry *geometry, int slot, int *number, int *offset)
{
	if (geometry->rows_per_page > 0)
	{
		*number = slot / geometry->rows_per_page;
		*offset = slot % geometry->rows_per_page * geometry->row_bytes;
	}
	else
	{
		Size place = (Size) slot * geometry->row_bytes;

		*number = (int) (place / IVFBQ_REFINE_BYTES);
		*offset = (int) (place % IVFBQ_REFINE_BYTES);
	}
}

/* The last refine page that slot's row touches. */
static inline int
ivfbq_row_last_page(const IvfbqGeometry *geometry, int slot)
{
	int number;
	int offset;

	ivfbq_row_place(geometry, slot, &number, &offset);
	return number + (int) ((offset + geometry->row_bytes - 1) / IVFBQ_REFINE_BYTES);
}

#endif

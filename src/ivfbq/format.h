/*
 * format.h
 *		The bytes of an index's pages, format version 1.  README.md, "Pages", says what they
 *		mean.
 *
 * Fixed-width fields in native byte order, as in PostgreSQL's own pages; what is called
 * unused is zero.  Whoever changes anything here makes another format.
 */
#ifndef AGM_IVFBQ_FORMAT_H
#define AGM_IVFBQ_FORMAT_H

#include "postgres.h"

#include "storage/block.h"
#include "storage/bufpage.h"
#include "storage/itemptr.h"

#define IVFBQ_MAGIC 0x1bf1b0a7
#define IVFBQ_VERSION 1
/* In the place where core's tools look for the kind of a page. */
#define IVFBQ_PAGE_ID 0xFF8B

#define IVFBQ_META_BLOCK 0
/* The first directory page: its cell 0 is the root, or the only key's. */
#define IVFBQ_ROOT_BLOCK 1

/* Codes of one bit have at least so many dimensions. */
#define IVFBQ_MIN_CODE_DIM 256
#define IVFBQ_MAX_DIM 16000
/* INDEX_MAX_KEYS less the vector. */
#define IVFBQ_MAX_KEYS 31

typedef enum IvfbqPageKind
{
	IVFBQ_PAGE_META = 1,
	IVFBQ_PAGE_DIRECTORY = 2,
	IVFBQ_PAGE_LISTS = 3,
	IVFBQ_PAGE_CODES = 4,
	IVFBQ_PAGE_TIDS = 5,
	IVFBQ_PAGE_REFINE = 6,
	IVFBQ_PAGE_BASE = 7,
	IVFBQ_PAGE_FREE = 8
} IvfbqPageKind;

/* Flags of the page's end. */
#define IVFBQ_PAGE_RETIRED 0x0001 /* kind is what it was; `retired` is set */

/*
 * At the end of each page (special space):
 *	0	8	retired		FullTransactionId, if IVFBQ_PAGE_RETIRED
 *	8	2	kind
 *	10	2	version
 *	12	2	flags
 *	14	2	page_id
 */
typedef struct IvfbqPageEndData
{
	uint64 retired;
	uint16 kind;
	uint16 version;
	uint16 flags;
	uint16 page_id;
} IvfbqPageEndData;

#define IVFBQ_PAGE_END(page) ((IvfbqPageEndData *) PageGetSpecialPointer(page))

/* Where the content of a page begins and ends. */
#define IVFBQ_CONTENT_START MAXALIGN(SizeOfPageHeaderData)
#define IVFBQ_CONTENT_END (BLCKSZ - MAXALIGN(sizeof(IvfbqPageEndData)))
#define IVFBQ_CONTENT(page) ((void *) ((char *) (page) + IVFBQ_CONTENT_START))

/* A cell: a place on a directory or lists page. */
typedef struct IvfbqCellRefData
{
	uint32 block; /* InvalidBlockNumber: none */
	uint16 index;
	uint16 unused;
} IvfbqCellRefData;

typedef IvfbqCellRefData IvfbqCellRef;

/*
 * A list, as its cell has it:
 *	0	4	head	first page, or InvalidBlockNumber: no pages
 *	4	4	tail	last page
 *	8	4	free	first of the pages with free slots, chained by `free`, or Invalid
 *	12	4	pages	how many from head to tail
 *	16	4	base	code page whose row is the base (lists of a clustered key), base page
 *					(others), or InvalidBlockNumber: the zero vector
 *	20	2	slot	the row of the base on its code page
 *	22	2	flags	IVFBQ_LIST_...
 */
typedef struct IvfbqListData
{
	uint32 head;
	uint32 tail;
	uint32 free;
	uint32 pages;
	uint32 base;
	uint16 slot;
	uint16 flags;
} IvfbqListData;

/* Flags of a list of a clustered key. */
#define IVFBQ_LIST_CLOSED 0x0001 /* gets neither rows nor pages any more */

/* Kinds of cells on directory pages. */
#define IVFBQ_CELL_NODE 1
#define IVFBQ_CELL_KEY 2

/* Flags of a key's cell. */
#define IVFBQ_KEY_CLUSTERED 0x0001 /* rows go to the lists of its centroids */
#define IVFBQ_KEY_BROUGHT 0x0002   /* its rows have been brought out of the nodes above */
#define IVFBQ_KEY_CLOSED 0x0004	   /* its lists are being made anew: rows go to its flat list */

/*
 * A cell of a directory page, a node's or a key's; `tags` makes its size depend on the number
 * of key columns.
 *	0	2	type		IVFBQ_CELL_NODE, IVFBQ_CELL_KEY
 *	2	2	flags		IVFBQ_KEY_...
 *	4	2	depth		of a node: 0 for the root
 *	6	2	wanted		of a clustered key: lists that its rows were worth when they were made
 *	8	8	hash		of a key; of a node: the bits that lead to it, highest first, rest zero
 *	16	24	rows		list of rows (a key's flat list)
 *	40	24	tids		list of rows without a direction
 *	64	8	next		the next key of the same node; of a node: its first key
 *	72	8	left		of a node: child for bit 0; of a key: the node it hangs on
 *	80	8	right		of a node: child for bit 1
 *	88	24	centroids	of a clustered key: rows whose TIDs are (block, cell + 1) of their lists
 *	112	4	lists		of a clustered key: first lists page
 *	116	4	lists_tail	its last lists page
 *	120	4	nlists		how many cells they have
 *	124	4	spread		float: mean squared distance of the rows from their centroid
 *	128	4k	tags		of a key: hash of each key column, as in IvfbqCodesData
 */
typedef struct IvfbqCellData
{
	uint16 type;
	uint16 flags;
	uint16 depth;
	uint16 wanted;
	uint64 hash;
	IvfbqListData rows;
	IvfbqListData tids;
	IvfbqCellRefData next;
	IvfbqCellRefData left;
	IvfbqCellRefData right;
	IvfbqListData centroids;
	uint32 lists;
	uint32 lists_tail;
	uint32 nlists;
	float spread;
	uint32 tags[IVFBQ_MAX_KEYS]; /* on a page only as many as the index has key columns */
} IvfbqCellData;

#define IVFBQ_CELL_SIZE(nkeys)                                                                 \
	MAXALIGN(offsetof(IvfbqCellData, tags) + sizeof(uint32) * (nkeys))

/*
 * Content of a directory page: ncells cells behind this.  All directory pages are chained.
 *	0	4	next		InvalidBlockNumber at the end
 *	4	2	ncells
 *	6	2	unused
 */
typedef struct IvfbqDirectoryData
{
	uint32 next;
	uint16 ncells;
	uint16 unused;
} IvfbqDirectoryData;

#define IVFBQ_CELLS_PER_PAGE(nkeys)                                                            \
	((IVFBQ_CONTENT_END - IVFBQ_CONTENT_START - MAXALIGN(sizeof(IvfbqDirectoryData))) /        \
	 IVFBQ_CELL_SIZE(nkeys))

/*
 * Content of a lists page: nlists IvfbqListData behind this.
 *	0	4	next
 *	4	2	nlists
 *	6	2	key_index	the clustered key's cell
 *	8	4	key_block
 *	12	4	unused
 */
typedef struct IvfbqListsData
{
	uint32 next;
	uint16 nlists;
	uint16 key_index;
	uint32 key_block;
	uint32 unused;
} IvfbqListsData;

#define IVFBQ_LISTS_PER_PAGE                                                                   \
	((IVFBQ_CONTENT_END - IVFBQ_CONTENT_START - sizeof(IvfbqListsData)) / sizeof(IvfbqListData))

/* Which list of the owner's cell a code page belongs to. */
#define IVFBQ_ROLE_ROWS 1
#define IVFBQ_ROLE_TIDS 2
#define IVFBQ_ROLE_CENTROIDS 3
#define IVFBQ_ROLE_LIST 4 /* the owner is a cell of a lists page */

/* Flags of a code page. */
#define IVFBQ_CODES_SEALED 0x0001  /* gets no rows any more */
#define IVFBQ_CODES_IN_FREE 0x0002 /* in the chain of its list's `free` */
#define IVFBQ_CODES_TAGS 0x0004	   /* rows have tags: the list is a node's */

/*
 * Content of a code page or tids page.  Behind this, at the offsets that geometry.h gives:
 * refine[], live[], the blocks; at the page's end, growing down, the TIDs.
 *	0	4	next			page of the list, or InvalidBlockNumber
 *	4	4	free			next page with free slots, if IN_FREE
 *	8	4	owner_block		cell of its list
 *	12	2	owner_index
 *	14	1	role			IVFBQ_ROLE_...
 *	15	1	unused
 *	16	2	flags			IVFBQ_CODES_...
 *	18	2	nslots			slots from here on have never been used
 *	20	2	nlive			bits set in live[]
 *	22	2	nrefine			refine pages that there are, of geometry's refine_pages
 */
typedef struct IvfbqCodesData
{
	uint32 next;
	uint32 free;
	uint32 owner_block;
	uint16 owner_index;
	uint8 role;
	uint8 unused;
	uint16 flags;
	uint16 nslots;
	uint16 nlive;
	uint16 nrefine;
} IvfbqCodesData;

/*
 * A block of slots: codes, A (float), B and E (uint16: the upper half of a float, which has the range of
 * norms that floats have), tags (uint32), each for 32 slots.
 */
#define IVFBQ_BLOCK_SLOTS 32

/*
 * Content of a refine page; rows behind this.
 *	0	4	codes_block		the code page
 *	4	2	number			which of its refine pages
 *	6	2	unused
 */
typedef struct IvfbqRefineData
{
	uint32 codes_block;
	uint16 number;
	uint16 unused;
} IvfbqRefineData;

#define IVFBQ_REFINE_START (IVFBQ_CONTENT_START + sizeof(IvfbqRefineData))
#define IVFBQ_REFINE_BYTES (IVFBQ_CONTENT_END - IVFBQ_REFINE_START)

/*
 * The head of an 8-bit row; dim bytes of code + 128 follow, and a zero if dim is odd.  Rows are
 * aligned to 2 bytes only: copy the head before looking at it.
 *	0	4	scale			float
 *	4	4	residual		float, |y - scale * code|, rounded up
 *	8	4	norm			float, |y|, rounded up
 *	12	4	square_sum		sum of code * code
 *	16	6	tid
 */
typedef struct IvfbqRowHeadData
{
	float scale;
	float residual;
	float norm;
	int32 square_sum;
	ItemPointerData tid;
} IvfbqRowHeadData;

#define IVFBQ_ROW_HEAD_SIZE 22
#define IVFBQ_ROW_SIZE(dim) (IVFBQ_ROW_HEAD_SIZE + (((dim) + 1) & ~1))

/*
 * Content of a base page: a part of an 8-bit row.
 *	0	4	next
 *	4	2	bytes
 *	6	2	unused
 */
typedef struct IvfbqBaseData
{
	uint32 next;
	uint16 bytes;
	uint16 unused;
} IvfbqBaseData;

#define IVFBQ_BASE_START (IVFBQ_CONTENT_START + sizeof(IvfbqBaseData))
#define IVFBQ_BASE_BYTES (IVFBQ_CONTENT_END - IVFBQ_BASE_START)

/*
 * Content of a free page.
 *	0	4	next	the next free page, or InvalidBlockNumber
 *	4	4	unused
 */
typedef struct IvfbqFreeData
{
	uint32 next;
	uint32 unused;
} IvfbqFreeData;

/* Recall targets that are calibrated: .90 .95 .98 .99 .999 */
#define IVFBQ_TARGETS 5

/* Metrics. */
#define IVFBQ_COSINE 'c'
#define IVFBQ_L2 'l'
#define IVFBQ_IP 'i'

/*
 * Content of the meta page.
 *	0	4	magic
 *	4	2	version
 *	6	2	nkeys			set once: key columns
 *	8	1	metric			set once
 *	9	1	refine			set once: 8
 *	10	2	unused
 *	12	4	dim				set once, with the first vector; 0 until then
 *	16	8	seed			set once: of the rotation
 *	24	8	switches		grows with each change that moves rows
 *	32	4	free			first free page, or Invalid
 *	36	4	free_pages
 *	40	4	directory_tail	last directory page
 *	44	4	mean			first base page of the index's mean, or Invalid
 *	48	8	calibrated_at	TimestampTz, 0: never
 *	56	4	sample			neighbours that were looked for
 *	60	20	thresholds		float each: README.md of the folder, "Recall target"
 *	80	4	calibrated_lists	how many lists there were
 */
typedef struct IvfbqMetaData
{
	uint32 magic;
	uint16 version;
	uint16 nkeys;
	char metric;
	uint8 refine;
	uint16 unused;
	uint32 dim;
	uint64 seed;
	uint64 switches;
	uint32 free;
	uint32 free_pages;
	uint32 directory_tail;
	uint32 mean;
	int64 calibrated_at;
	uint32 sample;
	float thresholds[IVFBQ_TARGETS];
	uint32 calibrated_lists;
	uint32 unused2;
} IvfbqMetaData;

/*
 * The byte tables above, said to the compiler: a struct of its fields' sizes has no gap, and a field that stands where
 * the table says shows that none is before it.  test/lint/portable.sh wants one for each struct.
 */
StaticAssertDecl(sizeof(float) == 4 && sizeof(ItemPointerData) == 6, "of the fields' types");
StaticAssertDecl(sizeof(IvfbqPageEndData) == 16 && offsetof(IvfbqPageEndData, page_id) == 14 &&
					 IVFBQ_CONTENT_END == BLCKSZ - 16,
				 "IvfbqPageEndData");
StaticAssertDecl(sizeof(IvfbqCellRefData) == 8 && offsetof(IvfbqCellRefData, index) == 4,
				 "IvfbqCellRefData");
StaticAssertDecl(sizeof(IvfbqListData) == 24 && offsetof(IvfbqListData, base) == 16 &&
					 offsetof(IvfbqListData, flags) == 22,
				 "IvfbqListData");
StaticAssertDecl(offsetof(IvfbqCellData, hash) == 8 && offsetof(IvfbqCellData, rows) == 16 &&
					 offsetof(IvfbqCellData, next) == 64 &&
					 offsetof(IvfbqCellData, centroids) == 88 &&
					 offsetof(IvfbqCellData, spread) == 124 &&
					 offsetof(IvfbqCellData, tags) == 128,
				 "IvfbqCellData");
StaticAssertDecl(sizeof(IvfbqDirectoryData) == 8 && offsetof(IvfbqDirectoryData, ncells) == 4,
				 "IvfbqDirectoryData");
StaticAssertDecl(sizeof(IvfbqListsData) == 16 && offsetof(IvfbqListsData, key_block) == 8,
				 "IvfbqListsData");
StaticAssertDecl(sizeof(IvfbqCodesData) == 24 && offsetof(IvfbqCodesData, role) == 14 &&
					 offsetof(IvfbqCodesData, nrefine) == 22,
				 "IvfbqCodesData");
StaticAssertDecl(sizeof(IvfbqRefineData) == 8 && offsetof(IvfbqRefineData, number) == 4,
				 "IvfbqRefineData");
StaticAssertDecl(offsetof(IvfbqRowHeadData, square_sum) == 12 &&
					 offsetof(IvfbqRowHeadData, tid) == 16 &&
					 offsetof(IvfbqRowHeadData, tid) + sizeof(ItemPointerData) ==
						 IVFBQ_ROW_HEAD_SIZE,
				 "IvfbqRowHeadData");
StaticAssertDecl(sizeof(IvfbqBaseData) == 8 && offsetof(IvfbqBaseData, bytes) == 4,
				 "IvfbqBaseData");
StaticAssertDecl(sizeof(IvfbqFreeData) == 8, "IvfbqFreeData");
StaticAssertDecl(sizeof(IvfbqMetaData) == 88 && offsetof(IvfbqMetaData, dim) == 12 &&
					 offsetof(IvfbqMetaData, seed) == 16 &&
					 offsetof(IvfbqMetaData, free) == 32 &&
					 offsetof(IvfbqMetaData, calibrated_at) == 48 &&
					 offsetof(IvfbqMetaData, thresholds) == 60 &&
					 offsetof(IvfbqMetaData, calibrated_lists) == 80,
				 "IvfbqMetaData");

#endif

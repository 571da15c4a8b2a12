/*
 * meta.h
 *		The meta page, what a backend remembers of it, and what operator classes say: types,
 *		metric, hashes of keys.
 */
#ifndef AGM_IVFBQ_META_H
#define AGM_IVFBQ_META_H

#include "fmgr.h"
#include "ivfbq/codec.h"
#include "ivfbq/page.h"

/* Support functions of operator classes. */
#define IVFBQ_HASH_PROC 1 /* key classes: (type, int8 seed) -> int8, the type's extended hash */
#define IVFBQ_TYPE_PROC 2 /* vector classes: (internal) -> internal, an IvfbqType */
#define IVFBQ_PROCS 2

/* Strategies. */
#define IVFBQ_DISTANCE_STRATEGY 1
#define IVFBQ_EQUAL_STRATEGY 2
#define IVFBQ_SPHERE_STRATEGY 3
#define IVFBQ_STRATEGIES 3

/* What the method has to know of a type of vectors, given by support function 2. */
typedef struct IvfbqType
{
	char metric;
	int max_dim;
	bool typmod_is_dim; /* the type modifier of a column, if it has one */
	/* Dimension of a value, and its floats (a pointer into the value, or palloc'd). */
	const float *(*floats)(Datum value, int *dim);
} IvfbqType;

/*
 * What a backend remembers: what never changes once it is there.  It stays where it is as long as
 * somebody has the index open, whatever the relation cache forgets.
 */
typedef struct IvfbqIndex
{
	char ident[16]; /* first: the name of its memory context, by which it is found again */
	Oid filenode;	/* a new file is a new index */
	IvfbqType type;
	int nkeys;
	int dim; /* 0: the index has no vector yet; nothing below is set then */
	uint64 seed;
	IvfbqCodec *codec;
	IvfbqGeometry rows;		   /* of lists of keys */
	IvfbqGeometry tagged_rows; /* of nodes */
	IvfbqGeometry tids;
	IvfbqGeometry tagged_tids;
	IvfbqBase *zero_base;
	BlockNumber base_block; /* of the base that ivfbq_index_base() keeps */
	IvfbqBase *kept_base;
	AgmRecent *recent;				  /* where its pages are */
	struct IvfbqCentroids *centroids; /* of the key that was asked for last: centroids.h */
	MemoryContext context;			  /* where all of this is */
} IvfbqIndex;

/* From the cache of the relation, else from the meta page.  Geometries of tids are always set. */
extern IvfbqIndex *ivfbq_index(Relation index);
/* Forgets it: a build makes a new index, perhaps in the same file. */
extern void ivfbq_index_forget(Relation index);

/* What an operator class says of the vectors, and what their column does: its dimension, or 0; raises an error above the limit. */
extern const IvfbqType *ivfbq_vector_type(Relation index);
extern int ivfbq_declared_dim(Relation index);

/* Sets the dimension if it is not set; raises an error naming both if it is another. */
extern IvfbqIndex *ivfbq_index_with_dim(Relation index, int dim, bool building);

/* A fresh meta page; directory.h has the page that follows it. */
extern void ivfbq_meta_init(Page page, const IvfbqType *type, int nkeys, int dim, uint64 seed);
/* A copy of the meta page's content. */
extern void ivfbq_meta_read(Relation index, IvfbqMetaData *meta);
static inline IvfbqMetaData *
ivfbq_meta(Page page)
{
	return (IvfbqMetaData *) IVFBQ_CONTENT(page);
}

/* The geometry of a page, by its flags; of a list of keys or nodes. */
extern const IvfbqGeometry *ivfbq_page_geometry(const IvfbqIndex *info, Page page);

/* The base with the 8-bit row at these base pages; zero for Invalid.  The last one is kept: not to be freed. */
extern IvfbqBase *ivfbq_index_base(Relation index, BlockNumber base);
/* Writes a row to new base pages; returns the first. */
extern BlockNumber ivfbq_write_base(Relation index, const char *row, bool building);

/* A key as the index sees it. */
typedef struct IvfbqKey
{
	uint64 hash;
	uint32 tags[IVFBQ_MAX_KEYS];
} IvfbqKey;

/* Of the leading columns of an index tuple. */
extern void ivfbq_key_of(Relation index, const Datum *values, const bool *isnull,
						 IvfbqKey *key);
/* 64-bit hash of one column; subtype: of the value, if it is not the column's (0). */
extern uint64 ivfbq_column_hash(Relation index, int column, Oid subtype, Datum value,
								bool isnull);
#define IVFBQ_TAG(hash) ((uint32) (hash))
/*
 * The hash of a key is one of its tags, so that maintenance knows the way of a row in the directory from
 * what the row's page has.
 */
extern uint64 ivfbq_tags_hash(const uint32 *tags, int n);
extern uint64 ivfbq_combine_hashes(const uint64 *hashes, int n);

/*
 * The 8-bit row of a vector, TID not set; false if it is NULL or has no direction.  Raises an
 * error if its dimension is not the index's; sets the index's if it has none yet.  Sets *info.
 * `row` has room for IVFBQ_ROW_SIZE(IVFBQ_MAX_DIM) bytes.
 */
extern bool ivfbq_row_of(Relation index, Datum value, bool isnull, bool building,
						 IvfbqIndex **info, char *row);

#endif

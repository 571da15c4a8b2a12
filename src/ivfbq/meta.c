/*
 * meta.c
 *		The meta page, what a backend remembers of it, and keys and vectors as the index
 *		sees them (meta.h).
 */
#include "postgres.h"

#include "access/genam.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "common/hashfn.h"
#include "datatype/timestamp.h"
#include "ivfbq/meta.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Of NULL in a key column: as good as any, and not what a type's hash gives often. */
#define NULL_HASH UINT64CONST(0xd1b54a32d192ed03)

/* What the relation's memory has of us, known by its name. */
#define CONTEXT_NAME "agentmem ivfbq index"

static int
key_columns(Relation index)
{
	return IndexRelationGetNumberOfKeyAttributes(index) - 1;
}

/* ---------------------------------------------------------------- the column of vectors */

const IvfbqType *
ivfbq_vector_type(Relation index)
{
	return (const IvfbqType *) DatumGetPointer(FunctionCall1(
		index_getprocinfo(index, (AttrNumber) (key_columns(index) + 1), IVFBQ_TYPE_PROC),
		PointerGetDatum(NULL)));
}

static void
check_limit(const IvfbqType *type, int dim)
{
	if (dim > type->max_dim)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("an ivfbq index cannot have more than %d dimensions, this has %d",
						type->max_dim, dim)));
}

/* A domain has its own modifier; that of a type which is not the operator class's means something else. */
int
ivfbq_declared_dim(Relation index)
{
	int column = key_columns(index);
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(index), column);
	const IvfbqType *type = ivfbq_vector_type(index);
	int32 typmod = attribute->atttypmod;
	Oid base = getBaseTypeAndTypmod(attribute->atttypid, &typmod);

	if (!type->typmod_is_dim || base != index->rd_opcintype[column] || typmod < 1)
		return 0;
	check_limit(type, typmod);
	return typmod;
}

/* ---------------------------------------------------------------- the meta page */

void
ivfbq_meta_init(Page page, const IvfbqType *type, int nkeys, int dim, uint64 seed)
{
	IvfbqMetaData *meta;

	ivfbq_page_init(page, IVFBQ_PAGE_META, sizeof(IvfbqMetaData));
	meta = ivfbq_meta(page);
	meta->magic = IVFBQ_MAGIC;
	meta->version = IVFBQ_VERSION;
	meta->nkeys = (uint16) nkeys;
	meta->metric = type->metric;
	meta->refine = 8;
	meta->dim = (uint32) dim;
	meta->seed = seed;
	meta->free = InvalidBlockNumber;
	meta->directory_tail = IVFBQ_ROOT_BLOCK;
	meta->mean = InvalidBlockNumber;
}

static void
check_meta(Relation index, const IvfbqMetaData *meta)
{
	if (meta->magic != IVFBQ_MAGIC || meta->nkeys != key_columns(index) ||
		meta->dim > IVFBQ_MAX_DIM || !IS_VALID_TIMESTAMP(meta->calibrated_at))
		ivfbq_corrupted(index, IVFBQ_META_BLOCK, "The meta page is damaged.");
}

void
ivfbq_meta_read(Relation index, IvfbqMetaData *meta)
{
	const IvfbqIndex *info =
		index->rd_amcache == NULL ? NULL : *(IvfbqIndex **) index->rd_amcache;
	Buffer buffer =
		info == NULL
			? ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_SHARE)
			: ivfbq_read_recent(index, info->recent, IVFBQ_META_BLOCK, IVFBQ_PAGE_META);

	*meta = *ivfbq_meta(BufferGetPage(buffer));
	UnlockReleaseBuffer(buffer);
	check_meta(index, meta);
}

/* ---------------------------------------------------------------- what a backend remembers */

/*
 * The relation cache frees rd_amcache, and nothing that it points to, whenever the relation is looked up
 * anew: at any time, with scans open that keep a pointer to what we remember.  So that is in a context
 * of our own below the relation's, which lives as long as the index is open, and is found there.
 */
static MemoryContext
find_context(Relation index)
{
	MemoryContext child;

	for (child = index->rd_indexcxt->firstchild; child != NULL; child = child->nextchild)
		if (strcmp(child->name, CONTEXT_NAME) == 0)
			return child;
	return NULL;
}

static void
remember(Relation index, IvfbqIndex *info)
{
	if (index->rd_amcache == NULL)
		index->rd_amcache = MemoryContextAlloc(index->rd_indexcxt, sizeof(IvfbqIndex *));
	*(IvfbqIndex **) index->rd_amcache = info;
}

/* What is set once there is a dimension; in the current context. */
static void
set_dim(IvfbqIndex *info, const IvfbqMetaData *meta)
{
	info->seed = meta->seed;
	info->codec = ivfbq_codec_new((int) meta->dim, info->type.metric, info->seed);
	ivfbq_geometry_init(&info->rows, (int) meta->dim, 0);
	ivfbq_geometry_init(&info->tagged_rows, (int) meta->dim, info->nkeys);
	info->zero_base = ivfbq_base_new(info->codec, NULL);
	info->dim = (int) meta->dim;
}

static IvfbqIndex *
read_index(Relation index, const IvfbqMetaData *meta)
{
	MemoryContext context =
		AllocSetContextCreate(index->rd_indexcxt, CONTEXT_NAME, ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	IvfbqIndex *info = palloc0(sizeof(IvfbqIndex));

	strlcpy(info->ident, "known", sizeof(info->ident));
	info->filenode = index->rd_rel->relfilenode;
	info->context = context;
	info->nkeys = meta->nkeys;
	info->type = *ivfbq_vector_type(index);
	info->base_block = InvalidBlockNumber;
	info->recent = palloc0(sizeof(AgmRecent));
	if (info->type.metric != meta->metric)
		ivfbq_corrupted(index, IVFBQ_META_BLOCK, "The meta page has another metric.");
	ivfbq_geometry_init(&info->tids, 0, 0);
	ivfbq_geometry_init(&info->tagged_tids, 0, info->nkeys);
	if (meta->dim > 0)
		set_dim(info, meta);
	MemoryContextSwitchTo(old);
	/* Only now: after an error it is not to be found. */
	MemoryContextSetIdentifier(context, info->ident);
	return info;
}

IvfbqIndex *
ivfbq_index(Relation index)
{
	IvfbqIndex *info = index->rd_amcache == NULL ? NULL : *(IvfbqIndex **) index->rd_amcache;
	IvfbqMetaData meta;

	if (unlikely(info == NULL))
	{
		MemoryContext context = find_context(index);

		if (context != NULL && context->ident != NULL &&
			((IvfbqIndex *) context->ident)->filenode == index->rd_rel->relfilenode)
			remember(index, info = (IvfbqIndex *) context->ident);
		else if (context != NULL)
			MemoryContextDelete(context);
	}
	if (likely(info != NULL && info->dim > 0))
		return info;

	/* As long as there is no dimension, somebody else may set it. */
	ivfbq_meta_read(index, &meta);
	if (info == NULL)
		info = read_index(index, &meta);
	else if (meta.dim > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(info->context);

		set_dim(info, &meta);
		MemoryContextSwitchTo(old);
	}
	remember(index, info);
	return info;
}

void
ivfbq_index_forget(Relation index)
{
	MemoryContext context = find_context(index);

	if (index->rd_amcache != NULL)
		pfree(index->rd_amcache);
	index->rd_amcache = NULL;
	if (context != NULL)
		MemoryContextDelete(context);
}

IvfbqIndex *
ivfbq_index_with_dim(Relation index, int dim, bool building)
{
	IvfbqIndex *info = ivfbq_index(index);

	if (unlikely(info->dim == 0))
	{
		Buffer buffer;

		check_limit(&info->type, dim);
		buffer = ivfbq_read(index, IVFBQ_META_BLOCK, IVFBQ_PAGE_META, BUFFER_LOCK_EXCLUSIVE);
		if (ivfbq_meta(BufferGetPage(buffer))->dim == 0)
		{
			IvfbqChange change = ivfbq_change_begin(index, building);

			ivfbq_meta(ivfbq_change_page(&change, buffer, false))->dim = (uint32) dim;
			ivfbq_change_finish(&change);
		}
		UnlockReleaseBuffer(buffer);
		info = ivfbq_index(index);
	}
	if (unlikely(info->dim != dim))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION),
						errmsg("expected %d dimensions, not %d", info->dim, dim),
						errdetail("Index \"%s\" is of vectors of %d dimensions.",
								  RelationGetRelationName(index), info->dim),
						building || ivfbq_declared_dim(index) > 0
							? 0
							: errhint("The first vector decided it, though it may be gone; "
									  "TRUNCATE and REINDEX leave it to the next.")));
	return info;
}

const IvfbqGeometry *
ivfbq_page_geometry(const IvfbqIndex *info, Page page)
{
	bool tagged = (ivfbq_codes(page)->flags & IVFBQ_CODES_TAGS) != 0;

	if (ivfbq_page_kind(page) == IVFBQ_PAGE_TIDS)
		return tagged ? &info->tagged_tids : &info->tids;
	return tagged ? &info->tagged_rows : &info->rows;
}

/* ---------------------------------------------------------------- bases */

IvfbqBase *
ivfbq_index_base(Relation index, BlockNumber base)
{
	IvfbqIndex *info = ivfbq_index(index);
	MemoryContext old;
	char *row;
	Size size = IVFBQ_ROW_SIZE(info->dim);
	Size done = 0;

	if (base == InvalidBlockNumber)
		return info->zero_base;
	if (info->kept_base != NULL && info->base_block == base)
		return info->kept_base;

	row = palloc(size);
	for (BlockNumber block = base; done < size;)
	{
		Buffer buffer = ivfbq_read(index, block, IVFBQ_PAGE_BASE, BUFFER_LOCK_SHARE);
		Page page = BufferGetPage(buffer);
		IvfbqBaseData *part = (IvfbqBaseData *) IVFBQ_CONTENT(page);

		if (part->bytes == 0 || part->bytes > IVFBQ_BASE_BYTES || part->bytes > size - done)
			ivfbq_corrupted(index, block, "A base has a wrong length.");
		memcpy(row + done, (char *) page + IVFBQ_BASE_START, part->bytes);
		done += part->bytes;
		block = part->next;
		UnlockReleaseBuffer(buffer);
	}

	old = MemoryContextSwitchTo(info->context);
	if (info->kept_base != NULL)
	{
		ivfbq_base_free(info->kept_base);
		info->kept_base = NULL;
	}
	info->kept_base = ivfbq_base_new(info->codec, row);
	info->base_block = base;
	MemoryContextSwitchTo(old);
	pfree(row);
	return info->kept_base;
}

/* From the last page to the first, so that each can name the next. */
BlockNumber
ivfbq_write_base(Relation index, const char *row, bool building)
{
	IvfbqIndex *info = ivfbq_index(index);
	Size size = IVFBQ_ROW_SIZE(info->dim);
	Size parts = (size + IVFBQ_BASE_BYTES - 1) / IVFBQ_BASE_BYTES;
	BlockNumber next = InvalidBlockNumber;

	while (parts-- > 0)
	{
		Size start = parts * IVFBQ_BASE_BYTES;
		Size bytes = Min(size - start, IVFBQ_BASE_BYTES);
		IvfbqNewPage new_page = ivfbq_new_page(index, building);
		IvfbqChange change = ivfbq_change_begin(index, building);
		Page page =
			ivfbq_take_page(&change, &new_page, IVFBQ_PAGE_BASE, sizeof(IvfbqBaseData) + bytes);
		IvfbqBaseData *part = (IvfbqBaseData *) IVFBQ_CONTENT(page);

		part->next = next;
		part->bytes = (uint16) bytes;
		memcpy((char *) page + IVFBQ_BASE_START, row + start, bytes);
		ivfbq_change_finish(&change);
		next = BufferGetBlockNumber(new_page.buffer);
		ivfbq_release_new_page(&new_page);
	}
	return next;
}

/* ---------------------------------------------------------------- keys and vectors */

uint64
ivfbq_column_hash(Relation index, int column, Oid subtype, Datum value, bool isnull)
{
	Oid collation = index->rd_indcollation[column];
	Oid own = index->rd_opcintype[column];

	if (isnull)
		return NULL_HASH;
	if (OidIsValid(subtype) && subtype != own)
	{
		Oid function =
			get_opfamily_proc(index->rd_opfamily[column], subtype, subtype, IVFBQ_HASH_PROC);

		if (!OidIsValid(function))
			elog(ERROR, "no hash function for type %u in operator family %u", subtype,
				 index->rd_opfamily[column]);
		return DatumGetUInt64(
			OidFunctionCall2Coll(function, collation, value, Int64GetDatum(0)));
	}
	return DatumGetUInt64(
		FunctionCall2Coll(index_getprocinfo(index, column + 1, IVFBQ_HASH_PROC), collation,
						  value, Int64GetDatum(0)));
}

uint64
ivfbq_tags_hash(const uint32 *tags, int n)
{
	switch (n)
	{
		case 0:
			return 0;
		case 1:
			return (uint64) tags[0] << 32 | tags[0];
		default:
			return hash_bytes_extended((const unsigned char *) tags, (int) sizeof(uint32) * n,
									   0);
	}
}

uint64
ivfbq_combine_hashes(const uint64 *hashes, int n)
{
	uint32 tags[IVFBQ_MAX_KEYS];

	for (int i = 0; i < n; i++)
		tags[i] = IVFBQ_TAG(hashes[i]);
	return ivfbq_tags_hash(tags, n);
}

void
ivfbq_key_of(Relation index, const Datum *values, const bool *isnull, IvfbqKey *key)
{
	int n = key_columns(index);

	for (int i = 0; i < n; i++)
		key->tags[i] = IVFBQ_TAG(ivfbq_column_hash(index, i, InvalidOid, values[i], isnull[i]));
	key->hash = ivfbq_tags_hash(key->tags, n);
}

bool
ivfbq_row_of(Relation index, Datum value, bool isnull, bool building, IvfbqIndex **info,
			 char *row)
{
	const float *x;
	float *y;
	int dim;
	double doubt;
	bool has_direction;

	if (isnull)
	{
		*info = ivfbq_index(index);
		return false;
	}
	x = ivfbq_index(index)->type.floats(value, &dim);
	*info = ivfbq_index_with_dim(index, dim, building);
	y = palloc(sizeof(float) * dim);
	has_direction = ivfbq_rotate((*info)->codec, x, y, &doubt);
	if (has_direction)
		ivfbq_quantize((*info)->codec, y, doubt, row);
	pfree(y);
	return has_direction;
}

/*
 * density_fn.c
 *		What share of an index is in use, by some of its pages.
 *
 * Rules: src/consolidate/README.md, "Indexes".
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/gin_private.h"
#include "access/nbtree.h"
#include "access/relation.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(agm_fn_index_density);

/* Pages that are looked at, at even distances. */
#define SAMPLE 64

/* Of pages: what they could hold, and what of that is in use. */
typedef struct Usage
{
	double bytes;
	double used;
} Usage;

/* Of leaves, and of pages that are none any more. */
static void
add_btree_page(Page page, Usage *usage)
{
	double capacity = BLCKSZ - SizeOfPageHeaderData - MAXALIGN(sizeof(BTPageOpaqueData));

	if (PageIsNew(page) || P_IGNORE(BTPageGetOpaque(page)))
		usage->bytes += capacity;
	else if (P_ISLEAF(BTPageGetOpaque(page)))
	{
		usage->bytes += capacity;
		usage->used += capacity - PageGetExactFreeSpace(page);
	}
}

/*
 * GIN keeps the entry of a key whose rows are all gone, and new leaves are half full: of those
 * it is told what share of the entries leads to rows.
 */
static void
add_gin_page(Page page, Usage *usage)
{
	if (PageIsNew(page) || GinPageIsDeleted(page))
		usage->bytes += BLCKSZ;
	else if (GinPageIsLeaf(page) && !GinPageIsData(page) && !GinPageIsList(page))
		for (OffsetNumber i = FirstOffsetNumber; i <= PageGetMaxOffsetNumber(page); i++)
		{
			IndexTuple entry = (IndexTuple) PageGetItem(page, PageGetItemId(page, i));
			double size = MAXALIGN(IndexTupleSize(entry));

			usage->bytes += size;
			if (GinIsPostingTree(entry) || GinGetNPosting(entry) > 0)
				usage->used += size;
		}
}

static double
density(Relation index)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	bool is_gin = index->rd_rel->relam == GIN_AM_OID;
	/* The first page is no part of the tree. */
	BlockNumber npages = RelationGetNumberOfBlocks(index) - 1;
	int sampled = Min(npages, SAMPLE);
	Usage usage = {0, 0};

	for (int i = 0; i < sampled; i++)
	{
		BlockNumber block = 1 + (BlockNumber) ((uint64) npages * i / sampled);
		Buffer buffer;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		if (is_gin)
			add_gin_page(BufferGetPage(buffer), &usage);
		else
			add_btree_page(BufferGetPage(buffer), &usage);
		UnlockReleaseBuffer(buffer);
	}
	FreeAccessStrategy(strategy);
	return usage.bytes == 0 ? 1 : usage.used / usage.bytes;
}

/* index_density(index): for who may maintain the table. */
Datum
agm_fn_index_density(PG_FUNCTION_ARGS)
{
	Oid oid = PG_GETARG_OID(0);
	Oid table = IndexGetRelation(oid, true);
	Relation index;
	double result;

	if (OidIsValid(table) && !agm_may_maintain(table, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
	/* As the server's functions of sizes: NULL for what is not there, or no longer. */
	index = try_relation_open(oid, AccessShareLock);
	if (index == NULL)
		PG_RETURN_NULL();
	if (index->rd_rel->relkind != RELKIND_INDEX ||
		(index->rd_rel->relam != BTREE_AM_OID && index->rd_rel->relam != GIN_AM_OID) ||
		RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a B-tree or GIN index of this session or of all",
							   RelationGetRelationName(index))));
	result = density(index);
	relation_close(index, AccessShareLock);
	PG_RETURN_FLOAT4((float4) result);
}

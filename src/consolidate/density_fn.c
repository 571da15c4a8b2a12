/*
 * density_fn.c
 *		How full the pages of a B-tree are, by some of them.
 *
 * Rules: src/consolidate/README.md, "Indexes".
 */
#include "postgres.h"

#include "access/genam.h"
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

/* What of a leaf, or of a page that is none any more, is in use; -1: of the tree above the leaves. */
static double
share_in_use(Page page)
{
	BTPageOpaque opaque;

	if (PageIsNew(page))
		return 0;
	opaque = BTPageGetOpaque(page);
	if (P_IGNORE(opaque))
		return 0;
	if (!P_ISLEAF(opaque))
		return -1;
	return 1 - (double) PageGetExactFreeSpace(page) /
				   (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(sizeof(BTPageOpaqueData)));
}

static double
density(Relation index)
{
	BufferAccessStrategy strategy = GetAccessStrategy(BAS_BULKREAD);
	/* The first page is no part of the tree. */
	BlockNumber npages = RelationGetNumberOfBlocks(index) - 1;
	int sampled = Min(npages, SAMPLE);
	double sum = 0;
	int n = 0;

	for (int i = 0; i < sampled; i++)
	{
		BlockNumber block = 1 + (BlockNumber) ((uint64) npages * i / sampled);
		Buffer buffer;
		double share;

		CHECK_FOR_INTERRUPTS();
		buffer = ReadBufferExtended(index, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		share = share_in_use(BufferGetPage(buffer));
		UnlockReleaseBuffer(buffer);
		if (share >= 0)
		{
			sum += share;
			n++;
		}
	}
	FreeAccessStrategy(strategy);
	return n == 0 ? 1 : sum / n;
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
	if (index->rd_rel->relkind != RELKIND_INDEX || index->rd_rel->relam != BTREE_AM_OID ||
		RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a B-tree of this session or of all",
							   RelationGetRelationName(index))));
	result = density(index);
	relation_close(index, AccessShareLock);
	PG_RETURN_FLOAT4((float4) result);
}

/*
 * scrub_fn.c
 *		SQL boundary of scrubbing: ivfbq_scrub(index, tids).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "ivfbq/insert.h"
#include "ivfbq/maintain.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(agm_fn_ivfbq_scrub);

static ItemPointerData *
unpack_tids(ArrayType *array, int *n)
{
	Datum *values;
	bool *isnull;
	ItemPointerData *tids;

	deconstruct_array(array, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT, &values,
					  &isnull, n);
	tids = palloc(sizeof(ItemPointerData) * Max(1, *n));
	for (int i = 0; i < *n; i++)
	{
		if (isnull[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("tids must not contain nulls")));
		tids[i] = *(ItemPointer) DatumGetPointer(values[i]);
	}
	return tids;
}

/* The table first, then the index; VACUUM of it is kept out, other writers are not. */
static void
open_index(Oid oid, Relation *heap, Relation *index)
{
	Oid table = IndexGetRelation(oid, true);

	if (OidIsValid(table))
	{
		if (!agm_may_maintain(table, GetUserId()))
			aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(table));
		*heap = table_open(table, ShareUpdateExclusiveLock);
	}
	else if (get_rel_name(oid) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("index with OID %u does not exist", oid)));
	*index = index_open(oid, RowExclusiveLock);
	/* Another may have its number since it was looked up. */
	if (!OidIsValid(table) || table != IndexGetRelation(oid, false))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("could not open the table of index \"%s\"",
							   RelationGetRelationName(*index))));
	if ((*index)->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("index \"%s\" is partitioned", RelationGetRelationName(*index)),
						errhint("Name the index of a partition.")));
	if ((*index)->rd_indam->aminsert != ivfbqinsert)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("index \"%s\" is not an ivfbq index",
							   RelationGetRelationName(*index))));
	if (RELATION_IS_OTHER_TEMP(*index))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot access temporary indexes of other sessions")));
}

Datum
agm_fn_ivfbq_scrub(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"index", "tids"};
	ItemPointerData *tids;
	Relation heap = NULL;
	Relation index;
	int64 cleared = 0;
	int n;

	for (int i = 0; i < (int) lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
	PreventCommandIfReadOnly("ivfbq_scrub()");
	PreventCommandDuringRecovery("ivfbq_scrub()");
	tids = unpack_tids(PG_GETARG_ARRAYTYPE_P(1), &n);
	open_index(PG_GETARG_OID(0), &heap, &index);
	if (n > 0)
		cleared = ivfbq_scrub(index, heap, tids, n);
	index_close(index, RowExclusiveLock);
	table_close(heap, ShareUpdateExclusiveLock);
	PG_RETURN_INT64(cleared);
}

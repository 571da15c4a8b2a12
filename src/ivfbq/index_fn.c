/*
 * index_fn.c
 *		SQL boundary of what is asked about an index: index_check, index_stats, index_recall,
 *		index_estimate.
 *
 * Decides who may ask, and that it is an index of ours that is asked about.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type_d.h"
#include "fmgr.h"
#include "funcapi.h"
#include "ivfbq/check.h"
#include "ivfbq/insert.h"
#include "ivfbq/stats.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(agm_fn_index_check);
PG_FUNCTION_INFO_V1(agm_fn_index_estimate);
PG_FUNCTION_INFO_V1(agm_fn_index_recall);
PG_FUNCTION_INFO_V1(agm_fn_index_stats);

#define MAX_SAMPLE 10000
#define MAX_K 1000

static void
refuse_null(FunctionCallInfo fcinfo, int n, const char *const *names)
{
	for (int i = 0; i < n; i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("%s must not be null", names[i])));
}

/* Who may do maintenance of the table, if `maintain`; else who may read it, all its rows. */
static void
check_privilege(Oid table, bool maintain)
{
	AclResult result = ACLCHECK_OK;

	if (maintain && !agm_may_maintain(table, GetUserId()))
		result = ACLCHECK_NOT_OWNER;
	else if (!maintain)
	{
		result = pg_class_aclcheck(table, GetUserId(), ACL_SELECT);
		if (result == ACLCHECK_OK && check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
			ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
							errmsg("permission denied for table %s", get_rel_name(table)),
							errdetail("Its row security policies hide rows of it.")));
	}
	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_TABLE, get_rel_name(table));
}

/* Refuses what is no index of this method, or cannot be looked at. */
static void
check_index(Relation index)
{
	const char *name = RelationGetRelationName(index);

	if (index->rd_rel->relkind == RELKIND_PARTITIONED_INDEX)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("index \"%s\" is partitioned", name),
						errhint("Name the index of a partition.")));
	if (index->rd_indam->aminsert != ivfbqinsert)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("index \"%s\" is not an ivfbq index", name)));
	if (RELATION_IS_OTHER_TEMP(index))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot access temporary indexes of other sessions")));
	if (RecoveryInProgress() && !RelationNeedsWAL(index))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot access unlogged index \"%s\" during recovery", name)));
}

/* The table first, then the index, as every statement does. */
static void
open_index(Oid oid, bool maintain, Relation *heap, Relation *index)
{
	Oid table = IndexGetRelation(oid, true);

	if (OidIsValid(table))
	{
		check_privilege(table, maintain);
		*heap = table_open(table, AccessShareLock);
	}
	else if (get_rel_name(oid) == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("index with OID %u does not exist", oid)));
	*index = index_open(oid, AccessShareLock);
	/* Nobody was kept from dropping it, and another may have its number, before it was locked. */
	if (!OidIsValid(table) || table != IndexGetRelation(oid, false))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("could not open the table of index \"%s\"",
							   RelationGetRelationName(*index))));
	check_index(*index);
}

static void
close_index(Relation heap, Relation index)
{
	index_close(index, AccessShareLock);
	table_close(heap, AccessShareLock);
}

/* What is not valid may lack rows. */
static void
check_valid(Relation index)
{
	if (!index->rd_index->indisvalid)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" is not valid", RelationGetRelationName(index)),
				 errhint("It is being built, or its build failed: REINDEX or drop it.")));
}

static HeapTuple
make_row(FunctionCallInfo fcinfo, Datum *values, bool *isnull)
{
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return heap_form_tuple(BlessTupleDesc(desc), values, isnull);
}

Datum
agm_fn_index_check(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"index", "heapallindexed"};
	Relation heap = NULL;
	Relation index;
	int64 rows;

	refuse_null(fcinfo, lengthof(names), names);
	open_index(PG_GETARG_OID(0), true, &heap, &index);
	check_valid(index);
	rows = ivfbq_check(heap, index, PG_GETARG_BOOL(1));
	close_index(heap, index);
	PG_RETURN_INT64(rows);
}

/* ---------------------------------------------------------------- index_stats */

/* The columns, one after the other. */
typedef struct Columns
{
	Datum values[40];
	bool isnull[40];
	int n;
} Columns;

static void
add_column(Columns *columns, Datum value, bool isnull)
{
	Assert(columns->n < (int) lengthof(columns->values));
	columns->values[columns->n] = value;
	columns->isnull[columns->n++] = isnull;
}

static void
add_count(Columns *columns, int64 count)
{
	add_column(columns, Int64GetDatum(count), false);
}

static void
add_share(Columns *columns, double share, bool isnull)
{
	add_column(columns, Float8GetDatum(share), isnull);
}

static const char *
metric_name(char metric)
{
	return metric == IVFBQ_COSINE ? "cosine" : metric == IVFBQ_L2 ? "l2" : "ip";
}

static void
add_calibration(Columns *columns, const IvfbqMetaData *meta)
{
	bool none = meta->calibrated_at == 0;
	Datum thresholds[IVFBQ_TARGETS];

	for (int i = 0; i < IVFBQ_TARGETS; i++)
		thresholds[i] = Float4GetDatum(meta->thresholds[i]);
	add_column(columns, TimestampTzGetDatum(meta->calibrated_at), none);
	add_column(columns, Int32GetDatum((int32) meta->sample), none);
	add_column(columns,
			   PointerGetDatum(construct_array(thresholds, IVFBQ_TARGETS, FLOAT4OID,
											   sizeof(float4), true, TYPALIGN_INT)),
			   none);
}

/* In the order of index.sql. */
static void
add_stats(Columns *columns, const IvfbqStats *stats)
{
	static const IvfbqPageKind kinds[] = {
		IVFBQ_PAGE_DIRECTORY, IVFBQ_PAGE_LISTS, IVFBQ_PAGE_CODES, IVFBQ_PAGE_TIDS,
		IVFBQ_PAGE_REFINE,	  IVFBQ_PAGE_BASE,	IVFBQ_PAGE_FREE};
	const IvfbqMetaData *meta = &stats->meta;

	add_column(columns, Int32GetDatum(meta->version), false);
	add_column(columns, CStringGetTextDatum(metric_name(meta->metric)), false);
	add_column(columns, Int32GetDatum((int32) meta->dim), meta->dim == 0);
	add_column(columns, Int32GetDatum(meta->nkeys), false);
	add_count(columns, stats->rows);
	add_count(columns, stats->directionless);
	add_count(columns, (int64) stats->pages * BLCKSZ);
	add_count(columns, stats->pages);
	for (int i = 0; i < (int) lengthof(kinds); i++)
		add_count(columns, stats->page_kinds[kinds[i]]);
	add_count(columns, stats->retired_pages);
	add_count(columns, stats->page_kinds[0]);
	add_count(columns, stats->free_slots);
	add_count(columns, stats->unused_slots);
	add_count(columns, stats->nodes);
	add_count(columns, stats->keys);
	add_count(columns, stats->clustered_keys);
	add_count(columns, stats->lists);
	add_share(columns,
			  stats->lists == 0 ? 0 : (double) stats->list_rows / (double) stats->lists,
			  stats->lists == 0);
	add_share(columns, stats->bits_min, stats->bit_rows == 0);
	add_share(columns, stats->bits_avg, stats->bit_rows == 0);
	add_share(columns, stats->bits_max, stats->bit_rows == 0);
	add_count(columns, (int64) meta->switches);
	add_calibration(columns, meta);
}

Datum
agm_fn_index_stats(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"index"};
	Relation heap = NULL;
	Relation index;
	IvfbqStats stats;
	Columns columns = {.n = 0};

	refuse_null(fcinfo, lengthof(names), names);
	open_index(PG_GETARG_OID(0), false, &heap, &index);
	ivfbq_stats(index, &stats);
	close_index(heap, index);
	add_stats(&columns, &stats);
	PG_RETURN_DATUM(HeapTupleGetDatum(make_row(fcinfo, columns.values, columns.isnull)));
}

/* ---------------------------------------------------------------- index_recall, index_estimate */

static void
check_range(const char *name, int64 value, int64 min, int64 max)
{
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be " INT64_FORMAT " to " INT64_FORMAT ", not " INT64_FORMAT,
						name, min, max, value)));
}

Datum
agm_fn_index_recall(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"index", "sample", "k"};
	Relation heap = NULL;
	Relation index;
	IvfbqMeasured measured;
	Columns columns = {.n = 0};
	bool none;

	refuse_null(fcinfo, lengthof(names), names);
	check_range("sample", PG_GETARG_INT32(1), 1, MAX_SAMPLE);
	check_range("k", PG_GETARG_INT32(2), 1, MAX_K);
	open_index(PG_GETARG_OID(0), false, &heap, &index);
	check_valid(index);
	ivfbq_measure(heap, index, PG_GETARG_INT32(1), PG_GETARG_INT32(2), &measured);
	close_index(heap, index);

	none = measured.queries == 0;
	add_column(&columns, Int32GetDatum(measured.queries), false);
	add_share(&columns, measured.recall, none);
	add_share(&columns, measured.recall_min, none);
	add_share(&columns, measured.milliseconds, none);
	add_share(&columns, measured.exact_milliseconds, none);
	PG_RETURN_DATUM(HeapTupleGetDatum(make_row(fcinfo, columns.values, columns.isnull)));
}

Datum
agm_fn_index_estimate(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"rows", "dimensions"};

	refuse_null(fcinfo, lengthof(names), names);
	/* Beyond that the pages of an index have no numbers, however small the vectors. */
	check_range("rows", PG_GETARG_INT64(0), 0, INT64CONST(1000000000000));
	check_range("dimensions", PG_GETARG_INT32(1), 1, IVFBQ_MAX_DIM);
	PG_RETURN_INT64((int64) ivfbq_estimate_bytes(PG_GETARG_INT64(0), PG_GETARG_INT32(1)));
}

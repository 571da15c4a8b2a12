/*
 * plain_fn.c
 *		SQL boundary of the view maintenance_status: reads columns of a store's table without
 *		running anything of its owner's (README, "The view").
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(agm_fn_plain_rows);

#define COLUMNS_MAX 8

typedef struct Columns
{
	int n;
	const char *names[COLUMNS_MAX];
} Columns;

static void
get_columns(ArrayType *array, Columns *columns)
{
	Datum *names;

	deconstruct_array(array, NAMEOID, NAMEDATALEN, false, TYPALIGN_CHAR, &names, NULL,
					  &columns->n);
	if (columns->n > COLUMNS_MAX)
		elog(ERROR, "plain_rows() reads %d columns at most", COLUMNS_MAX);
	for (int i = 0; i < columns->n; i++)
		columns->names[i] = NameStr(*DatumGetName(names[i]));
}

/* Values of these say what they are by code of the server's. */
static bool
is_plain_type(Oid type)
{
	return type == TEXTOID || type == INT8OID || type == INT4OID || type == TIMESTAMPTZOID ||
		   type == JSONBOID;
}

/* Where the column stands in the rows of a table; 0: it has none of that name and a plain type. */
static int
find_column(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return is_plain_type(attribute->atttypid) ? i + 1 : 0;
	}
	return 0;
}

static char *
column_text(TupleTableSlot *slot, int attno)
{
	Oid output;
	bool varlena;
	bool isnull;
	Datum value;

	if (attno == 0)
		return NULL;
	value = slot_getattr(slot, attno, &isnull);
	if (isnull)
		return NULL;
	getTypeOutputInfo(TupleDescAttr(slot->tts_tupleDescriptor, attno - 1)->atttypid, &output,
					  &varlena);
	return OidOutputFunctionCall(output, value);
}

static ArrayType *
row_array(TupleTableSlot *slot, const int *attnos, int n)
{
	Datum values[COLUMNS_MAX];
	bool nulls[COLUMNS_MAX];
	int lower = 1;

	for (int i = 0; i < n; i++)
	{
		char *text = column_text(slot, attnos[i]);

		nulls[i] = text == NULL;
		values[i] = text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
	}
	return construct_md_array(values, nulls, 1, &n, &lower, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
read_table(Relation rel, const Columns *columns, ReturnSetInfo *result)
{
	TableScanDesc scan = agm_beginscan(rel, GetActiveSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem row", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	int attnos[COLUMNS_MAX];

	for (int i = 0; i < columns->n; i++)
		attnos[i] = find_column(RelationGetDescr(rel), columns->names[i]);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		Datum row = PointerGetDatum(row_array(slot, attnos, columns->n));
		bool isnull = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, &row, &isnull);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

/* Ordinary tables only, which the caller may read as a whole; they stay locked. */
static bool
may_read(List *tables, Oid table)
{
	ListCell *cell;

	foreach (cell, tables)
	{
		char kind = get_rel_relkind(lfirst_oid(cell));

		if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
			return false;
	}
	return check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
}

static bool
may_select(Oid table)
{
	char kind = get_rel_relkind(table);

	/* One that is gone has no rows; another's privilege is not asked for it. */
	return kind == '\0' || ((kind == RELKIND_RELATION || kind == RELKIND_PARTITIONED_TABLE) &&
							pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK);
}

/* One row, which is NULL. */
static Datum
refused(ReturnSetInfo *result)
{
	Datum row = (Datum) 0;
	bool isnull = true;

	tuplestore_putvalues(result->setResult, result->setDesc, &row, &isnull);
	return (Datum) 0;
}

Datum
agm_fn_plain_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid table = PG_GETARG_OID(0);
	Relation rel;
	Columns columns;
	List *tables;
	ListCell *cell;

	get_columns(PG_GETARG_ARRAYTYPE_P(1), &columns);
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	/* Nobody locks what he may not read. */
	if (!may_select(table))
		return refused(result);
	rel = try_relation_open(table, AccessShareLock);
	if (rel == NULL)
		return (Datum) 0;
	relation_close(rel, NoLock);
	if (!may_select(table))
		return refused(result);
	tables = find_all_inheritors(table, AccessShareLock, NULL);
	if (!may_read(tables, table))
		return refused(result);
	foreach (cell, tables)
	{
		rel = relation_open(lfirst_oid(cell), NoLock);
		if (rel->rd_rel->relkind == RELKIND_RELATION)
			read_table(rel, &columns, result);
		relation_close(rel, NoLock);
	}
	return (Datum) 0;
}

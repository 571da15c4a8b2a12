/*
 * store_fn.c
 *		SQL boundary of the view stores: reads one setting of a schema that says it is a
 *		store, without running anything of that schema's.
 *
 * The view looks at schemas that anyone may have made, with the reader's privileges, so no
 * SQL may touch them: a view, a policy, a cast or an operator of theirs would run as the
 * reader.  Hence the one scan of a table in C (README, "Listing").
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/tableam.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(agm_fn_store_setting);

static bool
is_text_column(TupleDesc desc, int attno, const char *name)
{
	Form_pg_attribute attribute;

	if (attno > desc->natts)
		return false;
	attribute = TupleDescAttr(desc, attno - 1);
	return !attribute->attisdropped && attribute->atttypid == TEXTOID &&
		   strcmp(NameStr(attribute->attname), name) == 0;
}

/* An ordinary table (name text, value text ...) without policies that the caller may read. */
static bool
is_setting_table(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relrowsecurity &&
		   is_text_column(RelationGetDescr(rel), 1, "name") &&
		   is_text_column(RelationGetDescr(rel), 2, "value") &&
		   pg_class_aclcheck(RelationGetRelid(rel), GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

static text *
find_setting(Relation rel, const char *name)
{
	TableScanDesc scan = agm_beginscan(rel, GetActiveSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	text *value = NULL;

	while (value == NULL && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool isnull;
		Datum key = slot_getattr(slot, 1, &isnull);

		CHECK_FOR_INTERRUPTS();
		if (isnull || strcmp(TextDatumGetCString(key), name) != 0)
			continue;
		key = slot_getattr(slot, 2, &isnull);
		if (!isnull)
			value = DatumGetTextPCopy(key);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	return value;
}

Datum
agm_fn_store_setting(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	Relation rel = try_relation_open(table, AccessShareLock);
	text *value = NULL;

	if (rel == NULL)
		PG_RETURN_NULL();
	if (is_setting_table(rel))
		value = find_setting(rel, text_to_cstring(PG_GETARG_TEXT_PP(1)));
	relation_close(rel, AccessShareLock);
	if (value == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(value);
}

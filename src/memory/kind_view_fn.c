/*
 * kind_view_fn.c
 *		The trigger of the views of kinds: a row of the view becomes one of the table memory.
 *
 * The statements come as the trigger's arguments, made by create_kind_view: the INSERT, the
 * UPDATE, and what they return.  Rules: src/memory/README.md, "Typed attributes".
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/compat.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_write_kind_view);

typedef enum Argument
{
	INSERT_STATEMENT,
	UPDATE_STATEMENT,
	RETURNED_COLUMNS,
	N_ARGUMENTS
} Argument;

/* Where the row as it was stored goes. */
typedef struct Stored
{
	MemoryContext context;
	HeapTuple tuple;
} Stored;

static void
keep_row(TupleTableSlot *slot, void *arg)
{
	Stored *stored = arg;
	MemoryContext old = MemoryContextSwitchTo(stored->context);

	stored->tuple = ExecCopySlotHeapTuple(slot);
	MemoryContextSwitchTo(old);
}

static void
row_param(AgmParams *params, Relation view, HeapTuple tuple)
{
	Datum row = (Datum) 0;

	if (tuple != NULL)
		row = heap_copy_tuple_as_datum(tuple, RelationGetDescr(view));
	agm_param(params, view->rd_rel->reltype, row, tuple == NULL);
}

static void
check_protocol(FunctionCallInfo fcinfo, const TriggerData *trigger)
{
	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs != N_ARGUMENTS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("write_kind_view() belongs to the views of kinds"),
				 errhint("SELECT agentmem.create_kind_view(store, kind) makes one anew.")));
}

/*
 * What the kind declares has a column of its own, behind `attributes`: two values for one
 * attribute are refused.
 */
static void
check_rest(Relation view, HeapTuple row)
{
	TupleDesc desc = RelationGetDescr(view);
	int attno = SPI_fnumber(desc, "attributes");
	bool isnull = true;
	Datum value = (Datum) 0;

	if (attno > 0 && TupleDescAttr(desc, attno - 1)->atttypid == JSONBOID)
		value = heap_getattr(row, attno, desc, &isnull);
	if (isnull || !JB_ROOT_IS_OBJECT(DatumGetJsonbP(value)))
		return;
	for (int i = attno; i < desc->natts; i++)
	{
		char *name = NameStr(TupleDescAttr(desc, i)->attname);
		JsonbValue key = {.type = jbvString};

		key.val.string.val = name;
		key.val.string.len = strlen(name);
		if (findJsonbValueFromContainer(&DatumGetJsonbP(value)->root, JB_FOBJECT, &key) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("attribute \"%s\" has a column of its own in view \"%s\"", name,
							RelationGetRelationName(view)),
					 errhint("Write it there; attributes has those that the kind does not "
							 "declare.")));
	}
}

/*
 * The row is the user's, not ours: the trigger of the table sees to it.  Who may write but not
 * read is not told what became of it.
 */
static uint64
write_row(const AgmStore *store, const TriggerData *trigger, AgmParams *params, bool may_read,
		  Stored *stored)
{
	const int flags = AGM_WRITE | AGM_PLAN_GENERIC | AGM_BY_HAND;
	char **arguments = trigger->tg_trigger->tgargs;
	const char *statement =
		arguments[TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? INSERT_STATEMENT
															 : UPDATE_STATEMENT];

	if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		return agm_execute(store,
						   "DELETE FROM {store}.memory m"
						   " WHERE m.namespace OPERATOR(pg_catalog.=) ($1).namespace"
						   " AND m.id OPERATOR(pg_catalog.=) ($1).id",
						   params, flags, NULL, NULL, NULL);
	if (!may_read)
		return agm_execute(store, statement, params, flags, NULL, NULL, NULL);
	return agm_execute(store,
					   psprintf("%s RETURNING %s", statement, arguments[RETURNED_COLUMNS]),
					   params, flags, NULL, keep_row, stored);
}

Datum
agm_fn_write_kind_view(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	Relation view;
	Oid schema;
	Oid memory;
	HeapTuple row;
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	Stored stored = {0};

	check_protocol(fcinfo, trigger);
	view = trigger->tg_relation;
	schema = RelationGetNamespace(view);
	memory = get_relname_relid("memory", schema);
	if (!OidIsValid(memory))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("schema \"%s\" is not a store", get_namespace_name(schema)),
						errhint("SELECT store FROM agentmem.stores lists the stores.")));
	row = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_newtuple
													 : trigger->tg_trigtuple;
	agm_spi_begin(&session);
	stored.context = session.caller;
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		check_rest(view, row);
	agm_store_of_table(&store, memory);
	row_param(&params, view, row);
	row_param(&params, view,
			  TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? trigger->tg_trigtuple : NULL);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(get_relname_relid("id_seq", schema)),
			  false);
	if (write_row(&store, trigger, &params,
				  pg_class_aclcheck(memory, GetUserId(), ACL_SELECT) == ACLCHECK_OK,
				  &stored) == 0)
		row = NULL;
	else if (stored.tuple != NULL)
		row = stored.tuple;
	agm_spi_end(&session);
	return PointerGetDatum(row);
}

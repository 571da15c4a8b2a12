/*
 * versioning_fn.c
 *		SQL boundary of the trigger function agentmem.versioning: is it called as it must be?
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "utils/rel.h"

#include "temporal/versioning.h"

PG_FUNCTION_INFO_V1(agm_fn_versioning);

/* AFTER INSERT is for rows whose key is known. */
static bool
is_for_keys(const TriggerData *event)
{
	return TRIGGER_FIRED_AFTER(event->tg_event) && TRIGGER_FIRED_BY_INSERT(event->tg_event) &&
		   event->tg_trigger->tgnargs == 4 && event->tg_trigger->tgargs[3][0] != '\0';
}

static void
check_event(FunctionCallInfo fcinfo)
{
	const TriggerData *event = (const TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("agentmem.versioning is a trigger function"),
				 errhint("CREATE TRIGGER ... BEFORE INSERT OR UPDATE OR DELETE ON ... FOR "
						 "EACH ROW EXECUTE FUNCTION agentmem.versioning(...).")));
	if (TRIGGER_FIRED_BY_TRUNCATE(event->tg_event))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot truncate versioned table \"%s\"",
							   RelationGetRelationName(event->tg_relation)),
						errhint("DELETE keeps the versions.")));
	if (!TRIGGER_FIRED_FOR_ROW(event->tg_event) ||
		(!TRIGGER_FIRED_BEFORE(event->tg_event) && !is_for_keys(event)))
		ereport(
			ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("trigger \"%s\" must fire BEFORE, FOR EACH ROW", event->tg_trigger->tgname),
			 errhint("CREATE TRIGGER ... BEFORE INSERT OR UPDATE OR DELETE ON ... FOR "
					 "EACH ROW EXECUTE FUNCTION agentmem.versioning(...).")));
}

Datum
agm_fn_versioning(PG_FUNCTION_ARGS)
{
	const TriggerData *event = (const TriggerData *) fcinfo->context;
	HeapTuple result;

	check_event(fcinfo);
	if (TRIGGER_FIRED_AFTER(event->tg_event))
	{
		agm_versioning_follow(event);
		return PointerGetDatum(NULL); /* not looked at */
	}
	if (TRIGGER_FIRED_BY_INSERT(event->tg_event))
		result = agm_versioning_insert(event);
	else if (TRIGGER_FIRED_BY_UPDATE(event->tg_event))
		result = agm_versioning_update(event);
	else
		result = agm_versioning_delete(event);
	return PointerGetDatum(result);
}

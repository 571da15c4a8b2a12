/*
 * secret_fn.c
 *		SQL boundary of secrets: reveal.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/shards.h"
#include "memory/read.h"
#include "memory/secret.h"

PG_FUNCTION_INFO_V1(agm_fn_reveal);

/*
 * SELECT on the table, or on its column id alone: who has only the latter gets values from
 * reveal() and from nowhere else, so each leaves a row in audit.
 */
static void
check_privilege(const AgmStore *store)
{
	Oid relid = get_relname_relid("secret", get_namespace_oid(store->name, false));

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("store \"%s\" has no table \"secret\"", store->name),
						errhint("SELECT agentmem.upgrade_store(%s) makes what is missing.",
								quote_literal_cstr(store->name))));
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck(relid, get_attnum(relid, "id"), GetUserId(), ACL_SELECT) !=
			ACLCHECK_OK)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for the secrets of store \"%s\"", store->name),
			 errhint("Its owner can run GRANT SELECT (id) ON %s.secret TO %s.", store->quoted,
					 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
}

static void
read_number(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

/* Who may read secrets need not be able to write memories, or to take ids. */
static int64
next_operation(const AgmStore *store)
{
	AgmParams params = {0};
	int64 number = 0;

	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(store->operations), false);
	(void) agm_execute(store, "SELECT pg_catalog.nextval($1)", &params,
					   AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, "l", read_number, &number);
	return number;
}

Datum
agm_fn_reveal(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer = {0};
	AgmParams params = {0};
	int64 id;
	text *value = NULL;
	text *result;

	agm_require_not_null(PG_ARGISNULL(2), "id");
	id = PG_GETARG_INT64(2);
	agm_spi_begin(&session);
	agm_require_writable("reveal()");
	agm_read_open(fcinfo, &writer.store, &params);
	check_privilege(&writer.store);
	agm_store_at(&writer.store, PG_GETARG_TEXT_PP(1), true);
	writer.ns = PG_GETARG_DATUM(1);
	/* As the caller: what he cannot see has no value for him. */
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	if (agm_execute(&writer.store,
					"SELECT FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					" AND m.id OPERATOR(pg_catalog.=) $2",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) > 0)
		value = agm_secret_read(&writer, id);
	if (value == NULL)
		ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
						errmsg("secret " INT64_FORMAT " does not exist in this namespace", id),
						errhint("agentmem.list(..., kinds => '{secret}') lists captions.")));
	writer.operation = next_operation(&writer.store);
	agm_operation_touch(&writer, id);
	agm_operation_record(&writer, "reveal", NULL);
	/* The audit goes if the transaction is rolled back; the server's log stays. */
	ereport(LOG_SERVER_ONLY,
			(errmsg("secret " INT64_FORMAT " of store \"%s\" was revealed to role \"%s\"", id,
					writer.store.name, GetUserNameFromId(GetUserId(), false)),
			 errhidestmt(true), errhidecontext(true)));
	MemoryContextSwitchTo(session.caller);
	result = DatumGetTextPCopy(PointerGetDatum(value));
	agm_spi_end(&session);
	PG_RETURN_TEXT_P(result);
}

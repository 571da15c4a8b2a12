/*
 * transfer_fn.c
 *		SQL boundary of export and import.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "memory/read.h"
#include "memory/transfer.h"

PG_FUNCTION_INFO_V1(agm_fn_export);
PG_FUNCTION_INFO_V1(agm_fn_import);

Datum
agm_fn_export(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};

	agm_require_not_null(PG_ARGISNULL(2), "secrets");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_export(&store, &params, PG_GETARG_BOOL(2),
			   ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/* Versions and their times are taken as they come: a writer could make history up. */
static void
require_owner(const AgmStore *store)
{
	if (!has_privs_of_role(GetUserId(), store->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("must be owner of store \"%s\"", store->name),
						errhint("Imported versions say when they were known: only the owner "
								"may write that.")));
}

Datum
agm_fn_import(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	Datum result;
	MemoryContext old;

	agm_require_not_null(PG_ARGISNULL(2), "lines");
	agm_require_not_null(PG_ARGISNULL(3), "remap");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "import()");
	require_owner(&writer.store);
	result = JsonbPGetDatum(agm_import(&writer, PG_GETARG_ARRAYTYPE_P(2), PG_GETARG_BOOL(3)));
	old = MemoryContextSwitchTo(session.caller);
	result = JsonbPGetDatum(DatumGetJsonbPCopy(result));
	MemoryContextSwitchTo(old);
	agm_spi_end(&session);
	PG_RETURN_DATUM(result);
}

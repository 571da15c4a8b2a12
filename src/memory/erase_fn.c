/*
 * erase_fn.c
 *		SQL boundary of erasing: erase, hold, release.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "memory/erase.h"

PG_FUNCTION_INFO_V1(agm_fn_erase);
PG_FUNCTION_INFO_V1(agm_fn_hold);
PG_FUNCTION_INFO_V1(agm_fn_release);

static void
read_selector(FunctionCallInfo fcinfo, AgmErasure *erasure)
{
	char *derived;

	agm_require_not_null(PG_ARGISNULL(4), "everything");
	agm_require_not_null(PG_ARGISNULL(5), "derived");
	erasure->by_ids = !PG_ARGISNULL(2);
	erasure->by_subject = !PG_ARGISNULL(3);
	erasure->everything = PG_GETARG_BOOL(4);
	if (erasure->by_ids + erasure->by_subject + erasure->everything != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("give one of ids, subject and everything"),
						errhint("everything => true erases the whole namespace.")));
	if (erasure->by_ids)
	{
		erasure->ids = PG_GETARG_DATUM(2);
		if (array_contains_nulls(DatumGetArrayTypeP(erasure->ids)))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("ids must not contain nulls"),
							errhint("Give the ids of memories.")));
	}
	if (erasure->by_subject)
		erasure->subject = PG_GETARG_DATUM(3);
	derived = text_to_cstring(PG_GETARG_TEXT_PP(5));
	erasure->derived = strcmp(derived, "erase") == 0;
	if (!erasure->derived && strcmp(derived, "keep") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown value \"%s\" of derived", derived),
						errhint("Use erase or keep.")));
}

Datum
agm_fn_erase(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmErasure erasure = {0};
	Datum result;
	MemoryContext old;

	read_selector(fcinfo, &erasure);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "erase()");
	result = JsonbPGetDatum(agm_erase(&writer, &erasure));
	old = MemoryContextSwitchTo(session.caller);
	result = JsonbPGetDatum(DatumGetJsonbPCopy(result));
	MemoryContextSwitchTo(old);
	agm_spi_end(&session);
	PG_RETURN_DATUM(result);
}

Datum
agm_fn_hold(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;

	agm_require_not_null(PG_ARGISNULL(2), "reason");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "hold()");
	agm_hold(&writer, PG_GETARG_DATUM(2));
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

Datum
agm_fn_release(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	bool released;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "release()");
	released = agm_release(&writer);
	agm_spi_end(&session);
	PG_RETURN_BOOL(released);
}

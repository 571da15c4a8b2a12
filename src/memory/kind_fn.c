/*
 * kind_fn.c
 *		SQL boundary of typed attributes: the canonical name of a type, and whether values have theirs.
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "base/shards.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_attribute_type);
PG_FUNCTION_INFO_V1(agm_fn_check_attributes);

Datum
agm_fn_attribute_type(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(
		cstring_to_text(agm_attribute_type(text_to_cstring(PG_GETARG_TEXT_PP(0)))));
}

/* For rows that are held already: check_attributes(store, kind, attributes). */
Datum
agm_fn_check_attributes(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer = {0};

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "kind");
	agm_spi_begin(&session);
	writer.context = CurrentMemoryContext;
	agm_store_open(&writer.store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_SELECT);
	agm_store_at_policies(&writer.store);
	agm_attributes_check(agm_writer_kind(&writer, PG_GETARG_DATUM(1)),
						 PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2));
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

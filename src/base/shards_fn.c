/*
 * shards_fn.c
 *		SQL boundary of shards, for functions in plpgsql: where a namespace is.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/tuplestore.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "base/shards.h"

PG_FUNCTION_INFO_V1(agm_fn_is_distributed);
PG_FUNCTION_INFO_V1(agm_fn_shard_of);
PG_FUNCTION_INFO_V1(agm_fn_local_shards);

Datum
agm_fn_is_distributed(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(agm_is_distributed(PG_GETARG_OID(0)));
}

/* A value of the setting agentmem.shard. */
Datum
agm_fn_shard_of(PG_FUNCTION_ARGS)
{
	AgmStore store;
	text *ns;

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "namespace");
	ns = PG_GETARG_TEXT_PP(1);
	agm_check_namespace(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns));
	agm_store_open(&store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_SELECT);
	agm_store_at(&store, ns, true);
	if (store.shard == 0)
		PG_RETURN_TEXT_P(cstring_to_text(""));
	PG_RETURN_TEXT_P(cstring_to_text(psprintf(INT64_FORMAT, store.shard)));
}

/* Each as a value of the setting.  Who requires one is going to write there. */
Datum
agm_fn_local_shards(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AgmStore store;
	int64 *shards;
	int n = 1;

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "required");
	if (PG_GETARG_BOOL(1))
		agm_require_writable("maintain()");
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	agm_store_open(&store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_INSERT | ACL_SELECT);
	shards = store.distributed ? agm_store_local_shards(&store, PG_GETARG_BOOL(1), &n) : NULL;
	for (int i = 0; i < n; i++)
	{
		char *name = shards == NULL ? "" : psprintf(INT64_FORMAT, shards[i]);
		Datum value = CStringGetTextDatum(name);
		bool isnull = false;

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, &value, &isnull);
	}
	PG_RETURN_NULL();
}

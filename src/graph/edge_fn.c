/*
 * edge_fn.c
 *		SQL boundary of writing edges: link, unlink.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/spi.h"
#include "base/store.h"
#include "temporal/period.h"

PG_FUNCTION_INFO_V1(agm_fn_link);
PG_FUNCTION_INFO_V1(agm_fn_unlink);

static const char *const names[] = {"store", "namespace", "source", "target", "type"};

/* The edge that both functions name: store, namespace, source, target, type. */
static void
open_edge(FunctionCallInfo fcinfo, const char *what, AclMode need, AgmStore *store,
		  AgmParams *params)
{
	text *ns;

	for (size_t i = 0; i < lengthof(names); i++)
		agm_require_not_null(PG_ARGISNULL(i), names[i]);
	agm_require_writable(what);
	ns = PG_GETARG_TEXT_PP(1);
	agm_check_namespace(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns));
	agm_store_open(store, NameStr(*PG_GETARG_NAME(0)), ns, need);
	agm_param(params, TEXTOID, PointerGetDatum(ns), false);
	agm_param(params, INT8OID, PG_GETARG_DATUM(2), false);
	agm_param(params, INT8OID, PG_GETARG_DATUM(3), false);
	agm_param(params, TEXTOID, PG_GETARG_DATUM(4), false);
}

static void
check_weight(float4 weight)
{
	if (!(weight >= 0) || isinf(weight))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weight must be finite and not negative, not %g", weight)));
}

static void
check_type(const AgmStore *store, Datum type)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, type, false);
	if (agm_execute(store,
					"SELECT FROM {store}.edge_type t WHERE t.name OPERATOR(pg_catalog.=) $1",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown edge type \"%s\"", TextDatumGetCString(type)),
				 errhint("SELECT name FROM %s.edge_type lists the types of this store; INSERT "
						 "adds one.",
						 store->quoted)));
}

/*
 * Both ends are held, and stay so until the transaction ends: who forgets or erases one at the
 * same time waits, and then finds the edge.  In the order of ids, as others lock memories.
 */
static void
lock_ends(const AgmStore *store, Datum ns, int64 source, int64 target)
{
	AgmParams params = {0};
	int64 ends[2] = {Min(source, target), Max(source, target)};

	agm_param(&params, TEXTOID, ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(ends[0]), false);
	for (int i = 0; i < 2; i++)
	{
		params.values[1] = Int64GetDatum(ends[i]);
		if (agm_execute(store,
						"SELECT FROM {store}.memory m"
						" WHERE m.namespace OPERATOR(pg_catalog.=) $1"
						" AND m.id OPERATOR(pg_catalog.=) $2 FOR KEY SHARE",
						&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) == 0)
			ereport(ERROR, (errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
							errmsg("memory " INT64_FORMAT " does not exist in this namespace",
								   ends[i]),
							errhint("An edge joins two memories of one namespace that are "
									"held.")));
	}
}

/* link(store, namespace, source, target, type, weight, valid_from, valid_to) */
Datum
agm_fn_link(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmPeriod period = {0};

	agm_require_not_null(PG_ARGISNULL(5), "weight");
	agm_spi_begin(&session);
	open_edge(fcinfo, "link", ACL_INSERT | ACL_SELECT, &store, &params);
	check_weight(PG_GETARG_FLOAT4(5));
	if (PG_GETARG_INT64(2) == PG_GETARG_INT64(3))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a memory cannot be linked to itself")));
	period.from_open = PG_ARGISNULL(6);
	period.from = period.from_open ? 0 : PG_GETARG_TIMESTAMPTZ(6);
	period.to_open = PG_ARGISNULL(7);
	period.to = period.to_open ? 0 : PG_GETARG_TIMESTAMPTZ(7);
	agm_period_normalise(&period);
	check_type(&store, PG_GETARG_DATUM(4));
	lock_ends(&store, params.values[0], PG_GETARG_INT64(2), PG_GETARG_INT64(3));
	agm_param(&params, FLOAT4OID, PG_GETARG_DATUM(5), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(period.from), period.from_open);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(period.to), period.to_open);
	/* What is so already is not written again. */
	(void) agm_execute(
		&store,
		"INSERT INTO {store}.edge AS e (namespace, source, target, type, weight, valid_period)"
		" VALUES ($1, $2, $3, $4, $5, pg_catalog.tstzrange($6, $7))"
		" ON CONFLICT (namespace, source, target, type) DO UPDATE"
		" SET weight = excluded.weight, valid_period = excluded.valid_period, operation = NULL"
		" WHERE NOT (e.weight OPERATOR(pg_catalog.=) excluded.weight"
		"  AND e.valid_period OPERATOR(pg_catalog.=) excluded.valid_period)",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

/* unlink(store, namespace, source, target, type) */
Datum
agm_fn_unlink(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	uint64 n;

	agm_spi_begin(&session);
	open_edge(fcinfo, "unlink", ACL_SELECT, &store, &params);
	n = agm_execute(&store,
					"DELETE FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
					" AND e.source OPERATOR(pg_catalog.=) $2"
					" AND e.target OPERATOR(pg_catalog.=) $3"
					" AND e.type OPERATOR(pg_catalog.=) $4",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_spi_end(&session);
	PG_RETURN_BOOL(n > 0);
}

/*
 * transitions_fn.c
 *		SQL boundary of transitions: the graph of a whole namespace, weighted as ppr weighs it.
 *
 * For pagerank(), communities(), and to check ppr() by.  One statement: it is meant to be read
 * by another query, and to stream.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"

#include "base/compat.h"
#include "graph/scope.h"
#include "memory/read.h"

PG_FUNCTION_INFO_V1(agm_fn_transitions);

/* The memories and concepts that are there. */
static void
append_there(const AgmScope *scope, StringInfo sql, AgmParams *params)
{
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		if (!agm_filter_needs(&scope->filter, source))
			continue;
		appendStringInfoString(sql,
							   source == AGM_MEMORY ? "SELECT m.id" : " UNION ALL SELECT m.id");
		agm_filter_from(&scope->filter, source, AGM_ANY_INDEX, "", sql, params);
		agm_filter_append(&scope->filter, scope->hidden, sql, params);
	}
	if (agm_store_has(scope->store, "concept"))
		appendStringInfoString(sql, " UNION SELECT c.id FROM {store}.concept c"
									" WHERE c.namespace OPERATOR(pg_catalog.=) $1");
}

/* The edges that hold at the instant asked, of types that conduct. */
static void
append_edges(const AgmScope *scope, StringInfo sql, AgmParams *params)
{
	const AgmFilter *filter = &scope->filter;
	int at = agm_param(
		params, TIMESTAMPTZOID,
		TimestampTzGetDatum(filter->has_valid_at ? filter->valid_at : filter->now), false);
	int types =
		agm_param(params, TEXTARRAYOID, PointerGetDatum(scope->wanted), scope->wanted == NULL);

	for (int i = 0; i < (filter->has_known_at ? 2 : 1); i++)
	{
		appendStringInfo(sql,
						 "%sSELECT e.source, e.target, t.directed,"
						 " t.weight::pg_catalog.float8"
						 " OPERATOR(pg_catalog.*) e.weight::pg_catalog.float8"
						 " OPERATOR(pg_catalog.*) e.weight::pg_catalog.float8 AS weight"
						 " FROM {store}.%s e JOIN {store}.edge_type t"
						 " ON t.name OPERATOR(pg_catalog.=) e.type"
						 " WHERE e.namespace OPERATOR(pg_catalog.=) $1"
						 " AND e.valid_period OPERATOR(pg_catalog.@>) $%d"
						 " AND ($%d IS NULL OR e.type OPERATOR(pg_catalog.=) ANY ($%d))"
						 " AND t.weight OPERATOR(pg_catalog.>) 0::pg_catalog.float4"
						 " AND e.weight OPERATOR(pg_catalog.>) 0::pg_catalog.float4"
						 " AND e.source OPERATOR(pg_catalog.<>) e.target",
						 i == 0 ? "" : " UNION ALL ", i == 0 ? "edge" : "edge_history", at,
						 types, types);
		if (filter->has_known_at)
			appendStringInfo(sql, " AND e.system_period OPERATOR(pg_catalog.@>) $%d",
							 agm_param(params, TIMESTAMPTZOID,
									   TimestampTzGetDatum(filter->known_at), false));
	}
}

/* How many edges end in each memory, as scope.c counts them. */
static void
append_degrees(const AgmScope *scope, StringInfo sql, AgmParams *params)
{
	appendStringInfoString(sql,
						   "SELECT e.target AS id, least(pg_catalog.count(*), " CppAsString2(
							   AGM_DEGREE_CAP) ")::pg_catalog.float8 AS n FROM (");
	for (int i = 0; i < (scope->filter.has_known_at ? 2 : 1); i++)
	{
		appendStringInfo(sql,
						 "%sSELECT e.target FROM {store}.%s e"
						 " WHERE e.namespace OPERATOR(pg_catalog.=) $1",
						 i == 0 ? "" : " UNION ALL ", i == 0 ? "edge" : "edge_history");
		if (scope->filter.has_known_at)
			appendStringInfo(sql, " AND e.system_period OPERATOR(pg_catalog.@>) $%d",
							 agm_param(params, TIMESTAMPTZOID,
									   TimestampTzGetDatum(scope->filter.known_at), false));
	}
	appendStringInfoString(sql, ") e GROUP BY e.target");
}

static char *
transitions_sql(const AgmScope *scope, bool damped, AgmParams *params)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "WITH there AS MATERIALIZED (");
	append_there(scope, &sql, params);
	appendStringInfoString(&sql, "), edges AS MATERIALIZED (SELECT e.* FROM (");
	append_edges(scope, &sql, params);
	/* IS TRUE: a hash, and no join, whatever number of rows the planner takes `there` to have. */
	appendStringInfoString(
		&sql,
		") e WHERE (e.source OPERATOR(pg_catalog.=) ANY (SELECT s.id FROM there s)) IS TRUE"
		" AND (e.target OPERATOR(pg_catalog.=) ANY (SELECT t.id FROM there t)) IS TRUE)");
	if (!damped)
		appendStringInfoString(
			&sql, ", damped AS (SELECT e.source, e.target, e.directed, e.weight FROM edges e)");
	else
	{
		appendStringInfoString(&sql, ", degree AS MATERIALIZED (");
		append_degrees(scope, &sql, params);
		appendStringInfoString(
			&sql, "), damped AS MATERIALIZED (SELECT e.source, e.target, e.directed, e.weight"
				  " OPERATOR(pg_catalog./) pg_catalog.ln(pg_catalog.exp(1::pg_catalog.float8)"
				  "  OPERATOR(pg_catalog.+) d.n) AS weight"
				  " FROM edges e JOIN degree d ON d.id OPERATOR(pg_catalog.=) e.target)");
	}
	appendStringInfoString(&sql, " SELECT e.source, e.target, e.weight FROM damped e"
								 " UNION ALL SELECT e.target, e.source, e.weight FROM damped e"
								 " WHERE NOT e.directed");
	return sql.data;
}

/* transitions(store, namespace, types, damp_hubs, valid_at, known_at) */
Datum
agm_fn_transitions(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmScope scope;
	AgmScopeRequest request = {0};

	agm_require_not_null(PG_ARGISNULL(3), "damp_hubs");
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	request.store = &store;
	request.params = &params;
	if (!PG_ARGISNULL(2))
		request.types = PG_GETARG_ARRAYTYPE_P(2);
	request.has_valid_at = !PG_ARGISNULL(4);
	if (request.has_valid_at)
		request.valid_at = PG_GETARG_TIMESTAMPTZ(4);
	request.has_known_at = !PG_ARGISNULL(5);
	if (request.has_known_at)
		request.known_at = PG_GETARG_TIMESTAMPTZ(5);
	agm_scope_open(&scope, &request);
	agm_read_rows(fcinfo, &store, transitions_sql(&scope, PG_GETARG_BOOL(3), &params), &params,
				  AGM_PLAN_CUSTOM, "lld");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

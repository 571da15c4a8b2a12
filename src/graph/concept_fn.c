/*
 * concept_fn.c
 *		concepts(): what the memories of a namespace are about.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"

#include "memory/filter.h"
#include "memory/memory.h"
#include "memory/read.h"

PG_FUNCTION_INFO_V1(agm_fn_concepts);

/* concepts(store, namespace, n) */
Datum
agm_fn_concepts(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmFilter filter = {.hides_vault = true};
	StringInfoData sql;
	int n = agm_read_row_limit(fcinfo, 2, NULL);

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_param(&params, INT8OID, Int64GetDatum(n), false);
	filter.states = agm_shown_states();
	agm_filter_check(&filter, &store);
	initStringInfo(&sql);
	appendStringInfoString(&sql,
						   "WITH there AS MATERIALIZED (SELECT e.target, e.source"
						   " FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
						   " AND e.target OPERATOR(pg_catalog.<) 0 AND e.source"
						   " OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT m.id");
	agm_filter_from(&filter, AGM_MEMORY, AGM_ANY_INDEX, "", &sql, &params);
	agm_filter_append(&filter, true, &sql, &params);
	/* The oldest memory's word for it. */
	appendStringInfoString(
		&sql, "))), often AS MATERIALIZED (SELECT t.target, pg_catalog.count(*) AS n"
			  " FROM there t GROUP BY t.target)"
			  " SELECT o.target, c.concept, c.normalized, o.n FROM often o"
			  " CROSS JOIN LATERAL (SELECT c.concept, c.normalized FROM {store}.concept c"
			  "  WHERE c.namespace OPERATOR(pg_catalog.=) $1"
			  "  AND c.id OPERATOR(pg_catalog.=) o.target ORDER BY c.memory LIMIT 1) c"
			  " ORDER BY o.n DESC, c.normalized LIMIT $2");
	agm_read_rows(fcinfo, &store, sql.data, &params, AGM_PLAN_CUSTOM, "lttl");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/*
 * outline_fn.c
 *		outline(): memories as a tree, a level at a time.
 *
 * A child names its parent, is part_of it, or is summed up by it (summary_of).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "memory/filter.h"
#include "memory/memory.h"
#include "memory/read.h"

PG_FUNCTION_INFO_V1(agm_fn_outline);

/* Is edge e of that type, with the given memory at its end? */
#define EDGE(type, end, id)                                                                    \
	" FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"                         \
	" AND e.type OPERATOR(pg_catalog.=) '" type "' AND e." end " OPERATOR(pg_catalog.=) " id

/* The ids of the children of `id`. */
#define CHILDREN(id)                                                                           \
	"SELECT c.id FROM {store}.memory c WHERE c.namespace OPERATOR(pg_catalog.=) $1"            \
	" AND c.parent OPERATOR(pg_catalog.=) " id " UNION SELECT e.source" EDGE(                  \
		"part_of", "target", id) " UNION SELECT e.target" EDGE("summary_of", "source", id)

#define COLUMNS                                                                                \
	"SELECT m.id, m.kind, coalesce(m.title, pg_catalog.left(m.content, 80)),"                  \
	" pg_catalog.left(m.content, 400), m.valid_period,"                                        \
	" (SELECT pg_catalog.count(*) FROM (" CHILDREN(                                            \
		"m.id") ") n),"                                                                        \
				" (pg_catalog.octet_length(m.content) OPERATOR(pg_catalog.+) 3)"               \
				" OPERATOR(pg_catalog./) 4"

Datum
agm_fn_outline(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmFilter filter = {.hides_vault = true};
	StringInfoData sql;
	int n = agm_read_row_limit(fcinfo, 3, NULL);

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_param(&params, INT8OID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	agm_param(&params, INT8OID, Int64GetDatum(n), false);
	filter.states = agm_shown_states();
	agm_filter_check(&filter, &store);
	initStringInfo(&sql);
	appendStringInfoString(&sql, COLUMNS);
	agm_filter_from(&filter, AGM_MEMORY, AGM_ANY_INDEX, "", &sql, &params);
	agm_filter_append(&filter, true, &sql, &params);
	if (PG_ARGISNULL(2))
		appendStringInfoString(
			&sql, " AND m.parent IS NULL AND NOT EXISTS (SELECT" EDGE(
					  "part_of", "source",
					  "m.id") ")"
							  " AND NOT EXISTS (SELECT" EDGE(
								  "summary_of", "target",
								  "m.id") ")"
										  " ORDER BY pg_catalog.lower(m.valid_period) DESC "
										  "NULLS LAST, m.id DESC LIMIT $3");
	else
		appendStringInfoString(&sql, " AND m.id OPERATOR(pg_catalog.=) ANY (ARRAY(" CHILDREN(
										 "$2") "))"
											   " ORDER BY pg_catalog.lower(m.valid_period)"
											   " NULLS FIRST, m.id LIMIT $3");
	agm_read_rows(fcinfo, &store, sql.data, &params, AGM_PLAN_CUSTOM, "ltttrli");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/*
 * history_fn.c
 *		SQL boundary of what reads versions as such: history, changes; and the lengths of periods.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "memory/memory.h"
#include "memory/read.h"
#include "memory/span.h"

PG_FUNCTION_INFO_V1(agm_fn_history_level);
PG_FUNCTION_INFO_V1(agm_fn_history);
PG_FUNCTION_INFO_V1(agm_fn_changes);

/* history_level(period tstzrange) returns int */
Datum
agm_fn_history_level(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(agm_span_level(PG_GETARG_RANGE_P(0)));
}

Datum
agm_fn_history(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_require_not_null(PG_ARGISNULL(2), "id");
	agm_param(&params, INT8OID, PG_GETARG_DATUM(2), false);
	agm_read_rows(
		fcinfo, &store,
		"SELECT " AGM_MEMORY_COLUMNS
		" FROM (SELECT * FROM {store}.memory c WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		"        AND c.id OPERATOR(pg_catalog.=) $2"
		"       UNION ALL"
		"       SELECT * FROM {store}.memory_history c"
		"        WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		"        AND c.id OPERATOR(pg_catalog.=) $2) m" AGM_LOOK_UP_ACTIVITY
		" ORDER BY pg_catalog.lower(m.system_period) DESC",
		&params, AGM_PLAN_GENERIC, AGM_MEMORY_TYPES);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/* What a version states, by the names of remember()'s arguments. */
static const struct
{
	const char *name;
	const char *value; /* %s is the version */
} stated[] = {
	{"content", "%s.content"},
	{"kind", "%s.kind"},
	{"subject", "%s.subject"},
	{"predicate", "%s.predicate"},
	{"object", "%s.object"},
	{"importance", "%s.importance"},
	{"confidence", "%s.confidence"},
	{"valid_from", "pg_catalog.lower(%s.valid_period)"},
	{"valid_to", "pg_catalog.upper(%s.valid_period)"},
	{"tags", "%s.tags"},
	{"attributes", "%s.attributes"},
	{"source", "%s.source"},
	{"actor", "%s.actor"},
	{"provenance", "%s.provenance"},
	{"pinned", "%s.pinned"},
	{"expires_at", "%s.expires_at"},
	{"parent", "%s.parent"},
	{"key", "%s.key"},
	{"session", "%s.session"},
	{"title", "%s.title"},
};

static char *
version_json(const char *version)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "pg_catalog.jsonb_build_object(");
	for (size_t i = 0; i < lengthof(stated); i++)
	{
		appendStringInfo(&sql, "%s'%s', ", i == 0 ? "" : ", ", stated[i].name);
		appendStringInfo(&sql, stated[i].value, version);
	}
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

/* Versions m that begin in the time asked, in each table; by the indexes of time. */
#define BEGIN(v)                                                                               \
	" pg_catalog.lower(" v ".system_period) OPERATOR(pg_catalog.>) $2"                         \
	" AND pg_catalog.lower(" v ".system_period) OPERATOR(pg_catalog.<=) $3"
#define IN_MEMORY                                                                              \
	"(SELECT * FROM {store}.memory h WHERE h.namespace OPERATOR(pg_catalog.=) $1"              \
	" AND" BEGIN("h") ") m"
#define IN_HISTORY(condition)                                                                  \
	"(SELECT h.* FROM pg_catalog.unnest($4) WITH ORDINALITY l(since, n) CROSS JOIN LATERAL"    \
	" (SELECT * FROM {store}.memory_history h WHERE h.namespace OPERATOR(pg_catalog.=) $1"     \
	" AND agentmem.history_level(h.system_period) OPERATOR(pg_catalog.=)"                      \
	"  (l.n OPERATOR(pg_catalog.-) 1) AND" condition " OFFSET 0) h) m"

/* Versions that end in the time asked; $4 says since when, at most, those of each length lasted. */
#define END                                                                                    \
	" pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.>) l.since"                        \
	" AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.<=) $3"                        \
	" AND pg_catalog.upper(h.system_period) OPERATOR(pg_catalog.>) $2"                         \
	" AND pg_catalog.upper(h.system_period) OPERATOR(pg_catalog.<=) $3"

/* A version that begins: it follows one that ends there, or none. */
static void
append_begun(StringInfo sql, const char *source)
{
	appendStringInfo(sql,
					 "SELECT m.id, CASE WHEN b.id IS NULL THEN 'inserted' ELSE 'updated' END,"
					 " CASE WHEN b.id IS NOT NULL THEN %s END, %s,"
					 " pg_catalog.lower(m.system_period)"
					 " FROM %s LEFT JOIN LATERAL"
					 " (SELECT * FROM {store}.memory_history h"
					 "  WHERE h.namespace OPERATOR(pg_catalog.=) $1"
					 "  AND h.id OPERATOR(pg_catalog.=) m.id"
					 "  AND pg_catalog.upper(h.system_period) OPERATOR(pg_catalog.=)"
					 "   pg_catalog.lower(m.system_period) OFFSET 0) b ON true",
					 version_json("b"), version_json("m"), source);
}

/* Is there no version of memory m in this table that begins where m ends? */
static void
append_not_followed(StringInfo sql, const char *table)
{
	appendStringInfo(sql,
					 " AND NOT EXISTS (SELECT FROM {store}.%s n"
					 " WHERE n.namespace OPERATOR(pg_catalog.=) $1"
					 " AND n.id OPERATOR(pg_catalog.=) m.id"
					 " AND pg_catalog.lower(n.system_period) OPERATOR(pg_catalog.=)"
					 " pg_catalog.upper(m.system_period))",
					 table);
}

/*
 * Each beginning of a version in (since, until] is an insertion or an update, each end after
 * which none begins is a deletion.
 */
static char *
changes_sql(void)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT * FROM (");
	append_begun(&sql, IN_MEMORY);
	appendStringInfoString(&sql, " UNION ALL ");
	append_begun(&sql, IN_HISTORY(BEGIN("h")));
	appendStringInfo(&sql,
					 " UNION ALL SELECT m.id, 'deleted', %s, NULL,"
					 " pg_catalog.upper(m.system_period) FROM " IN_HISTORY(END) " WHERE true",
					 version_json("m"));
	append_not_followed(&sql, "memory");
	append_not_followed(&sql, "memory_history");
	appendStringInfoString(&sql, ") change(id, change, before, after, at) ORDER BY at, id");
	return sql.data;
}

Datum
agm_fn_changes(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_require_not_null(PG_ARGISNULL(2), "since");
	agm_require_not_null(PG_ARGISNULL(3), "until");
	if (PG_GETARG_TIMESTAMPTZ(2) > PG_GETARG_TIMESTAMPTZ(3))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("since must not be later than until"),
						errhint("Changes after since, up to and including until, are shown.")));
	agm_param(&params, TIMESTAMPTZOID, PG_GETARG_DATUM(2), false);
	agm_param(&params, TIMESTAMPTZOID, PG_GETARG_DATUM(3), false);
	agm_param(&params, TIMESTAMPTZARRAYOID, agm_span_since(PG_GETARG_TIMESTAMPTZ(2)), false);
	agm_read_rows(fcinfo, &store, changes_sql(), &params, AGM_PLAN_CUSTOM, "ltj?j?z");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

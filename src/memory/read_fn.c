/*
 * read_fn.c
 *		SQL boundary of plain reading: get, list, count, namespaces.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "memory/filter.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_effective_confidence);
PG_FUNCTION_INFO_V1(agm_fn_get);
PG_FUNCTION_INFO_V1(agm_fn_list);
PG_FUNCTION_INFO_V1(agm_fn_count);
PG_FUNCTION_INFO_V1(agm_fn_namespaces);

#define ROWS_MAX 10000

/* A row of the type agentmem.memory; {store}.activity is joined by primary key. */
#define MEMORY_COLUMNS                                                                         \
	"m.id, m.namespace, m.kind, m.content, m.title, m.subject, m.predicate, m.object, m.tags," \
	" m.attributes, m.valid_period, m.system_period,"                                          \
	" agentmem.effective_confidence(m.confidence, coalesce(a.confirmations, 0)),"              \
	" m.importance, m.provenance, m.source, m.actor, m.session, m.parent, m.pinned,"           \
	" m.expires_at, m.key, m.language, m.model, coalesce(a.state, 'active'),"                  \
	" coalesce(a.accesses, 0), a.last_access, coalesce(a.confirmations, 0)"
#define MEMORY_ACTIVITY                                                                        \
	" LEFT JOIN LATERAL (SELECT * FROM {store}.activity c"                                     \
	" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR(pg_catalog.=) m.id "       \
	"OFFSET 0) a ON true"
#define MEMORY_FROM                                                                            \
	" FROM {store}.memory m LEFT JOIN {store}.activity a"                                      \
	" ON a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) m.id"           \
	" WHERE m.namespace OPERATOR(pg_catalog.=) $1"

/* README "Writing": each confirmation takes a tenth of what is left to doubt. */
Datum
agm_fn_effective_confidence(PG_FUNCTION_ARGS)
{
	double doubt = 1 - (double) PG_GETARG_FLOAT4(0);

	PG_RETURN_FLOAT4((float4) (1 - doubt * pow(0.9, PG_GETARG_INT32(1))));
}

/* The types of MEMORY_COLUMNS, which are those of agentmem.memory. */
#define MEMORY_TYPES                                                                           \
	"lttt"                                                                                     \
	"t?t?t?t?T?j?"                                                                             \
	"rrf?f?"                                                                                   \
	"tt?t?t?l?bz?"                                                                             \
	"t?tt?"                                                                                    \
	"tlz?i"

static void
put_row(TupleTableSlot *slot, void *arg)
{
	tuplestore_puttupleslot((Tuplestorestate *) arg, slot);
}

static Tuplestorestate *
result_store(FunctionCallInfo fcinfo)
{
	return ((ReturnSetInfo *) fcinfo->resultinfo)->setResult;
}

static int
row_limit(FunctionCallInfo fcinfo, int argno)
{
	int n;

	agm_require_not_null(PG_ARGISNULL(argno), "n");
	n = PG_GETARG_INT32(argno);
	if (n < 1 || n > ROWS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be between 1 and %d, not %d", ROWS_MAX, n),
						errhint("Page on with the argument after.")));
	return n;
}

Datum
agm_fn_get(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_reader_begin(fcinfo, &store, &params);
	agm_param(&params, INT8ARRAYOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	agm_param(&params, TEXTARRAYOID, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	/* Two look-ups by index, not one scan with OR; base/README.md, rule 10. */
	(void) agm_execute(
		&store,
		"SELECT * FROM (SELECT " MEMORY_COLUMNS
		" FROM pg_catalog.unnest($2) i(id) CROSS JOIN LATERAL"
		" (SELECT * FROM {store}.memory c"
		"  WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		"  AND c.id OPERATOR(pg_catalog.=) i.id OFFSET 0) m" MEMORY_ACTIVITY
		" UNION SELECT " MEMORY_COLUMNS " FROM pg_catalog.unnest($3) k(key) CROSS JOIN LATERAL"
		" (SELECT * FROM {store}.memory c"
		"  WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		"  AND c.key OPERATOR(pg_catalog.=) k.key OFFSET 0) m" MEMORY_ACTIVITY
		") found ORDER BY 1",
		&params, AGM_READ | AGM_PLAN_GENERIC, MEMORY_TYPES, put_row, result_store(fcinfo));
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

static void *
arg_pointer(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_DETOAST_DATUM(PG_GETARG_DATUM(argno));
}

/* The filter arguments of list and count, which stand in the same places. */
static void
read_filter(FunctionCallInfo fcinfo, const AgmStore *store, AgmFilter *filter)
{
	memset(filter, 0, sizeof(*filter));
	filter->kinds = arg_pointer(fcinfo, 2);
	filter->tags = arg_pointer(fcinfo, 3);
	filter->attributes = arg_pointer(fcinfo, 4);
	filter->subject = arg_pointer(fcinfo, 5);
	filter->has_valid_at = !PG_ARGISNULL(6);
	if (filter->has_valid_at)
		filter->valid_at = PG_GETARG_TIMESTAMPTZ(6);
	filter->during = arg_pointer(fcinfo, 7);
	filter->states = arg_pointer(fcinfo, 8);
	filter->session = arg_pointer(fcinfo, 9);
	filter->predicate = arg_pointer(fcinfo, 10);
	filter->tags_any = arg_pointer(fcinfo, 11);
	agm_filter_check(filter, store);
}

Datum
agm_fn_list(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmFilter filter;
	StringInfoData sql;
	int n = row_limit(fcinfo, 13);

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_reader_begin(fcinfo, &store, &params);
	read_filter(fcinfo, &store, &filter);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT " MEMORY_COLUMNS MEMORY_FROM);
	agm_filter_append(&filter, true, &sql, &params);
	if (!PG_ARGISNULL(12))
		appendStringInfo(&sql, " AND m.id OPERATOR(pg_catalog.>) $%d",
						 agm_param(&params, INT8OID, PG_GETARG_DATUM(12), false));
	appendStringInfo(&sql, " ORDER BY m.id LIMIT $%d",
					 agm_param(&params, INT8OID, Int64GetDatum(n), false));
	(void) agm_execute(&store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, MEMORY_TYPES,
					   put_row, result_store(fcinfo));
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

static void
read_count(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

Datum
agm_fn_count(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	AgmFilter filter;
	StringInfoData sql;
	int64 count = 0;

	agm_spi_begin(&session);
	agm_reader_begin(fcinfo, &store, &params);
	read_filter(fcinfo, &store, &filter);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT pg_catalog.count(*) FROM {store}.memory m"
								 " WHERE m.namespace OPERATOR(pg_catalog.=) $1");
	agm_filter_append(&filter, true, &sql, &params);
	(void) agm_execute(&store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "l", read_count,
					   &count);
	agm_spi_end(&session);
	PG_RETURN_INT64(count);
}

/*
 * Names below a prefix form one stretch of the index: "/" is followed by "0" in the order
 * of bytes, so prefix/... lies between prefix || '/' and prefix || '0'.
 */
Datum
agm_fn_namespaces(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	int n = row_limit(fcinfo, 4);

	agm_require_not_null(PG_ARGISNULL(0), "store");
	if (!PG_ARGISNULL(2) && PG_GETARG_INT32(2) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("depth must not be negative"),
				 errhint("0 is the prefix itself, 1 its children.")));
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_store_open(&store, NameStr(*PG_GETARG_NAME(0)), ACL_SELECT);
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	agm_param(&params, INT4OID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	agm_param(&params, INT8OID, Int64GetDatum(n), false);
	(void) agm_execute(
		&store,
		"SELECT s.namespace, s.created, s.languages, coalesce(s.memories, c.memories),"
		"       coalesce(s.tokens, c.tokens)"
		" FROM (SELECT n.* FROM {store}.namespace n"
		"       WHERE ($1 IS NULL OR n.namespace OPERATOR(pg_catalog.=) $1"
		"              OR (n.namespace OPERATOR(pg_catalog.>=) ($1 OPERATOR(pg_catalog.||) '/')"
		"                  AND n.namespace OPERATOR(pg_catalog.<) ($1 OPERATOR(pg_catalog.||) "
		"'0')))"
		"       AND ($2 IS NULL OR pg_catalog.length(n.namespace) OPERATOR(pg_catalog.-)"
		"              pg_catalog.length(pg_catalog.replace(n.namespace, '/', ''))"
		"            OPERATOR(pg_catalog.-) coalesce(pg_catalog.length($1) "
		"OPERATOR(pg_catalog.-)"
		"              pg_catalog.length(pg_catalog.replace($1, '/', '')), -1)"
		"            OPERATOR(pg_catalog.<=) $2)"
		"       AND ($3 IS NULL OR n.namespace OPERATOR(pg_catalog.>) $3)"
		"       ORDER BY n.namespace LIMIT $4) s"
		" LEFT JOIN LATERAL (SELECT pg_catalog.count(*) AS memories,"
		"                           coalesce(pg_catalog.sum(m.tokens), 0) AS tokens"
		"                    FROM {store}.memory m"
		"                    WHERE m.namespace OPERATOR(pg_catalog.=) s.namespace"
		"                    AND s.memories IS NULL) c ON true"
		" ORDER BY s.namespace",
		&params, AGM_READ | AGM_PLAN_CUSTOM, "tzTll", put_row, result_store(fcinfo));
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/*
 * read_fn.c
 *		SQL boundary of plain reading: get, list, count, as_of, namespaces.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "memory/filter.h"
#include "memory/read.h"

PG_FUNCTION_INFO_V1(agm_fn_effective_confidence);
PG_FUNCTION_INFO_V1(agm_fn_effective_importance);
PG_FUNCTION_INFO_V1(agm_fn_as_of);
PG_FUNCTION_INFO_V1(agm_fn_get);
PG_FUNCTION_INFO_V1(agm_fn_list);
PG_FUNCTION_INFO_V1(agm_fn_count);
PG_FUNCTION_INFO_V1(agm_fn_namespaces);

#define ROWS_MAX 10000
#define PAGE_ON "Page on with the argument after."

/* README "Writing": each confirmation takes a tenth of what is left to doubt. */
Datum
agm_fn_effective_confidence(PG_FUNCTION_ARGS)
{
	double doubt = 1 - (double) PG_GETARG_FLOAT4(0);

	PG_RETURN_FLOAT4((float4) (1 - doubt * pow(0.9, PG_GETARG_INT32(1))));
}

/* README "Operations": each time that it did not help takes a fifth. */
Datum
agm_fn_effective_importance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT4((float4) ((double) PG_GETARG_FLOAT4(0) * pow(0.8, PG_GETARG_INT32(1))));
}

static void
put_row(TupleTableSlot *slot, void *arg)
{
	tuplestore_puttupleslot((Tuplestorestate *) arg, slot);
}

void
agm_read_rows(FunctionCallInfo fcinfo, const AgmStore *store, const char *sql,
			  const AgmParams *params, int flags, AgmColumns columns)
{
	(void) agm_execute(store, sql, params, AGM_READ | flags, columns, put_row,
					   ((ReturnSetInfo *) fcinfo->resultinfo)->setResult);
}

void
agm_read_open(FunctionCallInfo fcinfo, AgmStore *store, AgmParams *params)
{
	text *ns;

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "namespace");
	ns = PG_GETARG_TEXT_PP(1);
	agm_check_namespace(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns));
	agm_store_open(store, NameStr(*PG_GETARG_NAME(0)), ns, ACL_SELECT);
	agm_param(params, TEXTOID, PointerGetDatum(ns), false);
}

int
agm_read_row_limit(FunctionCallInfo fcinfo, int argno, const char *hint)
{
	int n;

	agm_require_not_null(PG_ARGISNULL(argno), "n");
	n = PG_GETARG_INT32(argno);
	if (n < 1 || n > ROWS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be between 1 and %d, not %d", ROWS_MAX, n),
						hint == NULL ? 0 : errhint("%s", hint)));
	return n;
}

static void
read_known_at(FunctionCallInfo fcinfo, int argno, AgmFilter *filter)
{
	filter->has_known_at = !PG_ARGISNULL(argno);
	if (filter->has_known_at)
		filter->known_at = PG_GETARG_TIMESTAMPTZ(argno);
}

/* What get, list and as_of have in common: versions of one store, in order of their ids. */
typedef struct Reading
{
	AgmSession session;
	AgmStore store;
	AgmParams params;
	AgmFilter filter;
	StringInfoData sql;
	const char *page; /* at the end of what is read from one source, and of all */
} Reading;

/* Writes what is read from one source. */
typedef void (*ReadingFn)(FunctionCallInfo fcinfo, AgmSource source, Reading *reading);

static void
begin_reading(FunctionCallInfo fcinfo, Reading *reading)
{
	memset(reading, 0, sizeof(*reading));
	reading->page = "";
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&reading->session);
	agm_read_open(fcinfo, &reading->store, &reading->params);
}

static void
finish_reading(FunctionCallInfo fcinfo, ReadingFn append, int flags, Reading *reading)
{
	StringInfo sql = &reading->sql;

	initStringInfo(sql);
	appendStringInfoString(sql, "SELECT * FROM ((");
	append(fcinfo, AGM_MEMORY, reading);
	if (agm_filter_needs(&reading->filter, AGM_HISTORY))
	{
		appendStringInfoString(sql, ") UNION ALL (");
		append(fcinfo, AGM_HISTORY, reading);
	}
	appendStringInfo(sql, ")) found ORDER BY 1%s", reading->page);
	agm_read_rows(fcinfo, &reading->store, sql->data, &reading->params, flags,
				  AGM_MEMORY_TYPES);
	agm_spi_end(&reading->session);
}

/* Two look-ups by index, not one scan with OR; base/README.md, rule 10. */
static void
append_look_ups(FunctionCallInfo fcinfo, AgmSource source, Reading *reading)
{
	StringInfo sql = &reading->sql;

	(void) fcinfo;
	appendStringInfoString(sql, "SELECT " AGM_MEMORY_COLUMNS " FROM pg_catalog.unnest($2) i(id)"
								" CROSS JOIN LATERAL (SELECT * FROM ");
	agm_filter_version(&reading->filter, source, "c.id OPERATOR(pg_catalog.=) i.id", sql,
					   &reading->params);
	appendStringInfoString(sql, " OFFSET 0) m" AGM_LOOK_UP_ACTIVITY
								" UNION SELECT " AGM_MEMORY_COLUMNS
								" FROM pg_catalog.unnest($3) k(key)"
								" CROSS JOIN LATERAL (SELECT * FROM ");
	agm_filter_version(&reading->filter, source, "c.key OPERATOR(pg_catalog.=) k.key", sql,
					   &reading->params);
	appendStringInfoString(sql, " OFFSET 0) m" AGM_LOOK_UP_ACTIVITY);
}

Datum
agm_fn_get(PG_FUNCTION_ARGS)
{
	Reading reading;

	begin_reading(fcinfo, &reading);
	agm_param(&reading.params, INT8ARRAYOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	agm_param(&reading.params, TEXTARRAYOID, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	read_known_at(fcinfo, 4, &reading.filter);
	finish_reading(fcinfo, append_look_ups, AGM_PLAN_GENERIC, &reading);
	PG_RETURN_NULL();
}

static void *
arg_pointer(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_DETOAST_DATUM(PG_GETARG_DATUM(argno));
}

void
agm_read_filter(FunctionCallInfo fcinfo, const AgmStore *store, int known_at, AgmFilter *filter)
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
	if (known_at >= 0)
		read_known_at(fcinfo, known_at, filter);
	agm_filter_check(filter, store);
}

/* The memories of one source that pass. */
static void
append_passing(FunctionCallInfo fcinfo, AgmSource source, Reading *reading)
{
	StringInfo sql = &reading->sql;

	(void) fcinfo;
	appendStringInfoString(sql, "SELECT " AGM_MEMORY_COLUMNS);
	agm_filter_from(&reading->filter, source, AGM_ANY_INDEX, AGM_JOIN_ACTIVITY, sql,
					&reading->params);
	agm_filter_append(&reading->filter, true, sql, &reading->params);
}

static void
append_page(FunctionCallInfo fcinfo, AgmSource source, Reading *reading)
{
	append_passing(fcinfo, source, reading);
	if (!PG_ARGISNULL(12))
		appendStringInfo(&reading->sql, " AND m.id OPERATOR(pg_catalog.>) $%d",
						 agm_param(&reading->params, INT8OID, PG_GETARG_DATUM(12), false));
	appendStringInfo(&reading->sql, " ORDER BY m.id%s", reading->page);
}

Datum
agm_fn_list(PG_FUNCTION_ARGS)
{
	Reading reading;
	int n = agm_read_row_limit(fcinfo, 13, PAGE_ON);

	begin_reading(fcinfo, &reading);
	agm_param(&reading.params, INT8OID, Int64GetDatum(n), false);
	reading.page = " LIMIT $2";
	agm_read_filter(fcinfo, &reading.store, 14, &reading.filter);
	finish_reading(fcinfo, append_page, AGM_PLAN_CUSTOM, &reading);
	PG_RETURN_NULL();
}

static void
read_count(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg += DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

Datum
agm_fn_count(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams all = {0};
	AgmFilter filter;
	int64 count = 0;

	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &all);
	agm_read_filter(fcinfo, &store, 12, &filter);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmParams params = all;
		StringInfoData sql;

		if (!agm_filter_needs(&filter, source))
			continue;
		initStringInfo(&sql);
		appendStringInfoString(&sql, "SELECT pg_catalog.count(*)");
		agm_filter_from(&filter, source, AGM_ANY_INDEX, "", &sql, &params);
		agm_filter_append(&filter, true, &sql, &params);
		(void) agm_execute(&store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "l",
						   read_count, &count);
	}
	agm_spi_end(&session);
	PG_RETURN_INT64(count);
}

/* The filter of as_of: any state, as in get. */
Datum
agm_fn_as_of(PG_FUNCTION_ARGS)
{
	Reading reading;
	AgmFilter *filter = &reading.filter;

	begin_reading(fcinfo, &reading);
	filter->has_valid_at = !PG_ARGISNULL(2);
	if (filter->has_valid_at)
		filter->valid_at = PG_GETARG_TIMESTAMPTZ(2);
	read_known_at(fcinfo, 3, filter);
	filter->kinds = arg_pointer(fcinfo, 4);
	agm_filter_check(filter, &reading.store);
	finish_reading(fcinfo, append_passing, AGM_PLAN_CUSTOM, &reading);
	PG_RETURN_NULL();
}

/* What is kept of a namespace n, or else counted. */
#define COUNTED(kept, counted)                                                                 \
	" coalesce(" kept ", (SELECT pg_catalog." counted " FROM {store}.memory m"                 \
	"  WHERE m.namespace OPERATOR(pg_catalog.=) n.namespace), 0)"

/* A page of namespaces n. */
#define PAGE                                                                                   \
	" FROM {store}.namespace n WHERE ($1 IS NULL OR n.namespace OPERATOR(pg_catalog.=) $1"     \
	"  OR (n.namespace OPERATOR(pg_catalog.>=) ($1 OPERATOR(pg_catalog.||) '/')"               \
	"      AND n.namespace OPERATOR(pg_catalog.<) ($1 OPERATOR(pg_catalog.||) '0')))"          \
	" AND ($2 IS NULL OR pg_catalog.length(n.namespace) OPERATOR(pg_catalog.-)"                \
	"        pg_catalog.length(pg_catalog.replace(n.namespace, '/', ''))"                      \
	"      OPERATOR(pg_catalog.-) coalesce(pg_catalog.length($1) OPERATOR(pg_catalog.-)"       \
	"        pg_catalog.length(pg_catalog.replace($1, '/', '')), -1)"                          \
	"      OPERATOR(pg_catalog.<=) $2)"                                                        \
	" AND ($3 IS NULL OR n.namespace OPERATOR(pg_catalog.>) $3)"                               \
	" ORDER BY n.namespace LIMIT $4"

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
	int n = agm_read_row_limit(fcinfo, 4, PAGE_ON);

	agm_require_not_null(PG_ARGISNULL(0), "store");
	if (!PG_ARGISNULL(2) && PG_GETARG_INT32(2) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("depth must not be negative"),
				 errhint("0 is the prefix itself, 1 its children.")));
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_store_open(&store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_SELECT);
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
	agm_param(&params, INT4OID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(3), PG_ARGISNULL(3));
	agm_param(&params, INT8OID, Int64GetDatum(n), false);
	agm_read_rows(
		fcinfo, &store,
		/* An engine takes a question for each row only where it may be asked beside it. */
		store.distributed
			? "SELECT n.namespace, n.created, n.languages," COUNTED(
				  "n.memories", "count(*)") "," COUNTED("n.tokens", "sum(m.tokens)") PAGE
			: "SELECT s.namespace, s.created, s.languages, coalesce(s.memories, c.memories),"
			  "       coalesce(s.tokens, c.tokens)"
			  " FROM (SELECT n.*" PAGE ") s"
			  " LEFT JOIN LATERAL (SELECT pg_catalog.count(*) AS memories,"
			  "                           coalesce(pg_catalog.sum(m.tokens), 0) AS tokens"
			  "                    FROM {store}.memory m"
			  "                    WHERE m.namespace OPERATOR(pg_catalog.=) s.namespace"
			  "                    AND s.memories IS NULL) c ON true"
			  " ORDER BY s.namespace",
		&params, AGM_PLAN_CUSTOM, "tzTll");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

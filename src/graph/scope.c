/*
 * scope.c
 *		How walks read edges, and look which memories are there.
 *
 * Decides what is read, not where a walk goes.  Edges come from their indexes directly or, where
 * that may not be, by a statement that returns the same.  The statements are the same for every
 * frontier of a call, so that each is planned once.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"

#include "base/order.h"
#include "graph/scope.h"

static AgmEdgeType *
add_type(AgmScope *scope, const char *name, int length)
{
	AgmEdgeType *type;

	if (scope->ntypes == scope->types_room)
	{
		scope->types_room = Max(16, scope->types_room * 2);
		scope->types = scope->types == NULL
						   ? palloc(sizeof(AgmEdgeType) * scope->types_room)
						   : repalloc(scope->types, sizeof(AgmEdgeType) * scope->types_room);
	}
	type = &scope->types[scope->ntypes++];
	memset(type, 0, sizeof(*type));
	type->name = pnstrdup(name, length);
	type->length = length;
	type->wanted = scope->wanted == NULL;
	return type;
}

static int
find_type(const AgmScope *scope, const char *name, int length)
{
	for (int i = 0; i < scope->ntypes; i++)
		if (scope->types[i].length == length && memcmp(scope->types[i].name, name, length) == 0)
			return i;
	return -1;
}

static void
read_type(TupleTableSlot *slot, void *arg)
{
	AgmScope *scope = arg;
	text *name = DatumGetTextPP(slot->tts_values[0]);
	AgmEdgeType *type = add_type(scope, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	type->weight = DatumGetFloat4(slot->tts_values[1]);
	type->directed = DatumGetBool(slot->tts_values[2]);
	scope->hidden = DatumGetBool(slot->tts_values[3]);
}

static void
want_types(AgmScope *scope)
{
	Datum *items;
	int n;

	if (scope->wanted == NULL)
		return;
	deconstruct_array(scope->wanted, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		text *name = DatumGetTextPP(items[i]);
		int type = find_type(scope, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

		if (type < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown edge type \"%s\"", text_to_cstring(name)),
					 errhint("SELECT name FROM %s.edge_type lists the types of this store.",
							 scope->store->quoted)));
		scope->types[type].wanted = true;
	}
}

/* One direction in one table; `from` and `to` are the columns of the node and the other end. */
static void
append_direction(AgmScope *scope, bool raw, const char *table, bool outgoing, StringInfo sql,
				 AgmParams *params)
{
	const char *from = outgoing ? "source" : "target";
	const char *to = outgoing ? "target" : "source";
	const AgmFilter *filter = &scope->filter;
	int at = agm_param(
		params, TIMESTAMPTZOID,
		TimestampTzGetDatum(filter->has_valid_at ? filter->valid_at : filter->now), false);

	appendStringInfo(sql,
					 "SELECT i.id, e.other, e.weight, e.type, %s, e.counts"
					 " FROM unnest($2, $3) i(id, n) CROSS JOIN LATERAL"
					 " (SELECT e.%s AS other, e.weight, e.type,",
					 outgoing ? "true" : "false", to);
	if (raw)
		appendStringInfo(sql, " e.valid_period OPERATOR(pg_catalog.@>) $%d AS counts", at);
	else
		appendStringInfoString(sql, " true AS counts");
	appendStringInfo(sql,
					 " FROM {store}.%s e WHERE " AGM_OF_NAMESPACE(
						 "e") " AND e.%s OPERATOR(pg_catalog.=) i.id",
					 table, from);
	if (scope->memories_only && outgoing)
		appendStringInfoString(sql, " AND e.target OPERATOR(pg_catalog.>=) 0");
	if (filter->has_known_at)
		appendStringInfo(
			sql, " AND e.system_period OPERATOR(pg_catalog.@>) $%d",
			agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(filter->known_at), false));
	if (!raw)
		appendStringInfo(sql, " AND e.valid_period OPERATOR(pg_catalog.@>) $%d", at);
	if (!raw && scope->wanted != NULL)
		appendStringInfo(
			sql, " AND e.type OPERATOR(pg_catalog.=) ANY ($%d)",
			agm_param(params, TEXTARRAYOID, PointerGetDatum(scope->wanted), false));
	appendStringInfo(sql, " ORDER BY e.weight DESC, e.%s, e.type LIMIT i.n) e", to);
}

static char *
make_edges_sql(AgmScope *scope, bool raw, AgmParams *params)
{
	StringInfoData sql;

	*params = scope->base;
	agm_param(params, INT8ARRAYOID, 0, true);
	agm_param(params, INT8ARRAYOID, 0, true);
	initStringInfo(&sql);
	for (int i = 0; i < (scope->filter.has_known_at ? 4 : 2); i++)
	{
		if (i > 0)
			appendStringInfoString(&sql, " UNION ALL ");
		append_direction(scope, raw, i < 2 ? "edge" : "edge_history", i % 2 == 0, &sql, params);
	}
	return sql.data;
}

/* Edges that end in a memory, whether they count or not; those that the store held at the instant. */
static char *
make_degrees_sql(AgmScope *scope, AgmParams *params)
{
	StringInfoData sql;

	*params = scope->base;
	agm_param(params, INT8ARRAYOID, 0, true);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT i.id, (SELECT pg_catalog.count(*) FROM (");
	for (int i = 0; i < (scope->filter.has_known_at ? 2 : 1); i++)
	{
		appendStringInfo(&sql,
						 "%sSELECT FROM {store}.%s e WHERE " AGM_OF_NAMESPACE(
							 "e") " AND e.target OPERATOR(pg_catalog.=) i.id",
						 i == 0 ? "" : " UNION ALL ", i == 0 ? "edge" : "edge_history");
		if (scope->filter.has_known_at)
			appendStringInfo(&sql, " AND e.system_period OPERATOR(pg_catalog.@>) $%d",
							 agm_param(params, TIMESTAMPTZOID,
									   TimestampTzGetDatum(scope->filter.known_at), false));
	}
	appendStringInfo(&sql, " LIMIT %d) e) FROM pg_catalog.unnest($2) i(id)", AGM_DEGREE_CAP);
	return sql.data;
}

void
agm_scope_open(AgmScope *scope, const AgmScopeRequest *request)
{
	memset(scope, 0, sizeof(*scope));
	scope->store = request->store;
	scope->base = *request->params;
	scope->memories_only = request->memories_only;
	scope->concepts = request->concepts > 0 ? sqrt(request->concepts) : 1;
	scope->filter.states = agm_shown_states();
	scope->filter.has_valid_at = request->has_valid_at;
	scope->filter.valid_at = request->valid_at;
	scope->filter.has_known_at = request->has_known_at;
	scope->filter.known_at = request->known_at;
	agm_check_array(request->types, "types");
	scope->wanted = request->types;
	if (request->checked == NULL)
		agm_filter_check(&scope->filter, request->store);
	else
		agm_filter_take(&scope->filter, request->checked);
	(void) agm_execute(request->store,
					   "SELECT t.name, t.weight, t.directed, " AGM_HAS_HIDDEN(
						   "$1") " FROM {store}.edge_type t ORDER BY t.name",
					   request->params, AGM_READ | AGM_PLAN_GENERIC, "tfbb", read_type, scope);
	want_types(scope);
	if (request->keeps_seen)
	{
		scope->seen_room = 64;
		scope->seen = palloc(sizeof(AgmSeen) * scope->seen_room);
	}
}

enum EdgeColumn
{
	EDGE_NODE = 1,
	EDGE_WEIGHT,
	EDGE_OTHER,
	EDGE_TYPE,
	EDGE_PERIOD,
	EDGE_NCOLUMNS
};

#define EDGE_COLUMNS(node, other)                                                              \
	{                                                                                          \
		{"namespace", TEXTOID, false}, {node, INT8OID, false}, {"weight", FLOAT4OID, true},    \
			{other, INT8OID, false}, {"type", TEXTOID, false},                                 \
		{                                                                                      \
			"valid_period", TSTZRANGEOID, false                                                \
		}                                                                                      \
	}

/* Of the two indexes, by whether the node is the source. */
static const AgmDirectColumn edge_columns[2][EDGE_NCOLUMNS] = {
	EDGE_COLUMNS("target", "source"), EDGE_COLUMNS("source", "target")};

/* May edges be read directly?  Those of an instant of the past are in two tables. */
static bool
is_direct(AgmScope *scope)
{
	if (!scope->opened && !scope->filter.has_known_at)
		for (int i = 0; i < 2 && (i == 0 || scope->direct[0] != NULL); i++)
			scope->direct[i] =
				agm_direct_open(scope->store, "edge", edge_columns[i], EDGE_PERIOD,
								EDGE_NCOLUMNS, scope->base.values[0], GetActiveSnapshot());
	scope->opened = true;
	return scope->direct[0] != NULL && scope->direct[1] != NULL;
}

void
agm_scope_close(AgmScope *scope)
{
	for (int i = 0; i < 2; i++)
		if (scope->direct[i] != NULL)
			agm_direct_close(scope->direct[i]);
	scope->direct[0] = scope->direct[1] = NULL;
	agm_there_close(scope);
}

/* Does the period contain the instant?  Nearly all edges have the same. */
static bool
holds(AgmScope *scope, Datum value)
{
	struct varlena *period = (struct varlena *) DatumGetPointer(value);
	const AgmFilter *filter = &scope->filter;

	if (scope->period != NULL && VARSIZE_ANY(period) == VARSIZE_ANY(scope->period) &&
		memcmp(period, scope->period, VARSIZE_ANY(period)) == 0)
		return scope->holds;
	if (scope->period != NULL)
		pfree(scope->period);
	scope->period = palloc(VARSIZE_ANY(period));
	memcpy(scope->period, period, VARSIZE_ANY(period));
	scope->holds = range_contains_elem_internal(
		lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO), DatumGetRangeTypeP(value),
		TimestampTzGetDatum(filter->has_valid_at ? filter->valid_at : filter->now));
	return scope->holds;
}

typedef struct EdgeReader
{
	AgmScope *scope;
	AgmEdgeFn fn;
	void *arg;
} EdgeReader;

static int
type_of(AgmScope *scope, text *name)
{
	int type = find_type(scope, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));

	if (type >= 0)
		return type;
	(void) add_type(scope, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	return scope->ntypes - 1;
}

/* The type is given by name; `edge->counts` says whether it holds. */
static void
take_edge(const EdgeReader *reader, AgmEdge *edge, Datum type)
{
	/* What conducts is the square. */
	if (edge->node < 0 || edge->other < 0)
		edge->weight *= reader->scope->concepts;
	edge->type = type_of(reader->scope, DatumGetTextPP(type));
	edge->counts = edge->counts && reader->scope->types[edge->type].wanted;
}

static void
read_edge(TupleTableSlot *slot, void *arg)
{
	EdgeReader *reader = arg;
	AgmEdge edge = {.node = DatumGetInt64(slot->tts_values[0]),
					.other = DatumGetInt64(slot->tts_values[1]),
					.weight = DatumGetFloat4(slot->tts_values[2]),
					.outgoing = DatumGetBool(slot->tts_values[4]),
					.counts = DatumGetBool(slot->tts_values[5])};

	take_edge(reader, &edge, slot->tts_values[3]);
	reader->fn(&edge, reader->arg);
}

/* Nodes of a direction that are read directly. */
typedef struct DirectReader
{
	const EdgeReader *reader;
	const int64 *nodes;
	const int64 *limits;
	int64 *passed; /* by node, to its limit */
	bool raw;
	bool outgoing;
} DirectReader;

/* What the statement returns of a node and direction, in the same order. */
static bool
read_entry(int i, const Datum *values, void *arg)
{
	const DirectReader *direct = arg;
	AgmScope *scope = direct->reader->scope;
	AgmEdge edge = {.node = direct->nodes[i],
					.other = DatumGetInt64(values[EDGE_OTHER]),
					.weight = DatumGetFloat4(values[EDGE_WEIGHT]),
					.outgoing = direct->outgoing,
					.counts = holds(scope, values[EDGE_PERIOD])};

	if (scope->memories_only && edge.outgoing && edge.other < 0)
		return true;
	take_edge(direct->reader, &edge, values[EDGE_TYPE]);
	if (!direct->raw && !edge.counts)
		return true;
	direct->reader->fn(&edge, direct->reader->arg);
	return ++direct->passed[i] < direct->limits[i];
}

static void
read_directly(const EdgeReader *reader, bool raw, const int64 *nodes, const int64 *limits,
			  int n)
{
	DirectReader direct = {reader, nodes, limits, palloc(sizeof(int64) * n), raw, false};

	for (int outgoing = 1; outgoing >= 0; outgoing--)
	{
		direct.outgoing = outgoing;
		memset(direct.passed, 0, sizeof(int64) * n);
		agm_direct_each(reader->scope->direct[outgoing], nodes, limits, n, read_entry, &direct);
	}
	pfree(direct.passed);
}

typedef struct Wanted
{
	int64 node;
	int64 limit;
} Wanted;

static int
compare_wanted(const void *a, const void *b)
{
	return agm_compare_int64(&((const Wanted *) a)->node, &((const Wanted *) b)->node);
}

/* In the order of ids, in which an index has them, for the statement too: callers hear of edges in one order. */
static void
sort_wanted(const int64 *nodes, const int64 *limits, int n, int64 *sorted, int64 *sorted_limits)
{
	Wanted *wanted = palloc(sizeof(Wanted) * n);

	for (int i = 0; i < n; i++)
		wanted[i] = (Wanted){nodes[i], limits[i]};
	qsort(wanted, n, sizeof(Wanted), compare_wanted);
	for (int i = 0; i < n; i++)
	{
		sorted[i] = wanted[i].node;
		sorted_limits[i] = wanted[i].limit;
	}
	pfree(wanted);
}

/* ... by statement. */
static void
read_by_statement(EdgeReader *reader, bool raw, const int64 *nodes, const int64 *limits, int n)
{
	AgmScope *scope = reader->scope;
	char **sql = raw ? &scope->raw_sql : &scope->edges_sql;
	AgmParams *params = raw ? &scope->raw_params : &scope->edges_params;

	if (*sql == NULL)
		*sql = make_edges_sql(scope, raw, params);
	params->values[1] = agm_int8_array(nodes, n);
	params->values[2] = agm_int8_array(limits, n);
	params->nulls[1] = params->nulls[2] = false;
	(void) agm_execute(scope->store, *sql, params, AGM_READ | AGM_PLAN_ORDERED, "llftbb",
					   read_edge, reader);
	pfree(DatumGetPointer(params->values[1]));
	pfree(DatumGetPointer(params->values[2]));
}

void
agm_scope_edges(AgmScope *scope, bool raw, const int64 *nodes, const int64 *limits, int n,
				AgmEdgeFn fn, void *arg)
{
	EdgeReader reader = {scope, fn, arg};
	int64 *sorted;
	int64 *sorted_limits;

	if (n == 0)
		return;
	sorted = palloc(sizeof(int64) * n);
	sorted_limits = palloc(sizeof(int64) * n);
	sort_wanted(nodes, limits, n, sorted, sorted_limits);
	if (is_direct(scope))
		read_directly(&reader, raw, sorted, sorted_limits, n);
	else
		read_by_statement(&reader, raw, sorted, sorted_limits, n);
	pfree(sorted);
	pfree(sorted_limits);
}

typedef struct CountReader
{
	AgmCountFn fn;
	void *arg;
} CountReader;

static void
read_count(TupleTableSlot *slot, void *arg)
{
	CountReader *reader = arg;

	reader->fn(DatumGetInt64(slot->tts_values[0]), DatumGetInt64(slot->tts_values[1]),
			   reader->arg);
}

void
agm_scope_degrees(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn, void *arg)
{
	CountReader reader = {fn, arg};

	if (n == 0)
		return;
	if (is_direct(scope))
	{
		int *counts = palloc(sizeof(int) * n);

		agm_direct_counts(scope->direct[0], ids, n, AGM_DEGREE_CAP, counts);
		for (int i = 0; i < n; i++)
			fn(ids[i], counts[i], arg);
		pfree(counts);
		return;
	}
	if (scope->degrees_sql == NULL)
		scope->degrees_sql = make_degrees_sql(scope, &scope->degrees_params);
	scope->degrees_params.values[1] = agm_int8_array(ids, n);
	scope->degrees_params.nulls[1] = false;
	(void) agm_execute(scope->store, scope->degrees_sql, &scope->degrees_params,
					   AGM_READ | AGM_PLAN_GENERIC, "ll", read_count, &reader);
	pfree(DatumGetPointer(scope->degrees_params.values[1]));
}

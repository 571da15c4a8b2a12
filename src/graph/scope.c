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

#include "graph/scope.h"

#define OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"

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
	appendStringInfo(
		sql,
		" FROM {store}.%s e WHERE " OF_NAMESPACE("e") " AND e.%s OPERATOR(pg_catalog.=) i.id",
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
						 "%sSELECT FROM {store}.%s e WHERE " OF_NAMESPACE(
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

static char *
make_visible_sql(AgmScope *scope, AgmParams *params)
{
	StringInfoData sql;

	*params = scope->base;
	agm_param(params, INT8ARRAYOID, 0, true);
	initStringInfo(&sql);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		if (!agm_filter_needs(&scope->filter, source))
			continue;
		appendStringInfo(&sql,
						 "%sSELECT i.id, %d::pg_catalog.int8, m.ctid"
						 " FROM pg_catalog.unnest($2) i(id)"
						 " CROSS JOIN LATERAL (SELECT * FROM ",
						 source == AGM_MEMORY ? "" : " UNION ALL ", (int) source);
		agm_filter_version(&scope->filter, source, "c.id OPERATOR(pg_catalog.=) i.id", &sql,
						   params);
		appendStringInfoString(&sql, " OFFSET 0) m WHERE true");
		agm_filter_append(&scope->filter, scope->hidden, &sql, params);
	}
	if (!scope->memories_only && agm_store_has(scope->store, "concept"))
		appendStringInfoString(
			&sql, " UNION ALL SELECT i.id, 0::pg_catalog.int8, '(0,1)'::pg_catalog.tid"
				  " FROM pg_catalog.unnest($2) i(id)"
				  " WHERE i.id OPERATOR(pg_catalog.<) 0 AND (SELECT true FROM {store}.concept c"
				  " WHERE " OF_NAMESPACE("c") " AND c.id OPERATOR(pg_catalog.=) i.id LIMIT 1)");
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
	scope->visible_sql = make_visible_sql(scope, &scope->visible_params);
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

/* What the statement returns of one node and direction, in the same order. */
static void
read_directly(const EdgeReader *reader, bool raw, int64 node, int64 limit, bool outgoing)
{
	AgmScope *scope = reader->scope;
	Datum values[EDGE_NCOLUMNS];
	int64 n = 0;

	agm_direct_seek(scope->direct[outgoing], node);
	while (n < limit && agm_direct_next(scope->direct[outgoing], values))
	{
		AgmEdge edge = {.node = node,
						.other = DatumGetInt64(values[EDGE_OTHER]),
						.weight = DatumGetFloat4(values[EDGE_WEIGHT]),
						.outgoing = outgoing,
						.counts = holds(scope, values[EDGE_PERIOD])};

		if (scope->memories_only && outgoing && edge.other < 0)
			continue;
		take_edge(reader, &edge, values[EDGE_TYPE]);
		if (!raw && !edge.counts)
			continue;
		reader->fn(&edge, reader->arg);
		n++;
	}
}

void
agm_scope_edges(AgmScope *scope, bool raw, const int64 *nodes, const int64 *limits, int n,
				AgmEdgeFn fn, void *arg)
{
	char **sql = raw ? &scope->raw_sql : &scope->edges_sql;
	AgmParams *params = raw ? &scope->raw_params : &scope->edges_params;
	EdgeReader reader = {scope, fn, arg};

	if (n == 0)
		return;
	if (is_direct(scope))
	{
		for (int outgoing = 1; outgoing >= 0; outgoing--)
			for (int i = 0; i < n; i++)
				read_directly(&reader, raw, nodes[i], limits[i], outgoing);
		return;
	}
	if (*sql == NULL)
		*sql = make_edges_sql(scope, raw, params);
	params->values[1] = agm_int8_array(nodes, n);
	params->values[2] = agm_int8_array(limits, n);
	params->nulls[1] = params->nulls[2] = false;
	(void) agm_execute(scope->store, *sql, params, AGM_READ | AGM_PLAN_ORDERED, "llftbb",
					   read_edge, &reader);
	pfree(DatumGetPointer(params->values[1]));
	pfree(DatumGetPointer(params->values[2]));
}

typedef struct CountReader
{
	AgmScope *scope;
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

/* Columns: id, source, ctid. */
static void
read_seen(TupleTableSlot *slot, void *arg)
{
	CountReader *reader = arg;
	AgmScope *scope = reader->scope;

	if (scope->seen != NULL)
	{
		AgmSeen *seen;

		if (scope->nseen == scope->seen_room)
		{
			scope->seen_room *= 2;
			scope->seen = repalloc_huge(scope->seen, sizeof(AgmSeen) * scope->seen_room);
		}
		seen = &scope->seen[scope->nseen++];
		seen->id = DatumGetInt64(slot->tts_values[0]);
		seen->source = (AgmSource) DatumGetInt64(slot->tts_values[1]);
		seen->tid = *(ItemPointer) DatumGetPointer(slot->tts_values[2]);
	}
	reader->fn(DatumGetInt64(slot->tts_values[0]), 1, reader->arg);
}

static void
run_of(AgmScope *scope, const char *sql, AgmParams *params, const int64 *ids, int n,
	   AgmColumns columns, AgmRowFn row, CountReader *reader)
{
	if (n == 0)
		return;
	params->values[1] = agm_int8_array(ids, n);
	params->nulls[1] = false;
	(void) agm_execute(scope->store, sql, params, AGM_READ | AGM_PLAN_GENERIC, columns, row,
					   reader);
	pfree(DatumGetPointer(params->values[1]));
}

void
agm_scope_visible(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn, void *arg)
{
	run_of(scope, scope->visible_sql, &scope->visible_params, ids, n, "llc", read_seen,
		   &(CountReader){scope, fn, arg});
}

void
agm_scope_degrees(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn, void *arg)
{
	if (n > 0 && is_direct(scope))
	{
		for (int i = 0; i < n; i++)
			fn(ids[i], agm_direct_count(scope->direct[0], ids[i], AGM_DEGREE_CAP), arg);
		return;
	}
	if (scope->degrees_sql == NULL)
		scope->degrees_sql = make_degrees_sql(scope, &scope->degrees_params);
	run_of(scope, scope->degrees_sql, &scope->degrees_params, ids, n, "ll", read_count,
		   &(CountReader){scope, fn, arg});
}

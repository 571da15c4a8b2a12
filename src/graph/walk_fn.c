/*
 * walk_fn.c
 *		SQL boundary of what walks the edges of a namespace: neighbors, shortest_path, graph,
 *		ppr, spread, transitions.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "graph/draw.h"
#include "graph/push.h"
#include "graph/walk.h"
#include "memory/read.h"

PG_FUNCTION_INFO_V1(agm_fn_neighbors);
PG_FUNCTION_INFO_V1(agm_fn_shortest_path);
PG_FUNCTION_INFO_V1(agm_fn_graph);
PG_FUNCTION_INFO_V1(agm_fn_ppr);
PG_FUNCTION_INFO_V1(agm_fn_spread);

#define NODES_MAX 10000
#define PATH_NODES_MAX 10000000
#define DEPTH_MAX 100

/* Where a function has its arguments. */
typedef struct Places
{
	int types;
	int valid_at; /* known_at is the next */
} Places;

/* What a call works with. */
typedef struct Call
{
	AgmSession session;
	AgmStore store;
	AgmParams params;
	AgmScope scope;
} Call;

static void
open_call(FunctionCallInfo fcinfo, Places places, Call *call)
{
	AgmScopeRequest request = {0};

	memset(call, 0, sizeof(*call));
	agm_spi_begin(&call->session);
	agm_read_open(fcinfo, &call->store, &call->params);
	request.store = &call->store;
	request.params = &call->params;
	if (!PG_ARGISNULL(places.types))
		request.types = PG_GETARG_ARRAYTYPE_P(places.types);
	request.has_valid_at = !PG_ARGISNULL(places.valid_at);
	if (request.has_valid_at)
		request.valid_at = PG_GETARG_TIMESTAMPTZ(places.valid_at);
	request.has_known_at = !PG_ARGISNULL(places.valid_at + 1);
	if (request.has_known_at)
		request.known_at = PG_GETARG_TIMESTAMPTZ(places.valid_at + 1);
	agm_scope_open(&call->scope, &request);
}

static void
close_call(Call *call)
{
	agm_scope_close(&call->scope);
	agm_spi_end(&call->session);
}

static int
int_argument(FunctionCallInfo fcinfo, int argno, const char *name, int min, int max)
{
	int value;

	agm_require_not_null(PG_ARGISNULL(argno), name);
	value = PG_GETARG_INT32(argno);
	if (value < min || value > max)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between %d and %d, not %d", name, min, max, value)));
	return value;
}

/* A real above 0 and below 1, or up to it. */
static double
share_argument(FunctionCallInfo fcinfo, int argno, const char *name, double min, bool below)
{
	double value;

	agm_require_not_null(PG_ARGISNULL(argno), name);
	value = PG_GETARG_FLOAT4(argno);
	if (!(value >= min && value > 0 && (below ? value < 1 : value <= 1)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be %s %g and %s 1, not %g", name,
							   min > 0 ? "at least" : "above", min, below ? "below" : "at most",
							   value)));
	return value;
}

static AgmSeeds
ids_argument(FunctionCallInfo fcinfo, int argno, const char *name, int weights)
{
	AgmSeeds seeds;

	agm_seeds_read(name, PG_GETARG_ARRAYTYPE_P(argno),
				   weights < 0 || PG_ARGISNULL(weights) ? NULL : PG_GETARG_ARRAYTYPE_P(weights),
				   &seeds);
	return seeds;
}

static void
put(FunctionCallInfo fcinfo, Datum *values, bool *nulls)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* neighbors(store, namespace, ids, types, depth, max_nodes, valid_at, known_at) */
Datum
agm_fn_neighbors(PG_FUNCTION_ARGS)
{
	Call call;
	AgmVisits found;
	AgmSeeds ids;
	int depth = int_argument(fcinfo, 4, "depth", 1, DEPTH_MAX);
	int max_nodes = int_argument(fcinfo, 5, "max_nodes", 1, NODES_MAX);
	int shown = 0;

	agm_require_not_null(PG_ARGISNULL(2), "ids");
	InitMaterializedSRF(fcinfo, 0);
	open_call(fcinfo, (Places){3, 6}, &call);
	ids = ids_argument(fcinfo, 2, "ids", -1);
	agm_neighbors(&call.scope, ids.ids, ids.n, depth, max_nodes, &found);
	for (int i = 0; i < found.n && shown < max_nodes; i++)
	{
		const AgmVisit *visit = &found.visits[i];
		bool nulls[6] = {false};
		Datum values[6];

		if (visit->depth == 0)
			continue;
		values[0] = Int64GetDatum(visit->id);
		values[1] = Int32GetDatum(visit->depth);
		values[2] = Int64GetDatum(visit->via);
		values[3] = CStringGetTextDatum(call.scope.types[visit->type].name);
		values[4] = Float4GetDatum(visit->weight);
		values[5] = BoolGetDatum(visit->outgoing);
		put(fcinfo, values, nulls);
		shown++;
	}
	close_call(&call);
	PG_RETURN_NULL();
}

/* shortest_path(store, namespace, source, target, types, max_depth, max_nodes, valid_at, known_at) */
Datum
agm_fn_shortest_path(PG_FUNCTION_ARGS)
{
	Call call;
	AgmVisits way;
	int max_depth = int_argument(fcinfo, 5, "max_depth", 1, DEPTH_MAX);
	int max_nodes = int_argument(fcinfo, 6, "max_nodes", 1, PATH_NODES_MAX);

	agm_require_not_null(PG_ARGISNULL(2), "source");
	agm_require_not_null(PG_ARGISNULL(3), "target");
	InitMaterializedSRF(fcinfo, 0);
	open_call(fcinfo, (Places){4, 7}, &call);
	agm_shortest_path(&call.scope, PG_GETARG_INT64(2), PG_GETARG_INT64(3), max_depth, max_nodes,
					  &way);
	for (int i = 0; i < way.n; i++)
	{
		const AgmVisit *visit = &way.visits[i];
		bool nulls[3] = {false, false, i == 0};
		Datum values[3];

		values[0] = Int32GetDatum(i);
		values[1] = Int64GetDatum(visit->id);
		values[2] = i == 0 ? 0 : CStringGetTextDatum(call.scope.types[visit->type].name);
		put(fcinfo, values, nulls);
	}
	close_call(&call);
	PG_RETURN_NULL();
}

/* graph(store, namespace, format, ids, types, depth, max_nodes, valid_at, known_at) */
Datum
agm_fn_graph(PG_FUNCTION_ARGS)
{
	Call call;
	AgmDrawFormat format;
	text *result;
	char *drawn;
	int64 *ids;
	int n;
	int depth = int_argument(fcinfo, 5, "depth", 0, DEPTH_MAX);
	int max_nodes = int_argument(fcinfo, 6, "max_nodes", 1, NODES_MAX);
	MemoryContext old;

	agm_require_not_null(PG_ARGISNULL(2), "format");
	format = agm_draw_format(text_to_cstring(PG_GETARG_TEXT_PP(2)));
	open_call(fcinfo, (Places){4, 7}, &call);
	if (PG_ARGISNULL(3))
	{
		n = max_nodes;
		ids = agm_newest(&call.scope, &n);
	}
	else
	{
		AgmSeeds seeds = ids_argument(fcinfo, 3, "ids", -1);
		AgmVisits found;

		agm_neighbors(&call.scope, seeds.ids, seeds.n, depth, max_nodes, &found);
		n = Min(found.n, max_nodes);
		ids = palloc(sizeof(int64) * Max(n, 1));
		for (int i = 0; i < n; i++)
			ids[i] = found.visits[i].id;
	}
	drawn = agm_draw(&call.scope, format, ids, n);
	old = MemoryContextSwitchTo(call.session.caller);
	result = cstring_to_text(drawn);
	MemoryContextSwitchTo(old);
	close_call(&call);
	PG_RETURN_TEXT_P(result);
}

static void
put_scored(FunctionCallInfo fcinfo, const AgmScored *scored, int n)
{
	bool nulls[2] = {false, false};

	for (int i = 0; i < n; i++)
	{
		Datum values[2] = {Int64GetDatum(scored[i].id), Float8GetDatum(scored[i].score)};

		put(fcinfo, values, nulls);
	}
}

/* ppr(store, namespace, seeds, weights, damping, epsilon, types, k, valid_at, known_at) */
Datum
agm_fn_ppr(PG_FUNCTION_ARGS)
{
	Call call;
	AgmSeeds seeds;
	AgmPushOptions options = {0};
	AgmPushResult result;

	agm_require_not_null(PG_ARGISNULL(2), "seeds");
	options.damping = share_argument(fcinfo, 4, "damping", 0, true);
	options.epsilon = share_argument(fcinfo, 5, "epsilon", (float4) 1e-9, true);
	options.k = int_argument(fcinfo, 7, "k", 1, NODES_MAX);
	InitMaterializedSRF(fcinfo, 0);
	open_call(fcinfo, (Places){6, 8}, &call);
	seeds = ids_argument(fcinfo, 2, "seeds", 3);
	agm_push(&call.scope, &seeds, &options, &result);
	ereport(DEBUG1,
			(errmsg_internal(
				"graph: %d passes over %u memories, %d of them looked up, " UINT64_FORMAT
				" edges read in %d rounds, %g held back",
				result.pushes, result.seen, result.looked_up, result.read, result.rounds,
				result.left)));
	put_scored(fcinfo, result.best, result.n);
	close_call(&call);
	PG_RETURN_NULL();
}

/* spread(store, namespace, seeds, weights, retention, spread, steps, fan, types, k, valid_at, known_at) */
Datum
agm_fn_spread(PG_FUNCTION_ARGS)
{
	Call call;
	AgmSeeds seeds;
	AgmSpreadOptions options;
	AgmScored *scored;
	int n;

	agm_require_not_null(PG_ARGISNULL(2), "seeds");
	options.retention = share_argument(fcinfo, 4, "retention", 0, false);
	options.spread = share_argument(fcinfo, 5, "spread", 0, false);
	options.steps = int_argument(fcinfo, 6, "steps", 1, 10);
	options.fan = int_argument(fcinfo, 7, "fan", 1, 1000);
	options.k = int_argument(fcinfo, 9, "k", 1, NODES_MAX);
	InitMaterializedSRF(fcinfo, 0);
	open_call(fcinfo, (Places){8, 10}, &call);
	seeds = ids_argument(fcinfo, 2, "seeds", 3);
	scored = agm_spread(&call.scope, &seeds, &options, &n);
	put_scored(fcinfo, scored, n);
	close_call(&call);
	PG_RETURN_NULL();
}

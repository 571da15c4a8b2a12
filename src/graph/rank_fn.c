/*
 * rank_fn.c
 *		SQL boundary of what looks at a whole graph: pagerank, personalized_pagerank,
 *		communities.
 *
 * The graph is what a query of the user's returns.  Rules: src/graph/README.md, "Whole graphs".
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/query.h"
#include "base/spi.h"
#include "graph/community.h"
#include "graph/csr.h"
#include "graph/rank.h"
#include "graph/seeds.h"

PG_FUNCTION_INFO_V1(agm_fn_pagerank);
PG_FUNCTION_INFO_V1(agm_fn_personalized_pagerank);
PG_FUNCTION_INFO_V1(agm_fn_communities);

#define EDGES_HINT                                                                             \
	"It must return source bigint, target bigint and, if edges have weights, weight double "   \
	"precision."

typedef struct EdgeReader
{
	AgmGraph graph;
	int ncolumns;
	Oid types[3];
} EdgeReader;

static void
start_edges(TupleDesc desc, void *arg)
{
	EdgeReader *reader = arg;

	if (desc->natts < 2 || desc->natts > 3)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("edges must return 2 or 3 columns, not %d", desc->natts),
						errhint(EDGES_HINT)));
	reader->ncolumns = desc->natts;
	for (int i = 0; i < desc->natts; i++)
	{
		Oid type = TupleDescAttr(desc, i)->atttypid;

		if (!(type == INT8OID || type == INT4OID ||
			  (i == 2 && (type == FLOAT8OID || type == FLOAT4OID || type == NUMERICOID))))
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column %d of edges has type %s", i + 1, format_type_be(type)),
					 errhint(EDGES_HINT)));
		reader->types[i] = type;
	}
}

static double
weight_value(Oid type, Datum value)
{
	switch (type)
	{
		case FLOAT8OID:
			return DatumGetFloat8(value);
		case FLOAT4OID:
			return DatumGetFloat4(value);
		case INT8OID:
			return (double) DatumGetInt64(value);
		case INT4OID:
			return DatumGetInt32(value);
		default:
			return DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, value));
	}
}

static void
read_edge(TupleTableSlot *slot, void *arg)
{
	EdgeReader *reader = arg;
	int64 ends[2];
	double weight = 1;

	for (int i = 0; i < reader->ncolumns; i++)
		if (slot->tts_isnull[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
							errmsg("edges must not contain null"),
							errdetail("Column %d of row " UINT64_FORMAT " is null.", i + 1,
									  reader->graph.nedges + 1),
							errhint("Leave such rows out by a condition.")));
	for (int i = 0; i < 2; i++)
		ends[i] = reader->types[i] == INT8OID ? DatumGetInt64(slot->tts_values[i])
											  : DatumGetInt32(slot->tts_values[i]);
	if (reader->ncolumns == 3)
		weight = weight_value(reader->types[2], slot->tts_values[2]);
	if (!(weight >= 0) || isinf(weight))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the weight of an edge must be finite and not negative"),
						errdetail("The edge from " INT64_FORMAT " to " INT64_FORMAT
								  " has the weight %g.",
								  ends[0], ends[1], weight)));
	agm_graph_add(&reader->graph, ends[0], ends[1], weight);
}

/* What was done, how long it took: to measure, with client_min_messages = debug1. */
typedef struct Report
{
	instr_time start;
	double read;
	double built;
	uint64 nedges;
} Report;

static double
since(const instr_time *start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, *start);
	return INSTR_TIME_GET_MILLISEC(now);
}

static void
load_graph(const char *edges, bool directed, AgmCsr *csr, Report *report)
{
	EdgeReader *reader = palloc0(sizeof(EdgeReader));

	INSTR_TIME_SET_CURRENT(report->start);
	agm_graph_init(&reader->graph, CurrentMemoryContext, (Size) maintenance_work_mem * 1024);
	(void) agm_query_read(edges, "edges", start_edges, read_edge, reader);
	report->read = since(&report->start);
	report->nedges = reader->graph.nedges;
	agm_graph_finish(&reader->graph, directed, csr);
	report->built = since(&report->start) - report->read;
}

static char *
text_argument(FunctionCallInfo fcinfo, int argno, const char *name)
{
	agm_require_not_null(PG_ARGISNULL(argno), name);
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

static double
number_argument(FunctionCallInfo fcinfo, int argno, const char *name, double above,
				double below)
{
	double value;

	agm_require_not_null(PG_ARGISNULL(argno), name);
	value = PG_GETARG_FLOAT8(argno);
	if (!(value > above && value < below))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be above %g and below %g, not %g", name, above, below,
							   value)));
	return value;
}

/* The options of both, which stand in the same order from `argno` on; is it directed? */
static bool
rank_options(FunctionCallInfo fcinfo, int argno, AgmRankOptions *options)
{
	memset(options, 0, sizeof(*options));
	options->damping = number_argument(fcinfo, argno, "damping", 0, 1);
	options->tolerance = number_argument(fcinfo, argno + 1, "tolerance", 0, 1);
	agm_require_not_null(PG_ARGISNULL(argno + 2), "max_iterations");
	options->max_iterations = PG_GETARG_INT32(argno + 2);
	if (options->max_iterations < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_iterations must be at least 1, not %d", options->max_iterations)));
	agm_require_not_null(PG_ARGISNULL(argno + 3), "directed");
	return PG_GETARG_BOOL(argno + 3);
}

static void
put_ranks(FunctionCallInfo fcinfo, AgmCsr *csr, const AgmRankOptions *options,
		  const Report *report)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AgmRankResult result;
	double before = since(&report->start);
	bool nulls[2] = {false, false};

	if (csr->n == 0)
		return;
	agm_rank(csr, options, &result);
	ereport(DEBUG1, (errmsg_internal(
						"graph: " UINT64_FORMAT " edges read in %.1f ms, %u nodes, rows "
						"built in %.1f ms, %d rounds in %.1f ms, %zu kB",
						report->nedges, report->read, csr->n, report->built, result.iterations,
						since(&report->start) - before, csr->used / 1024)));
	if (!result.converged)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("ranks still change by %g after %d iterations", result.change,
							   result.iterations),
						errhint("Raise max_iterations or tolerance.")));
	for (uint32 v = 0; v < csr->n; v++)
	{
		Datum values[2] = {Int64GetDatum(csr->ids[v]), Float8GetDatum(result.rank[v])};

		if ((v & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* pagerank(edges, damping, tolerance, max_iterations, directed) */
Datum
agm_fn_pagerank(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmRankOptions options;
	AgmCsr csr;
	Report report;
	char *edges = text_argument(fcinfo, 0, "edges");
	bool directed = rank_options(fcinfo, 1, &options);

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	load_graph(edges, directed, &csr, &report);
	put_ranks(fcinfo, &csr, &options, &report);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

pg_noreturn static void
no_seeds(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("none of the seeds is a node of the graph"),
					errhint("Seeds that no edge touches are passed over; one at least must be "
							"there, with a weight above 0.")));
}

/* Seeds that are not in the graph are passed over; one that is named twice counts twice. */
static double *
teleport(AgmCsr *csr, const AgmSeeds *seeds)
{
	double *result = agm_csr_alloc(csr, csr->n, sizeof(double));
	double sum = 0;

	memset(result, 0, sizeof(double) * csr->n);
	for (int i = 0; i < seeds->n; i++)
	{
		uint32 v = agm_csr_find(csr, seeds->ids[i]);

		if (v == AGM_NO_NODE)
			continue;
		result[v] += seeds->weights[i];
		sum += seeds->weights[i];
	}
	if (!(sum > 0) || isinf(sum))
		no_seeds();
	for (uint32 v = 0; v < csr->n; v++)
		result[v] /= sum;
	return result;
}

/* personalized_pagerank(edges, seeds, weights, damping, tolerance, max_iterations, directed) */
Datum
agm_fn_personalized_pagerank(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmRankOptions options;
	AgmSeeds seeds;
	AgmCsr csr;
	Report report;
	char *edges = text_argument(fcinfo, 0, "edges");
	bool directed;

	agm_require_not_null(PG_ARGISNULL(1), "seeds");
	directed = rank_options(fcinfo, 3, &options);
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_seeds_read("seeds", PG_GETARG_ARRAYTYPE_P(1),
				   PG_ARGISNULL(2) ? NULL : PG_GETARG_ARRAYTYPE_P(2), &seeds);
	load_graph(edges, directed, &csr, &report);
	if (csr.n > 0)
		options.teleport = teleport(&csr, &seeds);
	put_ranks(fcinfo, &csr, &options, &report);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/* communities(edges, resolution) */
Datum
agm_fn_communities(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCsr csr;
	Report report;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	uint32 *community;
	double modularity;
	bool nulls[2] = {false, false};
	char *edges = text_argument(fcinfo, 0, "edges");
	double resolution = number_argument(fcinfo, 1, "resolution", 0, get_float8_infinity());

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	load_graph(edges, false, &csr, &report);
	community = agm_csr_alloc(&csr, csr.n, sizeof(uint32));
	modularity = agm_communities(&csr, resolution, community);
	ereport(DEBUG1, (errmsg_internal("graph: modularity %.6f", modularity)));
	for (uint32 v = 0; v < csr.n; v++)
	{
		Datum values[2] = {Int64GetDatum(csr.ids[v]), Int64GetDatum(csr.ids[community[v]])};

		if ((v & 0xfff) == 0)
			CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

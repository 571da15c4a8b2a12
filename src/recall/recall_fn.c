/*
 * recall_fn.c
 *		SQL boundary of recall and recall_context: checks what is asked, packs what is found.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/shards.h"
#include "recall/recall.h"

PG_FUNCTION_INFO_V1(agm_fn_recall);
PG_FUNCTION_INFO_V1(agm_fn_recall_context);

#define K_MAX 10000

/* The arguments, in the order of the SQL declaration. */
enum
{
	ARG_STORE,
	ARG_NAMESPACE,
	ARG_QUERY,
	ARG_EMBEDDING,
	ARG_K,
	ARG_KINDS,
	ARG_TAGS,
	ARG_ATTRIBUTES,
	ARG_SUBJECT,
	ARG_VALID_AT,
	ARG_KNOWN_AT,
	ARG_DURING,
	ARG_STATES,
	ARG_MIN_SCORE,
	ARG_MAX_TOKENS,
	ARG_MODE,
	ARG_FUSION,
	ARG_WEIGHTS,
	ARG_DIVERSITY,
	ARG_GRANULARITY,
	ARG_SHARED,
	ARG_MIN_SIMILARITY,
	ARG_SESSION,
	ARG_PREDICATE,
	ARG_TAGS_ANY,
	ARG_PREFIX
};

/* README rule 7: what a channel weighs unless the caller says otherwise. */
static const double default_weights[AGM_NCHANNELS] = {[AGM_SEMANTIC] = 1.2,
													  [AGM_LEXICAL] = 1.0,
													  [AGM_GRAPH] = 2.0,
													  [AGM_TEMPORAL] = 2.0,
													  [AGM_ENTITY] = 2.0};

static void *
arg_pointer(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? NULL : PG_DETOAST_DATUM(PG_GETARG_DATUM(argno));
}

static char *
arg_word(FunctionCallInfo fcinfo, int argno, const char *argument)
{
	agm_require_not_null(PG_ARGISNULL(argno), argument);
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

static double
arg_finite(FunctionCallInfo fcinfo, int argno, const char *argument)
{
	double value = PG_GETARG_FLOAT4(argno);

	if (isnan(value) || isinf(value))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be a finite number", argument),
						errhint("Scores and similarities lie between 0 and 1.")));
	return value;
}

pg_noreturn static void
unknown_word(const char *argument, const char *word, const char *known)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown value \"%s\" for %s", word, argument), errhint("Use %s.", known)));
	pg_unreachable();
}

/* Where the weight of this name goes; "concept" is no channel, but what the graph's walks through. */
static double *
find_weight(AgmRecall *recall, const char *name)
{
	for (AgmChannel c = 0; c < AGM_NCHANNELS; c++)
		if (strcmp(agm_channel_name(c), name) == 0)
			return &recall->weights[c];
	if (strcmp(name, "concept") != 0)
		unknown_word("a channel in weights", name,
					 "semantic, lexical, graph, temporal, entity, or concept");
	return &recall->concepts;
}

static void
read_weights(const Jsonb *json, AgmRecall *recall)
{
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;
	const char *name = NULL;
	double *target = NULL;

	if (!JB_ROOT_IS_OBJECT(json))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("weights must be a JSON object"),
						errhint("For example {\"semantic\": 1.2, \"lexical\": 1.0}.")));
	it = JsonbIteratorInit(unconstify(JsonbContainer *, &json->root));
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		double weight;

		if (token == WJB_KEY)
		{
			name = pnstrdup(item.val.string.val, item.val.string.len);
			target = find_weight(recall, name);
		}
		if (token != WJB_VALUE)
			continue;
		weight = item.type == jbvNumeric
					 ? DatumGetFloat8(DirectFunctionCall1(numeric_float8,
														  NumericGetDatum(item.val.numeric)))
					 : -1;
		if (!(weight >= 0 && weight <= 1e6))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("weight of channel \"%s\" must be a number between 0 and 1000000",
							name),
					 errhint("0 leaves a channel's score out of the ranking.")));
		*target = weight;
	}
}

/* Words that choose how, not what. */
static void
read_modes(FunctionCallInfo fcinfo, AgmRecall *recall)
{
	char *mode = arg_word(fcinfo, ARG_MODE, "mode");
	char *fusion = arg_word(fcinfo, ARG_FUSION, "fusion");
	char *granularity = arg_word(fcinfo, ARG_GRANULARITY, "granularity");

	if (strcmp(mode, "fast") != 0 && strcmp(mode, "exact") != 0 && strcmp(mode, "auto") != 0)
		unknown_word("mode", mode, "fast, exact or auto");
	recall->exact = strcmp(mode, "exact") == 0;
	if (strcmp(fusion, "score") == 0)
		recall->fusion = AGM_FUSION_SCORE;
	else if (strcmp(fusion, "rrf") == 0)
		recall->fusion = AGM_FUSION_RRF;
	else
		unknown_word("fusion", fusion, "score or rrf");
	recall->summaries = strcmp(granularity, "summary") == 0;
	if (!recall->summaries && strcmp(granularity, "memory") != 0)
		unknown_word("granularity", granularity, "memory or summary");
	if (!PG_ARGISNULL(ARG_DIVERSITY))
		recall->diversity = arg_finite(fcinfo, ARG_DIVERSITY, "diversity");
	if (recall->diversity < 0 || recall->diversity > 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("diversity must be between 0 and 1, not %g", recall->diversity),
						errhint("0 orders by score alone; 0.3 lets a memory that says the same "
								"as a better one come later.")));
}

static void
read_limits(FunctionCallInfo fcinfo, AgmRecall *recall)
{
	agm_require_not_null(PG_ARGISNULL(ARG_K), "k");
	recall->k = PG_GETARG_INT32(ARG_K);
	if (recall->k < 1 || recall->k > K_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("k must be between 1 and %d, not %d", K_MAX, recall->k),
						errhint("k is the number of memories wanted.")));
	if (!PG_ARGISNULL(ARG_MAX_TOKENS))
	{
		recall->max_tokens = PG_GETARG_INT32(ARG_MAX_TOKENS);
		if (recall->max_tokens < 1)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("max_tokens must be at least 1, not %d", recall->max_tokens),
							errhint("Leave it out for no limit.")));
	}
	recall->has_min_score = !PG_ARGISNULL(ARG_MIN_SCORE);
	if (recall->has_min_score)
		recall->min_score = arg_finite(fcinfo, ARG_MIN_SCORE, "min_score");
	recall->has_min_similarity = !PG_ARGISNULL(ARG_MIN_SIMILARITY);
	if (recall->has_min_similarity)
	{
		recall->min_similarity = arg_finite(fcinfo, ARG_MIN_SIMILARITY, "min_similarity");
		if (recall->embedding == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("min_similarity needs an embedding"),
					 errhint("Give the query's embedding, or leave min_similarity out.")));
	}
}

static void
read_filter(FunctionCallInfo fcinfo, AgmFilter *filter)
{
	filter->kinds = arg_pointer(fcinfo, ARG_KINDS);
	filter->tags = arg_pointer(fcinfo, ARG_TAGS);
	filter->tags_any = arg_pointer(fcinfo, ARG_TAGS_ANY);
	filter->attributes = arg_pointer(fcinfo, ARG_ATTRIBUTES);
	filter->subject = arg_pointer(fcinfo, ARG_SUBJECT);
	filter->predicate = arg_pointer(fcinfo, ARG_PREDICATE);
	filter->session = arg_pointer(fcinfo, ARG_SESSION);
	filter->during = arg_pointer(fcinfo, ARG_DURING);
	filter->states = arg_pointer(fcinfo, ARG_STATES);
	filter->has_valid_at = !PG_ARGISNULL(ARG_VALID_AT);
	if (filter->has_valid_at)
		filter->valid_at = PG_GETARG_TIMESTAMPTZ(ARG_VALID_AT);
	filter->has_known_at = !PG_ARGISNULL(ARG_KNOWN_AT);
	if (filter->has_known_at)
		filter->known_at = PG_GETARG_TIMESTAMPTZ(ARG_KNOWN_AT);
}

static void
read_shared(ArrayType *shared)
{
	Datum *names;
	int n;

	if (shared == NULL)
		return;
	agm_check_array(shared, "shared");
	deconstruct_array(shared, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		text *name = DatumGetTextPP(names[i]);

		agm_check_namespace(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	}
}

/* Where a store is in shards, each may be on another server: one call reads one. */
static void
require_one_shard(const AgmRecall *recall)
{
	Datum *names;
	int n = 0;

	if (recall->store.shard == 0)
		return;
	if (recall->prefix)
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("recall by prefix is not possible in a distributed store"),
			 errhint("Name what belongs together by one namespace, and its parts by tags.")));
	if (recall->shared != NULL)
		deconstruct_array(recall->shared, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
		if (!agm_store_is_at(&recall->store, DatumGetTextPP(names[i])))
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("namespaces \"%s\" and \"%s\" are not in the same shard",
								   text_to_cstring(recall->ns), TextDatumGetCString(names[i])),
							errhint("Call recall() for each of them.")));
}

/* Nothing asked, nothing found that would stand for summaries: the newest of them. */
static ArrayType *
summary_kind(void)
{
	Datum kind = CStringGetTextDatum("summary");

	return construct_array(&kind, 1, TEXTOID, -1, false, TYPALIGN_INT);
}

/* With the SPI session begun: everything that recall and recall_context share. */
static AgmRecalled *
run(FunctionCallInfo fcinfo, AgmRecall *recall, int *nrows)
{
	memset(recall, 0, sizeof(*recall));
	agm_require_not_null(PG_ARGISNULL(ARG_STORE), "store");
	agm_require_not_null(PG_ARGISNULL(ARG_NAMESPACE), "namespace");
	recall->ns = PG_GETARG_TEXT_PP(ARG_NAMESPACE);
	agm_check_namespace(VARDATA_ANY(recall->ns), VARSIZE_ANY_EXHDR(recall->ns));
	recall->query = arg_pointer(fcinfo, ARG_QUERY);
	recall->embedding = arg_pointer(fcinfo, ARG_EMBEDDING);
	recall->shared = arg_pointer(fcinfo, ARG_SHARED);
	recall->prefix = !PG_ARGISNULL(ARG_PREFIX) && PG_GETARG_BOOL(ARG_PREFIX);
	read_shared(recall->shared);
	read_limits(fcinfo, recall);
	read_modes(fcinfo, recall);
	read_filter(fcinfo, &recall->filter);
	recall->filter.hides_vault = true;
	if (recall->summaries && recall->query == NULL && recall->embedding == NULL)
		recall->filter.kinds = summary_kind();
	memcpy(recall->weights, default_weights, sizeof(default_weights));
	if (!PG_ARGISNULL(ARG_WEIGHTS))
		read_weights(PG_GETARG_JSONB_P(ARG_WEIGHTS), recall);
	agm_store_open(&recall->store, NameStr(*PG_GETARG_NAME(ARG_STORE)), recall->ns, ACL_SELECT);
	require_one_shard(recall);
	agm_recall_open(recall);
	return agm_recall_run(recall, nrows);
}

/* {"semantic": {"rank": 1, "score": 0.83}, ...}: the channels that found this memory. */
static Datum
channels_json(const AgmCandidate *candidate)
{
	StringInfoData json;
	const char *separator = "";

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int c = 0; c < AGM_NCHANNELS; c++)
	{
		const AgmEvidence *evidence = &candidate->channel[c];

		if (evidence->rank == 0)
			continue;
		appendStringInfo(&json, "%s\"%s\": {\"rank\": %d, \"score\": %.6g}", separator,
						 agm_channel_name(c), evidence->rank, evidence->score);
		separator = ", ";
	}
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

/* Columns 4, 5 and 10 are the search's; the others were read from the table. */
static void
finish_row(AgmRecalled *row)
{
	row->nulls[4] = !row->scored;
	row->values[4] = Float4GetDatum((float4) row->candidate.score);
	row->nulls[5] = false;
	row->values[5] = Int32GetDatum(agm_prompt_tokens(row->candidate.bytes));
	row->nulls[10] = !row->scored;
	if (row->scored)
		row->values[10] = channels_json(&row->candidate);
}

Datum
agm_fn_recall(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmRecall recall;
	AgmRecalled *rows;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int nrows;

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	rows = run(fcinfo, &recall, &nrows);
	for (int i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		finish_row(&rows[i]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, rows[i].values, rows[i].nulls);
	}
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

Datum
agm_fn_recall_context(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmRecall recall;
	AgmRecalled *rows;
	char *context;
	text *result;
	int nrows;

	agm_spi_begin(&session);
	rows = run(fcinfo, &recall, &nrows);
	context = agm_recall_context(&recall, rows, nrows);
	MemoryContextSwitchTo(session.caller);
	result = cstring_to_text(context);
	agm_spi_end(&session);
	PG_RETURN_TEXT_P(result);
}

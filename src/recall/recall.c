/*
 * recall.c
 *		From a question to rows: searches each namespace by each channel, gives every
 *		candidate the score of every channel, fuses, cuts and reads what is left.
 *
 * The only place where the channels meet.  Rules: src/recall/README.md.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "memory/access_log.h"
#include "memory/memory.h"
#include "recall/candidates.h"
#include "recall/diversity.h"
#include "recall/recall.h"
#include "recall/rows.h"

/* README rule 6: how many candidates a channel contributes for k rows. */
#define DEPTH_FACTOR 10
#define DEPTH_MIN 100
#define DEPTH_MAX 10000

const char *
agm_channel_name(AgmChannel channel)
{
	static const char *const names[AGM_NCHANNELS] = {[AGM_SEMANTIC] = "semantic",
													 [AGM_LEXICAL] = "lexical",
													 [AGM_GRAPH] = "graph",
													 [AGM_TEMPORAL] = "temporal",
													 [AGM_ENTITY] = "entity"};

	return names[channel];
}

/* A prompt's tokens, by the usual estimate of one for four bytes. */
int32
agm_prompt_tokens(int32 bytes)
{
	return (bytes + 3) / 4;
}

typedef struct Settings
{
	char *dimensions;
	char *metric;
	char *access_log;
} Settings;

static void
read_settings(TupleTableSlot *slot, void *arg)
{
	Settings *settings = arg;

	settings->dimensions = agm_slot_text(slot, 1);
	settings->metric = agm_slot_text(slot, 2);
	settings->access_log = agm_slot_text(slot, 3);
}

void
agm_recall_open(AgmRecall *recall)
{
	AgmParams params = {0};
	Settings settings = {NULL, NULL, NULL};

	(void) agm_execute(&recall->store,
					   "SELECT (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'dimensions'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'metric'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'access_log')",
					   &params, AGM_READ | AGM_PLAN_GENERIC, "t?t?t?", read_settings,
					   &settings);
	/* What was known once is history, and no use. */
	recall->counts = !recall->filter.has_known_at &&
					 (settings.access_log == NULL || strcmp(settings.access_log, "off") != 0) &&
					 agm_access_log_counts(&recall->store);
	if (recall->embedding != NULL)
	{
		int dimensions = settings.dimensions == NULL ? 0 : pg_strtoint32(settings.dimensions);
		int column = agm_store_dimensions(&recall->store);

		/* The snapshot is from before switch_space(), the table from after it. */
		if (column != 0 && column != dimensions)
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("the embeddings of store \"%s\" are of another model by now",
							recall->store.name),
					 errhint("Embed the query with the model of setting \"embedding_model\", "
							 "and try the transaction again.")));
		agm_check_embedding(&recall->store, dimensions, recall->embedding);
	}
	recall->metric = settings.metric == NULL ? 'c' : settings.metric[0];
	recall->distance_operator = agm_distance_operator(recall->metric);
	recall->depth = Min(Max(recall->k * DEPTH_FACTOR, DEPTH_MIN), DEPTH_MAX);
	agm_filter_check(&recall->filter, &recall->store);
}

/* README rule 8: min_similarity, k, min_score, max_tokens, in this order. */
static int
cut(const AgmRecall *recall, AgmPool *pool, bool scored)
{
	int n = 0;
	int kept = 0;
	int64 tokens = 0;

	for (int i = 0; i < pool->n && n < recall->k; i++)
	{
		const AgmCandidate *candidate = &pool->items[i];

		if (recall->has_min_similarity &&
			(!candidate->has_embedding ||
			 (float4) candidate->channel[AGM_SEMANTIC].score < recall->min_similarity))
			continue;
		pool->items[n++] = *candidate;
	}
	for (int i = 0; i < n; i++)
	{
		const AgmCandidate *candidate = &pool->items[i];

		if (scored && recall->has_min_score && (float4) candidate->score < recall->min_score)
			continue;
		if (recall->max_tokens > 0)
		{
			int32 needed = agm_prompt_tokens(candidate->bytes);

			if (tokens + needed > recall->max_tokens)
				continue;
			tokens += needed;
		}
		pool->items[kept++] = *candidate;
	}
	return kept;
}

typedef struct RowReader
{
	AgmRecalled **by_id; /* ordered by id */
	int n;
} RowReader;

static int
compare_rows(const void *a, const void *b)
{
	int64 x = (*(AgmRecalled *const *) a)->candidate.id;
	int64 y = (*(AgmRecalled *const *) b)->candidate.id;

	return (x > y) - (x < y);
}

/* The columns of recall() as far as they are columns of the table, then the id. */
#define ROW_COLUMNS                                                                            \
	"c.id, c.namespace, c.kind, c.content, NULL::pg_catalog.float4, NULL::pg_catalog.int4,"    \
	" c.valid_period, agentmem.effective_confidence(c.confidence, %s), c.attributes, c.source"

#define CONFIRMATIONS                                                                          \
	"coalesce((SELECT a.confirmations FROM {store}.activity a"                                 \
	" WHERE a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) c.id), 0)"

#define ROW_TYPES "ltttf?i?rf?j?t?"

static void
read_row(TupleTableSlot *slot, void *arg)
{
	RowReader *reader = arg;
	TupleDesc desc = slot->tts_tupleDescriptor;
	AgmRecalled probe;
	AgmRecalled *key = &probe;
	AgmRecalled **found;
	bool isnull;

	probe.candidate.id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	found = bsearch(&key, reader->by_id, reader->n, sizeof(AgmRecalled *), compare_rows);
	if (found == NULL)
		return;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Datum value = slot_getattr(slot, i + 1, &isnull);

		(*found)->nulls[i] = isnull;
		if (!isnull)
			(*found)->values[i] =
				attribute->attlen == -1 ? PointerGetDatum(PG_DETOAST_DATUM_COPY(value)) : value;
	}
}

/* Reads the rows of one namespace into their places; `group` holds n of them. */
static void
read_group(const AgmRecall *recall, const AgmSearched *searched, AgmRecalled **group, int n)
{
	RowReader reader = {group, n};
	AgmHit *hits = palloc(sizeof(AgmHit) * n);

	qsort(group, n, sizeof(AgmRecalled *), compare_rows);
	for (int i = 0; i < n; i++)
		hits[i] = (AgmHit){group[i]->candidate.id, 0, group[i]->candidate.place};
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmRows rows;

		if (!agm_rows_begin(&rows, recall, searched, source, hits, n, true))
			continue;
		appendStringInfoString(&rows.sql, "m.*");
		agm_rows_from(&rows);
		appendStringInfo(&rows.sql, ROW_COLUMNS, searched->has_activity ? CONFIRMATIONS : "0");
		agm_rows_end(&rows, searched);
		agm_rows_read(&rows, ROW_TYPES, read_row, &reader);
	}
}

static int
compare_namespaces(const void *a, const void *b)
{
	int x = (*(AgmRecalled *const *) a)->candidate.ns;
	int y = (*(AgmRecalled *const *) b)->candidate.ns;

	return (x > y) - (x < y);
}

/* One statement for each namespace that has a row in the answer. */
static void
read_rows(const AgmRecall *recall, const AgmSearched *searched, AgmRecalled *rows, int nrows)
{
	AgmRecalled **order = palloc(sizeof(AgmRecalled *) * Max(nrows, 1));
	int end;

	for (int i = 0; i < nrows; i++)
		order[i] = &rows[i];
	qsort(order, nrows, sizeof(AgmRecalled *), compare_namespaces);
	for (int start = 0; start < nrows; start = end)
	{
		int ns = order[start]->candidate.ns;

		for (end = start + 1; end < nrows && order[end]->candidate.ns == ns;)
			end++;
		read_group(recall, &searched[ns], order + start, end - start);
	}
}

static void
note_accesses(const AgmRecall *recall, const AgmSearched *searched, const AgmRecalled *rows,
			  int nrows)
{
	agm_access_log_begin(&recall->store);
	for (int i = 0; i < nrows; i++)
		agm_access_log_note(searched[rows[i].candidate.ns].name, rows[i].candidate.id);
}

AgmRecalled *
agm_recall_run(AgmRecall *recall, int *nrows)
{
	AgmSearchedList list = agm_find_namespaces(recall);
	AgmPool pool;
	bool active[AGM_NCHANNELS];
	bool scored;
	AgmRecalled *rows;

	active[AGM_SEMANTIC] = recall->embedding != NULL;
	active[AGM_LEXICAL] = recall->query != NULL;
	active[AGM_TEMPORAL] = recall->query != NULL && recall->weights[AGM_TEMPORAL] > 0;
	active[AGM_ENTITY] = recall->query != NULL && recall->weights[AGM_ENTITY] > 0;
	scored = active[AGM_SEMANTIC] || active[AGM_LEXICAL];
	active[AGM_GRAPH] = scored && recall->weights[AGM_GRAPH] > 0;
	agm_pool_init(&pool, recall);
	for (int i = 0; i < list.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (scored)
			agm_pool_search(&pool, i, &list.items[i]);
		else
			agm_pool_newest(&pool, i, &list.items[i]);
		agm_pool_trim(&pool);
	}
	if (scored && !active[AGM_SEMANTIC] && !pool.has_words && list.n > 0)
		ereport(NOTICE, (errmsg("query has no words to search for"),
						 errdetail("It is empty or has only stop words."),
						 errhint("Add a word that carries meaning, or an embedding.")));
	if (scored)
	{
		agm_fuse(pool.items, pool.n, recall->fusion, recall->weights, active);
		if (recall->summaries)
			pool.n = agm_summaries_lift(&pool.summaries, pool.items, pool.n);
		if (recall->diversity > 0)
			agm_diversify(recall, list.items, &pool);
	}
	else
		agm_pool_sort_newest(&pool);
	*nrows = cut(recall, &pool, scored);
	rows = palloc_extended(sizeof(AgmRecalled) * Max(*nrows, 1),
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < *nrows; i++)
	{
		rows[i].candidate = pool.items[i];
		rows[i].scored = scored;
	}
	read_rows(recall, list.items, rows, *nrows);
	if (recall->counts)
		note_accesses(recall, list.items, rows, *nrows);
	return rows;
}

/*
 * recall.c
 *		From a question to rows: searches each namespace by each channel, gives every
 *		candidate the score of every channel, fuses, cuts and reads what is left.
 *
 * The only place where the channels meet.  Rules: src/recall/README.md.
 */
#include "postgres.h"

#include <float.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "lexical/lexical.h"
#include "memory/memory.h"
#include "recall/recall.h"

/* README rule 6: how many candidates a channel contributes for k rows. */
#define DEPTH_FACTOR 10
#define DEPTH_MIN 100
#define DEPTH_MAX 10000

/* Weight of a state in the fused score; a state that is not here weighs nothing. */
static const struct
{
	const char *state;
	double weight;
} state_weights[] = {{"active", 1.0}, {"warm", 0.7}, {"cold", 0.3}, {"archived", 0.1}};

const char *
agm_channel_name(AgmChannel channel)
{
	return channel == AGM_SEMANTIC ? "semantic" : "lexical";
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
} Settings;

static void
read_settings(TupleTableSlot *slot, void *arg)
{
	Settings *settings = arg;

	settings->dimensions = agm_slot_text(slot, 1);
	settings->metric = agm_slot_text(slot, 2);
}

void
agm_recall_open(AgmRecall *recall)
{
	AgmParams params = {0};
	Settings settings = {NULL, NULL};

	(void) agm_execute(&recall->store,
					   "SELECT (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'dimensions'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'metric')",
					   &params, AGM_READ | AGM_PLAN_GENERIC, read_settings, &settings);
	if (recall->embedding != NULL)
		agm_check_embedding(&recall->store,
							settings.dimensions == NULL ? 0
														: pg_strtoint32(settings.dimensions),
							recall->embedding);
	recall->metric = settings.metric == NULL ? 'c' : settings.metric[0];
	recall->distance_operator = recall->metric == 'l'	? "<->"
								: recall->metric == 'i' ? "<#>"
														: "<=>";
	recall->depth = Min(Max(recall->k * DEPTH_FACTOR, DEPTH_MIN), DEPTH_MAX);
	agm_filter_check(&recall->filter, &recall->store);
}

typedef struct SearchedList
{
	AgmSearched *items;
	int n;
	int capacity;
} SearchedList;

static void
read_searched(TupleTableSlot *slot, void *arg)
{
	SearchedList *list = arg;
	AgmSearched *searched;
	Datum value;
	Datum *languages;
	bool isnull;

	if (list->n == list->capacity)
	{
		list->capacity = Max(list->capacity * 2, 4);
		list->items = list->items == NULL
						  ? palloc(sizeof(AgmSearched) * list->capacity)
						  : repalloc(list->items, sizeof(AgmSearched) * list->capacity);
	}
	searched = &list->items[list->n++];
	value = slot_getattr(slot, 1, &isnull);
	searched->name = PointerGetDatum(DatumGetTextPCopy(value));
	value = slot_getattr(slot, 2, &isnull);
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &languages,
					  NULL, &searched->nconfigs);
	searched->configs = palloc(sizeof(Oid) * Max(searched->nconfigs, 1));
	for (int i = 0; i < searched->nconfigs; i++)
		searched->configs[i] = agm_lexical_config(TextDatumGetCString(languages[i]));
	value = slot_getattr(slot, 3, &isnull);
	searched->memories = isnull ? -1 : DatumGetInt64(value);
	value = slot_getattr(slot, 4, &isnull);
	searched->tokens = isnull ? -1 : DatumGetInt64(value);
	searched->has_hidden = DatumGetBool(slot_getattr(slot, 5, &isnull));
}

#define SEARCHED(ns)                                                                           \
	"SELECT n.namespace, n.languages, n.memories, n.tokens, " AGM_HAS_HIDDEN(                  \
		ns) " FROM {store}.namespace n"

/* The namespaces asked for that exist; the common case of one is a look-up by key. */
static SearchedList
find_namespaces(const AgmRecall *recall)
{
	AgmParams params = {0};
	SearchedList list = {NULL, 0, 0};
	const char *sql;

	agm_param(&params, TEXTOID, PointerGetDatum(recall->ns), false);
	if (!recall->prefix && recall->shared == NULL)
		sql = SEARCHED("$1") " WHERE n.namespace OPERATOR(pg_catalog.=) $1";
	else
	{
		agm_param(&params, BOOLOID, BoolGetDatum(recall->prefix), false);
		agm_param(&params, TEXTARRAYOID, PointerGetDatum(recall->shared),
				  recall->shared == NULL);
		sql = SEARCHED("n.namespace") " WHERE n.namespace OPERATOR(pg_catalog.=) $1"
									  " OR ($2 AND n.namespace OPERATOR(pg_catalog.>=) ($1 "
									  "OPERATOR(pg_catalog.||) '/')"
									  "        AND n.namespace OPERATOR(pg_catalog.<) ($1 "
									  "OPERATOR(pg_catalog.||) '0'))"
									  " OR n.namespace OPERATOR(pg_catalog.=) ANY ($3)"
									  " ORDER BY n.namespace";
	}
	(void) agm_execute(&recall->store, sql, &params,
					   AGM_READ | (params.n == 1 ? AGM_PLAN_GENERIC : AGM_PLAN_CUSTOM),
					   read_searched, &list);
	return list;
}

/* Candidates of all namespaces, pooled; within one namespace ordered by id. */
typedef struct Pool
{
	AgmCandidate *items;
	int n;
	int first;		/* where the namespace at hand begins */
	bool has_words; /* the query has more than stop words */
	const AgmRecall *recall;
} Pool;

static int
compare_int64(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

static AgmCandidate *
find_candidate(const Pool *pool, int64 id)
{
	int low = pool->first;
	int high = pool->n;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (pool->items[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < pool->n && pool->items[low].id == id ? &pool->items[low] : NULL;
}

/* Adds the union of both channels' hits, each once, without scores. */
static void
add_candidates(Pool *pool, int ns, const AgmHits *semantic, const AgmHits *keyword)
{
	int total = semantic->n + keyword->n;
	int64 *ids = palloc(sizeof(int64) * Max(total, 1));
	int n = 0;

	for (int i = 0; i < semantic->n; i++)
		ids[n++] = semantic->hits[i].id;
	for (int i = 0; i < keyword->n; i++)
		ids[n++] = keyword->hits[i].id;
	qsort(ids, n, sizeof(int64), compare_int64);

	pool->first = pool->n;
	pool->items =
		pool->items == NULL
			? palloc(sizeof(AgmCandidate) * Max(total, 1))
			: repalloc_huge(pool->items, sizeof(AgmCandidate) * (pool->n + total + 1));
	for (int i = 0; i < n; i++)
	{
		AgmCandidate *candidate = &pool->items[pool->n];

		if (i > 0 && ids[i] == ids[i - 1])
			continue;
		memset(candidate, 0, sizeof(*candidate));
		candidate->id = ids[i];
		candidate->ns = ns;
		pool->n++;
	}
	pfree(ids);
}

static double
state_weight(const char *state)
{
	for (size_t i = 0; i < lengthof(state_weights); i++)
		if (strcmp(state_weights[i].state, state) == 0)
			return state_weights[i].weight;
	return 0;
}

/* Columns: id, distance, importance, state, bytes. */
static void
read_feature(TupleTableSlot *slot, void *arg)
{
	Pool *pool = arg;
	bool isnull;
	AgmCandidate *candidate =
		find_candidate(pool, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
	Datum value;
	char *state;

	if (candidate == NULL)
		return;
	value = slot_getattr(slot, 2, &isnull);
	candidate->has_embedding = !isnull;
	if (!isnull)
		candidate->channel[AGM_SEMANTIC].score =
			agm_semantic_similarity(pool->recall, DatumGetFloat8(value));
	value = slot_getattr(slot, 3, &isnull);
	candidate->importance = isnull ? 0 : DatumGetFloat4(value);
	state = agm_slot_text(slot, 4);
	candidate->state_weight = state == NULL ? 1 : state_weight(state);
	candidate->bytes = DatumGetInt32(slot_getattr(slot, 5, &isnull));
}

/* What fusion needs of each candidate of the namespace at hand, by one look-up of all. */
static void
read_features(Pool *pool, const AgmSearched *searched)
{
	const AgmRecall *recall = pool->recall;
	AgmParams params = {0};
	StringInfoData sql;
	int n = pool->n - pool->first;
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		ids[i] = pool->items[pool->first + i].id;
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, ");
	if (recall->embedding != NULL)
		appendStringInfo(&sql, "m.embedding OPERATOR(agentmem.%s) $%d",
						 recall->distance_operator,
						 agm_param(&params, agm_type_oid("vector"),
								   PointerGetDatum(recall->embedding), false));
	else
		appendStringInfoString(&sql, "NULL::pg_catalog.float8");
	appendStringInfoString(
		&sql,
		", m.importance,"
		" (SELECT a.state FROM {store}.activity a"
		"  WHERE a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) m.id),"
		" pg_catalog.octet_length(m.content)"
		" FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) ANY ($2)");
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_GENERIC,
					   read_feature, pool);
}

static void
search_namespace(Pool *pool, int ns, const AgmSearched *searched)
{
	const AgmRecall *recall = pool->recall;
	AgmHits semantic = {NULL, 0};
	AgmHits keyword = {NULL, 0};
	AgmHits all = {NULL, 0};

	if (recall->embedding != NULL)
		semantic = agm_semantic_search(recall, searched);
	if (recall->query != NULL)
		keyword = agm_keyword_search(recall, searched, &all, &pool->has_words);
	add_candidates(pool, ns, &semantic, &keyword);
	read_features(pool, searched);
	for (int i = 0; i < all.n; i++)
	{
		AgmCandidate *candidate = find_candidate(pool, all.hits[i].id);

		if (candidate != NULL)
			candidate->channel[AGM_LEXICAL].score = all.hits[i].score;
	}
}

/* Columns: id, bytes; newest first. */
static void
read_newest(TupleTableSlot *slot, void *arg)
{
	Pool *pool = arg;
	AgmCandidate *candidate = &pool->items[pool->n++];
	bool isnull;
	Datum started;

	memset(candidate, 0, sizeof(*candidate));
	candidate->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	candidate->bytes = DatumGetInt32(slot_getattr(slot, 2, &isnull));
	started = slot_getattr(slot, 3, &isnull);
	/* Microseconds since 2000 fit a double up to the year 2285 exactly; open ends last. */
	candidate->score = isnull ? -DBL_MAX : (double) DatumGetTimestampTz(started);
	candidate->ns = pool->first;
}

static int
compare_newest(const void *a, const void *b)
{
	const AgmCandidate *x = a;
	const AgmCandidate *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->id > y->id ? -1 : (x->id < y->id);
}

/* README rule 1: nothing asked, so the newest that pass the filter. */
static void
list_newest(Pool *pool, const SearchedList *list)
{
	const AgmRecall *recall = pool->recall;

	pool->items = MemoryContextAllocHuge(
		CurrentMemoryContext, sizeof(AgmCandidate) * ((Size) recall->k * list->n + 1));
	for (int i = 0; i < list->n; i++)
	{
		AgmParams params = {0};
		StringInfoData sql;

		agm_param(&params, TEXTOID, list->items[i].name, false);
		agm_param(&params, INT8OID, Int64GetDatum(recall->k), false);
		initStringInfo(&sql);
		appendStringInfoString(&sql, "SELECT m.id, pg_catalog.octet_length(m.content),"
									 " pg_catalog.lower(m.valid_period) FROM {store}.memory m"
									 " WHERE m.namespace OPERATOR(pg_catalog.=) $1");
		agm_filter_append(&recall->filter, list->items[i].has_hidden, &sql, &params);
		appendStringInfoString(&sql,
							   " ORDER BY pg_catalog.lower(m.valid_period) DESC NULLS LAST,"
							   " m.id DESC LIMIT $2");
		pool->first = i;
		(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM,
						   read_newest, pool);
	}
	qsort(pool->items, pool->n, sizeof(AgmCandidate), compare_newest);
}

/* README rule 8: min_similarity, k, min_score, max_tokens, in this order. */
static int
cut(const AgmRecall *recall, Pool *pool, bool scored)
{
	int n = 0;
	int kept = 0;
	int64 tokens = 0;

	for (int i = 0; i < pool->n && n < recall->k; i++)
	{
		const AgmCandidate *candidate = &pool->items[i];

		if (recall->has_min_similarity &&
			(!candidate->has_embedding ||
			 candidate->channel[AGM_SEMANTIC].score < recall->min_similarity))
			continue;
		pool->items[n++] = *candidate;
	}
	for (int i = 0; i < n; i++)
	{
		const AgmCandidate *candidate = &pool->items[i];

		if (scored && recall->has_min_score && candidate->score < recall->min_score)
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
	"m.id, m.namespace, m.kind, m.content, NULL::pg_catalog.float4, NULL::pg_catalog.int4,"    \
	" m.valid_period,"                                                                         \
	" agentmem.effective_confidence(m.confidence, coalesce("                                   \
	"  (SELECT a.confirmations FROM {store}.activity a"                                        \
	"   WHERE a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) m.id), "   \
	"0)),"                                                                                     \
	" m.attributes, m.source"

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

/* Reads the rows of one namespace into their places. */
static void
read_rows(const AgmRecall *recall, const AgmSearched *searched, int ns, AgmRecalled *rows,
		  int nrows)
{
	AgmParams params = {0};
	RowReader reader = {palloc(sizeof(AgmRecalled *) * Max(nrows, 1)), 0};
	int64 *ids = palloc(sizeof(int64) * Max(nrows, 1));

	for (int i = 0; i < nrows; i++)
		if (rows[i].candidate.ns == ns)
			reader.by_id[reader.n++] = &rows[i];
	if (reader.n == 0)
		return;
	qsort(reader.by_id, reader.n, sizeof(AgmRecalled *), compare_rows);
	for (int i = 0; i < reader.n; i++)
		ids[i] = reader.by_id[i]->candidate.id;
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, reader.n), false);
	(void) agm_execute(&recall->store,
					   "SELECT " ROW_COLUMNS " FROM {store}.memory m"
					   " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					   " AND m.id OPERATOR(pg_catalog.=) ANY ($2)",
					   &params, AGM_READ | AGM_PLAN_GENERIC, read_row, &reader);
}

AgmRecalled *
agm_recall_run(AgmRecall *recall, int *nrows)
{
	SearchedList list = find_namespaces(recall);
	Pool pool = {NULL, 0, 0, false, recall};
	bool active[AGM_NCHANNELS];
	bool scored;
	AgmRecalled *rows;

	active[AGM_SEMANTIC] = recall->embedding != NULL;
	active[AGM_LEXICAL] = recall->query != NULL;
	scored = active[AGM_SEMANTIC] || active[AGM_LEXICAL];
	if (!scored)
		list_newest(&pool, &list);
	else
	{
		for (int i = 0; i < list.n; i++)
		{
			CHECK_FOR_INTERRUPTS();
			search_namespace(&pool, i, &list.items[i]);
		}
		if (!active[AGM_SEMANTIC] && !pool.has_words && list.n > 0)
			ereport(NOTICE, (errmsg("query has no words to search for"),
							 errdetail("It is empty or has only stop words."),
							 errhint("Add a word that carries meaning, or an embedding.")));
		agm_fuse(pool.items, pool.n, recall->fusion, recall->weights, active);
	}
	*nrows = cut(recall, &pool, scored);
	rows = palloc_extended(sizeof(AgmRecalled) * Max(*nrows, 1),
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < *nrows; i++)
	{
		rows[i].candidate = pool.items[i];
		rows[i].scored = scored;
	}
	for (int i = 0; i < list.n; i++)
		read_rows(recall, &list.items[i], i, rows, *nrows);
	return rows;
}

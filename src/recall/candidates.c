/*
 * candidates.c
 *		Collects candidates: which namespaces, what each channel finds there, and what
 *		fusion needs to know of each.
 *
 * Each step is one statement a namespace.  Memory is bounded by `depth` candidates a
 * channel, however many namespaces there are: README rule 2.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "lexical/lexical.h"
#include "memory/read.h"
#include "recall/candidates.h"
#include "recall/graph.h"
#include "recall/held.h"
#include "recall/names.h"
#include "recall/newest.h"
#include "recall/rows.h"
#include "recall/times.h"

/* The pool is trimmed when it holds this many times what trimming leaves. */
#define SLACK 4

/* Weight of a state in the fused score; a state that is not here weighs nothing. */
static const struct
{
	const char *state;
	double weight;
} state_weights[] = {{"active", 1.0}, {"warm", 0.7}, {"cold", 0.3}, {"archived", 0.1}};

typedef struct NamespaceReader
{
	AgmSearchedList *list;
	bool wants_words;
} NamespaceReader;

/* Columns: namespace, languages, memories, tokens, whether it has hidden memories, activity,
 * edges. */
static void
read_searched(TupleTableSlot *slot, void *arg)
{
	NamespaceReader *reader = arg;
	AgmSearchedList *list = reader->list;
	AgmSearched *searched;
	Datum value;
	Datum *languages;
	int nlanguages;
	bool isnull;

	if (list->n == list->capacity)
	{
		list->capacity *= 2;
		list->items = repalloc_huge(list->items, sizeof(AgmSearched) * list->capacity);
	}
	searched = &list->items[list->n++];
	memset(searched, 0, sizeof(*searched));
	searched->name = PointerGetDatum(DatumGetTextPCopy(slot_getattr(slot, 1, &isnull)));
	value = slot_getattr(slot, 3, &isnull);
	searched->estimate.memories = isnull ? -1 : DatumGetInt64(value);
	value = slot_getattr(slot, 4, &isnull);
	searched->estimate.tokens = isnull ? -1 : DatumGetInt64(value);
	searched->has_hidden = DatumGetBool(slot_getattr(slot, 5, &isnull));
	searched->has_activity = DatumGetBool(slot_getattr(slot, 6, &isnull));
	searched->has_edges = DatumGetBool(slot_getattr(slot, 7, &isnull));
	searched->held = palloc0(sizeof(AgmHeld *) * AGM_NSOURCES);
	if (!reader->wants_words)
		return;

	deconstruct_array(DatumGetArrayTypeP(slot_getattr(slot, 2, &isnull)), TEXTOID, -1, false,
					  TYPALIGN_INT, &languages, NULL, &nlanguages);
	searched->configs = palloc(sizeof(Oid) * Max(nlanguages, 1));
	searched->languages = palloc(sizeof(char *) * Max(nlanguages, 1));
	for (int i = 0; i < nlanguages; i++)
	{
		/* A dump may come from a server with more languages: the others still serve. */
		char *language = TextDatumGetCString(languages[i]);
		Oid config = agm_lexical_config(language, true);

		if (!OidIsValid(config))
			continue;
		searched->languages[searched->nconfigs] = language;
		searched->configs[searched->nconfigs++] = config;
	}
}

#define HAS(table, ns)                                                                         \
	"EXISTS (SELECT FROM {store}." table " h WHERE h.namespace OPERATOR(pg_catalog.=) " ns ")"
#define SEARCHED(ns, edges)                                                                    \
	"SELECT n.namespace, n.languages, n.memories, n.tokens, " AGM_HAS_HIDDEN(ns) ", " HAS(     \
		"activity", ns) ", " edges " FROM {store}.namespace n WHERE n.namespace "              \
						"OPERATOR(pg_catalog.=) $1"
/* "/" is followed by "0" in the order of bytes. */
#define SEARCHED_MORE(edges)                                                                   \
	SEARCHED("n.namespace", edges)                                                             \
	" OR ($2 AND n.namespace OPERATOR(pg_catalog.>=) ($1 OPERATOR(pg_catalog.||) '/')"         \
	" AND n.namespace OPERATOR(pg_catalog.<) ($1 OPERATOR(pg_catalog.||) '0'))"                \
	" OR n.namespace OPERATOR(pg_catalog.=) ANY ($3) ORDER BY n.namespace"

/*
 * One that has memories but no row: all of it was erased while another transaction wrote to it.  Its
 * next write makes the row; until then its languages are those of the memories.
 */
#define UNNOTED(edges)                                                                         \
	"SELECT m.namespace, ARRAY(SELECT DISTINCT l.language FROM {store}.memory l"               \
	"   WHERE l.namespace OPERATOR(pg_catalog.=) $1 ORDER BY 1),"                              \
	" NULL::pg_catalog.int8, NULL::pg_catalog.int8, " AGM_HAS_HIDDEN("$1") ", " HAS(           \
		"activity", "$1") ", " edges " FROM (SELECT c.namespace FROM {store}.memory c"         \
						  " WHERE c.namespace OPERATOR(pg_catalog.=) $1 LIMIT 1) m"

static void
find_unnoted(const AgmRecall *recall, Datum ns, bool edges, NamespaceReader *reader)
{
	AgmParams params = {0};

	for (int i = 0; i < reader->list->n; i++)
		if (DatumGetBool(DirectFunctionCall2Coll(texteq, C_COLLATION_OID,
												 reader->list->items[i].name, ns)))
			return;
	agm_param(&params, TEXTOID, ns, false);
	(void) agm_execute(&recall->store, edges ? UNNOTED(HAS("edge", "$1")) : UNNOTED("true"),
					   &params, AGM_READ | AGM_PLAN_GENERIC, "tTl?l?bbb", read_searched,
					   reader);
}

static void
find_all_unnoted(const AgmRecall *recall, bool edges, NamespaceReader *reader)
{
	Datum *names;
	int n;

	find_unnoted(recall, PointerGetDatum(recall->ns), edges, reader);
	if (recall->shared == NULL)
		return;
	deconstruct_array(recall->shared, TEXTOID, -1, false, TYPALIGN_INT, &names, NULL, &n);
	for (int i = 0; i < n; i++)
		find_unnoted(recall, names[i], edges, reader);
}

/* Those asked for that exist; the common case of one is a look-up by key. */
AgmSearchedList
agm_find_namespaces(const AgmRecall *recall)
{
	AgmParams params = {0};
	AgmSearchedList list = {palloc(sizeof(AgmSearched) * 4), 0, 4};
	NamespaceReader reader = {&list, recall->query != NULL};
	bool edges = recall->weights[AGM_GRAPH] > 0 && !recall->filter.has_known_at;
	const char *sql;

	agm_param(&params, TEXTOID, PointerGetDatum(recall->ns), false);
	if (!recall->prefix && recall->shared == NULL)
		sql = edges ? SEARCHED("$1", HAS("edge", "$1")) : SEARCHED("$1", "true");
	else
	{
		agm_param(&params, BOOLOID, BoolGetDatum(recall->prefix), false);
		agm_param(&params, TEXTARRAYOID, PointerGetDatum(recall->shared),
				  recall->shared == NULL);
		sql = edges ? SEARCHED_MORE(HAS("edge", "n.namespace")) : SEARCHED_MORE("true");
	}
	(void) agm_execute(&recall->store, sql, &params,
					   AGM_READ | (params.n == 1 ? AGM_PLAN_GENERIC : AGM_PLAN_CUSTOM),
					   "tTl?l?bbb", read_searched, &reader);
	find_all_unnoted(recall, edges, &reader);
	return list;
}

void
agm_pool_init(AgmPool *pool, const AgmRecall *recall)
{
	memset(pool, 0, sizeof(*pool));
	pool->recall = recall;
	pool->capacity = 2 * recall->depth;
	pool->items = palloc(sizeof(AgmCandidate) * pool->capacity);
	pool->summaries.capacity = 64;
	pool->summaries.items = palloc(sizeof(AgmSummed) * pool->summaries.capacity);
}

AgmCandidate *
agm_pool_add(AgmPool *pool, int64 id, AgmPlace place)
{
	AgmCandidate *candidate;

	if (pool->n == pool->capacity)
	{
		pool->capacity *= 2;
		pool->items = repalloc_huge(pool->items, sizeof(AgmCandidate) * pool->capacity);
	}
	candidate = &pool->items[pool->n++];
	memset(candidate, 0, sizeof(*candidate));
	candidate->id = id;
	candidate->place = place;
	candidate->ns = pool->ns;
	return candidate;
}

static int
compare_int64(const void *a, const void *b, void *arg)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	(void) arg;
	return (x > y) - (x < y);
}

static AgmCandidate *
find_candidate(const AgmPool *pool, int64 id)
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

static int
compare_candidate_ids(const void *a, const void *b, void *arg)
{
	(void) arg;
	return compare_int64(&((const AgmCandidate *) a)->id, &((const AgmCandidate *) b)->id,
						 NULL);
}

static int
compare_hits(const void *a, const void *b, void *arg)
{
	return compare_int64(&((const AgmHit *) a)->id, &((const AgmHit *) b)->id, arg);
}

/* The union of both channels' hits, each once, by id. */
static AgmHit *
unite(const AgmHits *semantic, const AgmHits *keyword, int *united)
{
	AgmHit *hits = palloc(sizeof(AgmHit) * Max(semantic->n + keyword->n, 1));
	int n = 0;
	int kept = 0;

	for (int i = 0; i < semantic->n; i++)
		hits[n++] = semantic->hits[i];
	for (int i = 0; i < keyword->n; i++)
		hits[n++] = keyword->hits[i];
	qsort_interruptible(hits, n, sizeof(AgmHit), compare_hits, NULL);
	for (int i = 0; i < n; i++)
		if (i == 0 || hits[i].id != hits[i - 1].id)
			hits[kept++] = hits[i];
	*united = kept;
	return hits;
}

static double
state_weight(const char *state)
{
	for (size_t i = 0; i < lengthof(state_weights); i++)
		if (strcmp(state_weights[i].state, state) == 0)
			return state_weights[i].weight;
	return 0;
}

typedef struct FeatureReader
{
	AgmPool *pool;
	AgmSource source;
} FeatureReader;

/* Columns: id, place, distance, importance, state, bytes, subject, object, actor, beginning of the
 * content, beginning and end of its time. */
static void
read_feature(TupleTableSlot *slot, void *arg)
{
	const FeatureReader *reader = arg;
	const AgmPool *pool = reader->pool;
	bool isnull;
	AgmCandidate *candidate =
		find_candidate(pool, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
	Datum value;
	char *state;

	if (candidate == NULL)
		return;
	candidate->place = agm_place_of(pool->recall, reader->source, slot, 2);
	value = slot_getattr(slot, 3, &isnull);
	candidate->has_embedding = !isnull;
	if (!isnull)
		candidate->channel[AGM_SEMANTIC].score =
			agm_semantic_similarity(pool->recall, DatumGetFloat8(value));
	value = slot_getattr(slot, 4, &isnull);
	candidate->importance = isnull ? 0 : DatumGetFloat4(value);
	state = agm_slot_text(slot, 5);
	candidate->state_weight = state == NULL ? 1 : state_weight(state);
	candidate->bytes = DatumGetInt32(slot_getattr(slot, 6, &isnull));
	if (pool->names != NULL)
		candidate->channel[AGM_ENTITY].score = agm_names_score(pool->names, slot, 7);
	if (pool->times != NULL)
		candidate->channel[AGM_TEMPORAL].score = agm_times_score(pool->times, slot, 11);
}

static void
read_features_of(AgmPool *pool, const AgmSearched *searched, AgmSource source,
				 const AgmHit *hits, int n, bool passed)
{
	const AgmRecall *recall = pool->recall;
	FeatureReader reader = {pool, source};
	AgmRows rows;

	if (!agm_rows_begin(&rows, recall, searched, source, hits, n, passed))
		return;
	appendStringInfo(
		&rows.sql,
		"m.id, m.ctid, m.distance, agentmem.effective_importance(%s), %s, m.bytes,"
		" m.subject, m.object, m.actor, m.head, m.starts, m.ends",
		searched->has_activity ? "greatest(m.importance, a.rank), coalesce(a.useless, 0)"
							   : "m.importance, 0",
		/* What state it was in is not kept: as if active. */
		recall->filter.has_known_at || !searched->has_activity ? "NULL::pg_catalog.text"
															   : "a.state");
	agm_rows_from(&rows);
	appendStringInfo(&rows.sql,
					 "c.id, c.ctid, c.importance, pg_catalog.octet_length(c.content), %s",
					 pool->names != NULL ? AGM_NAME_COLUMNS : AGM_NO_NAME_COLUMNS);
	agm_times_columns(pool->times, recall, &rows.sql, &rows.params);
	if (recall->embedding != NULL)
		appendStringInfo(&rows.sql, ", c.embedding OPERATOR(agentmem.%s) $%d",
						 recall->distance_operator,
						 agm_param(&rows.params, agm_type_oid("vector"),
								   PointerGetDatum(recall->embedding), false));
	else
		appendStringInfoString(&rows.sql, ", NULL::pg_catalog.float8");
	agm_rows_end(&rows, searched);
	appendStringInfo(&rows.sql,
					 "(id, ctid, importance, bytes, subject, object, actor, head, starts, ends,"
					 " distance)%s",
					 searched->has_activity ? AGM_LOOK_UP_ACTIVITY : "");
	agm_rows_read(&rows, "lcd?f?t?i" AGM_NAME_TYPES AGM_TIME_TYPES, read_feature, &reader);
}

/* Those that did not pass. */
static void
drop_absent(AgmPool *pool)
{
	int kept = pool->first;

	for (int i = pool->first; i < pool->n; i++)
		if (pool->items[i].place != 0)
			pool->items[kept++] = pool->items[i];
	pool->n = kept;
}

/*
 * Adds memories that are not candidates yet, with the scores of all channels but the graph's; those
 * that pass the filter, unless all of them have.
 */
static void
add_candidates(AgmPool *pool, const AgmSearched *searched, const AgmHit *hits, int n,
			   bool passed, const AgmMatches *matches)
{
	AgmHit *scored = palloc(sizeof(AgmHit) * Max(n, 1));
	int nscored = 0;

	for (int i = 0; i < n; i++)
		(void) agm_pool_add(pool, hits[i].id, passed ? hits[i].place : 0);
	qsort_interruptible(pool->items + pool->first, pool->n - pool->first, sizeof(AgmCandidate),
						compare_candidate_ids, NULL);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
		read_features_of(pool, searched, source, hits, n, passed);
	if (!passed)
		drop_absent(pool);
	for (int i = 0; i < n; i++)
		if (passed || find_candidate(pool, hits[i].id) != NULL)
			scored[nscored++] = hits[i];
	agm_keyword_scores(matches, scored, nscored);
	for (int i = 0; i < nscored; i++)
		find_candidate(pool, scored[i].id)->channel[AGM_LEXICAL].score = scored[i].score;
}

/* README rule 14: those that edges lead to, from the best of what has been found. */
static void
follow_edges(AgmPool *pool, const AgmSearched *searched, const AgmMatches *matches,
			 double ideal)
{
	AgmReached reached = agm_graph_search(pool->recall, searched, pool->items + pool->first,
										  pool->n - pool->first, ideal);
	AgmHit *hits = palloc(sizeof(AgmHit) * Max(reached.n, 1));
	int n = 0;

	for (int i = 0; i < reached.n; i++)
		if (find_candidate(pool, reached.hits[i].id) == NULL)
			hits[n++] = (AgmHit){reached.hits[i].id, 0, reached.places[i]};
	add_candidates(pool, searched, hits, n, false, matches);
	for (int i = 0; i < reached.n; i++)
	{
		AgmCandidate *candidate = find_candidate(pool, reached.hits[i].id);

		if (candidate == NULL)
			continue;
		candidate->channel[AGM_GRAPH].score =
			reached.hits[i].linked ? reached.hits[i].score : 0;
		candidate->isolated = !reached.hits[i].linked;
	}
}

/* README rule 20: the summaries for which candidates stand are candidates. */
static void
add_summaries(AgmPool *pool, const AgmSearched *searched, const AgmMatches *matches)
{
	int n;
	int kept = 0;
	AgmHit *hits = agm_summaries_find(&pool->summaries, pool->recall, searched,
									  pool->items + pool->first, pool->n - pool->first, &n);

	for (int i = 0; i < n; i++)
		if (find_candidate(pool, hits[i].id) == NULL)
			hits[kept++] = hits[i];
	add_candidates(pool, searched, hits, kept, true, matches);
}

static AgmWords
query_words(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmWords words = {NULL, 0};

	if (recall->query != NULL)
		words.terms =
			agm_lexical_query(searched->configs, searched->nconfigs, VARDATA_ANY(recall->query),
							  VARSIZE_ANY_EXHDR(recall->query), &words.n);
	return words;
}

static void
search(AgmPool *pool, const AgmSearched *searched)
{
	const AgmRecall *recall = pool->recall;
	AgmWords words = query_words(recall, searched);
	AgmHits semantic = {NULL, 0};
	AgmHits keyword;
	AgmMatches *matches;
	double ideal;
	AgmHit *hits;
	int n;

	pool->has_words |= words.n > 0;
	pool->names = words.n > 0 && recall->weights[AGM_ENTITY] > 0
					  ? agm_names_open(searched, &words)
					  : NULL;
	pool->times = agm_times_open(recall, searched);
	/* Words first: they may have looked up all that was held at the instant, which then serves both. */
	keyword = agm_keyword_search(recall, searched, &words, &matches, &ideal);
	if (recall->embedding != NULL)
		semantic = agm_semantic_search(recall, searched);
	agm_held_end(searched);
	hits = unite(&semantic, &keyword, &n);
	add_candidates(pool, searched, hits, n, true, matches);
	if (recall->weights[AGM_GRAPH] > 0 && searched->has_edges)
		follow_edges(pool, searched, matches, ideal);
	if (recall->summaries)
		add_summaries(pool, searched, matches);
}

/* One namespace, in a context of its own: what it leaves behind is the pool's growth. */
static void
visit(AgmPool *pool, int ns, const AgmSearched *searched,
	  void (*step)(AgmPool *, const AgmSearched *))
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem recall of a namespace", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);

	pool->ns = ns;
	pool->first = pool->n;
	step(pool, searched);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

void
agm_pool_search(AgmPool *pool, int ns, const AgmSearched *searched)
{
	visit(pool, ns, searched, search);
}

void
agm_pool_newest(AgmPool *pool, int ns, const AgmSearched *searched)
{
	visit(pool, ns, searched, agm_newest_list);
}

static int
compare_newest(const void *a, const void *b, void *arg)
{
	const AgmCandidate *x = a;
	const AgmCandidate *y = b;

	(void) arg;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->id != y->id)
		return x->id > y->id ? -1 : 1;
	return (x->ns > y->ns) - (x->ns < y->ns);
}

void
agm_pool_sort_newest(AgmPool *pool)
{
	qsort_interruptible(pool->items, pool->n, sizeof(AgmCandidate), compare_newest, NULL);
}

/* Best of the channel first; those it did not find last. */
static int
compare_channel(const void *a, const void *b, void *arg)
{
	const AgmCandidate *x = a;
	const AgmCandidate *y = b;
	double score_x = x->channel[*(AgmChannel *) arg].score;
	double score_y = y->channel[*(AgmChannel *) arg].score;

	if (score_x != score_y)
		return score_x > score_y ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

void
agm_pool_trim(AgmPool *pool)
{
	const AgmRecall *recall = pool->recall;
	int kept = 0;

	if (recall->embedding == NULL && recall->query == NULL)
	{
		if (pool->n <= SLACK * recall->k)
			return;
		agm_pool_sort_newest(pool);
		pool->n = recall->k;
		return;
	}
	if (pool->n <= SLACK * recall->depth)
		return;
	/* Channel by channel, its best `depth` of the rest move to the front. */
	for (AgmChannel channel = 0; channel < AGM_NCHANNELS; channel++)
	{
		qsort_interruptible(pool->items + kept, pool->n - kept, sizeof(AgmCandidate),
							compare_channel, &channel);
		kept = Min(kept + recall->depth, pool->n);
	}
	pool->n = kept;
}

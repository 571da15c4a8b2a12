/*
 * keyword.c
 *		The lexical channel: BM25 over a namespace.
 *
 * Where posting lists can be read directly, best.c reads the rows that may be among the best.  Else
 * one pass over the postings of the query's words in this namespace reads each matching
 * memory once: it counts in how many memories each word occurs (all matches) and keeps
 * the frequencies of those that pass the filter.  Weights are known after the pass, so
 * scores are computed then.  README rules 4, 5 and 19.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "base/direct.h"
#include "lexical/lexical.h"
#include "recall/best.h"
#include "recall/postings.h"
#include "recall/rows.h"
#include "recall/top.h"

/* Up to here a namespace is counted for each query; above, its estimates serve. */
#define EXACT_STATISTICS_MAX 5000

/* The first allocation of matches and of words in them; they double. */
#define MATCHES_INITIAL 256

typedef struct Match
{
	int64 id;
	AgmPlace place;
	int32 tokens;
	uint16 nwords; /* in the order of the matches */
} Match;

/* A word of the query in a match. */
typedef struct MatchWord
{
	uint8 term;
	uint8 frequency;
} MatchWord;

StaticAssertDecl(AGM_QUERY_TERMS_MAX <= 256, "a term's number must fit a byte");

typedef struct Pass
{
	const AgmTerm *terms;
	int nterms;
	int64 *df;		/* per term, over all matches */
	Match *matches; /* those that pass the filter */
	int64 n;
	int64 capacity;
	MatchWord *words;
	int64 nwords;
	int64 words_capacity;
	MemoryContext row_context; /* reset after each row */
	const AgmRecall *recall;
	AgmSource source; /* that is read */
} Pass;

/* Room for one more match, and all its words. */
static void
grow(Pass *pass)
{
	if (pass->n >= pass->capacity)
	{
		pass->capacity *= 2;
		pass->matches = repalloc_huge(pass->matches, pass->capacity * sizeof(Match));
	}
	if (pass->nwords + pass->nterms > pass->words_capacity)
	{
		pass->words_capacity = pass->words_capacity * 2 + pass->nterms;
		pass->words = repalloc_huge(pass->words, pass->words_capacity * sizeof(MatchWord));
	}
}

/* Columns: id, tokens, lexemes, passes, place. */
static void
read_match(TupleTableSlot *slot, void *arg)
{
	Pass *pass = arg;
	MemoryContext old = MemoryContextSwitchTo(pass->row_context);
	bool isnull;
	Datum stored = slot_getattr(slot, 3, &isnull);
	TSVector lexemes = DatumGetTSVector(stored);
	int64 first = pass->nwords;

	grow(pass);
	for (int i = 0; i < pass->nterms; i++)
	{
		int frequency = agm_lexeme_frequency(lexemes, &pass->terms[i]);

		if (frequency == 0)
			continue;
		pass->df[i]++;
		pass->words[pass->nwords++] = (MatchWord){i, Min(frequency, AGM_FREQUENCY_MAX)};
	}
	/* No word: another word's key collided.  Filtered out: it only counted above. */
	if (pass->nwords > first && DatumGetBool(slot_getattr(slot, 4, &isnull)) && !isnull)
	{
		Match *match = &pass->matches[pass->n++];

		match->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
		match->tokens = DatumGetInt32(slot_getattr(slot, 2, &isnull));
		match->place = agm_place_of(pass->recall, pass->source, slot, 5);
		match->nwords = (uint16) (pass->nwords - first);
	}
	else
		pass->nwords = first;
	MemoryContextSwitchTo(old);
	if ((Pointer) lexemes != DatumGetPointer(stored))
		MemoryContextReset(pass->row_context);
}

/* What the index of a source is searched for. */
static Datum
index_keys(const AgmSearched *searched, const Pass *pass)
{
	text *ns = DatumGetTextPP(searched->name);
	int64 *keys = palloc(sizeof(int64) * pass->nterms);

	for (int i = 0; i < pass->nterms; i++)
		keys[i] = agm_lexeme_key(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns), pass->terms[i].word,
								 pass->terms[i].len);
	return agm_int8_array(keys, pass->nterms);
}

/*
 * The keys have the namespace in them: an index of that would add nothing.  But of what matches, most
 * was not held at an instant of the past.
 */
static AgmAccess
access_for(const AgmRecall *recall)
{
	if (recall->filter.has_known_at)
		return AGM_ANY_INDEX;
	return recall->store.partitioned ? AGM_OTHER_INDEX : AGM_NO_INDEX;
}

static void
pass_source(const AgmRecall *recall, const AgmSearched *searched, AgmSource source, Pass *pass)
{
	AgmParams params = {0};
	StringInfoData sql;

	pass->recall = recall;
	pass->source = source;
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, INT8ARRAYOID, index_keys(searched, pass), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, m.tokens, m.lexemes, (true");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfoString(&sql, "), m.ctid");
	agm_filter_from(&recall->filter, source, access_for(recall), "", &sql, &params);
	appendStringInfoString(&sql, " AND agentmem.memory_keys(m.namespace, m.lexemes, m.tokens)"
								 " OPERATOR(agentmem.&&~) $2");
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "livb?c",
					   read_match, pass);
}

static void
run_pass(const AgmRecall *recall, const AgmSearched *searched, Pass *pass)
{
	pass->df = palloc0(sizeof(int64) * pass->nterms);
	pass->capacity = MATCHES_INITIAL;
	pass->matches = palloc(pass->capacity * sizeof(Match));
	pass->words_capacity = MATCHES_INITIAL;
	pass->words = palloc(pass->words_capacity * sizeof(MatchWord));
	pass->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem match", ALLOCSET_SMALL_SIZES);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
		if (agm_filter_needs(&recall->filter, source))
			pass_source(recall, searched, source, pass);
}

static void
read_statistics(TupleTableSlot *slot, void *arg)
{
	AgmStatistics *statistics = arg;
	bool isnull;

	statistics->memories += DatumGetInt64(slot_getattr(slot, 1, &isnull));
	statistics->tokens += DatumGetInt64(slot_getattr(slot, 2, &isnull));
}

/* What is held now, from the primary key alone; false where a statement must read it. */
static bool
count_directly(const AgmRecall *recall, const AgmSearched *searched, AgmStatistics *statistics)
{
	static const AgmDirectColumn columns[] = {
		{"namespace", TEXTOID, false}, {"id", INT8OID, false}, {"tokens", INT4OID, false}};
	AgmDirect *memories = agm_direct_open(&recall->store, "memory", columns, 2, 3,
										  searched->name, GetActiveSnapshot());
	Datum values[3];

	if (memories == NULL)
		return false;
	agm_direct_seek_from(memories, PG_INT64_MIN);
	while (agm_direct_next(memories, values))
	{
		statistics->memories++;
		statistics->tokens += DatumGetInt32(values[2]);
	}
	agm_direct_close(memories);
	return true;
}

/* README rule 4: counted up to a size, estimates of maintenance above. */
static AgmStatistics
namespace_statistics(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmStatistics statistics = {0, 0};

	if (searched->estimate.memories > EXACT_STATISTICS_MAX && searched->estimate.tokens > 0)
		return searched->estimate;
	if (!recall->filter.has_known_at && count_directly(recall, searched, &statistics))
		return statistics;
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		AgmParams params = {0};
		StringInfoData sql;

		if (!agm_filter_needs(&recall->filter, source))
			continue;
		agm_param(&params, TEXTOID, searched->name, false);
		initStringInfo(&sql);
		appendStringInfoString(
			&sql, "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(m.tokens), 0)");
		agm_filter_from(&recall->filter, source, AGM_TIME_INDEX, "", &sql, &params);
		(void) agm_execute(
			&recall->store, sql.data, &params,
			AGM_READ | (recall->filter.has_known_at ? AGM_PLAN_CUSTOM : AGM_PLAN_GENERIC), "ll",
			read_statistics, &statistics);
	}
	return statistics;
}

/* Weights from what the namespace has; df is per term. */
static AgmWeights
make_weights(const AgmRecall *recall, const AgmSearched *searched, const AgmWords *words,
			 const int64 *df, double *ideal)
{
	AgmStatistics statistics = namespace_statistics(recall, searched);
	AgmWeights weights = {words->terms, words->n, palloc(sizeof(double) * words->n), 1};

	if (statistics.tokens > 0)
		weights.mean_length = (double) statistics.tokens / statistics.memories;
	for (int i = 0; i < words->n; i++)
	{
		weights.idf[i] = agm_bm25_idf(Max(statistics.memories, df[i]), df[i]);
		*ideal += agm_bm25_term(weights.idf[i], AGM_FREQUENCY_MAX, weights.mean_length,
								weights.mean_length);
	}
	return weights;
}

struct AgmMatches
{
	const AgmRecall *recall;
	const AgmSearched *searched;
	AgmWeights weights;
	bool complete; /* known has all matches */
	AgmHits known; /* by id */
};

/* By posting lists; false if they are not to be read. */
static bool
search_lists(AgmMatches *matches, const AgmWords *words, AgmHits *top, double *ideal)
{
	AgmPostings *postings = agm_postings_open(matches->recall, matches->searched);
	AgmWordLists *lists;
	int64 *df;
	AgmBest best;
	bool any = false;

	if (postings == NULL)
		return false;
	lists = agm_postings_read(postings, words);
	df = palloc(sizeof(int64) * words->n);
	for (int i = 0; i < words->n; i++)
	{
		df[i] = lists[i].n;
		any |= df[i] > 0;
	}
	matches->complete = !any;
	if (any)
	{
		matches->weights = make_weights(matches->recall, matches->searched, words, df, ideal);
		best = agm_best_search(matches->recall, matches->searched, &matches->weights, postings,
							   lists);
		*top = best.top;
		matches->known = best.known;
		matches->complete = best.complete;
	}
	agm_postings_close(postings);
	return true;
}

/* By a statement that reads all that match. */
static void
search_rows(AgmMatches *matches, const AgmWords *words, AgmHits *hits, double *ideal)
{
	const AgmRecall *recall = matches->recall;
	Pass pass = {.terms = words->terms, .nterms = words->n};
	AgmWeights *weights = &matches->weights;
	AgmHits *known = &matches->known;
	AgmTop top;
	int64 word = 0;

	matches->complete = true;
	run_pass(recall, matches->searched, &pass);
	if (pass.n == 0)
		return;
	if (pass.n > INT_MAX / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many memories match the query"),
						errhint("Narrow the search by kinds, tags or time.")));

	*weights = make_weights(recall, matches->searched, words, pass.df, ideal);
	agm_top_init(&top, recall->depth);
	known->n = (int) pass.n;
	known->hits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(AgmHit) * pass.n);
	for (int64 i = 0; i < pass.n; i++)
	{
		const Match *match = &pass.matches[i];
		double score = 0;

		for (int j = 0; j < match->nwords; j++, word++)
			score +=
				agm_bm25_term(weights->idf[pass.words[word].term], pass.words[word].frequency,
							  match->tokens, weights->mean_length);
		known->hits[i] = (AgmHit){match->id, score, match->place};
		agm_top_add(&top, match->id, score, match->place);
		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(pass.matches);
	pfree(pass.words);
	agm_hits_sort(known);
	*hits = top.hits;
}

AgmHits
agm_keyword_search(const AgmRecall *recall, const AgmSearched *searched, const AgmWords *words,
				   AgmMatches **matches, double *ideal)
{
	AgmHits hits = {NULL, 0};
	AgmMatches *found = palloc0(sizeof(AgmMatches));

	found->recall = recall;
	found->searched = searched;
	found->complete = true;
	*matches = found;
	*ideal = 0;
	if (words->n > 0 && !search_lists(found, words, &hits, ideal))
		search_rows(found, words, &hits, ideal);
	return hits;
}

static AgmHit *
find_hit(const AgmHits *hits, int64 id)
{
	int low = 0;
	int high = hits->n;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (hits->hits[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < hits->n && hits->hits[low].id == id ? &hits->hits[low] : NULL;
}

typedef struct ScoreReader
{
	const AgmWeights *weights;
	AgmHits unknown; /* by id */
	MemoryContext row_context;
} ScoreReader;

/* Columns: id, tokens, lexemes. */
static void
read_score(TupleTableSlot *slot, void *arg)
{
	ScoreReader *reader = arg;
	MemoryContext old = MemoryContextSwitchTo(reader->row_context);
	bool isnull;
	AgmHit *hit = find_hit(&reader->unknown, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
	TSVector lexemes = DatumGetTSVector(slot_getattr(slot, 3, &isnull));

	if (hit != NULL)
		hit->score = agm_row_score(reader->weights, lexemes,
								   DatumGetInt32(slot_getattr(slot, 2, &isnull)));
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->row_context);
}

/* Rows that the lists did not lead to, because others found them. */
static void
read_scores(const AgmMatches *matches, AgmSource source, ScoreReader *reader)
{
	AgmRows rows;

	if (!agm_rows_begin(&rows, matches->recall, matches->searched, source, reader->unknown.hits,
						reader->unknown.n, true))
		return;
	appendStringInfoString(&rows.sql, "m.id, m.tokens, m.lexemes");
	agm_rows_from(&rows);
	appendStringInfoString(&rows.sql, "c.id, c.tokens, c.lexemes");
	agm_rows_end(&rows, matches->searched);
	agm_rows_read(&rows, "liv", read_score, reader);
}

void
agm_keyword_scores(const AgmMatches *matches, AgmHit *hits, int n)
{
	AgmHits unknown = {palloc(sizeof(AgmHit) * Max(n, 1)), 0};
	ScoreReader reader;

	for (int i = 0; i < n; i++)
	{
		const AgmHit *known = find_hit(&matches->known, hits[i].id);

		hits[i].score = known == NULL ? 0 : known->score;
		if (known == NULL && !matches->complete)
			unknown.hits[unknown.n++] = hits[i];
	}
	agm_hits_sort(&unknown);
	reader = (ScoreReader){
		&matches->weights, unknown,
		AllocSetContextCreate(CurrentMemoryContext, "agentmem match", ALLOCSET_SMALL_SIZES)};
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
		read_scores(matches, source, &reader);
	for (int i = 0; i < n && unknown.n > 0; i++)
	{
		const AgmHit *found = find_hit(&unknown, hits[i].id);

		if (found != NULL)
			hits[i].score = found->score;
	}
}

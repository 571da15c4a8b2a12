/*
 * keyword.c
 *		The lexical channel: BM25 over a namespace.
 *
 * One pass over the postings of the query's words in this namespace reads each matching
 * memory once: it counts in how many memories each word occurs (all matches) and keeps
 * the frequencies of those that pass the filter.  Weights are known after the pass, so
 * scores are computed then.  README rules 4 and 5.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "lexical/lexical.h"
#include "memory/span.h"
#include "recall/rows.h"
#include "recall/top.h"

/* A word used more often in one memory counts as used this often: BM25 is flat there. */
#define FREQUENCY_MAX 255

/* Up to here a namespace is counted for each query; above, its estimates serve. */
#define EXACT_STATISTICS_MAX 20000

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
		pass->words[pass->nwords++] = (MatchWord){i, Min(frequency, FREQUENCY_MAX)};
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

/* What the index of a source is searched for: each term, in the history each stretch of time. */
static Datum
index_keys(const AgmRecall *recall, const AgmSearched *searched, AgmSource source,
		   const Pass *pass)
{
	text *ns = DatumGetTextPP(searched->name);
	AgmSpan instant = agm_span_of_instant(recall->filter.known_at);
	int64 stretches[AGM_SPAN_LEVELS];
	int64 *keys = palloc(sizeof(int64) * pass->nterms * AGM_SPAN_LEVELS);
	int n = 0;

	agm_span_containing(&instant, stretches);
	for (int i = 0; i < pass->nterms; i++)
	{
		int64 key = agm_lexeme_key(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns), pass->terms[i].word,
								   pass->terms[i].len);

		if (source == AGM_MEMORY)
			keys[n++] = key;
		else
			for (int level = 0; level < AGM_SPAN_LEVELS; level++)
				keys[n++] = agm_span_key(key, stretches[level]);
	}
	return agm_int8_array(keys, n);
}

/*
 * The keys have the namespace in them, and in the history the time: other indexes would add nothing.
 * But what memory holds by now was mostly not known at an instant of the past.
 */
static AgmAccess
access_for(const AgmRecall *recall, AgmSource source)
{
	if (source == AGM_MEMORY && recall->filter.has_known_at)
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
	agm_param(&params, INT8ARRAYOID, index_keys(recall, searched, source, pass), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, m.tokens, m.lexemes, (true");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfoString(&sql, "), m.ctid");
	agm_filter_from(&recall->filter, source, access_for(recall, source), "", &sql, &params);
	appendStringInfo(&sql, " AND %s OPERATOR(agentmem.&&&) $2",
					 source == AGM_MEMORY
						 ? "agentmem.lexeme_keys(m.namespace, m.lexemes)"
						 : "agentmem.history_keys(m.namespace, m.lexemes, m.system_period)");
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

/* README rule 4: counted up to a size, estimates of maintenance above. */
static AgmStatistics
namespace_statistics(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmStatistics statistics = {0, 0};

	if (searched->estimate.memories > EXACT_STATISTICS_MAX && searched->estimate.tokens > 0)
		return searched->estimate;
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

static int
compare_ids(const void *a, const void *b, void *arg)
{
	int64 x = ((const AgmHit *) a)->id;
	int64 y = ((const AgmHit *) b)->id;

	(void) arg;
	return (x > y) - (x < y);
}

AgmHits
agm_keyword_search(const AgmRecall *recall, const AgmSearched *searched, const AgmWords *words,
				   AgmHits *all, double *ideal)
{
	Pass pass = {0};
	AgmHits none = {NULL, 0};
	AgmStatistics statistics;
	AgmTop top;
	double mean_length;
	double *idf;
	int64 word = 0;

	*all = none;
	*ideal = 0;
	if (words->n == 0)
		return none;
	pass.terms = words->terms;
	pass.nterms = words->n;
	run_pass(recall, searched, &pass);
	if (pass.n == 0)
		return none;
	if (pass.n > INT_MAX / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many memories match the query"),
						errhint("Narrow the search by kinds, tags or time.")));

	statistics = namespace_statistics(recall, searched);
	mean_length = statistics.tokens > 0 ? (double) statistics.tokens / statistics.memories : 1;
	idf = palloc(sizeof(double) * pass.nterms);
	for (int i = 0; i < pass.nterms; i++)
	{
		idf[i] = agm_bm25_idf(Max(statistics.memories, pass.df[i]), pass.df[i]);
		*ideal += agm_bm25_term(idf[i], FREQUENCY_MAX, mean_length, mean_length);
	}

	agm_top_init(&top, recall->depth);
	all->n = (int) pass.n;
	all->hits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(AgmHit) * pass.n);
	for (int64 i = 0; i < pass.n; i++)
	{
		const Match *match = &pass.matches[i];
		double score = 0;

		for (int j = 0; j < match->nwords; j++, word++)
			score += agm_bm25_term(idf[pass.words[word].term], pass.words[word].frequency,
								   match->tokens, mean_length);
		all->hits[i] = (AgmHit){match->id, score, match->place};
		agm_top_add(&top, match->id, score, match->place);
		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(pass.matches);
	pfree(pass.words);
	qsort_interruptible(all->hits, all->n, sizeof(AgmHit), compare_ids, NULL);
	return top.hits;
}

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
	int32 tokens;
	int64 first; /* its words are words[first], up to the next match's */
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
	Match *matches; /* those that pass the filter, and one more for the end */
	int64 n;
	int64 capacity;
	MatchWord *words;
	int64 nwords;
	int64 words_capacity;
	MemoryContext row_context; /* reset after each row */
} Pass;

/* Room for one more match, the end, and all its words. */
static void
grow(Pass *pass)
{
	if (pass->n + 1 >= pass->capacity)
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

/* Columns: id, tokens, lexemes, passes. */
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
		match->first = first;
		match[1].first = pass->nwords;
	}
	else
		pass->nwords = first;
	MemoryContextSwitchTo(old);
	if ((Pointer) lexemes != DatumGetPointer(stored))
		MemoryContextReset(pass->row_context);
}

static void
run_pass(const AgmRecall *recall, const AgmSearched *searched, Pass *pass)
{
	AgmParams params = {0};
	StringInfoData sql;
	text *ns = DatumGetTextPP(searched->name);
	int64 *keys = palloc(sizeof(int64) * pass->nterms);

	pass->df = palloc0(sizeof(int64) * pass->nterms);
	pass->capacity = MATCHES_INITIAL;
	pass->matches = palloc(pass->capacity * sizeof(Match));
	pass->words_capacity = MATCHES_INITIAL;
	pass->words = palloc(pass->words_capacity * sizeof(MatchWord));
	pass->row_context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem match", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < pass->nterms; i++)
		keys[i] = agm_lexeme_key(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns), pass->terms[i].word,
								 pass->terms[i].len);
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(keys, pass->nterms), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, m.tokens, m.lexemes, (true");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfoString(&sql,
						   ") FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
						   " AND agentmem.lexeme_keys(m.namespace, m.lexemes)"
						   " OPERATOR(agentmem.&&&) $2");
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "livb?",
					   read_match, pass);
}

static void
read_statistics(TupleTableSlot *slot, void *arg)
{
	AgmStatistics *statistics = arg;
	bool isnull;

	statistics->memories = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	statistics->tokens = DatumGetInt64(slot_getattr(slot, 2, &isnull));
}

/* README rule 4: counted up to a size, estimates of maintenance above. */
static AgmStatistics
namespace_statistics(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmParams params = {0};
	AgmStatistics statistics;

	if (searched->estimate.memories > EXACT_STATISTICS_MAX && searched->estimate.tokens > 0)
		return searched->estimate;
	agm_param(&params, TEXTOID, searched->name, false);
	(void) agm_execute(&recall->store,
					   "SELECT pg_catalog.count(*), coalesce(pg_catalog.sum(m.tokens), 0)"
					   " FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1",
					   &params, AGM_READ | AGM_PLAN_GENERIC, "ll", read_statistics,
					   &statistics);
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
agm_keyword_search(const AgmRecall *recall, const AgmSearched *searched, AgmHits *all,
				   bool *has_words)
{
	Pass pass = {0};
	AgmHits none = {NULL, 0};
	AgmStatistics statistics;
	AgmTop top;
	double mean_length;
	double *idf;

	*all = none;
	pass.terms =
		agm_lexical_query(searched->configs, searched->nconfigs, VARDATA_ANY(recall->query),
						  VARSIZE_ANY_EXHDR(recall->query), &pass.nterms);
	if (pass.nterms == 0)
		return none;
	*has_words = true;
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
		idf[i] = agm_bm25_idf(Max(statistics.memories, pass.df[i]), pass.df[i]);

	agm_top_init(&top, recall->depth);
	all->n = (int) pass.n;
	all->hits = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(AgmHit) * pass.n);
	for (int64 i = 0; i < pass.n; i++)
	{
		const Match *match = &pass.matches[i];
		double score = 0;

		for (int64 j = match->first; j < match[1].first; j++)
			score += agm_bm25_term(idf[pass.words[j].term], pass.words[j].frequency,
								   match->tokens, mean_length);
		all->hits[i] = (AgmHit){match->id, score};
		agm_top_add(&top, match->id, score);
		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
	}
	pfree(pass.matches);
	pfree(pass.words);
	qsort_interruptible(all->hits, all->n, sizeof(AgmHit), compare_ids, NULL);
	return top.hits;
}

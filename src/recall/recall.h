/*
 * recall.h
 *		One call of recall: what is asked, what the channels found, what is returned.
 *
 * Path: recall_fn.c unpacks -> recall.c collects candidates by semantic.c and keyword.c,
 * per namespace -> fuse.c -> recall.c cuts and reads the rows.
 * Rules: src/recall/README.md.
 */
#ifndef AGM_RECALL_RECALL_H
#define AGM_RECALL_RECALL_H

#include "postgres.h"

#include "base/spi.h"
#include "base/store.h"
#include "lexical/lexical.h"
#include "memory/filter.h"
#include "recall/fuse.h"
#include "vector/vector.h"

/* Set by recall_fn.c and not changed after agm_recall_open. */
typedef struct AgmRecall
{
	AgmStore store;
	text *ns;
	bool prefix;		 /* ns and everything under it */
	ArrayType *shared;	 /* further namespaces */
	text *query;		 /* NULL: no lexical channel */
	AgmVector embedding; /* NULL: no semantic channel */
	int k;
	AgmFilter filter;
	bool has_min_score;
	double min_score;
	bool has_min_similarity;
	double min_similarity;
	int max_tokens; /* 0: no limit */
	bool summaries; /* are wanted in place of what they sum up */
	bool exact;		/* every embedding of the namespace is looked at */
	AgmFusion fusion;
	double diversity; /* 0 to 1: how much it counts to be unlike what comes before */
	double weights[AGM_NCHANNELS];
	double concepts; /* what edges to concepts conduct in the graph channel */

	/* set by agm_recall_open */
	bool counts; /* what is returned is used: it is noted */
	const char *distance_operator;
	char metric; /* 'c' cosine, 'l' l2, 'i' inner product */
	int depth;	 /* candidates a channel contributes, per namespace */
} AgmRecall;

/* How many memories a namespace has, and the sum of their lengths. */
typedef struct AgmStatistics
{
	int64 memories;
	int64 tokens;
} AgmStatistics;

/* A namespace that is searched. */
typedef struct AgmSearched
{
	Datum name;	  /* text */
	Oid *configs; /* its languages */
	char **languages;
	int nconfigs;
	AgmStatistics estimate; /* of maintenance; -1: none */
	bool has_hidden;		/* of its memories, some are archived or forgotten */
	bool has_activity;		/* some have a row there */
	struct AgmHeld **held;	/* held.h, by source */
	bool has_edges; /* there are edges to follow; not looked for at an instant of knowledge */
} AgmSearched;

/* The distinct words of the query in the languages of a namespace, sorted. */
typedef struct AgmWords
{
	AgmTerm *terms;
	int n;
} AgmWords;

/* A candidate of one channel. */
typedef struct AgmHit
{
	int64 id;
	double score;
	AgmPlace place;
} AgmHit;

typedef struct AgmHits
{
	AgmHit *hits;
	int n;
} AgmHits;

/* A row of the answer, in the order of recall()'s columns. */
#define AGM_RECALL_COLUMNS 11
typedef struct AgmRecalled
{
	AgmCandidate candidate;
	bool scored; /* false: nothing was asked, newest first */
	Datum values[AGM_RECALL_COLUMNS];
	bool nulls[AGM_RECALL_COLUMNS];
} AgmRecalled;

/* recall.c */
extern void agm_recall_open(AgmRecall *recall);
extern AgmRecalled *agm_recall_run(AgmRecall *recall, int *nrows);
extern const char *agm_channel_name(AgmChannel channel);
extern int32 agm_prompt_tokens(int32 bytes);

/* semantic.c: the `depth` nearest that pass the filter; raw similarity of a distance. */
extern AgmHits agm_semantic_search(const AgmRecall *recall, const AgmSearched *searched);
extern double agm_semantic_similarity(const AgmRecall *recall, double distance);

/*
 * keyword.c: the `depth` best by BM25 that pass the filter, in no order; *ideal is what a memory would
 * have that said nothing but the query's words.  *matches gives any memory that passes its score, so
 * that candidates of other channels get theirs too.
 */
typedef struct AgmMatches AgmMatches;
extern AgmHits agm_keyword_search(const AgmRecall *recall, const AgmSearched *searched,
								  const AgmWords *words, AgmMatches **matches, double *ideal);
extern void agm_keyword_scores(const AgmMatches *matches, AgmHit *hits, int n);

/* context.c */
extern char *agm_recall_context(const AgmRecall *recall, AgmRecalled *rows, int nrows);

#endif

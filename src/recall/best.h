/*
 * best.h
 *		The best matches of a query, without reading rows that cannot be among them.
 *
 * README rule 19: the class under which a word is posted bounds what it adds to a row's score.
 */
#ifndef AGM_RECALL_BEST_H
#define AGM_RECALL_BEST_H

#include "postgres.h"

#include "recall/postings.h"
#include "recall/recall.h"

/* A word used more often in one memory counts as used this often: BM25 is flat there. */
#define AGM_FREQUENCY_MAX 255

/* What BM25 knows before it reads a memory. */
typedef struct AgmWeights
{
	const AgmTerm *terms;
	int n;
	double *idf; /* per term */
	double mean_length;
} AgmWeights;

typedef struct AgmBest
{
	AgmHits top;   /* the best `depth` that pass the filter, in no order */
	AgmHits known; /* all that were read and pass, by id */
	bool complete; /* which are all that match and pass */
} AgmBest;

extern double agm_row_score(const AgmWeights *weights, TSVector lexemes, int32 tokens);
extern void agm_hits_sort(AgmHits *hits); /* by id */
extern AgmBest agm_best_search(const AgmRecall *recall, const AgmSearched *searched,
							   const AgmWeights *weights, AgmPostings *postings,
							   const AgmWordLists *lists);

#endif

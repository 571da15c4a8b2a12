/*
 * lexrank.h
 *		Which sentences say most of what all of them say: PageRank over likeness.  Pure.
 *
 * Formulas: src/graph/README.md, "Extracts".
 */
#ifndef AGM_GRAPH_LEXRANK_H
#define AGM_GRAPH_LEXRANK_H

#include "postgres.h"

#include "graph/ids.h"

/* A word of a sentence, which it has n times; in the end its weight in a vector of length 1. */
typedef struct AgmLexWord
{
	uint32 word;
	double weight;
} AgmLexWord;

typedef struct AgmLexText
{
	MemoryContext context;
	AgmIds ids;
	int n; /* sentences */
	int capacity;
	uint32 *start; /* sentence i has the words start[i] <= w < start[i + 1] */
	uint32 nwords;
	uint32 words_capacity;
	AgmLexWord *words;
} AgmLexText;

extern void agm_lextext_init(AgmLexText *text, MemoryContext context);

/* A word of the sentence that is being read, each once; then its end. */
extern void agm_lextext_word(AgmLexText *text, int64 hash, int count);
extern void agm_lextext_end_sentence(AgmLexText *text);

/*
 * rank[i] of sentence i, less for a short one; they sum to 1 over those that are like another, 0 is the rank of the others.
 * `limit`: bytes that it may take, else 53200.
 */
extern void agm_lexrank(AgmLexText *text, Size limit, double *rank);

/*
 * Up to `wanted` sentences, best first, none of which says what a better one says; returns how many.
 * After agm_lexrank.
 */
extern int agm_lexrank_choose(const AgmLexText *text, const double *rank, int wanted,
							  int *chosen);

#endif

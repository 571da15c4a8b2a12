/*
 * extract.h
 *		A summary without a model: sentences of texts.
 *
 * Rules: src/graph/README.md, "Extracts".
 */
#ifndef AGM_GRAPH_EXTRACT_H
#define AGM_GRAPH_EXTRACT_H

#include "postgres.h"

#include "utils/array.h"

/* More are compared with each other in parts. */
#define AGM_EXTRACT_PART 2000

typedef struct AgmExtract
{
	const char *text; /* not terminated */
	int len;
	int place; /* its number in the texts, from 0 */
	double rank;
} AgmExtract;

/* The sentences of the texts in a language, *n of them, without ranks; at most `max`. */
extern AgmExtract *agm_extract_read(ArrayType *texts, const char *language, int max, int *n);

/* Chooses up to `wanted` of n sentences: puts them in front, best first; returns how many. */
extern int agm_extract_choose(AgmExtract *sentences, int n, const char *language, int wanted);

/* Puts them into the order of the texts. */
extern void agm_extract_sort(AgmExtract *sentences, int n);

#endif

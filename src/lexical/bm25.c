/*
 * bm25.c
 *		The two halves of BM25.  Pure arithmetic: README.md, rule 22.
 */
#include "postgres.h"

#include <math.h>

#include "lexical/lexical.h"

/* The customary constants: how soon repetition stops counting, how much length does. */
#define BM25_K1 1.2
#define BM25_B 0.75

double
agm_bm25_idf(double n, double df)
{
	/* Counts may be estimates of different moments; never below zero. */
	df = Max(df, 0.0);
	n = Max(n, df);
	return log1p((n - df + 0.5) / (df + 0.5));
}

double
agm_bm25_term(double idf, double frequency, double length, double mean_length)
{
	double relative = mean_length > 0.0 ? length / mean_length : 1.0;

	if (frequency <= 0.0)
		return 0.0;
	return idf * frequency * (BM25_K1 + 1.0) /
		   (frequency + BM25_K1 * (1.0 - BM25_B + BM25_B * relative));
}

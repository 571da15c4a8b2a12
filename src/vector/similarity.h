/*
 * similarity.h
 *		Two measures that weigh what was lost when vectors were made smaller.  Pure: the
 *		formulas, their sources and their corner cases are in README.md.
 */
#ifndef AGM_VECTOR_SIMILARITY_H
#define AGM_VECTOR_SIMILARITY_H

#include "postgres.h"

/* A vector's values and the bits that each of them was stored in. */
typedef struct AgmMeasured
{
	const float *x;
	int bits;
} AgmMeasured;

/* Fisher-Rao distance of two diagonal Gaussians whose deviations grow as bits are lost. */
extern double agm_frqad(AgmMeasured a, AgmMeasured b, int dim);

/* How often two strings of bits have which pair of bits at one place. */
typedef struct AgmBitPairs
{
	uint64 both;	   /* 1 and 1 */
	uint64 only_query; /* 1 and 0 */
	uint64 only_other; /* 0 and 1 */
	uint64 neither;	   /* 0 and 0 */
} AgmBitPairs;

/* Shared information of a query and another string by the query's own; -1 to 1. */
extern double agm_its_score(AgmBitPairs pairs);

#endif

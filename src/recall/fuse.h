/*
 * fuse.h
 *		Candidates of all channels, and how their scores become one.
 *
 * Pure: no SQL, no catalog.  The formulas are numbered in src/recall/README.md.
 */
#ifndef AGM_RECALL_FUSE_H
#define AGM_RECALL_FUSE_H

#include "postgres.h"

typedef enum AgmChannel
{
	AGM_SEMANTIC,
	AGM_LEXICAL,
	AGM_GRAPH,
	AGM_TEMPORAL,
	AGM_ENTITY,
	AGM_NCHANNELS
} AgmChannel;

typedef enum AgmFusion
{
	AGM_FUSION_SCORE,
	AGM_FUSION_RRF
} AgmFusion;

/* Where a row lies, by rows.h; 0: it has not been read. */
typedef uint64 AgmPlace;

/* What one channel says of one candidate; rank 0: nothing found. */
typedef struct AgmEvidence
{
	double score; /* raw: similarity, BM25, PageRank, names */
	int rank;	  /* 1 is best; set by agm_fuse */
} AgmEvidence;

typedef struct AgmCandidate
{
	int64 id;
	AgmPlace place;
	int ns; /* which of the namespaces searched */
	AgmEvidence channel[AGM_NCHANNELS];
	bool has_embedding;
	bool isolated; /* no edge leads to it: the graph has nothing to say */
	double importance;
	double state_weight;
	int32 bytes;  /* of content */
	double score; /* set by agm_fuse */
} AgmCandidate;

/*
 * Ranks the candidates within each channel and sets their fused score; then sorts them,
 * best first, ties by namespace and id.  `active` says which channels were asked.
 */
extern void agm_fuse(AgmCandidate *candidates, int n, AgmFusion fusion, const double *weights,
					 const bool *active);

/* Best first, as agm_fuse leaves them. */
extern void agm_sort_candidates(AgmCandidate *candidates, int n);

#endif

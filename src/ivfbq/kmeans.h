/*
 * kmeans.h
 *		Clusters of 8-bit rows (codec.h), by Lloyd's algorithm from a k-means++ like start.
 *
 * Centroids are 8-bit rows themselves, which is what lists are coded relative to.  Pure: the
 * caller gives memory, randomness and interrupts.
 */
#ifndef AGM_IVFBQ_KMEANS_H
#define AGM_IVFBQ_KMEANS_H

#include "ivfbq/codec.h"

typedef struct IvfbqKmeans
{
	const IvfbqCodec *codec;
	int k;			 /* how many centroids there are in the end; may be fewer than asked for */
	char *centroids; /* k rows of IVFBQ_ROW_SIZE(dim), TIDs zero */
	/* For assigning: codes as int8 (dim rounded up to 64 each), 128 * their sums, squares. */
	int8 *codes;
	int32 *code_sums;
	float *scales;
	float *squares;
	double spread; /* mean squared distance of the sample from its centroids */
} IvfbqKmeans;

/*
 * Clusters n rows (8-bit rows, `stride` bytes apart) into at most k.  The first `fixed` centroids
 * are given (NULL, 0: none) and stay as they are.  `interrupt` is called some times a second.
 * Empty clusters are filled from the largest ones; equal rows may leave fewer than k.  In the
 * current memory context.
 */
extern IvfbqKmeans *ivfbq_kmeans(const IvfbqCodec *codec, const char *rows, Size stride, int n,
								 int k, const char *fixed, int nfixed, int iterations,
								 uint64 seed, void (*interrupt)(void));

/* For assigning to given centroids. */
extern IvfbqKmeans *ivfbq_kmeans_of(const IvfbqCodec *codec, const char *centroids, int k);
extern void ivfbq_kmeans_free(IvfbqKmeans *kmeans);

/* The nearest centroid of a row by L2, and its squared distance (NULL: not wanted). */
extern int ivfbq_kmeans_nearest(const IvfbqKmeans *kmeans, const char *row, double *distance);

/*
 * The same of up to IVFBQ_ASSIGN_ROWS rows, `stride` bytes apart: several times faster than one by one, since
 * centroids are read once for all of them.
 */
#define IVFBQ_ASSIGN_ROWS 32
extern void ivfbq_kmeans_assign(const IvfbqKmeans *kmeans, const char *rows, Size stride, int n,
								int32 *nearest, double *distances);

/*
 * Squared distances of all centroids from a y of 8 bits, less its own square: `biased` are its codes plus 128,
 * `scale` is theirs.
 */
extern void ivfbq_kmeans_distances(const IvfbqKmeans *kmeans, const uint8 *biased, float scale,
								   float *distances);

#endif

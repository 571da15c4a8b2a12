/*
 * kmeans.c
 *		Clusters of 8-bit rows (kmeans.h).
 *
 * Lloyd's algorithm: each row goes to its nearest centroid, each centroid to the mean of its rows,
 * rounded to 8 bits.  The start is a random sample: with ten rows and more for each centroid it is as
 * good as k-means++ after the first rounds, and costs nothing.  A centroid that gets no rows takes
 * over half of the largest cluster.
 *
 * Distances come from products of bytes: |y - c|^2 less |y|^2, which is the same for all
 * centroids, is |c|^2 - 2 y.c, and y.c is scale * scale_c * (sum of (code + 128) * code_c, less 128 times the
 * sum of code_c).
 */
#include "postgres.h"

/* Loops over centroids are to be vectorized. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O3")
#endif

#include <float.h>
#include <math.h>

#include "ivfbq/kmeans.h"

/* Bytes of codes that are gone through between two looks for interrupts: some milliseconds, whatever is done with them. */
#define INTERRUPT_BYTES ((Size) 16 * 1024 * 1024)

/* Centroids that are compared with a row at a time: their codes are to stay in the first cache. */
#define TILE_BYTES 28672
#define TILE_MIN 16
#define TILE_MAX 256
/* The least of a tile is looked for in so many lanes. */
#define LANES 8

/* Bytes from one centroid's codes to the next. */
static Size
code_stride(const IvfbqKmeans *kmeans)
{
	return (Size) (kmeans->codec->dim + 63) & ~(Size) 63;
}

/*
 * Makes of centroid number i what assigning needs.  A centroid is what its bytes say, not what they
 * were rounded from: nothing is left over.
 */
static void
prepare(IvfbqKmeans *kmeans, int i)
{
	int dim = kmeans->codec->dim;
	char *row = kmeans->centroids + IVFBQ_ROW_SIZE(dim) * i;
	const uint8 *biased = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	int8 *codes = kmeans->codes + code_stride(kmeans) * i;
	IvfbqRowHeadData head;
	int32 sum = 0;

	ivfbq_row_head(row, &head);
	head.residual = 0;
	head.norm = (float) (head.scale * sqrt(head.square_sum) * (1 + FLT_EPSILON));
	memset(&head.tid, 0, sizeof(head.tid));
	memcpy(row, &head, IVFBQ_ROW_HEAD_SIZE);
	for (int j = 0; j < dim; j++)
	{
		codes[j] = (int8) (biased[j] - 128);
		sum += codes[j];
	}
	kmeans->code_sums[i] = 128 * sum;
	kmeans->scales[i] = head.scale;
	kmeans->squares[i] = (float) ((double) head.scale * head.scale * head.square_sum);
}

static IvfbqKmeans *
make(const IvfbqCodec *codec, int k)
{
	IvfbqKmeans *kmeans = palloc0(sizeof(IvfbqKmeans));

	kmeans->codec = codec;
	kmeans->k = k;
	kmeans->centroids = palloc_extended((Size) IVFBQ_ROW_SIZE(codec->dim) * Max(k, 1),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	kmeans->codes =
		palloc_extended(code_stride(kmeans) * Max(k, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	kmeans->code_sums = palloc(sizeof(int32) * Max(k, 1));
	kmeans->scales = palloc(sizeof(float) * Max(k, 1));
	kmeans->squares = palloc(sizeof(float) * Max(k, 1));
	return kmeans;
}

void
ivfbq_kmeans_free(IvfbqKmeans *kmeans)
{
	pfree(kmeans->centroids);
	pfree(kmeans->codes);
	pfree(kmeans->code_sums);
	pfree(kmeans->scales);
	pfree(kmeans->squares);
	pfree(kmeans);
}

IvfbqKmeans *
ivfbq_kmeans_of(const IvfbqCodec *codec, const char *centroids, int k)
{
	IvfbqKmeans *kmeans = make(codec, k);

	memcpy(kmeans->centroids, centroids, (Size) IVFBQ_ROW_SIZE(codec->dim) * k);
	for (int i = 0; i < k; i++)
		prepare(kmeans, i);
	return kmeans;
}

/* What the rows of one call know of the nearest centroid so far. */
typedef struct Nearest
{
	float scale[IVFBQ_ASSIGN_ROWS]; /* twice that of the row */
	float best[IVFBQ_ASSIGN_ROWS];	/* squared distance, less the row's own square */
} Nearest;

/* The least of n numbers, n being a multiple of LANES. */
static float
least(const float *x, int n)
{
	float lanes[LANES];
	float result;

	for (int j = 0; j < LANES; j++)
		lanes[j] = FLT_MAX;
	for (int i = 0; i < n; i += LANES)
		for (int j = 0; j < LANES; j++)
			lanes[j] = x[i + j] < lanes[j] ? x[i + j] : lanes[j];
	result = lanes[0];
	for (int j = 1; j < LANES; j++)
		result = lanes[j] < result ? lanes[j] : result;
	return result;
}

/* Squared distances of `count` centroids from `first` on, less the row's own square. */
static void
tile_distances(const IvfbqKmeans *kmeans, const uint8 *biased, int first, int count,
			   float scale, float *distances)
{
	const int32 *sums = kmeans->code_sums + first;
	const float *scales = kmeans->scales + first;
	const float *squares = kmeans->squares + first;
	Size stride = code_stride(kmeans);
	int32 products[TILE_MAX];

	agm_uint8_int8_dots(biased, kmeans->codes + stride * first, stride, count,
						kmeans->codec->dim, products);
	for (int i = 0; i < count; i++)
		distances[i] = squares[i] - scale * scales[i] * (float) (products[i] - sums[i]);
}

void
ivfbq_kmeans_distances(const IvfbqKmeans *kmeans, const uint8 *biased, float scale,
					   float *distances)
{
	for (int first = 0; first < kmeans->k; first += TILE_MAX)
		tile_distances(kmeans, biased, first, Min(TILE_MAX, kmeans->k - first), 2 * scale,
					   distances + first);
}

/* One row and `count` centroids from `first` on. */
static void
compare_tile(const IvfbqKmeans *kmeans, const uint8 *biased, int first, int count, float scale,
			 float *best, int32 *nearest)
{
	float distances[TILE_MAX + LANES];
	float found;

	tile_distances(kmeans, biased, first, count, scale, distances);
	for (int i = count; i % LANES != 0; i++)
		distances[i] = FLT_MAX;
	found = least(distances, (count + LANES - 1) / LANES * LANES);
	if (found < *best)
	{
		int i = 0;

		while (distances[i] != found)
			i++;
		*best = found;
		*nearest = first + i;
	}
}

void
ivfbq_kmeans_assign(const IvfbqKmeans *kmeans, const char *rows, Size stride, int n,
					int32 *nearest, double *distances)
{
	int tile = Min(Max((int) (TILE_BYTES / code_stride(kmeans)), TILE_MIN), TILE_MAX) & ~15;
	Nearest state;
	IvfbqRowHeadData head;

	Assert(n <= IVFBQ_ASSIGN_ROWS);
	for (int i = 0; i < n; i++)
	{
		ivfbq_row_head(rows + stride * i, &head);
		state.scale[i] = 2 * head.scale;
		state.best[i] = FLT_MAX;
		nearest[i] = 0;
	}
	for (int first = 0; first < kmeans->k; first += tile)
		for (int i = 0; i < n; i++)
			compare_tile(kmeans, (const uint8 *) rows + stride * i + IVFBQ_ROW_HEAD_SIZE, first,
						 Min(tile, kmeans->k - first), state.scale[i], &state.best[i],
						 &nearest[i]);
	for (int i = 0; i < n; i++)
	{
		ivfbq_row_head(rows + stride * i, &head);
		distances[i] =
			Max(0, (double) state.best[i] + (double) head.scale * head.scale * head.square_sum);
	}
}

int
ivfbq_kmeans_nearest(const IvfbqKmeans *kmeans, const char *row, double *distance)
{
	int32 nearest;
	double found;

	ivfbq_kmeans_assign(kmeans, row, 0, 1, &nearest, &found);
	if (distance != NULL)
		*distance = found;
	return nearest;
}

/* The rows while they are clustered. */
typedef struct Work
{
	IvfbqKmeans *kmeans;
	const char *rows;
	Size stride;
	int n;
	int nfixed;
	int32 *assigned; /* centroid of each row */
	int32 *counts;	 /* rows of each centroid */
	float *sums;	 /* of their y^ / count, k * dim */
	void (*interrupt)(void);
	Size bytes; /* since it was called */
} Work;

/* A cancel is to be noticed soon, be it with many rows, many centroids or many dimensions. */
static void
account(Work *work, Size bytes)
{
	work->bytes += bytes;
	if (work->bytes < INTERRUPT_BYTES)
		return;
	work->bytes = 0;
	if (work->interrupt != NULL)
		work->interrupt();
}

static const char *
row_of(const Work *work, int i)
{
	return work->rows + work->stride * i;
}

/* Every row to its nearest centroid; returns how many have another than before. */
static int
assign(Work *work)
{
	int changed = 0;
	double total = 0;

	memset(work->counts, 0, sizeof(int32) * work->kmeans->k);
	for (int first = 0; first < work->n; first += IVFBQ_ASSIGN_ROWS)
	{
		int n = Min(work->n - first, IVFBQ_ASSIGN_ROWS);
		int32 nearest[IVFBQ_ASSIGN_ROWS];
		double distances[IVFBQ_ASSIGN_ROWS];

		ivfbq_kmeans_assign(work->kmeans, row_of(work, first), work->stride, n, nearest,
							distances);
		for (int i = 0; i < n; i++)
		{
			changed += nearest[i] != work->assigned[first + i];
			work->assigned[first + i] = nearest[i];
			work->counts[nearest[i]]++;
			total += distances[i];
		}
		account(work, (Size) work->kmeans->codec->dim * work->kmeans->k * n);
	}
	account(work, INTERRUPT_BYTES);
	work->kmeans->spread = work->n > 0 ? total / work->n : 0;
	return changed;
}

/* A centroid without rows gets every other row of the largest cluster. */
static void
fill_empty(Work *work)
{
	int k = work->kmeans->k;

	for (int i = work->nfixed; i < k; i++)
	{
		int largest = 0;
		bool take = false;

		if (work->counts[i] > 0)
			continue;
		for (int j = 1; j < k; j++)
			if (work->counts[j] > work->counts[largest])
				largest = j;
		if (work->counts[largest] < 2)
			return;
		account(work, sizeof(int32) * ((Size) k + work->n));
		for (int r = 0; r < work->n; r++)
			if (work->assigned[r] == largest)
			{
				if (take)
				{
					work->assigned[r] = i;
					work->counts[i]++;
					work->counts[largest]--;
				}
				take = !take;
			}
	}
}

/* Each centroid that is not fixed to the mean of its rows. */
static void
move_centroids(Work *work)
{
	const IvfbqCodec *codec = work->kmeans->codec;
	int dim = codec->dim;

	for (int i = 0; i < work->kmeans->k; i++)
	{
		memset(work->sums + (Size) dim * i, 0, sizeof(float) * dim);
		account(work, (Size) dim);
	}
	for (int i = 0; i < work->n; i++)
	{
		const char *row = row_of(work, i);
		const uint8 *biased = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
		float *sum = work->sums + (Size) dim * work->assigned[i];
		IvfbqRowHeadData head;
		float share;

		/* Divided before they are added: long rows would add up to infinity. */
		ivfbq_row_head(row, &head);
		share = head.scale / (float) work->counts[work->assigned[i]];
		for (int j = 0; j < dim; j++)
			sum[j] += share * (float) ((int) biased[j] - 128);
		account(work, (Size) dim);
	}
	for (int i = work->nfixed; i < work->kmeans->k; i++)
	{
		if (work->counts[i] == 0)
			continue;
		ivfbq_quantize(codec, work->sums + (Size) dim * i, 0.0,
					   work->kmeans->centroids + IVFBQ_ROW_SIZE(dim) * i);
		prepare(work->kmeans, i);
		account(work, 4 * (Size) dim);
	}
}

/* The first centroids are rows. */
static void
choose_start(Work *work, uint64 seed)
{
	int dim = work->kmeans->codec->dim;
	int wanted = work->kmeans->k - work->nfixed;
	uint64 state = seed;

	/* One row out of each of `wanted` equal parts: spread over the rows, and never twice. */
	for (int i = 0; i < wanted; i++)
	{
		int first = (int) ((int64) work->n * i / wanted);
		int after = (int) ((int64) work->n * (i + 1) / wanted);
		int row = first + (int) (agm_splitmix64(&state) % (uint64) Max(after - first, 1));
		char *centroid = work->kmeans->centroids + IVFBQ_ROW_SIZE(dim) * (work->nfixed + i);

		memcpy(centroid, row_of(work, Min(row, work->n - 1)), IVFBQ_ROW_SIZE(dim));
		prepare(work->kmeans, work->nfixed + i);
		account(work, (Size) dim);
	}
}

/* Takes out centroids without rows, which only equal rows leave. */
static void
drop_empty(Work *work)
{
	IvfbqKmeans *kmeans = work->kmeans;
	Size size = IVFBQ_ROW_SIZE(kmeans->codec->dim);
	int kept = work->nfixed;

	for (int i = work->nfixed; i < kmeans->k; i++)
		if (work->counts[i] > 0)
		{
			memmove(kmeans->centroids + size * kept, kmeans->centroids + size * i, size);
			kept++;
		}
	kmeans->k = kept;
	for (int i = 0; i < kept; i++)
	{
		prepare(kmeans, i);
		account(work, kmeans->codec->dim);
	}
}

IvfbqKmeans *
ivfbq_kmeans(const IvfbqCodec *codec, const char *rows, Size stride, int n, int k,
			 const char *fixed, int nfixed, int iterations, uint64 seed,
			 void (*interrupt)(void))
{
	Work work = {.rows = rows, .stride = stride, .n = n, .interrupt = interrupt};

	Assert(n > 0 && k > nfixed);
	work.nfixed = nfixed;
	work.kmeans = make(codec, Min(k, nfixed + n));
	if (nfixed > 0)
		memcpy(work.kmeans->centroids, fixed, (Size) IVFBQ_ROW_SIZE(codec->dim) * nfixed);
	for (int i = 0; i < nfixed; i++)
		prepare(work.kmeans, i);
	work.assigned = palloc_extended(sizeof(int32) * n, MCXT_ALLOC_HUGE);
	memset(work.assigned, -1, sizeof(int32) * n);
	work.counts = palloc(sizeof(int32) * work.kmeans->k);
	work.sums = palloc_extended(sizeof(float) * codec->dim * work.kmeans->k, MCXT_ALLOC_HUGE);

	choose_start(&work, seed);
	for (int i = 0; i < iterations; i++)
	{
		/* What moves one row of a hundred moves no centroid that matters. */
		bool settled = assign(&work) <= n / 100;

		fill_empty(&work);
		move_centroids(&work);
		if (settled)
			break;
	}
	(void) assign(&work);
	drop_empty(&work);

	pfree(work.assigned);
	pfree(work.counts);
	pfree(work.sums);
	return work.kmeans;
}

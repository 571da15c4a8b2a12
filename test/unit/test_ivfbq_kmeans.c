/*
 * test_ivfbq_kmeans.c
 *		Clusters of 8-bit rows: those that there are are found, rows are assigned to the nearest,
 *		and rows that are no clusters at all do no harm.
 */
#include "postgres.h"

#include <math.h>

#include "ivfbq/kmeans.h"
#include "unit.h"
#include "vector/rotation.h"
#include "vector/simd.h"

#define DIM 100
#define ROWS 3000
#define ROW_SIZE IVFBQ_ROW_SIZE(DIM)
#define SEED UINT64CONST(0x510e527fade682d1)

static uint64 state = SEED;
static int interrupts;

static void
count_interrupt(void)
{
	interrupts++;
}

static double
normal(void)
{
	double u = (double) (agm_splitmix64(&state) >> 11) * 0x1p-53;
	double v = (double) (agm_splitmix64(&state) >> 11) * 0x1p-53;

	return sqrt(-2.0 * log(1.0 - u)) * cos(2.0 * M_PI * v);
}

/* n rows around `clusters` points, each element `noise` away from its point's. */
static char *
make_rows(const IvfbqCodec *codec, int n, int clusters, double noise)
{
	char *rows = palloc((Size) n * ROW_SIZE);
	float *points = palloc(sizeof(float) * DIM * clusters);
	float y[DIM];

	for (int i = 0; i < DIM * clusters; i++)
		points[i] = (float) normal();
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < DIM; j++)
			y[j] = (float) (points[i % clusters * DIM + j] + noise * normal());
		ivfbq_quantize(codec, y, 0.0, rows + (Size) i * ROW_SIZE);
	}
	pfree(points);
	return rows;
}

static double
row_distance(const IvfbqCodec *codec, const char *a, const char *b)
{
	float x[DIM];
	float y[DIM];
	double sum = 0.0;

	ivfbq_dequantize(codec, a, x);
	ivfbq_dequantize(codec, b, y);
	for (int i = 0; i < DIM; i++)
		sum += ((double) x[i] - y[i]) * ((double) x[i] - y[i]);
	return sum;
}

/* Distances of a row from all centroids at once, beside those one by one. */
static bool
distances_are_right(const IvfbqKmeans *kmeans, const char *row)
{
	float *distances = palloc(sizeof(float) * kmeans->k);
	IvfbqRowHeadData head;
	double square;
	bool right = true;

	ivfbq_row_head(row, &head);
	square = (double) head.scale * head.scale * head.square_sum;
	ivfbq_kmeans_distances(kmeans, (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE, head.scale,
						   distances);
	for (int i = 0; i < kmeans->k; i++)
	{
		double wanted =
			row_distance(kmeans->codec, row, kmeans->centroids + (Size) i * ROW_SIZE);

		right = right && fabs(distances[i] + square - wanted) <= 1e-4 * (square + wanted);
	}
	pfree(distances);
	return right;
}

/* Of one row: the nearest, by looking at all, and how far it is. */
static bool
nearest_is_right(const IvfbqKmeans *kmeans, const char *row)
{
	double least = HUGE_VAL;
	double found;
	int nearest = ivfbq_kmeans_nearest(kmeans, row, &found);

	for (int i = 0; i < kmeans->k; i++)
		least = Min(least,
					row_distance(kmeans->codec, row, kmeans->centroids + (Size) i * ROW_SIZE));
	/* Of two that are as near either will do. */
	return fabs(found - least) <= 1e-3 * (least + 1.0) &&
		   row_distance(kmeans->codec, row, kmeans->centroids + (Size) nearest * ROW_SIZE) <=
			   least + 1e-3 * (least + 1.0);
}

/* What the clusters of some rows are like. */
typedef struct Shape
{
	bool nearest; /* ivfbq_kmeans_nearest() tells the truth */
	int least;	  /* rows of the smallest cluster but the first nfixed, and of the largest */
	int most;
	double spread;
} Shape;

static Shape
shape_of(const IvfbqKmeans *kmeans, const char *rows, int n, int nfixed)
{
	Shape shape = {.nearest = true, .least = n};
	int *counts = palloc0(sizeof(int) * kmeans->k);

	for (int i = 0; i < n; i++)
	{
		double distance;

		counts[ivfbq_kmeans_nearest(kmeans, rows + (Size) i * ROW_SIZE, &distance)]++;
		shape.spread += distance / n;
		if (i % 10 == 0)
			shape.nearest =
				shape.nearest && nearest_is_right(kmeans, rows + (Size) i * ROW_SIZE);
	}
	for (int i = nfixed; i < kmeans->k; i++)
	{
		shape.least = Min(shape.least, counts[i]);
		shape.most = Max(shape.most, counts[i]);
	}
	pfree(counts);
	return shape;
}

static void
test_clusters(const IvfbqCodec *codec)
{
	char *rows = make_rows(codec, ROWS, 20, 0.1);
	IvfbqKmeans *kmeans;
	IvfbqKmeans *again;
	Shape shape;

	/* A start of one row each misses some clusters; with three times as many none is missed. */
	interrupts = 0;
	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 60, NULL, 0, 10, SEED, count_interrupt);
	shape = shape_of(kmeans, rows, ROWS, 0);
	UNIT_CHECK(interrupts > 0, "interrupts are looked for");
	UNIT_CHECK(shape.nearest, "the nearest centroid is the nearest");
	/* Points are 200 apart in squares, rows of one about 1 from their mean. */
	UNIT_CHECK(shape.spread < 1.2 && shape.spread > 0.5, "clusters are found");
	UNIT_CHECK(fabs(shape.spread - kmeans->spread) < 1e-3 * shape.spread,
			   "the spread is the mean squared distance");
	UNIT_CHECK(kmeans->k <= 60 && shape.least > 0, "no cluster is empty");

	again = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 60, NULL, 0, 10, SEED, NULL);
	UNIT_CHECK(again->k == kmeans->k && memcmp(again->centroids, kmeans->centroids,
											   (Size) ROW_SIZE * kmeans->k) == 0,
			   "a seed gives the same clusters again");
	ivfbq_kmeans_free(again);
	again = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 60, NULL, 0, 10, SEED + 1, NULL);
	UNIT_CHECK(memcmp(again->centroids, kmeans->centroids, ROW_SIZE) != 0,
			   "another seed gives others");
	ivfbq_kmeans_free(again);
	again = ivfbq_kmeans_of(codec, kmeans->centroids, kmeans->k);
	UNIT_CHECK(shape_of(again, rows, ROWS, 0).spread == shape.spread,
			   "given centroids assign as those that were found");
	UNIT_CHECK(distances_are_right(again, rows) &&
				   distances_are_right(again, rows + (Size) ROW_SIZE * (ROWS - 1)),
			   "distances of all centroids are those of each");
	ivfbq_kmeans_free(again);
	ivfbq_kmeans_free(kmeans);
	pfree(rows);
}

/* No clusters at all: the parts are to be of about one size. */
static void
test_balance(const IvfbqCodec *codec)
{
	char *rows = make_rows(codec, ROWS, 1, 1.0);
	IvfbqKmeans *one = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 1, NULL, 0, 10, SEED, NULL);
	IvfbqKmeans *kmeans =
		ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 50, NULL, 0, 10, SEED, NULL);
	Shape shape = shape_of(kmeans, rows, ROWS, 0);

	UNIT_CHECK(kmeans->k == 50 && shape.least >= 1 && shape.most < 4 * ROWS / 50,
			   "parts of one cloud are balanced");
	UNIT_CHECK(one->k == 1 && shape.spread < 0.97 * one->spread,
			   "parts are nearer than the whole");
	ivfbq_kmeans_free(one);
	ivfbq_kmeans_free(kmeans);
	pfree(rows);
}

static void
test_fixed(const IvfbqCodec *codec)
{
	char *rows = make_rows(codec, ROWS, 20, 0.1);
	char *fixed = make_rows(codec, 5, 5, 0.1);
	IvfbqKmeans *kmeans =
		ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 40, fixed, 5, 10, SEED, NULL);
	bool same = true;

	/* Their codes: of a centroid nothing is left over. */
	for (int i = 0; i < 5; i++)
		same = same && row_distance(codec, fixed + i * ROW_SIZE,
									kmeans->centroids + i * ROW_SIZE) == 0.0;
	UNIT_CHECK(same && kmeans->k <= 40, "fixed centroids stay");
	UNIT_CHECK(shape_of(kmeans, rows, ROWS, 5).least > 0, "none of the others is empty");
	ivfbq_kmeans_free(kmeans);
	pfree(rows);
	pfree(fixed);
}

/* Rows without clusters: equal ones, fewer than centroids, zero, as long as vectors may be. */
static void
test_hard_rows(const IvfbqCodec *codec)
{
	char *rows = make_rows(codec, ROWS, 1, 0.0);
	IvfbqKmeans *kmeans;
	IvfbqRowHeadData head;
	float y[DIM];

	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 30, NULL, 0, 10, SEED, NULL);
	UNIT_CHECK(kmeans->k >= 1 && kmeans->k <= 30 &&
				   shape_of(kmeans, rows, ROWS, 0).spread < 1e-2,
			   "equal rows");
	ivfbq_kmeans_free(kmeans);

	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, 3, 30, NULL, 0, 10, SEED, NULL);
	UNIT_CHECK(kmeans->k >= 1 && kmeans->k <= 3, "fewer rows than centroids");
	ivfbq_kmeans_free(kmeans);

	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, 1, 1, NULL, 0, 10, SEED, NULL);
	UNIT_CHECK(kmeans->k == 1 && row_distance(codec, rows, kmeans->centroids) < 1e-2,
			   "one row");
	ivfbq_kmeans_free(kmeans);

	memset(y, 0, sizeof(y));
	for (int i = 0; i < 100; i++)
		ivfbq_quantize(codec, y, 0.0, rows + i * ROW_SIZE);
	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, 100, 10, NULL, 0, 10, SEED, NULL);
	UNIT_CHECK(kmeans->k >= 1 && kmeans->spread == 0.0, "zeros");
	ivfbq_kmeans_free(kmeans);

	for (int i = 0; i < ROWS; i++)
	{
		for (int j = 0; j < DIM; j++)
			y[j] = (float) (0x1p116 * normal());
		ivfbq_quantize(codec, y, 0.0, rows + (Size) i * ROW_SIZE);
	}
	kmeans = ivfbq_kmeans(codec, rows, ROW_SIZE, ROWS, 4, NULL, 0, 10, SEED, NULL);
	for (int i = 0; i < kmeans->k; i++)
	{
		ivfbq_row_head(kmeans->centroids + i * ROW_SIZE, &head);
		UNIT_CHECK(!isnan(head.scale) && !isinf(head.scale), "the longest rows");
	}
	ivfbq_kmeans_free(kmeans);
	pfree(rows);
}

void
agm_unit_ivfbq_kmeans(void)
{
	IvfbqCodec *codec = ivfbq_codec_new(DIM, IVFBQ_L2, SEED);

	state = SEED;
	test_clusters(codec);
	test_balance(codec);
	test_fixed(codec);
	test_hard_rows(codec);
}

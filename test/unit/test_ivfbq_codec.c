/*
 * test_ivfbq_codec.c
 *		8-bit rows, 1-bit codes and what is concluded from them: bounds that no operator may
 *		fall below, estimates that are right on average, bytes that are the same on every table.
 *
 * The operators are those of vector_fn.c on every table that the processor can run, and sums in
 * order, a float at a time, as other extensions make them.
 */
#include "postgres.h"

#include <math.h>

#include "ivfbq/codec.h"
#include "unit.h"
#include "vector/rotation.h"
#include "vector/simd.h"

#define SEED UINT64CONST(0x1f83d9abfb41bd6b)

static const char metrics[] = {IVFBQ_COSINE, IVFBQ_L2, IVFBQ_IP};

static uint64 state;

/* One name for many checks, unless they fail. */
#define EXPECT(condition, ...)                                                                 \
	do                                                                                         \
	{                                                                                          \
		if (!(condition))                                                                      \
			UNIT_CHECK(false, __VA_ARGS__);                                                    \
	} while (0)

static double
uniform(void)
{
	return (double) (agm_splitmix64(&state) >> 11) * 0x1p-53;
}

static double
normal(void)
{
	return sqrt(-2.0 * log(1.0 - uniform())) * cos(2.0 * M_PI * uniform());
}

static void
fill_normal(float *x, int dim, double scale)
{
	for (int i = 0; i < dim; i++)
		x[i] = (float) (normal() * scale);
}

static const AgmKernels *
table(int i)
{
	return agm_simd_kernels(AGM_SIMD_SCALAR + i);
}

#define TABLES (AGM_SIMD_LAST - AGM_SIMD_SCALAR + 1)

/* ---------------------------------------------------------------- operators */

/* As vector_fn.c. */
static double
operator_value(const AgmKernels *kernels, char metric, const float *a, const float *b, int dim)
{
	if (metric == IVFBQ_L2)
		return sqrt((double) kernels->l2_squared(a, b, dim));
	if (metric == IVFBQ_IP)
		return (double) -kernels->dot(a, b, dim);
	return agm_cosine_distance(kernels->cosine_sums(a, b, dim));
}

/* In order, each result rounded to a float. */
static double
naive_value(char metric, const float *a, const float *b, int dim)
{
	float dot = 0.0f;
	float a_squared = 0.0f;
	float b_squared = 0.0f;
	float l2_squared = 0.0f;
	double similarity;

	for (int i = 0; i < dim; i++)
	{
		float difference = a[i] - b[i];

		l2_squared += difference * difference;
		dot += a[i] * b[i];
		a_squared += a[i] * a[i];
		b_squared += b[i] * b[i];
	}
	if (metric == IVFBQ_L2)
		return sqrt((double) l2_squared);
	if (metric == IVFBQ_IP)
		return (double) -dot;
	similarity = (double) dot / sqrt((double) a_squared * (double) b_squared);
	return 1.0 - (similarity > 1.0 ? 1.0 : similarity < -1.0 ? -1.0 : similarity);
}

/* ---------------------------------------------------------------- certain bounds */

/* Vectors that are hard on one part or the other; q is what they are to be near to. */
#define KINDS 19

static void
make_vector(int kind, const float *q, float *x, int dim)
{
	double scale = exp(uniform() * 4.0 - 2.0);

	for (int i = 0; i < dim; i++)
		switch (kind)
		{
			case 0: /* like embeddings */
				x[i] = (float) (normal() * scale);
				break;
			case 1: /* one element */
				x[i] = i == dim / 2 ? (float) scale : 0.0f;
				break;
			case 2: /* all alike */
				x[i] = (float) scale;
				break;
			case 3: /* alternating */
				x[i] = (float) (i % 2 == 0 ? scale : -scale);
				break;
			case 4: /* the query */
				x[i] = q[i];
				break;
			case 5: /* its multiples */
				x[i] = fabsf(q[i]) > 1e37f ? q[i] : q[i] * (float) scale;
				break;
			case 6: /* its opposite */
				x[i] = -q[i];
				break;
			case 7: /* near it */
				x[i] = (float) (q[i] * (1.0 - fabs(normal()) * 1e-3));
				break;
			case 8: /* nearer */
				x[i] = i == 0 ? nextafterf(q[i], 0.0f) : q[i];
				break;
			case 9: /* of all magnitudes */
				x[i] = (float) ldexp(normal(), (int) (uniform() * 60.0) - 30);
				break;
			case 10: /* squares that overflow */
				x[i] = (float) ldexp(uniform() - 0.5, 64 + (int) (scale * 3.0));
				break;
			case 11: /* the largest */
				x[i] = uniform() < 0.5 ? FLT_MAX : -FLT_MAX;
				break;
			case 12: /* squares that are no normal floats */
				x[i] = (float) ldexp(uniform() - 0.5, -70);
				break;
			case 13: /* no normal floats */
				x[i] = (float) ldexp(uniform() - 0.5, -130);
				break;
			case 14: /* the smallest */
				x[i] = uniform() < 0.5 ? 0x1p-149f : 0.0f;
				break;
			case 15: /* few elements */
				x[i] = uniform() < 0.05 ? (float) normal() : 0.0f;
				break;
			case 16: /* integers */
				x[i] = (float) (int) (uniform() * 256.0);
				break;
			case 17: /* squares whose sum is about as large as floats are */
				x[i] = (float) (normal() * 0x1p64 / sqrt(dim));
				break;
			default: /* zero */
				x[i] = 0.0f;
				break;
		}
}

typedef struct Bounded
{
	IvfbqCodec *codec;
	IvfbqGeometry geometry;
	const float *x;
	const float *q;
	char *row;
	char *other; /* another row */
	Page page;
	const char *wrong;
} Bounded;

static void
check_operators(Bounded *test, double key_bound)
{
	char metric = test->codec->metric;
	double bound = ivfbq_order_value(metric, key_bound);
	double value = naive_value(metric, test->x, test->q, test->codec->dim);

	if (isnan(key_bound) || isnan(bound))
		test->wrong = "the bound is NaN";
	/* NaN sorts last. */
	if (bound > value)
		test->wrong = "a sum in order is below the bound";
	if (key_bound > ivfbq_key_distance(metric, value))
		test->wrong = "the bound is out of the range that has the row";
	for (int i = 0; i < TABLES; i++)
		if (table(i) != NULL &&
			bound > operator_value(table(i), metric, test->x, test->q, test->codec->dim))
			test->wrong = "an operator is below the bound";
}

/* Of the row's code relative to a base; through a page, as an index does. */
static void
check_code(Bounded *test, const IvfbqQuery *query, const char *base_row, double row_bound)
{
	IvfbqBase *base = ivfbq_base_new(test->codec, base_row);
	const char *block = ivfbq_block(&test->geometry, test->page, 0);
	float bounds[IVFBQ_BLOCK_SLOTS];
	int slot = (int) (uniform() * test->geometry.block_slots);
	uint8 bits[IVFBQ_MAX_DIM / 8];
	ItemPointerData tid = {{1, 2}, 3};
	IvfbqPlace place = ivfbq_place(query, base_row);
	IvfbqCode code;
	IvfbqTerms terms;
	uint32 mask;

	ivfbq_encode(test->codec, base, test->row, &code, bits);
	ivfbq_slot_put(&test->geometry, test->page, slot, &code, bits, NULL, &tid);
	ivfbq_terms(query, &place, HUGE_VAL, &terms);
	mask = ivfbq_block_bounds(query, &terms, &test->geometry, block, (float) row_bound, bounds);
	if (isnan(bounds[slot]))
		test->wrong = "the certain 1-bit bound is NaN";
	if (bounds[slot] > row_bound)
		test->wrong = "the certain 1-bit bound is above that of the row";
	if ((mask >> slot & 1) != (bounds[slot] <= (float) row_bound))
		test->wrong = "the mask is not that of the bounds";
	ivfbq_terms(query, &place, 3.0, &terms);
	ivfbq_block_bounds(query, &terms, &test->geometry, block, INFINITY, bounds);
	if (isnan(bounds[slot]))
		test->wrong = "the 1-bit bound is NaN";
	ivfbq_slot_clear(&test->geometry, test->page, slot);
	ivfbq_base_free(base);
}

static void
check_pair(Bounded *test)
{
	float *y = palloc(sizeof(float) * test->codec->dim);
	double doubt;

	if (ivfbq_rotate(test->codec, test->x, y, &doubt))
	{
		ivfbq_quantize(test->codec, y, doubt, test->row);
		for (int i = 0; i < TABLES; i++)
		{
			IvfbqQuery *query;
			double bound;

			if (table(i) == NULL)
				continue;
			agm_kernels = table(i);
			query = ivfbq_query_new(test->codec, test->q);
			if (query == NULL)
			{
				if (!isnan(
						naive_value(test->codec->metric, test->x, test->q, test->codec->dim)))
					test->wrong = "a query without direction has a distance";
				continue;
			}
			bound = ivfbq_row_bound(query, test->row);
			check_operators(test, bound);
			if (isnan(ivfbq_row_distance(query, test->row)))
				test->wrong = "the distance is NaN";
			check_code(test, query, NULL, bound);
			check_code(test, query, test->row, bound);
			check_code(test, query, test->other, bound);
			ivfbq_query_free(query);
		}
		memcpy(test->other, test->row, IVFBQ_ROW_SIZE(test->codec->dim));
	}
	else if (!isnan(naive_value(test->codec->metric, test->x, test->q, test->codec->dim)))
		test->wrong = "a vector without direction has a distance";
	pfree(y);
}

static void
test_bounds(char metric, int dim, int rounds)
{
	Bounded test = {0};
	float *x = palloc(sizeof(float) * dim);
	float *q = palloc(sizeof(float) * dim);
	float *near = palloc0(sizeof(float) * dim);
	/* Of long vectors not all pairs of kinds. */
	int step = dim > 3000 ? 7 : 1;

	test.codec = ivfbq_codec_new(dim, metric, SEED);
	test.x = x;
	test.q = q;
	test.row = palloc(IVFBQ_ROW_SIZE(dim));
	test.other = palloc(IVFBQ_ROW_SIZE(dim));
	test.page = palloc0(BLCKSZ);
	((PageHeader) test.page)->pd_special = IVFBQ_CONTENT_END;
	ivfbq_geometry_init(&test.geometry, dim, 0);
	ivfbq_quantize(test.codec, near, 0.0, test.other);
	for (int round = 0; round < rounds && test.wrong == NULL; round++)
		for (int kind = 0; kind < KINDS * KINDS && test.wrong == NULL; kind += step)
		{
			fill_normal(near, dim, 1.0);
			make_vector(kind / KINDS, near, q, dim);
			make_vector(kind % KINDS, q, x, dim);
			check_pair(&test);
			EXPECT(test.wrong == NULL, "%s: '%c', %d dimensions, kinds %d and %d", test.wrong,
				   metric, dim, kind / KINDS, kind % KINDS);
		}
	pfree(x);
	pfree(q);
	pfree(near);
	pfree(test.row);
	pfree(test.other);
	pfree(test.page);
}

static void
test_all_bounds(void)
{
	static const int dims[] = {1, 2, 3, 8, 33, 255, 256, 257, 384, 1001, 2048, 4097, 16000};

	for (int i = 0; i < (int) lengthof(dims); i++)
		for (int m = 0; m < (int) lengthof(metrics); m++)
			test_bounds(metrics[m], dims[i], dims[i] < 300 ? 3 : 1);
	UNIT_CHECK(true, "bounds were held against operators, seed " UINT64_FORMAT, SEED);
}

/* ---------------------------------------------------------------- bounds that are used up */

/*
 * Random vectors come nowhere near what a bound allows for: their errors point anywhere.  These are
 * made so that all errors of one part point the same way, and the rest has next to none: y lies on the
 * grid of 8 bits, and x is what is rotated to it.
 */

/* x with its rotation y: a rotation is undone by its rows. */
static void
rotate_back(const IvfbqCodec *codec, const float *y, float *x)
{
	float *unit = palloc0(sizeof(float) * codec->dim);
	float *image = palloc(sizeof(float) * codec->dim);
	double doubt;

	for (int i = 0; i < codec->dim; i++)
	{
		double sum = 0.0;

		unit[i] = 1.0f;
		ivfbq_rotate(codec, unit, image, &doubt);
		unit[i] = 0.0f;
		for (int j = 0; j < codec->dim; j++)
			sum += (double) image[j] * y[j];
		x[i] = (float) sum;
	}
	pfree(image);
	pfree(unit);
}

/* Holds the row of x against the operators. */
static void
check_used_up(IvfbqCodec *codec, const float *x, const float *q, const char *what)
{
	Bounded test = {.codec = codec, .x = x, .q = q};
	const AgmKernels *before = agm_kernels;

	test.row = palloc(IVFBQ_ROW_SIZE(codec->dim));
	test.other = palloc0(IVFBQ_ROW_SIZE(codec->dim));
	test.page = palloc0(BLCKSZ);
	((PageHeader) test.page)->pd_special = IVFBQ_CONTENT_END;
	ivfbq_geometry_init(&test.geometry, codec->dim, 0);
	check_pair(&test);
	agm_kernels = before;
	EXPECT(test.wrong == NULL, "%s: %s, '%c', %d dimensions", what, test.wrong, codec->metric,
		   codec->dim);
	pfree(test.page);
	pfree(test.other);
	pfree(test.row);
}

/* The part of a number behind the point, of a square as floats have it. */
static float
fraction(float x)
{
	float square = x * x;

	return square - floorf(square);
}

/*
 * Sums of equal products, 16,000 of them, whose last half is rounded the same way each time: by half a unit in a
 * thousand.  That is what slack is for.
 */
static void
test_rounding(char metric)
{
	int dim = IVFBQ_MAX_DIM;
	IvfbqCodec *codec = ivfbq_codec_new(dim, metric, SEED);
	float *x = palloc(sizeof(float) * dim * 3);
	float *q = x + dim;
	float *y = x + 2 * dim;
	char *row = palloc(IVFBQ_ROW_SIZE(dim));
	double doubt;

	if (metric == IVFBQ_L2)
	{
		/* Down: the square of each difference is a little below half a unit more than an integer. */
		float c = 31.625f;

		while (fraction(c) < 0.45f || fraction(c) > 0.495f)
			c = nextafterf(c, 32.0f);
		for (int i = 0; i < dim; i++)
		{
			x[i] = (float) ((int) (uniform() * 64.0) - 32) * 0x1p-10f;
			q[i] = x[i] - c;
			Assert(x[i] - q[i] == c);
		}
	}
	else
	{
		/* Up: a little above.  Far from parallel, or cosines would be cut off at 1. */
		for (int i = 0; i < dim; i++)
			x[i] = (float) (0.5 + uniform());
		ivfbq_rotate(codec, x, y, &doubt);
		ivfbq_quantize(codec, y, doubt, row);
		ivfbq_dequantize(codec, row, y);
		rotate_back(codec, y, x);
		for (int i = 0; i < dim; i++)
			q[i] = 1000.51f / x[i];
	}
	check_used_up(codec, x, q, "rounding");
	pfree(row);
	pfree(x);
}

/*
 * A query with one large element, and the rest not quite half a step of its 16 bits, all to the side of a row that is
 * as long everywhere.
 */
static void
test_query_error(char metric)
{
	int dim = 512;
	IvfbqCodec *codec = ivfbq_codec_new(dim, metric, SEED);
	float *x = palloc(sizeof(float) * dim * 3);
	float *q = x + dim;
	float *y = x + 2 * dim;
	float step = 1.0f / (127 * 257);

	for (int i = 0; i < dim; i++)
		y[i] = (float) ((uniform() < 0.5 ? -1.0 : 1.0) / sqrt(dim));
	rotate_back(codec, y, x);
	for (int i = 0; i < dim; i++)
		y[i] = i == 0 ? 1.0f : y[i] > 0.0f ? 0.49f * step : -0.49f * step;
	rotate_back(codec, y, q);
	check_used_up(codec, x, q, "a query's error");
	pfree(x);
}

static void
test_used_up(void)
{
	for (int m = 0; m < (int) lengthof(metrics); m++)
	{
		test_rounding(metrics[m]);
		test_query_error(metrics[m]);
	}
	UNIT_CHECK(true, "bounds are what errors can use up");
}

/* ---------------------------------------------------------------- estimates */

/* How far the estimates of many rows are from their distances, in standard errors. */
typedef struct Spread
{
	int n;
	double sum;
	double square_sum;
	int above; /* rows that a bound of three errors would have lost */
} Spread;

/*
 * What an estimate is of: the distance, under L2 less 2 |r| times what a row's code says of its
 * own error, for the certain bound.
 */
static double
expected_estimate(const IvfbqCodec *codec, const IvfbqQuery *query, const IvfbqBase *base,
				  const char *row)
{
	IvfbqRowHeadData head;
	double r_square = 0.0;
	double own;

	if (codec->metric != IVFBQ_L2)
		return ivfbq_row_distance(query, row);
	ivfbq_row_head(row, &head);
	for (int i = 0; i < codec->dim; i++)
	{
		int code = ((const uint8 *) row)[IVFBQ_ROW_HEAD_SIZE + i] - 128;
		double r = (double) head.scale * code - base->y[i];

		r_square += r * r;
	}
	own = head.residual +
		  2.0 * codec->slack * (head.scale * sqrt(head.square_sum) + sqrt(r_square));
	return ivfbq_row_distance(query, row) - 2.0 * sqrt(r_square) * own;
}

/* Rows around a base, the nearer to q the larger `near`; clustered: few directions. */
static Spread
measure_estimates(char metric, int dim, bool clustered, double near)
{
	IvfbqCodec *codec = ivfbq_codec_new(dim, metric, SEED + 1);
	float *x = palloc(sizeof(float) * dim * 4);
	float *q = x + dim;
	float *mean = x + 2 * dim;
	float *y = x + 3 * dim;
	float *directions = palloc(sizeof(float) * dim * 8);
	char *row = palloc(IVFBQ_ROW_SIZE(dim));
	IvfbqGeometry geometry;
	Page page = palloc0(BLCKSZ);
	Spread spread = {0};
	IvfbqBase *base;
	double doubt;

	ivfbq_geometry_init(&geometry, dim, 0);
	((PageHeader) page)->pd_special = IVFBQ_CONTENT_END;
	fill_normal(mean, dim, 0.7);
	fill_normal(directions, dim * 8, 1.0);
	ivfbq_rotate(codec, mean, y, &doubt);
	ivfbq_quantize(codec, y, doubt, row);
	base = ivfbq_base_new(codec, row);
	for (int round = 0; round < 100; round++)
	{
		IvfbqQuery *query;
		IvfbqPlace place;
		IvfbqTerms terms;
		IvfbqTerms plain;

		for (int i = 0; i < dim; i++)
			q[i] = (float) (mean[i] + normal());
		query = ivfbq_query_new(codec, q);
		place = ivfbq_place(query, base->row);
		ivfbq_terms(query, &place, 3.0, &terms);
		ivfbq_terms(query, &place, 0.0, &plain);
		for (int k = 0; k < 40; k++)
		{
			float bound[IVFBQ_BLOCK_SLOTS];
			float estimate[IVFBQ_BLOCK_SLOTS];
			ItemPointerData tid = {{0, 1}, 1};
			uint8 bits[IVFBQ_MAX_DIM / 8];
			IvfbqCode code;
			double distance;
			double error;

			for (int i = 0; i < dim; i++)
				x[i] = (float) (mean[i] + near * (q[i] - mean[i]) +
								(clustered ? directions[k % 8 * dim + i] + 0.3 * normal()
										   : normal()));
			ivfbq_rotate(codec, x, y, &doubt);
			ivfbq_quantize(codec, y, doubt, row);
			ivfbq_encode(codec, base, row, &code, bits);
			ivfbq_slot_put(&geometry, page, 0, &code, bits, NULL, &tid);
			ivfbq_block_bounds(query, &terms, &geometry, ivfbq_block(&geometry, page, 0), 0.0f,
							   bound);
			ivfbq_block_bounds(query, &plain, &geometry, ivfbq_block(&geometry, page, 0), 0.0f,
							   estimate);
			ivfbq_slot_clear(&geometry, page, 0);
			distance = expected_estimate(codec, query, base, row);
			error = ((double) estimate[0] - bound[0]) / 3.0;
			spread.n++;
			spread.sum += (estimate[0] - distance) / error;
			spread.square_sum +=
				(estimate[0] - distance) * (estimate[0] - distance) / error / error;
			spread.above += bound[0] > ivfbq_row_distance(query, row);
		}
		ivfbq_query_free(query);
	}
	ivfbq_base_free(base);
	return spread;
}

static void
test_estimates(void)
{
	static const int dims[] = {96, 384, 2050};

	for (int m = 0; m < (int) lengthof(metrics); m++)
		for (int d = 0; d < (int) lengthof(dims); d++)
			for (int kind = 0; kind < 4; kind++)
			{
				Spread spread = measure_estimates(metrics[m], dims[d], kind % 2 == 1,
												  kind / 2 == 1 ? 0.9 : 0.0);
				double mean = spread.sum / spread.n;
				double deviation = sqrt(spread.square_sum / spread.n - mean * mean);

				/*
				 * Queries share their error with forty rows, clusters with more.  The error is
				 * that of a row across the query, and smaller along it.
				 */
				EXPECT(fabs(mean) < 0.3,
					   "estimates are off by %.2f, '%c', %d dimensions, kind %d", mean,
					   metrics[m], dims[d], kind);
				EXPECT(deviation > (kind / 2 == 1 ? 0.5 : 0.8) && deviation < 1.15,
					   "errors are %.2f of what is said, '%c', %d dimensions, kind %d",
					   deviation, metrics[m], dims[d], kind);
				EXPECT(spread.above * 200 < spread.n,
					   "the bound of three errors loses %d of %d rows, '%c', %d dimensions, "
					   "kind %d",
					   spread.above, spread.n, metrics[m], dims[d], kind);
			}
	UNIT_CHECK(true, "estimates were measured");
}

/* ---------------------------------------------------------------- bytes */

static bool
row_is_right(const IvfbqCodec *codec, const float *y, const char *row, float *back)
{
	IvfbqRowHeadData head;
	double residual = 0.0;
	double square = 0.0;
	int64 squares = 0;

	ivfbq_row_head(row, &head);
	ivfbq_dequantize(codec, row, back);
	for (int i = 0; i < codec->dim; i++)
	{
		int code = ((const uint8 *) row)[IVFBQ_ROW_HEAD_SIZE + i] - 128;
		double difference = (double) y[i] - (double) head.scale * code;

		if (code < -127 || back[i] != (float) code * head.scale ||
			fabs(difference) > head.scale * 0.50001)
			return false;
		residual += difference * difference;
		square += (double) y[i] * y[i];
		squares += code * code;
	}
	if (codec->dim % 2 == 1 && row[IVFBQ_ROW_HEAD_SIZE + codec->dim] != 0)
		return false;
	for (int i = 16; i < IVFBQ_ROW_HEAD_SIZE; i++)
		if (row[i] != 0)
			return false;
	return head.square_sum == squares && head.residual >= sqrt(residual) &&
		   head.residual <= sqrt(residual) * (1.0 + 1e-4) + sqrt(square) * 1e-6 &&
		   head.norm >= sqrt(square) && head.norm <= sqrt(square) * (1.0 + 1e-4);
}

/* Rows and codes: the same on every table, to the byte. */
static void
test_bytes(void)
{
	static const int dims[] = {1, 2, 5, 31, 255, 256, 258, 384, 1001, 2049, 16000};

	for (int d = 0; d < (int) lengthof(dims); d++)
	{
		int dim = dims[d];
		IvfbqCodec *codec = ivfbq_codec_new(dim, IVFBQ_IP, SEED);
		float *x = palloc(sizeof(float) * dim * 3);
		float *y = x + dim;
		float *back = x + 2 * dim;
		char *rows = palloc0(IVFBQ_ROW_SIZE(dim) * 2 * TABLES);
		uint8 bits[TABLES][IVFBQ_MAX_DIM / 8];
		IvfbqCode codes[TABLES];
		bool same = true;
		double doubt;

		fill_normal(x, dim, 1.0);
		for (int i = 0; i < TABLES; i++)
		{
			char *row = rows + IVFBQ_ROW_SIZE(dim) * 2 * i;
			char *other = row + IVFBQ_ROW_SIZE(dim);
			IvfbqBase *base;

			if (table(i) == NULL)
				continue;
			agm_kernels = table(i);
			ivfbq_rotate(codec, x, y, &doubt);
			ivfbq_quantize(codec, y, doubt, row);
			EXPECT(row_is_right(codec, y, row, back), "rows of %d dimensions", dim);
			for (int j = 0; j < dim; j++)
				y[j] = y[j] * 0.5f + 0.25f;
			ivfbq_quantize(codec, y, 0.0, other);
			base = ivfbq_base_new(codec, other);
			memset(bits[i], 0xa5, sizeof(bits[i]));
			ivfbq_encode(codec, base, row, &codes[i], bits[i]);
			ivfbq_base_free(base);
			same = same && memcmp(rows, row, IVFBQ_ROW_SIZE(dim) * 2) == 0 &&
				   memcmp(&codes[0], &codes[i], sizeof(IvfbqCode)) == 0 &&
				   memcmp(bits[0], bits[i], sizeof(bits[i])) == 0;
		}
		EXPECT(same, "rows and codes are the same on every table, %d dimensions", dim);
		for (int i = codec->wide_dim; i < (codec->code_dim + 7) / 8 * 8; i++)
			EXPECT((bits[0][i / 8] >> (i % 8) & 1) == 0, "padding of %d dimensions", dim);
		if ((codec->code_dim + 7) / 8 < IVFBQ_MAX_DIM / 8)
			EXPECT(bits[0][(codec->code_dim + 7) / 8] == 0xa5, "no more bits than %d", dim);
	}
	UNIT_CHECK(true, "rows and codes were made on every table");
}

/* A base itself: nothing is left of it. */
static void
test_base(void)
{
	IvfbqCodec *codec = ivfbq_codec_new(384, IVFBQ_L2, SEED);
	float *y = palloc(sizeof(float) * 384);
	char *row = palloc(IVFBQ_ROW_SIZE(384));
	IvfbqBase *base;
	IvfbqCode code;
	IvfbqPlace place;
	IvfbqTerms terms;
	IvfbqQuery *query;
	uint8 bits[48];

	fill_normal(y, 384, 1.0);
	ivfbq_quantize(codec, y, 0.0, row);
	base = ivfbq_base_new(codec, row);
	ivfbq_encode(codec, base, row, &code, bits);
	UNIT_CHECK(code.a == 0.0f && code.b == 0, "a row that is its base has no factors");
	fill_normal(y, 384, 1.0);
	query = ivfbq_query_rotated(codec, y, 0.0);
	place = ivfbq_place(query, row);
	ivfbq_terms(query, &place, 3.0, &terms);
	UNIT_CHECK(place.square == ivfbq_row_distance(query, row) &&
				   terms.block.offset == (float) place.square,
			   "the distance of a base is that of its row");
}

void
agm_unit_ivfbq_codec(void)
{
	const AgmKernels *before = agm_kernels;

	state = SEED;
	PG_TRY();
	{
		test_bytes();
		test_base();
		test_estimates();
		test_all_bounds();
		test_used_up();
	}
	PG_FINALLY();
	{
		agm_kernels = before;
	}
	PG_END_TRY();
}

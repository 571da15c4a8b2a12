/*
 * query.c
 *		From a query to estimates and bounds (codec.h, README.md "Codes" and "Bounds").
 *
 * Nothing of it is stored, but a bound must be certain on every processor: all of it is in
 * double, and what that rounds is far within the slack.
 */
#include "postgres.h"

/* Before the headers, so that what they define inline is compiled the same way. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("O3", "fp-contract=off")
#endif

#include <math.h>

#include "port/pg_bswap.h"
#include "ivfbq/codec.h"
#include "ivfbq/sums.h"

/* The largest q16 whose high byte, the low one being signed, fits a byte. */
#define MAX_Q16 (127 * 257)

/* A query none of whose elements is larger is taken for zero, and its length for residual. */
#define MIN_ELEMENT 0x1p-100f

/*
 * Half the step between the 16 values of a query, in units of the mean element: the best for
 * normally distributed elements [Max, "Quantizing for minimum distortion", 1960].
 */
#define BEST_UNIT 0.1676

/* What the error of the 4-bit query counts beside |q - base|: 1 / (1 - a^2) at a = 0.8. */
#define QUERY_ERROR_WEIGHT 2.8

/* Underflow: what products of floats may lack at most; with much to spare. */
#define TINY_PRODUCT 0x1p-130
#define TINY_ESTIMATE 0x1p-125

/* What products may be for no partial sum to overflow a float. */
#define MAX_PRODUCT 0x1p126

/* What terms may be at most, for no bound to overflow a float: the rows' are MAX_FACTOR. */
#define MAX_OFFSET 0x1p120
#define MAX_TERM 0x1p60

/* ---------------------------------------------------------------- queries */

static void
quantize_16(IvfbqQuery *query, int n, float max, double doubt)
{
	const float *y = query->y;
	int8 *high = query->high;
	int8 *low = query->low;
	float factor = 0.0f;
	int32 sum = 0;

	query->scale = 0.0;
	query->residual = query->norm + doubt;
	if (max > MIN_ELEMENT)
	{
		query->scale = (double) max / MAX_Q16;
		factor = (float) MAX_Q16 / max;
		/* A product is off by 2^-23 of itself at most before it is rounded. */
		query->residual = 0.505 * query->scale * sqrt(n) + doubt;
	}
	for (int i = 0; i < n; i++)
	{
		int32 q16 = round_float(y[i] * factor);
		int32 low_byte = (int8) q16;

		low[i] = (int8) low_byte;
		high[i] = (int8) ((q16 - low_byte) >> 8);
		sum += q16;
	}
	query->sum = sum;
	query->square = query->scale * query->scale *
					(65536.0 * agm_kernels->int8_dot(high, high, n) +
					 512.0 * agm_kernels->int8_dot(high, low, n) +
					 (double) agm_kernels->int8_dot(low, low, n));
}

/*
 * numbers[i]: 0 to 15 for dimension i; those of the padding are set by the caller.  The unit is
 * such that <z, z^> is |z| squared: else products with rows near the query, whose signs are the
 * query's own, would all be off to the same side.
 */
static void
quantize_4(IvfbqQuery *query, int n, float max, double square, uint8 *numbers)
{
	const float *z = query->z;
	double unit = Min(max / 15.0, BEST_UNIT * sqrt(square / n));
	float factor = max > MIN_ELEMENT ? (float) (0.5 / unit) : 0.0f;
	float products[FLOAT_LANES] = {0};
	int32 sum = 0;
	int32 squares = 0;
	double product; /* of z and w, in units of 1 / factor */

	for (int i = 0; i < n; i++)
	{
		int32 number = round_float(z[i] * factor + 7.5f);

		number = Max(number, 0);
		numbers[i] = (uint8) Min(number, 15);
	}
#define STEP(i, lane) products[lane] += z[i] * factor * (float) (2 * (int32) numbers[i] - 15)
	FOR_LANES(n, FLOAT_LANES, STEP);
#undef STEP
	for (int i = 0; i < n; i++)
	{
		sum += numbers[i];
		squares += (int32) numbers[i] * numbers[i];
	}
	query->number_sum = sum;
	product = fold_floats(products);
	if (product > 0.0)
	{
		double w_square = 4.0 * squares - 60.0 * sum + 225.0 * n;

		/* |z - z^| squared is |z^| squared - |z| squared, but for what the product lacks. */
		unit = square * factor / product;
		query->z_error =
			sqrt(Max(unit * unit * w_square - square, 0.0) + 2.0 * FLOAT_SUM_ERROR * square);
	}
	else
	{
		unit = 0.0;
		query->z_error = query->norm * (1.0 + 1e-5);
	}
	query->unit = unit / sqrt(n);
}

/*
 * Entry v of a group: the sum over its dimensions of u where v has the bit, of 15 - u where it
 * has not, hence (15 + w) / 2 and (15 - w) / 2.  Eight entries at a time, a byte each: no sum
 * is above 60.
 */
static void
make_table(const uint8 *numbers, int wide_dim, int ngroups, uint8 *table)
{
	static const uint8 entries[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	uint64 set[4][2];
	uint64 unset[4][2];

	for (int k = 0; k < 4; k++)
	{
		uint8 bytes[16];

		for (int v = 0; v < 16; v++)
			bytes[v] = (entries[v] >> k) & 1;
		memcpy(set[k], bytes, sizeof(bytes));
		for (int v = 0; v < 16; v++)
			bytes[v] = 1 - bytes[v];
		memcpy(unset[k], bytes, sizeof(bytes));
	}
	for (int g = 0; g < ngroups; g++)
	{
		uint64 row[2] = {0, 0};

		for (int k = 0; k < 4; k++)
		{
			int i = 4 * g + k;
			uint64 u = numbers[i];
			uint64 rest = i < wide_dim ? 15 - u : 0;

			row[0] += set[k][0] * u + unset[k][0] * rest;
			row[1] += set[k][1] * u + unset[k][1] * rest;
		}
		memcpy(table + 16 * g, row, sizeof(row));
	}
}

/* A byte of each plane from eight numbers, whose bits a product gathers in its highest byte. */
static void
make_planes(IvfbqQuery *query, const uint8 *numbers, int code_dim)
{
	int bytes = (code_dim + 7) / 8;

	for (int i = 0; i < bytes; i++)
	{
		uint64 eight;

		/* The first in the lowest byte. */
		memcpy(&eight, numbers + 8 * i, sizeof(eight));
#ifdef WORDS_BIGENDIAN
		eight = pg_bswap64(eight);
#endif
		for (int k = 0; k < 4; k++)
			query->planes[k * bytes + i] =
				(uint8) ((((eight >> k) & UINT64CONST(0x0101010101010101)) *
						  UINT64CONST(0x0102040810204080)) >>
						 56);
	}
}

/* All in one piece of memory, y being set. */
static IvfbqQuery *
allocate(const IvfbqCodec *codec)
{
	Size floats = MAXALIGN(sizeof(float) * codec->wide_dim);
	Size bytes = MAXALIGN(codec->dim);
	Size table = codec->transposed ? (Size) codec->ngroups * AGM_BLOCK_GROUP_BYTES : 0;
	Size planes = codec->single ? 4 * MAXALIGN((codec->code_dim + 7) / 8) : 0;
	char *memory =
		palloc(MAXALIGN(sizeof(IvfbqQuery)) + 2 * floats + 2 * bytes + table + planes);
	IvfbqQuery *query = (IvfbqQuery *) memory;

	memset(query, 0, sizeof(*query));
	memory += MAXALIGN(sizeof(IvfbqQuery));
	query->codec = codec;
	query->y = (float *) memory;
	memory += floats;
	query->z = codec->widen == NULL ? query->y : (float *) memory;
	memory += floats;
	query->high = (int8 *) memory;
	query->low = (int8 *) memory + bytes;
	memory += 2 * bytes;
	query->table = table > 0 ? (uint8 *) memory : NULL;
	query->planes = planes > 0 ? (uint8 *) memory + table : NULL;
	return query;
}

static void
prepare(IvfbqQuery *query, double doubt)
{
	const IvfbqCodec *codec = query->codec;
	uint8 *numbers = (uint8 *) codec->scratch2;
	double square = sum_of_squares(query->y, codec->dim);
	float max = max_magnitude(query->y, codec->dim);

	query->norm = sqrt(square) * (1.0 + 0x1p-36);
	quantize_16(query, codec->dim, max, doubt);
	if (codec->widen != NULL)
	{
		ivfbq_widen(codec, query->y, query->z);
		square = sum_of_squares(query->z, codec->wide_dim);
		max = max_magnitude(query->z, codec->wide_dim);
	}
	quantize_4(query, codec->wide_dim, max, square, numbers);
	memset(numbers + codec->wide_dim, 0, TYPEALIGN(8, codec->code_dim) - codec->wide_dim);
	if (query->table != NULL)
		make_table(numbers, codec->wide_dim, codec->ngroups, query->table);
	if (query->planes != NULL)
		make_planes(query, numbers, codec->code_dim);
}

IvfbqQuery *
ivfbq_query_new(const IvfbqCodec *codec, const float *x)
{
	IvfbqQuery *query = allocate(codec);
	double doubt;

	if (!ivfbq_rotate(codec, x, query->y, &doubt))
	{
		pfree(query);
		return NULL;
	}
	prepare(query, doubt);
	return query;
}

IvfbqQuery *
ivfbq_query_rotated(const IvfbqCodec *codec, const float *y, double doubt)
{
	IvfbqQuery *query = allocate(codec);

	memcpy(query->y, y, sizeof(float) * codec->dim);
	prepare(query, doubt);
	return query;
}

void
ivfbq_query_free(IvfbqQuery *query)
{
	pfree(query);
}

/* ---------------------------------------------------------------- 8-bit rows */

/* <q^, y^>, and of the row what is asked for. */
static inline double
row_product(const IvfbqQuery *query, const char *row, const IvfbqRowHeadData *head)
{
	const uint8 *codes = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	int dim = query->codec->dim;
	int64 high = agm_kernels->uint8_int8_dot(codes, query->high, dim);
	int64 low = agm_kernels->uint8_int8_dot(codes, query->low, dim);

	return query->scale * head->scale * (double) (256 * high + low - 128 * (int64) query->sum);
}

/* |q^ - y^| squared. */
static inline double
row_square(const IvfbqQuery *query, const IvfbqRowHeadData *head, double product)
{
	double square = (double) head->scale * head->scale * head->square_sum;

	return Max(query->square + square - 2.0 * product, 0.0);
}

double
ivfbq_row_distance(const IvfbqQuery *query, const char *row)
{
	IvfbqRowHeadData head;
	double product;

	ivfbq_row_head(row, &head);
	product = row_product(query, row, &head);
	return query->codec->metric == IVFBQ_L2 ? row_square(query, &head, product) : -product;
}

double
ivfbq_row_bound(const IvfbqQuery *query, const char *row)
{
	IvfbqRowHeadData head;
	double product;
	double norm;
	double query_norm = query->norm + IVFBQ_TINY_LENGTH;
	double bound;

	ivfbq_row_head(row, &head);
	product = row_product(query, row, &head);
	norm = head.norm + IVFBQ_TINY_LENGTH;
	if (query->codec->metric == IVFBQ_L2)
	{
		bound = sqrt(row_square(query, &head, product)) - head.residual - query->residual -
				query->codec->slack * (query_norm + norm);
		/* An infinite residual, too, leaves nothing. */
		return bound > 0.0 ? Max(bound * bound - TINY_PRODUCT, 0.0) : 0.0;
	}

	/* In this order no infinities meet; |y^| is at most |y| and the residual. */
	if (!(query_norm * norm < MAX_PRODUCT) || isinf(head.residual) || isinf(query->residual))
		return -HUGE_VAL;
	bound = -product - query_norm * head.residual - query->residual * (norm + head.residual) -
			query->codec->slack * query_norm * norm - TINY_PRODUCT;
	return query->codec->metric == IVFBQ_COSINE ? Max(bound, -1.0) : bound;
}

/* ---------------------------------------------------------------- 1-bit codes */

static bool
terms_are_moderate(double offset, double sum_scale, double sum_offset, double error)
{
	/* Also false for what is not a number. */
	return fabs(offset) <= MAX_OFFSET && fabs(sum_scale) <= MAX_TERM &&
		   fabs(sum_offset) <= MAX_TERM && error <= MAX_TERM;
}

IvfbqPlace
ivfbq_place(const IvfbqQuery *query, const char *row)
{
	IvfbqPlace place = {.product = 0.0, .square = query->square};

	if (row != NULL)
	{
		IvfbqRowHeadData head;

		ivfbq_row_head(row, &head);
		place.product = row_product(query, row, &head);
		place.square = row_square(query, &head, place.product);
	}
	return place;
}

void
ivfbq_terms(const IvfbqQuery *query, const IvfbqPlace *place, double epsilon, IvfbqTerms *terms)
{
	const IvfbqCodec *codec = query->codec;
	double times = codec->metric == IVFBQ_L2 ? 2.0 : 1.0;
	double square = place->square;
	double x_offset = 15.0 * codec->wide_dim * query->unit;
	double offset = codec->metric == IVFBQ_L2 ? square : -place->product;
	double error;

	if (isinf(epsilon))
	{
		double distance = sqrt(square);
		double own = 3.0 * query->residual + codec->slack * (query->norm + IVFBQ_TINY_LENGTH);
		double factor = Max(Max(distance, query->norm), own / (2.0 * codec->slack));

		error = sqrt(codec->wide_dim - 1) * factor;
		if (codec->metric == IVFBQ_L2)
			offset -= 2.0 * distance * own;
		offset -= 0x1p-21 * fabs(offset) + TINY_ESTIMATE;
		x_offset -= query->z_error;
	}
	else
		error = epsilon * sqrt(square + QUERY_ERROR_WEIGHT * query->z_error * query->z_error);
	error *= times;

	/* <x, z^(q)> is unit * (2 * sum - 15 * dimensions), and counts negative. */
	if (!isinf(query->residual) && terms_are_moderate(offset, query->unit, x_offset, error))
	{
		terms->block.offset = (float) offset;
		terms->block.sum_scale = (float) (-2.0 * times * query->unit);
		terms->block.sum_offset = (float) (times * x_offset);
		terms->block.error = (float) error;
	}
	else
	{
		terms->block.offset = -INFINITY;
		terms->block.sum_scale = terms->block.sum_offset = terms->block.error = 0.0f;
	}
}

/* Codes that lie by themselves: as many sums as a block has, those of no slot being zero. */
static uint32
single_bounds(const IvfbqQuery *query, const IvfbqTerms *terms, const IvfbqGeometry *geometry,
			  const char *block, float limit, float bounds[IVFBQ_BLOCK_SLOTS])
{
	uint32 sums[IVFBQ_BLOCK_SLOTS] = {0};
	float a[IVFBQ_BLOCK_SLOTS] = {0};
	uint16 b[IVFBQ_BLOCK_SLOTS] = {0};
	uint16 e[IVFBQ_BLOCK_SLOTS] = {0};
	int n = geometry->block_slots;
	uint64 slots = (UINT64CONST(1) << n) - 1;

	for (int i = 0; i < n; i++)
	{
		int32 sum = agm_kernels->scan_code((const uint8 *) block + i * geometry->code_bytes,
										   query->planes, geometry->code_bytes);

		sums[i] = (uint32) (sum / 2 + 15 * query->codec->wide_dim - query->number_sum);
	}
	memcpy(a, block + geometry->a_offset, sizeof(float) * n);
	memcpy(b, block + geometry->b_offset, sizeof(uint16) * n);
	memcpy(e, block + geometry->e_offset, sizeof(uint16) * n);
	return agm_kernels->block_bounds(sums, a, b, e, &terms->block, limit, bounds) &
		   (uint32) slots;
}

uint32
ivfbq_block_bounds(const IvfbqQuery *query, const IvfbqTerms *terms,
				   const IvfbqGeometry *geometry, const char *block, float limit,
				   float bounds[IVFBQ_BLOCK_SLOTS])
{
	uint32 sums[IVFBQ_BLOCK_SLOTS];

	if (!geometry->transposed)
		return single_bounds(query, terms, geometry, block, limit, bounds);
	agm_kernels->scan_block((const uint8 *) block, query->table, geometry->ngroups, sums);
	return agm_kernels->block_bounds(sums, (const float *) (block + geometry->a_offset),
									 (const uint16 *) (block + geometry->b_offset),
									 (const uint16 *) (block + geometry->e_offset),
									 &terms->block, limit, bounds);
}

/* ---------------------------------------------------------------- order values */

double
ivfbq_order_value(char metric, double key_distance)
{
	if (metric == IVFBQ_COSINE)
		return 1.0 + key_distance;
	return metric == IVFBQ_L2 ? sqrt(key_distance) : key_distance;
}

double
ivfbq_key_distance(char metric, double order_value)
{
	if (metric == IVFBQ_COSINE)
		return order_value - 1.0 + 4.0 * DBL_EPSILON * (fabs(order_value) + 1.0);
	if (metric == IVFBQ_IP)
		return order_value;
	/* No row is at a negative distance. */
	return order_value < 0.0 ? -1.0 : order_value * order_value * (1.0 + 4.0 * DBL_EPSILON);
}

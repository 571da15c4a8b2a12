/*
 * codec.c
 *		From a vector to its 8-bit row, and from a row to its 1-bit code (codec.h, README.md
 *		"Codes").  What is made of a query is in query.c.
 *
 * What is stored must be the same whoever computes it: sums are made here in double and in a
 * fixed order, products are not fused with them, and the kernels that are used promise the same
 * bits on every table.
 */
#include "postgres.h"

/* Before the headers, so that what they define inline is compiled the same way. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#else
#pragma GCC optimize("O3", "fp-contract=off")
#endif

#include <math.h>

#include "ivfbq/codec.h"
#include "ivfbq/sums.h"

/* Elements between which no square that counts overflows a float, or is lost. */
#define FLOAT_SUM_MIN 0x1p-40f
#define FLOAT_SUM_MAX 0x1p40f

/*
 * Squares of lengths between which floats hold the squares and products of a vector's elements
 * to within a part of 2^-30, and far from overflowing.
 */
#define COSINE_MIN_SQUARE 0x1p-100
#define COSINE_MAX_SQUARE 0x1p126
/* Under cosine no two distances are farther apart than 2. */
#define COSINE_DOUBT 4.0

/* From here on a vector is made shorter before it is rotated: a sum of its elements may overflow. */
#define MAX_SQUARE 0x1p240
#define SHORTER 0x1p-40

/* A vector none of whose elements is larger is taken for zero, and its length for residual. */
#define MIN_ELEMENT 0x1p-100f

/* What factors a row may have at most, for no bound to overflow a float. */
#define MAX_FACTOR 0x1p60
#define MAX_A 0x1p120

/* To a float that is not below. */
static inline float
round_up(double x)
{
	float result = (float) x;

	return (double) result < x ? nextafterf(result, INFINITY) : result;
}

IvfbqCodec *
ivfbq_codec_new(int dim, char metric, uint64 seed)
{
	IvfbqCodec *codec = palloc(sizeof(IvfbqCodec));
	IvfbqGeometry geometry;

	Assert(dim >= 1 && dim <= IVFBQ_MAX_DIM);
	codec->dim = dim;
	codec->metric = metric;
	codec->wide_dim = Max(dim, IVFBQ_MIN_CODE_DIM);
	codec->code_dim = TYPEALIGN(4, codec->wide_dim);
	codec->ngroups = codec->code_dim / 4;
	codec->slack = dim * 0x1p-23 + 2e-5;
	ivfbq_geometry_init(&geometry, dim, 0);
	codec->transposed = geometry.transposed;
	ivfbq_geometry_init(&geometry, dim, IVFBQ_MAX_KEYS);
	codec->single = !geometry.transposed;
	codec->rotation = agm_rotation_new(dim, seed);
	codec->widen =
		dim < IVFBQ_MIN_CODE_DIM ? agm_rotation_new(IVFBQ_MIN_CODE_DIM, seed + 1) : NULL;
	codec->scratch = palloc(sizeof(float) * codec->wide_dim);
	codec->scratch2 = palloc(sizeof(float) * codec->wide_dim);
	return codec;
}

/* ---------------------------------------------------------------- rotation */

static void
scale_by(const float *x, double scale, float *out, int n)
{
	for (int i = 0; i < n; i++)
		out[i] = (float) ((double) x[i] * scale);
}

bool
ivfbq_rotate(const IvfbqCodec *codec, const float *x, float *y, double *doubt)
{
	double square = sum_of_squares(x, codec->dim);

	*doubt = 0.0;
	if (codec->metric == IVFBQ_COSINE)
	{
		if (square == 0.0)
			return false;
		if (square < COSINE_MIN_SQUARE || square > COSINE_MAX_SQUARE)
		{
			*doubt = COSINE_DOUBT;
			scale_by(x, 1.0 / sqrt(square), y, codec->dim);
		}
		else
		{
			float factor = (float) (1.0 / sqrt(square));

			for (int i = 0; i < codec->dim; i++)
				y[i] = x[i] * factor;
		}
		x = y;
	}
	else if (square > MAX_SQUARE)
	{
		*doubt = HUGE_VAL;
		scale_by(x, SHORTER, y, codec->dim);
		x = y;
	}
	agm_rotation_apply(codec->rotation, x, y);
	return true;
}

/* z may be y. */
void
ivfbq_widen(const IvfbqCodec *codec, const float *y, float *z)
{
	if (y != z)
		memcpy(z, y, sizeof(float) * codec->dim);
	if (codec->widen == NULL)
		return;
	memset(z + codec->dim, 0, sizeof(float) * (codec->wide_dim - codec->dim));
	agm_rotation_apply(codec->widen, z, z);
}

/* ---------------------------------------------------------------- 8 bits */

/* Sums of squares: of the elements, and of what their codes leave of them. */
typedef struct QuantizedSums
{
	float squares;
	float residuals;
} QuantizedSums;

/* Sets the codes.  Sums are in floats, to within FLOAT_SUM_ERROR. */
static QuantizedSums
quantize_8(const float *y, float scale, float factor, uint8 *codes, int n)
{
	Float4 squares[FLOAT_LANES / 4] = {{0}};
	Float4 residuals[FLOAT_LANES / 4] = {{0}};
	QuantizedSums result;
	int i;

	for (i = 0; i < n; i++)
		codes[i] = (uint8) (round_float(y[i] * factor) + 128);
	for (i = 0; i + FLOAT_LANES <= n; i += FLOAT_LANES)
		for (int k = 0; k < FLOAT_LANES / 4; k++)
		{
			Float4 v = load_floats(y + i + 4 * k);
			Float4 code = v * factor + ROUND_FLOAT - ROUND_FLOAT;
			Float4 residual = v - scale * code;

			residuals[k] += residual * residual;
			squares[k] += v * v;
		}
	for (; i < n; i++)
	{
		float residual = y[i] - scale * rounded_float(y[i] * factor);

		residuals[i / 4 % 4][i % 4] += residual * residual;
		squares[i / 4 % 4][i % 4] += y[i] * y[i];
	}
	result.squares = fold_floats((const float *) squares);
	result.residuals = fold_floats((const float *) residuals);
	return result;
}

void
ivfbq_quantize(const IvfbqCodec *codec, const float *y, double doubt, char *row)
{
	IvfbqRowHeadData head = {0};
	uint8 *codes = (uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	float max = max_magnitude(y, codec->dim);
	float factor = 0.0f;
	int32 square_sum = 0;
	double norm;
	double residual;
	QuantizedSums sums;

	if (max > MIN_ELEMENT)
	{
		head.scale = max / 127.0f;
		factor = 127.0f / max;
	}
	sums = quantize_8(y, head.scale, factor, codes, codec->dim);
	if (codec->dim % 2 == 1)
		codes[codec->dim] = 0;
	for (int i = 0; i < codec->dim; i++)
	{
		int32 code = (int32) codes[i] - 128;

		square_sum += code * code;
	}
	head.square_sum = square_sum;

	if (max > FLOAT_SUM_MIN && max < FLOAT_SUM_MAX)
	{
		norm = sqrt(sums.squares) * (1.0 + FLOAT_SUM_ERROR);
		/* What is left of an element has lost as much as the element's own last digits. */
		residual = sqrt(sums.residuals) * (1.0 + FLOAT_SUM_ERROR) + norm * 0x1p-22;
	}
	else
	{
		norm = sqrt(sum_of_squares(y, codec->dim)) * (1.0 + FLOAT_SUM_ERROR);
		residual = head.scale == 0.0f ? norm : 0.501 * sqrt(codec->dim) * head.scale;
	}
	head.residual = round_up(residual + doubt);
	head.norm = round_up(norm);
	memcpy(row, &head, IVFBQ_ROW_HEAD_SIZE);
}

/* Minus a base, unless that is NULL. */
static inline void
row_floats(const char *row, int n, const float *base, float *out)
{
	const uint8 *codes = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	float scale;

	memcpy(&scale, row + offsetof(IvfbqRowHeadData, scale), sizeof(scale));
	if (base == NULL)
		for (int i = 0; i < n; i++)
			out[i] = (float) ((int) codes[i] - 128) * scale;
	else
		for (int i = 0; i < n; i++)
			out[i] = (float) ((int) codes[i] - 128) * scale - base[i];
}

void
ivfbq_dequantize(const IvfbqCodec *codec, const char *row, float *y)
{
	row_floats(row, codec->dim, NULL, y);
}

/* ---------------------------------------------------------------- bases */

IvfbqBase *
ivfbq_base_new(const IvfbqCodec *codec, const char *row)
{
	IvfbqBase *base = palloc0(sizeof(IvfbqBase));
	IvfbqRowHeadData head;
	const uint8 *codes;
	int8 *signed_codes;
	int32 sum = 0;

	base->zero = row == NULL;
	if (base->zero)
		return base;
	base->row = palloc(IVFBQ_ROW_SIZE(codec->dim));
	memcpy(base->row, row, IVFBQ_ROW_SIZE(codec->dim));
	base->y = palloc(sizeof(float) * codec->dim);
	row_floats(row, codec->dim, NULL, base->y);
	if (codec->widen == NULL)
		base->z = base->y;
	else
	{
		base->z = palloc(sizeof(float) * codec->wide_dim);
		ivfbq_widen(codec, base->y, base->z);
	}
	signed_codes = base->codes = palloc(codec->dim);
	codes = (const uint8 *) row + IVFBQ_ROW_HEAD_SIZE;
	for (int i = 0; i < codec->dim; i++)
	{
		int code = (int) codes[i] - 128;

		signed_codes[i] = (int8) code;
		sum += code;
	}
	base->sum = sum;
	ivfbq_row_head(row, &head);
	base->square = (double) head.scale * head.scale * head.square_sum;
	return base;
}

void
ivfbq_base_free(IvfbqBase *base)
{
	if (!base->zero)
	{
		pfree(base->row);
		if (base->z != base->y)
			pfree(base->z);
		pfree(base->y);
		pfree(base->codes);
	}
	pfree(base);
}

/* ---------------------------------------------------------------- 1 bit */

/* Of z(r): what the factors are made of. */
typedef struct SignSums
{
	double square;	   /* |r| squared */
	double magnitudes; /* sum of |z| */
	double base;	   /* sum of the base's z, negative where the sign is */
} SignSums;

/* Eight dimensions a time, a byte of the code. */
static void
take_signs(const float *z, const float *base, int n, uint8 *bits, SignSums *result)
{
	double squares[LANES] = {0};
	double magnitudes[LANES] = {0};
	double bases[LANES] = {0};
	int i;

	for (i = 0; i + LANES <= n; i += LANES)
	{
		int32 signs[LANES];
		int32 byte = 0;

		for (int j = 0; j < LANES; j++)
		{
			double v = z[i + j];

			squares[j] += v * v;
			magnitudes[j] += fabs(v);
			signs[j] = (int32) (z[i + j] > 0.0f) << j;
		}
		if (base != NULL)
			for (int j = 0; j < LANES; j++)
				bases[j] += z[i + j] > 0.0f ? (double) base[i + j] : -(double) base[i + j];
		for (int j = 0; j < LANES; j++)
			byte |= signs[j];
		bits[i / 8] = (uint8) byte;
	}
	if (i < n)
		bits[i / 8] = 0;
	for (; i < n; i++)
	{
		double v = z[i];

		squares[i % LANES] += v * v;
		magnitudes[i % LANES] += fabs(v);
		if (base != NULL)
			bases[i % LANES] += v > 0.0 ? (double) base[i] : -(double) base[i];
		bits[i / 8] |= (uint8) ((v > 0.0) << (i % 8));
	}
	result->square = fold(squares);
	result->magnitudes = fold(magnitudes);
	result->base = fold(bases);
}

/* The upper half of the float that is nearest, and of the least that is not below. */
static inline uint16
upper_half_nearest(double x)
{
	float f = (float) x;
	uint32 bits;

	memcpy(&bits, &f, sizeof(bits));
	return (uint16) ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline uint16
upper_half_above(double x)
{
	float f = round_up(x);
	uint32 bits;

	memcpy(&bits, &f, sizeof(bits));
	return (uint16) ((bits + 0xffff) >> 16);
}

static inline double
upper_half_value(uint16 half)
{
	uint32 bits = (uint32) half << 16;
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

/* <r, base>, from products of integers. */
static double
product_with_base(const IvfbqCodec *codec, const IvfbqBase *base, const char *row,
				  const IvfbqRowHeadData *head)
{
	IvfbqRowHeadData base_head;
	int32 product;

	ivfbq_row_head(base->row, &base_head);
	product = agm_kernels->uint8_int8_dot((const uint8 *) row + IVFBQ_ROW_HEAD_SIZE,
										  base->codes, codec->dim) -
			  128 * base->sum;
	return (double) head->scale * base_head.scale * product - base->square;
}

void
ivfbq_encode(const IvfbqCodec *codec, const IvfbqBase *base, const char *row, IvfbqCode *code,
			 uint8 *bits)
{
	float *z = codec->scratch;
	double root = sqrt(codec->wide_dim);
	double along_base = 0.0; /* <r, base> */
	double base_sign;		 /* <x, z(base)> */
	double length;			 /* |r| */
	double share;			 /* a */
	double b;
	double stored_b;
	double own; /* what y may be away from y^, and rounding */
	double e;
	double a;
	IvfbqRowHeadData head;
	SignSums sums;

	ivfbq_row_head(row, &head);
	row_floats(row, codec->dim, base->zero ? NULL : base->y, z);
	ivfbq_widen(codec, z, z);
	memset(bits + codec->wide_dim / 8, 0, (codec->code_dim + 7) / 8 - codec->wide_dim / 8);
	take_signs(z, base->zero ? NULL : base->z, codec->wide_dim, bits, &sums);

	length = sqrt(sums.square);
	share = length > 0.0 ? Min(sums.magnitudes / (root * length), 1.0) : 1.0;
	base_sign = sums.base / root;
	if (!base->zero)
		along_base = product_with_base(codec, base, row, &head);

	b = length / share;
	code->b = upper_half_nearest(b);
	stored_b = upper_half_value(code->b);
	own = head.residual +
		  2.0 * codec->slack *
			  (head.scale * sqrt((double) head.square_sum) + length + IVFBQ_TINY_LENGTH);
	e = b * sqrt(1.0 - share * share) + fabs(b - stored_b) + own + 0x1p-20 * root * b;
	code->e = upper_half_above(e / sqrt(codec->wide_dim - 1));
	if (codec->metric == IVFBQ_L2)
		a = sums.square + 2.0 * stored_b * base_sign - 2.0 * length * own;
	else
		a = stored_b * base_sign - along_base;
	a -= fabs(a) * 0x1p-21;
	code->a = (float) a;

	/* Also what is not a number. */
	if (!(b <= MAX_FACTOR && e <= MAX_FACTOR && fabs(a) <= MAX_A))
	{
		code->a = -INFINITY;
		code->b = code->e = 0;
	}
}

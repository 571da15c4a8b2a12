/*
 * codec.h
 *		From a vector to its 8-bit row and 1-bit code, from a query to estimates and bounds.
 *
 * The formulas are in README.md, "Codes".  Knows bytes of rows and blocks, but no pages,
 * buffers or SQL types: pure, and tested in test/unit.
 */
#ifndef AGM_IVFBQ_CODEC_H
#define AGM_IVFBQ_CODEC_H

#include "ivfbq/format.h"
#include "ivfbq/geometry.h"
#include "vector/kernels.h"
#include "vector/rotation.h"

/* What a vector may lose of its length by underflow, when it is rotated; with much to spare. */
#define IVFBQ_TINY_LENGTH 0x1p-120

/* Set once; in the memory context that was current when it was made. */
typedef struct IvfbqCodec
{
	int dim;
	char metric;  /* IVFBQ_COSINE, ... */
	int wide_dim; /* of z: max(dim, 256) */
	int code_dim; /* wide_dim, up to a multiple of 4 */
	int ngroups;
	double slack;		   /* of certain bounds: README.md, "Bounds" */
	bool transposed;	   /* some code pages have blocks for scan_block, */
	bool single;		   /* some have codes that lie by themselves */
	AgmRotation *rotation; /* of dim */
	AgmRotation *widen;	   /* of 256 dimensions, or NULL: z is y */
	float *scratch;		   /* wide_dim floats, of whoever is at work */
	float *scratch2;
} IvfbqCodec;

extern IvfbqCodec *ivfbq_codec_new(int dim, char metric, uint64 seed);

/*
 * y of a vector of dim finite floats.  False, and y is not set, if it has no direction that the
 * metric could use: the zero vector under cosine (every operator then says NaN).  `doubt` is for
 * ivfbq_quantize(): 0, or more where floats cannot tell the vector's distances.
 */
extern bool ivfbq_rotate(const IvfbqCodec *codec, const float *x, float *y, double *doubt);

/* z of a y: wide_dim floats. */
extern void ivfbq_widen(const IvfbqCodec *codec, const float *y, float *z);

/* The 8-bit row (IVFBQ_ROW_SIZE(dim) bytes, any alignment) of y, its TID invalid (zeros); and back. */
extern void ivfbq_quantize(const IvfbqCodec *codec, const float *y, double doubt, char *row);
extern void ivfbq_dequantize(const IvfbqCodec *codec, const char *row, float *y);

static inline void
ivfbq_row_head(const char *row, IvfbqRowHeadData *head)
{
	memcpy(head, row, IVFBQ_ROW_HEAD_SIZE);
}

static inline void
ivfbq_row_set_tid(char *row, ItemPointer tid)
{
	memcpy(row + offsetof(IvfbqRowHeadData, tid), tid, sizeof(ItemPointerData));
}

/* What a list's codes are relative to. */
typedef struct IvfbqBase
{
	bool zero;	   /* the zero vector; the rest is not set */
	float *y;	   /* dim */
	float *z;	   /* wide_dim; may be y */
	char *row;	   /* its 8-bit row */
	int8 *codes;   /* dim; those of the row, signed */
	int32 sum;	   /* of these */
	double square; /* |base| squared */
} IvfbqBase;

/* row NULL: the zero vector.  Memory in the current context; the row is copied. */
extern IvfbqBase *ivfbq_base_new(const IvfbqCodec *codec, const char *row);
extern void ivfbq_base_free(IvfbqBase *base);

/* Code of a row relative to a base: a function of these bytes. bits: (code_dim + 7) / 8 bytes. */
extern void ivfbq_encode(const IvfbqCodec *codec, const IvfbqBase *base, const char *row,
						 IvfbqCode *code, uint8 *bits);

/* A query, prepared once. */
typedef struct IvfbqQuery
{
	const IvfbqCodec *codec;
	float *y;
	float *z;
	double norm; /* |y| */
	int8 *high;	 /* q16 = 256 * high + low, at most 127 * 257 */
	int8 *low;
	int32 sum;		  /* of q16 */
	double scale;	  /* q^ = scale * q16 */
	double square;	  /* |q^| squared */
	double residual;  /* |y - q^|, rounded up */
	uint8 *table;	  /* of scan_block, 16 bytes a group; if there are such pages */
	uint8 *planes;	  /* of scan_code, 4 of (code_dim + 7) / 8 bytes; if there are such pages */
	int32 number_sum; /* of the numbers of 4 bits that these are made of */
	double unit;	  /* <x, z(q)> = unit * (sum of +-w) */
	double z_error;	  /* |z(q) - z^(q)| */
} IvfbqQuery;

/* NULL where ivfbq_rotate() says false.  In the current memory context. */
extern IvfbqQuery *ivfbq_query_new(const IvfbqCodec *codec, const float *x);
/* The same for a vector that is rotated already (a stored row, dequantized: doubt 0). */
extern IvfbqQuery *ivfbq_query_rotated(const IvfbqCodec *codec, const float *y, double doubt);
extern void ivfbq_query_free(IvfbqQuery *query);

/* Where a list's base is, from the query: all of it that its estimates need. */
typedef struct IvfbqPlace
{
	double product; /* <q^, base>; 0 for the zero vector */
	double square;	/* |q^ - base| squared */
} IvfbqPlace;

/* row: the base's 8-bit row; NULL: the zero vector. */
extern IvfbqPlace ivfbq_place(const IvfbqQuery *query, const char *row);

/* What of a list's estimates is the same for all rows. */
typedef struct IvfbqTerms
{
	AgmBlockTerms block; /* vector/kernels.h: offset, sum_scale, sum_offset, error */
} IvfbqTerms;

/*
 * epsilon: how many standard errors the bound is below the estimate; HUGE_VAL: it is certainly
 * not above ivfbq_row_bound().
 */
extern void ivfbq_terms(const IvfbqQuery *query, const IvfbqPlace *place, double epsilon,
						IvfbqTerms *terms);

/*
 * Bounds of all slots of a block (live or not: of slots that are not live they mean nothing);
 * returns the mask of those that are not above limit.
 */
extern uint32 ivfbq_block_bounds(const IvfbqQuery *query, const IvfbqTerms *terms,
								 const IvfbqGeometry *geometry, const char *block, float limit,
								 float bounds[IVFBQ_BLOCK_SLOTS]);

/*
 * The certain lower bound of the key distance of a row's vector, by whatever operator measures
 * it; and the distance of its y^ itself, from q^.  Never NaN.
 */
extern double ivfbq_row_bound(const IvfbqQuery *query, const char *row);
extern double ivfbq_row_distance(const IvfbqQuery *query, const char *row);

/* What the operator's result is bounded by, of a bound of the key distance: 1 + x, x, sqrt(x). */
extern double ivfbq_order_value(char metric, double key_distance);
/* The other way, for a range of radius r: rounded up, so that no row within is above. */
extern double ivfbq_key_distance(char metric, double order_value);

#endif

/*
 * halfvec.h
 *		The halfvec type: bytes, and making one.
 *
 * The layout is pgvector's, bit for bit (src/vector/README.md).
 */
#ifndef AGM_VECTOR_HALFVEC_H
#define AGM_VECTOR_HALFVEC_H

#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"
#include "vector/checks.h"
#include "vector/vector.h"

/*
 *	offset	bytes	field
 *	0		4		vl_len_		varlena header; never touched directly
 *	4		2		dim			number of dimensions, 1..AGM_VECTOR_MAX_DIM
 *	6		2		unused		zero
 *	8		2*dim	x			the values as in half.h, finite
 */
typedef struct AgmHalfvecData
{
	int32 vl_len_;
	int16 dim;
	int16 unused;
	uint16 x[FLEXIBLE_ARRAY_MEMBER];
} AgmHalfvecData;

StaticAssertDecl(offsetof(AgmHalfvecData, unused) == 6 && offsetof(AgmHalfvecData, x) == 8,
				 "AgmHalfvecData");

typedef AgmHalfvecData *AgmHalfvec;

#define AGM_HALFVEC_SIZE(dim) (offsetof(AgmHalfvecData, x) + sizeof(uint16) * (dim))
#define DatumGetAgmHalfvec(d) agm_halfvec_from_datum(d)
#define PG_GETARG_AGM_HALFVEC(n) agm_halfvec_from_datum(PG_GETARG_DATUM(n))

/* Does not return: raises XX001. */
extern void agm_halfvec_corrupted(const AgmHalfvecData *halfvec);

/* A stored value; raises XX001 if it is not what its dimensions say. */
static inline AgmHalfvec
agm_halfvec_from_datum(Datum datum)
{
	AgmHalfvec halfvec = (AgmHalfvec) PG_DETOAST_DATUM(datum);

	/* The first condition is for a damaged value that ends before its dimension. */
	if (unlikely(VARSIZE(halfvec) <= offsetof(AgmHalfvecData, x) || halfvec->unused != 0 ||
				 halfvec->dim < 1 || halfvec->dim > AGM_VECTOR_MAX_DIM ||
				 VARSIZE(halfvec) != AGM_HALFVEC_SIZE((Size) halfvec->dim)))
		agm_halfvec_corrupted(halfvec);

	return halfvec;
}

/* A zeroed value in the current memory context; the dimension is not checked. */
extern AgmHalfvec agm_halfvec_new(int dim);

/*
 * One of rounded values, the dimension not checked.  Raises 22003 at the first that is too
 * large for a half; else 22000 at the first that is NaN or infinite.
 */
extern AgmHalfvec agm_halfvec_from_floats(const float *x, int dim);

/* Whether no value is NaN or infinite. */
extern bool agm_halfvec_is_finite(const uint16 *x, int dim);

/* The Euclidean length, summed in double. */
extern double agm_halfvec_norm(const AgmHalfvecData *halfvec);

/* Raises 22000 unless both have the same dimension. */
static inline void
agm_halfvec_check_same_dim(const AgmHalfvecData *a, const AgmHalfvecData *b)
{
	if (unlikely(a->dim != b->dim))
		agm_check_same_dim(&agm_halfvec_type, a->dim, b->dim);
}

#endif

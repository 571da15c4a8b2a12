/*
 * vector.h
 *		The vector type: bytes and the few operations other domains need.
 *
 * The layout is pgvector's, bit for bit (src/vector/README.md), so that a dump,
 * a binary COPY or a client library made for it works here too.
 */
#ifndef AGM_VECTOR_VECTOR_H
#define AGM_VECTOR_VECTOR_H

#include "postgres.h"

#include "base/compat.h"
#include "fmgr.h"

#define AGM_VECTOR_MAX_DIM 16000

/*
 *	offset	bytes	field
 *	0		4		vl_len_		varlena header; never touched directly
 *	4		2		dim			number of dimensions, 1..AGM_VECTOR_MAX_DIM
 *	6		2		format		zero: single precision, as here; else quantize.h
 *	8		4*dim	x			the values, finite
 */
typedef struct AgmVectorData
{
	int32 vl_len_;
	int16 dim;
	int16 format;
	float x[FLEXIBLE_ARRAY_MEMBER];
} AgmVectorData;

StaticAssertDecl(offsetof(AgmVectorData, format) == 6 && offsetof(AgmVectorData, x) == 8,
				 "AgmVectorData");

typedef AgmVectorData *AgmVector;

#define AGM_VECTOR_SIZE(dim) (offsetof(AgmVectorData, x) + sizeof(float) * (dim))

/* A value as it is stored, in any format.  For those who pass it on or look at its format. */
#define PG_GETARG_AGM_VECTOR_RAW(n) ((AgmVector) PG_DETOAST_DATUM(PG_GETARG_DATUM(n)))

/* A value in single precision, whatever it is stored in: for everybody else. */
#define DatumGetAgmVector(d) agm_vector_from_datum(d)
#define PG_GETARG_AGM_VECTOR(n) agm_vector_from_datum(PG_GETARG_DATUM(n))

/*
 * What agm_vector_from_datum() does about everything that is no plain vector: a new value
 * for one in another format; XX001 for one that is damaged.  May free `stored` if it is not
 * the datum itself.
 */
extern AgmVector agm_vector_to_single(Datum datum, AgmVector stored);

static inline AgmVector
agm_vector_from_datum(Datum datum)
{
	AgmVector stored = (AgmVector) PG_DETOAST_DATUM(datum);

	/*
	 * The first condition is for a damaged value that ends before its dimension; as uint16,
	 * dimensions below 1 are far above the most that there can be.
	 */
	if (likely(VARSIZE(stored) > offsetof(AgmVectorData, x) && stored->format == 0 &&
			   (uint16) (stored->dim - 1) < AGM_VECTOR_MAX_DIM &&
			   VARSIZE(stored) == AGM_VECTOR_SIZE((Size) stored->dim)))
		return stored;

	return agm_vector_to_single(datum, stored);
}

/* A zeroed vector in the current memory context; the dimension is not checked. */
extern AgmVector agm_vector_new(int dim);

/* Raises 22000 below one dimension, 54000 above AGM_VECTOR_MAX_DIM. */
extern void agm_vector_check_dim(int dim);

/* Raises 22000 unless the dimension is that of the type modifier; -1 admits any. */
extern void agm_vector_check_typmod(int32 typmod, int dim);

/* Raises 22000 at the first value that is NaN or infinite. */
extern void agm_vector_check_values(const float *x, int dim);

/* Raises 22000 unless both have the same dimension. */
extern void agm_vector_check_same_dim(const AgmVectorData *a, const AgmVectorData *b);

#endif

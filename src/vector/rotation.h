/*
 * rotation.h
 *		Random orthogonal transforms, fast: what spreads a vector evenly over its dimensions
 *		before they are cut down to a bit or a byte each.
 *
 * A rotation is known by its dimension and seed.  What it does to a vector is the same to
 * the bit on every machine and with every table of kernels, and IS A FORMAT: an index
 * that keeps a seed relies on it forever (README.md, "Rotation").
 */
#ifndef AGM_VECTOR_ROTATION_H
#define AGM_VECTOR_ROTATION_H

#include "postgres.h"

#define AGM_ROTATION_MAX_DIM 16000

/* How often signs are flipped and sums mixed; enough for any vector, see README.md. */
#define AGM_ROTATION_ROUNDS 4

/* Set once, when it is made. */
typedef struct AgmRotation
{
	int dim;
	int power;		   /* the largest power of two that is not above dim */
	float scale;	   /* 1 / sqrt(power) */
	Size rest_offset;  /* in a round's signs: those of the dim - power others */
	Size round_stride; /* bytes of signs a round */
	uint8 signs[FLEXIBLE_ARRAY_MEMBER];
} AgmRotation;

/* Bytes of the rotation of so many dimensions, for callers that allocate it themselves. */
extern Size agm_rotation_size(int dim);

/* Makes one in memory of that size; dim is 1 to AGM_ROTATION_MAX_DIM. */
extern void agm_rotation_init(AgmRotation *rotation, int dim, uint64 seed);

/* The same in the current memory context. */
extern AgmRotation *agm_rotation_new(int dim, uint64 seed);

/* Rotates dim floats, or rotates them back up to rounding; `out` may be `in`. */
extern void agm_rotation_apply(const AgmRotation *rotation, const float *in, float *out);
extern void agm_rotation_invert(const AgmRotation *rotation, const float *in, float *out);

/* The generator behind the signs; its state is advanced by each call. */
extern uint64 agm_splitmix64(uint64 *state);

#endif

/*
 * simd.h
 *		Which tables of kernels (kernels.h) this build has and this processor can run.
 */
#ifndef AGM_VECTOR_SIMD_H
#define AGM_VECTOR_SIMD_H

#include "vector/kernels.h"

/* The values of agentmem.simd. */
typedef enum AgmSimd
{
	AGM_SIMD_AUTO,
	AGM_SIMD_SCALAR,
	AGM_SIMD_AVX2,
	AGM_SIMD_AVX512,
	AGM_SIMD_NEON
} AgmSimd;

#define AGM_SIMD_LAST AGM_SIMD_NEON

/* The table; NULL if this build has none or the processor or its system lacks something. */
extern const AgmKernels *agm_simd_kernels(AgmSimd simd);

/* Defines agentmem.simd, and with it chooses agm_kernels; called once, at load. */
extern void agm_vector_init(void);

#endif

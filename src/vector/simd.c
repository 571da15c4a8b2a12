/*
 * simd.c
 *		Finds out which tables of kernels the processor can run.
 *
 * An instruction may be used if the processor has it and the system saves the registers
 * it works on when it switches tasks: a virtual machine or an old system may not, and then
 * the processor's word alone would end in SIGILL or, worse, in spoilt registers.
 */
#include "postgres.h"

#include "vector/simd.h"

#if defined(__x86_64__)

#include <cpuid.h>

#define HAS(reg, bit) (((reg) >> (bit)) & 1)

/* Registers that the system saves: bits of XCR0. */
#define STATE_AVX 0x06	  /* XMM, the upper halves of YMM */
#define STATE_AVX512 0xe6 /* and k0 to k7, the upper halves of ZMM0 to 15, ZMM16 to 31 */

typedef struct Features
{
	bool avx2;
	bool avx512;
} Features;

static uint32
saved_state(void)
{
	uint32 low;
	uint32 high;

	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low;
}

/* What the files ask for in their TARGET, and no more. */
static Features
find_features(void)
{
	Features features = {0};
	uint32 state;
	uint32 eax;
	uint32 ebx;
	uint32 ecx;
	uint32 edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		return features;
	/* OSXSAVE, without which there is no XGETBV; AVX, FMA, F16C, POPCNT. */
	if (!HAS(ecx, 27) || !HAS(ecx, 28) || !HAS(ecx, 12) || !HAS(ecx, 29) || !HAS(ecx, 23))
		return features;
	state = saved_state();
	if ((state & STATE_AVX) != STATE_AVX)
		return features;

	if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx))
		return features;
	features.avx2 = HAS(ebx, 5);
	/* F, DQ, BW, VL; VBMI, GFNI, VNNI, VPOPCNTDQ. */
	features.avx512 = features.avx2 && (state & STATE_AVX512) == STATE_AVX512 && HAS(ebx, 16) &&
					  HAS(ebx, 17) && HAS(ebx, 30) && HAS(ebx, 31) && HAS(ecx, 1) &&
					  HAS(ecx, 8) && HAS(ecx, 11) && HAS(ecx, 14);
	return features;
}

#endif

const AgmKernels *
agm_simd_kernels(AgmSimd simd)
{
#if defined(__x86_64__)
	Features features = find_features();
	const AgmKernels *avx2 = features.avx2 ? &agm_kernels_avx2 : NULL;
	const AgmKernels *avx512 = features.avx512 ? &agm_kernels_avx512 : NULL;
	const AgmKernels *neon = NULL;
#elif defined(__aarch64__) && defined(__AARCH64EL__)
	/* Every such processor has what the table needs. */
	const AgmKernels *avx2 = NULL;
	const AgmKernels *avx512 = NULL;
	const AgmKernels *neon = &agm_kernels_neon;
#else
	const AgmKernels *avx2 = NULL;
	const AgmKernels *avx512 = NULL;
	const AgmKernels *neon = NULL;
#endif

	switch (simd)
	{
		case AGM_SIMD_SCALAR:
			return &agm_kernels_scalar;
		case AGM_SIMD_AVX2:
			return avx2;
		case AGM_SIMD_AVX512:
			return avx512;
		case AGM_SIMD_NEON:
			return neon;
		case AGM_SIMD_AUTO:
			break;
	}
	if (avx512 != NULL)
		return avx512;
	if (avx2 != NULL)
		return avx2;
	return neon != NULL ? neon : &agm_kernels_scalar;
}

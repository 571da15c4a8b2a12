/*
 * init.c
 *		What the domain does when the module is loaded: the setting agentmem.simd, which
 *		chooses the table of kernels.
 */
#include "postgres.h"

#include "utils/guc.h"
#include "vector/simd.h"

/* The setting; agm_kernels follows it. */
static int simd = AGM_SIMD_AUTO;

static const struct config_enum_entry simd_options[] = {
	{"auto", AGM_SIMD_AUTO, false}, {"scalar", AGM_SIMD_SCALAR, false},
	{"avx2", AGM_SIMD_AVX2, false}, {"avx512", AGM_SIMD_AVX512, false},
	{"neon", AGM_SIMD_NEON, false}, {NULL, 0, false},
};

static bool
check_simd(int *newval, void **extra pg_attribute_unused(),
		   GucSource source pg_attribute_unused())
{
	if (agm_simd_kernels(*newval) != NULL)
		return true;
	GUC_check_errdetail("The processor of this server or its operating system does not have "
						"these instructions.");
	GUC_check_errhint("\"auto\" takes the best that it has.");
	return false;
}

static void
assign_simd(int newval, void *extra pg_attribute_unused())
{
	agm_kernels = agm_simd_kernels(newval);
}

/*
 * The setting's default is assigned while it is defined, which makes the first choice.  Not for
 * everybody to set: an index over a distance holds what one table of kernels computed.
 */
void
agm_vector_init(void)
{
	DefineCustomEnumVariable(
		"agentmem.simd", "Sets the processor's instructions that distances are computed with.",
		"\"auto\" takes the best that the processor and its system have.", &simd, AGM_SIMD_AUTO,
		simd_options, PGC_SUSET, 0, check_simd, assign_simd, NULL);
}

/*
 * module.c
 *		Magic block and load hook: calls each domain's init in layer order,
 *		and does nothing else.
 */
#include "postgres.h"

#include "base/guc.h"
#include "base/shards.h"
#include "fmgr.h"
#include "ivfbq/options.h"
#include "memory/access.h"
#include "memory/access_log.h"
#include "scale/scale.h"
#include "temporal/versioning.h"
#include "vector/simd.h"
#include "worker/worker.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	agm_shards_init();
	agm_vector_init();
	agm_temporal_init();
	ivfbq_init();
	agm_access_init();
	agm_worker_init();
	agm_access_log_init();
	agm_scale_init();
	agm_guc_reserve();
}

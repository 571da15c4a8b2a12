/*
 * init.c
 *		The setting of stores in parts.
 *
 * Its value is read by create_store (src/memory/memory.sql).
 */
#include "postgres.h"

#include "utils/guc.h"

#include "base/guc.h"
#include "scale/scale.h"

/* As many as create_table takes. */
#define PARTITIONS_MAX 128

static int default_partitions = 0;

void
agm_scale_init(void)
{
	DefineCustomIntVariable(
		AGM_GUC_CLASS ".default_partitions",
		"Sets the number of partitions of stores that are made without saying it.",
		"0 makes ordinary tables.", &default_partitions, 0, 0, PARTITIONS_MAX, PGC_USERSET, 0,
		NULL, NULL, NULL);
	agm_plan_init();
}

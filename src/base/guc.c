/*
 * guc.c
 *		The class of agentmem's settings.
 *
 * A setting may be given before the module is loaded, in postgresql.conf or by SET: it is
 * a placeholder until then, is checked when its domain defines it, and warned about and
 * dropped here if none does.
 */
#include "postgres.h"

#include "base/guc.h"
#include "utils/guc.h"

void
agm_guc_reserve(void)
{
	MarkGUCPrefixReserved(AGM_GUC_CLASS);
}

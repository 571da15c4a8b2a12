/*
 * module.c
 *		Magic block and load hook: calls each domain's init in layer order,
 *		and does nothing else.
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

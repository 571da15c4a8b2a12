/*
 * compat.h
 *		What differs between the PostgreSQL majors that agentmem supports.
 *
 * The only file that looks at PG_VERSION_NUM (test/lint checks it).  Everything
 * else is written against the newest spelling, which this file supplies where an
 * older server lacks it.
 */
#ifndef AGM_BASE_COMPAT_H
#define AGM_BASE_COMPAT_H

#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "funcapi.h"
#include "utils/acl.h"

/* 16 moved the macros of variable-length values out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#if PG_VERSION_NUM < 150000
#error "agentmem needs PostgreSQL 15 or newer"
#endif

/* 16 replaced the function per object class by one that takes the catalog. */
#if PG_VERSION_NUM < 160000
static inline AclResult
object_aclcheck(Oid classid, Oid objectid, Oid roleid, AclMode mode)
{
	Assert(classid == NamespaceRelationId);
	(void) classid;
	return pg_namespace_aclcheck(objectid, roleid, mode);
}
#endif

#endif

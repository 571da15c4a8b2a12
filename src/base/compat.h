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

#include "access/amapi.h"
#include "access/genam.h"
#include "access/gin_private.h"
#include "access/gist_private.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/vacuum.h"
#include "funcapi.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/optimizer.h"
#include "parser/analyze.h"
#include "parser/parse_relation.h"
#include "parser/parse_type.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/tuplesort.h"

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

/* Of which relation an entry is; 16 put the privileges that are needed apart. */
static inline void
agm_set_entry_relation(Query *query, RangeTblEntry *entry, Oid relid)
{
#if PG_VERSION_NUM >= 160000
	if (entry->perminfoindex != 0)
		getRTEPermissionInfo(query->rteperminfos, entry)->relid = relid;
#else
	(void) query;
#endif
	entry->relid = relid;
}

/* What the hook behind parse analysis is told of a statement's constants, which 19 does not let it change. */
#if PG_VERSION_NUM >= 190000
typedef const JumbleState AgmJumbleState;
#else
typedef JumbleState AgmJumbleState;
#endif

/* 19 tells the planner of EXPLAIN, too. */
#if PG_VERSION_NUM >= 190000
#define AGM_PLANNER_MORE , struct ExplainState *explain
#define AGM_PLANNER_PASS , explain
#else
#define AGM_PLANNER_MORE
#define AGM_PLANNER_PASS
#endif

/* A new page at the end of a fork, locked exclusively; 16 made one call of it. */
static inline Buffer
agm_extend_fork_locked(Relation relation, ForkNumber fork)
{
#if PG_VERSION_NUM >= 160000
	return ExtendBufferedRel(BMR_REL(relation), fork, NULL, EB_LOCK_FIRST);
#else
	bool lock = !RELATION_IS_LOCAL(relation);
	Buffer buffer;

	if (lock)
		LockRelationForExtension(relation, ExclusiveLock);
	buffer = ReadBufferExtended(relation, fork, P_NEW, RBM_NORMAL, NULL);
	LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
	if (lock)
		UnlockRelationForExtension(relation, ExclusiveLock);
	return buffer;
#endif
}

static inline Buffer
agm_extend_locked(Relation relation)
{
	return agm_extend_fork_locked(relation, MAIN_FORKNUM);
}

/*
 * Tells standbys that a page that was removed in `removed` is used again: the record is GiST's, and
 * means just that.  16 wants the table, too.
 */
static inline void
agm_log_page_reuse(Relation index, Relation heap, BlockNumber block, FullTransactionId removed)
{
#if PG_VERSION_NUM >= 160000
	gistXLogPageReuse(index, heap, block, removed);
#else
	(void) heap;
	gistXLogPageReuse(index, block, removed);
#endif
}

/* 19 ends a background worker whose database someone wants for himself, if the worker lets it. */
#if PG_VERSION_NUM < 190000
#define BGWORKER_INTERRUPTIBLE 0
#endif

/* 18 says before a function that it does not return, as C does; before, an attribute did, which 18 has not any more. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18 wants to know whether it is ANALYZE that waits. */
static inline void
agm_vacuum_delay_point(void)
{
#if PG_VERSION_NUM >= 180000
	vacuum_delay_point(false);
#else
	vacuum_delay_point();
#endif
}

/* The table of an index that is vacuumed, for agm_log_page_reuse(): 16 has it, and wants it. */
static inline Relation
agm_vacuum_heap(const IndexVacuumInfo *info)
{
#if PG_VERSION_NUM >= 160000
	return info->heaprel;
#else
	(void) info;
	return NULL;
#endif
}

/*
 * A path that is not to be taken, whatever else is forbidden: 18 counts what is disabled, and looks at costs, infinite as
 * they are, only where that is equal.
 */
static inline void
agm_disable_path(Path *path)
{
#if PG_VERSION_NUM >= 180000
	path->disabled_nodes = PG_INT16_MAX;
#else
	(void) path;
#endif
}

/* 18 has room for counters, which nobody here reads, and 19 takes options of the scan. */
static inline IndexScanDesc
agm_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys, int norderbys)
{
#if PG_VERSION_NUM >= 190000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys, SO_NONE);
#elif PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, norderbys);
#else
	return index_beginscan(heap, index, snapshot, nkeys, norderbys);
#endif
}

/* The leaf of GIN's entries that a key belongs to, and the first of a posting tree, locked to share; until 16 with a snapshot. */
static inline GinBtreeStack *
agm_gin_find_leaf(GinBtree entries, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 170000
	(void) snapshot;
	return ginFindLeafPage(entries, true, false);
#else
	return ginFindLeafPage(entries, true, false, snapshot);
#endif
}

static inline GinBtreeStack *
agm_gin_begin_tree(GinBtree tree, Relation index, BlockNumber root, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 170000
	(void) snapshot;
	return ginScanBeginPostingTree(tree, index, root);
#else
	return ginScanBeginPostingTree(tree, index, root, snapshot);
#endif
}

/* Functions that a maintenance command calls find what is meant; before 17 that was up to them. */
static inline void
agm_restrict_search_path(void)
{
#if PG_VERSION_NUM >= 170000
	RestrictSearchPath();
#endif
}

/* Whether a user may do maintenance of a table; 17 made a privilege of it. */
static inline bool
agm_may_maintain(Oid table, Oid user)
{
#if PG_VERSION_NUM >= 170000
	return pg_class_aclcheck(table, user, ACL_MAINTAIN) == ACLCHECK_OK;
#elif PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, table, user);
#else
	return pg_class_ownercheck(table, user);
#endif
}

/* 19 wants to hear that a descriptor made by hand is complete. */
static inline void
agm_tupdesc_finish(TupleDesc desc)
{
#if PG_VERSION_NUM >= 190000
	TupleDescFinalize(desc);
#else
	(void) desc;
#endif
}

/* 16 can report an error without raising it. */
static inline RangeType *
agm_make_range(TypeCacheEntry *typcache, RangeBound *lower, RangeBound *upper)
{
#if PG_VERSION_NUM >= 160000
	return make_range(typcache, lower, upper, false, NULL);
#else
	return make_range(typcache, lower, upper, false);
#endif
}

/* 16 lets callers say that they want no copy; values of ours are no pointers. */
static inline bool
agm_tuplesort_getdatum(Tuplesortstate *state, Datum *value, bool *isnull)
{
#if PG_VERSION_NUM >= 160000
	return tuplesort_getdatum(state, true, false, value, isnull, NULL);
#else
	return tuplesort_getdatum(state, true, value, isnull, NULL);
#endif
}

/*
 * How many workers a build may have.  17 asks the method whether it can have any, and says how many; before,
 * it did so of core's own alone.
 */
static inline int
agm_build_workers(Relation heap, Relation index, const IndexInfo *index_info)
{
#if PG_VERSION_NUM >= 170000
	(void) heap;
	(void) index;
	return index_info->ii_ParallelWorkers;
#else
	(void) index_info;
	return plan_create_index_workers(RelationGetRelid(heap), RelationGetRelid(index));
#endif
}

static inline void
agm_set_can_build_parallel(IndexAmRoutine *am)
{
#if PG_VERSION_NUM >= 170000
	am->amcanbuildparallel = true;
#else
	(void) am;
#endif
}

/* 16 can report what is wrong with a type's name without raising it. */
static inline void
agm_parse_type(const char *name, Oid *type, int32 *typmod)
{
#if PG_VERSION_NUM >= 160000
	(void) parseTypeString(name, type, typmod, NULL);
#else
	parseTypeString(name, type, typmod, false);
#endif
}

/* Pins a page where it was found before, if it is there still; 16 gave the file's name another type. */
static inline bool
agm_read_recent_buffer(Relation relation, BlockNumber block, Buffer buffer)
{
#if PG_VERSION_NUM >= 160000
	return ReadRecentBuffer(relation->rd_locator, MAIN_FORKNUM, block, buffer);
#else
	return ReadRecentBuffer(relation->rd_node, MAIN_FORKNUM, block, buffer);
#endif
}

/* Until 16 a snapshot could be too old for a page, which whoever reads one has to ask. */
static inline void
agm_check_old_snapshot(Snapshot snapshot, Relation relation, Page page)
{
#if PG_VERSION_NUM < 170000
	TestForOldSnapshot(snapshot, relation, page);
#else
	(void) snapshot;
	(void) relation;
	(void) page;
#endif
}

static inline TableScanDesc
agm_beginscan(Relation relation, Snapshot snapshot)
{
#if PG_VERSION_NUM >= 190000
	return table_beginscan(relation, snapshot, 0, NULL, SO_NONE);
#else
	return table_beginscan(relation, snapshot, 0, NULL);
#endif
}

static inline IndexFetchTableData *
agm_index_fetch_begin(Relation heap)
{
#if PG_VERSION_NUM >= 190000
	return table_index_fetch_begin(heap, SO_NONE);
#else
	return table_index_fetch_begin(heap);
#endif
}

static inline TableScanDesc
agm_beginscan_parallel(Relation heap, ParallelTableScanDesc scan)
{
#if PG_VERSION_NUM >= 190000
	return table_beginscan_parallel(heap, scan, SO_NONE);
#else
	return table_beginscan_parallel(heap, scan);
#endif
}

/* A jsonb in the making: 19 keeps what is made with the state of making it. */
#if PG_VERSION_NUM >= 190000
typedef JsonbInState AgmJsonState;
#else
typedef struct AgmJsonState
{
	JsonbValue *result;
	JsonbParseState *stack;
} AgmJsonState;
#endif

static inline void
agm_push_json(AgmJsonState *state, JsonbIteratorToken token, JsonbValue *value)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(state, token, value);
#else
	state->result = pushJsonbValue(&state->stack, token, value);
#endif
}

/* 19 tells handlers of signals who sent it. */
#if PG_VERSION_NUM >= 190000
#define AGM_SIGNAL_PASS postgres_signal_arg, pg_siginfo
#else
#define AGM_SIGNAL_PASS postgres_signal_arg
#endif

#endif

/*
 * read.h
 *		What the functions that return memories share: the row, and how it is put out.
 */
#ifndef AGM_MEMORY_READ_H
#define AGM_MEMORY_READ_H

#include "postgres.h"

#include "fmgr.h"

#include "base/spi.h"
#include "memory/filter.h"

/* A row of the type agentmem.memory, of a version m and the memory's activity a. */
#define AGM_MEMORY_COLUMNS                                                                     \
	"m.id, m.namespace, m.kind, m.content, m.title, m.subject, m.predicate, m.object, m.tags," \
	" m.attributes, m.valid_period, m.system_period,"                                          \
	" agentmem.effective_confidence(m.confidence, coalesce(a.confirmations, 0)),"              \
	" agentmem.effective_importance(greatest(m.importance, a.rank), coalesce(a.useless, 0)),"  \
	" m.provenance, m.source, m.actor, m.session, m.parent, m.pinned,"                         \
	" m.expires_at, m.key, m.language, m.model, coalesce(a.state, 'active'),"                  \
	" coalesce(a.accesses, 0), a.last_access, coalesce(a.confirmations, 0)"

/* Its types. */
#define AGM_MEMORY_TYPES                                                                       \
	"lttt"                                                                                     \
	"t?t?t?t?T?j?"                                                                             \
	"rrf?f?"                                                                                   \
	"tt?t?t?l?bz?"                                                                             \
	"t?tt?"                                                                                    \
	"tlz?i"

/* The activity of many memories, and of a few that are looked up. */
#define AGM_JOIN_ACTIVITY                                                                      \
	" LEFT JOIN {store}.activity a"                                                            \
	" ON a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) m.id"
#define AGM_LOOK_UP_ACTIVITY                                                                   \
	" LEFT JOIN LATERAL (SELECT * FROM {store}.activity c"                                     \
	" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR(pg_catalog.=) m.id "       \
	"OFFSET 0) a ON true"

/* The arguments every reading call begins with; the namespace becomes $1. */
extern void agm_read_open(FunctionCallInfo fcinfo, AgmStore *store, AgmParams *params);

/* The argument n, at most so many rows: 22023 unless between 1 and 10,000.  `hint`: or NULL. */
extern int agm_read_row_limit(FunctionCallInfo fcinfo, int argno, const char *hint);

/* The filter's arguments, which stand in the same places in list, count and forget_where ... */
#define AGM_FILTER_FIRST 2
#define AGM_FILTER_STATES 8
#define AGM_FILTER_ARGUMENTS 10

/* ... but for known_at (its place; -1: none).  Checked. */
extern void agm_read_filter(FunctionCallInfo fcinfo, const AgmStore *store, int known_at,
							AgmFilter *filter);

/* Runs a statement whose rows are the function's. */
extern void agm_read_rows(FunctionCallInfo fcinfo, const AgmStore *store, const char *sql,
						  const AgmParams *params, int flags, AgmColumns columns);

#endif

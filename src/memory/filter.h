/*
 * filter.h
 *		Which memories a reading call is about: its arguments, and the SQL they become.
 *
 * recall, list and count share it, so that they mean the same by the same argument.  What was
 * known at an instant is in two tables, and every statement on memories runs once for each.
 */
#ifndef AGM_MEMORY_FILTER_H
#define AGM_MEMORY_FILTER_H

#include "postgres.h"

#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/jsonb.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"

#include "base/spi.h"

/* NULL (or false) where the caller gave nothing. */
typedef struct AgmFilter
{
	ArrayType *kinds;
	ArrayType *tags;	 /* all of them */
	ArrayType *tags_any; /* at least one */
	ArrayType *states;	 /* NULL: any */
	Jsonb *attributes;	 /* contained */
	text *subject;
	text *predicate;
	text *session;
	RangeType *during;
	bool has_valid_at;
	TimestampTz valid_at;
	bool has_known_at; /* what the store held then, not what it holds now */
	TimestampTz known_at;
	bool hides_vault; /* recall never finds secrets */

	/* set by agm_filter_check */
	TimestampTz now;		/* the instant asked, unless valid_at or during say otherwise */
	ArrayType *occurrences; /* kinds that are found outside their period too */
	bool default_states;	/* states are those that are shown unless others are asked for */
	ArrayType *vault;		/* kinds whose values are secret */
} AgmFilter;

/* Where versions are: in the table memory the last one of each, in its history the others. */
typedef enum AgmSource
{
	AGM_MEMORY,
	AGM_HISTORY,
	AGM_NSOURCES
} AgmSource;

/*
 * Checks the arguments and reads what the filter needs of the store.  Raises 22023 for an
 * unknown kind or state, valid_at together with during or states with known_at; 22004 for a
 * null in an array.
 */
extern void agm_filter_check(AgmFilter *filter, const AgmStore *store);

/* The same for a filter without kinds, tags, attributes or during: takes it from one that was checked. */
extern void agm_filter_take(AgmFilter *filter, const AgmFilter *checked);

/* The states that are shown unless others are asked for. */
extern ArrayType *agm_shown_states(void);

/* Raises 2202E unless one-dimensional (or NULL), 22004 if it contains null. */
extern void agm_check_array(ArrayType *array, const char *argument);

/* Must this source be looked at?  The history only for an instant of knowledge. */
extern bool agm_filter_needs(const AgmFilter *filter, AgmSource source);

/* What finds the versions that were held at the instant asked. */
typedef enum AgmAccess
{
	AGM_ANY_INDEX,	 /* the index of time or another, as the planner sees fit */
	AGM_OTHER_INDEX, /* an index on what else is asked */
	AGM_NO_INDEX, /* ... and not even by namespace: only where no partition is to be found by it */
	AGM_TIME_INDEX /* the index of time, and nothing is read but m.tokens, which it holds */
} AgmAccess;

/*
 * Appends " FROM <source> m <join> WHERE ..." with the condition on the namespace, $1, and
 * on the instant of knowledge.
 */
extern void agm_filter_from(const AgmFilter *filter, AgmSource source, AgmAccess access,
							const char *join, StringInfo sql, AgmParams *params);

/*
 * Appends "<source> c WHERE ...", to stand after FROM: of the memory of namespace $1 for
 * which `which`, a condition on c, holds, the version that is asked for.  c.ctid is a column of c.
 */
extern void agm_filter_version(const AgmFilter *filter, AgmSource source, const char *which,
							   StringInfo sql, AgmParams *params);

/*
 * Appends " AND ..." conditions on the memory m and their parameters; $1 is the namespace.
 * `hidden` is false if the caller knows by AGM_HAS_HIDDEN that nothing in the namespace is
 * archived or forgotten: the condition on states, a join, is then left out where it can be.
 */
extern void agm_filter_append(const AgmFilter *filter, bool hidden, StringInfo sql,
							  AgmParams *params);

/*
 * The same of a memory whose row was read, for a filter of nothing but the clocks and the states that are
 * shown by default, where nothing is hidden.  NULL: the column is.
 */
extern bool agm_filter_holds(const AgmFilter *filter, const text *kind,
							 const RangeType *valid_period, const TimestampTz *expires_at);

/* SQL: whether the namespace `ns` has memories in a state that is hidden by default. */
#define AGM_HAS_HIDDEN(ns)                                                                     \
	"EXISTS (SELECT FROM {store}.activity h WHERE h.namespace OPERATOR(pg_catalog.=) " ns      \
	" AND h.state OPERATOR(pg_catalog.<>) ALL ('{active,warm,cold}'::pg_catalog.text[]))"

#endif

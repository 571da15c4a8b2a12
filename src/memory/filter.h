/*
 * filter.h
 *		Which memories a reading call is about: its arguments, and the SQL they become.
 *
 * recall, list and count share it, so that they mean the same by the same argument.
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
	bool hides_vault; /* recall never finds secrets */

	/* set by agm_filter_check */
	TimestampTz now;
	ArrayType *occurrences; /* kinds that are found outside their period too */
	ArrayType *vault;		/* kinds whose values are secret */
	bool shows_hidden;		/* states include archived */
} AgmFilter;

/*
 * Checks the arguments and reads what the filter needs of the store.  Raises 22023 for an
 * unknown kind or state, or valid_at together with during; 22004 for a null in an array.
 */
extern void agm_filter_check(AgmFilter *filter, const AgmStore *store);

/* Raises 2202E unless one-dimensional (or NULL), 22004 if it contains null. */
extern void agm_check_array(ArrayType *array, const char *argument);

/*
 * Appends " AND ..." conditions on the memory m and their parameters; $1 is the namespace.
 * `hidden` is false if the caller knows by AGM_HAS_HIDDEN that nothing in the namespace is
 * archived or forgotten: the condition on states, a join, is then left out where it can be.
 */
extern void agm_filter_append(const AgmFilter *filter, bool hidden, StringInfo sql,
							  AgmParams *params);

/* SQL: whether the namespace `ns` has memories in a state that is hidden by default. */
#define AGM_HAS_HIDDEN(ns)                                                                     \
	"EXISTS (SELECT FROM {store}.activity h WHERE h.namespace OPERATOR(pg_catalog.=) " ns      \
	" AND h.state OPERATOR(pg_catalog.<>) ALL ('{active,warm,cold}'::pg_catalog.text[]))"

#endif

/*
 * versioned.h
 *		What one versioning trigger keeps: which columns, in which history, by which plan.
 */
#ifndef AGM_TEMPORAL_VERSIONED_H
#define AGM_TEMPORAL_VERSIONED_H

#include "postgres.h"

#include "access/attnum.h"
#include "executor/spi.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"

/* Learnt at the trigger's first call and kept until a table of it is altered. */
typedef struct AgmVersioned
{
	MemoryContext context; /* holds everything here */
	Oid table;			   /* on which the trigger fires; a leaf, if partitioned */
	Oid origin;			   /* on which it was made */
	Oid history;
	Oid owner;		   /* of the origin: writes the history */
	AttrNumber period; /* column of the system period */
	int ncompared;	   /* a change of one of these makes a version */
	AttrNumber *compared;
	int ncopied; /* these go to the history, as parameters of the plan */
	AttrNumber *copied;
	SPIPlanPtr plan; /* INSERT INTO the history */
	int nkey;		 /* what a row that comes back is known by; 0: not looked for */
	AttrNumber *key;
	SPIPlanPtr last; /* the end of the last version with that key */
	SPIPlanPtr move; /* UPDATE of the period of a row of the table, of a trigger AFTER INSERT */
	bool followed;	 /* the table has such a trigger too */
	bool valid;
} AgmVersioned;

/*
 * Raises an error that says what does not fit: arguments of the trigger, the period's
 * column, the history table or a column of it.  The result lives until the end of the
 * transaction at least.
 */
extern const AgmVersioned *agm_versioned_get(Relation table, const Trigger *trigger);

#endif

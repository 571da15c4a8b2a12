/*
 * spi.h
 *		The one way in which agentmem's C code runs SQL.
 *
 * A statement is a template in which "{store}" stands for the store's quoted schema.
 * Plans are saved by (schema, template) for the life of the backend; rows are handed to
 * a callback straight from the executor, with no copy in between.  src/base/README.md
 * says which kind of plan to ask for, and why.
 */
#ifndef AGM_BASE_SPI_H
#define AGM_BASE_SPI_H

#include "postgres.h"

#include "executor/tuptable.h"

#include "base/store.h"

#define AGM_MAX_PARAMS 48

/* Parameters of one statement; agm_param gives the number to write after '$'. */
typedef struct AgmParams
{
	int n;
	Oid types[AGM_MAX_PARAMS];
	Datum values[AGM_MAX_PARAMS];
	bool nulls[AGM_MAX_PARAMS];
} AgmParams;

extern int agm_param(AgmParams *params, Oid type, Datum value, bool isnull);

/* How a statement runs; pick one of each pair. */
#define AGM_READ 0x00		  /* sees what the caller's snapshot sees */
#define AGM_WRITE 0x01		  /* a fresh snapshot: sees what locks waited for */
#define AGM_PLAN_GENERIC 0x00 /* point look-ups: planned once */
#define AGM_PLAN_CUSTOM 0x02  /* scans: planned for the values at hand */
#define AGM_PLAN_ORDERED 0x08 /* look-ups by an order: planned once, not to sort */
#define AGM_BY_HAND 0x10	  /* on behalf of the user: its rows are not ours, see below */
#define AGM_AS_OWNER 0x04	  /* history and audit: users may only read them */
#define AGM_AS_GIVEN 0x20	  /* rows keep the period in the store that they come with */
#define AGM_NEW_KEYS 0x40	  /* rows have keys that no row had before */

/* Values as statements take and give them: a bigint[], a text column (NULL if null). */
extern Datum agm_int8_array(const int64 *values, int n);
extern char *agm_slot_text(TupleTableSlot *slot, int attno);

/*
 * What a statement returns (NULL: not compared): one letter a column, '?' after it where NULL may come.
 *
 *	b boolean  i integer  l bigint  L bigint[]  f real  d double precision  t text  T text[]
 *	z timestamptz  r tstzrange  j jsonb  v tsvector  u uuid  e agentmem.vector  c tid
 *
 * The tables belong to their owner, who may have changed them: a column of another type
 * raises 42804 before a row is read, and a NULL that is not expected 22004.
 */
typedef const char *AgmColumns;

/* The slot's values are valid until the callback returns. */
typedef void (*AgmRowFn)(TupleTableSlot *slot, void *arg);

/*
 * Between begin and end the caller works in a context of its own, which end deletes.
 * An error in between cleans up by itself.
 */
typedef struct AgmSession
{
	MemoryContext caller; /* where results for the caller belong */
} AgmSession;

extern void agm_spi_begin(AgmSession *session);
extern void agm_spi_end(AgmSession *session);

/*
 * Runs one statement; returns the number of rows read or changed.  `row` may be NULL where
 * only that number counts.
 */
extern uint64 agm_execute(const AgmStore *store, const char *template, const AgmParams *params,
						  int flags, AgmColumns columns, AgmRowFn row, void *arg);

/*
 * In a trigger: was it fired by a statement of ours itself, and not by one that a trigger or
 * the user ran?  The functions write complete rows, which triggers then leave alone.
 */
extern bool agm_row_is_ours(void);

/*
 * While it lasts, SQL runs as another role, as the triggers of foreign keys do: for a statement
 * that the caller may have done but not do.  What it sets off finds functions and operators by no
 * path of the caller's.  After an error the end of the (sub)transaction puts all of it back.
 */
typedef struct AgmOwnerScope
{
	Oid user;
	int context;
	int level;
} AgmOwnerScope;

extern void agm_owner_begin(AgmOwnerScope *scope, Oid owner);
extern void agm_owner_end(const AgmOwnerScope *scope);

/*
 * In a trigger: is the row of a statement that runs AGM_AS_GIVEN?  For those that keep the
 * period of a version.
 */
extern bool agm_row_is_as_given(void);

/* ... AGM_NEW_KEYS?  For those that look for earlier versions. */
extern bool agm_row_has_new_key(void);

#endif

/*
 * direct.h
 *		Rows of a store's table read from a btree of it, without a statement.
 *
 * For many look-ups of a few entries each, where starting the executor's nodes for each costs more
 * than the look-up.  Only what an index alone can tell, in its order.  src/base/README.md, "Reading an
 * index directly", says when it may be done; where it may not, the caller has a statement that
 * means the same.
 */
#ifndef AGM_BASE_DIRECT_H
#define AGM_BASE_DIRECT_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "utils/snapshot.h"

#include "base/store.h"

/* The first column is the namespace, the second a bigint. */
typedef struct AgmDirectColumn
{
	const char *name;
	Oid type;
	bool descending;
} AgmDirectColumn;

typedef struct AgmDirect AgmDirect;

#define AGM_DIRECT_COLUMNS_MAX 8

/*
 * The index of `table` whose keys begin with the first `nkeys` columns and that has the others too,
 * none of which may be NULL.  NULL where there is none, or where the table must be read by statement.
 * Locks stay until the transaction ends, as those of statements do.  `columns` and `ns` must
 * outlive it.
 */
extern AgmDirect *agm_direct_open(const AgmStore *store, const char *table,
								  const AgmDirectColumn *columns, int nkeys, int ncolumns,
								  Datum ns, Snapshot snapshot);
extern void agm_direct_close(AgmDirect *direct);

/*
 * The entries of many values, ascending, in the order of these: faster than one value after the other, whose way down
 * from the root they share.  Calls back with the entries of values[i], of which some most[i] are wanted, until it is
 * told that it is enough; not while anything is locked.
 */
typedef bool (*AgmDirectFn)(int i, const Datum *values, void *arg);
extern void agm_direct_each(AgmDirect *direct, const int64 *values, const int64 *most, int n,
							AgmDirectFn fn, void *arg);

/* Where the table's rows have a column; 0: it is not of this type, or not there. */
extern AttrNumber agm_direct_attribute(const AgmDirect *direct, const char *name, Oid type);

/* The rows of many values, ascending; the slot is valid until the callback returns. */
typedef void (*AgmDirectRowFn)(int i, TupleTableSlot *slot, void *arg);
extern void agm_direct_rows(AgmDirect *direct, const int64 *values, int n, AgmDirectRowFn fn,
							void *arg);

/* The number of each value's rows, counted to `most`; values ascending. */
extern void agm_direct_counts(AgmDirect *direct, const int64 *values, int n, int most,
							  int *counts);

/* Goes to the entries of this value of the second column. */
extern void agm_direct_seek(AgmDirect *direct, int64 value);

/* ... and to those of all values from this one on. */
extern void agm_direct_seek_from(AgmDirect *direct, int64 value);

/* The next entry, its columns in `values` until the next call; false at the end. */
extern bool agm_direct_next(AgmDirect *direct, Datum *values);

/* The number of the value's rows, counted to `most`. */
extern int agm_direct_count(AgmDirect *direct, int64 value, int most);

/*
 * The number of entries from where it is, counted to `most`, those of rows that are gone or not yet
 * there included, which reads no row.
 */
extern int agm_direct_entries(AgmDirect *direct, int most);

#endif

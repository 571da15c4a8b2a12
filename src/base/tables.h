/*
 * tables.h
 *		A store's table below SQL: which relation has a namespace's rows, whether it may be read
 *		directly, and by which of its indexes.
 *
 * src/base/README.md, "Reading an index directly".
 */
#ifndef AGM_BASE_TABLES_H
#define AGM_BASE_TABLES_H

#include "postgres.h"

#include "nodes/nodes.h"
#include "utils/relcache.h"
#include "utils/snapshot.h"

#include "base/store.h"

/* What must hold for the caller. */
typedef enum AgmTableRights
{
	AGM_READS_ROWS,			/* nothing: a statement reads the rows that were found */
	AGM_READS_BY_NAMESPACE, /* the same, and of a namespace he may see all rows or none */
	AGM_READS_ALL /* nothing but what was read directly: he may read the table, and sees all rows of the namespace */
} AgmTableRights;

/*
 * The relation with the namespace's rows, locked as a reader does; NULL if it must be read by statement.
 * Not under SERIALIZABLE, where reads must leave predicate locks; not where a table is only the
 * name of others, and the store is not at one of them (shards.h).
 */
extern Relation agm_table_open(const AgmStore *store, const char *name, text *ns,
							   AgmTableRights rights, Snapshot snapshot);

/* The first index of the table that suits; NULL if none does.  Only those are asked about that a reader may use. */
typedef bool (*AgmIndexFn)(Relation table, Relation index, void *arg);
extern Relation agm_table_index(Relation table, Oid am, AgmIndexFn suits, void *arg);

/* Is the node a column of this name; a call of a function of this schema? */
extern bool agm_is_column(Relation table, const Node *node, const char *name);
extern bool agm_is_call(const Node *node, const char *schema, const char *name, int nargs);

#endif

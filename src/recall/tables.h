/*
 * tables.h
 *		A table of the store below SQL: which relation has a namespace's rows, and whether it is one
 *		that may be read directly.
 *
 * Nothing that is read so reaches the caller: statements, with his rights and policies, read
 * the rows that were found.  README rule 19.
 */
#ifndef AGM_RECALL_TABLES_H
#define AGM_RECALL_TABLES_H

#include "postgres.h"

#include "utils/relcache.h"

#include "recall/recall.h"

/* May anything be read below SQL: no predicate locks are wanted, and no table is the name of others elsewhere. */
extern bool agm_tables_are_here(void);

/*
 * The relation with the namespace's rows of a source, locked as a reader does; NULL if it is not a plain
 * table or partition, or `by_namespace` and the caller may see some rows of a namespace and others not.
 */
extern Relation agm_table_open(const AgmRecall *recall, AgmSource source, text *ns,
							   bool by_namespace);

/* May a reader use the index: is it complete, also for rows that are older than itself? */
extern bool agm_index_is_usable(Relation index);

/* Is the node a column of this name; a call of a function of agentmem, or of the server, by this name? */
extern bool agm_is_column(Relation table, const Node *node, const char *name);
extern bool agm_is_call(const Node *node, const char *schema, const char *name, int nargs);

/* Entries of indexes as numbers in the order of the table: source << 48 | block << 16 | offset. */
#define AGM_ENTRY(source, block, offset)                                                       \
	((uint64) (source) << 48 | (uint64) (block) << 16 | (offset))
#define AGM_ENTRY_SOURCE(entry) ((AgmSource) ((entry) >> 48))
#define AGM_ENTRY_BLOCK(entry) ((BlockNumber) ((entry) >> 16))
#define AGM_ENTRY_OFFSET(entry) ((OffsetNumber) ((entry) &0xffff))

#endif

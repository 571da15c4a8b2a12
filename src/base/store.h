/*
 * store.h
 *		A store is a schema: finding it, checking that the caller may use it, and
 *		the checks of arguments that every public function repeats.
 */
#ifndef AGM_BASE_STORE_H
#define AGM_BASE_STORE_H

#include "postgres.h"

#include "nodes/parsenodes.h"

#include "base/compat.h"

typedef struct AgmStore
{
	const char *name;	/* the schema, as the catalog spells it */
	const char *quoted; /* fit to stand in SQL */
	bool partitioned;	/* its data tables are, by namespace */
	Oid memory;			/* the table of its memories */
	Oid owner;			/* of it */
	Oid operations;		/* the sequence of operations */
	Oid ids;			/* that of the memories' */
	bool distributed;	/* its tables are names of others, here or on other servers: shards.h */
	int64 shard;		/* those are meant that are beside this shard of memory's; 0: none */
	const struct AgmShards *shards;
} AgmStore;

/*
 * Finds the store, and what has the namespace where it is distributed (`ns` NULL: it is of all).  Raises 3F000 if there is no such schema, 42809 if it is no store, 42501 with the
 * GRANT to run if the caller lacks USAGE on it or `need` (ACL_SELECT, ACL_INSERT ...)
 * on its memories.  Strings are palloc'd.
 */
extern void agm_store_open(AgmStore *store, const char *name, text *ns, AclMode need);

/* Dimensions of the column embedding, as the catalog has them now; 0: any, or there is none. */
extern int agm_store_dimensions(const AgmStore *store);

/* The store whose table of memories (or a partition or a shard of which) this is; nobody's right is asked. */
extern void agm_store_of_table(AgmStore *store, Oid relid);

/* Raises 25006 if nothing can be written: `what` is the function, for the message. */
extern void agm_require_writable(const char *what);

/* Raises 22004 "… must not be null". */
extern void agm_require_not_null(bool isnull, const char *argument);

/* Raises 22023 unless 1 to 512 bytes without control characters. */
extern void agm_check_namespace(const char *ns, int len);

/* The instant (timestamptz) at which a lease of that interval ends, if it begins now; 22023 unless later. */
extern Datum agm_lease_end(Datum lease);

/* Has the store a table of this name?  Stores of other versions lack some. */
extern bool agm_store_has(const AgmStore *store, const char *table);

/* Who owns a relation. */
extern Oid agm_table_owner(Oid relid);

/* OID of a type of the extension's schema, and of the array of it. */
extern Oid agm_type_oid(const char *name);

#endif

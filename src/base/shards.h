/*
 * shards.h
 *		Where an engine keeps a store's rows: the tables behind the names.
 *
 * On Citus a distributed table is a name, on every server; its rows are in shards, tables of their own
 * on this server or another.  What has one namespace is read and written there.  src/base/README.md,
 * "Shards".
 */
#ifndef AGM_BASE_SHARDS_H
#define AGM_BASE_SHARDS_H

#include "postgres.h"

#include "base/store.h"

/* Is the table but a name?  False where there is no such engine, which costs next to nothing to find out. */
extern bool agm_is_distributed(Oid relid);

/*
 * Makes the store that of the namespace: its tables are those of this server that have it.  `writes`: also, until
 * the transaction ends, nobody takes them to another server.  Raises 0A000, naming the server, if it is not this one.
 * Does nothing to a store that is not distributed.
 */
extern void agm_store_at(AgmStore *store, text *ns, bool writes);

/* The same to write; false, instead of an error or a wait. */
extern bool agm_store_try_at(AgmStore *store, text *ns);

/* Is it in the same shard as the one that the store is at? */
extern bool agm_store_is_at(const AgmStore *store, text *ns);

/* The table that has the rows of this one of the store's: itself if there is no other. */
extern Oid agm_store_table(const AgmStore *store, const char *name);

/* The name of that one, if it is another; NULL else. */
extern const char *agm_shard_name(const AgmStore *store, const char *name, size_t len);

/* Makes it the store whose shard the table is, at its place; false if it is none. */
extern bool agm_store_of_shard(AgmStore *store, Oid relid);

/* If the table is a shard: the distributed table.  InvalidOid else. */
extern Oid agm_shard_owner(Oid relid);

/* Of a shard's table and the name of one distributed like it, in the same schema: its shard beside. */
extern Oid agm_shard_beside(Oid relid, const char *name);

/* The shard of this table that is beside that one, a shard of a table of the same schema; InvalidOid if there is none. */
extern Oid agm_shard_at(int64 shard, Oid table);

/* Makes the store that of one shard of its memories on this server; false if it is not here. */
extern bool agm_store_at_shard(AgmStore *store, int64 shard, bool writes);

/* For who reads policies only, which each server has, perhaps while Citus reads shards of this one. */
extern void agm_store_at_policies(AgmStore *store);

/* The shards of the store's memories on this server; if it is `required` that there are some, raises 0A000. */
extern int64 *agm_store_local_shards(const AgmStore *store, bool required, int *n);

/* Is a call of the function sent to where the namespace is that it names? */
extern bool agm_is_sent(Oid function);

extern void agm_shards_init(void);

#endif

/*
 * shards.c
 *		Where an engine keeps a store's rows: the tables behind the names.
 *
 * Reads the catalogs of Citus, and knows nothing else of it.  Rules: src/base/README.md, "Shards".
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "base/shards.h"

/* A store has fewer tables, and a schema that is none may have more. */
#define BESIDE_MAX 256

/* The table of shards' locks is told from others by this (ADV_LOCKTAG_CLASS_CITUS_SHARD_METADATA). */
#define SHARD_METADATA 4

typedef struct Pair
{
	Oid table; /* distributed */
	Oid shard; /* of this server */
	NameData name;
	NameData shard_name;
} Pair;

/* The shards that are beside one: of the same place, of tables of one schema. */
typedef struct AgmShards
{
	int64 id; /* of the one: the key */
	int n;
	Pair *pairs;
} AgmShards;

static HTAB *known = NULL;
static MemoryContext known_context = NULL;
static bool stale = false;

/* What moves, and what is altered, tells so of the table. */
static void
invalidate(Datum arg, Oid relid)
{
	(void) arg;
	(void) relid;
	stale = true;
}

static void
open_known(void)
{
	HASHCTL ctl = {0};

	if (known_context == NULL)
	{
		known_context =
			AllocSetContextCreate(TopMemoryContext, "agentmem shards", ALLOCSET_SMALL_SIZES);
		CacheRegisterRelcacheCallback(invalidate, (Datum) 0);
	}
	else if (!stale && known != NULL)
		return;
	known = NULL;
	MemoryContextReset(known_context);
	stale = false;
	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(AgmShards);
	ctl.hcxt = known_context;
	known = hash_create("agentmem shards", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Its own catalog is in pg_catalog: that costs less to look for than pg_extension. */
static Oid
distributed_tables(void)
{
	return get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE);
}

bool
agm_is_distributed(Oid relid)
{
	Oid catalog = distributed_tables();
	Relation tables;
	SysScanDesc scan;
	ScanKeyData key;
	bool found;

	if (!OidIsValid(catalog) || !OidIsValid(relid))
		return false;
	tables = table_open(catalog, AccessShareLock);
	/* Its first column is the table. */
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(
		tables,
		get_relname_relid("pg_dist_partition_logical_relid_index", PG_CATALOG_NAMESPACE), true,
		NULL, 1, &key);
	found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(tables, AccessShareLock);
	return found;
}

/*
 * One statement on Citus's catalogs, as they are now for who has waited for a lock.  SPI's results
 * are the caller's until SPI_finish().
 */
static uint64
look_up(SPIPlanPtr *plan, const char *sql, int n, Oid *types, Datum *values, bool now)
{
	int rc;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (*plan == NULL)
	{
		SPIPlanPtr made = SPI_prepare(sql, n, types);

		if (made == NULL)
			elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
		(void) SPI_keepplan(made);
		*plan = made;
	}
	if (now)
		PushActiveSnapshot(GetLatestSnapshot());
	rc = SPI_execute_plan(*plan, values, NULL, true, 0);
	if (now)
		PopActiveSnapshot();
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "could not execute statement: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static void
look_up_end(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

static Datum
result(uint64 row, int column)
{
	bool isnull;
	Datum value =
		SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull);

	if (isnull)
		elog(ERROR, "a row of Citus's catalogs has a null");
	return value;
}

/* The number of the table's shard that has the namespace; 0 if none has. */
static int64
shard_of(Oid table, text *ns, bool now)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {REGCLASSOID, TEXTOID};
	Datum values[] = {ObjectIdGetDatum(table), PointerGetDatum(ns)};
	int64 shard = 0;

	if (look_up(&plan, "SELECT pg_catalog.get_shard_id_for_distribution_column($1, $2)",
				lengthof(types), types, values, now) > 0)
		shard = DatumGetInt64(result(0, 1));
	look_up_end();
	return shard;
}

/*
 * A shard's table is named for its own and the number.  Those beside it are of the same range of hashes and colocated;
 * of a reference table each server has all.
 */
#define BESIDE                                                                                 \
	"SELECT t.logicalrelid, t.shardid, s.logicalrelid FROM pg_catalog.pg_dist_shard s"         \
	" JOIN pg_catalog.pg_dist_partition o ON o.logicalrelid OPERATOR(pg_catalog.=)"            \
	"  s.logicalrelid"                                                                         \
	" JOIN pg_catalog.pg_dist_partition d ON d.partmethod OPERATOR(pg_catalog.=) 'n'"          \
	"  OR d.colocationid OPERATOR(pg_catalog.=) o.colocationid"                                \
	" JOIN pg_catalog.pg_dist_shard t ON t.logicalrelid OPERATOR(pg_catalog.=) d.logicalrelid" \
	"  AND (t.shardminvalue IS NULL"                                                           \
	"       OR t.shardminvalue OPERATOR(pg_catalog.=) s.shardminvalue)"                        \
	" JOIN pg_catalog.pg_dist_placement p ON p.shardid OPERATOR(pg_catalog.=) t.shardid"       \
	"  AND p.shardstate OPERATOR(pg_catalog.=) 1"                                              \
	" JOIN pg_catalog.pg_dist_local_group l ON l.groupid OPERATOR(pg_catalog.=) p.groupid"     \
	" WHERE s.shardid OPERATOR(pg_catalog.=) $1"

/* Those that are beside this shard, on this server, of tables of its schema. */
static AgmShards *
beside(int64 id, bool now)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(id)};
	AgmShards found = {id, 0, NULL};
	AgmShards *shards;
	MemoryContext context = CurrentMemoryContext;
	uint64 n;
	bool exists;

	open_known();
	shards = hash_search(known, &id, HASH_FIND, NULL);
	if (shards != NULL)
		return shards;
	found.pairs = palloc(sizeof(Pair) * BESIDE_MAX);
	n = look_up(&plan, BESIDE, lengthof(types), types, values, now);
	for (uint64 i = 0; i < n && found.n < BESIDE_MAX; i++)
	{
		Pair *pair = &found.pairs[found.n];
		Oid schema = get_rel_namespace(DatumGetObjectId(result(i, 3)));
		char *name;

		pair->table = DatumGetObjectId(result(i, 1));
		name = get_rel_name(pair->table);
		if (name == NULL || get_rel_namespace(pair->table) != schema)
			continue;
		namestrcpy(&pair->name, name);
		namestrcpy(&pair->shard_name,
				   psprintf("%s_" INT64_FORMAT, name, DatumGetInt64(result(i, 2))));
		pair->shard = get_relname_relid(NameStr(pair->shard_name), schema);
		found.n += OidIsValid(pair->shard);
	}
	look_up_end();
	/* Looking may have told of changes. */
	open_known();
	MemoryContextSwitchTo(known_context);
	{
		Pair *copy = palloc(sizeof(Pair) * Max(found.n, 1));

		memcpy(copy, found.pairs, sizeof(Pair) * found.n);
		pfree(found.pairs);
		found.pairs = copy;
	}
	MemoryContextSwitchTo(context);
	shards = hash_search(known, &id, HASH_ENTER, &exists);
	*shards = found;
	return shards;
}

/* What is known may be thrown away while a call lasts: it has its own. */
static AgmShards *
copy_shards(const AgmShards *shards)
{
	AgmShards *copy = palloc(sizeof(AgmShards));

	*copy = *shards;
	copy->pairs = palloc(sizeof(Pair) * Max(shards->n, 1));
	memcpy(copy->pairs, shards->pairs, sizeof(Pair) * shards->n);
	return copy;
}

static const Pair *
find_pair(const AgmShards *shards, const char *name, size_t len)
{
	for (int i = 0; i < shards->n; i++)
		if (strncmp(NameStr(shards->pairs[i].name), name, len) == 0 &&
			NameStr(shards->pairs[i].name)[len] == '\0')
			return &shards->pairs[i];
	return NULL;
}

/*
 * As who writes through Citus: a shard that moves takes it exclusively, on all servers, before the last of
 * its rows has gone.
 */
static bool
lock_shard(int64 id, bool wait)
{
	LOCKTAG tag;
	bool taken;

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (id >> 32), (uint32) id, SHARD_METADATA);
	taken = LockAcquire(&tag, ShareLock, false, !wait) != LOCKACQUIRE_NOT_AVAIL;
	AcceptInvalidationMessages();
	return taken;
}

/* Takes the store to the shard; false if it is not here. */
static bool
go_to(AgmStore *store, int64 id, bool now)
{
	const AgmShards *shards = beside(id, now);
	const Pair *memory = find_pair(shards, "memory", strlen("memory"));

	if (memory == NULL || memory->table != store->memory)
		return false;
	store->shards = copy_shards(shards);
	store->shard = id;
	return true;
}

static char *
server_of(int64 id)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(id)};
	MemoryContext context = CurrentMemoryContext;
	char *server = NULL;

	if (look_up(&plan,
				"SELECT pg_catalog.format('%s:%s', n.nodename, n.nodeport)"
				" FROM pg_catalog.pg_dist_placement p JOIN pg_catalog.pg_dist_node n"
				"  ON n.groupid OPERATOR(pg_catalog.=) p.groupid"
				"  AND n.noderole OPERATOR(pg_catalog.=) 'primary'"
				" WHERE p.shardid OPERATOR(pg_catalog.=) $1"
				"  AND p.shardstate OPERATOR(pg_catalog.=) 1",
				lengthof(types), types, values, false) > 0)
		server = MemoryContextStrdup(context, TextDatumGetCString(result(0, 1)));
	look_up_end();
	return server;
}

void
agm_store_at(AgmStore *store, text *ns, bool writes)
{
	int64 id;
	char *server;

	if (!store->distributed)
		return;
	id = shard_of(store->memory, ns, false);
	if (id != 0 && writes)
		(void) lock_shard(id, true);
	if (id != 0 && go_to(store, id, writes))
		return;
	server = id == 0 ? NULL : server_of(id);
	ereport(
		ERROR,
		(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		 errmsg("namespace \"%s\" of store \"%s\" is not on this server", text_to_cstring(ns),
				store->name),
		 server == NULL ? 0 : errdetail("It is on %s.", server),
		 errhint("A call goes there by itself if it is a statement of its own, SELECT f(...) "
				 "or SELECT ... FROM f(...), with constants or parameters as arguments and "
				 "no WHERE.")));
}

bool
agm_store_try_at(AgmStore *store, text *ns)
{
	int64 id;

	if (!store->distributed)
		return true;
	id = shard_of(store->memory, ns, false);
	return id != 0 && lock_shard(id, false) && go_to(store, id, true);
}

bool
agm_store_is_at(const AgmStore *store, text *ns)
{
	return store->shard == 0 || shard_of(store->memory, ns, false) == store->shard;
}

const char *
agm_shard_name(const AgmStore *store, const char *name, size_t len)
{
	const Pair *pair = find_pair(store->shards, name, len);

	return pair == NULL ? NULL : NameStr(pair->shard_name);
}

Oid
agm_store_table(const AgmStore *store, const char *name)
{
	if (store->shards != NULL)
	{
		const Pair *pair = find_pair(store->shards, name, strlen(name));

		if (pair != NULL)
			return pair->shard;
	}
	return get_relname_relid(name, get_rel_namespace(store->memory));
}

/* The number at the end of a table's name, with the length of what is before it; 0: there is none. */
static int64
number_of(const char *name, size_t *len)
{
	const char *mark = strrchr(name, '_');
	char *end;
	int64 number;

	if (mark == NULL || mark[1] < '1' || mark[1] > '9')
		return 0;
	errno = 0;
	number = strtoi64(mark + 1, &end, 10);
	*len = mark - name;
	return errno == 0 && *end == '\0' ? number : 0;
}

/* The table of which this is a shard, with its number; InvalidOid if it is none. */
static Oid
shard_number(Oid relid, int64 *id)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {INT8OID};
	Datum values[1];
	Oid table = InvalidOid;
	char *name;
	char *owner;
	size_t len = 0;

	if (!OidIsValid(distributed_tables()))
		return InvalidOid;
	name = get_rel_name(relid);
	*id = name == NULL ? 0 : number_of(name, &len);
	if (*id == 0)
		return InvalidOid;
	values[0] = Int64GetDatum(*id);
	if (look_up(&plan,
				"SELECT s.logicalrelid FROM pg_catalog.pg_dist_shard s"
				" WHERE s.shardid OPERATOR(pg_catalog.=) $1",
				lengthof(types), types, values, false) > 0)
		table = DatumGetObjectId(result(0, 1));
	look_up_end();
	owner = OidIsValid(table) ? get_rel_name(table) : NULL;
	if (owner == NULL || strlen(owner) != len || strncmp(owner, name, len) != 0 ||
		get_rel_namespace(table) != get_rel_namespace(relid))
		return InvalidOid;
	return table;
}

Oid
agm_shard_owner(Oid relid)
{
	int64 id;

	return shard_number(relid, &id);
}

bool
agm_store_of_shard(AgmStore *store, Oid relid)
{
	int64 id;

	return OidIsValid(shard_number(relid, &id)) && go_to(store, id, false);
}

Oid
agm_shard_beside(Oid relid, const char *name)
{
	int64 id;
	const Pair *pair;

	if (!OidIsValid(shard_number(relid, &id)))
		return InvalidOid;
	pair = find_pair(beside(id, false), name, strlen(name));
	return pair == NULL ? InvalidOid : pair->shard;
}

Oid
agm_shard_at(int64 shard, Oid table)
{
	const AgmShards *shards;

	if (table < FirstNormalObjectId || !OidIsValid(distributed_tables()))
		return InvalidOid;
	shards = beside(shard, false);
	for (int i = 0; i < shards->n; i++)
		if (shards->pairs[i].table == table)
			return shards->pairs[i].shard;
	return InvalidOid;
}

bool
agm_store_at_shard(AgmStore *store, int64 shard, bool writes)
{
	if (writes)
		(void) lock_shard(shard, true);
	return go_to(store, shard, writes);
}

int64 *
agm_store_local_shards(const AgmStore *store, bool required, int *n)
{
	static SPIPlanPtr plan = NULL;
	Oid types[] = {REGCLASSOID};
	Datum values[] = {ObjectIdGetDatum(store->memory)};
	MemoryContext context = CurrentMemoryContext;
	int64 *shards;

	*n = (int) look_up(&plan,
					   "SELECT s.shardid FROM pg_catalog.pg_dist_shard s"
					   " JOIN pg_catalog.pg_dist_placement p"
					   "  ON p.shardid OPERATOR(pg_catalog.=) s.shardid"
					   "  AND p.shardstate OPERATOR(pg_catalog.=) 1"
					   " JOIN pg_catalog.pg_dist_local_group l"
					   "  ON l.groupid OPERATOR(pg_catalog.=) p.groupid"
					   " WHERE s.logicalrelid OPERATOR(pg_catalog.=) $1 ORDER BY s.shardid",
					   lengthof(types), types, values, false);
	shards = MemoryContextAlloc(context, sizeof(int64) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		shards[i] = DatumGetInt64(result(i, 1));
	look_up_end();
	if (required && *n == 0)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("store \"%s\" has no shard on this server", store->name),
						errhint("Call it on each server that has some, or give a namespace.")));
	return shards;
}

bool
agm_is_sent(Oid function)
{
	Oid catalog = get_relname_relid("pg_dist_object", PG_CATALOG_NAMESPACE);
	Relation objects;
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple tuple;
	AttrNumber sent_by;
	bool isnull = true;

	if (!OidIsValid(catalog))
		return false;
	sent_by = get_attnum(catalog, "colocationid");
	objects = table_open(catalog, AccessShareLock);
	/* Its first columns are the class and the object. */
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(function));
	scan = systable_beginscan(objects,
							  get_relname_relid("pg_dist_object_pkey", PG_CATALOG_NAMESPACE),
							  true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && sent_by != InvalidAttrNumber)
		(void) heap_getattr(tuple, sent_by, RelationGetDescr(objects), &isnull);
	systable_endscan(scan);
	table_close(objects, AccessShareLock);
	return !isnull;
}

void
agm_store_at_policies(AgmStore *store)
{
	int n = 0;
	int64 *shards = store->distributed ? agm_store_local_shards(store, false, &n) : NULL;

	if (n > 0)
		(void) agm_store_at_shard(store, shards[0], false);
}

/*
 * store.c
 *		Finding a store and refusing, early and clearly, who may not use it.
 *
 * The executor checks every privilege again; the checks here are for the message.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/shards.h"
#include "base/store.h"

#define NAMESPACE_BYTES_MAX 512

/* The table of a schema, or an error that the schema is no store. */
static Oid
store_table(const char *store, Oid schema, const char *table)
{
	Oid relid = get_relname_relid(table, schema);

	if (!OidIsValid(relid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("schema \"%s\" is not a store", store),
						errdetail("It has no table \"%s\".", table),
						errhint("SELECT store FROM agentmem.stores lists the stores.")));
	return relid;
}

/* A memory takes its id, and a call its number, from the store's sequences. */
static bool
may_take_ids(Oid schema)
{
	static const char *const names[] = {"id_seq", "operation_seq"};

	for (size_t i = 0; i < lengthof(names); i++)
	{
		Oid sequence = get_relname_relid(names[i], schema);

		if (OidIsValid(sequence) &&
			pg_class_aclcheck(sequence, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
			return false;
	}
	return true;
}

Oid
agm_table_owner(Oid relid)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* What is known of a store by its table of memories. */
static void
describe(AgmStore *store, Oid schema, Oid memory)
{
	store->partitioned = get_rel_relkind(memory) == RELKIND_PARTITIONED_TABLE;
	store->memory = memory;
	store->owner = agm_table_owner(memory);
	store->operations = get_relname_relid("operation_seq", schema);
	store->ids = get_relname_relid("id_seq", schema);
	store->distributed = agm_is_distributed(memory);
	store->shard = 0;
	store->shards = NULL;
}

void
agm_store_open(AgmStore *store, const char *name, text *ns, AclMode need)
{
	Oid schema = get_namespace_oid(name, true);
	Oid memory;

	store->name = pstrdup(name);
	store->quoted = quote_identifier(store->name);
	if (!OidIsValid(schema))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_SCHEMA), errmsg("store \"%s\" does not exist", name),
				 errhint("Create it with SELECT agentmem.create_store(%s).",
						 quote_literal_cstr(name))));
	if (object_aclcheck(NamespaceRelationId, schema, GetUserId(), ACL_USAGE) != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for store \"%s\"", name),
				 errhint("Its owner can run GRANT USAGE ON SCHEMA %s TO %s.", store->quoted,
						 quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	memory = store_table(name, schema, "memory");
	describe(store, schema, memory);
	(void) store_table(name, schema, "kind");
	(void) store_table(name, schema, "setting");
	if (pg_class_aclmask(memory, GetUserId(), need, ACLMASK_ALL) != need ||
		((need & ACL_INSERT) && !may_take_ids(schema)))
	{
		const char *role = quote_identifier(GetUserNameFromId(GetUserId(), false));

		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for the memories of store \"%s\"", name),
			 need == ACL_SELECT
				 ? errhint(
					   "Its owner can run GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s, then "
					   "REVOKE ALL ON %s.secret FROM %s.",
					   store->quoted, role, store->quoted, role)
				 : errhint(
					   "Its owner can run GRANT SELECT ON ALL TABLES IN SCHEMA %s TO %s, "
					   "GRANT INSERT, UPDATE ON %s.memory, %s.activity, %s.namespace, "
					   "%s.key_lock, %s.edge, %s.conflict TO %s and GRANT USAGE ON ALL "
					   "SEQUENCES IN SCHEMA %s TO %s, then REVOKE ALL ON %s.secret FROM %s.",
					   store->quoted, role, store->quoted, store->quoted, store->quoted,
					   store->quoted, store->quoted, store->quoted, role, store->quoted, role,
					   store->quoted, role)));
	}
	/*
	 * Before policies and settings are read: who changes what kinds or embeddings are waits for
	 * us, or we see the change.  And before any row is locked, so that he never waits for one
	 * whose holder waits for him.
	 */
	LockRelationOid(memory, (need & ACL_INSERT) ? RowExclusiveLock : AccessShareLock);
	if (ns != NULL)
		agm_store_at(store, ns, (need & ~ACL_SELECT) != 0);
}

int
agm_store_dimensions(const AgmStore *store)
{
	AttrNumber column = get_attnum(store->memory, "embedding");
	Oid type;
	Oid collation;
	int32 typmod;

	if (column == InvalidAttrNumber)
		return 0;
	get_atttypetypmodcoll(store->memory, column, &type, &typmod, &collation);
	return Max(typmod, 0);
}

bool
agm_store_has(const AgmStore *store, const char *table)
{
	return OidIsValid(get_relname_relid(table, get_namespace_oid(store->name, false)));
}

void
agm_store_of_table(AgmStore *store, Oid relid)
{
	Oid schema;
	Oid memory = agm_shard_owner(relid);
	bool is_shard = OidIsValid(memory);

	if (!is_shard)
		memory =
			get_rel_relispartition(relid) ? llast_oid(get_partition_ancestors(relid)) : relid;
	schema = get_rel_namespace(memory);
	store->name = get_namespace_name(schema);
	store->quoted = quote_identifier(store->name);
	if (store_table(store->name, schema, "memory") != memory)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("table \"%s\" holds no memories", get_rel_name(memory)),
				 errhint("The trigger belongs to the table \"memory\" of a store only.")));
	describe(store, schema, memory);
	if (is_shard && !agm_store_of_shard(store, relid))
		elog(ERROR, "shard \"%s\" is not of this server", get_rel_name(relid));
}

void
agm_require_writable(const char *what)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("cannot execute %s on a standby", what),
						errhint("Write to the primary; recall works here.")));
	if (XactReadOnly)
		ereport(ERROR, (errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						errmsg("cannot execute %s in a read-only transaction", what),
						errhint("Begin a READ WRITE transaction; recall works in this one.")));
}

void
agm_require_not_null(bool isnull, const char *argument)
{
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be null", argument),
				 errhint("Give a value, or leave the argument out if it has a default.")));
}

void
agm_check_namespace(const char *ns, int len)
{
	bool valid = len >= 1 && len <= NAMESPACE_BYTES_MAX;

	for (int i = 0; valid && i < len; i++)
		valid = (unsigned char) ns[i] >= 0x20 && ns[i] != 0x7f;
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid namespace"),
				 errdetail("A namespace has 1 to %d bytes and no control characters; this one "
						   "has %d bytes.",
						   NAMESPACE_BYTES_MAX, len),
				 errhint("Use a tenant, user or session name such as user/42.")));
}

Datum
agm_lease_end(Datum lease)
{
	TimestampTz now = GetCurrentTimestamp();
	Datum end = DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), lease);

	if (DatumGetTimestampTz(end) <= now || TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(end)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("lease must be longer than nothing"),
						errhint("As long as the model may take, for example '5 min'.")));
	return end;
}

Oid
agm_type_oid(const char *name)
{
	Oid schema = get_namespace_oid("agentmem", false);
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, PointerGetDatum(name),
							   ObjectIdGetDatum(schema));

	if (!OidIsValid(type))
		elog(ERROR, "type agentmem.%s does not exist", name);
	return type;
}

/*
 * policy.c
 *		What holds for a category of the cache now: threshold, lifetime and quota under the
 *		present load.
 *
 * Rules: src/cache/README.md, "Policy".
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

#include "base/shards.h"
#include "cache/cache.h"
#include "memory/read.h"

#define CATEGORY_BYTES_MAX 512

/* For arguments that have no default. */
void
agm_cache_require(bool missing, const char *argument)
{
	if (missing)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not be null", argument), errhint("Give a value.")));
}

static void
check_category(text *category)
{
	int len = VARSIZE_ANY_EXHDR(category);
	bool valid = len >= 1 && len <= CATEGORY_BYTES_MAX;

	for (int i = 0; valid && i < len; i++)
	{
		unsigned char c = ((unsigned char *) VARDATA_ANY(category))[i];

		valid = c >= 0x20 && c != 0x7f;
	}
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid category"),
						errdetail("A category has 1 to %d bytes and no control characters; "
								  "this one has %d bytes.",
								  CATEGORY_BYTES_MAX, len),
						errhint("Name what is asked there, such as weather or code.")));
}

static void
read_policy(TupleTableSlot *slot, void *arg)
{
	AgmCachePolicy *policy = arg;
	bool isnull;
	float4 threshold = DatumGetFloat4(slot_getattr(slot, 1, &isnull));
	float4 least = DatumGetFloat4(slot_getattr(slot, 2, &isnull));
	float4 load = DatumGetFloat4(slot_getattr(slot, 3, &isnull));
	Datum value = slot_getattr(slot, 4, &isnull);
	char *text;

	policy->threshold = threshold - load * (threshold - least);
	policy->given_from = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	value = slot_getattr(slot, 5, &isnull);
	policy->kept_from = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	value = slot_getattr(slot, 6, &isnull);
	policy->quota = isnull ? PG_INT64_MAX : DatumGetInt64(value);
	text = agm_slot_text(slot, 7);
	policy->metric = text == NULL ? 'c' : text[0];
	text = agm_slot_text(slot, 8);
	policy->dimensions = text == NULL ? 0 : pg_strtoint32(text);
	policy->is_seen = DatumGetBool(slot_getattr(slot, 9, &isnull));
}

/* One statement, as each costs a look-up about a tenth of its time. */
#define POLICY                                                                                 \
	"SELECT c.threshold, c.threshold_min, l.load,"                                             \
	" $3 OPERATOR(pg_catalog.-) (c.ttl OPERATOR(pg_catalog.+)"                                 \
	"  ((c.ttl_max OPERATOR(pg_catalog.-) c.ttl)"                                              \
	"   OPERATOR(pg_catalog.*) l.load::pg_catalog.float8)),"                                   \
	" $3 OPERATOR(pg_catalog.-) c.ttl_max, c.quota,"                                           \
	" (SELECT s.value FROM {store}.setting s WHERE s.name OPERATOR(pg_catalog.=) 'metric'),"   \
	" (SELECT s.value FROM {store}.setting s"                                                  \
	"  WHERE s.name OPERATOR(pg_catalog.=) 'dimensions'),"                                     \
	" EXISTS (SELECT FROM {store}.cache_state t WHERE t.namespace OPERATOR(pg_catalog.=) $1"   \
	"  AND t.category OPERATOR(pg_catalog.=) $2)"                                              \
	" FROM {store}.cache_category c CROSS JOIN LATERAL"                                        \
	" (SELECT CASE WHEN c.load_until OPERATOR(pg_catalog.>) $3 THEN c.load"                    \
	"  ELSE 0::pg_catalog.float4 END) l(load)"                                                 \
	" WHERE c.name OPERATOR(pg_catalog.=) ANY (ARRAY[$2, 'default'])"                          \
	" ORDER BY c.name OPERATOR(pg_catalog.=) 'default' LIMIT 1"

static void
read_category(AgmCache *cache)
{
	AgmParams params = cache->key;

	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->now), false);
	if (agm_execute(&cache->store, POLICY, &params, AGM_READ | AGM_PLAN_GENERIC,
					"fffz?z?l?t?t?b", read_policy, &cache->policy) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("category \"%s\" has no policy", TextDatumGetCString(cache->category)),
				 errhint("INSERT INTO %s.cache_category (name) VALUES ('default') makes "
						 "one for all without a row.",
						 cache->store.quoted)));
}

static void
set_category(AgmCache *cache, text *category)
{
	check_category(category);
	cache->category = PointerGetDatum(category);
	agm_param(&cache->key, TEXTOID, cache->category, false);
}

/* The executor checks them again; here for the message. */
static void
require_privileges(const AgmStore *store)
{
	static const char *const tables[] = {"cache", "cache_use", "cache_state", "cache_log",
										 "cache_claim"};
	const AclMode needed = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;
	Oid schema = get_namespace_oid(store->name, false);
	bool may = pg_class_aclcheck(store->operations, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
	const char *role;

	for (size_t i = 0; may && i < lengthof(tables); i++)
	{
		Oid relid = get_relname_relid(tables[i], schema);

		may = !OidIsValid(relid) ||
			  pg_class_aclmask(relid, GetUserId(), needed, ACLMASK_ALL) == needed;
	}
	if (may)
		return;
	role = quote_identifier(GetUserNameFromId(GetUserId(), false));
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for the cache of store \"%s\"", store->name),
			 errhint("Its owner can run GRANT SELECT, INSERT, UPDATE, DELETE ON %s.cache, "
					 "%s.cache_use, %s.cache_state, %s.cache_log, %s.cache_claim TO %s and "
					 "GRANT USAGE ON SEQUENCE %s.operation_seq TO %s.",
					 store->quoted, store->quoted, store->quoted, store->quoted, store->quoted,
					 role, store->quoted, role)));
}

/* Is the row of a namespace there for this caller only if a policy says so?  Then he has to see it. */
static bool
is_under_policy(const AgmStore *store)
{
	Oid relid = get_relname_relid("namespace", get_namespace_oid(store->name, false));

	if (!OidIsValid(relid) || check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		ereport(
			ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for the cache of store \"%s\"", store->name),
			 errhint("Under row security its owner has to GRANT SELECT ON %s.namespace TO %s "
					 "too.",
					 store->quoted, quote_identifier(GetUserNameFromId(GetUserId(), false)))));
	return true;
}

/* Store and namespace, the first arguments of each function; `writes`: its name, if it does. */
void
agm_cache_open(FunctionCallInfo fcinfo, AgmCache *cache, const char *writes)
{
	memset(cache, 0, sizeof(*cache));
	if (writes != NULL)
		agm_require_writable(writes);
	agm_read_open(fcinfo, &cache->store, &cache->key);
	cache->ns = cache->key.values[0];
	cache->now = GetCurrentTimestamp();
	cache->relid = get_relname_relid("cache", get_namespace_oid(cache->store.name, false));
	if (!OidIsValid(cache->relid))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("store \"%s\" has no table \"cache\"", cache->store.name),
						errhint("A table of the store was changed: compare it with that of a "
								"new store.")));
	if (writes == NULL)
		return;
	require_privileges(&cache->store);
	agm_store_at(&cache->store, DatumGetTextPP(cache->ns), true);
	cache->under_policy = is_under_policy(&cache->store);
}

/* The category too, and what holds for it. */
void
agm_cache_open_category(FunctionCallInfo fcinfo, AgmCache *cache, const char *writes)
{
	agm_cache_open(fcinfo, cache, writes);
	agm_cache_require(PG_ARGISNULL(2), "category");
	set_category(cache, PG_GETARG_TEXT_PP(2));
	read_category(cache);
}

/* Another category of the namespace. */
void
agm_cache_of(const AgmCache *cache, Datum category, AgmCache *other)
{
	*other = *cache;
	other->key.n = 1;
	set_category(other, DatumGetTextPP(category));
	read_category(other);
}

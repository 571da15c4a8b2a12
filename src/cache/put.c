/*
 * put.c
 *		An answer comes into the cache.
 *
 * Rules: src/cache/README.md.  The category is held from the first write of an entry on.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "cache/cache.h"

/* What a put removes for others at most; what is over the quota by then is an owner's change. */
#define EXPIRED_MAX 16
#define EVICTED_MAX 1000

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

static AgmParams
answer_params(const AgmCache *cache, const AgmAnswer *answer)
{
	AgmParams params = cache->key;

	agm_param(&params, UUIDOID, UUIDPGetDatum(&answer->hash), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->now), false);
	agm_param(&params, agm_type_oid("vector"), answer->embedding, !answer->has_embedding);
	agm_param(&params, TEXTOID, answer->response, false);
	agm_param(&params, JSONBOID, answer->attributes, !answer->has_attributes);
	agm_param(&params, TEXTOID, answer->prompt, false);
	return params;
}

/* In place of the last answer to the prompt; 0: there is none. */
static int64
replace(AgmCacheHold *hold, const AgmAnswer *answer)
{
	AgmParams params = answer_params(hold->cache, answer);
	int64 id = 0;

	params.n--; /* the prompt is the same */
	(void) agm_execute(&hold->cache->store,
					   "UPDATE {store}.cache c SET created = $4, embedding = $5, response = $6,"
					   " attributes = $7 WHERE c.namespace OPERATOR(pg_catalog.=) $1"
					   " AND c.category OPERATOR(pg_catalog.=) $2"
					   " AND c.prompt_hash OPERATOR(pg_catalog.=) $3 RETURNING c.id",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &id);
	if (id == 0)
		return 0;
	params = hold->cache->key;
	params.n = 1;
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(hold->cache->now), false);
	(void) agm_execute(&hold->cache->store,
					   "UPDATE {store}.cache_use u SET created = $3"
					   " WHERE u.namespace OPERATOR(pg_catalog.=) $1"
					   " AND u.id OPERATOR(pg_catalog.=) $2",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	return id;
}

static void
make_room(AgmCacheHold *hold)
{
	const AgmCachePolicy *policy = &hold->cache->policy;
	int64 over;

	if (hold->entries >= policy->quota)
		(void) agm_cache_expire(hold, policy->given_from, EXPIRED_MAX);
	over = hold->entries - policy->quota + 1;
	if (over > 0)
		(void) agm_cache_evict(hold, over, EVICTED_MAX);
}

static int64
insert(AgmCacheHold *hold, const AgmAnswer *answer)
{
	AgmParams params = answer_params(hold->cache, answer);
	int64 id = 0;

	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(hold->cache->store.operations), false);
	(void) agm_execute(
		&hold->cache->store,
		"INSERT INTO {store}.cache AS c (namespace, category, prompt_hash, created, embedding,"
		" response, attributes, prompt, id)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, pg_catalog.nextval($9)) RETURNING c.id",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &id);
	params = hold->cache->key;
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, INT8OID, Int64GetDatum(agm_cache_draw_salt(hold)), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(hold->cache->now), false);
	(void) agm_execute(
		&hold->cache->store,
		"INSERT INTO {store}.cache_use (namespace, category, id, created, phase, draw)"
		" VALUES ($1, $2, $3, $5, 0, pg_catalog.hashint8extended($3, $4))",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	hold->entries++;
	hold->fresh++;
	return id;
}

int64
agm_cache_put(AgmCache *cache, const AgmAnswer *answer)
{
	AgmCacheHold hold;
	AgmCacheCounts counts = {0};
	TimestampTz since = 0;
	int64 id;

	agm_cache_wait_for_erase(cache);
	if (agm_cache_end_claim(cache, &answer->hash, answer->claim, &since))
	{
		counts.fills = 1;
		counts.fill_us = Max(0, cache->now - since);
	}
	else if (answer->claim != 0)
		return 0;
	if (cache->policy.quota == 0)
		return 0;
	agm_cache_hold_or_make(cache, &hold);
	/* The clock after the wait: who waited comes after whom it waited for. */
	cache->now = GetCurrentTimestamp();
	agm_tally_take(cache, &answer->hash, &counts);
	hold.counts = counts;
	hold.puts = 1;
	agm_cache_fold(&hold);
	(void) agm_cache_expire(&hold, cache->policy.kept_from, EXPIRED_MAX);
	id = replace(&hold, answer);
	if (id == 0)
	{
		make_room(&hold);
		id = insert(&hold, answer);
	}
	agm_cache_settle(&hold);
	return id;
}

/* Takes the answer to a prompt out, and its claim, so that what comes under that is not kept. */
bool
agm_cache_forget(AgmCache *cache, const pg_uuid_t *hash)
{
	AgmParams params = cache->key;
	AgmCacheHold hold;
	TimestampTz since;
	int64 id = 0;

	(void) agm_cache_end_claim(cache, hash, 0, &since);
	if (!agm_cache_hold(cache, &hold, true))
		return false;
	agm_param(&params, UUIDOID, UUIDPGetDatum(hash), false);
	if (agm_execute(&cache->store,
					"SELECT c.id FROM {store}.cache c"
					" WHERE c.namespace OPERATOR(pg_catalog.=) $1"
					" AND c.category OPERATOR(pg_catalog.=) $2"
					" AND c.prompt_hash OPERATOR(pg_catalog.=) $3",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &id) == 0)
		return false;
	(void) agm_cache_remove(&hold, &id, 1);
	agm_cache_settle(&hold);
	return true;
}

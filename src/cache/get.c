/*
 * get.c
 *		A look-up in the cache: the same prompt, or the nearest that is near enough.
 *
 * Rules: src/cache/README.md, invariant 2.
 */
#include "postgres.h"

#include <float.h>

#include "catalog/pg_type.h"

#include "cache/cache.h"
#include "memory/memory.h"

/* Thresholds are single precision: what lies on one by rounding is looked at again. */
#define RADIUS_SLACK 1e-6

#define OF_CATEGORY                                                                            \
	" FROM {store}.cache c WHERE c.namespace OPERATOR(pg_catalog.=) $1"                        \
	" AND c.category OPERATOR(pg_catalog.=) $2 AND c.created OPERATOR(pg_catalog.>) $3"

static AgmParams
find_params(AgmCache *cache)
{
	AgmParams params = cache->key;

	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->policy.given_from), false);
	return params;
}

bool
agm_cache_find_prompt(AgmCache *cache, const pg_uuid_t *hash, AgmRowFn row, void *arg)
{
	AgmParams params = find_params(cache);

	agm_param(&params, UUIDOID, UUIDPGetDatum(hash), false);
	return agm_execute(&cache->store,
					   "SELECT c.response, 0::pg_catalog.float8, c.created, c.id, "
					   "c.attributes" OF_CATEGORY
					   " AND c.prompt_hash OPERATOR(pg_catalog.=) $4",
					   &params, AGM_READ | AGM_PLAN_GENERIC, "tdzlj?", row, arg) > 0;
}

/* The distance up to which a prompt is similar enough. */
double
agm_cache_radius(const AgmCachePolicy *policy)
{
	double threshold = policy->threshold;

	switch (policy->metric)
	{
		case 'l':
			return threshold > 0 ? 1 / threshold - 1 + RADIUS_SLACK : DBL_MAX;
		case 'i':
			return RADIUS_SLACK - threshold;
		default:
			return 1 - threshold + RADIUS_SLACK;
	}
}

/* In a range the index stops where bounds pass it: a miss costs no more than a hit. */
bool
agm_cache_find_similar(AgmCache *cache, Datum embedding, AgmRowFn row, void *arg)
{
	AgmParams params = find_params(cache);
	const char *distance = agm_distance_operator(cache->policy.metric);

	agm_param(&params, agm_type_oid("vector"), embedding, false);
	agm_param(&params, FLOAT8OID, Float8GetDatum(agm_cache_radius(&cache->policy)), false);
	return agm_execute(
			   &cache->store,
			   psprintf(
				   "SELECT c.response, c.embedding OPERATOR(agentmem.%s) $4, c.created, c.id,"
				   " c.attributes" OF_CATEGORY
				   " AND c.embedding OPERATOR(agentmem.<%s>) agentmem.sphere($4, $5)"
				   " ORDER BY c.embedding OPERATOR(agentmem.%s) $4 LIMIT 1",
				   distance, distance, distance),
			   &params, AGM_READ | AGM_PLAN_ORDERED, "tdzlj?", row, arg) > 0;
}

/*
 * get.c
 *		A look-up in the cache: the same prompt, or the nearest that is near enough.
 *
 * Rules: src/cache/README.md, invariant 2.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "cache/cache.h"
#include "memory/memory.h"

/* Thresholds are single precision: what lies on one by rounding is looked at again. */
#define RADIUS_SLACK 1e-6

/* So many of the nearest are looked at, too old or not. */
#define NEAREST_FIRST 8

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
static double
radius_of(const AgmCachePolicy *policy)
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

typedef struct Nearest
{
	const AgmCachePolicy *policy;
	AgmRowFn row;
	void *arg;
	int seen;
	bool given;
	double last; /* distance of the farthest row */
} Nearest;

/* Columns as for agm_cache_find_prompt; nearest first. */
static void
read_nearest(TupleTableSlot *slot, void *arg)
{
	Nearest *nearest = arg;
	bool isnull;

	nearest->seen++;
	nearest->last = DatumGetFloat8(slot_getattr(slot, 2, &isnull));
	if (isnull)
		nearest->last = INFINITY; /* has no vector */
	if (nearest->given ||
		DatumGetTimestampTz(slot_getattr(slot, 3, &isnull)) <= nearest->policy->given_from ||
		!(nearest->last <= radius_of(nearest->policy)))
		return;
	nearest->given = true;
	nearest->row(slot, nearest->arg);
}

#define NEAREST                                                                                \
	"SELECT c.response, c.embedding OPERATOR(agentmem.%s) $3, c.created, c.id, c.attributes"   \
	" FROM {store}.cache c WHERE c.namespace OPERATOR(pg_catalog.=) $1"                        \
	" AND c.category OPERATOR(pg_catalog.=) $2%s"                                              \
	" ORDER BY c.embedding OPERATOR(agentmem.%s) $3 LIMIT %d"

/*
 * The first of the nearest that is not too old.  Were the index asked for such only, a category in
 * which all are too old would be read to its end each time.  A range would find all in it for sure,
 * which takes ten times as long.  Only where all of the nearest are near enough and too old is it
 * asked for more.
 */
bool
agm_cache_find_similar(AgmCache *cache, Datum embedding, AgmRowFn row, void *arg)
{
	Nearest nearest = {&cache->policy, row, arg, 0, false, 0};
	AgmParams params = cache->key;
	const char *distance = agm_distance_operator(cache->policy.metric);

	agm_param(&params, agm_type_oid("vector"), embedding, false);
	(void) agm_execute(&cache->store, psprintf(NEAREST, distance, "", distance, NEAREST_FIRST),
					   &params, AGM_READ | AGM_PLAN_ORDERED, "td?zlj?", read_nearest, &nearest);
	if (nearest.given || nearest.seen < NEAREST_FIRST ||
		!(nearest.last <= radius_of(&cache->policy)))
		return nearest.given;
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->policy.given_from), false);
	agm_param(&params, FLOAT8OID, Float8GetDatum(radius_of(&cache->policy)), false);
	(void) agm_execute(&cache->store,
					   psprintf(NEAREST, distance,
								psprintf(" AND c.created OPERATOR(pg_catalog.>) $4"
										 " AND c.embedding OPERATOR(agentmem.<%s>)"
										 " agentmem.sphere($3, $5)",
										 distance),
								distance, 1),
					   &params, AGM_READ | AGM_PLAN_ORDERED, "td?zlj?", read_nearest, &nearest);
	return nearest.given;
}

/*
 * evict.c
 *		Who goes: what is too old, and what is chosen at the quota.
 *
 * Rules: src/cache/README.md, "Who goes".  All of it with the category held.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "utils/timestamp.h"

#include "cache/cache.h"

/* Of the quota, for entries that were never hit: room for new favourites to be seen again. */
#define FRESH_SHARE 10

/* Entries that are removed by one statement. */
#define BATCH 1000

typedef struct Ids
{
	int64 items[BATCH];
	int n;
} Ids;

static void
read_id(TupleTableSlot *slot, void *arg)
{
	Ids *ids = arg;
	bool isnull;

	if (ids->n < BATCH)
		ids->items[ids->n++] = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

int64
agm_cache_expire(AgmCacheHold *hold, TimestampTz before, int64 limit)
{
	int64 removed = 0;
	Ids ids;

	if (before == DT_NOBEGIN)
		return 0;
	do
	{
		AgmParams params = hold->cache->key;

		ids.n = 0;
		agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
		agm_param(&params, INT8OID, Int64GetDatum(Min(BATCH, limit - removed)), false);
		(void) agm_execute(
			&hold->cache->store,
			"SELECT u.id FROM {store}.cache_use u WHERE u.namespace OPERATOR(pg_catalog.=) $1"
			" AND u.category OPERATOR(pg_catalog.=) $2"
			" AND u.created OPERATOR(pg_catalog.<=) $3 ORDER BY u.created LIMIT $4",
			&params, AGM_WRITE | AGM_PLAN_ORDERED, "l", read_id, &ids);
		if (ids.n > 0 && agm_cache_remove(hold, ids.items, ids.n) == 0)
			break; /* a trigger keeps them */
		removed += ids.n;
	} while (ids.n > 0 && removed < limit);
	return removed;
}

/* Removes up to n that a statement finds by $3 and $4; the limit is $5. */
static int64
remove_where(AgmCacheHold *hold, const char *sql, int64 third, int64 fourth, int64 n)
{
	AgmParams params = hold->cache->key;
	Ids ids = {.n = 0};

	agm_param(&params, INT8OID, Int64GetDatum(third), false);
	agm_param(&params, INT8OID, Int64GetDatum(fourth), false);
	agm_param(&params, INT8OID, Int64GetDatum(Min(n, BATCH)), false);
	(void) agm_execute(&hold->cache->store, sql, &params, AGM_WRITE | AGM_PLAN_ORDERED, "l",
					   read_id, &ids);
	return ids.n == 0 ? 0 : agm_cache_remove(hold, ids.items, ids.n);
}

#define FROM_CATEGORY                                                                          \
	"SELECT u.id FROM {store}.cache_use u WHERE u.namespace OPERATOR(pg_catalog.=) $1"         \
	" AND u.category OPERATOR(pg_catalog.=) $2 AND u.phase OPERATOR(pg_catalog.=) $3"          \
	" AND u.draw OPERATOR(pg_catalog.%s) $4 ORDER BY u.phase, u.draw LIMIT $5"

/*
 * Removes up to n of a phase at random: those that come from a random place on.  From the least draw
 * on, what has a great one would stay for ever, and most that come would go at once.
 */
static int64
remove_of(AgmCacheHold *hold, int64 phase, int64 n)
{
	int64 turn = hold->evicted;
	int64 place = (int64) hash_bytes_extended((const unsigned char *) &turn, sizeof(turn),
											  (uint64) hold->seed);
	int64 removed = remove_where(hold, psprintf(FROM_CATEGORY, ">="), phase, place, n);

	if (removed == 0)
		removed = remove_where(hold, psprintf(FROM_CATEGORY, "<"), phase, place, n);
	hold->evicted += removed;
	return removed;
}

int64
agm_cache_evict(AgmCacheHold *hold, int64 over, int64 limit)
{
	int64 share = Max(1, hold->cache->policy.quota / FRESH_SHARE);
	int64 removed = 0;

	while (removed < Min(over, limit))
	{
		int64 wanted = Min(over, limit) - removed;
		int64 n;

		if (hold->fresh >= share)
			n = remove_of(hold, 0, Min(wanted, hold->fresh - share + 1));
		else
		{
			n = hold->phase > 1 ? remove_of(hold, hold->phase - 1, wanted) : 0;
			if (n == 0 && hold->entries > hold->fresh)
			{
				/* All others were hit in this phase: the next begins. */
				hold->phase++;
				n = remove_of(hold, hold->phase - 1, wanted);
			}
			if (n == 0)
				n = remove_of(hold, 0, wanted);
		}
		if (n == 0)
		{
			/* Somebody changed rows by hand. */
			agm_cache_recount(hold);
			break;
		}
		removed += n;
	}
	return removed;
}

/*
 * claim.c
 *		Of many who miss the same prompt one asks the model.
 *
 * Rules: src/cache/README.md, "Claims".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "cache/cache.h"

/* How long a waiter sleeps between two looks. */
#define SLEEP_FIRST_MS 10
#define SLEEP_MAX_MS 250

#define OF_PROMPT                                                                              \
	" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND c.category OPERATOR(pg_catalog.=) $2"    \
	" AND c.prompt_hash OPERATOR(pg_catalog.=) $3"

static AgmParams
prompt_params(const AgmCache *cache, const pg_uuid_t *hash)
{
	AgmParams params = cache->key;

	agm_param(&params, UUIDOID, UUIDPGetDatum(hash), false);
	return params;
}

static void
read_claim(TupleTableSlot *slot, void *arg)
{
	AgmClaim *claim = arg;
	bool isnull;

	claim->claim = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	claim->leased_until = DatumGetTimestampTz(slot_getattr(slot, 2, &isnull));
}

static void
read_instant(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(TimestampTz *) arg = DatumGetTimestampTz(slot_getattr(slot, 1, &isnull));
}

bool
agm_cache_end_claim(AgmCache *cache, const pg_uuid_t *hash, int64 claim, TimestampTz *since)
{
	AgmParams params = prompt_params(cache, hash);

	agm_param(&params, INT8OID, Int64GetDatum(claim), claim == 0);
	return agm_execute(&cache->store,
					   "DELETE FROM {store}.cache_claim c" OF_PROMPT
					   " AND ($4 IS NULL OR c.claim OPERATOR(pg_catalog.=) $4)"
					   " RETURNING c.created",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "z", read_instant, since) > 0;
}

/* In a snapshot that sees what was committed while we waited. */
static bool
is_answered(AgmCache *cache, const pg_uuid_t *hash)
{
	AgmParams params = prompt_params(cache, hash);

	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->policy.given_from), false);
	return agm_execute(&cache->store,
					   "SELECT FROM {store}.cache c" OF_PROMPT
					   " AND c.created OPERATOR(pg_catalog.>) $4",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) > 0;
}

/*
 * Who has the claim, without a lock: a waiter that held its row would keep the filler from ending
 * it.  False: nobody has, or the lease is over.
 */
static bool
is_taken(AgmCache *cache, const pg_uuid_t *hash, AgmClaim *claim)
{
	AgmParams params = prompt_params(cache, hash);

	return agm_execute(&cache->store,
					   "SELECT c.claim, c.leased_until FROM {store}.cache_claim c" OF_PROMPT,
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "lz", read_claim, claim) > 0 &&
		   claim->leased_until > cache->now;
}

/* Of several one gets it; the others wait for its transaction and get nothing. */
static bool
take(AgmCache *cache, const pg_uuid_t *hash, Datum lease, AgmClaim *claim)
{
	AgmParams params = prompt_params(cache, hash);

	agm_cache_wait_for_erase(cache);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->now), false);
	agm_param(&params, TIMESTAMPTZOID, agm_lease_end(lease), false);
	/* Here: nothing volatile stands in an UPDATE (src/scale/README.md). */
	agm_param(&params, INT8OID,
			  DirectFunctionCall1(nextval_oid, ObjectIdGetDatum(cache->store.operations)),
			  false);
	if (agm_execute(&cache->store,
					"INSERT INTO {store}.cache_claim AS c"
					" (namespace, category, prompt_hash, created, leased_until, claim)"
					" VALUES ($1, $2, $3, $4, $5, $6)"
					" ON CONFLICT (namespace, category, prompt_hash) DO NOTHING"
					" RETURNING c.claim, c.leased_until",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, "lz", read_claim, claim) > 0)
		return true;
	return agm_execute(&cache->store,
					   "UPDATE {store}.cache_claim c SET claim = $6, created = $4,"
					   " leased_until = $5" OF_PROMPT
					   " AND EXISTS (SELECT FROM {store}.cache_claim k"
					   "  WHERE k.namespace OPERATOR(pg_catalog.=) $1"
					   "  AND k.category OPERATOR(pg_catalog.=) $2"
					   "  AND k.prompt_hash OPERATOR(pg_catalog.=) $3"
					   "  AND k.leased_until OPERATOR(pg_catalog.<=) $4"
					   "  FOR UPDATE OF k SKIP LOCKED)"
					   " AND c.leased_until OPERATOR(pg_catalog.<=) $4"
					   " RETURNING c.claim, c.leased_until",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "lz", read_claim, claim) > 0;
}

/*
 * Does somebody wait for a table or a row that this transaction holds?  By the tables that a look
 * reads it keeps DDL waiting, and behind that everybody else, for nothing that a deadlock check sees.
 */
static bool
is_in_the_way(void)
{
	LockData *data = GetLockStatusData();
	bool found = false;

	for (int i = 0; i < data->nelements && !found; i++)
	{
		const LockInstanceData *waits = &data->locks[i];

		if (waits->waitLockMode == NoLock ||
			(waits->locktag.locktag_type != LOCKTAG_RELATION &&
			 waits->locktag.locktag_type != LOCKTAG_TRANSACTION &&
			 waits->locktag.locktag_type != LOCKTAG_VIRTUALTRANSACTION))
			continue;
		for (int j = 0; j < data->nelements && !found; j++)
			found = data->locks[j].pid == MyProcPid && data->locks[j].holdMask != 0 &&
					memcmp(&data->locks[j].locktag, &waits->locktag, sizeof(LOCKTAG)) == 0;
	}
	pfree(data->locks);
	pfree(data);
	return found;
}

/* *holds: rows are locked, which nobody may sleep with. */
static AgmClaimState
try_claim(AgmCache *cache, const pg_uuid_t *hash, Datum lease, AgmClaim *claim, bool *holds)
{
	TimestampTz since;

	if (is_answered(cache, hash))
		return AGM_CLAIM_READY;
	if (is_taken(cache, hash, claim))
		return AGM_CLAIM_WAIT;
	*holds = true;
	if (!take(cache, hash, lease, claim))
	{
		/* Another was quicker: it is answered by now, or will be, or was given up again. */
		claim->leased_until = cache->now;
		(void) is_taken(cache, hash, claim);
		return is_answered(cache, hash) ? AGM_CLAIM_READY : AGM_CLAIM_WAIT;
	}
	/* Whose claim we waited for may have put the answer and ended it. */
	if (!is_answered(cache, hash))
		return AGM_CLAIM_FILL;
	(void) agm_cache_end_claim(cache, hash, claim->claim, &since);
	return AGM_CLAIM_READY;
}

AgmClaimState
agm_cache_claim(AgmCache *cache, const pg_uuid_t *hash, Datum lease, TimestampTz deadline,
				AgmClaim *claim)
{
	long sleep = SLEEP_FIRST_MS;
	bool holds = false;

	for (;;)
	{
		AgmClaimState state;
		long left;

		state = try_claim(cache, hash, lease, claim, &holds);
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (state != AGM_CLAIM_WAIT || left <= 0 || holds || is_in_the_way())
			return state;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(sleep, left), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		sleep = Min(sleep * 2, SLEEP_MAX_MS);
		cache->now = GetCurrentTimestamp();
	}
}

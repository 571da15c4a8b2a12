/*
 * cache_fn.c
 *		SQL boundary of the semantic cache.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "cache/cache.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_cache_get);
PG_FUNCTION_INFO_V1(agm_fn_cache_put);
PG_FUNCTION_INFO_V1(agm_fn_cache_claim);
PG_FUNCTION_INFO_V1(agm_fn_cache_release);
PG_FUNCTION_INFO_V1(agm_fn_cache_forget);
PG_FUNCTION_INFO_V1(agm_fn_cache_clear);
PG_FUNCTION_INFO_V1(agm_fn_cache_sweep);

#define SWEPT_MAX 1000000
#define WAIT_MAX_S 60

/* The argument prompt, and its hash; what is asked is compared byte for byte. */
static Datum
get_prompt(FunctionCallInfo fcinfo, int argno, pg_uuid_t *hash)
{
	Datum prompt;

	agm_cache_require(PG_ARGISNULL(argno), "prompt");
	prompt = PointerGetDatum(PG_GETARG_TEXT_PP(argno));
	agm_text_hash("prompt", prompt, hash);
	return prompt;
}

static Datum
get_embedding(FunctionCallInfo fcinfo, int argno, const AgmCache *cache)
{
	AgmVector embedding = PG_GETARG_AGM_VECTOR(argno);

	agm_check_embedding(&cache->store, cache->policy.dimensions, embedding);
	return PointerGetDatum(embedding);
}

typedef struct Found
{
	FunctionCallInfo fcinfo;
	AgmCache *cache;
	bool by_prompt;
	bool given;
	int64 id;
} Found;

/* Columns: response, distance, created, id, attributes. */
static void
read_found(TupleTableSlot *slot, void *arg)
{
	Found *found = arg;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) found->fcinfo->resultinfo;
	Datum values[5];
	bool nulls[5] = {false};
	bool isnull;
	double distance = DatumGetFloat8(slot_getattr(slot, 2, &isnull));
	float4 similarity =
		found->by_prompt ? 1 : (float4) agm_similarity(found->cache->policy.metric, distance);

	if (!found->by_prompt && similarity < found->cache->policy.threshold)
		return;
	found->given = true;
	found->id = DatumGetInt64(slot_getattr(slot, 4, &isnull));
	values[0] = slot_getattr(slot, 1, &isnull);
	values[1] = Float4GetDatum(similarity);
	values[2] = DirectFunctionCall2(timestamp_mi, TimestampTzGetDatum(found->cache->now),
									slot_getattr(slot, 3, &isnull));
	values[3] = Int64GetDatum(found->id);
	values[4] = slot_getattr(slot, 5, &nulls[4]);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

Datum
agm_fn_cache_get(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	Found found = {fcinfo, &cache, true, false, 0};
	pg_uuid_t hash;
	bool has_prompt = !PG_ARGISNULL(4);
	instr_time begin;
	instr_time taken;

	INSTR_TIME_SET_CURRENT(begin);
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_cache_open_category(fcinfo, &cache, NULL);
	if (PG_ARGISNULL(3) && !has_prompt)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("embedding and prompt must not both be null"),
						errhint("Give the prompt, its embedding, or both.")));
	if (has_prompt)
	{
		(void) get_prompt(fcinfo, 4, &hash);
		(void) agm_cache_find_prompt(&cache, &hash, read_found, &found);
	}
	if (!PG_ARGISNULL(3))
	{
		Datum embedding = get_embedding(fcinfo, 3, &cache);

		found.by_prompt = false;
		if (!found.given)
			(void) agm_cache_find_similar(&cache, embedding, read_found, &found);
	}
	INSTR_TIME_SET_CURRENT(taken);
	INSTR_TIME_SUBTRACT(taken, begin);
	if (found.given)
		agm_tally_hit(&cache, found.id, INSTR_TIME_GET_MICROSEC(taken));
	else
		agm_tally_miss(&cache, has_prompt ? &hash : NULL, INSTR_TIME_GET_MICROSEC(taken));
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

Datum
agm_fn_cache_put(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	AgmAnswer answer = {0};
	int64 id;

	agm_spi_begin(&session);
	agm_cache_open_category(fcinfo, &cache, "cache_put()");
	answer.prompt = get_prompt(fcinfo, 3, &answer.hash);
	agm_cache_require(PG_ARGISNULL(5), "response");
	answer.has_embedding = !PG_ARGISNULL(4);
	if (answer.has_embedding)
		answer.embedding = get_embedding(fcinfo, 4, &cache);
	answer.response = PG_GETARG_DATUM(5);
	answer.has_attributes = !PG_ARGISNULL(6);
	if (answer.has_attributes)
		answer.attributes = PG_GETARG_DATUM(6);
	if (!PG_ARGISNULL(7))
	{
		answer.claim = PG_GETARG_INT64(7);
		if (answer.claim <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("claim must be greater than 0, not " INT64_FORMAT, answer.claim),
					 errhint("Give what cache_claim() returned.")));
	}
	id = agm_cache_put(&cache, &answer);
	agm_spi_end(&session);
	if (id == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(id);
}

/* The instant at which a wait that begins now ends. */
static TimestampTz
wait_end(Datum wait, TimestampTz now)
{
	TimestampTz end = DatumGetTimestampTz(
		DirectFunctionCall2(timestamptz_pl_interval, TimestampTzGetDatum(now), wait));

	if (end < now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("wait must not be negative"),
				 errhint("'0' does not wait, '30 s' up to so long.")));
	if (end > now + WAIT_MAX_S * USECS_PER_SEC)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("wait must not be greater than 1 minute"),
						errhint("Call again when it is over, in a new transaction.")));
	return end;
}

Datum
agm_fn_cache_claim(PG_FUNCTION_ARGS)
{
	static const char *const states[] = {"fill", "wait", "ready"};
	AgmSession session;
	AgmCache cache;
	AgmClaim claim = {0};
	AgmClaimState state;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false};
	pg_uuid_t hash;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	agm_cache_require(PG_ARGISNULL(4), "lease");
	agm_cache_require(PG_ARGISNULL(5), "wait");
	agm_spi_begin(&session);
	agm_cache_open_category(fcinfo, &cache, "cache_claim()");
	(void) get_prompt(fcinfo, 3, &hash);
	(void) agm_lease_end(PG_GETARG_DATUM(4));
	state = agm_cache_claim(&cache, &hash, PG_GETARG_DATUM(4),
							wait_end(PG_GETARG_DATUM(5), cache.now), &claim);
	agm_spi_end(&session);
	values[0] = CStringGetTextDatum(states[state]);
	values[1] = Int64GetDatum(claim.claim);
	nulls[1] = state != AGM_CLAIM_FILL;
	values[2] = TimestampTzGetDatum(claim.leased_until);
	nulls[2] = state == AGM_CLAIM_READY;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

Datum
agm_fn_cache_release(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	pg_uuid_t hash;
	TimestampTz since;
	bool ended;

	agm_spi_begin(&session);
	agm_cache_open_category(fcinfo, &cache, "cache_release()");
	(void) get_prompt(fcinfo, 3, &hash);
	agm_cache_require(PG_ARGISNULL(4), "claim");
	ended = PG_GETARG_INT64(4) > 0 &&
			agm_cache_end_claim(&cache, &hash, PG_GETARG_INT64(4), &since);
	agm_spi_end(&session);
	PG_RETURN_BOOL(ended);
}

Datum
agm_fn_cache_forget(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	pg_uuid_t hash;
	bool forgotten;

	agm_spi_begin(&session);
	agm_cache_open_category(fcinfo, &cache, "cache_forget()");
	(void) get_prompt(fcinfo, 3, &hash);
	forgotten = agm_cache_forget(&cache, &hash);
	agm_spi_end(&session);
	PG_RETURN_BOOL(forgotten);
}

Datum
agm_fn_cache_clear(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	int64 n;

	agm_spi_begin(&session);
	if (PG_ARGISNULL(2))
		agm_cache_open(fcinfo, &cache, "cache_clear()");
	else
		agm_cache_open_category(fcinfo, &cache, "cache_clear()");
	n = agm_cache_clear(&cache);
	agm_spi_end(&session);
	PG_RETURN_INT64(n);
}

Datum
agm_fn_cache_sweep(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmCache cache;
	int32 limit;
	int64 n;

	agm_cache_require(PG_ARGISNULL(2), "limit");
	limit = PG_GETARG_INT32(2);
	if (limit < 1 || limit > SWEPT_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("limit must be between 1 and %d, not %d", SWEPT_MAX, limit),
						errhint("Call again for more.")));
	agm_spi_begin(&session);
	agm_cache_open(fcinfo, &cache, "cache_sweep()");
	n = agm_cache_sweep(&cache, limit);
	agm_spi_end(&session);
	PG_RETURN_INT64(n);
}

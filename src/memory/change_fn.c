/*
 * change_fn.c
 *		SQL boundary of changing what is held: revise, forget, restore, conflicts, resolve.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "memory/change.h"
#include "memory/json.h"
#include "memory/read.h"
#include "memory/resolve.h"
#include "memory/secret.h"

PG_FUNCTION_INFO_V1(agm_fn_revise);
PG_FUNCTION_INFO_V1(agm_fn_forget);
PG_FUNCTION_INFO_V1(agm_fn_forget_where);
PG_FUNCTION_INFO_V1(agm_fn_feedback);
PG_FUNCTION_INFO_V1(agm_fn_restore);
PG_FUNCTION_INFO_V1(agm_fn_conflicts);
PG_FUNCTION_INFO_V1(agm_fn_resolve);

/* Where revise()'s arguments after (store, namespace, id) go. */
static const AgmField revised[] = {
	AGM_CONTENT,	AGM_EMBEDDING,	AGM_VALID_FROM, AGM_VALID_TO, AGM_ATTRIBUTES, AGM_TAGS,
	AGM_IMPORTANCE, AGM_CONFIDENCE, AGM_TITLE,		AGM_OBJECT,	  AGM_SOURCE,	  AGM_ACTOR,
	AGM_PROVENANCE, AGM_EXPIRES_AT, AGM_PINNED,		AGM_LANGUAGE, AGM_MODEL,
};
#define REVISED_FIRST 3

pg_noreturn static void
no_memory(int64 id)
{
	ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
					errmsg("memory " INT64_FORMAT " does not exist in this namespace", id),
					errhint("What was forgotten can be restored first.")));
	pg_unreachable();
}

/* A memory's row with what the caller gives in place of what it holds. */
static void
revised_memory(FunctionCallInfo fcinfo, AgmWriter *writer, int64 id, AgmMemory *memory)
{
	Datum attributes;

	if (!agm_memory_load(writer, id, memory))
		no_memory(id);
	attributes = memory->isnull[AGM_ATTRIBUTES] ? (Datum) 0 : memory->value[AGM_ATTRIBUTES];
	/* The old vector is not of the new words. */
	if (!PG_ARGISNULL(REVISED_FIRST))
		memory->isnull[AGM_EMBEDDING] = memory->isnull[AGM_MODEL] = true;
	for (size_t i = 0; i < lengthof(revised); i++)
	{
		if (PG_ARGISNULL(REVISED_FIRST + i))
			continue;
		memory->value[revised[i]] = PG_GETARG_DATUM(REVISED_FIRST + i);
		memory->isnull[revised[i]] = false;
	}
	agm_memory_prepare(writer, memory);
	if (memory->kind->vault && !memory->has_secret && attributes != (Datum) 0 &&
		!memory->isnull[AGM_ATTRIBUTES])
		memory->value[AGM_ATTRIBUTES] =
			agm_secret_keep_mark(memory->value[AGM_ATTRIBUTES], attributes);
}

static bool
same_key(const AgmHeld *held, const AgmMemory *memory)
{
	return held->has_key_hash == memory->has_key_hash &&
		   (!held->has_key_hash ||
			memcmp(&held->key_hash, &memory->key_hash, sizeof(pg_uuid_t)) == 0);
}

Datum
agm_fn_revise(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmMemory memory;
	AgmWritten written = {0};
	AgmHeld *held;
	int64 id;
	int64 locks[2 * AGM_LOCKS_MAX];
	int nlocks;
	int nheld;

	agm_require_not_null(PG_ARGISNULL(2), "id");
	id = PG_GETARG_INT64(2);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "revise()");
	/* Once to learn its locks, once with them held: others may have merged into it. */
	held = agm_held_read(&writer, &id, 1, &nheld);
	revised_memory(fcinfo, &writer, id, &memory);
	if (nheld > 0 && !same_key(held, &memory))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("object is part of the key of memory " INT64_FORMAT, id),
				 errhint("Its predicate has many values: forget it, and remember the other.")));
	nlocks = agm_held_locks(held, nheld, locks);
	memcpy(locks + nlocks, memory.locks, sizeof(int64) * memory.nlocks);
	agm_writer_lock(&writer, locks, nlocks + memory.nlocks);
	(void) agm_held_confirm(&writer, held, nheld);
	revised_memory(fcinfo, &writer, id, &memory);

	if (memory.has_key_hash)
		agm_timeline_check(&writer, &memory.key_hash, id, &memory.period);
	agm_memory_overwrite(&writer, &memory, id);
	if (memory.has_secret)
		agm_secret_write(&writer, &memory, id);
	written.id = id;
	written.action = AGM_REVISED;
	agm_mentions_write(&writer, &memory, id, false);
	if (!PG_ARGISNULL(REVISED_FIRST) || !PG_ARGISNULL(REVISED_FIRST + 1))
		agm_conflict_search(&writer, &memory, &written);
	agm_conflict_record(&writer);
	agm_operation_record(&writer, "revise", NULL);
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

Datum
agm_fn_forget(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmHeld *held;
	int64 id;
	int64 locks[AGM_LOCKS_MAX];
	int nheld;
	bool forgotten;

	agm_require_not_null(PG_ARGISNULL(2), "id");
	id = PG_GETARG_INT64(2);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "forget()");
	held = agm_held_read(&writer, &id, 1, &nheld);
	agm_writer_lock(&writer, locks, agm_held_locks(held, nheld, locks));
	forgotten = nheld > 0 && agm_held_confirm(&writer, held, nheld);
	if (forgotten)
	{
		agm_memory_remove(&writer, id);
		agm_operation_record(&writer, "forget",
							 PG_ARGISNULL(3) ? NULL
											 : agm_json_pair("reason", PG_GETARG_DATUM(3)));
	}
	agm_spi_end(&session);
	PG_RETURN_BOOL(forgotten);
}

/* Where forget_where()'s arguments after the filter are. */
#define FORGET_REASON (AGM_FILTER_FIRST + AGM_FILTER_ARGUMENTS)
#define FORGET_DRY_RUN (FORGET_REASON + 1)
#define FORGET_N (FORGET_REASON + 2)

static void
read_forgetting(FunctionCallInfo fcinfo, const AgmStore *store, AgmForgetting *forgetting)
{
	bool given;

	agm_read_filter(fcinfo, store, -1, &forgetting->filter);
	given = forgetting->filter.states != NULL && !forgetting->filter.default_states;
	for (int i = AGM_FILTER_FIRST; i < FORGET_REASON; i++)
		given |= i != AGM_FILTER_STATES && !PG_ARGISNULL(i);
	if (!given)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no filter was given"),
						errhint("during => '(,)' forgets all that has not expired.")));
	agm_require_not_null(PG_ARGISNULL(FORGET_DRY_RUN), "dry_run");
	forgetting->dry_run = PG_GETARG_BOOL(FORGET_DRY_RUN);
	forgetting->limit = PG_ARGISNULL(FORGET_N) ? 0 : PG_GETARG_INT32(FORGET_N);
	if (!PG_ARGISNULL(FORGET_N) && forgetting->limit < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be positive, not " INT64_FORMAT, forgetting->limit),
						errhint("Leave it out to forget all that match.")));
}

Datum
agm_fn_forget_where(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmForgetting forgetting = {0};
	AgmInt64List ids;
	MemoryContext old;
	Datum result;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "forget_where()");
	read_forgetting(fcinfo, &writer.store, &forgetting);
	ids = agm_forget_where(&writer, &forgetting);
	agm_operation_record(&writer, "forget",
						 PG_ARGISNULL(FORGET_REASON)
							 ? NULL
							 : agm_json_pair("reason", PG_GETARG_DATUM(FORGET_REASON)));
	old = MemoryContextSwitchTo(session.caller);
	result = agm_int8_array(ids.items, ids.n);
	MemoryContextSwitchTo(old);
	agm_spi_end(&session);
	PG_RETURN_DATUM(result);
}

Datum
agm_fn_feedback(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;

	agm_require_not_null(PG_ARGISNULL(2), "id");
	agm_require_not_null(PG_ARGISNULL(3), "useful");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "feedback()");
	if (!agm_feedback(&writer, PG_GETARG_INT64(2), PG_GETARG_BOOL(3)))
		no_memory(PG_GETARG_INT64(2));
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

Datum
agm_fn_restore(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	bool restored;

	agm_require_not_null(PG_ARGISNULL(2), "id");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "restore()");
	if (PG_ARGISNULL(3))
		restored = agm_restore_last(&writer, PG_GETARG_INT64(2));
	else
		restored = agm_restore_version(&writer, PG_GETARG_INT64(2), PG_GETARG_TIMESTAMPTZ(3));
	agm_spi_end(&session);
	PG_RETURN_BOOL(restored);
}

Datum
agm_fn_conflicts(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_read_open(fcinfo, &store, &params);
	agm_read_rows(
		fcinfo, &store,
		"SELECT c.id, c.a, c.b, c.reason, c.similarity, c.detected_at FROM {store}.conflict c"
		" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND c.resolution IS NULL"
		" AND 2 OPERATOR(pg_catalog.=) (SELECT pg_catalog.count(*) FROM {store}.memory m"
		"   WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		"   AND m.id OPERATOR(pg_catalog.=) ANY (ARRAY[c.a, c.b]))"
		" ORDER BY c.detected_at, c.id",
		&params, AGM_PLAN_CUSTOM, "llltf?z");
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

Datum
agm_fn_resolve(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	int64 side;

	agm_require_not_null(PG_ARGISNULL(2), "conflict");
	agm_require_not_null(PG_ARGISNULL(3), "resolution");
	side = PG_ARGISNULL(4) ? 0 : PG_GETARG_INT64(4);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "resolve()");
	agm_resolve(&writer, PG_GETARG_INT64(2), text_to_cstring(PG_GETARG_TEXT_PP(3)),
				PG_ARGISNULL(4) ? NULL : &side, PG_GETARG_DATUM(5), PG_ARGISNULL(5));
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

/*
 * jobs_fn.c
 *		SQL boundary of jobs: queuing, claiming, extending, completing, giving back.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/shards.h"
#include "jobs/jobs.h"

PG_FUNCTION_INFO_V1(agm_fn_enqueue_job);
PG_FUNCTION_INFO_V1(agm_fn_enqueue_embeddings);
PG_FUNCTION_INFO_V1(agm_fn_claim_jobs);
PG_FUNCTION_INFO_V1(agm_fn_heartbeat_job);
PG_FUNCTION_INFO_V1(agm_fn_complete_job);
PG_FUNCTION_INFO_V1(agm_fn_fail_job);
PG_FUNCTION_INFO_V1(agm_fn_retry_jobs);

#define CLAIMED_MAX 10000

/* As subjects and other names. */
#define WORKER_BYTES_MAX 1024

static const char *const kinds[] = {"embed",   "embed_next", "extract",
									"reflect", "summarize",	 "adjudicate"};

static void
require_table(const AgmStore *store)
{
	if (!agm_store_has(store, "job"))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("store \"%s\" has no table \"job\"", store->name),
						errhint("A table of the store was changed: compare it with that of a "
								"new store.")));
}

static void
check_kind(const char *kind)
{
	for (size_t i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of job \"%s\"", kind),
			 errhint("Use embed, embed_next, extract, reflect, summarize or adjudicate.")));
}

static bool
is_embed(const char *kind)
{
	return strcmp(kind, "embed") == 0 || strcmp(kind, "embed_next") == 0;
}

/* Refuses what cannot be counted, and what would wait for ever. */
static void
check_count(int n, const char *argument, int max)
{
	if (n < 1 || n > max)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 1 and %d, not %d", argument, max, n),
						errhint("Call again for more.")));
}

/* A name, noted in each job. */
static void
check_worker(Datum worker)
{
	int len = VARSIZE_ANY_EXHDR(DatumGetTextPP(worker));

	if (len > WORKER_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("worker is too long"),
						errdetail("It may have %d bytes, and has %d.", WORKER_BYTES_MAX, len),
						errhint("Give a name, for example of the host and the process.")));
}

/* What each function on one job begins with: the store, the namespace as $1, the job as $2. */
static void
open_job(FunctionCallInfo fcinfo, const char *what, AgmStore *store, AgmParams *params)
{
	text *ns;

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "namespace");
	agm_require_writable(what);
	ns = PG_GETARG_TEXT_PP(1);
	agm_check_namespace(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns));
	agm_store_open(store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_SELECT);
	agm_store_at(store, ns, true);
	require_table(store);
	agm_param(params, TEXTOID, PointerGetDatum(ns), false);
}

static void
read_int8(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

static void
read_text(TupleTableSlot *slot, void *arg)
{
	*(char **) arg = agm_slot_text(slot, 1);
}

static void
read_sides(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	agm_int64_add(arg, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
	agm_int64_add(arg, DatumGetInt64(slot_getattr(slot, 2, &isnull)));
}

/* The memories that the job is about; those of a conflict are its sides. */
static AgmInt64List
job_memories(FunctionCallInfo fcinfo, AgmWriter *writer, const char *kind)
{
	AgmInt64List list = {0};
	ArrayType *array;
	Datum *items;
	int n;

	if (strcmp(kind, "adjudicate") == 0)
	{
		int64 conflict = agm_job_conflict(PG_ARGISNULL(4) ? NULL : PG_GETARG_JSONB_P(4));
		AgmParams params = {0};

		agm_param(&params, TEXTOID, writer->ns, false);
		agm_param(&params, INT8OID, Int64GetDatum(conflict), false);
		if (agm_execute(&writer->store,
						"SELECT c.a, c.b FROM {store}.conflict c"
						" WHERE c.namespace OPERATOR(pg_catalog.=) $1"
						" AND c.id OPERATOR(pg_catalog.=) $2",
						&params, AGM_WRITE | AGM_PLAN_GENERIC, "ll", read_sides, &list) == 0)
			ereport(ERROR, (errcode(ERRCODE_NO_DATA_FOUND),
							errmsg("conflict " INT64_FORMAT " does not exist in this namespace",
								   conflict),
							errhint("agentmem.conflicts() lists those that are open.")));
		return list;
	}
	if (PG_ARGISNULL(3))
		array = construct_empty_array(INT8OID);
	else
		array = PG_GETARG_ARRAYTYPE_P(3);
	if (array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("ids must not contain nulls"),
				 errhint("Give the ids of memories.")));
	deconstruct_array(array, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items,
					  NULL, &n);
	for (int i = 0; i < n; i++)
		agm_int64_add(&list, DatumGetInt64(items[i]));
	agm_int64_sort(&list);
	if (is_embed(kind) && list.n != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a job \"%s\" is of one memory, not %d", kind, list.n),
						errhint("agentmem.enqueue_embeddings() queues many.")));
	return list;
}

/* As any reference: who erases them waits, and finds the job. */
static void
keep_memories(AgmWriter *writer, const AgmInt64List *list)
{
	AgmParams params = {0};
	int64 missing = 0;

	if (list->n == 0)
		return;
	(void) agm_rows_keep(writer, list->items, list->n, false);
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(list->items, list->n), false);
	if (agm_execute(&writer->store,
					"SELECT i.id FROM pg_catalog.unnest($2) i(id)"
					" WHERE NOT EXISTS (SELECT FROM {store}.memory m"
					"  WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					"  AND m.id OPERATOR(pg_catalog.=) i.id) LIMIT 1",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_int8, &missing) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("memory " INT64_FORMAT " does not exist in this namespace", missing),
				 errhint("What was forgotten can be restored first.")));
}

static void
require_dimensions(const AgmWriter *writer, AgmSpace space)
{
	if (space == AGM_SPACE_NEXT && writer->next_dimensions == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("store \"%s\" has no second space", writer->store.name),
						errhint("agentmem.begin_space() makes one.")));
	if (space == AGM_SPACE_CURRENT && writer->dimensions == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("store \"%s\" holds no embeddings", writer->store.name),
						errhint("Make a store with dimensions.")));
}

/* That of a memory which has one is that one: sooner, or alive again. */
#define ENQUEUE                                                                                \
	"INSERT INTO {store}.job AS j (namespace, kind, ids, payload, priority, run_at, "          \
	"attempts, id)"                                                                            \
	" VALUES ($1, $2, $3, $4, $5, coalesce($6, pg_catalog.now()), $7, pg_catalog.nextval($8))" \
	" ON CONFLICT (namespace, ids, kind, version)"                                             \
	" WHERE kind OPERATOR(pg_catalog.=) ANY ('{embed,embed_next}')"                            \
	" DO UPDATE SET priority = greatest(j.priority, excluded.priority),"                       \
	" state = CASE WHEN j.state OPERATOR(pg_catalog.=) 'dead' THEN 'queued' ELSE j.state END," \
	" attempt = CASE WHEN j.state OPERATOR(pg_catalog.=) 'dead' THEN 0 ELSE j.attempt END,"    \
	" run_at = CASE WHEN j.state OPERATOR(pg_catalog.=) 'leased' THEN j.run_at"                \
	"               ELSE excluded.run_at END RETURNING j.id"

/*
 * Who writes memories may queue, without a privilege on jobs.  But that a namespace is the caller's is
 * told by memories that he sees: where policies hold for him, they judge a job that is of none.
 */
static int
as_whom(const AgmWriter *writer, const AgmInt64List *memories)
{
	if (memories->n == 0 &&
		check_enable_rls(writer->store.memory, InvalidOid, true) == RLS_ENABLED)
		return 0;
	return AGM_AS_OWNER;
}

Datum
agm_fn_enqueue_job(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmInt64List memories;
	AgmParams params = {0};
	char *kind;
	int64 job = 0;

	agm_require_not_null(PG_ARGISNULL(2), "kind");
	agm_require_not_null(PG_ARGISNULL(5), "priority");
	agm_require_not_null(PG_ARGISNULL(7), "attempts");
	check_count(PG_GETARG_INT32(7), "attempts", 1000);
	kind = text_to_cstring(PG_GETARG_TEXT_PP(2));
	check_kind(kind);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "enqueue_job()");
	require_table(&writer.store);
	if (is_embed(kind))
		require_dimensions(&writer,
						   strcmp(kind, "embed") == 0 ? AGM_SPACE_CURRENT : AGM_SPACE_NEXT);
	memories = job_memories(fcinfo, &writer, kind);
	keep_memories(&writer, &memories);
	agm_param(&params, TEXTOID, writer.ns, false);
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(2), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(memories.items, memories.n), false);
	agm_param(&params, JSONBOID, PG_GETARG_DATUM(4), PG_ARGISNULL(4));
	agm_param(&params, INT4OID, PG_GETARG_DATUM(5), false);
	agm_param(&params, TIMESTAMPTZOID, PG_GETARG_DATUM(6), PG_ARGISNULL(6));
	agm_param(&params, INT4OID, PG_GETARG_DATUM(7), false);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(writer.store.operations), false);
	(void) agm_execute(&writer.store, ENQUEUE, &params,
					   AGM_WRITE | AGM_PLAN_GENERIC | as_whom(&writer, &memories), "l",
					   read_int8, &job);
	agm_queue_notify(&writer.store);
	agm_spi_end(&session);
	PG_RETURN_INT64(job);
}

static void
add_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	agm_int64_add(arg, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
}

Datum
agm_fn_enqueue_embeddings(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmInt64List list = {0};
	AgmParams params = {0};
	AgmKept kept;
	int64 queued;

	agm_require_not_null(PG_ARGISNULL(2), "n");
	agm_require_not_null(PG_ARGISNULL(3), "priority");
	check_count(PG_GETARG_INT32(2), "n", 1000000);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "enqueue_embeddings()");
	require_table(&writer.store);
	require_dimensions(&writer, AGM_SPACE_CURRENT);
	agm_param(&params, TEXTOID, writer.ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(PG_GETARG_INT32(2)), false);
	(void) agm_execute(
		&writer.store,
		"SELECT m.id FROM {store}.memory m JOIN {store}.kind k"
		" ON k.name OPERATOR(pg_catalog.=) m.kind AND k.class OPERATOR(pg_catalog.<>) 'vault'"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.embedding IS NULL"
		" AND NOT EXISTS (SELECT FROM {store}.job j"
		"  WHERE j.namespace OPERATOR(pg_catalog.=) $1"
		"  AND j.ids OPERATOR(pg_catalog.=) ARRAY[m.id]"
		"  AND j.kind OPERATOR(pg_catalog.=) 'embed'"
		"  AND j.state OPERATOR(pg_catalog.<>) 'dead')"
		" ORDER BY m.id LIMIT $2",
		&params, AGM_WRITE | AGM_PLAN_CUSTOM, "l", add_id, &list);
	kept = agm_rows_keep(&writer, list.items, list.n, false);
	queued = agm_queue_embeddings(&writer.store, AGM_SPACE_CURRENT, writer.ns, kept.ids, kept.n,
								  PG_GETARG_INT32(3));
	agm_spi_end(&session);
	PG_RETURN_INT64(queued);
}

/* What a memory states, or a version of it. */
#define INPUT                                                                                  \
	"SELECT m.id, pg_catalog.jsonb_strip_nulls("                                               \
	"   pg_catalog.jsonb_build_object('id', m.id, 'kind', m.kind, 'content', m.content,"       \
	"    'title', m.title, 'subject', m.subject, 'predicate', m.predicate,"                    \
	"    'object', m.object, 'tags', m.tags, 'valid_from', pg_catalog.lower(m.valid_period),"  \
	"    'valid_to', pg_catalog.upper(m.valid_period), 'source', m.source,"                    \
	"    'actor', m.actor, 'session', m.session, 'language', m.language)) AS input"

/* A setting of the space that an embed job is for. */
#define SETTING(current, next)                                                                 \
	"FROM {store}.setting s WHERE s.name OPERATOR(pg_catalog.=)"                               \
	" CASE WHEN u.kind OPERATOR(pg_catalog.=) 'embed' THEN '" current "'"                      \
	"      WHEN u.kind OPERATOR(pg_catalog.=) 'embed_next' THEN '" next "' END"

/* The columns of type job, then whether the lease was given, and whether anything is left of it. */
#define CLAIM                                                                                  \
	"WITH c AS MATERIALIZED (SELECT j.namespace, j.id FROM {store}.job j"                      \
	"  WHERE j.state OPERATOR(pg_catalog.<>) 'dead' AND j.run_at OPERATOR(pg_catalog.<=) $1"   \
	"  AND ($2 IS NULL OR j.kind OPERATOR(pg_catalog.=) ANY ($2))"                             \
	"  ORDER BY j.priority DESC, j.run_at, j.id LIMIT $3 FOR UPDATE OF j SKIP LOCKED),"        \
	" u AS (UPDATE {store}.job j SET"                                                          \
	"  state = CASE WHEN j.attempt OPERATOR(pg_catalog.<) j.attempts THEN 'leased'"            \
	"          ELSE 'dead' END,"                                                               \
	"  attempt = least(j.attempt OPERATOR(pg_catalog.+) 1, j.attempts), run_at = $4,"          \
	"  worker = $5,"                                                                           \
	"  error = CASE WHEN j.attempt OPERATOR(pg_catalog.<) j.attempts THEN j.error"             \
	"          ELSE coalesce(j.error, 'its last lease ran out') END,"                          \
	"  statement = CASE WHEN j.kind OPERATOR(pg_catalog.=) ANY ('{embed,embed_next}')"         \
	"   AND j.version IS NULL THEN"                                                            \
	"   (SELECT m.content_hash FROM {store}.memory m"                                          \
	"    WHERE m.namespace OPERATOR(pg_catalog.=) j.namespace"                                 \
	"    AND m.id OPERATOR(pg_catalog.=) j.ids[1]) END"                                        \
	"  FROM c WHERE j.namespace OPERATOR(pg_catalog.=) c.namespace"                            \
	"  AND j.id OPERATOR(pg_catalog.=) c.id RETURNING j.*)"                                    \
	" SELECT u.namespace, u.id, u.kind, u.ids, u.payload, u.attempt, u.run_at,"                \
	"  (SELECT s.value " SETTING(                                                              \
		"embedding_model",                                                                     \
		"next_model") "),"                                                                     \
					  "  (SELECT s.value::pg_catalog.int4 " SETTING(                           \
						  "dimensions",                                                        \
						  "next_dimensions") "),"                                              \
											 "  coalesce(i.input, '[]'), u.state "             \
											 "OPERATOR(pg_catalog.=) 'leased',"                \
											 "  i.input IS NOT NULL OR u.ids "                 \
											 "OPERATOR(pg_catalog.=) '{}'"                     \
											 " FROM u CROSS JOIN LATERAL (SELECT "             \
											 "pg_catalog.jsonb_agg(v.input ORDER BY v.id) AS " \
											 "input"                                           \
											 "  FROM (" INPUT " FROM {store}.memory m"         \
											 "   WHERE m.namespace OPERATOR(pg_catalog.=) "    \
											 "u.namespace"                                     \
											 "   AND m.id OPERATOR(pg_catalog.=) ANY (u.ids) " \
											 "AND u.version IS NULL"                           \
											 "   UNION ALL " INPUT                             \
											 " FROM {store}.memory_history m"                  \
											 "   WHERE m.namespace OPERATOR(pg_catalog.=) "    \
											 "u.namespace"                                     \
											 "   AND m.id OPERATOR(pg_catalog.=) ANY (u.ids)"  \
											 "   AND pg_catalog.lower(m.system_period) "       \
											 "OPERATOR(pg_catalog.=) u.version) v) i"          \
											 " ORDER BY u.priority DESC, u.id"
#define CLAIM_TYPES "tltLj?izt?i?jbb"
#define CLAIM_COLUMNS 10

typedef struct Claims
{
	ReturnSetInfo *result;
	int n;			   /* given out */
	Datum *namespaces; /* of jobs of which no memory is left */
	AgmInt64List jobs;
} Claims;

static void
read_claim(TupleTableSlot *slot, void *arg)
{
	Claims *claims = arg;
	bool isnull;

	slot_getallattrs(slot);
	if (!DatumGetBool(slot_getattr(slot, CLAIM_COLUMNS + 1, &isnull)))
		return;
	if (!DatumGetBool(slot_getattr(slot, CLAIM_COLUMNS + 2, &isnull)))
	{
		claims->namespaces[claims->jobs.n] =
			PointerGetDatum(DatumGetTextPCopy(slot->tts_values[0]));
		agm_int64_add(&claims->jobs, DatumGetInt64(slot->tts_values[1]));
		return;
	}
	tuplestore_putvalues(claims->result->setResult, claims->result->setDesc, slot->tts_values,
						 slot->tts_isnull);
	claims->n++;
}

/* Looked at as the owner: what a policy hides from the consumer is held all the same. */
static void
drop_idle(const AgmStore *store, const Claims *claims)
{
	AgmParams params = {0};

	if (claims->jobs.n == 0)
		return;
	agm_param(&params, TEXTARRAYOID,
			  PointerGetDatum(construct_array(claims->namespaces, claims->jobs.n, TEXTOID, -1,
											  false, TYPALIGN_INT)),
			  false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(claims->jobs.items, claims->jobs.n), false);
	(void) agm_execute(
		store,
		"DELETE FROM {store}.job j"
		" USING ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) o(namespace, id)"
		" WHERE j.namespace OPERATOR(pg_catalog.=) o.namespace"
		" AND j.id OPERATOR(pg_catalog.=) o.id"
		" AND NOT EXISTS (SELECT FROM {store}.memory m"
		"  WHERE m.namespace OPERATOR(pg_catalog.=) j.namespace"
		"  AND m.id OPERATOR(pg_catalog.=) ANY (j.ids) AND j.version IS NULL)"
		" AND NOT EXISTS (SELECT FROM {store}.memory_history h"
		"  WHERE h.namespace OPERATOR(pg_catalog.=) j.namespace"
		"  AND h.id OPERATOR(pg_catalog.=) ANY (j.ids)"
		"  AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.=) j.version)",
		&params, AGM_WRITE | AGM_PLAN_CUSTOM | AGM_AS_OWNER, NULL, NULL, NULL);
}

static void
check_kinds(ArrayType *array)
{
	Datum *items;
	int n;

	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("kinds must not contain nulls"),
						errhint("Leave it out for every kind.")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &n);
	for (int i = 0; i < n; i++)
		check_kind(TextDatumGetCString(items[i]));
}

/* What one call of claim_jobs asks for, and what it has been given. */
typedef struct Claiming
{
	FunctionCallInfo fcinfo;
	Datum end; /* of the leases */
	int wanted;
	int given;
} Claiming;

/* Those that are dead by now, or idle, are none of those that were asked for. */
static void
claim(const AgmStore *store, Claiming *claiming)
{
	FunctionCallInfo fcinfo = claiming->fcinfo;
	uint64 found;

	do
	{
		Claims claims = {0};
		AgmParams params = {0};

		claims.result = (ReturnSetInfo *) fcinfo->resultinfo;
		claims.namespaces = palloc(sizeof(Datum) * claiming->wanted);
		agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp()), false);
		agm_param(&params, TEXTARRAYOID, PG_GETARG_DATUM(1), PG_ARGISNULL(1));
		agm_param(&params, INT8OID, Int64GetDatum(claiming->wanted - claiming->given), false);
		agm_param(&params, TIMESTAMPTZOID, claiming->end, false);
		agm_param(&params, TEXTOID, PG_GETARG_DATUM(4), PG_ARGISNULL(4));
		found = agm_execute(store, CLAIM, &params, AGM_WRITE | AGM_PLAN_CUSTOM, CLAIM_TYPES,
							read_claim, &claims);
		drop_idle(store, &claims);
		claiming->given += claims.n;
	} while (found > 0 && claiming->given < claiming->wanted);
}

/* One shard of this server after the other, each call beginning with another. */
static void
claim_of_shards(AgmStore *store, Claiming *claiming)
{
	static uint32 turn = 0;
	int n;
	int64 *shards = agm_store_local_shards(store, true, &n);

	turn++;
	for (int i = 0; i < n && claiming->given < claiming->wanted; i++)
		if (agm_store_at_shard(store, shards[(i + turn) % n], true))
			claim(store, claiming);
}

Datum
agm_fn_claim_jobs(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	Claiming claiming = {fcinfo, (Datum) 0, 0, 0};

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(2), "n");
	agm_require_not_null(PG_ARGISNULL(3), "lease");
	agm_require_writable("claim_jobs()");
	check_count(PG_GETARG_INT32(2), "n", CLAIMED_MAX);
	claiming.wanted = PG_GETARG_INT32(2);
	if (!PG_ARGISNULL(1))
		check_kinds(PG_GETARG_ARRAYTYPE_P(1));
	if (!PG_ARGISNULL(4))
		check_worker(PG_GETARG_DATUM(4));
	claiming.end = agm_lease_end(PG_GETARG_DATUM(3));
	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_store_open(&store, NameStr(*PG_GETARG_NAME(0)), NULL, ACL_SELECT);
	require_table(&store);
	if (store.distributed)
		claim_of_shards(&store, &claiming);
	else
		claim(&store, &claiming);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

#define THIS_LEASE                                                                             \
	" WHERE j.namespace OPERATOR(pg_catalog.=) $1 AND j.id OPERATOR(pg_catalog.=) $2"          \
	" AND j.state OPERATOR(pg_catalog.=) 'leased'"                                             \
	" AND ($3 IS NULL OR j.attempt OPERATOR(pg_catalog.=) $3)"

Datum
agm_fn_heartbeat_job(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	bool held;

	agm_require_not_null(PG_ARGISNULL(2), "job");
	agm_require_not_null(PG_ARGISNULL(3), "lease");
	agm_spi_begin(&session);
	open_job(fcinfo, "heartbeat_job()", &store, &params);
	agm_param(&params, INT8OID, PG_GETARG_DATUM(2), false);
	agm_param(&params, INT4OID, PG_GETARG_DATUM(4), PG_ARGISNULL(4));
	agm_param(&params, TIMESTAMPTZOID, agm_lease_end(PG_GETARG_DATUM(3)), false);
	held = agm_execute(&store, "UPDATE {store}.job j SET run_at = $4" THIS_LEASE, &params,
					   AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) > 0;
	agm_spi_end(&session);
	PG_RETURN_BOOL(held);
}

Datum
agm_fn_complete_job(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmLease lease = {0};
	AgmInt64List ids = {0};
	Datum result = (Datum) 0;
	bool completed;
	MemoryContext old;

	agm_require_not_null(PG_ARGISNULL(2), "job");
	agm_require_not_null(PG_ARGISNULL(3), "result");
	lease.job = PG_GETARG_INT64(2);
	lease.any = PG_ARGISNULL(4);
	lease.attempt = lease.any ? 0 : PG_GETARG_INT32(4);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "complete_job()");
	require_table(&writer.store);
	completed = agm_job_complete(&writer, &lease, PG_GETARG_JSONB_P(3), &ids);
	if (completed)
	{
		old = MemoryContextSwitchTo(session.caller);
		result = agm_int8_array(ids.items, ids.n);
		MemoryContextSwitchTo(old);
	}
	agm_spi_end(&session);
	if (!completed)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

#define FAIL                                                                                   \
	"UPDATE {store}.job j SET error = pg_catalog.left($4, 1000),"                              \
	" state = CASE WHEN j.attempt OPERATOR(pg_catalog.<) j.attempts THEN 'queued'"             \
	"         ELSE 'dead' END,"                                                                \
	" run_at = $5 OPERATOR(pg_catalog.+) coalesce($6, least("                                  \
	"  '10 s'::pg_catalog.interval OPERATOR(pg_catalog.*)"                                     \
	"  pg_catalog.power(2::pg_catalog.float8, least(j.attempt, 20)::pg_catalog.float8"         \
	"   OPERATOR(pg_catalog.-) 1), '1 h'::pg_catalog.interval))" THIS_LEASE                    \
	" RETURNING j.state"

Datum
agm_fn_fail_job(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	char *state = NULL;
	MemoryContext old;
	Datum result = (Datum) 0;

	agm_require_not_null(PG_ARGISNULL(2), "job");
	agm_require_not_null(PG_ARGISNULL(3), "error");
	agm_spi_begin(&session);
	open_job(fcinfo, "fail_job()", &store, &params);
	agm_param(&params, INT8OID, PG_GETARG_DATUM(2), false);
	agm_param(&params, INT4OID, PG_GETARG_DATUM(4), PG_ARGISNULL(4));
	agm_param(&params, TEXTOID, PG_GETARG_DATUM(3), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(GetCurrentTimestamp()), false);
	agm_param(&params, INTERVALOID, PG_GETARG_DATUM(5), PG_ARGISNULL(5));
	(void) agm_execute(&store, FAIL, &params, AGM_WRITE | AGM_PLAN_GENERIC, "t", read_text,
					   &state);
	if (state != NULL)
	{
		old = MemoryContextSwitchTo(session.caller);
		result = CStringGetTextDatum(state);
		MemoryContextSwitchTo(old);
	}
	agm_spi_end(&session);
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_DATUM(result);
}

Datum
agm_fn_retry_jobs(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmStore store;
	AgmParams params = {0};
	uint64 n;

	agm_spi_begin(&session);
	open_job(fcinfo, "retry_jobs()", &store, &params);
	agm_param(&params, INT8ARRAYOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	n = agm_execute(&store,
					"UPDATE {store}.job j SET state = 'queued', attempt = 0, error = NULL,"
					" run_at = pg_catalog.now() WHERE j.namespace OPERATOR(pg_catalog.=) $1"
					" AND j.state OPERATOR(pg_catalog.=) 'dead'"
					" AND ($2 IS NULL OR j.id OPERATOR(pg_catalog.=) ANY ($2))",
					&params, AGM_WRITE | AGM_PLAN_CUSTOM, NULL, NULL, NULL);
	if (n > 0)
		agm_queue_notify(&store);
	agm_spi_end(&session);
	PG_RETURN_INT64((int64) n);
}

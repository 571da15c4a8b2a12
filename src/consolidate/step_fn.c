/*
 * step_fn.c
 *		What maintenance does in C: locking memories, comparing them with others, merging those
 *		that say the same, joining them to concepts and taking what is gone from these; by which
 *		rows they are locked.
 *
 * Rules: src/consolidate/README.md.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "memory/change.h"
#include "memory/erase.h"
#include "memory/resolve.h"

PG_FUNCTION_INFO_V1(agm_fn_lock_memories);
PG_FUNCTION_INFO_V1(agm_fn_compare_memories);
PG_FUNCTION_INFO_V1(agm_fn_merge_memories);
PG_FUNCTION_INFO_V1(agm_fn_mention_concepts);
PG_FUNCTION_INFO_V1(agm_fn_erase_names);
PG_FUNCTION_INFO_V1(agm_fn_statement_lock);
PG_FUNCTION_INFO_V1(agm_fn_key_lock);

/* The third argument: ids of memories, in the order given. */
static int64 *
read_ids(FunctionCallInfo fcinfo, int *n)
{
	Datum *items;
	int64 *ids;

	agm_require_not_null(PG_ARGISNULL(2), "ids");
	agm_check_array(PG_GETARG_ARRAYTYPE_P(2), "ids");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &items, NULL, n);
	ids = palloc(sizeof(int64) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
		ids[i] = DatumGetInt64(items[i]);
	return ids;
}

static bool
same_locks(const AgmHeld *a, const AgmHeld *b)
{
	return a->id == b->id && memcmp(&a->statement, &b->statement, sizeof(pg_uuid_t)) == 0 &&
		   a->has_key_hash == b->has_key_hash && a->has_key == b->has_key &&
		   (!a->has_key_hash || memcmp(&a->key_hash, &b->key_hash, sizeof(pg_uuid_t)) == 0);
}

/*
 * lock_memories(store, namespace, ids): those that state something else once the locks are held
 * have locks that are not.
 */
Datum
agm_fn_lock_memories(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmHeld *before;
	AgmHeld *now;
	int64 *ids;
	int64 *locks;
	int nbefore;
	int nnow;
	int n;
	int kept = 0;
	Datum result;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	writer.numbered = false;
	ids = read_ids(fcinfo, &n);
	before = agm_held_read(&writer, ids, n, &nbefore);
	locks = palloc(sizeof(int64) * AGM_LOCKS_MAX * Max(nbefore, 1));
	agm_writer_lock(&writer, locks, agm_held_locks(before, nbefore, locks));
	now = agm_held_read(&writer, ids, n, &nnow);
	for (int i = 0, j = 0; i < nnow; i++)
	{
		while (j < nbefore && before[j].id < now[i].id)
			j++;
		if (j < nbefore && same_locks(&before[j], &now[i]))
			ids[kept++] = now[i].id;
	}
	MemoryContextSwitchTo(session.caller);
	result = agm_int8_array(ids, kept);
	agm_spi_end(&session);
	PG_RETURN_DATUM(result);
}

static void
put_likes(ReturnSetInfo *rsinfo, int64 id, const AgmLikes *found, const char *reason)
{
	for (int i = 0; i < found->n; i++)
	{
		Datum values[4] = {Int64GetDatum(id), Int64GetDatum(found->items[i].id),
						   CStringGetTextDatum(reason),
						   Float4GetDatum(found->items[i].similarity)};
		bool nulls[4] = {false, false, false, !found->items[i].has_similarity};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

/* compare_memories(store, namespace, ids, n, older, same_key) */
Datum
agm_fn_compare_memories(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AgmSession session;
	AgmWriter writer;
	MemoryContext context;
	int64 *ids;
	int nids;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 3; i < 6; i++)
		agm_require_not_null(PG_ARGISNULL(i), "the way of comparing");
	n = PG_GETARG_INT32(3);
	if (n < 0 || n > AGM_EDGES_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("n must be between 0 and %d, not %d", AGM_EDGES_MAX, n)));
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	ids = read_ids(fcinfo, &nids);
	context = AllocSetContextCreate(CurrentMemoryContext, "memory that is compared",
									ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < nids; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		AgmMemory memory;
		AgmLikes found = {0};

		CHECK_FOR_INTERRUPTS();
		if (agm_memory_load_derived(&writer, ids[i], &memory) && !memory.kind->vault)
		{
			if (PG_GETARG_BOOL(5))
				agm_find_same_key(&writer, &memory, ids[i], &found);
			put_likes(rsinfo, ids[i], &found, "same_key");
			found.n = 0;
			agm_find_near(&writer, &memory, ids[i], n, 0, PG_GETARG_BOOL(4), &found);
			put_likes(rsinfo, ids[i], &found, "similar");
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

/* merge_memories(store, namespace, ids): the first of them stays */
Datum
agm_fn_merge_memories(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	int64 *ids;
	int n;
	bool merged;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	ids = read_ids(fcinfo, &n);
	merged = agm_merge_duplicates(&writer, ids, n);
	agm_spi_end(&session);
	PG_RETURN_BOOL(merged);
}

/* mention_concepts(store, namespace, ids) */
Datum
agm_fn_mention_concepts(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	MemoryContext context;
	int64 *ids;
	int n;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	/* What a call that was ended has left counts for nothing: this one is to do the same. */
	writer.exact = true;
	ids = read_ids(fcinfo, &n);
	agm_writer_lock(&writer, NULL, 0);
	context = AllocSetContextCreate(CurrentMemoryContext, "memory that is joined to concepts",
									ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		AgmMemory memory;

		CHECK_FOR_INTERRUPTS();
		if (agm_memory_load_derived(&writer, ids[i], &memory))
			agm_mentions_write(&writer, &memory, ids[i], true);
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

/* erase_names(store, namespace, ids) */
Datum
agm_fn_erase_names(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	int64 *ids;
	int n;

	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	ids = read_ids(fcinfo, &n);
	agm_erase_names(&writer, ids, n);
	agm_spi_end(&session);
	PG_RETURN_VOID();
}

/* statement_lock(hash) */
Datum
agm_fn_statement_lock(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(agm_statement_lock(PG_GETARG_UUID_P(0)));
}

/* key_lock(key) */
Datum
agm_fn_key_lock(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(agm_key_lock(PG_GETARG_DATUM(0)));
}

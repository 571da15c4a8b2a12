/*
 * remember_fn.c
 *		SQL boundary of writing: remember and remember_many.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "memory/bulk.h"
#include "memory/json.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_remember);
PG_FUNCTION_INFO_V1(agm_fn_remember_many);

static const char *
action_name(AgmAction action)
{
	switch (action)
	{
		case AGM_INSERTED:
			return "inserted";
		case AGM_REINFORCED:
			return "reinforced";
		case AGM_SUPERSEDED:
			return "superseded";
		case AGM_REVISED:
			return "revised";
	}
	return NULL;
}

/* id, action, related: what was reinforced, replaced, or may be contradicted. */
static void
written_values(const AgmWritten *written, Datum *values)
{
	values[0] = Int64GetDatum(written->id);
	values[1] = CStringGetTextDatum(action_name(written->action));
	values[2] = agm_int8_array(written->related, written->nrelated);
}

Datum
agm_fn_remember(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmMemory memory;
	AgmWritten written;
	TupleDesc desc;
	Datum values[3];
	bool nulls[3] = {false, false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "remember()");
	agm_memory_init(&memory);
	for (int i = 0; i < AGM_NFIELDS; i++)
	{
		memory.isnull[i] = PG_ARGISNULL(i + 2);
		memory.value[i] = PG_GETARG_DATUM(i + 2);
	}
	agm_memory_prepare(&writer, &memory);
	agm_writer_lock(&writer, memory.locks, memory.nlocks);
	agm_memory_write(&writer, &memory, &written);
	agm_conflict_record(&writer);
	agm_operation_record(&writer, "remember", NULL);
	MemoryContextSwitchTo(session.caller);
	written_values(&written, values);
	agm_spi_end(&session);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* One element of a batch, and what became of it. */
typedef struct Element
{
	AgmMemory memory;
	AgmWritten written;
	char *error; /* why it was skipped, or NULL */
} Element;

typedef struct Batch
{
	AgmWriter writer;
	JsonbValue *source;
	Datum *embeddings;
	bool *embedding_nulls;
	Element *elements;
	int n;
	int current; /* for the error context */
	AgmBulk bulk;
	int *waiting; /* elements that wait in it */
	int nwaiting;
	bool in_bulk; /* they are being written */
} Batch;

static void
element_context(void *arg)
{
	const Batch *batch = arg;
	int i = batch->current;

	if (batch->in_bulk)
		i = batch->waiting[Min(batch->bulk.at, batch->nwaiting - 1)];
	errcontext("memory %d of %d in the batch", i + 1, batch->n);
}

static void
prepare_element(Batch *batch, Element *element)
{
	AgmMemory *memory = &element->memory;

	agm_memory_from_json(memory, &batch->source[batch->current], batch->writer.ns);
	if (batch->embeddings != NULL && !batch->embedding_nulls[batch->current])
	{
		memory->value[AGM_EMBEDDING] = batch->embeddings[batch->current];
		memory->isnull[AGM_EMBEDDING] = false;
	}
	agm_memory_prepare(&batch->writer, memory);
}

static void
write_element(Batch *batch, Element *element)
{
	agm_memory_write(&batch->writer, &element->memory, &element->written);
}

/* Is the element at fault?  Only then may the rest go on without it. */
static bool
fault_of_data(int sqlerrcode)
{
	int category = ERRCODE_TO_CATEGORY(sqlerrcode);

	return category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION ||
		   category == ERRCODE_FEATURE_NOT_SUPPORTED ||
		   category == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
}

/* Runs a step in a subtransaction; says what is wrong with the data, or NULL. */
static char *
try_step(Batch *batch, Element *element, void (*step)(Batch *, Element *))
{
	char *volatile message = NULL;
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int ntouched = batch->writer.ntouched;
	int nraised = batch->writer.nraised;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		step(batch, element);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		/* Left first in any case: an error may not pass through a subtransaction of ours. */
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!fault_of_data(error->sqlerrcode))
			ReThrowError(error);
		message = error->message;
		batch->writer.ntouched = ntouched;
		batch->writer.nraised = nraised;
		batch->writer.gathers = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return message;
}

/* Runs a step; the element keeps the message if it may be skipped and was at fault. */
static void
run_element(Batch *batch, bool skip, Element *element, void (*step)(Batch *, Element *))
{
	CHECK_FOR_INTERRUPTS();
	if (element->error != NULL)
		return;
	if (skip)
		element->error = try_step(batch, element, step);
	else
		step(batch, element);
}

static void
prepare_batch(Batch *batch, bool skip)
{
	for (batch->current = 0; batch->current < batch->n; batch->current++)
		run_element(batch, skip, &batch->elements[batch->current], prepare_element);
}

/* All locks of the batch at once, in order, before anything is read. */
static void
lock_batch(Batch *batch)
{
	int64 *locks = palloc(sizeof(int64) * AGM_LOCKS_MAX * Max(batch->n, 1));
	int64 *parents = palloc(sizeof(int64) * Max(batch->n, 1));
	int n = 0;
	int nparents = 0;

	for (int i = 0; i < batch->n; i++)
	{
		const Element *element = &batch->elements[i];

		if (element->error != NULL)
			continue;
		for (int j = 0; j < element->memory.nlocks; j++)
			locks[n++] = element->memory.locks[j];
		if (!element->memory.isnull[AGM_PARENT])
			parents[nparents++] = DatumGetInt64(element->memory.value[AGM_PARENT]);
	}
	agm_writer_lock(&batch->writer, locks, n);
	(void) agm_rows_keep(&batch->writer, parents, nparents, false);
}

static void
write_waiting(Batch *batch, Element *element)
{
	(void) element;
	batch->in_bulk = true;
	agm_bulk_write(&batch->bulk);
	batch->in_bulk = false;
}

/* Those that wait; if one of them is at fault and may be skipped, one by one. */
static void
flush_batch(Batch *batch, bool skip)
{
	int current = batch->current;
	bool one_by_one = batch->nwaiting < 3;
	int64 episode = batch->writer.episode;
	char *session = batch->writer.episode_session;
	TimestampTz from = batch->writer.episode_from;

	if (!one_by_one && !skip)
		write_waiting(batch, NULL);
	else if (!one_by_one && try_step(batch, NULL, write_waiting) != NULL)
	{
		one_by_one = true;
		batch->writer.episode = episode; /* the last that is written */
		batch->writer.episode_session = session;
		batch->writer.episode_from = from;
	}
	batch->in_bulk = false;
	agm_bulk_reset(&batch->bulk);
	for (int i = 0; one_by_one && i < batch->nwaiting; i++)
	{
		batch->current = batch->waiting[i];
		run_element(batch, skip, &batch->elements[batch->current], write_element);
	}
	batch->nwaiting = 0;
	batch->current = current;
}

static void
write_batch(Batch *batch, bool skip)
{
	AgmMemory **memories = palloc(sizeof(AgmMemory *) * Max(batch->n, 1));
	int n = 0;

	for (int i = 0; i < batch->n; i++)
		if (batch->elements[i].error == NULL)
			memories[n++] = &batch->elements[i].memory;
	agm_bulk_open(&batch->bulk, &batch->writer, memories, n);
	batch->waiting = palloc(sizeof(int) * Max(batch->n, 1));
	for (batch->current = 0; batch->current < batch->n; batch->current++)
	{
		Element *element = &batch->elements[batch->current];

		if (element->error != NULL)
			continue;
		if (agm_bulk_take(&batch->bulk, &element->memory, &element->written))
		{
			batch->waiting[batch->nwaiting++] = batch->current;
			continue;
		}
		flush_batch(batch, skip);
		run_element(batch, skip, element, write_element);
	}
	flush_batch(batch, skip);
}

/* From the look at the elements to the last row, an error says which element it is about. */
static void
run_batch(Batch *batch, bool skip)
{
	ErrorContextCallback callback = {0};

	callback.callback = element_context;
	callback.arg = batch;
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	prepare_batch(batch, skip);
	error_context_stack = callback.previous;
	lock_batch(batch);
	error_context_stack = &callback;
	write_batch(batch, skip);
	error_context_stack = callback.previous;
}

static void
read_batch(FunctionCallInfo fcinfo, Batch *batch)
{
	Jsonb *memories = PG_GETARG_JSONB_P(2);
	JsonbIterator *it;
	JsonbIteratorToken token;
	JsonbValue item;

	if (!JB_ROOT_IS_ARRAY(memories) || JB_ROOT_IS_SCALAR(memories))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("memories must be a JSON array"),
						errhint("For example [{\"content\": \"The kettle is blue\"}].")));
	batch->source = palloc(sizeof(JsonbValue) * Max(JB_ROOT_COUNT(memories), 1));
	it = JsonbIteratorInit(&memories->root);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			batch->source[batch->n++] = item;
	batch->elements =
		palloc_extended(sizeof(Element) * Max(batch->n, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);

	if (!PG_ARGISNULL(3))
	{
		ArrayType *array = PG_GETARG_ARRAYTYPE_P(3);
		int n;

		deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
						  &batch->embeddings, &batch->embedding_nulls, &n);
		if (n != batch->n)
			ereport(
				ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("%d memories but %d embeddings", batch->n, n),
				 errhint(
					 "embeddings[i] goes with memories[i]; use NULL where there is none.")));
	}
}

static void
return_batch(FunctionCallInfo fcinfo, const Batch *batch)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	for (int i = 0; i < batch->n; i++)
	{
		const Element *element = &batch->elements[i];
		Datum values[5];
		bool nulls[5] = {false, false, false, false, true};

		values[0] = Int32GetDatum(i + 1);
		if (element->error == NULL)
			written_values(&element->written, &values[1]);
		else
		{
			nulls[1] = nulls[3] = true;
			nulls[4] = false;
			values[2] = CStringGetTextDatum("skipped");
			values[4] = CStringGetTextDatum(element->error);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}

Datum
agm_fn_remember_many(PG_FUNCTION_ARGS)
{
	AgmSession session;
	Batch batch = {0};
	bool skip;
	char *on_error;

	agm_require_not_null(PG_ARGISNULL(2), "memories");
	agm_require_not_null(PG_ARGISNULL(4), "on_error");
	on_error = text_to_cstring(PG_GETARG_TEXT_PP(4));
	skip = strcmp(on_error, "skip") == 0;
	if (!skip && strcmp(on_error, "fail") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown value \"%s\" for on_error", on_error),
						errhint("Use fail or skip.")));

	InitMaterializedSRF(fcinfo, 0);
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &batch.writer, "remember_many()");
	read_batch(fcinfo, &batch);
	run_batch(&batch, skip);
	agm_conflict_record(&batch.writer);
	agm_operation_record(&batch.writer, "remember", NULL);
	return_batch(fcinfo, &batch);
	agm_spi_end(&session);
	PG_RETURN_NULL();
}

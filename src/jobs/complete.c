/*
 * complete.c
 *		What a model answered, written by the rules of remember() and resolve().
 *
 * The job is looked at without a lock; the answer is written under the locks that writing
 * takes; last, the job is taken out if it is still the lease that was seen.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "jobs/jobs.h"
#include "memory/json.h"
#include "memory/resolve.h"

/* The lease that was seen. */
typedef struct Job
{
	bool leased;
	int64 id;
	char *kind;
	int64 *ids;
	int nids;
	Jsonb *payload;
	int32 attempt;
	bool has_statement;
	pg_uuid_t statement;
	bool next;		  /* for the space that is being filled */
	bool has_version; /* of an earlier version, */
	Datum version;	  /* ... which begins then */
} Job;

/* What an element is by default, and how it is tied to the memories that it was made of. */
typedef struct Making
{
	const char *job;
	const char *kind;
	const char *edge;
} Making;

static const Making makings[] = {
	{"extract", "fact", "derived_from"},
	{"reflect", "reflection", "derived_from_fact"},
	{"summarize", "summary", "summary_of"},
};

static void
read_job(TupleTableSlot *slot, void *arg)
{
	Job *job = arg;
	bool isnull;
	Datum value;
	Datum *ids;

	job->leased = true;
	job->kind = agm_slot_text(slot, 1);
	deconstruct_array(DatumGetArrayTypeP(slot_getattr(slot, 2, &isnull)), INT8OID,
					  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &ids, NULL, &job->nids);
	job->ids = palloc(sizeof(int64) * Max(job->nids, 1));
	for (int i = 0; i < job->nids; i++)
		job->ids[i] = DatumGetInt64(ids[i]);
	value = slot_getattr(slot, 3, &isnull);
	job->payload = isnull ? NULL : DatumGetJsonbPCopy(value);
	job->attempt = DatumGetInt32(slot_getattr(slot, 4, &isnull));
	value = slot_getattr(slot, 5, &isnull);
	job->has_statement = !isnull;
	if (!isnull)
		job->statement = *DatumGetUUIDP(value);
	job->version = slot_getattr(slot, 6, &isnull);
	job->has_version = !isnull;
	job->next = strcmp(job->kind, "embed_next") == 0;
}

#define THIS_JOB                                                                               \
	" WHERE j.namespace OPERATOR(pg_catalog.=) $1 AND j.id OPERATOR(pg_catalog.=) $2"          \
	" AND j.state OPERATOR(pg_catalog.=) 'leased'"

static Job
look_up(AgmWriter *writer, const AgmLease *lease)
{
	Job job = {0};
	AgmParams params = {0};

	job.id = lease->job;
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(lease->job), false);
	agm_param(&params, INT4OID, Int32GetDatum(lease->attempt), lease->any);
	(void) agm_execute(&writer->store,
					   "SELECT j.kind, j.ids, j.payload, j.attempt, j.statement, j.version"
					   " FROM {store}.job j" THIS_JOB
					   " AND ($3 IS NULL OR j.attempt OPERATOR(pg_catalog.=) $3)",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "tLj?iu?z?", read_job, &job);
	return job;
}

/* The last lock.  What was written is undone if the job is not that lease any more. */
static void
end_lease(AgmWriter *writer, const Job *job, const char *sql)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(job->id), false);
	agm_param(&params, INT4OID, Int32GetDatum(job->attempt), false);
	if (agm_execute(&writer->store, sql, &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL,
					NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("job " INT64_FORMAT " was taken meanwhile", job->id),
						errhint("Try the transaction again.")));
}

#define THIS_LEASE THIS_JOB " AND j.attempt OPERATOR(pg_catalog.=) $3"
#define TAKE_OUT "DELETE FROM {store}.job j" THIS_LEASE
/* Another vector is wanted: nobody failed. */
#define PUT_BACK                                                                               \
	"UPDATE {store}.job j SET state = 'queued', run_at = pg_catalog.now(),"                    \
	" attempt = j.attempt OPERATOR(pg_catalog.-) 1" THIS_LEASE

pg_noreturn static void
refuse(const Job *job, const char *what, const char *hint)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("the result of a job \"%s\" needs %s", job->kind, what),
					errhint("%s", hint)));
	pg_unreachable();
}

static const JsonbValue *
find_key(const Jsonb *object, const char *key, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &object->root), key,
										strlen(key), value);
}

/* A text of the object, or NULL. */
static const char *
find_text(const Jsonb *object, const char *key)
{
	JsonbValue value;

	if (find_key(object, key, &value) == NULL || value.type != jbvString)
		return NULL;
	return pnstrdup(value.val.string.val, value.val.string.len);
}

static bool
find_int8(const Jsonb *object, const char *key, int64 *result)
{
	JsonbValue value;

	if (object == NULL || !JB_ROOT_IS_OBJECT(object) || find_key(object, key, &value) == NULL ||
		value.type != jbvNumeric)
		return false;
	*result =
		DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)));
	return true;
}

int64
agm_job_conflict(Jsonb *payload)
{
	int64 conflict = 0;

	if (!find_int8(payload, "conflict", &conflict))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the payload of a job \"adjudicate\" needs \"conflict\""),
						errhint("payload => '{\"conflict\": 1}', of agentmem.conflicts().")));
	return conflict;
}

/* Vector and model as remember() would take them. */
static void
read_embedding(AgmWriter *writer, const Job *job, Jsonb *result, AgmMemory *memory)
{
	AgmMemory given;
	JsonbValue object;

	object.type = jbvBinary;
	object.val.binary.data = &result->root;
	object.val.binary.len = VARSIZE_ANY_EXHDR(result);
	agm_memory_from_json(&given, &object, writer->ns);
	if (given.isnull[AGM_EMBEDDING])
		refuse(job, "\"embedding\"", "An array of numbers.");
	memory->value[AGM_EMBEDDING] = given.value[AGM_EMBEDDING];
	memory->isnull[AGM_EMBEDDING] = false;
	memory->value[AGM_MODEL] = given.value[AGM_MODEL];
	memory->isnull[AGM_MODEL] = given.isnull[AGM_MODEL];
}

/* Against the space that the job is for. */
static void
check_embedding(const AgmWriter *writer, const Job *job, const AgmMemory *memory)
{
	AgmWriter space = *writer;

	if (job->next)
	{
		space.dimensions = writer->next_dimensions;
		space.model = writer->next_model;
	}
	agm_memory_check_embedding(&space, memory);
}

static void
fill_embedding(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, agm_field_type(AGM_EMBEDDING), memory->value[AGM_EMBEDDING], false);
	agm_param(&params, TEXTOID, memory->value[AGM_MODEL], memory->isnull[AGM_MODEL]);
	(void) agm_execute(&writer->store,
					   "UPDATE {store}.memory m SET embedding = $3, model = $4"
					   " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					   " AND m.id OPERATOR(pg_catalog.=) $2",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* The vector that stands beside it says how many bits a dimension it shall have. */
#define NEXT(row)                                                                              \
	" SET embedding_next ="                                                                    \
	" agentmem.quantize($3, coalesce(agentmem.precision(" row ".embedding), 32)),"             \
	" model_next = coalesce($4, $5)"                                                           \
	" WHERE " row ".namespace OPERATOR(pg_catalog.=) $1"                                       \
	" AND " row ".id OPERATOR(pg_catalog.=) $2"

/* Of the memory, if it has the content still, and of all its versions that have it. */
static void
fill_next(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, agm_field_type(AGM_EMBEDDING), memory->value[AGM_EMBEDDING], false);
	agm_param(&params, TEXTOID, memory->value[AGM_MODEL], memory->isnull[AGM_MODEL]);
	agm_param(&params, TEXTOID, CStringGetTextDatum(writer->next_model), false);
	agm_param(&params, TEXTOID, memory->value[AGM_CONTENT], false);
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.memory m" NEXT("m") " AND m.content OPERATOR(pg_catalog.=) $6", &params,
		AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.memory_history h" NEXT("h") " AND h.content OPERATOR(pg_catalog.=) $6"
													" AND h.embedding_next IS NULL",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
}

static void
read_version(TupleTableSlot *slot, void *arg)
{
	AgmMemory *memory = arg;

	memory->value[AGM_KIND] = CStringGetTextDatum(agm_slot_text(slot, 1));
	memory->value[AGM_CONTENT] = CStringGetTextDatum(agm_slot_text(slot, 2));
}

/* A version does not change; erased, it has taken its job along. */
static bool
complete_version(AgmWriter *writer, const Job *job, Jsonb *result)
{
	AgmMemory memory;
	AgmParams params = {0};

	agm_memory_init(&memory);
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(job->ids[0]), false);
	agm_param(&params, TIMESTAMPTZOID, job->version, false);
	if (agm_execute(&writer->store,
					"SELECT h.kind, h.content FROM {store}.memory_history h"
					" WHERE h.namespace OPERATOR(pg_catalog.=) $1"
					" AND h.id OPERATOR(pg_catalog.=) $2"
					" AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.=) $3",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, "tt", read_version, &memory) > 0)
	{
		read_embedding(writer, job, result, &memory);
		memory.kind = agm_writer_kind(writer, memory.value[AGM_KIND]);
		check_embedding(writer, job, &memory);
		fill_next(writer, &memory, job->ids[0]);
	}
	end_lease(writer, job, TAKE_OUT);
	return true;
}

/*
 * As a repetition with an embedding fills one that is missing: no version, and no operation.
 * False: the vector is of words that the memory does not have any more.
 */
static bool
complete_embed(AgmWriter *writer, const Job *job, Jsonb *result)
{
	AgmWritten written = {0};
	AgmMemory memory;
	AgmHeld *held;
	int64 locks[AGM_LOCKS_MAX];
	int nheld;

	writer->numbered = false;
	held = agm_held_read(writer, job->ids, job->nids, &nheld);
	agm_writer_lock(writer, locks, agm_held_locks(held, nheld, locks));
	if (nheld != 1 || !agm_held_confirm(writer, held, nheld) || !job->has_statement ||
		memcmp(&held->statement, &job->statement, sizeof(pg_uuid_t)) != 0)
	{
		end_lease(writer, job, PUT_BACK);
		return false;
	}
	(void) agm_memory_load(writer, held->id, &memory);
	read_embedding(writer, job, result, &memory);
	memory.kind = agm_writer_kind(writer, memory.value[AGM_KIND]);
	memory.period = held->period;
	memory.statement = held->statement;
	check_embedding(writer, job, &memory);
	if (job->next)
	{
		fill_next(writer, &memory, held->id);
		end_lease(writer, job, TAKE_OUT);
		return true;
	}
	agm_memory_derive_key(writer, &memory);
	fill_embedding(writer, &memory, held->id);
	written.id = held->id;
	agm_conflict_search(writer, &memory, &written);
	agm_conflict_record(writer);
	end_lease(writer, job, TAKE_OUT);
	return true;
}

/* The elements of the answer, prepared. */
static AgmMemory *
read_memories(AgmWriter *writer, const Job *job, const Making *making, const Jsonb *result,
			  int *n)
{
	static const char hint[] = "{\"memories\": [{\"content\": \"...\"}]}, empty if there are "
							   "none.";
	JsonbValue list;
	JsonbValue item;
	JsonbIterator *it;
	JsonbIteratorToken token;
	AgmMemory *memories;

	*n = 0;
	if (find_key(result, "memories", &list) == NULL || list.type != jbvBinary ||
		!JsonContainerIsArray(list.val.binary.data))
		refuse(job, "an array \"memories\"", hint);
	memories = palloc0(sizeof(AgmMemory) * Max(JsonContainerSize(list.val.binary.data), 1));
	it = JsonbIteratorInit(list.val.binary.data);
	while ((token = JsonbIteratorNext(&it, &item, true)) != WJB_DONE)
	{
		AgmMemory *memory = &memories[*n];

		if (token != WJB_ELEM)
			continue;
		agm_memory_init(memory);
		memory->value[AGM_KIND] = CStringGetTextDatum(making->kind);
		memory->value[AGM_PROVENANCE] = CStringGetTextDatum("inferred");
		agm_memory_read_json(memory, &item, writer->ns);
		agm_memory_prepare(writer, memory);
		(*n)++;
	}
	return memories;
}

/* All locks first, in the order in which a batch takes them. */
static AgmKept
lock_memories(AgmWriter *writer, const Job *job, const AgmMemory *memories, int n)
{
	AgmInt64List locks = {0};
	int64 *rows = palloc(sizeof(int64) * (job->nids + n));
	int nrows = job->nids;

	memcpy(rows, job->ids, sizeof(int64) * job->nids);
	for (int i = 0; i < n; i++)
	{
		for (int j = 0; j < memories[i].nlocks; j++)
			agm_int64_add(&locks, memories[i].locks[j]);
		if (!memories[i].isnull[AGM_PARENT])
			rows[nrows++] = DatumGetInt64(memories[i].value[AGM_PARENT]);
	}
	agm_writer_lock(writer, locks.items, locks.n);
	return agm_rows_keep(writer, rows, nrows, false);
}

static void
complete_making(AgmWriter *writer, const Job *job, const Making *making, const Jsonb *result,
				AgmInt64List *ids)
{
	int n;
	AgmMemory *memories = read_memories(writer, job, making, result, &n);
	AgmKept kept = lock_memories(writer, job, memories, n);
	AgmInt64List sources = {job->ids, job->nids, job->nids};

	agm_int64_sort(&sources);

	for (int i = 0; i < n; i++)
	{
		AgmWritten written;

		agm_memory_write(writer, &memories[i], &written);
		agm_int64_add(ids, written.id);
		/* What was held before was not made of them: erasing them must not take it along. */
		for (int j = 0; j < kept.n && written.action != AGM_REINFORCED; j++)
			if (agm_int64_has(&sources, kept.ids[j]))
				agm_add_edge(writer, written.id, kept.ids[j], making->edge);
	}
	agm_conflict_record(writer);
	agm_operation_record(writer, "remember", NULL);
	end_lease(writer, job, TAKE_OUT);
}

static bool
is_open(AgmWriter *writer, int64 conflict)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(conflict), false);
	return agm_execute(&writer->store,
					   "SELECT FROM {store}.conflict c"
					   " WHERE c.namespace OPERATOR(pg_catalog.=) $1"
					   " AND c.id OPERATOR(pg_catalog.=) $2 AND c.resolution IS NULL",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) > 0;
}

/* One that is settled meanwhile leaves nothing to do. */
static void
complete_adjudicate(AgmWriter *writer, const Job *job, const Jsonb *result)
{
	int64 conflict = agm_job_conflict(job->payload);
	const char *resolution = find_text(result, "resolution");
	const char *note = find_text(result, "note");
	int64 side;
	bool has_side = find_int8(result, "side", &side);

	if (resolution == NULL)
		refuse(job, "\"resolution\"", "supersede, retain, annotate or merge.");
	if (is_open(writer, conflict))
		agm_resolve(writer, conflict, resolution, has_side ? &side : NULL,
					note == NULL ? (Datum) 0 : CStringGetTextDatum(note), note == NULL);
	end_lease(writer, job, TAKE_OUT);
}

bool
agm_job_complete(AgmWriter *writer, const AgmLease *lease, Jsonb *result, AgmInt64List *ids)
{
	Job job = look_up(writer, lease);

	if (!job.leased)
		return false;
	if (!JB_ROOT_IS_OBJECT(result))
		refuse(&job, "a JSON object",
			   "docs/reference/jobs.md has what each kind of job wants.");
	for (size_t i = 0; i < lengthof(makings); i++)
		if (strcmp(job.kind, makings[i].job) == 0)
		{
			complete_making(writer, &job, &makings[i], result, ids);
			return true;
		}
	for (int i = 0; i < job.nids; i++)
		agm_int64_add(ids, job.ids[i]);
	if (job.has_version)
		return complete_version(writer, &job, result);
	if (job.next || strcmp(job.kind, "embed") == 0)
		return complete_embed(writer, &job, result);
	complete_adjudicate(writer, &job, result);
	return true;
}

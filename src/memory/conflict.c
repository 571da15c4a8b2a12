/*
 * conflict.c
 *		What a new memory may contradict: looked for and recorded, never settled by itself.
 *
 * Rules: src/memory/README.md, "Conflicts".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "memory/memory.h"

/* At most so many of each sort are recorded for one memory. */
#define CANDIDATES_MAX 5

/* In larger namespaces maintenance looks for conflicts, not the writer. */
#define SEARCHED_MEMORIES_MAX 20000

typedef struct Candidate
{
	int64 id;
	float4 similarity;
	bool has_similarity;
} Candidate;

typedef struct Candidates
{
	int n;
	Candidate items[CANDIDATES_MAX];
} Candidates;

/* Columns: id, cosine or NULL. */
static void
read_candidate(TupleTableSlot *slot, void *arg)
{
	Candidates *found = arg;
	Candidate *item;
	bool isnull;
	Datum value;

	if (found->n == CANDIDATES_MAX)
		return;
	item = &found->items[found->n++];
	item->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	value = slot_getattr(slot, 2, &isnull);
	item->has_similarity = !isnull;
	item->similarity = isnull ? 0 : (float4) DatumGetFloat8(value);
}

/* $1 to $6: what every search leaves out; of a batch, what comes later in it ($6). */
static void
search_params(const AgmWriter *writer, const AgmMemory *memory, int64 id, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
	agm_param(params, UUIDOID, UUIDPGetDatum(&memory->statement), false);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.from),
			  memory->period.from_open);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.to),
			  memory->period.to_open);
	agm_param(params, INT8OID, Int64GetDatum(writer->operation), !writer->batch);
}

#define OTHERS                                                                                 \
	" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.<>) $2"         \
	" AND m.content_hash OPERATOR(pg_catalog.<>) $3"                                           \
	" AND m.valid_period OPERATOR(pg_catalog.&&) pg_catalog.tstzrange($4, $5)"                 \
	" AND NOT coalesce(m.operation OPERATOR(pg_catalog.=) $6"                                  \
	"                  AND m.id OPERATOR(pg_catalog.>) $2, false)"

static void
record(AgmWriter *writer, AgmWritten *written, const Candidates *found, const char *reason)
{
	for (int i = 0; i < found->n; i++)
	{
		const Candidate *item = &found->items[i];
		AgmParams params = {0};

		agm_param(&params, TEXTOID, writer->ns, false);
		agm_param(&params, REGCLASSOID, ObjectIdGetDatum(writer->store.operations), false);
		agm_param(&params, INT8OID, Int64GetDatum(Min(item->id, written->id)), false);
		agm_param(&params, INT8OID, Int64GetDatum(Max(item->id, written->id)), false);
		agm_param(&params, TEXTOID, CStringGetTextDatum(reason), false);
		agm_param(&params, FLOAT4OID, Float4GetDatum(item->similarity), !item->has_similarity);
		/* A settled pair is raised again: one of its sides has a new version now. */
		(void) agm_execute(
			&writer->store,
			"INSERT INTO {store}.conflict AS c (namespace, id, a, b, reason, similarity)"
			" VALUES ($1, pg_catalog.nextval($2), $3, $4, $5, $6)"
			" ON CONFLICT (namespace, a, b) DO UPDATE SET resolution = NULL, side = NULL,"
			"  note = NULL, resolved_at = NULL, operation = NULL, reason = excluded.reason,"
			"  similarity = excluded.similarity, detected_at = excluded.detected_at"
			" WHERE c.resolution IS NOT NULL",
			&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
		agm_written_relate(written, item->id);
	}
}

/*
 * The same subject and predicate with another object: under another kind, or under one whose
 * values are noted rather than replaced.
 */
static void
search_key(AgmWriter *writer, const AgmMemory *memory, AgmWritten *written)
{
	static const AgmField names[] = {AGM_SUBJECT, AGM_PREDICATE, AGM_OBJECT, AGM_KIND};
	AgmParams params = {0};
	Candidates found = {0};

	if (memory->isnull[AGM_SUBJECT] || memory->isnull[AGM_PREDICATE] || memory->key_of_many)
		return;
	search_params(writer, memory, written->id, &params);
	for (size_t i = 0; i < lengthof(names); i++)
		agm_param(&params, TEXTOID, memory->value[names[i]], memory->isnull[names[i]]);
	agm_param(&params, BOOLOID, BoolGetDatum(memory->kind->annotate), false);
	(void) agm_execute(
		&writer->store,
		"SELECT m.id, NULL::pg_catalog.float8 FROM {store}.memory m" OTHERS
		" AND m.subject IS NOT NULL"
		" AND agentmem.fold(m.subject) OPERATOR(pg_catalog.=) agentmem.fold($7)"
		" AND m.predicate IS NOT NULL"
		" AND agentmem.fold(m.predicate) OPERATOR(pg_catalog.=) agentmem.fold($8)"
		" AND coalesce(agentmem.fold(m.object) OPERATOR(pg_catalog.<>) agentmem.fold($9), true)"
		" AND (m.kind OPERATOR(pg_catalog.<>) $10 OR $11)"
		" AND NOT EXISTS (SELECT FROM {store}.kind k"
		"   WHERE k.name OPERATOR(pg_catalog.=) m.kind"
		"   AND k.class OPERATOR(pg_catalog.=) 'vault')"
		" ORDER BY m.id DESC LIMIT 5",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "ld?", read_candidate, &found);
	record(writer, written, &found, "same_key");
}

/* The nearest of the same kind whose cosine reaches the kind's threshold. */
static void
search_near(AgmWriter *writer, const AgmMemory *memory, AgmWritten *written)
{
	AgmParams params = {0};
	Candidates found = {0};

	if (!memory->kind->has_threshold || memory->isnull[AGM_EMBEDDING] ||
		writer->memories > SEARCHED_MEMORIES_MAX)
		return;
	search_params(writer, memory, written->id, &params);
	agm_param(&params, TEXTOID, memory->value[AGM_KIND], false);
	agm_param(&params, agm_type_oid("vector"), memory->value[AGM_EMBEDDING], false);
	agm_param(&params, FLOAT8OID, Float8GetDatum(memory->kind->conflict_threshold), false);
	(void) agm_execute(
		&writer->store,
		psprintf("SELECT n.id, n.cosine FROM (SELECT m.id,"
				 " 1 OPERATOR(pg_catalog.-) (m.embedding OPERATOR(agentmem.<=>) $8) AS cosine"
				 " FROM {store}.memory m" OTHERS
				 " AND m.embedding IS NOT NULL AND m.kind OPERATOR(pg_catalog.=) $7"
				 " ORDER BY m.embedding OPERATOR(agentmem.%s) $8 LIMIT 5) n"
				 " WHERE n.cosine OPERATOR(pg_catalog.>=) $9"
				 " AND n.cosine OPERATOR(pg_catalog.<=) 2", /* not NaN: a zero vector */
				 writer->distance_operator),
		&params, AGM_WRITE | AGM_PLAN_ORDERED, "ld?", read_candidate, &found);
	record(writer, written, &found, "similar");
}

void
agm_conflict_search(AgmWriter *writer, const AgmMemory *memory, AgmWritten *written)
{
	/* A secret contradicts nothing: it is not merged with what can be recalled. */
	if (memory->kind->vault)
		return;
	search_key(writer, memory, written);
	search_near(writer, memory, written);
}

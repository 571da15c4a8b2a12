/*
 * conflict.c
 *		What a new memory may contradict: looked for and recorded, never settled by itself.
 *		The same search finds what it is like, for the edges "similar".
 *
 * Rules: src/memory/README.md, "Conflicts" and "Likeness".
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
	Candidate items[AGM_EDGES_MAX];
} Candidates;

/* Columns: id, cosine or NULL. */
static void
read_candidate(TupleTableSlot *slot, void *arg)
{
	Candidates *found = arg;
	Candidate *item;
	bool isnull;
	Datum value;

	if (found->n == lengthof(found->items))
		return;
	item = &found->items[found->n++];
	item->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	value = slot_getattr(slot, 2, &isnull);
	item->has_similarity = !isnull;
	item->similarity = isnull ? 0 : (float4) DatumGetFloat8(value);
}

/* $1 to $5: what every search leaves out. */
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
}

#define OTHERS                                                                                 \
	" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.<>) $2"         \
	" AND m.content_hash OPERATOR(pg_catalog.<>) $3"                                           \
	" AND m.valid_period OPERATOR(pg_catalog.&&) pg_catalog.tstzrange($4, $5)"

static void
record(AgmWriter *writer, AgmWritten *written, const Candidates *found, float8 threshold,
	   const char *reason)
{
	for (int i = 0; i < Min(found->n, CANDIDATES_MAX); i++)
	{
		const Candidate *item = &found->items[i];
		AgmParams params = {0};

		if (item->has_similarity && item->similarity < threshold)
			continue;
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
		" AND agentmem.fold(m.subject) OPERATOR(pg_catalog.=) agentmem.fold($6)"
		" AND m.predicate IS NOT NULL"
		" AND agentmem.fold(m.predicate) OPERATOR(pg_catalog.=) agentmem.fold($7)"
		" AND coalesce(agentmem.fold(m.object) OPERATOR(pg_catalog.<>) agentmem.fold($8), true)"
		" AND (m.kind OPERATOR(pg_catalog.<>) $9 OR $10)"
		" AND NOT EXISTS (SELECT FROM {store}.kind k"
		"   WHERE k.name OPERATOR(pg_catalog.=) m.kind"
		"   AND k.class OPERATOR(pg_catalog.=) 'vault')"
		" ORDER BY m.id DESC LIMIT 5",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "ld?", read_candidate, &found);
	record(writer, written, &found, 0, "same_key");
}

/* Edges to the nearest; those to what was nearest before another content or vector go. */
static void
link_similar(AgmWriter *writer, int64 id, const Candidates *found, bool fresh)
{
	AgmParams params = {0};
	int64 ids[AGM_EDGES_MAX];
	Datum weights[AGM_EDGES_MAX];
	int n = 0;

	for (int i = 0; i < found->n && n < writer->similar; i++)
	{
		if (found->items[i].similarity < writer->similar_threshold)
			break;
		ids[n] = found->items[i].id;
		weights[n++] = Float4GetDatum(found->items[i].similarity);
	}
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	if (!fresh)
		(void) agm_execute(&writer->store,
						   "DELETE FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=)"
						   " $1 AND e.source OPERATOR(pg_catalog.=) $2"
						   " AND e.type OPERATOR(pg_catalog.=) 'similar'"
						   " AND e.operation IS NOT NULL" /* not what link() wrote */
						   " AND e.target OPERATOR(pg_catalog.<>) ALL ($3)",
						   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	if (n == 0)
		return;
	agm_param(&params, FLOAT4ARRAYOID,
			  PointerGetDatum(
				  construct_array(weights, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT)),
			  false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.edge (namespace, source, target, type, weight,"
					   " operation) SELECT $1, $2, u.id, 'similar', u.weight, $5"
					   " FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4))"
					   " u(id, weight)"
					   " ON CONFLICT (namespace, source, target, type) DO NOTHING",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* The nearest of the same kind, nearest first; none where there is nothing to ask for. */
static bool
search_near(AgmWriter *writer, const AgmMemory *memory, int64 id, Candidates *found)
{
	AgmParams params = {0};
	int n = memory->kind->has_threshold ? CANDIDATES_MAX : 0;

	n = Max(n, writer->similar);
	if (n == 0 || memory->isnull[AGM_EMBEDDING] || writer->memories > SEARCHED_MEMORIES_MAX)
		return false;
	search_params(writer, memory, id, &params);
	agm_param(&params, TEXTOID, memory->value[AGM_KIND], false);
	agm_param(&params, agm_type_oid("vector"), memory->value[AGM_EMBEDDING], false);
	agm_param(&params, INT8OID, Int64GetDatum(n), false);
	(void) agm_execute(
		&writer->store,
		psprintf("SELECT n.id, n.cosine FROM (SELECT m.id,"
				 " 1 OPERATOR(pg_catalog.-) (m.embedding OPERATOR(agentmem.<=>) $7) AS cosine"
				 " FROM {store}.memory m" OTHERS
				 " AND m.embedding IS NOT NULL AND m.kind OPERATOR(pg_catalog.=) $6"
				 " ORDER BY m.embedding OPERATOR(agentmem.%s) $7 LIMIT $8) n"
				 " WHERE n.cosine OPERATOR(pg_catalog.<=) 2", /* not NaN: a zero vector */
				 writer->distance_operator),
		&params, AGM_WRITE | AGM_PLAN_ORDERED, "ld?", read_candidate, found);
	return true;
}

void
agm_conflict_search(AgmWriter *writer, const AgmMemory *memory, AgmWritten *written)
{
	Candidates found = {0};

	/* A secret contradicts nothing: it is not merged with what can be recalled. */
	if (memory->kind->vault)
		return;
	search_key(writer, memory, written);
	if (search_near(writer, memory, written->id, &found) && memory->kind->has_threshold)
		record(writer, written, &found, memory->kind->conflict_threshold, "similar");
	if (writer->similar > 0 && (found.n > 0 || written->action != AGM_INSERTED))
		link_similar(writer, written->id, &found, written->action == AGM_INSERTED);
}

/* Of a version that came back; what it contradicts was said when it was written. */
void
agm_similar_refresh(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	Candidates found = {0};

	if (writer->similar == 0)
		return;
	(void) search_near(writer, memory, id, &found);
	link_similar(writer, id, &found, false);
}

/*
 * conflict.c
 *		What a new memory may contradict: looked for and recorded, never settled by itself.
 *		The same search finds what it is like, for the edges "similar".
 *
 * Rules: src/memory/README.md, "Conflicts" and "Likeness".
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/direct.h"
#include "base/order.h"
#include "memory/memory.h"

/* In larger namespaces maintenance looks for conflicts, not the writer. */
#define SEARCHED_MEMORIES_MAX 20000

/* Columns: id, cosine or NULL. */
static void
read_candidate(TupleTableSlot *slot, void *arg)
{
	AgmLikes *found = arg;
	AgmLike *item;
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
	" m.id OPERATOR(pg_catalog.<>) $2"                                                         \
	" AND m.content_hash OPERATOR(pg_catalog.<>) $3"                                           \
	" AND m.valid_period OPERATOR(pg_catalog.&&) pg_catalog.tstzrange($4, $5)"                 \
	" AND NOT coalesce(m.operation OPERATOR(pg_catalog.=) $6"                                  \
	"                  AND m.id OPERATOR(pg_catalog.>) $2, false)"

static void
raise_conflicts(AgmWriter *writer, AgmWritten *written, const AgmLikes *found, float8 threshold,
				const char *reason)
{
	for (int i = 0; i < Min(found->n, AGM_CONFLICTS_MAX); i++)
	{
		const AgmLike *item = &found->items[i];

		if (item->has_similarity && item->similarity < threshold)
			continue;
		if (writer->nraised == writer->raised_capacity)
		{
			Size size;

			writer->raised_capacity = Max(2 * AGM_CONFLICTS_MAX, writer->raised_capacity * 2);
			size = sizeof(AgmRaised) * writer->raised_capacity;
			writer->raised = writer->raised == NULL ? MemoryContextAlloc(writer->context, size)
													: repalloc_huge(writer->raised, size);
		}
		writer->raised[writer->nraised++] = (AgmRaised){
			.written = written->id,
			.other = item->id,
			.reason = reason,
			.similarity = item->similarity,
			.has_similarity = item->has_similarity,
		};
		agm_written_relate(written, item->id);
	}
}

/*
 * The same subject and predicate with another object: under another kind, or under one whose
 * values are noted rather than replaced.
 */
void
agm_find_same_key(AgmWriter *writer, const AgmMemory *memory, int64 id, AgmLikes *found)
{
	static const AgmField names[] = {AGM_SUBJECT, AGM_PREDICATE, AGM_OBJECT, AGM_KIND};
	AgmParams params = {0};

	if (memory->isnull[AGM_SUBJECT] || memory->isnull[AGM_PREDICATE] || memory->key_of_many)
		return;
	search_params(writer, memory, id, &params);
	for (size_t i = 0; i < lengthof(names); i++)
		agm_param(&params, TEXTOID, memory->value[names[i]], memory->isnull[names[i]]);
	agm_param(&params, BOOLOID, BoolGetDatum(memory->kind->annotate), false);
	(void) agm_execute(
		&writer->store,
		"SELECT m.id, NULL::pg_catalog.float8 FROM {store}.memory m"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND" OTHERS " AND m.subject IS NOT NULL"
		" AND agentmem.fold(m.subject) OPERATOR(pg_catalog.=) agentmem.fold($7)"
		" AND m.predicate IS NOT NULL"
		" AND agentmem.fold(m.predicate) OPERATOR(pg_catalog.=) agentmem.fold($8)"
		" AND coalesce(agentmem.fold(m.object) OPERATOR(pg_catalog.<>) agentmem.fold($9), true)"
		" AND (m.kind OPERATOR(pg_catalog.<>) $10 OR $11)"
		" AND NOT EXISTS (SELECT FROM {store}.kind k"
		"   WHERE k.name OPERATOR(pg_catalog.=) m.kind"
		"   AND k.class OPERATOR(pg_catalog.=) 'vault')"
		" ORDER BY m.id DESC LIMIT 5",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "ld?", read_candidate, found);
}

/* Edges to the nearest; those to what was nearest before another content or vector go. */
static void
link_similar(AgmWriter *writer, int64 id, const AgmLikes *found, bool fresh)
{
	AgmParams params = {0};
	int64 ids[AGM_EDGES_MAX];
	Datum weights[AGM_EDGES_MAX];
	AgmKept kept;
	int n = 0;

	for (int i = 0; i < found->n && n < writer->similar; i++)
		if (found->items[i].similarity >= writer->similar_threshold)
			ids[n++] = found->items[i].id;
	kept = agm_rows_keep(writer, ids, n, true);
	n = 0;
	/* Not to those that are being taken out. */
	for (int i = 0; i < found->n && n < kept.n; i++)
		if (bsearch(&found->items[i].id, kept.ids, kept.n, sizeof(int64), agm_compare_int64) !=
			NULL)
		{
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
					   &params, AGM_WRITE | AGM_PLAN_GENERIC | (fresh ? AGM_NEW_KEYS : 0), NULL,
					   NULL, NULL);
}

/* Of any kind, as many more as there may be of others among them. */
#define LOOKED_AT_MORE 3

typedef struct Looked
{
	AgmLikes *found;
	int n;
	double last; /* the cosine of the last of them; NaN: a vector of length 0 */
} Looked;

/* Columns: id, cosine, wanted. */
static void
read_looked(TupleTableSlot *slot, void *arg)
{
	Looked *looked = arg;
	bool isnull;

	looked->n++;
	looked->last = DatumGetFloat8(slot_getattr(slot, 2, &isnull));
	if (DatumGetBool(slot_getattr(slot, 3, &isnull)) && !isnan(looked->last))
		read_candidate(slot, looked->found);
}

/* $1 to $9 of both searches; the last is how many. */
static void
near_params(const AgmWriter *writer, const AgmMemory *memory, int64 id, int n,
			AgmParams *params)
{
	search_params(writer, memory, id, params);
	agm_param(params, TEXTOID, memory->value[AGM_KIND], false);
	agm_param(params, agm_type_oid("vector"), memory->value[AGM_EMBEDDING], false);
	agm_param(params, INT8OID, Int64GetDatum(n), false);
}

/*
 * The nearest of all: mostly the first are too far already, while a search for a kind of which there are few
 * passes by all others.  False: there may be more that are near enough.
 */
static bool
look_near(AgmWriter *writer, const AgmMemory *memory, int64 id, int n, float8 least,
		  AgmLikes *found)
{
	Looked looked = {found, 0, 0};
	AgmParams params = {0};

	n += LOOKED_AT_MORE;
	near_params(writer, memory, id, n, &params);
	(void) agm_execute(
		&writer->store,
		psprintf("SELECT n.id, n.cosine, n.wanted FROM (SELECT m.id,"
				 " 1 OPERATOR(pg_catalog.-) (m.embedding OPERATOR(agentmem.<=>) $8) AS cosine,"
				 " (" OTHERS " AND m.kind OPERATOR(pg_catalog.=) $7) AS wanted"
				 " FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
				 " AND m.embedding IS NOT NULL"
				 " ORDER BY m.embedding OPERATOR(agentmem.%s) $8 LIMIT $9) n",
				 writer->distance_operator),
		&params, AGM_WRITE | AGM_PLAN_ORDERED, "ldb?", read_looked, &looked);
	if (looked.n < n || !(looked.last >= least))
		return true;
	found->n = 0;
	return false;
}

void
agm_find_near(AgmWriter *writer, const AgmMemory *memory, int64 id, int n, float8 least,
			  bool older, AgmLikes *found)
{
	AgmParams params = {0};

	if (n == 0 || memory->isnull[AGM_EMBEDDING])
		return;
	/* By another metric than the cosine's what comes later need not have less of it. */
	if (least > 0 && !older && strcmp(writer->distance_operator, "<=>") == 0 &&
		look_near(writer, memory, id, n, least, found))
		return;
	near_params(writer, memory, id, n, &params);
	(void) agm_execute(
		&writer->store,
		psprintf("SELECT n.id, n.cosine FROM (SELECT m.id,"
				 " 1 OPERATOR(pg_catalog.-) (m.embedding OPERATOR(agentmem.<=>) $8) AS cosine"
				 " FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND" OTHERS
				 " AND m.embedding IS NOT NULL AND m.kind OPERATOR(pg_catalog.=) $7%s"
				 " ORDER BY m.embedding OPERATOR(agentmem.%s) $8 LIMIT $9) n"
				 " WHERE n.cosine OPERATOR(pg_catalog.<=) 2", /* not NaN: a zero vector */
				 older ? " AND m.id OPERATOR(pg_catalog.<) $2" : "", writer->distance_operator),
		&params, AGM_WRITE | AGM_PLAN_ORDERED, "ld?", read_candidate, found);
}

/*
 * Has the namespace too many memories to search?  Where maintenance has not estimated them yet they are
 * counted, so far: a search that finds few of the kind passes all others by.
 */
static bool
is_large(AgmWriter *writer)
{
	static const AgmDirectColumn columns[] = {{"namespace", TEXTOID, false},
											  {"id", INT8OID, false}};
	AgmDirect *memories;

	if (writer->memories < 0)
	{
		memories = agm_direct_open(&writer->store, "memory", columns, 2, 2, writer->ns,
								   GetActiveSnapshot());
		if (memories == NULL)
			return false;
		agm_direct_seek_from(memories, PG_INT64_MIN);
		writer->memories = agm_direct_entries(memories, SEARCHED_MEMORIES_MAX + 1);
		agm_direct_close(memories);
	}
	return writer->memories > SEARCHED_MEMORIES_MAX;
}

/* What a writer looks for by itself; false: nothing, or maintenance does. */
static bool
search_near(AgmWriter *writer, const AgmMemory *memory, int64 id, AgmLikes *found)
{
	int n = memory->kind->has_threshold ? AGM_CONFLICTS_MAX : 0;
	float8 least = memory->kind->has_threshold ? memory->kind->conflict_threshold : 1;

	n = Max(n, writer->similar);
	if (writer->similar > 0)
		least = Min(least, writer->similar_threshold);
	if (n == 0 || memory->isnull[AGM_EMBEDDING] || is_large(writer))
		return false;
	agm_find_near(writer, memory, id, n, least, false, found);
	return true;
}

void
agm_conflict_search(AgmWriter *writer, const AgmMemory *memory, AgmWritten *written)
{
	AgmLikes found = {0};

	/* A secret contradicts nothing: it is not merged with what can be recalled. */
	if (memory->kind->vault)
		return;
	agm_find_same_key(writer, memory, written->id, &found);
	raise_conflicts(writer, written, &found, 0, "same_key");
	found.n = 0;
	if (search_near(writer, memory, written->id, &found) && memory->kind->has_threshold)
		raise_conflicts(writer, written, &found, memory->kind->conflict_threshold, "similar");
	if (writer->similar > 0 && (found.n > 0 || written->action != AGM_INSERTED))
		link_similar(writer, written->id, &found, written->action == AGM_INSERTED);
}

/* Of a version that came back; what it contradicts was said when it was written. */
void
agm_similar_refresh(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmLikes found = {0};

	if (writer->similar == 0)
		return;
	(void) search_near(writer, memory, id, &found);
	link_similar(writer, id, &found, false);
}

static inline int64
side_a(const AgmRaised *raised)
{
	return Min(raised->written, raised->other);
}

static inline int64
side_b(const AgmRaised *raised)
{
	return Max(raised->written, raised->other);
}

/* By their sides; of one pair in the order in which it was found, of which `same_key` is first. */
static int
compare_raised(const void *a, const void *b)
{
	const AgmRaised *x = a;
	const AgmRaised *y = b;

	if (side_a(x) != side_a(y))
		return side_a(x) < side_a(y) ? -1 : 1;
	if (side_b(x) != side_b(y))
		return side_b(x) < side_b(y) ? -1 : 1;
	return strcmp(x->reason, y->reason);
}

/* Each pair once, in order, but for those of which the other side is being taken out. */
static int
keep_others(AgmWriter *writer)
{
	int64 *others = palloc(sizeof(int64) * writer->nraised);
	AgmKept kept;
	int n = 0;

	for (int i = 0; i < writer->nraised; i++)
		others[i] = writer->raised[i].other;
	kept = agm_rows_keep(writer, others, writer->nraised, true);
	qsort(writer->raised, writer->nraised, sizeof(AgmRaised), compare_raised);
	for (int i = 0; i < writer->nraised; i++)
	{
		const AgmRaised *raised = &writer->raised[i];

		if (n > 0 && side_a(raised) == side_a(&writer->raised[n - 1]) &&
			side_b(raised) == side_b(&writer->raised[n - 1]))
			continue;
		if (bsearch(&raised->other, kept.ids, kept.n, sizeof(int64), agm_compare_int64) != NULL)
			writer->raised[n++] = *raised;
	}
	return n;
}

/*
 * Records what the call has raised: at its end, and in the order of the sides, so that of two
 * calls which raise the same pairs one waits for the other.
 */
void
agm_conflict_record(AgmWriter *writer)
{
	AgmParams params = {0};
	int n;
	int64 *a;
	int64 *b;
	Datum *reasons;
	Datum *similarities;
	bool *nulls;
	int dims[1];
	int lower[1] = {1};

	if (writer->nraised == 0)
		return;
	n = keep_others(writer);
	writer->nraised = 0;
	if (n == 0)
		return;
	a = palloc(sizeof(int64) * n);
	b = palloc(sizeof(int64) * n);
	reasons = palloc(sizeof(Datum) * n);
	similarities = palloc(sizeof(Datum) * n);
	nulls = palloc(sizeof(bool) * n);
	for (int i = 0; i < n; i++)
	{
		const AgmRaised *raised = &writer->raised[i];

		a[i] = side_a(raised);
		b[i] = side_b(raised);
		reasons[i] = CStringGetTextDatum(raised->reason);
		similarities[i] = Float4GetDatum(raised->similarity);
		nulls[i] = !raised->has_similarity;
	}
	dims[0] = n;
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(writer->store.operations), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(a, n), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(b, n), false);
	agm_param(&params, TEXTARRAYOID,
			  PointerGetDatum(construct_array(reasons, n, TEXTOID, -1, false, TYPALIGN_INT)),
			  false);
	agm_param(&params, FLOAT4ARRAYOID,
			  PointerGetDatum(construct_md_array(similarities, nulls, 1, dims, lower, FLOAT4OID,
												 sizeof(float4), true, TYPALIGN_INT)),
			  false);
	/* A settled pair is raised again: one of its sides has a new version now. */
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.conflict AS c (namespace, id, a, b, reason, similarity)"
		" SELECT $1, pg_catalog.nextval($2), f.a, f.b, f.reason, f.similarity"
		" FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5),"
		"  pg_catalog.unnest($6)) f(a, b, reason, similarity)"
		" ON CONFLICT (namespace, a, b) DO UPDATE SET resolution = NULL, side = NULL,"
		"  note = NULL, resolved_at = NULL, operation = NULL, reason = excluded.reason,"
		"  similarity = excluded.similarity, detected_at = excluded.detected_at"
		" WHERE c.resolution IS NOT NULL",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/*
 * mention.c
 *		What a memory mentions: edges from it to the concepts of its content.
 *
 * Rules: src/memory/README.md, "Concepts".  Nothing here waits for another transaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "base/direct.h"
#include "lexical/lexical.h"
#include "memory/change.h"

/* A concept that so many memories mention says little of another; its edges lead nowhere. */
#define MEMORIES_MAX 32

/* What a memory mentions, and what the store has of it. */
typedef struct Mentions
{
	int n;
	int64 *ids;
	const AgmConcept *concepts;
	bool *named;  /* by some memory */
	bool *common; /* mentioned by enough */
} Mentions;

static Datum
text_array(Datum *items, int n)
{
	return PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT));
}

#define OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"

static void
begin_params(const AgmWriter *writer, int64 id, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
}

/* What it mentioned before and does not any more. */
static void
delete_stale(AgmWriter *writer, const Mentions *mentions, int64 id)
{
	AgmParams params = {0};

	begin_params(writer, id, &params);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(mentions->ids, mentions->n), false);
	(void) agm_execute(&writer->store,
					   "DELETE FROM {store}.edge e WHERE " OF_NAMESPACE(
						   "e") " AND e.source OPERATOR(pg_catalog.=) $2"
								" AND e.target OPERATOR(pg_catalog.<) 0"
								" AND e.target OPERATOR(pg_catalog.<>) ALL ($3)",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* Columns: place among the ids, named, edges. */
static void
read_known(TupleTableSlot *slot, void *arg)
{
	Mentions *mentions = arg;
	int64 i = DatumGetInt64(slot->tts_values[0]) - 1;

	mentions->named[i] = DatumGetBool(slot->tts_values[1]);
	mentions->common[i] = DatumGetInt64(slot->tts_values[2]) >= MEMORIES_MAX;
}

static void
look_up_by_statement(AgmWriter *writer, Mentions *mentions)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(mentions->ids, mentions->n), false);
	agm_param(&params, INT8OID, Int64GetDatum(MEMORIES_MAX), false);
	(void) agm_execute(
		&writer->store,
		"SELECT i.n, (SELECT true FROM {store}.concept c WHERE " OF_NAMESPACE(
			"c") " AND c.id OPERATOR(pg_catalog.=) i.id LIMIT 1) IS NOT NULL,"
				 " (SELECT pg_catalog.count(*) FROM (SELECT FROM {store}.edge e"
				 "  WHERE " OF_NAMESPACE(
					 "e") " AND e.target OPERATOR(pg_catalog.=) i.id LIMIT $3) e)"
						  " FROM pg_catalog.unnest($2) WITH ORDINALITY i(id, n)",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "lbl", read_known, mentions);
}

/* Of a concept, MEMORIES_MAX at most. */
static int
count_edges(const AgmWriter *writer, AgmDirect *edges, int64 concept)
{
	if (writer->exact)
		return agm_direct_count(edges, concept, MEMORIES_MAX);
	agm_direct_seek(edges, concept);
	return agm_direct_entries(edges, MEMORIES_MAX);
}

/*
 * Which of the concepts are named, and which are common, as a statement would see it that ran now.  A name
 * must be one that is seen; of edges entries are counted, which says the same but for what went lately, unless
 * the writer is exact.
 */
static void
look_up(AgmWriter *writer, Mentions *mentions)
{
	static const AgmDirectColumn concept_columns[] = {{"namespace", TEXTOID, false},
													  {"id", INT8OID, false}};
	static const AgmDirectColumn edge_columns[] = {{"namespace", TEXTOID, false},
												   {"target", INT8OID, false}};
	AgmDirect *names;
	AgmDirect *edges = NULL;

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	names = agm_direct_open(&writer->store, "concept", concept_columns, 2, 2, writer->ns,
							GetActiveSnapshot());
	if (names != NULL)
		edges = agm_direct_open(&writer->store, "edge", edge_columns, 2, 2, writer->ns,
								GetActiveSnapshot());
	for (int i = 0; edges != NULL && i < mentions->n; i++)
	{
		mentions->named[i] = agm_direct_count(names, mentions->ids[i], 1) > 0;
		mentions->common[i] = count_edges(writer, edges, mentions->ids[i]) == MEMORIES_MAX;
	}
	if (edges == NULL)
		look_up_by_statement(writer, mentions);
	else
		agm_direct_close(edges);
	if (names != NULL)
		agm_direct_close(names);
	PopActiveSnapshot();
}

/* Whoever sees none names it; the row is his own, so that nobody waits for another's. */
static void
write_names(AgmWriter *writer, const Mentions *mentions, int64 id)
{
	int64 *ids = palloc(sizeof(int64) * mentions->n);
	Datum *names = palloc(sizeof(Datum) * mentions->n);
	Datum *normalized = palloc(sizeof(Datum) * mentions->n);
	AgmParams params = {0};
	int n = 0;

	for (int i = 0; i < mentions->n; i++)
	{
		if (mentions->named[i])
			continue;
		ids[n] = mentions->ids[i];
		names[n] = CStringGetTextDatum(mentions->concepts[i].concept);
		normalized[n++] = CStringGetTextDatum(mentions->concepts[i].lexemes);
	}
	if (n == 0)
		return;
	begin_params(writer, id, &params);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	agm_param(&params, TEXTARRAYOID, text_array(names, n), false);
	agm_param(&params, TEXTARRAYOID, text_array(normalized, n), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.concept (namespace, id, memory, concept, normalized)"
		" SELECT $1, u.id, $2, u.concept, u.normalized"
		" FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4),"
		"  pg_catalog.unnest($5)) u(id, concept, normalized)"
		" ON CONFLICT (namespace, id, memory) DO NOTHING",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

static void
write_edges(AgmWriter *writer, const Mentions *mentions, int64 id, const char *type)
{
	bool gathers = writer->gathers;

	if (!gathers)
		agm_edges_gather(writer);
	for (int i = 0; i < mentions->n; i++)
		if (!mentions->common[i])
			agm_add_weighted_edge(writer, id, mentions->ids[i], type,
								  mentions->concepts[i].weight);
	if (!gathers)
		agm_edges_write(writer);
}

void
agm_mentions_write(AgmWriter *writer, const AgmMemory *memory, int64 id, bool fresh)
{
	Mentions mentions;
	text *content;

	if (writer->concepts == 0 || memory->kind->vault || memory->kind->structural)
		return;
	content = DatumGetTextPP(memory->value[AGM_CONTENT]);
	mentions.concepts =
		agm_concepts(TextDatumGetCString(memory->value[AGM_LANGUAGE]), VARDATA_ANY(content),
					 VARSIZE_ANY_EXHDR(content), writer->concepts, &mentions.n);
	mentions.ids = palloc(sizeof(int64) * Max(mentions.n, 1));
	for (int i = 0; i < mentions.n; i++)
		mentions.ids[i] = agm_concept_id(mentions.concepts[i].lexemes);
	if (!fresh)
		delete_stale(writer, &mentions, id);
	if (mentions.n == 0)
		return;
	mentions.named = palloc(sizeof(bool) * mentions.n);
	mentions.common = palloc(sizeof(bool) * mentions.n);
	look_up(writer, &mentions);
	write_names(writer, &mentions, id);
	write_edges(writer, &mentions, id,
				memory->kind->episodic ? "has_concept" : "about_concept");
}

/* A memory that came back as it was. */
void
agm_edges_refresh(AgmWriter *writer, int64 id)
{
	AgmMemory memory;

	if ((writer->concepts == 0 && writer->similar == 0) ||
		!agm_memory_load_derived(writer, id, &memory) || memory.kind->vault)
		return;
	agm_mentions_write(writer, &memory, id, false);
	agm_similar_refresh(writer, &memory, id);
}

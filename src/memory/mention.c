/*
 * mention.c
 *		What a memory mentions: edges from it to the concepts of its content.
 *
 * Rules: src/memory/README.md, "Concepts".  Nothing here waits for another transaction.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "lexical/lexical.h"
#include "memory/change.h"

/* A concept that so many memories mention says little of another; its edges lead nowhere. */
#define MEMORIES_MAX "32"

static Datum
array_of(Datum *items, int n, Oid type, int len, bool byval, char align)
{
	return PointerGetDatum(construct_array(items, n, type, len, byval, align));
}

/* $1 namespace, $2 memory, $3 ids, $4 concepts, $5 normalized, $6 weights. */
static void
mention_params(const AgmWriter *writer, int64 id, const AgmConcept *concepts, int n,
			   AgmParams *params)
{
	int64 *ids = palloc(sizeof(int64) * Max(n, 1));
	Datum *names = palloc(sizeof(Datum) * Max(n, 1));
	Datum *normalized = palloc(sizeof(Datum) * Max(n, 1));
	Datum *weights = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
	{
		ids[i] = agm_concept_id(concepts[i].lexemes);
		names[i] = CStringGetTextDatum(concepts[i].concept);
		normalized[i] = CStringGetTextDatum(concepts[i].lexemes);
		weights[i] = Float4GetDatum(concepts[i].weight);
	}
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
	agm_param(params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	agm_param(params, TEXTARRAYOID, array_of(names, n, TEXTOID, -1, false, TYPALIGN_INT),
			  false);
	agm_param(params, TEXTARRAYOID, array_of(normalized, n, TEXTOID, -1, false, TYPALIGN_INT),
			  false);
	agm_param(params, FLOAT4ARRAYOID,
			  array_of(weights, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT), false);
}

#define OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"

/* What it mentioned before and does not any more. */
static void
delete_stale(AgmWriter *writer, const AgmParams *params)
{
	AgmParams first = *params;

	first.n = 3;
	(void) agm_execute(&writer->store,
					   "DELETE FROM {store}.edge e WHERE " OF_NAMESPACE(
						   "e") " AND e.source OPERATOR(pg_catalog.=) $2"
								" AND e.target OPERATOR(pg_catalog.<) 0"
								" AND e.target OPERATOR(pg_catalog.<>) ALL ($3)",
					   &first, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

void
agm_mentions_write(AgmWriter *writer, const AgmMemory *memory, int64 id, bool fresh)
{
	AgmParams params = {0};
	AgmConcept *concepts;
	text *content;
	int n;

	if (writer->concepts == 0 || memory->kind->vault || memory->kind->structural)
		return;
	content = DatumGetTextPP(memory->value[AGM_CONTENT]);
	concepts =
		agm_concepts(TextDatumGetCString(memory->value[AGM_LANGUAGE]), VARDATA_ANY(content),
					 VARSIZE_ANY_EXHDR(content), writer->concepts, &n);
	mention_params(writer, id, concepts, n, &params);
	if (!fresh)
		delete_stale(writer, &params);
	if (n == 0)
		return;
	agm_param(&params, TEXTOID,
			  CStringGetTextDatum(memory->kind->episodic ? "has_concept" : "about_concept"),
			  false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"WITH given AS MATERIALIZED (SELECT u.id, u.concept, u.normalized, u.weight"
		"  FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4),"
		"   pg_catalog.unnest($5), pg_catalog.unnest($6)) u(id, concept, normalized, weight)),"
		/* Whoever sees none names it; the row is his own, so that nobody waits for another's. */
		" named AS (INSERT INTO {store}.concept (namespace, id, memory, concept, normalized)"
		"  SELECT $1, g.id, $2, g.concept, g.normalized FROM given g"
		"  WHERE (SELECT true FROM {store}.concept c WHERE " OF_NAMESPACE(
			"c") " AND c.id OPERATOR(pg_catalog.=) g.id LIMIT 1) IS NULL"
				 "  ON CONFLICT (namespace, id, memory) DO NOTHING)"
				 " INSERT INTO {store}.edge (namespace, source, target, type, weight, "
				 "operation)"
				 " SELECT $1, $2, g.id, $7, g.weight, $8 FROM given g"
				 " WHERE (SELECT pg_catalog.count(*) FROM (SELECT FROM {store}.edge e"
				 "  WHERE " OF_NAMESPACE(
					 "e") " AND e.target OPERATOR(pg_catalog.=) g.id LIMIT " MEMORIES_MAX
						  ") e) OPERATOR(pg_catalog.<) " MEMORIES_MAX
						  " ON CONFLICT (namespace, source, target, type) DO NOTHING",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
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

/*
 * operation.c
 *		What one call changed: its row in audit, and the edges it leaves.
 *
 * Rules: src/memory/README.md, "Operations".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "memory/memory.h"

/* A memory is noted once, however often the call writes it. */
void
agm_operation_touch(AgmWriter *writer, int64 id)
{
	/* A batch touches each of its memories at once, so the last are the likely ones. */
	for (int i = writer->ntouched - 1; i >= 0 && i >= writer->ntouched - 16; i--)
		if (writer->touched[i] == id)
			return;
	if (writer->ntouched == writer->touched_capacity)
	{
		writer->touched_capacity = Max(16, writer->touched_capacity * 2);
		writer->touched =
			writer->touched == NULL
				? palloc(sizeof(int64) * writer->touched_capacity)
				: repalloc(writer->touched, sizeof(int64) * writer->touched_capacity);
	}
	writer->touched[writer->ntouched++] = id;
}

void
agm_operation_made(AgmWriter *writer, int64 id)
{
	agm_operation_touch(writer, id);
	if (writer->oldest_new == 0 || id < writer->oldest_new)
		writer->oldest_new = id;
}

void
agm_operation_note(AgmWriter *writer, const char *action, Jsonb *details)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	agm_param(&params, TEXTOID, CStringGetTextDatum(GetUserNameFromId(GetUserId(), false)),
			  false);
	agm_param(&params, TEXTOID, CStringGetTextDatum(action), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(writer->touched, writer->ntouched), false);
	agm_param(&params, JSONBOID, JsonbPGetDatum(details), details == NULL);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.audit (namespace, id, role, action, ids, details)"
					   " VALUES ($1, $2, $3, $4, $5, $6)",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
}

/* Nothing that was only confirmed is recorded: confirmations count, and are no versions. */
void
agm_operation_record(AgmWriter *writer, const char *action, Jsonb *details)
{
	if (writer->ntouched == 0)
		return;
	agm_operation_note(writer, action, details);
	if (writer->embed_jobs)
		(void) agm_queue_embeddings(&writer->store, AGM_SPACE_CURRENT, writer->ns,
									writer->touched, writer->ntouched, 0);
	if (writer->next_dimensions > 0)
		(void) agm_queue_embeddings(&writer->store, AGM_SPACE_NEXT, writer->ns, writer->touched,
									writer->ntouched, 0);
}

static void
read_kept(TupleTableSlot *slot, void *arg)
{
	AgmKept *kept = arg;

	kept->ids[kept->n++] = DatumGetInt64(slot->tts_values[0]);
}

AgmKept
agm_rows_keep(AgmWriter *writer, const int64 *ids, int n, bool skip)
{
	static const char *const sql[] = {
		"SELECT m.id FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY m.id FOR KEY SHARE",
		"SELECT m.id FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY m.id FOR KEY SHARE SKIP LOCKED",
	};
	AgmKept kept = {palloc(sizeof(int64) * Max(n, 1)), 0};
	AgmParams params = {0};

	if (n == 0)
		return kept;
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	(void) agm_execute(&writer->store, sql[skip ? 1 : 0], &params,
					   AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, "l", read_kept, &kept);
	return kept;
}

/* Has it an end that this call has made?  Then there was none like it before. */
static int
novelty(const AgmWriter *writer, const AgmNewEdge *edge)
{
	return writer->oldest_new > 0 && Max(edge->source, edge->target) >= writer->oldest_new
			   ? AGM_NEW_KEYS
			   : 0;
}

/* As most calls leave one, and no other, that has a statement of its own, which costs less. */
static void
write_edge(AgmWriter *writer, const AgmNewEdge *edge)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(edge->source), false);
	agm_param(&params, INT8OID, Int64GetDatum(edge->target), false);
	agm_param(&params, TEXTOID, CStringGetTextDatum(edge->type), false);
	agm_param(&params, FLOAT4OID, Float4GetDatum(edge->weight), false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.edge (namespace, source, target, type, weight, operation)"
		" VALUES ($1, $2, $3, $4, $5, $6)"
		" ON CONFLICT (namespace, source, target, type) DO NOTHING",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | novelty(writer, edge), NULL, NULL, NULL);
}

static void
write_edges(AgmWriter *writer)
{
	int n = writer->nedges;
	int64 *sources = palloc(sizeof(int64) * n);
	int64 *targets = palloc(sizeof(int64) * n);
	Datum *types = palloc(sizeof(Datum) * n);
	Datum *weights = palloc(sizeof(Datum) * n);
	int new_keys = AGM_NEW_KEYS;
	AgmParams params = {0};

	for (int i = 0; i < n; i++)
	{
		new_keys &= novelty(writer, &writer->edges[i]);
		sources[i] = writer->edges[i].source;
		targets[i] = writer->edges[i].target;
		types[i] = CStringGetTextDatum(writer->edges[i].type);
		weights[i] = Float4GetDatum(writer->edges[i].weight);
	}
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(sources, n), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(targets, n), false);
	agm_param(&params, TEXTARRAYOID,
			  PointerGetDatum(construct_array(types, n, TEXTOID, -1, false, TYPALIGN_INT)),
			  false);
	agm_param(&params, FLOAT4ARRAYOID,
			  PointerGetDatum(
				  construct_array(weights, n, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT)),
			  false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.edge (namespace, source, target, type, weight, operation)"
		" SELECT $1, u.source, u.target, u.type, u.weight, $6"
		" FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3),"
		"  pg_catalog.unnest($4), pg_catalog.unnest($5)) u(source, target, type, weight)"
		" ON CONFLICT (namespace, source, target, type) DO NOTHING",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | new_keys, NULL, NULL, NULL);
}

void
agm_edges_gather(AgmWriter *writer)
{
	writer->gathers = true;
	writer->nedges = 0;
}

void
agm_edges_write(AgmWriter *writer)
{
	if (writer->nedges == 1)
		write_edge(writer, &writer->edges[0]);
	else if (writer->nedges > 1)
		write_edges(writer);
	writer->gathers = false;
	writer->nedges = 0;
}

void
agm_add_weighted_edge(AgmWriter *writer, int64 source, int64 target, const char *type,
					  float4 weight)
{
	AgmNewEdge edge = {source, target, type, weight};

	if (!writer->gathers)
	{
		write_edge(writer, &edge);
		return;
	}
	if (writer->nedges == writer->edges_room)
	{
		writer->edges_room = Max(16, writer->edges_room * 2);
		writer->edges =
			writer->edges == NULL
				? MemoryContextAlloc(writer->context, sizeof(AgmNewEdge) * writer->edges_room)
				: repalloc(writer->edges, sizeof(AgmNewEdge) * writer->edges_room);
	}
	writer->edges[writer->nedges++] = edge;
}

void
agm_add_edge(AgmWriter *writer, int64 source, int64 target, const char *type)
{
	agm_add_weighted_edge(writer, source, target, type, 1);
}

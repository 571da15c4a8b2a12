/*
 * operation.c
 *		What one call changed: its row in audit, and the edges it leaves.
 *
 * Rules: src/memory/README.md, "Operations".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
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

void
agm_add_edge(AgmWriter *writer, int64 source, int64 target, const char *type)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(source), false);
	agm_param(&params, INT8OID, Int64GetDatum(target), false);
	agm_param(&params, TEXTOID, CStringGetTextDatum(type), false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.edge (namespace, source, target, type, operation)"
					   " VALUES ($1, $2, $3, $4, $5)"
					   " ON CONFLICT (namespace, source, target, type) DO NOTHING",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

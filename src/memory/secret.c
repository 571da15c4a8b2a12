/*
 * secret.c
 *		Values of secrets: taken from a call, kept, copied, brought back (secret.h).
 *
 * Table secret is written and read as the owner of the store's tables: who may write a memory
 * may set a value and needs no right to read it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "memory/json.h"
#include "memory/secret.h"

/* A key file of any kind fits. */
#define VALUE_BYTES_MAX (1024 * 1024)

/* Where a call has the value, and what stands in its place: when it was set. */
#define VALUE_NAME "value"
#define MARK_NAME "set_at"

static JsonbValue *
find(const Jsonb *attributes, const char *name)
{
	return getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &attributes->root), name,
										strlen(name), NULL);
}

static Datum
without(Datum attributes, const char *name)
{
	return DirectFunctionCall2(jsonb_delete, attributes, CStringGetTextDatum(name));
}

void
agm_secret_take(AgmMemory *memory)
{
	JsonbValue *value;
	Datum rest;

	memory->has_secret = false;
	if (memory->isnull[AGM_ATTRIBUTES])
		return;
	value = find(DatumGetJsonbP(memory->value[AGM_ATTRIBUTES]), VALUE_NAME);
	if (value == NULL)
		return;
	if (value->type != jbvString || value->val.string.len == 0 ||
		value->val.string.len > VALUE_BYTES_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the value of a secret must be a text of 1 to %d bytes",
							   VALUE_BYTES_MAX),
						errhint("For example attributes => '{\"value\": \"...\"}'.")));
	memory->has_secret = true;
	memory->secret =
		PointerGetDatum(cstring_to_text_with_len(value->val.string.val, value->val.string.len));
	rest = without(without(memory->value[AGM_ATTRIBUTES], VALUE_NAME), MARK_NAME);
	memory->value[AGM_ATTRIBUTES] = rest;
	memory->isnull[AGM_ATTRIBUTES] = JB_ROOT_COUNT(DatumGetJsonbP(rest)) == 0;
}

Datum
agm_secret_keep_mark(Datum attributes, Datum old)
{
	JsonbValue *mark = find(DatumGetJsonbP(old), MARK_NAME);

	if (mark == NULL || mark->type != jbvString ||
		!JB_ROOT_IS_OBJECT(DatumGetJsonbP(attributes)))
		return attributes;
	return DirectFunctionCall2(
		jsonb_concat, attributes,
		JsonbPGetDatum(
			agm_json_pair(MARK_NAME, PointerGetDatum(cstring_to_text_with_len(
										 mark->val.string.val, mark->val.string.len)))));
}

static void
read_instant(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(TimestampTz *) arg = DatumGetTimestampTz(slot_getattr(slot, 1, &isnull));
}

/* $1 to $3: the memory, and since when. */
static void
value_params(const AgmWriter *writer, int64 id, TimestampTz since, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(since), false);
}

#define AS_OWNER (AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER)
#define VALUE_OF(id)                                                                           \
	" s.namespace OPERATOR(pg_catalog.=) $1 AND s.id OPERATOR(pg_catalog.=) " id

/* Ends the current value at `since`; one that is no older leaves nothing behind. */
static void
end_value(const AgmWriter *writer, int64 id, TimestampTz since)
{
	AgmParams params = {0};

	value_params(writer, id, since, &params);
	(void) agm_execute(&writer->store,
					   "DELETE FROM {store}.secret s WHERE" VALUE_OF(
						   "$2") " AND pg_catalog.lower(s.system_period)"
								 " OPERATOR(pg_catalog.>=) $3",
					   &params, AS_OWNER, NULL, NULL, NULL);
	(void) agm_execute(&writer->store,
					   "UPDATE {store}.secret s SET system_period ="
					   " pg_catalog.tstzrange(pg_catalog.lower(s.system_period), $3)"
					   " WHERE" VALUE_OF("$2") " AND pg_catalog.upper_inf(s.system_period)",
					   &params, AS_OWNER, NULL, NULL, NULL);
}

/*
 * The value makes a version of the memory too, by the instant at which it was set: so that
 * history, restore() and audit know of it as of any other change.
 */
void
agm_secret_write(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};
	char now[MAXDATELEN + 1];
	int utc = 0;
	TimestampTz since = 0;

	JsonEncodeDateTime(now, TimestampTzGetDatum(GetCurrentTimestamp()), TIMESTAMPTZOID, &utc);
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, JSONBOID,
			  JsonbPGetDatum(agm_json_pair(MARK_NAME, CStringGetTextDatum(now))), false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.memory m SET operation = $4,"
		" attributes = coalesce(m.attributes, '{}') OPERATOR(pg_catalog.||) $3,"
		" system_period = CASE WHEN pg_catalog.lower(m.system_period)"
		"                       OPERATOR(pg_catalog.<) pg_catalog.now()"
		"   THEN pg_catalog.tstzrange(pg_catalog.now(), NULL) ELSE m.system_period END"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) $2"
		" RETURNING pg_catalog.lower(m.system_period)",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "z", read_instant, &since);
	agm_operation_touch(writer, id);

	end_value(writer, id, since);
	memset(&params, 0, sizeof(params));
	value_params(writer, id, since, &params);
	agm_param(&params, TEXTOID, memory->secret, false);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.secret (namespace, id, system_period, value)"
					   " VALUES ($1, $2, pg_catalog.tstzrange($3, NULL), $4)",
					   &params, AS_OWNER, NULL, NULL, NULL);
}

/* The value that `source` had at $3 becomes that of $2 since $5. */
static void
copy_value(const AgmWriter *writer, int64 source, TimestampTz at, int64 id, TimestampTz since)
{
	AgmParams params = {0};

	value_params(writer, id, at, &params);
	agm_param(&params, INT8OID, Int64GetDatum(source), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(since), false);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.secret (namespace, id, system_period, value)"
					   " SELECT $1, $2, pg_catalog.tstzrange($5, NULL), s.value"
					   " FROM {store}.secret s WHERE" VALUE_OF(
						   "$4") " AND s.system_period OPERATOR(pg_catalog.@>) $3",
					   &params, AS_OWNER, NULL, NULL, NULL);
}

/* Since when the current version of a memory is held. */
static TimestampTz
held_since(AgmWriter *writer, int64 id)
{
	AgmParams params = {0};
	TimestampTz since = 0;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(&writer->store,
					   "SELECT pg_catalog.lower(m.system_period) FROM {store}.memory m"
					   " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					   " AND m.id OPERATOR(pg_catalog.=) $2",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "z", read_instant, &since);
	return since;
}

void
agm_secret_copy(AgmWriter *writer, int64 source, int64 id)
{
	copy_value(writer, source, held_since(writer, source), id, held_since(writer, id));
}

void
agm_secret_return(AgmWriter *writer, int64 id, TimestampTz known_at)
{
	AgmParams params = {0};
	TimestampTz since;

	value_params(writer, id, known_at, &params);
	if (agm_execute(&writer->store,
					"SELECT FROM {store}.secret s WHERE" VALUE_OF(
						"$2") " AND pg_catalog.upper_inf(s.system_period)"
							  " AND NOT s.system_period OPERATOR(pg_catalog.@>) $3",
					&params, AS_OWNER, NULL, NULL, NULL) == 0)
		return;
	since = held_since(writer, id);
	end_value(writer, id, since);
	copy_value(writer, id, known_at, id, since);
}

static void
read_value(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(text **) arg = DatumGetTextPCopy(slot_getattr(slot, 1, &isnull));
}

text *
agm_secret_read(AgmWriter *writer, int64 id)
{
	AgmParams params = {0};
	text *value = NULL;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(&writer->store,
					   "SELECT s.value FROM {store}.secret s WHERE" VALUE_OF(
						   "$2") " AND pg_catalog.upper_inf(s.system_period)",
					   &params, AS_OWNER, "t", read_value, &value);
	return value;
}

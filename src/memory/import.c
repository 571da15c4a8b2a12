/*
 * import.c
 *		Lines of JSON into a namespace, all or none (transfer.h).
 *
 * Everything is read and checked before a lock is taken; then the locks, then rows.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "memory/json.h"
#include "memory/transfer.h"
#include "vector/quantize.h"

typedef enum LineType
{
	LINE_HEADER,
	LINE_MEMORY,
	LINE_VERSION,
	LINE_EDGE,
	LINE_CONFLICT,
	LINE_ACTIVITY,
	LINE_SECRET,
	LINE_TYPES
} LineType;

static const char *const line_names[LINE_TYPES] = {"header",   "memory",   "version", "edge",
												   "conflict", "activity", "secret"};

typedef struct Line
{
	LineType type;
	Jsonb *json;
	int64 id;		   /* of memories and versions: as in the line */
	AgmMemory *memory; /* of these too */
	Datum known_from;
	Datum known_to;
	bool known_to_open;
} Line;

typedef struct IdPair
{
	int64 old;
	int64 new;
} IdPair;

typedef struct Import
{
	AgmWriter *writer;
	bool remap;
	Line *lines;
	int n;
	int current; /* for the context of errors */
	HTAB *ids;	 /* of IdPair */
	int64 *old;	 /* their keys, as they came */
	int nids;
	int64 counts[LINE_TYPES];
} Import;

static void
name_line(void *arg)
{
	Import *import = arg;

	if (import->current >= 0)
		errcontext("line %d of the import", import->current + 1);
}

pg_noreturn static void
bad_line(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", what),
					errhint("Lines are those that agentmem.export() returns.")));
	pg_unreachable();
}

static JsonbValue *
get(Jsonb *json, const char *key)
{
	return getKeyJsonValueFromContainer(&json->root, key, strlen(key), NULL);
}

static int64
get_int(Jsonb *json, const char *key)
{
	JsonbValue *value = get(json, key);

	if (value == NULL || value->type != jbvNumeric)
		bad_line(psprintf("\"%s\" must be a whole number", key));
	return DatumGetInt64(
		DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric)));
}

static Datum
get_time(Jsonb *json, const char *key, bool *isnull)
{
	JsonbValue *value = get(json, key);
	Datum time;

	*isnull = value == NULL || value->type == jbvNull;
	if (*isnull)
		return (Datum) 0;
	if (value->type != jbvString)
		bad_line(psprintf("\"%s\" must be a string with a timestamp", key));
	time = DirectFunctionCall3(
		timestamptz_in, CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)),
		ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1));
	if (TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(time)))
		bad_line(psprintf("\"%s\" must be finite", key));
	return time;
}

static LineType
line_type(Jsonb *json)
{
	JsonbValue *value;

	if (!JB_ROOT_IS_OBJECT(json))
		bad_line("a line must be a JSON object");
	value = get(json, "line");
	if (value == NULL || value->type != jbvString)
		bad_line("a line must say in \"line\" what it is");
	for (int i = 0; i < LINE_TYPES; i++)
		if ((int) strlen(line_names[i]) == value->val.string.len &&
			memcmp(line_names[i], value->val.string.val, value->val.string.len) == 0)
			return i;
	bad_line(psprintf("unknown line \"%s\"",
					  pnstrdup(value->val.string.val, value->val.string.len)));
	return LINE_TYPES;
}

static void
note_id(Import *import, int64 id)
{
	bool found;
	IdPair *pair = hash_search(import->ids, &id, HASH_ENTER, &found);

	if (found)
		return;
	pair->new = id;
	import->old[import->nids++] = id;
}

/* The id that a line's id stands for; false if there is no memory of it in the lines. */
static bool
map_id(const Import *import, int64 old, int64 *new)
{
	IdPair *pair = hash_search(import->ids, &old, HASH_FIND, NULL);

	*new = pair != NULL ? pair->new : old;
	return pair != NULL;
}

/* A memory or version: what remember() checks, and the period in which it was known. */
static void
read_memory(Import *import, Line *line)
{
	JsonbValue *value = get(line->json, "memory");
	AgmMemory *memory = palloc(sizeof(AgmMemory));
	JsonbValue *precision = get(line->json, "precision");
	bool isnull;

	if (value == NULL)
		bad_line("\"memory\" is missing");
	agm_memory_from_json(memory, value, import->writer->ns);
	if (memory->isnull[AGM_VALID_FROM])
		bad_line("\"valid_from\" is missing");
	agm_memory_prepare(import->writer, memory);
	if (!memory->isnull[AGM_EMBEDDING] && precision != NULL && precision->type != jbvNull)
	{
		int64 bits = get_int(line->json, "precision");

		if (bits != 32 && bits != 16 && bits != 8 && bits != 1)
			bad_line("\"precision\" must be 32, 16, 8 or 1");
		if (bits != 32)
			memory->value[AGM_EMBEDDING] = PointerGetDatum(
				agm_vector_quantize(DatumGetAgmVector(memory->value[AGM_EMBEDDING]), bits));
	}
	line->memory = memory;
	line->id = get_int(line->json, "id");
	if (line->id < 1)
		bad_line("\"id\" must be positive");
	line->known_from = get_time(line->json, "known_from", &isnull);
	if (isnull)
		bad_line("\"known_from\" is missing");
	line->known_to = get_time(line->json, "known_to", &line->known_to_open);
	if (line->known_to_open != (line->type == LINE_MEMORY))
		bad_line(line->known_to_open ? "a version must have \"known_to\""
									 : "a memory must not have \"known_to\"");
	if (!line->known_to_open &&
		DatumGetTimestampTz(line->known_to) <= DatumGetTimestampTz(line->known_from))
		bad_line("\"known_to\" must be later than \"known_from\"");
	note_id(import, line->id);
}

static uint64
run(Import *import, const char *sql, const AgmParams *params, int flags)
{
	return agm_execute(&import->writer->store, sql, params,
					   AGM_WRITE | AGM_PLAN_GENERIC | flags, NULL, NULL, NULL);
}

static Datum
member_array(Jsonb *json, const char *key)
{
	JsonbValue *value = get(json, key);

	if (value == NULL || value->type != jbvBinary ||
		!JsonContainerIsArray(value->val.binary.data))
		bad_line(psprintf("\"%s\" must be an array", key));
	return JsonbPGetDatum(JsonbValueToJsonb(value));
}

/* What kinds and predicates mean is this store's to say; those that it has not come along. */
static void
read_header(Import *import, Jsonb *json)
{
	AgmParams params = {0};

	if (get_int(json, "format") != AGM_EXPORT_FORMAT)
		bad_line(psprintf("unknown format " INT64_FORMAT, get_int(json, "format")));
	agm_param(&params, JSONBOID, member_array(json, "kinds"), false);
	(void) run(import,
			   "INSERT INTO {store}.kind SELECT r.*"
			   " FROM pg_catalog.jsonb_populate_recordset(NULL::{store}.kind, $1) r"
			   " ON CONFLICT (name) DO NOTHING",
			   &params, 0);
	params.values[0] = member_array(json, "predicates");
	(void) run(import,
			   "INSERT INTO {store}.predicate SELECT r.*"
			   " FROM pg_catalog.jsonb_populate_recordset(NULL::{store}.predicate, $1) r"
			   " ON CONFLICT (name) DO NOTHING",
			   &params, 0);
}

static void
read_lines(Import *import, ArrayType *array)
{
	Datum *items;
	bool *nulls;

	deconstruct_array(array, JSONBOID, -1, false, TYPALIGN_INT, &items, &nulls, &import->n);
	import->lines = palloc0(sizeof(Line) * Max(import->n, 1));
	import->old = palloc(sizeof(int64) * Max(import->n, 1));
	for (int i = 0; i < import->n; i++)
	{
		Line *line = &import->lines[i];

		import->current = i;
		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a line must not be null"),
					 errhint("Lines are those that agentmem.export() returns.")));
		line->json = DatumGetJsonbP(items[i]);
		line->type = line_type(line->json);
		if ((line->type == LINE_HEADER) != (i == 0))
			bad_line(i == 0 ? "the first line must be the header" : "there are two headers");
		import->counts[line->type]++;
		if (line->type == LINE_HEADER)
			read_header(import, line->json);
		else if (line->type == LINE_MEMORY || line->type == LINE_VERSION)
			read_memory(import, line);
	}
	import->current = -1;
}

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

static void
ids_params(const Import *import, AgmParams *params)
{
	agm_param(params, TEXTOID, import->writer->ns, false);
	agm_param(params, INT8ARRAYOID, agm_int8_array(import->old, import->nids), false);
}

/* What was erased stays so: its id is not given again. */
static void
check_ids(Import *import)
{
	static const char *const taken[] = {
		"SELECT m.id FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY m.id LIMIT 1",
		"SELECT i.id FROM {store}.audit a, pg_catalog.unnest(a.ids) i(id)"
		" WHERE a.namespace OPERATOR(pg_catalog.=) $1"
		" AND a.action OPERATOR(pg_catalog.=) 'erase' AND a.ids OPERATOR(agentmem.&&&) $2"
		" AND i.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY i.id LIMIT 1",
		"SELECT m.id FROM {store}.memory_history m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) ANY ($2) ORDER BY m.id LIMIT 1",
	};
	int n = agm_store_has(&import->writer->store, "memory_history") ? 3 : 2;
	AgmParams params = {0};
	int64 id = 0;

	ids_params(import, &params);
	for (int i = 0; i < n; i++)
		if (agm_execute(&import->writer->store, taken[i], &params, AGM_WRITE | AGM_PLAN_CUSTOM,
						"l", read_id, &id) > 0)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("id " INT64_FORMAT " is taken in namespace \"%s\"", id,
								   TextDatumGetCString(import->writer->ns)),
							errdetail("A memory has it, had it, or was erased."),
							errhint("remap => true gives new ids.")));
}

static Oid
id_sequence(const Import *import)
{
	return get_relname_relid("id_seq", get_namespace_oid(import->writer->store.name, false));
}

static void
read_new_id(TupleTableSlot *slot, void *arg)
{
	Import *import = arg;
	bool isnull;
	int64 old = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	IdPair *pair = hash_search(import->ids, &old, HASH_FIND, NULL);

	pair->new = DatumGetInt64(slot_getattr(slot, 2, &isnull));
}

/* New ids for all, or the ids of the lines, which the sequence then never gives again. */
static void
take_ids(Import *import)
{
	AgmParams params = {0};
	int64 max = 0;

	if (import->nids == 0)
		return;
	if (import->remap)
	{
		agm_param(&params, REGCLASSOID, ObjectIdGetDatum(id_sequence(import)), false);
		agm_param(&params, INT8ARRAYOID, agm_int8_array(import->old, import->nids), false);
		(void) agm_execute(&import->writer->store,
						   "SELECT i.id, pg_catalog.nextval($1)"
						   " FROM pg_catalog.unnest($2) i(id)",
						   &params, AGM_WRITE | AGM_PLAN_GENERIC, "ll", read_new_id, import);
		return;
	}
	check_ids(import);
	for (int i = 0; i < import->nids; i++)
		max = Max(max, import->old[i]);
	/* Step by step if near: another may take one between the look and the leap. */
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(id_sequence(import)), false);
	agm_param(&params, INT8OID, Int64GetDatum(max), false);
	(void) run(import,
			   "SELECT CASE WHEN $2 OPERATOR(pg_catalog.-) s.last_value "
			   "OPERATOR(pg_catalog.>) 10000 THEN pg_catalog.setval($1, $2)"
			   " ELSE (SELECT pg_catalog.max(pg_catalog.nextval($1))"
			   "       FROM pg_catalog.generate_series(s.last_value, $2)) END"
			   " FROM {store}.id_seq s WHERE s.last_value OPERATOR(pg_catalog.<=) $2",
			   &params, 0);
}

/*
 * Maintenance looks at what was written since it looked last, and memories come with the times
 * that they had: it begins anew.  The namespace's row is the first lock of all; where it is not
 * there yet, nothing has been maintained.
 */
static void
forget_rounds(Import *import)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, import->writer->ns, false);
	(void) run(
		import,
		"UPDATE {store}.namespace n SET steps = (SELECT"
		" pg_catalog.jsonb_object_agg(s.key, s.value) FROM pg_catalog.jsonb_each(n.steps) s"
		" WHERE NOT s.value OPERATOR(pg_catalog.?|) '{since_xid,begun_xid}')"
		" WHERE n.namespace OPERATOR(pg_catalog.=) $1 AND pg_catalog.jsonb_typeof(n.steps)"
		" OPERATOR(pg_catalog.=) 'object'",
		&params, 0);
}

static void
take_locks(Import *import)
{
	int64 *locks =
		palloc_extended(sizeof(int64) * AGM_LOCKS_MAX * Max(import->n, 1), MCXT_ALLOC_HUGE);
	int n = 0;

	for (int i = 0; i < import->n; i++)
		for (int j = 0; import->lines[i].memory != NULL && j < import->lines[i].memory->nlocks;
			 j++)
			locks[n++] = import->lines[i].memory->locks[j];
	agm_writer_lock(import->writer, locks, n);
}

static void
write_memory(Import *import, Line *line)
{
	AgmMemory *memory = line->memory;
	AgmVersion version = {.history = line->type == LINE_VERSION,
						  .from = line->known_from,
						  .to = line->known_to,
						  .to_open = line->known_to_open};
	int64 parent;

	(void) map_id(import, line->id, &version.id);
	if (!memory->isnull[AGM_PARENT])
	{
		/* Under new ids one that did not come along would be another memory. */
		if (!map_id(import, DatumGetInt64(memory->value[AGM_PARENT]), &parent) && import->remap)
			memory->isnull[AGM_PARENT] = true;
		memory->value[AGM_PARENT] = Int64GetDatum(parent);
	}
	if (!version.history && memory->has_key_hash)
		agm_timeline_check(import->writer, &memory->key_hash, version.id, &memory->period);
	agm_memory_insert_version(import->writer, memory, &version);
	if (!version.history)
		agm_mentions_write(import->writer, memory, version.id, true);
}

/* Parameters of a line of another table: $1 the namespace, $2 the line, $3 and $4 its ids. */
static void
line_params(const Import *import, const Line *line, const char *first, const char *second,
			AgmParams *params)
{
	int64 id;

	agm_param(params, TEXTOID, import->writer->ns, false);
	agm_param(params, JSONBOID, JsonbPGetDatum(line->json), false);
	(void) map_id(import, get_int(line->json, first), &id);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
	if (second == NULL)
		return;
	(void) map_id(import, get_int(line->json, second), &id);
	agm_param(params, INT8OID, Int64GetDatum(id), false);
}

#define LINE_RECORD(table, ids)                                                                \
	"INSERT INTO {store}." table " SELECT r.* FROM pg_catalog.jsonb_populate_record("          \
	"NULL::{store}." table ", $2 OPERATOR(pg_catalog.||) "                                     \
	"pg_catalog.jsonb_build_object('namespace', $1, 'operation', NULL, " ids ")) r"

static void
write_conflict(Import *import, const Line *line)
{
	AgmParams params = {0};
	JsonbValue *side = get(line->json, "side");
	int64 id = 0;

	line_params(import, line, "a", "b", &params);
	if (side != NULL && side->type != jbvNull)
		(void) map_id(import, get_int(line->json, "side"), &id);
	agm_param(&params, INT8OID, Int64GetDatum(id), id == 0);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(import->writer->store.operations), false);
	(void) run(import,
			   LINE_RECORD("conflict", "'id', pg_catalog.nextval($6), 'side', $5,"
									   " 'a', least($3, $4), 'b', greatest($3, $4)"),
			   &params, 0);
}

/* The period in the store is kept, as that of a memory is; an edge that ended is history. */
static void
write_edge(Import *import, const Line *line)
{
	AgmParams params = {0};
	JsonbValue *known_to = get(line->json, "known_to");
	bool ended = known_to != NULL && known_to->type != jbvNull;

	line_params(import, line, "source", "target", &params);
	(void) run(
		import,
		psprintf("INSERT INTO {store}.%s (namespace, source, target, type, weight,"
				 "  valid_period, system_period)"
				 " SELECT $1, $3, $4, j.type, coalesce(j.weight, 1),"
				 "  pg_catalog.tstzrange(j.valid_from, j.valid_to),"
				 "  pg_catalog.tstzrange(coalesce(j.known_from, pg_catalog.now()), j.known_to)"
				 " FROM pg_catalog.jsonb_to_record($2) AS j(type pg_catalog.text,"
				 "  weight pg_catalog.float4, valid_from pg_catalog.timestamptz,"
				 "  valid_to pg_catalog.timestamptz, known_from pg_catalog.timestamptz,"
				 "  known_to pg_catalog.timestamptz)",
				 ended ? "edge_history" : "edge"),
		&params, AGM_AS_GIVEN | (ended ? AGM_AS_OWNER : 0));
}

static void
write_line(Import *import, Line *line)
{
	AgmParams params = {0};

	switch (line->type)
	{
		case LINE_MEMORY:
		case LINE_VERSION:
			write_memory(import, line);
			break;
		case LINE_EDGE:
			write_edge(import, line);
			break;
		case LINE_CONFLICT:
			write_conflict(import, line);
			break;
		case LINE_ACTIVITY:
			line_params(import, line, "id", NULL, &params);
			(void) run(import, LINE_RECORD("activity", "'id', $3"), &params, 0);
			break;
		case LINE_SECRET:
			line_params(import, line, "id", NULL, &params);
			(void) run(import, LINE_RECORD("secret", "'id', $3"), &params, AGM_AS_OWNER);
			break;
		case LINE_HEADER:
		case LINE_TYPES:
			break;
	}
}

static void
check_tables(const Import *import)
{
	const AgmStore *store = &import->writer->store;

	if ((import->counts[LINE_VERSION] > 0 && !agm_store_has(store, "memory_history")) ||
		(import->counts[LINE_SECRET] > 0 && !agm_store_has(store, "secret")))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("store \"%s\" has no table for some of the lines", store->name),
						errhint("It was made by another version of agentmem.")));
}

static void
read_jsonb(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(Jsonb **) arg = DatumGetJsonbPCopy(slot_getattr(slot, 1, &isnull));
}

/* {"memory": 2, "version": 0, ...}, and for new ids {"ids": {"old": new}}. */
static Jsonb *
counts(Import *import, bool with_ids)
{
	AgmParams params = {0};
	Datum names[LINE_TYPES];
	Jsonb *result = NULL;

	for (int i = 1; i < LINE_TYPES; i++)
		names[i - 1] = CStringGetTextDatum(line_names[i]);
	agm_param(&params, TEXTARRAYOID,
			  PointerGetDatum(
				  construct_array(names, LINE_TYPES - 1, TEXTOID, -1, false, TYPALIGN_INT)),
			  false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(import->counts + 1, LINE_TYPES - 1), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(import->old, import->nids), !with_ids);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(import->writer->touched, import->nids),
			  !with_ids);
	(void) agm_execute(
		&import->writer->store,
		"SELECT (SELECT pg_catalog.jsonb_object_agg(u.name, u.n)"
		"        FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(name, n))"
		" OPERATOR(pg_catalog.||)"
		" coalesce((SELECT pg_catalog.jsonb_build_object('ids',"
		"             pg_catalog.jsonb_object_agg(u.old, u.new))"
		"           FROM ROWS FROM (pg_catalog.unnest($3), pg_catalog.unnest($4)) u(old, new)"
		"           HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0), '{}')",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "j", read_jsonb, &result);
	return result;
}

Jsonb *
agm_import(AgmWriter *writer, ArrayType *lines, bool remap)
{
	Import import = {.writer = writer, .remap = remap, .current = -1};
	HASHCTL ctl = {0};
	ErrorContextCallback context = {
		.previous = error_context_stack, .callback = name_line, .arg = &import};

	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(IdPair);
	ctl.hcxt = CurrentMemoryContext;
	import.ids = hash_create("imported ids", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	error_context_stack = &context;
	read_lines(&import, lines);
	if (import.n == 0)
		bad_line("there are no lines");
	check_tables(&import);
	forget_rounds(&import);
	take_locks(&import);
	take_ids(&import);
	for (import.current = 0; import.current < import.n; import.current++)
		write_line(&import, &import.lines[import.current]);
	import.current = -1;
	writer->touched = palloc_extended(sizeof(int64) * Max(import.nids, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < import.nids; i++)
		(void) map_id(&import, import.old[i], &writer->touched[i]);
	writer->ntouched = import.nids;
	agm_operation_record(writer, "import", counts(&import, false));
	error_context_stack = context.previous;
	return counts(&import, remap);
}

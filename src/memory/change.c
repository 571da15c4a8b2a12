/*
 * change.c
 *		Memories by id: what locks them, what they hold, taking them out (change.h).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "base/order.h"
#include "memory/change.h"

typedef struct HeldReader
{
	AgmHeld *items;
	int n;
} HeldReader;

/* Columns: id, content_hash, key_hash, key, lower, upper. */
static void
read_held(TupleTableSlot *slot, void *arg)
{
	HeldReader *reader = arg;
	AgmHeld *held = &reader->items[reader->n++];
	bool isnull;
	Datum value;

	memset(held, 0, sizeof(*held));
	held->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	held->statement = *DatumGetUUIDP(slot_getattr(slot, 2, &isnull));
	value = slot_getattr(slot, 3, &isnull);
	held->has_key_hash = !isnull;
	if (!isnull)
		held->key_hash = *DatumGetUUIDP(value);
	value = slot_getattr(slot, 4, &isnull);
	held->has_key = !isnull;
	if (!isnull)
		held->key = PointerGetDatum(DatumGetTextPCopy(value));
	value = slot_getattr(slot, 5, &held->period.from_open);
	held->period.from = DatumGetTimestampTz(value);
	value = slot_getattr(slot, 6, &held->period.to_open);
	held->period.to = DatumGetTimestampTz(value);
}

#define HELD_COLUMNS                                                                           \
	"m.id, m.content_hash, m.key_hash, m.key, pg_catalog.lower(m.valid_period),"               \
	" pg_catalog.upper(m.valid_period)"
#define HELD_TYPES "luu?t?z?z?"

static AgmHeld *
read_rows(AgmWriter *writer, const int64 *ids, int n, int *nheld, const char *sql)
{
	AgmParams params = {0};
	HeldReader reader = {palloc(sizeof(AgmHeld) * Max(n, 1)), 0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	(void) agm_execute(&writer->store, sql, &params, AGM_WRITE | AGM_PLAN_GENERIC, HELD_TYPES,
					   read_held, &reader);
	*nheld = reader.n;
	return reader.items;
}

AgmHeld *
agm_held_read(AgmWriter *writer, const int64 *ids, int n, int *nheld)
{
	return read_rows(writer, ids, n, nheld,
					 "SELECT " HELD_COLUMNS
					 " FROM (SELECT DISTINCT u.id FROM pg_catalog.unnest($2) u(id)) i"
					 " CROSS JOIN LATERAL"
					 " (SELECT * FROM {store}.memory c"
					 "  WHERE c.namespace OPERATOR(pg_catalog.=) $1"
					 "  AND c.id OPERATOR(pg_catalog.=) i.id OFFSET 0) m ORDER BY 1");
}

int
agm_held_locks(const AgmHeld *held, int n, int64 *locks)
{
	int nlocks = 0;

	for (int i = 0; i < n; i++)
	{
		locks[nlocks++] = agm_statement_lock(&held[i].statement);
		if (held[i].has_key_hash)
			locks[nlocks++] = agm_statement_lock(&held[i].key_hash);
		if (held[i].has_key)
			locks[nlocks++] = agm_key_lock(held[i].key);
	}
	return nlocks;
}

void
agm_changed_meanwhile(int64 id)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("memory " INT64_FORMAT " was changed meanwhile", id),
					errhint("Try the transaction again.")));
	pg_unreachable();
}

void
agm_int64_add(AgmInt64List *list, int64 value)
{
	if (list->n == list->capacity)
	{
		list->capacity = Max(256, list->capacity * 2);
		list->items = list->items == NULL
						  ? palloc(sizeof(int64) * list->capacity)
						  : repalloc_huge(list->items, sizeof(int64) * list->capacity);
	}
	list->items[list->n++] = value;
}

void
agm_add_locks(AgmInt64List *list, TupleTableSlot *slot, int attno)
{
	bool isnull;
	Datum value = slot_getattr(slot, attno, &isnull);

	agm_int64_add(list, agm_statement_lock(DatumGetUUIDP(value)));
	value = slot_getattr(slot, attno + 1, &isnull);
	if (!isnull)
		agm_int64_add(list, agm_statement_lock(DatumGetUUIDP(value)));
	value = slot_getattr(slot, attno + 2, &isnull);
	if (!isnull)
		agm_int64_add(list, agm_key_lock(value));
}

void
agm_read_locks(TupleTableSlot *slot, void *list)
{
	agm_add_locks(list, slot, 1);
}

void
agm_int64_sort(AgmInt64List *list)
{
	int distinct = 0;

	if (list->n > 1)
		qsort(list->items, list->n, sizeof(int64), agm_compare_int64);
	for (int i = 0; i < list->n; i++)
		if (i == 0 || list->items[i] != list->items[distinct - 1])
			list->items[distinct++] = list->items[i];
	list->n = distinct;
}

bool
agm_int64_has(const AgmInt64List *list, int64 value)
{
	return list->n > 0 &&
		   bsearch(&value, list->items, list->n, sizeof(int64), agm_compare_int64) != NULL;
}

bool
agm_held_confirm(AgmWriter *writer, const AgmHeld *held, int n)
{
	for (int i = 0; i < n; i++)
	{
		int nnow;
		const AgmHeld *now =
			read_rows(writer, &held[i].id, 1, &nnow,
					  "SELECT " HELD_COLUMNS " FROM {store}.memory m"
					  " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					  " AND m.id OPERATOR(pg_catalog.=) ($2)[1] FOR NO KEY UPDATE OF m");

		if (nnow == 0)
			return false;
		if (memcmp(&now->statement, &held[i].statement, sizeof(pg_uuid_t)) != 0 ||
			now->has_key != held[i].has_key)
			agm_changed_meanwhile(held[i].id);
	}
	return true;
}

void
agm_memory_remove(AgmWriter *writer, int64 id)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(
		&writer->store,
		"DELETE FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_operation_touch(writer, id);
}

/* The columns in the order of AgmField; both ends of the period stand for it. */
static void
read_memory(TupleTableSlot *slot, void *arg)
{
	AgmMemory *memory = arg;

	for (int i = 0; i < AGM_NFIELDS; i++)
	{
		int16 length;
		bool by_value;
		Datum value = slot_getattr(slot, i + 1, &memory->isnull[i]);

		if (memory->isnull[i])
			continue;
		get_typlenbyval(agm_field_type((AgmField) i), &length, &by_value);
		memory->value[i] = datumCopy(value, by_value, length);
	}
}

bool
agm_memory_load(AgmWriter *writer, int64 id, AgmMemory *memory)
{
	AgmParams params = {0};

	memset(memory, 0, sizeof(*memory));
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	return agm_execute(
			   &writer->store,
			   "SELECT m.content, m.kind, m.embedding, m.subject, m.predicate, m.object,"
			   " m.importance, m.confidence, pg_catalog.lower(m.valid_period),"
			   " pg_catalog.upper(m.valid_period), m.tags, m.attributes, m.source,"
			   " m.actor, m.provenance, m.pinned, m.expires_at, m.parent, m.key,"
			   " m.session, m.title, m.language, m.model"
			   " FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
			   " AND m.id OPERATOR(pg_catalog.=) $2",
			   &params, AGM_WRITE | AGM_PLAN_GENERIC,
			   "tte?t?t?t?f?f?z?z?T?j?t?t?tbz?l?t?t?t?tt?", read_memory, memory) > 0;
}

bool
agm_memory_load_derived(AgmWriter *writer, int64 id, AgmMemory *memory)
{
	if (!agm_memory_load(writer, id, memory))
		return false;
	memory->kind = agm_writer_kind(writer, memory->value[AGM_KIND]);
	memory->period.from_open = memory->isnull[AGM_VALID_FROM];
	memory->period.to_open = memory->isnull[AGM_VALID_TO];
	memory->period.from = DatumGetTimestampTz(memory->value[AGM_VALID_FROM]);
	memory->period.to = DatumGetTimestampTz(memory->value[AGM_VALID_TO]);
	agm_statement_hash(memory, &memory->statement);
	agm_memory_derive_key(writer, memory);
	return true;
}

void
agm_held_check_attributes(AgmWriter *writer, int64 id)
{
	AgmMemory memory;

	if (agm_memory_load(writer, id, &memory))
		agm_attributes_check(agm_writer_kind(writer, memory.value[AGM_KIND]),
							 memory.isnull[AGM_ATTRIBUTES]
								 ? NULL
								 : DatumGetJsonbP(memory.value[AGM_ATTRIBUTES]));
}

/*
 * guard_fn.c
 *		The trigger memory_guard: rows that were not written by the functions are made whole, or refused.
 *
 * The policy is that of remember() up to the look at other memories: nothing is reinforced or
 * replaced.  Rules: src/memory/README.md, "Direct changes".
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rangetypes.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "memory/memory.h"

PG_FUNCTION_INFO_V1(agm_fn_memory_guard);

/* Columns that are no AgmField. */
typedef enum OtherColumn
{
	NAMESPACE_COLUMN,
	ID_COLUMN,
	PERIOD_COLUMN,
	TOKENS_COLUMN,
	LEXEMES_COLUMN,
	CONTENT_HASH_COLUMN,
	KEY_HASH_COLUMN,
	OPERATION_COLUMN,
	N_OTHER_COLUMNS
} OtherColumn;

static const struct
{
	const char *name;
	Oid type;
} others[N_OTHER_COLUMNS] = {
	[NAMESPACE_COLUMN] = {"namespace", TEXTOID},
	[ID_COLUMN] = {"id", INT8OID},
	[PERIOD_COLUMN] = {"valid_period", TSTZRANGEOID},
	[TOKENS_COLUMN] = {"tokens", INT4OID},
	[LEXEMES_COLUMN] = {"lexemes", TSVECTOROID},
	[CONTENT_HASH_COLUMN] = {"content_hash", UUIDOID},
	[KEY_HASH_COLUMN] = {"key_hash", UUIDOID},
	[OPERATION_COLUMN] = {"operation", INT8OID},
};

/* What the rows of one statement share; in the memory of the trigger's call site. */
typedef struct Guard
{
	AgmWriter writer;
	MemoryContext ns_context; /* what is known of the namespace of the last row */
	bool has_ns;
	int natts;
	int field[AGM_NFIELDS]; /* attribute number; 0: the ends of the period */
	int other[N_OTHER_COLUMNS];
	TypeCacheEntry *range;
} Guard;

/* One row: as it comes, and as it is to be stored. */
typedef struct Row
{
	Guard *guard;
	AgmMemory memory;
	Datum *value;
	bool *isnull;
	Datum *old_value; /* NULL for an INSERT */
	bool *old_isnull;
	TupleDesc desc;
} Row;

static int
find_column(const Guard *guard, TupleDesc desc, const char *name, Oid type)
{
	int attno = SPI_fnumber(desc, name);

	if (attno <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("store \"%s\" has no column \"%s\"", guard->writer.store.name, name),
				 errhint("A table of the store was changed: compare it with that of a new "
						 "store.")));
	if (TupleDescAttr(desc, attno - 1)->atttypid != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of store \"%s\" has type %s, but %s is needed", name,
						guard->writer.store.name,
						format_type_be(TupleDescAttr(desc, attno - 1)->atttypid),
						format_type_be(type)),
				 errhint("A table of the store was changed: compare it with that of a new "
						 "store.")));
	return attno;
}

static Guard *
make_guard(FunctionCallInfo fcinfo, Relation rel)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	MemoryContext old = MemoryContextSwitchTo(context);
	Guard *guard = palloc0(sizeof(Guard));
	TupleDesc desc = RelationGetDescr(rel);

	agm_store_of_table(&guard->writer.store, RelationGetRelid(rel));
	guard->writer.context = context;
	guard->writer.access = AGM_AS_OWNER;
	/* What a policy of the table hides from a writer, an error must not tell. */
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, true) != RLS_ENABLED)
		guard->writer.reads = AGM_AS_OWNER;
	guard->ns_context =
		AllocSetContextCreate(context, "agentmem guard namespace", ALLOCSET_SMALL_SIZES);
	for (int i = 0; i < AGM_NFIELDS; i++)
		if (i != AGM_VALID_FROM && i != AGM_VALID_TO)
			guard->field[i] = find_column(guard, desc, agm_field_name((AgmField) i),
										  agm_field_type((AgmField) i));
	for (int i = 0; i < N_OTHER_COLUMNS; i++)
		guard->other[i] = find_column(guard, desc, others[i].name, others[i].type);
	guard->range = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	MemoryContextSwitchTo(old);
	fcinfo->flinfo->fn_extra = guard;
	return guard;
}

static Datum
column(const Row *row, OtherColumn which, bool *isnull)
{
	int i = row->guard->other[which] - 1;

	*isnull = row->isnull[i];
	return row->value[i];
}

static void
set_column(Row *row, int attno, Datum value, bool isnull)
{
	row->value[attno - 1] = value;
	row->isnull[attno - 1] = isnull;
}

static bool
attribute_changed(const Row *row, int attno)
{
	Form_pg_attribute attribute = TupleDescAttr(row->desc, attno - 1);
	int i = attno - 1;

	if (row->old_value == NULL || row->isnull[i] != row->old_isnull[i])
		return true;
	return !row->isnull[i] && !datum_image_eq(row->value[i], row->old_value[i],
											  attribute->attbyval, attribute->attlen);
}

static bool
any_changed(const Row *row, const AgmField *fields, int n)
{
	for (int i = 0; i < n; i++)
		if (attribute_changed(row, row->guard->field[fields[i]]))
			return true;
	return false;
}

/* Anything at all that is not derived? */
static bool
row_changed(const Row *row)
{
	for (int i = 0; i < AGM_NFIELDS; i++)
		if (row->guard->field[i] != 0 && attribute_changed(row, row->guard->field[i]))
			return true;
	return attribute_changed(row, row->guard->other[PERIOD_COLUMN]);
}

static void
require_unchanged(const Row *row, OtherColumn which)
{
	if (row->old_value != NULL && attribute_changed(row, row->guard->other[which]))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s of a memory cannot be changed", others[which].name),
						errhint("It names the memory: delete it and remember it anew.")));
}

/* The range as [from, to): both ends as remember() would take them. */
static void
read_period(Row *row)
{
	AgmMemory *memory = &row->memory;
	RangeBound lower;
	RangeBound upper;
	bool empty;
	bool isnull;
	Datum value = column(row, PERIOD_COLUMN, &isnull);

	if (isnull && row->old_value == NULL)
	{
		memory->value[AGM_VALID_FROM] = TimestampTzGetDatum(GetCurrentTimestamp());
		memory->isnull[AGM_VALID_FROM] = false;
		return;
	}
	agm_require_not_null(isnull, "valid_period");
	range_deserialize(row->guard->range, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	if (empty)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("valid_period is empty"),
						errhint("It ends after it begins; leave an end out to keep it open.")));
	memory->isnull[AGM_VALID_FROM] = lower.infinite;
	memory->isnull[AGM_VALID_TO] = upper.infinite;
	memory->value[AGM_VALID_FROM] = lower.val;
	memory->value[AGM_VALID_TO] = upper.val;
	if (!lower.infinite && !lower.inclusive &&
		!TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(lower.val)))
		memory->value[AGM_VALID_FROM] = TimestampTzGetDatum(DatumGetTimestampTz(lower.val) + 1);
	if (!upper.infinite && upper.inclusive &&
		!TIMESTAMP_NOT_FINITE(DatumGetTimestampTz(upper.val)))
		memory->value[AGM_VALID_TO] = TimestampTzGetDatum(DatumGetTimestampTz(upper.val) + 1);
}

static void
write_period(Row *row)
{
	const AgmPeriod *period = &row->memory.period;
	RangeBound lower = {0};
	RangeBound upper = {0};

	lower.val = TimestampTzGetDatum(period->from);
	lower.infinite = period->from_open;
	lower.inclusive = true;
	lower.lower = true;
	upper.val = TimestampTzGetDatum(period->to);
	upper.infinite = period->to_open;
	set_column(row, row->guard->other[PERIOD_COLUMN],
			   RangeTypePGetDatum(agm_make_range(row->guard->range, &lower, &upper)), false);
}

/* A new row has the defaults of remember() where the column is NULL. */
static void
read_memory(Row *row)
{
	AgmMemory *memory = &row->memory;
	AgmMemory defaults;

	memset(memory, 0, sizeof(*memory));
	memset(memory->isnull, true, sizeof(memory->isnull));
	agm_memory_init(&defaults);
	for (int i = 0; i < AGM_NFIELDS; i++)
	{
		int attno = row->guard->field[i];

		if (attno == 0)
			continue;
		memory->value[i] = row->value[attno - 1];
		memory->isnull[i] = row->isnull[attno - 1];
		if (memory->isnull[i] && row->old_value == NULL)
		{
			memory->value[i] = defaults.value[i];
			memory->isnull[i] = defaults.isnull[i];
		}
	}
	read_period(row);
}

/* Rows of many namespaces in turn cost a look-up each. */
static void
use_namespace(Guard *guard, Datum ns, bool isnull)
{
	text *name;
	MemoryContext old;

	agm_require_not_null(isnull, "namespace");
	name = DatumGetTextPP(ns);
	if (guard->has_ns && datum_image_eq(PointerGetDatum(name), guard->writer.ns, false, -1))
		return;
	agm_check_namespace(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	guard->has_ns = false;
	MemoryContextReset(guard->ns_context);
	old = MemoryContextSwitchTo(guard->ns_context);
	guard->writer.languages = guard->writer.new_languages = NIL;
	guard->writer.ns = datumCopy(PointerGetDatum(name), false, -1);
	agm_writer_read(&guard->writer);
	MemoryContextSwitchTo(old);
	guard->has_ns = true;
}

/* Recall looks for a namespace and its languages in the namespace's row. */
static void
note_language(Guard *guard, const AgmMemory *memory)
{
	AgmWriter *writer = &guard->writer;
	char *language = TextDatumGetCString(memory->value[AGM_LANGUAGE]);
	MemoryContext old;

	agm_writer_use_language(writer, language);
	if (writer->new_languages == NIL)
		return;
	writer->new_languages = NIL;
	old = MemoryContextSwitchTo(guard->ns_context);
	agm_writer_use_language(writer, pstrdup(language));
	agm_writer_lock(writer, NULL, 0);
	MemoryContextSwitchTo(old);
}

/* The values of a key do not overlap: with its lock held, as remember() looks. */
static void
check_timeline(const Row *row, int64 id)
{
	AgmWriter *writer = &row->guard->writer;
	const AgmMemory *memory = &row->memory;
	int64 lock = agm_statement_lock(&memory->key_hash);

	agm_writer_lock(writer, &lock, 1);
	agm_timeline_check(writer, &memory->key_hash, id, &memory->period);
}

static void
derive(Row *row)
{
	static const AgmField words[] = {AGM_CONTENT, AGM_LANGUAGE};
	static const AgmField statement[] = {AGM_KIND, AGM_CONTENT, AGM_SUBJECT, AGM_PREDICATE,
										 AGM_OBJECT};
	static const AgmField key[] = {AGM_KIND, AGM_SUBJECT, AGM_PREDICATE, AGM_OBJECT};
	static const AgmField parent[] = {AGM_PARENT};
	static const AgmField kind[] = {AGM_KIND};
	Guard *guard = row->guard;
	AgmMemory *memory = &row->memory;
	bool isnull;
	bool rekeyed = any_changed(row, key, lengthof(key));
	int64 id = DatumGetInt64(column(row, ID_COLUMN, &isnull));

	if (memory->kind->retired && any_changed(row, kind, lengthof(kind)))
		agm_memory_refuse_retired(memory);
	if (any_changed(row, words, lengthof(words)))
	{
		agm_memory_derive_lexemes(memory);
		set_column(row, guard->other[LEXEMES_COLUMN], TSVectorGetDatum(memory->lexemes), false);
		set_column(row, guard->other[TOKENS_COLUMN], Int32GetDatum(memory->tokens), false);
	}
	if (any_changed(row, statement, lengthof(statement)))
	{
		agm_statement_hash(memory, &memory->statement);
		set_column(row, guard->other[CONTENT_HASH_COLUMN], UUIDPGetDatum(&memory->statement),
				   false);
	}
	note_language(guard, memory);
	if (any_changed(row, parent, lengthof(parent)))
		agm_memory_check_parent(&guard->writer, memory);
	if (!rekeyed && !attribute_changed(row, guard->other[PERIOD_COLUMN]))
		return;
	agm_memory_derive_key(&guard->writer, memory);
	set_column(row, guard->other[KEY_HASH_COLUMN], UUIDPGetDatum(&memory->key_hash),
			   !memory->has_key_hash);
	if (memory->has_key_hash)
		check_timeline(row, isnull ? 0 : id);
}

/* The row as it is to be stored: `value` and `isnull` in place. */
static void
complete(Row *row)
{
	/* What checks and defaults may have changed. */
	static const AgmField settled[] = {
		AGM_KIND,		AGM_SUBJECT, AGM_PREDICATE, AGM_OBJECT,		AGM_CONFIDENCE,
		AGM_EXPIRES_AT, AGM_SESSION, AGM_LANGUAGE,	AGM_PROVENANCE, AGM_PINNED};
	static const AgmField kind[] = {AGM_KIND};
	Guard *guard = row->guard;
	bool isnull;
	Datum ns = column(row, NAMESPACE_COLUMN, &isnull);

	use_namespace(guard, ns, isnull);
	read_memory(row);
	agm_memory_check(&guard->writer, &row->memory);
	if (row->memory.kind->vault &&
		(row->memory.has_secret || any_changed(row, kind, lengthof(kind))))
		ereport(
			ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("secrets cannot be written by hand"),
			 errhint("agentmem.remember() and agentmem.revise() keep their values apart.")));
	for (size_t i = 0; i < lengthof(settled); i++)
		set_column(row, guard->field[settled[i]], row->memory.value[settled[i]],
				   row->memory.isnull[settled[i]]);
	write_period(row);
	set_column(row, guard->other[OPERATION_COLUMN], (Datum) 0, true);
	derive(row);
}

Datum
agm_fn_memory_guard(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	AgmSession session;
	Row row = {0};
	HeapTuple tuple;
	bool update;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(trigger->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) || TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("memory_guard() must be fired BEFORE INSERT OR UPDATE FOR EACH "
							   "ROW")));
	update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	tuple = update ? trigger->tg_newtuple : trigger->tg_trigtuple;
	if (agm_row_is_ours())
		return PointerGetDatum(tuple);

	row.guard = fcinfo->flinfo->fn_extra;
	if (row.guard == NULL)
		row.guard = make_guard(fcinfo, trigger->tg_relation);
	row.desc = RelationGetDescr(trigger->tg_relation);
	agm_spi_begin(&session);
	row.value = palloc(sizeof(Datum) * row.desc->natts);
	row.isnull = palloc(sizeof(bool) * row.desc->natts);
	heap_deform_tuple(tuple, row.desc, row.value, row.isnull);
	if (update)
	{
		row.old_value = palloc(sizeof(Datum) * row.desc->natts);
		row.old_isnull = palloc(sizeof(bool) * row.desc->natts);
		heap_deform_tuple(trigger->tg_trigtuple, row.desc, row.old_value, row.old_isnull);
	}
	require_unchanged(&row, NAMESPACE_COLUMN);
	require_unchanged(&row, ID_COLUMN);
	if (row_changed(&row))
	{
		complete(&row);
		MemoryContextSwitchTo(session.caller);
		tuple = heap_form_tuple(row.desc, row.value, row.isnull);
	}
	agm_spi_end(&session);
	return PointerGetDatum(tuple);
}

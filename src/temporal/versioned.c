/*
 * versioned.c
 *		Learns what a versioning trigger keeps and remembers it, by trigger.
 *
 * Everything is found by name when it is learnt and by OID afterwards; what is altered is
 * learnt anew.  Old entries live to the end of the transaction: a trigger of the history may
 * alter or write the very table whose row is being kept.  Rules: src/temporal/README.md.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/shards.h"
#include "base/spi.h"
#include "temporal/versioned.h"

/* pg_attribute.attgenerated of a column that is computed on reading; from 18 on. */
#define GENERATED_VIRTUAL 'v'

typedef struct Entry
{
	Oid trigger; /* the key */
	AgmVersioned *versioned;
} Entry;

static HTAB *entries = NULL;

/* How often something was altered, anything. */
static uint64 invalidations = 0;

/* Replaced while, perhaps, they were running; freed between transactions. */
static List *retired = NIL;

static void
forget_versioned(AgmVersioned *versioned)
{
	if (versioned->plan != NULL)
		(void) SPI_freeplan(versioned->plan);
	if (versioned->last != NULL)
		(void) SPI_freeplan(versioned->last);
	if (versioned->move != NULL)
		(void) SPI_freeplan(versioned->move);
	MemoryContextDelete(versioned->context);
}

/* Between transactions no trigger runs, and what is no longer valid can go. */
static void
sweep(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS seq;
	Entry *entry;
	ListCell *cell;

	(void) arg;
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	foreach (cell, retired)
		forget_versioned(lfirst(cell));
	list_free(retired);
	retired = NIL;
	hash_seq_init(&seq, entries);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		AgmVersioned *versioned = entry->versioned;

		if (versioned->valid)
			continue;
		(void) hash_search(entries, &entry->trigger, HASH_REMOVE, NULL);
		forget_versioned(versioned);
	}
}

/* InvalidOid: any table may have changed. */
static void
invalidate_table(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	Entry *entry;

	(void) arg;
	invalidations++;
	hash_seq_init(&seq, entries);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		AgmVersioned *versioned = entry->versioned;

		if (!OidIsValid(relid) || relid == versioned->table || relid == versioned->origin ||
			relid == versioned->history)
			versioned->valid = false;
	}
}

/* The plan names its schema. */
static void
invalidate_all(Datum arg, int cache, uint32 hash)
{
	(void) cache;
	(void) hash;
	invalidate_table(arg, InvalidOid);
}

static void
create_entries(void)
{
	HASHCTL ctl = {0};

	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(Entry);
	ctl.hcxt = TopMemoryContext;
	entries = hash_create("agentmem versioning triggers", 32, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	RegisterXactCallback(sweep, NULL);
	CacheRegisterRelcacheCallback(invalidate_table, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, invalidate_all, (Datum) 0);
}

/* The table on which the trigger was made: a partition has a copy of its parent's. */
static Oid
origin_of(const Trigger *trigger, Oid table)
{
	Oid id = trigger->tgoid;
	Relation catalog;

	if (!trigger->tgisclone)
		return table;
	catalog = table_open(TriggerRelationId, AccessShareLock);
	while (OidIsValid(id))
	{
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple tuple;

		ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(id));
		scan = systable_beginscan(catalog, TriggerOidIndexId, true, NULL, 1, &key);
		tuple = systable_getnext(scan);
		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "trigger %u does not exist", id);
		table = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
		id = ((Form_pg_trigger) GETSTRUCT(tuple))->tgparentid;
		systable_endscan(scan);
	}
	table_close(catalog, AccessShareLock);
	return table;
}

/* The second argument, or the origin's name with _history; in the origin's schema if it names none. */
static Oid
find_history(const Trigger *trigger, Oid origin)
{
	Oid owner = agm_shard_owner(origin);
	Oid schema = get_rel_namespace(origin);
	char *name = psprintf("%s_history", get_rel_name(OidIsValid(owner) ? owner : origin));
	char *schema_name = get_namespace_name(schema);
	Oid history;

	if (trigger->tgnargs > 1 && trigger->tgargs[1][0] != '\0')
	{
		RangeVar *given = makeRangeVarFromNameList(
			textToQualifiedNameList(cstring_to_text(trigger->tgargs[1])));

		name = given->relname;
		if (given->schemaname != NULL)
		{
			schema_name = given->schemaname;
			schema = get_namespace_oid(schema_name, true);
		}
	}
	history = OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
	/* A shard's versions are beside it: what it does is part of a statement on this server. */
	if (OidIsValid(owner) && OidIsValid(history) && schema == get_rel_namespace(origin))
		history = agm_shard_beside(origin, name);
	if (!OidIsValid(history))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("history table %s does not exist",
						quote_qualified_identifier(schema_name, name)),
				 errdetail("Trigger \"%s\" keeps the versions of table \"%s\" there.",
						   trigger->tgname, get_rel_name(origin)),
				 errhint("Create it like the table, or name another in the trigger's second "
						 "argument.")));
	return history;
}

static Form_pg_attribute
column_named(TupleDesc desc, const char *name)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && strcmp(NameStr(attribute->attname), name) == 0)
			return attribute;
	}
	return NULL;
}

static void
require_column(const Form_pg_attribute column, const char *name, Relation table)
{
	if (column == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not exist", name,
							   RelationGetRelationName(table)),
						errhint("The arguments of agentmem.versioning are the column of the "
								"system period, the history table, columns that are not "
								"versions and those of the key.")));
}

static AttrNumber
find_period(Relation table, const char *name)
{
	Form_pg_attribute column = column_named(RelationGetDescr(table), name);

	require_column(column, name, table);
	if (column->atttypid != TSTZRANGEOID || column->attgenerated != '\0')
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("column \"%s\" of relation \"%s\" cannot hold a system period",
							   name, RelationGetRelationName(table)),
						column->attgenerated != '\0'
							? errdetail("It is a generated column.")
							: errdetail("Its type is %s.", format_type_be(column->atttypid)),
						errhint("A system period is an ordinary column of type tstzrange.")));
	return column->attnum;
}

/* The columns that an argument lists. */
static List *
listed_columns(Relation table, const Trigger *trigger, int argument, AttrNumber period)
{
	List *columns = NIL;
	List *names;
	ListCell *cell;

	if (trigger->tgnargs <= argument)
		return NIL;
	if (!SplitIdentifierString(pstrdup(trigger->tgargs[argument]), ',', &names))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid list of columns \"%s\"", trigger->tgargs[argument]),
				 errhint("Separate the names by commas, and quote those that need it.")));
	foreach (cell, names)
	{
		Form_pg_attribute column = column_named(RelationGetDescr(table), lfirst(cell));

		require_column(column, lfirst(cell), table);
		if (column->attnum == period)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							argument == 2
								? errmsg("the system period cannot be among the columns that "
										 "are not versions")
								: errmsg("the system period cannot be among the columns of "
										 "the key"),
							errhint("Leave \"%s\" out of the list.", (char *) lfirst(cell))));
		columns = lappend_int(columns, column->attnum);
	}
	return columns;
}

/* Which attributes the third argument names, by attnum - 1. */
static bool *
find_unversioned(Relation table, const Trigger *trigger, AttrNumber period)
{
	bool *unversioned = palloc0(sizeof(bool) * RelationGetDescr(table)->natts);
	ListCell *cell;

	foreach (cell, listed_columns(table, trigger, 2, period))
		unversioned[lfirst_int(cell) - 1] = true;
	return unversioned;
}

/* A value that the history would have to change in order to hold it is not its version. */
static void
require_same_type(Form_pg_attribute column, Form_pg_attribute kept, Relation history)
{
	if (kept->atttypid == column->atttypid &&
		(kept->atttypmod == -1 || kept->atttypmod == column->atttypmod))
		return;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column \"%s\" of history table \"%s\" is of another type",
						   NameStr(column->attname), RelationGetRelationName(history)),
					errdetail("It is %s, but %s is to be kept.",
							  format_type_with_typemod(kept->atttypid, kept->atttypmod),
							  format_type_with_typemod(column->atttypid, column->atttypmod)),
					errhint("ALTER TABLE %s ALTER COLUMN %s TYPE %s.",
							quote_identifier(RelationGetRelationName(history)),
							quote_identifier(NameStr(column->attname)),
							format_type_with_typemod(column->atttypid, column->atttypmod))));
}

/* Does this column of the table go to the history? */
static bool
is_copied(Form_pg_attribute column, bool versioned, Relation history)
{
	Form_pg_attribute kept = column_named(RelationGetDescr(history), NameStr(column->attname));

	if (kept != NULL && kept->attgenerated != '\0')
		return false; /* it computes its own */
	if (column->attgenerated == GENERATED_VIRTUAL)
	{
		if (kept != NULL)
			ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
							errmsg("column \"%s\" of history table \"%s\" would stay empty",
								   NameStr(column->attname), RelationGetRelationName(history)),
							errdetail("A virtual generated column has no value to keep."),
							errhint("Make it a generated column of the history too, or drop it "
									"there.")));
		return false;
	}
	if (kept == NULL)
	{
		if (!versioned)
			return false;
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("history table \"%s\" has no column \"%s\"",
						RelationGetRelationName(history), NameStr(column->attname)),
				 errhint("ALTER TABLE %s ADD COLUMN %s %s; or name the column among those "
						 "that are not versions.",
						 quote_identifier(RelationGetRelationName(history)),
						 quote_identifier(NameStr(column->attname)),
						 format_type_with_typemod(column->atttypid, column->atttypmod))));
	}
	require_same_type(column, kept, history);
	return true;
}

static void
classify_columns(AgmVersioned *versioned, Relation table, Relation history,
				 const bool *unversioned)
{
	TupleDesc desc = RelationGetDescr(table);
	Size size = sizeof(AttrNumber) * desc->natts;

	versioned->compared = MemoryContextAlloc(versioned->context, size);
	versioned->copied = MemoryContextAlloc(versioned->context, size);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		if (column->attisdropped)
			continue;
		/* What is generated follows from other columns, and has no value yet in a new row. */
		if (!unversioned[i] && column->attgenerated == '\0' &&
			column->attnum != versioned->period)
			versioned->compared[versioned->ncompared++] = column->attnum;
		if (is_copied(column, !unversioned[i], history))
			versioned->copied[versioned->ncopied++] = column->attnum;
	}
}

static SPIPlanPtr
prepare(const AgmVersioned *versioned, const char *sql, int n, Oid *types, int options)
{
	AgmSession session;
	AgmOwnerScope scope;
	SPIPlanPtr plan;

	agm_spi_begin(&session);
	agm_owner_begin(&scope, versioned->owner);
	plan = SPI_prepare_cursor(sql, n, types, options);
	agm_owner_end(&scope);
	if (plan == NULL)
		elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
	(void) SPI_keepplan(plan);
	agm_spi_end(&session);
	return plan;
}

static const char *
qualified_name(Relation relation)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
									  RelationGetRelationName(relation));
}

static void
prepare_insert(AgmVersioned *versioned, Relation table, Relation history)
{
	TupleDesc desc = RelationGetDescr(table);
	Oid *types = palloc(sizeof(Oid) * versioned->ncopied);
	StringInfoData names;
	StringInfoData values;

	initStringInfo(&names);
	initStringInfo(&values);
	for (int i = 0; i < versioned->ncopied; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, versioned->copied[i] - 1);

		types[i] = column->atttypid;
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ",
						 quote_identifier(NameStr(column->attname)));
		appendStringInfo(&values, "%s$%d", i == 0 ? "" : ", ", i + 1);
	}
	versioned->plan =
		prepare(versioned,
				psprintf("INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
						 qualified_name(history), names.data, values.data),
				versioned->ncopied, types, 0);
}

/* By the fourth argument. */
static void
prepare_last(AgmVersioned *versioned, Relation table, Relation history, const List *key)
{
	TupleDesc desc = RelationGetDescr(table);
	const char *period =
		quote_identifier(NameStr(TupleDescAttr(desc, versioned->period - 1)->attname));
	Oid *types = palloc(sizeof(Oid) * Max(list_length(key), 1));
	StringInfoData sql;
	ListCell *cell;

	if (key == NIL)
		return;
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT pg_catalog.upper(h.%s) FROM %s h", period,
					 qualified_name(history));
	versioned->key =
		MemoryContextAlloc(versioned->context, sizeof(AttrNumber) * list_length(key));
	foreach (cell, key)
	{
		Form_pg_attribute column = TupleDescAttr(desc, lfirst_int(cell) - 1);

		types[versioned->nkey] = column->atttypid;
		versioned->key[versioned->nkey++] = column->attnum;
		appendStringInfo(&sql, " %s h.%s OPERATOR(pg_catalog.=) $%d",
						 versioned->nkey == 1 ? "WHERE" : "AND",
						 quote_identifier(NameStr(column->attname)), versioned->nkey);
	}
	appendStringInfo(&sql, " ORDER BY h.%s DESC LIMIT 1", period);
	/* A plan for any values would lock all partitions. */
	versioned->last = prepare(
		versioned, sql.data, versioned->nkey, types,
		history->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? CURSOR_OPT_CUSTOM_PLAN : 0);
}

/* The row that a trigger AFTER INSERT fires for: README, "A row that comes back". */
static void
prepare_move(AgmVersioned *versioned, Relation table)
{
	const char *period = quote_identifier(
		NameStr(TupleDescAttr(RelationGetDescr(table), versioned->period - 1)->attname));
	Oid types[] = {TSTZRANGEOID, TIDOID};

	versioned->move =
		prepare(versioned,
				psprintf("UPDATE ONLY %s t SET %s = $1 WHERE t.ctid OPERATOR(pg_catalog.=) $2",
						 qualified_name(table), period),
				2, types, 0);
}

static bool
fires_after_insert(const Trigger *trigger)
{
	return TRIGGER_TYPE_MATCHES(trigger->tgtype, TRIGGER_TYPE_ROW, TRIGGER_TYPE_AFTER,
								TRIGGER_TYPE_INSERT);
}

/* Does another trigger of the table look at rows with this key when they are in it? */
static bool
is_followed(Relation table, const Trigger *trigger)
{
	const TriggerDesc *triggers = table->trigdesc;

	for (int i = 0; i < triggers->numtriggers; i++)
	{
		const Trigger *other = &triggers->triggers[i];

		if (fires_after_insert(other) && other->tgfoid == trigger->tgfoid &&
			other->tgenabled == trigger->tgenabled && other->tgnargs == trigger->tgnargs &&
			strcmp(other->tgargs[3], trigger->tgargs[3]) == 0)
			return true;
	}
	return false;
}

static Relation
open_history(const AgmVersioned *versioned)
{
	Relation history = relation_open(versioned->history, RowExclusiveLock);
	char kind = history->rd_rel->relkind;

	if (versioned->history == versioned->table || versioned->history == versioned->origin)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("table \"%s\" cannot be its own history",
							   RelationGetRelationName(history)),
						errhint("Name another table in the trigger's second argument.")));
	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE &&
		kind != RELKIND_FOREIGN_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("history \"%s\" is not a table", RelationGetRelationName(history)),
				 errhint("Name a table in the trigger's second argument.")));
	return history;
}

/* The context hangs on the statement's until all is learnt, so that an error leaves nothing behind. */
static AgmVersioned *
learn(Relation table, const Trigger *trigger)
{
	MemoryContext context = AllocSetContextCreate(
		CurrentMemoryContext, "agentmem versioning trigger", ALLOCSET_SMALL_SIZES);
	AgmVersioned *versioned = MemoryContextAllocZero(context, sizeof(AgmVersioned));
	Relation history;
	HeapTuple origin;

	if (trigger->tgnargs < 1 || trigger->tgnargs > 4)
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("agentmem.versioning takes one to four arguments, not %d",
							   trigger->tgnargs),
						errhint("They are the column of the system period, the history table, "
								"columns that are not versions and those of the key.")));
	if (table->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("cannot version \"%s\"", RelationGetRelationName(table)),
						errdetail_relkind_not_supported(table->rd_rel->relkind)));
	versioned->context = context;
	versioned->table = RelationGetRelid(table);
	versioned->period = find_period(table, trigger->tgargs[0]);
	versioned->origin = origin_of(trigger, versioned->table);
	origin = SearchSysCache1(RELOID, ObjectIdGetDatum(versioned->origin));
	if (!HeapTupleIsValid(origin))
		elog(ERROR, "cache lookup failed for relation %u", versioned->origin);
	versioned->owner = ((Form_pg_class) GETSTRUCT(origin))->relowner;
	ReleaseSysCache(origin);
	versioned->history = find_history(trigger, versioned->origin);
	history = open_history(versioned);
	classify_columns(versioned, table, history,
					 find_unversioned(table, trigger, versioned->period));
	/* Last: their plans outlive an error. */
	prepare_last(versioned, table, history,
				 listed_columns(table, trigger, 3, versioned->period));
	if (fires_after_insert(trigger))
		prepare_move(versioned, table);
	else
		versioned->followed = versioned->nkey > 0 && is_followed(table, trigger);
	prepare_insert(versioned, table, history);
	relation_close(history, NoLock);
	return versioned;
}

const AgmVersioned *
agm_versioned_get(Relation table, const Trigger *trigger)
{
	Entry *entry;
	AgmVersioned *versioned;
	uint64 before;

	if (entries == NULL)
		create_entries();
	entry = hash_search(entries, &trigger->tgoid, HASH_FIND, NULL);
	if (entry != NULL && entry->versioned->valid)
		return entry->versioned;

	before = invalidations;
	versioned = learn(table, trigger);
	entry = hash_search(entries, &trigger->tgoid, HASH_FIND, NULL);
	if (entry == NULL)
		entry = hash_search(entries, &trigger->tgoid, HASH_ENTER, NULL);
	else
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);

		retired = lappend(retired, entry->versioned);
		MemoryContextSwitchTo(old);
	}
	/* From here on nothing fails. */
	entry->versioned = versioned;
	MemoryContextSetParent(versioned->context, TopMemoryContext);
	/* What was altered meanwhile is learnt at the next call. */
	versioned->valid = before == invalidations;
	return versioned;
}

/*
 * spi.c
 *		Saved plans, and rows that stream from the executor into a callback.
 *
 * Decides how inner SQL is planned and cached; knows nothing of what it says.
 * Rules: src/base/README.md.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/plancache.h"
#include "utils/memutils.h"

#include "base/shards.h"
#include "base/spi.h"

/* A plan takes some 17 kB; above this many the cache starts over. */
#define PLAN_CACHE_MAX 512

/* More columns than any statement returns. */
#define COLUMNS_MAX 32

typedef struct PlanEntry
{
	uint64 hash; /* of schema, shard, template and flags: the key */
	char *schema;
	int64 shard;
	char *template;
	int flags;
	SPIPlanPtr plan;
	uint64 uses;
} PlanEntry;

static HTAB *plan_cache = NULL;

/* Plans that were replaced while, perhaps, they were running; freed between transactions. */
static List *retired_plans = NIL;

/* Trigger depth at which a writing statement of ours is running; -1: none is. */
static int writing_depth = -1;

/* A DestReceiver that checks what comes and calls back in the caller's memory context. */
typedef struct RowReceiver
{
	DestReceiver pub;
	const AgmStore *store;
	AgmColumns columns;
	AgmRowFn row;
	void *arg;
	MemoryContext context;
	int ncolumns;
	bool nullable[COLUMNS_MAX];
} RowReceiver;

int
agm_param(AgmParams *params, Oid type, Datum value, bool isnull)
{
	if (params->n >= AGM_MAX_PARAMS)
		elog(ERROR, "too many statement parameters");
	params->types[params->n] = type;
	params->values[params->n] = value;
	params->nulls[params->n] = isnull;
	return ++params->n;
}

Datum
agm_int8_array(const int64 *values, int n)
{
	Datum *items = palloc(sizeof(Datum) * Max(n, 1));

	for (int i = 0; i < n; i++)
		items[i] = Int64GetDatum(values[i]);
	return PointerGetDatum(
		construct_array(items, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

char *
agm_slot_text(TupleTableSlot *slot, int attno)
{
	bool isnull;
	Datum value = slot_getattr(slot, attno, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

void
agm_spi_begin(AgmSession *session)
{
	session->caller = CurrentMemoryContext;
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
agm_spi_end(AgmSession *session)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	MemoryContextSwitchTo(session->caller);
}

/*
 * Plans are thrown away between transactions only: within one, a trigger may have
 * brought us here while an outer plan of the cache is still running.
 */
static void
trim_plan_cache(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS seq;
	PlanEntry *entry;
	ListCell *cell;

	(void) arg;
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	foreach (cell, retired_plans)
		(void) SPI_freeplan((SPIPlanPtr) lfirst(cell));
	list_free(retired_plans);
	retired_plans = NIL;
	if (hash_get_num_entries(plan_cache) <= PLAN_CACHE_MAX)
		return;
	hash_seq_init(&seq, plan_cache);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		SPIPlanPtr plan = entry->plan;

		pfree(entry->schema);
		pfree(entry->template);
		(void) hash_search(plan_cache, &entry->hash, HASH_REMOVE, NULL);
		(void) SPI_freeplan(plan);
	}
}

static void
create_plan_cache(void)
{
	HASHCTL ctl = {0};

	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(PlanEntry);
	ctl.hcxt = TopMemoryContext;
	plan_cache =
		hash_create("agentmem plans", 128, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	RegisterXactCallback(trim_plan_cache, NULL);
}

/* Writes ".name" as the name of the table that has the rows, and returns what is behind it. */
static const char *
append_shard(StringInfo sql, const AgmStore *store, const char *name)
{
	size_t len = strspn(name + 1, "abcdefghijklmnopqrstuvwxyz_");
	const char *shard = *name == '.' ? agm_shard_name(store, name + 1, len) : NULL;

	if (shard == NULL)
		return name;
	appendStringInfo(sql, ".%s", shard);
	return name + 1 + len;
}

/* The template with every "{store}" replaced by the quoted schema, and tables by shards of theirs. */
static char *
fill_template(const AgmStore *store, const char *template)
{
	static const char mark[] = "{store}";
	StringInfoData sql;
	const char *hit;

	initStringInfo(&sql);
	while ((hit = strstr(template, mark)) != NULL)
	{
		appendBinaryStringInfo(&sql, template, hit - template);
		appendStringInfoString(&sql, store->quoted);
		template = hit + sizeof(mark) - 1;
		if (store->shards != NULL)
			template = append_shard(&sql, store, template);
	}
	appendStringInfoString(&sql, template);
	return sql.data;
}

static bool
same_statement(const PlanEntry *entry, const AgmStore *store, const char *template, int flags)
{
	return entry->flags == flags && entry->shard == store->shard &&
		   strcmp(entry->schema, store->name) == 0 && strcmp(entry->template, template) == 0;
}

static bool
same_types(SPIPlanPtr plan, const AgmParams *params)
{
	if (SPI_getargcount(plan) != params->n)
		return false;
	for (int i = 0; i < params->n; i++)
		if (SPI_getargtypeid(plan, i) != params->types[i])
			return false;
	return true;
}

/*
 * Is a plan that was used so often due to be made anew?  A kept plan may be as old as the
 * table was small: it is remade at its second, fourth, eighth ... use, which costs next to
 * nothing and bounds how much of a table's growth a plan can have missed.  (ANALYZE makes
 * PostgreSQL remake it in any case.)
 */
static bool
is_due(const PlanEntry *entry)
{
	return !(entry->flags & AGM_PLAN_CUSTOM) && entry->uses > 1 &&
		   (entry->uses & (entry->uses - 1)) == 0;
}

static int
push_setting(int level, const char *name)
{
	if (level == 0)
		level = NewGUCNestLevel();
	(void) set_config_option(name, "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	return level;
}

/*
 * Makes the plan that is kept now, under settings that hold for this alone: at execution
 * they would reach the user's triggers and functions, and what those keep.
 */
static void
plan_ahead(SPIPlanPtr plan, int flags)
{
	ListCell *cell;

	foreach (cell, SPI_plan_get_plan_sources(plan))
	{
		CachedPlanSource *source = lfirst(cell);
		int level;

		if (!source->is_saved || (source->gplan != NULL && source->gplan->is_valid))
			continue;
		level = push_setting(0, "jit");
		level = push_setting(level, "enable_seqscan");
		if (flags & AGM_PLAN_ORDERED)
			level = push_setting(level, "enable_sort");
		ReleaseCachedPlan(GetCachedPlan(source, NULL, CurrentResourceOwner, NULL),
						  CurrentResourceOwner);
		AtEOXact_GUC(true, level);
	}
}

static SPIPlanPtr
prepare(const AgmStore *store, const char *template, const AgmParams *params, int flags)
{
	int options = (flags & AGM_PLAN_CUSTOM) ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN;
	SPIPlanPtr plan = SPI_prepare_cursor(fill_template(store, template), params->n,
										 (Oid *) params->types, options);

	if (plan == NULL)
		elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
	return plan;
}

static SPIPlanPtr
get_plan(const AgmStore *store, const char *template, const AgmParams *params, int flags)
{
	uint64 hash;
	bool found;
	PlanEntry *entry;
	SPIPlanPtr plan;
	char *schema;
	char *copy;
	MemoryContext old;

	if (plan_cache == NULL)
		create_plan_cache();
	hash = hash_bytes_extended((const unsigned char *) store->name, strlen(store->name), flags);
	hash = hash_bytes_extended((const unsigned char *) template, strlen(template), hash);
	if (store->shard != 0)
		hash = hash_combine64(hash, (uint64) store->shard);
	entry = hash_search(plan_cache, &hash, HASH_FIND, NULL);
	if (entry != NULL && same_statement(entry, store, template, flags))
	{
		entry->uses++;
		if (same_types(entry->plan, params) && !is_due(entry))
			return entry->plan;
		plan = prepare(store, template, params, flags);
		old = MemoryContextSwitchTo(TopMemoryContext);
		retired_plans = lappend(retired_plans, entry->plan);
		MemoryContextSwitchTo(old);
		SPI_keepplan(plan);
		entry->plan = plan;
		return plan;
	}

	plan = prepare(store, template, params, flags);
	if (entry != NULL)
		return plan; /* two statements of one hash: the second lives for the call */

	/* Everything that can fail comes before the entry exists. */
	schema = MemoryContextStrdup(TopMemoryContext, store->name);
	copy = MemoryContextStrdup(TopMemoryContext, template);
	entry = hash_search(plan_cache, &hash, HASH_ENTER, &found);
	Assert(!found);
	entry->schema = schema;
	entry->shard = store->shard;
	entry->template = copy;
	entry->flags = flags;
	entry->plan = plan;
	entry->uses = 1;
	SPI_keepplan(plan);
	return plan;
}

static Oid
column_type(char letter)
{
	switch (letter)
	{
		case 'b':
			return BOOLOID;
		case 'i':
			return INT4OID;
		case 'l':
			return INT8OID;
		case 'L':
			return INT8ARRAYOID;
		case 'f':
			return FLOAT4OID;
		case 'd':
			return FLOAT8OID;
		case 't':
			return TEXTOID;
		case 'T':
			return TEXTARRAYOID;
		case 'z':
			return TIMESTAMPTZOID;
		case 'r':
			return TSTZRANGEOID;
		case 'j':
			return JSONBOID;
		case 'v':
			return TSVECTOROID;
		case 'u':
			return UUIDOID;
		case 'c':
			return TIDOID;
		case 'e':
			return agm_type_oid("vector");
	}
	elog(ERROR, "unknown column letter %c", letter);
	return InvalidOid;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	RowReceiver *receiver = (RowReceiver *) self;
	const char *letter = receiver->columns;

	(void) operation;
	if (receiver->row == NULL || receiver->columns == NULL)
		return;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);
		Oid expected;

		if (i >= COLUMNS_MAX || *letter == '\0')
			elog(ERROR, "statement returns more columns than expected");
		expected = column_type(*letter++);
		receiver->nullable[i] = *letter == '?';
		letter += receiver->nullable[i];
		if (attribute->atttypid != expected)
			ereport(ERROR,
					(errcode(ERRCODE_DATATYPE_MISMATCH),
					 errmsg("column \"%s\" of store \"%s\" has type %s, but %s is needed",
							NameStr(attribute->attname), receiver->store->name,
							format_type_be(attribute->atttypid), format_type_be(expected)),
					 errhint("A table of the store was changed: compare it with that of a "
							 "new store.")));
	}
	if (*letter != '\0')
		elog(ERROR, "statement returns fewer columns than expected");
	receiver->ncolumns = desc->natts;
}

static bool
receiver_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old;

	if (receiver->row == NULL)
		return true;
	slot_getallattrs(slot);
	for (int i = 0; i < receiver->ncolumns; i++)
		if (slot->tts_isnull[i] && !receiver->nullable[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("column \"%s\" of store \"%s\" must not be null",
							NameStr(TupleDescAttr(slot->tts_tupleDescriptor, i)->attname),
							receiver->store->name),
					 errhint("A table of the store was changed: compare it with that of a "
							 "new store.")));
	old = MemoryContextSwitchTo(receiver->context);
	receiver->row(slot, receiver->arg);
	MemoryContextSwitchTo(old);
	return true;
}

static void
receiver_nothing(DestReceiver *self)
{
	(void) self;
}

static uint64
execute(const AgmStore *store, const char *template, const AgmParams *params, int flags,
		AgmColumns columns, AgmRowFn row, void *arg)
{
	SPIPlanPtr plan;
	SPIExecuteOptions options = {0};
	ParamListInfo list = makeParamList(params->n);
	RowReceiver receiver = {0};
	MemoryContext context = CurrentMemoryContext;
	int level = 0;
	int rc;

	/* A kept plan names, and locks, every partition, or shard; one for the values only theirs. */
	if (store->partitioned || (store->distributed && store->shard == 0))
		flags |= AGM_PLAN_CUSTOM;
	plan = get_plan(store, template, params, flags);
	if (!(flags & AGM_PLAN_CUSTOM))
		plan_ahead(plan, flags);
	else if (!(flags & AGM_WRITE))
		level = push_setting(0, "jit");

	for (int i = 0; i < params->n; i++)
	{
		ParamExternData *p = &list->params[i];

		p->value = params->values[i];
		p->isnull = params->nulls[i];
		p->pflags = PARAM_FLAG_CONST;
		p->ptype = params->types[i];
	}
	receiver.pub.receiveSlot = receiver_row;
	receiver.pub.rStartup = receiver_startup;
	receiver.pub.rShutdown = receiver_nothing;
	receiver.pub.rDestroy = receiver_nothing;
	receiver.pub.mydest = DestTuplestore;
	receiver.store = store;
	receiver.columns = columns;
	receiver.row = row;
	receiver.arg = arg;
	receiver.context = context;

	/* None is no list: an empty one ends Citus's executor, which copies it and finds nothing. */
	options.params = params->n > 0 ? list : NULL;
	options.read_only = !(flags & AGM_WRITE);
	options.dest = &receiver.pub;
	rc = SPI_execute_plan_extended(plan, &options);
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	if (rc < 0)
		elog(ERROR, "could not execute statement: %s", SPI_result_code_string(rc));
	if (level != 0)
		AtEOXact_GUC(true, level);
	return SPI_processed;
}

static int
trigger_depth(void)
{
	LOCAL_FCINFO(fcinfo, 0);

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	return DatumGetInt32(pg_trigger_depth(fcinfo));
}

bool
agm_row_is_ours(void)
{
	return writing_depth >= 0 && trigger_depth() == writing_depth + 1;
}

/* What the innermost statement of ours that is running says of its rows. */
static int of_rows = 0;

bool
agm_row_is_as_given(void)
{
	return (of_rows & AGM_AS_GIVEN) != 0 && agm_row_is_ours();
}

bool
agm_row_has_new_key(void)
{
	return (of_rows & AGM_NEW_KEYS) != 0 && agm_row_is_ours();
}

/* Notes, for the triggers that it fires, that the statement is ours. */
static uint64
execute_write(const AgmStore *store, const char *template, const AgmParams *params, int flags,
			  AgmColumns columns, AgmRowFn row, void *arg)
{
	int outer = writing_depth;
	int outer_rows = of_rows;
	volatile uint64 n = 0;

	writing_depth = (flags & AGM_BY_HAND) ? -1 : trigger_depth();
	of_rows = flags & (AGM_AS_GIVEN | AGM_NEW_KEYS);
	PG_TRY();
	{
		n = execute(store, template, params, flags, columns, row, arg);
	}
	PG_FINALLY();
	{
		writing_depth = outer;
		of_rows = outer_rows;
	}
	PG_END_TRY();
	return n;
}

void
agm_owner_begin(AgmOwnerScope *scope, Oid owner)
{
	GetUserIdAndSecContext(&scope->user, &scope->context);
	SetUserIdAndSecContext(owner, scope->context | SECURITY_LOCAL_USERID_CHANGE |
									  SECURITY_NOFORCE_RLS);
	scope->level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
agm_owner_end(const AgmOwnerScope *scope)
{
	AtEOXact_GUC(true, scope->level);
	SetUserIdAndSecContext(scope->user, scope->context);
}

uint64
agm_execute(const AgmStore *store, const char *template, const AgmParams *params, int flags,
			AgmColumns columns, AgmRowFn row, void *arg)
{
	AgmOwnerScope scope;
	uint64 n;
	uint64 (*run)(const AgmStore *, const char *, const AgmParams *, int, AgmColumns, AgmRowFn,
				  void *) = (flags & AGM_WRITE) ? execute_write : execute;

	if (!(flags & AGM_AS_OWNER))
		return run(store, template, params, flags, columns, row, arg);
	agm_owner_begin(&scope, store->owner);
	n = run(store, template, params, flags, columns, row, arg);
	agm_owner_end(&scope);
	return n;
}

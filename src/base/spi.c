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
#include "common/hashfn.h"
#include "executor/spi.h"
#include "lib/ilist.h"
#include "lib/stringinfo.h"
#include "nodes/params.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "base/spi.h"

/* Enough for every statement of a few dozen stores; above it the cache starts over. */
#define PLAN_CACHE_MAX 1024

typedef struct PlanEntry
{
	uint64 hash; /* of schema and template: the key */
	char *schema;
	char *template;
	int flags;
	SPIPlanPtr plan;
} PlanEntry;

static HTAB *plan_cache = NULL;

/* A DestReceiver that calls back in the caller's memory context. */
typedef struct RowReceiver
{
	DestReceiver pub;
	AgmRowFn row;
	void *arg;
	MemoryContext context;
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
	session->guc_level = NewGUCNestLevel();
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
agm_spi_end(AgmSession *session)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	AtEOXact_GUC(true, session->guc_level);
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

	(void) arg;
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	if (plan_cache == NULL || hash_get_num_entries(plan_cache) <= PLAN_CACHE_MAX)
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

/* The template with every "{store}" replaced by the quoted schema. */
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
	}
	appendStringInfoString(&sql, template);
	return sql.data;
}

/* Same statement, same parameter types? */
static bool
entry_matches(const PlanEntry *entry, const AgmStore *store, const char *template,
			  const AgmParams *params, int flags)
{
	if (entry->flags != flags || strcmp(entry->schema, store->name) != 0 ||
		strcmp(entry->template, template) != 0 || SPI_getargcount(entry->plan) != params->n)
		return false;
	for (int i = 0; i < params->n; i++)
		if (SPI_getargtypeid(entry->plan, i) != params->types[i])
			return false;
	return true;
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
	int options;

	if (plan_cache == NULL)
		create_plan_cache();
	hash = hash_bytes_extended((const unsigned char *) store->name, strlen(store->name), flags);
	hash = hash_bytes_extended((const unsigned char *) template, strlen(template), hash);
	entry = hash_search(plan_cache, &hash, HASH_FIND, NULL);
	if (entry != NULL && entry_matches(entry, store, template, params, flags))
		return entry->plan;

	options = (flags & AGM_PLAN_CUSTOM) ? CURSOR_OPT_CUSTOM_PLAN : CURSOR_OPT_GENERIC_PLAN;
	plan = SPI_prepare_cursor(fill_template(store, template), params->n, (Oid *) params->types,
							  options);
	if (plan == NULL)
		elog(ERROR, "could not prepare statement: %s", SPI_result_code_string(SPI_result));
	if (entry != NULL)
		return plan; /* two statements of one hash: the second lives for the call */

	/* Everything that can fail comes before the entry exists. */
	schema = MemoryContextStrdup(TopMemoryContext, store->name);
	copy = MemoryContextStrdup(TopMemoryContext, template);
	entry = hash_search(plan_cache, &hash, HASH_ENTER, &found);
	Assert(!found);
	entry->schema = schema;
	entry->template = copy;
	entry->flags = flags;
	entry->plan = plan;
	SPI_keepplan(plan);
	return plan;
}

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	(void) self;
	(void) operation;
	(void) desc;
}

static bool
receiver_row(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext old;

	if (receiver->row == NULL)
		return true;
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

uint64
agm_execute(const AgmStore *store, const char *template, const AgmParams *params, int flags,
			AgmRowFn row, void *arg)
{
	SPIPlanPtr plan;
	SPIExecuteOptions options = {0};
	ParamListInfo list = makeParamList(params->n);
	RowReceiver receiver = {0};
	int rc;

	/* A kept plan names, and locks, every partition; one for the values only theirs. */
	if (store->partitioned)
		flags |= AGM_PLAN_CUSTOM;
	plan = get_plan(store, template, params, flags);
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
	receiver.row = row;
	receiver.arg = arg;
	receiver.context = CurrentMemoryContext;

	options.params = list;
	options.read_only = !(flags & AGM_WRITE);
	options.dest = &receiver.pub;
	rc = SPI_execute_plan_extended(plan, &options);
	if (rc < 0)
		elog(ERROR, "could not execute statement: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

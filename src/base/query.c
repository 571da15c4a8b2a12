/*
 * query.c
 *		Runs a query of the user's, reading only.
 *
 * What it may do is what the caller may do, and no more than read: the statement is looked
 * at, SPI refuses what would write, and the transaction is read-only while it runs, which
 * reaches what its functions do.
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "tcop/dest.h"
#include "utils/plancache.h"

#include "base/query.h"

typedef struct QueryReceiver
{
	DestReceiver pub;
	AgmQueryStartFn start;
	AgmQueryRowFn row;
	void *arg;
	MemoryContext context;
} QueryReceiver;

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
	QueryReceiver *receiver = (QueryReceiver *) self;

	(void) operation;
	receiver->start(desc, receiver->arg);
}

static bool
receiver_row(TupleTableSlot *slot, DestReceiver *self)
{
	QueryReceiver *receiver = (QueryReceiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->context);

	slot_getallattrs(slot);
	receiver->row(slot, receiver->arg);
	MemoryContextSwitchTo(old);
	return true;
}

static void
receiver_nothing(DestReceiver *self)
{
	(void) self;
}

/* Is it one statement that reads? */
static bool
only_reads(SPIPlanPtr plan)
{
	List *sources = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *source;
	Query *query;

	if (list_length(sources) != 1 || !SPI_is_cursor_plan(plan))
		return false;
	source = linitial(sources);
	if (list_length(source->query_list) != 1)
		return false;
	query = linitial(source->query_list);
	return query->commandType == CMD_SELECT && !query->hasModifyingCTE &&
		   query->rowMarks == NIL;
}

uint64
agm_query_read(const char *sql, const char *argument, AgmQueryStartFn start, AgmQueryRowFn row,
			   void *arg)
{
	SPIPlanPtr plan = SPI_prepare_cursor(sql, 0, NULL, CURSOR_OPT_PARALLEL_OK);
	SPIExecuteOptions options = {0};
	QueryReceiver receiver = {0};
	MemoryContext context = CurrentMemoryContext;
	bool read_only = XactReadOnly;
	volatile int rc = 0;

	if (plan == NULL || !only_reads(plan))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be one query that only reads", argument),
						errhint("Give the text of a SELECT without FOR UPDATE.")));
	receiver.pub.receiveSlot = receiver_row;
	receiver.pub.rStartup = receiver_startup;
	receiver.pub.rShutdown = receiver_nothing;
	receiver.pub.rDestroy = receiver_nothing;
	receiver.pub.mydest = DestTuplestore;
	receiver.start = start;
	receiver.row = row;
	receiver.arg = arg;
	receiver.context = context;
	options.read_only = true;
	options.dest = &receiver.pub;
	PG_TRY();
	{
		XactReadOnly = true;
		rc = SPI_execute_plan_extended(plan, &options);
	}
	PG_FINALLY();
	{
		XactReadOnly = read_only;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context); /* SPI leaves its own */
	if (rc < 0)
		elog(ERROR, "could not execute query: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

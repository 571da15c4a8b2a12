/*
 * round.c
 *		One round of a worker: the stores of its database take turns by a namespace each (README,
 *		invariants 8 to 13).
 *
 * Everything that belongs to a store is done by SQL as its owner, whom nobody trusts here;
 * everything else, which is to say reading catalogs and writing maintenance_run, as the owner of
 * that table.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "storage/lock.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/spi.h"
#include "worker/worker.h"

/* With so many namespaces that fail, it is the store that has a fault. */
#define ERRORS_MAX 5

typedef struct Turn
{
	Oid schema;
	char *store;
	Oid owner;
	bool done;		   /* nothing is due, or not to be tried */
	bool tried_again;  /* the last error was one that may pass */
	bool failed;	   /* an error of the store itself */
	int failures;	   /* rounds on end in which it failed, before this one */
	int namespaces;	   /* maintained */
	int errors;		   /* of namespaces */
	TimestampTz began; /* its first namespace */
	int64 took;		   /* microseconds */
	char *claimed;	   /* the namespace at hand; NULL: none */
	char *error;	   /* the last; NULL: none */
} Turn;

/* As a role, with the identity locked; nothing that is set in between stays. */
static void
become(AgmOwnerScope *scope, Oid role)
{
	Oid user;
	int context;

	agm_owner_begin(scope, role);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(user, context | SECURITY_RESTRICTED_OPERATION);
}

static void
be_oneself(const AgmOwnerScope *scope)
{
	AtEOXact_GUC(false, scope->level);
	SetUserIdAndSecContext(scope->user, scope->context);
}

/* As who owns the table of runs, and with it may see all catalogs. */
static void
become_keeper(AgmOwnerScope *scope)
{
	Oid table = get_relname_relid("maintenance_run", get_namespace_oid("agentmem", false));

	if (!OidIsValid(table))
		elog(ERROR, "table agentmem.maintenance_run does not exist");
	become(scope, agm_table_owner(table));
}

static uint64
run(const char *sql, int n, Oid *types, Datum *values, const char *nulls)
{
	int rc = SPI_execute_with_args(sql, n, types, values, nulls, false, 0);

	if (rc < 0)
		elog(ERROR, "could not execute statement: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static char *
result_text(uint64 row, int column, MemoryContext context)
{
	char *value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);

	return value == NULL ? NULL : MemoryContextStrdup(context, value);
}

static Oid
result_oid(uint64 row, int column)
{
	bool isnull;

	return DatumGetObjectId(
		SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* After an error: as at the end of a statement of a session. */
static ErrorData *
recover(AgmWorker *worker)
{
	ErrorData *error;

	HOLD_INTERRUPTS();
	disable_all_timeouts(false);
	QueryCancelPending = false;
	MemoryContextSwitchTo(worker->context);
	error = CopyErrorData();
	FlushErrorState();
	AbortCurrentTransaction();
	LockReleaseAll(USER_LOCKMETHOD, true);
	MemoryContextSwitchTo(worker->context);
	worker->holds = false;
	RESUME_INTERRUPTS();
	return error;
}

/* The stores whose time has come; false if the worker has to end. */
static bool
list_stores(AgmWorker *worker, List **turns)
{
	static const char sql[] =
		"SELECT n.oid, n.nspname, m.relowner, coalesce(r.failures, 0) "
		"FROM pg_catalog.pg_namespace n "
		"JOIN pg_catalog.pg_class m ON m.relnamespace = n.oid AND m.relname = 'memory' "
		"LEFT JOIN agentmem.maintenance_run r ON r.store = n.nspname "
		/* Not the far future: the clock may have been set back. */
		"WHERE agentmem.is_store(n.oid) AND (r.next_try IS NULL OR r.next_try <= now() "
		"  OR r.next_try > now() + interval '2 hours') ORDER BY n.nspname";
	AgmOwnerScope scope;
	uint64 n;

	if (!agm_worker_begin(worker))
		return false;
	SPI_connect();
	become_keeper(&scope);
	(void) run("DELETE FROM agentmem.maintenance_run r WHERE NOT EXISTS "
			   "(SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = r.store)",
			   0, NULL, NULL, NULL);
	n = run(sql, 0, NULL, NULL, NULL);
	for (uint64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(worker->context);
		Turn *turn = palloc0(sizeof(Turn));
		char *failures;

		turn->schema = result_oid(i, 1);
		turn->store = result_text(i, 2, worker->context);
		turn->owner = result_oid(i, 3);
		failures = result_text(i, 4, worker->context);
		turn->failures = pg_strtoint32(failures);
		if (is_member_of_role(GetSessionUserId(), turn->owner))
			*turns = lappend(*turns, turn);
		MemoryContextSwitchTo(old);
	}
	be_oneself(&scope);
	SPI_finish();
	agm_worker_commit();
	return true;
}

/* false after an error. */
static bool
list_stores_safely(AgmWorker *worker, List **turns, bool *goes_on)
{
	volatile bool listed = true;

	PG_TRY();
	{
		*goes_on = list_stores(worker, turns);
	}
	PG_CATCH();
	{
		ErrorData *error = recover(worker);

		listed = false;
		ereport(LOG, (errcode(error->sqlerrcode),
					  errmsg("agentmem worker could not list the stores of database \"%s\": %s",
							 worker->database, error->message)));
	}
	PG_END_TRY();
	return listed;
}

/* The next namespace of the store, as its owner, between SPI_connect and SPI_finish. */
static void
maintain_next(AgmWorker *worker, Turn *turn)
{
	Oid types[] = {NAMEOID, TEXTOID, INT8OID};
	Datum values[3];
	AgmOwnerScope scope;

	values[0] = DirectFunctionCall1(namein, CStringGetDatum(turn->store));
	values[2] = Int64GetDatum(agm_worker_budget);
	become(&scope, turn->owner);
	if (run("SELECT c.name FROM agentmem.claim_namespace($1, NULL::text, now(), false) c", 1,
			types, values, NULL) == 0)
		turn->done = true;
	else
	{
		turn->claimed = result_text(0, 1, worker->context);
		pgstat_report_activity(
			STATE_RUNNING,
			psprintf("agentmem: store \"%s\", namespace \"%s\"", turn->store, turn->claimed));
		values[1] = CStringGetTextDatum(turn->claimed);
		(void) run(
			"SELECT FROM agentmem.maintain($1, $2, $3 * interval '1 millisecond', false, "
			"NULL::timestamptz)",
			3, types, values, NULL);
	}
	be_oneself(&scope);
}

static bool
still_there(const Turn *turn)
{
	Oid memory = get_relname_relid("memory", turn->schema);

	return get_namespace_oid(turn->store, true) == turn->schema && OidIsValid(memory) &&
		   agm_table_owner(memory) == turn->owner;
}

/* A table that is not the owner's would be used as if it were. */
static void
refuse_foreign_tables(AgmWorker *worker, const Turn *turn)
{
	Oid types[] = {OIDOID, OIDOID};
	Datum values[] = {ObjectIdGetDatum(turn->schema), ObjectIdGetDatum(turn->owner)};
	AgmOwnerScope scope;
	char *table = NULL;

	become_keeper(&scope);
	if (run("SELECT c.relname FROM pg_catalog.pg_class c WHERE c.relnamespace = $1 "
			"AND c.relkind IN ('r', 'p', 'f', 'S') AND c.relowner <> $2 ORDER BY "
			"c.relname LIMIT 1",
			2, types, values, NULL) > 0)
		table = result_text(0, 1, worker->context);
	be_oneself(&scope);
	if (table != NULL)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("table \"%s\" is not of the owner of table \"memory\"", table)));
}

/* A transaction of a store; false if the worker has to end. */
static bool
take_turn(AgmWorker *worker, Turn *turn)
{
	if (!agm_worker_begin(worker))
		return false;
	if (!still_there(turn))
		turn->done = true;
	else
	{
		agm_slot_store(worker->slot, turn->schema);
		SPI_connect();
		refuse_foreign_tables(worker, turn);
		agm_worker_limit(agm_worker_statement_timeout);
		maintain_next(worker, turn);
		agm_worker_unlimit();
		SPI_finish();
	}
	agm_worker_commit();
	return true;
}

/* The namespace that failed waits for its next turn. */
static bool
postpone(AgmWorker *worker, const Turn *turn)
{
	Oid types[] = {NAMEOID, TEXTOID};
	Datum values[2];
	AgmOwnerScope scope;

	if (!agm_worker_begin(worker))
		return false;
	if (still_there(turn))
	{
		values[0] = DirectFunctionCall1(namein, CStringGetDatum(turn->store));
		values[1] = CStringGetTextDatum(turn->claimed);
		SPI_connect();
		become(&scope, turn->owner);
		(void) run("SELECT agentmem.postpone_namespace($1, $2)", 2, types, values, NULL);
		be_oneself(&scope);
		SPI_finish();
	}
	agm_worker_commit();
	return true;
}

static bool
may_pass(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK ||
		   sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE;
}

/* Says what happened, and who waits for how long. */
static void
report(const AgmWorker *worker, Turn *turn, ErrorData *error)
{
	const char *code = unpack_sql_state(error->sqlerrcode);

	turn->error = turn->claimed == NULL ? psprintf("%s (%s)", error->message, code)
										: psprintf("namespace \"%s\": %s (%s)", turn->claimed,
												   error->message, code);
	if (turn->claimed != NULL && ++turn->errors < ERRORS_MAX)
	{
		ereport(
			LOG,
			(errcode(error->sqlerrcode),
			 errmsg("agentmem worker could not maintain namespace \"%s\" of store \"%s\" in "
					"database \"%s\": %s",
					turn->claimed, turn->store, worker->database, error->message),
			 error->detail_log != NULL ? errdetail_internal("%s", error->detail_log)
			 : error->detail != NULL   ? errdetail_internal("%s", error->detail)
									   : 0,
			 errhint("It is tried again when it is next due.")));
		return;
	}
	turn->failed = true;
	turn->done = true;
	ereport(LOG,
			(errcode(error->sqlerrcode),
			 errmsg("agentmem worker could not maintain store \"%s\" in database \"%s\": %s",
					turn->store, worker->database, error->message),
			 error->detail != NULL ? errdetail_internal("%s", error->detail) : 0,
			 errhint("It is tried again in %ld s.",
					 agm_worker_backoff(turn->failures + 1) / 1000)));
}

/* An error in a turn; false if the worker has to end. */
static bool
after_error(AgmWorker *worker, Turn *turn, ErrorData *error)
{
	bool goes_on = true;

	if (may_pass(error->sqlerrcode) && !turn->tried_again)
	{
		turn->tried_again = true;
		return true;
	}
	turn->tried_again = false;
	report(worker, turn, error);
	if (turn->claimed == NULL)
		return true;
	PG_TRY();
	{
		goes_on = postpone(worker, turn);
	}
	PG_CATCH();
	{
		/* Then it would be the next again: the store waits. */
		(void) recover(worker);
		turn->failed = true;
		turn->done = true;
	}
	PG_END_TRY();
	return goes_on;
}

/* The worker before was ended here, and would be again: the store waits as after an error of its own. */
static bool
is_avoided(AgmWorker *worker, Turn *turn)
{
	if (worker->avoid != turn->schema)
		return false;
	worker->avoid = InvalidOid;
	turn->error = "the worker was ended while it maintained this store";
	turn->failed = true;
	turn->done = true;
	return true;
}

/* A turn whatever happens in it; false if the worker has to end. */
static bool
take_turn_safely(AgmWorker *worker, Turn *turn)
{
	TimestampTz began = GetCurrentTimestamp();
	ErrorData *volatile error = NULL;
	volatile bool goes_on = true;

	turn->claimed = NULL;
	if (is_avoided(worker, turn))
		return true;
	PG_TRY();
	{
		goes_on = take_turn(worker, turn);
	}
	PG_CATCH();
	{
		error = recover(worker);
	}
	PG_END_TRY();
	agm_slot_store(worker->slot, InvalidOid);
	MemoryContextSwitchTo(worker->context);
	if (error == NULL)
	{
		turn->tried_again = false;
		if (turn->claimed != NULL)
			turn->namespaces++;
	}
	else
		goes_on = after_error(worker, turn, error);
	if (turn->claimed != NULL)
	{
		if (turn->began == 0)
			turn->began = began;
		turn->took += GetCurrentTimestamp() - began;
	}
	return goes_on;
}

/* What the round was to a store; nothing where there was nothing to do. */
static bool
record(AgmWorker *worker, const Turn *turn)
{
	static const char sql[] =
		"INSERT INTO agentmem.maintenance_run AS r (store, last_run, duration, namespaces, "
		"failures, "
		"  next_try, last_error, last_error_at) "
		"SELECT $1, $2, $3 * interval '1 microsecond', $4, $5, now() + $6 * interval '1 "
		"millisecond', $7, "
		"  CASE WHEN $7 IS NOT NULL THEN now() END "
		"ON CONFLICT (store) DO UPDATE SET last_run = coalesce(excluded.last_run, r.last_run), "
		"  duration = CASE WHEN excluded.last_run IS NULL THEN r.duration ELSE "
		"excluded.duration END, "
		"  namespaces = CASE WHEN excluded.last_run IS NULL THEN r.namespaces ELSE "
		"excluded.namespaces END, "
		"  failures = excluded.failures, next_try = excluded.next_try, "
		"  last_error = coalesce(excluded.last_error, r.last_error), "
		"  last_error_at = coalesce(excluded.last_error_at, r.last_error_at)";
	Oid types[] = {NAMEOID, TIMESTAMPTZOID, INT8OID, INT4OID, INT4OID, INT8OID, TEXTOID};
	int failures = turn->failed ? Min(turn->failures + 1, 1000) : 0;
	Datum values[7];
	char nulls[] = "       ";
	AgmOwnerScope scope;

	if (!agm_worker_begin(worker))
		return false;
	values[0] = DirectFunctionCall1(namein, CStringGetDatum(turn->store));
	values[1] = TimestampTzGetDatum(turn->began);
	nulls[1] = turn->began == 0 ? 'n' : ' ';
	values[2] = Int64GetDatum(turn->took);
	values[3] = Int32GetDatum(turn->namespaces);
	values[4] = Int32GetDatum(failures);
	values[5] = Int64GetDatum(failures > 0 ? agm_worker_backoff(failures) : 0);
	nulls[5] = failures > 0 ? ' ' : 'n';
	values[6] = turn->error == NULL ? (Datum) 0 : CStringGetTextDatum(turn->error);
	nulls[6] = turn->error == NULL ? 'n' : ' ';
	SPI_connect();
	become_keeper(&scope);
	(void) run(sql, 7, types, values, nulls);
	be_oneself(&scope);
	SPI_finish();
	agm_worker_commit();
	return true;
}

/* Writes down what happened, whatever happens. */
static bool
record_all(AgmWorker *worker, List *turns)
{
	volatile bool goes_on = true;
	ListCell *cell;

	foreach (cell, turns)
	{
		Turn *turn = lfirst(cell);

		if (!goes_on || (turn->began == 0 && turn->error == NULL && turn->failures == 0))
			continue;
		PG_TRY();
		{
			goes_on = record(worker, turn);
		}
		PG_CATCH();
		{
			ErrorData *error = recover(worker);

			ereport(LOG,
					(errcode(error->sqlerrcode),
					 errmsg("agentmem worker could not write down how store \"%s\" in database "
							"\"%s\" was maintained: %s",
							turn->store, worker->database, error->message)));
		}
		PG_END_TRY();
	}
	return goes_on;
}

static void
log_round(const AgmWorker *worker, List *turns, TimestampTz began)
{
	long ms = TimestampDifferenceMilliseconds(began, GetCurrentTimestamp());
	int namespaces = 0;
	int stores = 0;
	int errors = 0;
	ListCell *cell;

	foreach (cell, turns)
	{
		Turn *turn = lfirst(cell);

		namespaces += turn->namespaces;
		stores += turn->namespaces > 0;
		errors += turn->errors;
	}
	if (namespaces > 0 && agm_worker_log_min_duration >= 0 && ms >= agm_worker_log_min_duration)
		ereport(
			LOG,
			(errmsg("agentmem worker maintained %d namespaces of %d stores in database \"%s\" "
					"in %ld ms, %d more with errors",
					namespaces, stores, worker->database, ms, errors)));
}

AgmWorkerEnd
agm_worker_round(AgmWorker *worker)
{
	TimestampTz began = GetCurrentTimestamp();
	TimestampTz deadline = TimestampTzPlusMilliseconds(began, agm_worker_naptime * 1000L);
	List *turns = NIL;
	bool more = true;
	bool goes_on;
	ListCell *cell;

	MemoryContextReset(worker->context);
	pgstat_report_activity(STATE_RUNNING, "agentmem: looking for stores");
	if (!list_stores_safely(worker, &turns, &goes_on))
		return AGM_WORKER_FAILED;
	while (goes_on && more)
	{
		more = false;
		foreach (cell, turns)
		{
			Turn *turn = lfirst(cell);

			if (turn->done || !goes_on)
				continue;
			goes_on = take_turn_safely(worker, turn);
			more = more || !turn->done;
		}
		if (GetCurrentTimestamp() >= deadline)
			break;
	}
	MemoryContextSwitchTo(worker->context);
	if (goes_on)
		goes_on = record_all(worker, turns);
	log_round(worker, turns, began);
	MemoryContextSwitchTo(TopMemoryContext);
	if (!goes_on)
		return worker->end;
	return more ? AGM_WORKER_MORE : AGM_WORKER_DONE;
}

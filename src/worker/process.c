/*
 * process.c
 *		The life of a worker, and the locks by which it makes way (README, invariants 2 and 3).
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "memory/access_log.h"
#include "worker/worker.h"

/* A nap is interrupted that often to see whether the database is wanted; DROP DATABASE waits for 5 s. */
#define LOOK_MS 2000L
/* The part of the extension that only workers lock. */
#define WORKER_SUBOBJECT 1

extern PGDLLEXPORT void agm_worker_main(Datum arg);

static bool
try_lock(Oid database, Oid class, Oid object, int part, LOCKMODE mode, bool session)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, database, class, object, part);
	return LockAcquire(&tag, mode, session, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
agm_worker_database_wanted(Oid database)
{
	bool wanted;

	StartTransactionCommand();
	wanted = !try_lock(InvalidOid, DatabaseRelationId, database, 0, RowExclusiveLock, false);
	CommitTransactionCommand();
	return wanted;
}

/* Whether the extension is there, is the one that we work for, and nobody drops it. */
static bool
hold_extension(AgmWorker *worker)
{
	Oid extension;

	AcceptInvalidationMessages();
	extension = get_extension_oid("agentmem", true);
	if (!OidIsValid(extension) ||
		(OidIsValid(worker->extension) && worker->extension != extension))
		worker->end = AGM_WORKER_ABSENT;
	else if (!try_lock(MyDatabaseId, ExtensionRelationId, extension, 0, AccessShareLock, false))
		worker->end = AGM_WORKER_LEFT;
	else
	{
		AcceptInvalidationMessages();
		if (get_extension_oid("agentmem", true) == extension)
		{
			worker->extension = extension;
			return true;
		}
		worker->end = AGM_WORKER_ABSENT;
	}
	return false;
}

static TimeoutId overrun_timeout;
static volatile sig_atomic_t overrun = false;

static void
end_process(void)
{
	overrun = true;
	InterruptPending = true;
	ProcDiePending = true;
	SetLatch(MyLatch);
}

void
agm_worker_overrun_init(void)
{
	overrun_timeout = RegisterTimeout(USER_TIMEOUT, end_process);
}

void
agm_worker_limit(int statement_timeout)
{
	if (statement_timeout <= 0)
		return;
	enable_timeout_after(STATEMENT_TIMEOUT, statement_timeout);
	enable_timeout_after(overrun_timeout,
						 (int) Min((int64) statement_timeout + AGM_WORKER_GRACE_MS, INT_MAX));
}

void
agm_worker_unlimit(void)
{
	disable_timeout(STATEMENT_TIMEOUT, false);
	disable_timeout(overrun_timeout, false);
}

/* Session locks of the server's own do not go by themselves when a process ends outside a transaction. */
static void
release_at_exit(int code, Datum arg)
{
	(void) code;
	(void) arg;
	if (overrun)
		ereport(LOG, (errmsg("agentmem worker ended itself: a store did not obey "
							 "agentmem.worker_statement_timeout")));
	LockReleaseAll(DEFAULT_LOCKMETHOD, true);
}

/* The lock that makes this process the worker of the database. */
static bool
hold_database(AgmWorker *worker)
{
	if (!worker->holds && !try_lock(MyDatabaseId, ExtensionRelationId, worker->extension,
									WORKER_SUBOBJECT, ExclusiveLock, true))
	{
		worker->end = AGM_WORKER_BUSY;
		return false;
	}
	worker->holds = true;
	return true;
}

bool
agm_worker_begin(AgmWorker *worker)
{
	/* Whoever cancelled meant a statement that is over. */
	QueryCancelPending = false;
	CHECK_FOR_INTERRUPTS();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	if (!try_lock(InvalidOid, DatabaseRelationId, MyDatabaseId, 0, RowExclusiveLock, false))
		worker->end = AGM_WORKER_LEFT;
	else if (hold_extension(worker) && hold_database(worker))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		return true;
	}
	CommitTransactionCommand();
	return false;
}

void
agm_worker_commit(void)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	/* What code of a store's owner may have locked for the session. */
	LockReleaseAll(USER_LOCKMETHOD, true);
	pgstat_report_stat(true);
}

static void
set(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_USERSET, PGC_S_SESSION);
}

/* Whatever the database or the role has them set to. */
static void
set_settings(void)
{
	char lock_timeout[32];

	snprintf(lock_timeout, sizeof(lock_timeout), "%d", agm_worker_lock_timeout);
	set("lock_timeout", lock_timeout);
	set("statement_timeout", "0");
	set("idle_in_transaction_session_timeout", "0");
	/* From 17 on. */
	if (GetConfigOption("transaction_timeout", true, false) != NULL)
		set("transaction_timeout", "0");
	set("default_transaction_read_only", "off");
	set("search_path", "pg_catalog, pg_temp");
	set("default_transaction_isolation", "read committed");
	set("application_name", MyBgworkerEntry->bgw_name);
}

static void
reload(void)
{
	if (!ConfigReloadPending)
		return;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	set_settings();
}

/* The first transaction: is there something to do here, and nobody who does it? */
static bool
enter(AgmWorker *worker)
{
	if (!agm_worker_begin(worker))
		return false;
	worker->database = MemoryContextStrdup(TopMemoryContext, get_database_name(MyDatabaseId));
	agm_worker_commit();
	return true;
}

/* Until the next round, which begins so long after this one did; false if it has to end. */
static bool
nap(AgmWorker *worker, TimestampTz began, long ms)
{
	pgstat_report_activity(STATE_IDLE, NULL);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();
		long left =
			TimestampDifferenceMilliseconds(now, TimestampTzPlusMilliseconds(began, ms));

		/* A clock that was set back does not make it longer. */
		if (left <= 0 || now < began)
			return true;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 Min(left, LOOK_MS), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		reload();
		if (!agm_worker_begin(worker))
			return false;
		agm_worker_commit();
	}
}

static AgmWorkerEnd
live(AgmWorker *worker)
{
	int failures = 0;

	if (!enter(worker))
		return worker->end;
	if (worker->stays)
		ereport(LOG, (errmsg("agentmem worker started in database \"%s\"", worker->database)));
	for (;;)
	{
		TimestampTz began = GetCurrentTimestamp();
		AgmWorkerEnd end;

		reload();
		end = agm_worker_round(worker);
		failures = end == AGM_WORKER_FAILED ? failures + 1 : 0;
		if (!worker->stays ||
			(end != AGM_WORKER_DONE && end != AGM_WORKER_MORE && end != AGM_WORKER_FAILED))
			return end;
		if (end != AGM_WORKER_MORE && !nap(worker, began, agm_worker_backoff(failures)))
			return worker->end;
	}
}

void
agm_worker_main(Datum arg)
{
	AgmWorkerStart start;
	AgmWorker worker = {0};
	AgmWorkerEnd end;

	(void) arg;
	memcpy(&start, MyBgworkerEntry->bgw_extra, sizeof(start));
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, agm_slot_leave);
	BackgroundWorkerUnblockSignals();
	if (start.slot >= 0 && !agm_slot_attach(start.slot, start.generation))
		proc_exit(0);
	BackgroundWorkerInitializeConnectionByOid(start.database, start.role, 0);
	on_shmem_exit(release_at_exit, (Datum) 0);
	set_settings();
	agm_worker_overrun_init();
	/* What code of owners recalls here nobody asked for. */
	agm_access_log_disable();
	worker.stays = start.slot < 0;
	worker.slot = start.slot;
	worker.avoid = start.avoid;
	worker.context =
		AllocSetContextCreate(TopMemoryContext, "agentmem round", ALLOCSET_DEFAULT_SIZES);
	end = live(&worker);
	if (start.slot >= 0)
		agm_slot_say(start.slot, end);
	else if (end != AGM_WORKER_BUSY)
		ereport(LOG,
				(errmsg("agentmem worker leaves database \"%s\"",
						worker.database == NULL ? "" : worker.database),
				 end == AGM_WORKER_ABSENT ? errdetail("The extension agentmem was dropped.")
										  : errdetail("Another session wants it for itself.")));
	proc_exit(0);
}

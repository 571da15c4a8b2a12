/*
 * launcher.c
 *		The process that starts workers: which database, when, how many (README).
 *
 * It is connected to no database and writes nothing.  What it knows is of the time: a launcher
 * that begins finds every database due.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "worker/worker.h"

/* While there are workers, their databases are looked at that often. */
#define WATCH_MS 1000L
/* A database without extension is looked at again after so many naps. */
#define ABSENT_NAPS 5

typedef struct Database
{
	Oid oid;
	char name[NAMEDATALEN];
	bool listed;					/* it is there still, and we may */
	TimestampTz next;				/* when it is due */
	TimestampTz began;				/* when its last worker was started */
	int failures;					/* on end */
	Oid avoid;						/* store at which its last worker was ended */
	bool told_to_leave;				/* its worker was sent SIGTERM */
	int slot;						/* of its worker */
	BackgroundWorkerHandle *handle; /* NULL: no worker */
} Database;

typedef struct Launcher
{
	List *databases;	   /* of Database */
	MemoryContext context; /* lasts */
	TimestampTz listed;
	bool no_process; /* the server had none left: said once */
} Launcher;

extern PGDLLEXPORT void agm_launcher_main(Datum arg);

static TimestampTz
after(TimestampTz time, long ms)
{
	return TimestampTzPlusMilliseconds(time, ms);
}

static void
remember_database(Launcher *launcher, Form_pg_database form)
{
	Database *database = NULL;
	ListCell *cell;

	foreach (cell, launcher->databases)
		if (((Database *) lfirst(cell))->oid == form->oid)
			database = lfirst(cell);
	if (database == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(launcher->context);

		database = palloc0(sizeof(Database));
		database->oid = form->oid;
		launcher->databases = lappend(launcher->databases, database);
		MemoryContextSwitchTo(old);
	}
	strlcpy(database->name, NameStr(form->datname), NAMEDATALEN);
	database->listed = true;
}

/* Databases that may have work; templates are not worked on, as they are to be copied. */
static void
list_databases(Launcher *launcher)
{
	ListCell *cell;
	Relation rel;
	SysScanDesc scan;
	HeapTuple tuple;

	foreach (cell, launcher->databases)
		((Database *) lfirst(cell))->listed = false;
	StartTransactionCommand();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	scan = systable_beginscan(rel, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_database form = (Form_pg_database) GETSTRUCT(tuple);

		/* -2: it was left half dropped. */
		if (form->datallowconn && !form->datistemplate && form->datconnlimit != -2 &&
			agm_worker_may_enter(NameStr(form->datname)))
			remember_database(launcher, form);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	foreach (cell, launcher->databases)
	{
		Database *database = lfirst(cell);

		if (database->listed || database->handle != NULL)
			continue;
		launcher->databases = foreach_delete_current(launcher->databases, cell);
		pfree(database);
	}
}

/* Its worker has ended: when is it due again? */
static void
plan_next(Database *database, AgmWorkerEnd end)
{
	TimestampTz now = GetCurrentTimestamp();
	long nap = agm_worker_naptime * 1000L;

	database->failures =
		end == AGM_WORKER_FAILED && !database->told_to_leave ? database->failures + 1 : 0;
	if (end != AGM_WORKER_FAILED)
		database->avoid = InvalidOid;
	if (database->failures > 0)
		database->next = after(now, agm_worker_backoff(database->failures));
	else if (end == AGM_WORKER_MORE)
		database->next = now;
	else
		database->next =
			after(database->began, end == AGM_WORKER_ABSENT ? ABSENT_NAPS * nap : nap);
	if (database->failures > 0)
		ereport(LOG, (errmsg("agentmem worker in database \"%s\" failed or was ended, for the "
							 "%d. time; the next is started in %ld s",
							 database->name, database->failures,
							 agm_worker_backoff(database->failures) / 1000)));
}

/* Looks after the workers there are. */
static void
watch(Launcher *launcher)
{
	ListCell *cell;

	foreach (cell, launcher->databases)
	{
		Database *database = lfirst(cell);
		pid_t pid;

		if (database->handle == NULL)
			continue;
		if (GetBackgroundWorkerPid(database->handle, &pid) == BGWH_STOPPED)
		{
			plan_next(database, agm_slot_give_back(database->slot, &database->avoid));
			pfree(database->handle);
			database->handle = NULL;
			continue;
		}
		if (database->told_to_leave || !agm_worker_database_wanted(database->oid))
			continue;
		ereport(LOG,
				(errmsg("agentmem worker leaves database \"%s\", which another session wants "
						"for itself",
						database->name)));
		TerminateBackgroundWorker(database->handle);
		database->told_to_leave = true;
	}
}

static Database *
most_overdue(Launcher *launcher)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;
	Database *first = NULL;

	foreach (cell, launcher->databases)
	{
		Database *database = lfirst(cell);

		if (database->handle != NULL || !database->listed)
			continue;
		/* The clock was set back. */
		if (database->began > now)
		{
			database->began = now;
			database->next = now;
		}
		if (database->next <= now && (first == NULL || database->next < first->next))
			first = database;
	}
	return first;
}

/* Registers a worker; false if none can be had now. */
static bool
start_worker(Launcher *launcher, Database *database, Oid role)
{
	BackgroundWorker worker;
	AgmWorkerStart start = {.database = database->oid, .role = role};
	MemoryContext old = MemoryContextSwitchTo(launcher->context);
	bool registered;
	Oid unused;

	start.avoid = database->avoid;
	start.slot = agm_slot_take(database->oid, &start.generation);
	if (start.slot < 0)
	{
		MemoryContextSwitchTo(old);
		return false;
	}
	agm_worker_describe(&worker, &start, database->name);
	registered = RegisterDynamicBackgroundWorker(&worker, &database->handle);
	MemoryContextSwitchTo(old);
	if (!registered)
	{
		database->handle = NULL;
		(void) agm_slot_give_back(start.slot, &unused);
		if (!launcher->no_process)
			ereport(LOG, (errmsg("agentmem could not start a worker in database \"%s\"",
								 database->name),
						  errdetail("The server has no process for it left."),
						  errhint("Raise max_worker_processes.")));
		launcher->no_process = true;
		return false;
	}
	launcher->no_process = false;
	database->slot = start.slot;
	database->avoid = InvalidOid;
	database->began = GetCurrentTimestamp();
	database->told_to_leave = false;
	return true;
}

static void
start_workers(Launcher *launcher)
{
	Database *database;
	Oid role;
	bool known;

	if (agm_worker_max == 0)
		return;
	StartTransactionCommand();
	known = agm_worker_find_role(&role);
	CommitTransactionCommand();
	while ((database = most_overdue(launcher)) != NULL)
	{
		if (!known || agm_worker_database_wanted(database->oid))
			database->next = after(GetCurrentTimestamp(), agm_worker_naptime * 1000L);
		else if (!start_worker(launcher, database, role))
			break;
	}
}

/*
 * Until the next database is due, or workers have to be looked after.  What is due and could not be
 * started waits for a worker to end, or for the server to have a process.
 */
static long
sleep_ms(Launcher *launcher)
{
	TimestampTz now = GetCurrentTimestamp();
	long wait = Min(agm_worker_naptime * 1000L, 60000L);
	ListCell *cell;

	foreach (cell, launcher->databases)
	{
		Database *database = lfirst(cell);

		if (database->handle != NULL)
			return WATCH_MS;
		wait = Min(wait, TimestampDifferenceMilliseconds(now, database->next));
	}
	return Max(wait, WATCH_MS);
}

static void
begin(Launcher *launcher)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	SetConfigOption("application_name", "agentmem launcher", PGC_USERSET, PGC_S_SESSION);
	launcher->context =
		AllocSetContextCreate(TopMemoryContext, "agentmem launcher", ALLOCSET_DEFAULT_SIZES);
	agm_slots_adopt();
	ereport(LOG, (errmsg("agentmem launcher started")));
}

void
agm_launcher_main(Datum arg)
{
	Launcher launcher = {0};

	(void) arg;
	begin(&launcher);
	for (;;)
	{
		TimestampTz now = GetCurrentTimestamp();

		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			launcher.listed = 0;
		}
		watch(&launcher);
		if (launcher.listed > now ||
			TimestampDifferenceExceeds(launcher.listed, now, agm_worker_naptime * 1000))
		{
			list_databases(&launcher);
			launcher.listed = now;
		}
		start_workers(&launcher);
		pgstat_report_activity(STATE_IDLE, NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 sleep_ms(&launcher), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

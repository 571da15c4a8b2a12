/*
 * worker_fn.c
 *		SQL boundary of workers: starting and stopping one without preloading.
 *
 * Which process is the worker is told by the lock that it holds: worker_pid().
 */
#include "postgres.h"

#include <signal.h>

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/store.h"
#include "worker/worker.h"

PG_FUNCTION_INFO_V1(agm_fn_start_worker);
PG_FUNCTION_INFO_V1(agm_fn_stop_worker);

/* How often it is looked whether a process has come or gone. */
#define LOOK_MS 20L
/* How long stop_worker waits for its end. */
#define STOP_MS 10000L

/* The worker of this database; 0: none. */
static int
worker_pid(void)
{
	bool isnull;
	Datum pid;

	if (SPI_execute("SELECT agentmem.worker_pid()", false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "worker_pid() gave no row");
	pid = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	SPI_freetuptable(SPI_tuptable);
	return isnull ? 0 : DatumGetInt32(pid);
}

static void
wait_a_little(void)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

/* Until the process that was registered is the worker, or has ended: then another is, or none. */
static int
wait_for_start(BackgroundWorkerHandle *handle)
{
	for (;;)
	{
		pid_t pid;
		BgwHandleStatus status = GetBackgroundWorkerPid(handle, &pid);
		int worker = worker_pid();

		if (status == BGWH_STARTED && worker == (int) pid)
			return worker;
		if (status == BGWH_STOPPED || status == BGWH_POSTMASTER_DIED)
			return worker;
		wait_a_little();
	}
}

static int
start(void)
{
	BackgroundWorker worker;
	BackgroundWorkerHandle *handle;
	AgmWorkerStart begin = {.database = MyDatabaseId, .slot = -1};
	int pid;

	if (!agm_worker_find_role(&begin.role))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("could not start a worker"),
						errdetail("The role that it is to connect as does not exist."),
						errhint("Set agentmem.worker_role to one that does.")));
	agm_worker_describe(&worker, &begin, get_database_name(MyDatabaseId));
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		ereport(ERROR, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						errmsg("could not start a worker"),
						errdetail("The server has no process for it left."),
						errhint("Raise max_worker_processes.")));
	pid = wait_for_start(handle);
	if (pid == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("the worker has ended as it began"),
						errhint("The server's log says why.")));
	return pid;
}

Datum
agm_fn_start_worker(PG_FUNCTION_ARGS)
{
	int pid;

	(void) fcinfo;
	agm_require_writable("start_worker()");
	SPI_connect();
	pid = worker_pid();
	if (pid == 0)
		pid = start();
	SPI_finish();
	PG_RETURN_INT32(pid);
}

Datum
agm_fn_stop_worker(PG_FUNCTION_ARGS)
{
	int pid;

	(void) fcinfo;
	SPI_connect();
	pid = worker_pid();
	if (pid != 0 && kill(pid, SIGTERM) == 0)
		for (long ms = 0; worker_pid() == pid; ms += LOOK_MS)
		{
			if (ms >= STOP_MS)
				ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
								errmsg("the worker with process number %d has not ended", pid),
								errhint("It was asked to; look again.")));
			wait_a_little();
		}
	SPI_finish();
	PG_RETURN_BOOL(pid != 0);
}

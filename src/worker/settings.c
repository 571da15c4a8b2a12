/*
 * settings.c
 *		Settings of launcher and workers, and what the module does when it is preloaded.
 *
 * All are read from the configuration files only: a worker acts for the server, not for a
 * session.
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/varlena.h"

#include "base/compat.h"
#include "base/guc.h"
#include "worker/worker.h"

int agm_worker_max = 2;
int agm_worker_naptime = 60;
int agm_worker_budget = 10000;
int agm_worker_statement_timeout = 300000;
int agm_worker_lock_timeout = 5000;
int agm_worker_log_min_duration = 10000;
char *agm_worker_role = NULL;
static char *databases = NULL;
static char *databases_denied = NULL;

static bool
check_names(char **value, void **extra, GucSource source)
{
	char *copy = pstrdup(*value == NULL ? "" : *value);
	List *names;
	bool valid = SplitIdentifierString(copy, ',', &names);

	(void) extra;
	(void) source;
	if (!valid)
		GUC_check_errdetail(
			"Names of databases are parted by commas; one with capitals, blanks or "
			"commas stands in double quotes.");
	list_free(names);
	pfree(copy);
	return valid;
}

static bool
is_listed(const char *setting, const char *name)
{
	char *copy = pstrdup(setting);
	List *names;
	ListCell *cell;
	bool found = false;

	if (SplitIdentifierString(copy, ',', &names))
		foreach (cell, names)
			found = found || strcmp((char *) lfirst(cell), name) == 0;
	list_free(names);
	pfree(copy);
	return found;
}

bool
agm_worker_may_enter(const char *database)
{
	return (databases[0] == '\0' || is_listed(databases, database)) &&
		   !is_listed(databases_denied, database);
}

long
agm_worker_backoff(int failures)
{
	long wait = agm_worker_naptime * 1000L;

	for (int i = 0; i < failures && wait < AGM_WORKER_BACKOFF_MAX_MS; i++)
		wait *= 2;
	return Min(wait, AGM_WORKER_BACKOFF_MAX_MS);
}

bool
agm_worker_find_role(Oid *role)
{
	*role = InvalidOid;
	if (agm_worker_role[0] == '\0')
		return true;
	*role = get_role_oid(agm_worker_role, true);
	if (OidIsValid(*role))
		return true;
	ereport(WARNING,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("agentmem starts no workers: role \"%s\" does not exist", agm_worker_role),
			 errhint("Create it, or set " AGM_GUC_CLASS ".worker_role to another.")));
	return false;
}

static void
define_int(const char *name, const char *what, const char *more, int *value, int least,
		   int most, int unit)
{
	DefineCustomIntVariable(name, what, more, value, *value, least, most, PGC_SIGHUP, unit,
							NULL, NULL, NULL);
}

static void
define_numbers(void)
{
	define_int(AGM_GUC_CLASS ".max_workers",
			   "Sets how many workers the launcher runs at a time, one a database.",
			   "0: none. Each takes one of max_worker_processes.", &agm_worker_max, 0,
			   AGM_WORKER_SLOTS, 0);
	define_int(AGM_GUC_CLASS ".worker_budget",
			   "Sets how long a worker looks for work in one namespace at a time.", NULL,
			   &agm_worker_budget, 1, INT_MAX, GUC_UNIT_MS);
	define_int(AGM_GUC_CLASS ".worker_lock_timeout",
			   "Sets how long a worker waits for any one lock.", "0: without end.",
			   &agm_worker_lock_timeout, 0, INT_MAX, GUC_UNIT_MS);
	define_int(AGM_GUC_CLASS ".worker_log_min_duration",
			   "Sets from what duration on a round of a worker that did something is logged.",
			   "0: all; -1: none.", &agm_worker_log_min_duration, -1, INT_MAX, GUC_UNIT_MS);
	define_int(
		AGM_GUC_CLASS ".worker_naptime",
		"Sets how long after the beginning of a round in a database the next one begins.", NULL,
		&agm_worker_naptime, 1, 24 * 60 * 60, GUC_UNIT_S);
	define_int(AGM_GUC_CLASS ".worker_statement_timeout",
			   "Sets after what time a worker gives up on a namespace.", "0: never.",
			   &agm_worker_statement_timeout, 0, INT_MAX, GUC_UNIT_MS);
}

static void
define_settings(void)
{
	define_numbers();
	DefineCustomStringVariable(AGM_GUC_CLASS ".worker_databases",
							   "Sets the databases that the launcher looks after.",
							   "Names parted by commas. Empty: all.", &databases, "",
							   PGC_SIGHUP, GUC_LIST_INPUT, check_names, NULL, NULL);
	DefineCustomStringVariable(AGM_GUC_CLASS ".worker_databases_denied",
							   "Sets the databases that the launcher does not look after, "
							   "whatever the other list says.",
							   "Names parted by commas.", &databases_denied, "", PGC_SIGHUP,
							   GUC_LIST_INPUT, check_names, NULL, NULL);
	DefineCustomStringVariable(AGM_GUC_CLASS ".worker_role",
							   "Sets the role that workers connect as.",
							   "It maintains the stores of the roles that it is a member of. "
							   "Empty: the bootstrap superuser.",
							   &agm_worker_role, "", PGC_SIGHUP, 0, NULL, NULL, NULL);
}

void
agm_worker_describe(BackgroundWorker *worker, const AgmWorkerStart *start, const char *name)
{
	StaticAssertStmt(sizeof(AgmWorkerStart) <= BGW_EXTRALEN, "a start must fit");
	memset(worker, 0, sizeof(*worker));
	snprintf(worker->bgw_name, BGW_MAXLEN, "agentmem worker %s", name);
	strlcpy(worker->bgw_type, "agentmem worker", BGW_MAXLEN);
	worker->bgw_flags =
		BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION | BGWORKER_INTERRUPTIBLE;
	worker->bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker->bgw_restart_time = BGW_NEVER_RESTART;
	strlcpy(worker->bgw_library_name, "agentmem", BGW_MAXLEN);
	strlcpy(worker->bgw_function_name, "agm_worker_main", BGW_MAXLEN);
	memcpy(worker->bgw_extra, start, sizeof(*start));
	worker->bgw_notify_pid = MyProcPid;
}

/* On a standby the server starts it when recovery is over. */
static void
register_launcher(void)
{
	BackgroundWorker launcher = {0};

	strlcpy(launcher.bgw_name, "agentmem launcher", BGW_MAXLEN);
	strlcpy(launcher.bgw_type, "agentmem launcher", BGW_MAXLEN);
	launcher.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	launcher.bgw_start_time = BgWorkerStart_RecoveryFinished;
	launcher.bgw_restart_time = 5;
	strlcpy(launcher.bgw_library_name, "agentmem", BGW_MAXLEN);
	strlcpy(launcher.bgw_function_name, "agm_launcher_main", BGW_MAXLEN);
	RegisterBackgroundWorker(&launcher);
}

void
agm_worker_init(void)
{
	define_settings();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	agm_slots_init();
	register_launcher();
}

/*
 * point.c
 *		What a process does at a point that its settings name (README.md, "Points").
 */
#include "postgres.h"

#include "base/point.h"

#ifdef AGENTMEM_POINTS

#include <signal.h>

#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"

/* Settings of a class of their own: ours is reserved, and no server that is in use has these. */
#define POINT_SETTING "agentmem_test.point"
#define ACTION_SETTING "agentmem_test.action"

/* Waits until nobody holds the lock of that number. */
static void
wait_for(const char *number)
{
	Datum lock = DirectFunctionCall1(int8in, CStringGetDatum(number));

	DirectFunctionCall1(pg_advisory_lock_int8, lock);
	DirectFunctionCall1(pg_advisory_unlock_int8, lock);
}

void
agm_point(const char *name)
{
	const char *wanted = GetConfigOption(POINT_SETTING, true, false);
	const char *action = GetConfigOption(ACTION_SETTING, true, false);

	if (wanted == NULL || action == NULL || strcmp(wanted, name) != 0)
		return;
	if (strncmp(action, "wait ", 5) == 0)
		wait_for(action + 5);
	else if (strcmp(action, "kill") == 0)
		(void) kill(MyProcPid, SIGKILL);
	else if (strcmp(action, "error") == 0)
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("the point \"%s\"", name));
}

#endif

/*
 * shared.c
 *		Slots of the launcher's workers (README, invariant 5).
 *
 * Registering a worker says nothing of how it ends, and a launcher that was restarted knows
 * nothing of the workers of the one before: both are told here.
 */
#include "postgres.h"

#include <signal.h>

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "storage/spin.h"
#include "tcop/tcopprot.h"

#include "base/compat.h"
#include "worker/worker.h"

typedef struct Slot
{
	Oid database;	   /* InvalidOid: the slot is free */
	pid_t pid;		   /* 0: no worker is attached */
	bool orphan;	   /* its launcher is no more: its worker gives it back */
	uint32 generation; /* counts its owners */
	AgmWorkerEnd end;
	Oid store; /* schema of the one at hand */
} Slot;

typedef struct Shared
{
	slock_t mutex; /* guards all that follows */
	Slot slots[AGM_WORKER_SLOTS];
} Shared;

static Shared *shared = NULL;
static volatile sig_atomic_t told_to_leave = false;
static shmem_request_hook_type next_request = NULL;
static shmem_startup_hook_type next_startup = NULL;

static void
request(void)
{
	if (next_request != NULL)
		next_request();
	RequestAddinShmemSpace(sizeof(Shared));
}

static void
startup(void)
{
	bool found;

	if (next_startup != NULL)
		next_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("agentmem workers", sizeof(Shared), &found);
	if (!found)
	{
		memset(shared, 0, sizeof(Shared));
		SpinLockInit(&shared->mutex);
	}
	LWLockRelease(AddinShmemInitLock);
}

void
agm_slots_init(void)
{
	next_request = shmem_request_hook;
	shmem_request_hook = request;
	next_startup = shmem_startup_hook;
	shmem_startup_hook = startup;
}

int
agm_slot_take(Oid database, uint32 *generation)
{
	int taken = -1;
	int n = 0;

	SpinLockAcquire(&shared->mutex);
	for (int i = 0; i < AGM_WORKER_SLOTS; i++)
	{
		if (OidIsValid(shared->slots[i].database))
			n++;
		else if (taken < 0)
			taken = i;
	}
	if (n >= agm_worker_max)
		taken = -1;
	if (taken >= 0)
	{
		Slot *slot = &shared->slots[taken];

		slot->database = database;
		slot->pid = 0;
		slot->orphan = false;
		slot->end = AGM_WORKER_FAILED;
		slot->store = InvalidOid;
		*generation = ++slot->generation;
	}
	SpinLockRelease(&shared->mutex);
	return taken;
}

AgmWorkerEnd
agm_slot_give_back(int slot, Oid *store)
{
	AgmWorkerEnd end;

	SpinLockAcquire(&shared->mutex);
	end = shared->slots[slot].end;
	*store = shared->slots[slot].store;
	shared->slots[slot].database = InvalidOid;
	SpinLockRelease(&shared->mutex);
	return end;
}

void
agm_slots_adopt(void)
{
	SpinLockAcquire(&shared->mutex);
	for (int i = 0; i < AGM_WORKER_SLOTS; i++)
	{
		Slot *slot = &shared->slots[i];

		if (slot->pid == 0)
			slot->database = InvalidOid;
		slot->orphan = true;
	}
	SpinLockRelease(&shared->mutex);
}

static void
detach(int code, Datum slot)
{
	Slot *mine = &shared->slots[DatumGetInt32(slot)];

	(void) code;
	SpinLockAcquire(&shared->mutex);
	mine->pid = 0;
	if (told_to_leave && mine->end == AGM_WORKER_FAILED)
		mine->end = AGM_WORKER_LEFT;
	if (mine->orphan)
		mine->database = InvalidOid;
	SpinLockRelease(&shared->mutex);
}

bool
agm_slot_attach(int slot, uint32 generation)
{
	bool ours;

	if (shared == NULL)
		return false;
	SpinLockAcquire(&shared->mutex);
	ours = OidIsValid(shared->slots[slot].database) &&
		   shared->slots[slot].generation == generation;
	if (ours)
		shared->slots[slot].pid = MyProcPid;
	SpinLockRelease(&shared->mutex);
	if (ours)
		on_shmem_exit(detach, Int32GetDatum(slot));
	return ours;
}

void
agm_slot_say(int slot, AgmWorkerEnd end)
{
	SpinLockAcquire(&shared->mutex);
	shared->slots[slot].end = end;
	SpinLockRelease(&shared->mutex);
}

void
agm_slot_store(int slot, Oid schema)
{
	if (slot < 0)
		return;
	SpinLockAcquire(&shared->mutex);
	shared->slots[slot].store = schema;
	SpinLockRelease(&shared->mutex);
}

void
agm_slot_leave(SIGNAL_ARGS)
{
	told_to_leave = true;
	die(AGM_SIGNAL_PASS);
}

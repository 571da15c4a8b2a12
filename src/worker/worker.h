/*
 * worker.h
 *		Processes that call maintenance: what their files share.  Rules: README.md.
 */
#ifndef AGM_WORKER_WORKER_H
#define AGM_WORKER_WORKER_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "postmaster/bgworker.h"

/* Slots for workers of the launcher: what agentmem.max_workers can be at most. */
#define AGM_WORKER_SLOTS 64
/* The longest that anything waits after errors. */
#define AGM_WORKER_BACKOFF_MAX_MS (60 * 60 * 1000L)

/* Settings. */
extern int agm_worker_max;
extern int agm_worker_naptime; /* s */
extern int agm_worker_budget;  /* ms, as all that follow */
extern int agm_worker_statement_timeout;
extern int agm_worker_lock_timeout;
extern int agm_worker_log_min_duration;
extern char *agm_worker_role;

/* Defines the settings; in a server that preloads the module, the launcher and its memory. */
extern void agm_worker_init(void);

/* Whether the launcher may start workers in a database of this name. */
extern bool agm_worker_may_enter(const char *database);

/* How long to wait after so many failures on end, in ms. */
extern long agm_worker_backoff(int failures);

/* How a worker ended (README, "Processes"). */
typedef enum AgmWorkerEnd
{
	AGM_WORKER_FAILED, /* it did not say */
	AGM_WORKER_DONE,
	AGM_WORKER_MORE,
	AGM_WORKER_BUSY,
	AGM_WORKER_LEFT,
	AGM_WORKER_ABSENT
} AgmWorkerEnd;

/* What a worker is started with: lies in bgw_extra. */
typedef struct AgmWorkerStart
{
	Oid database;
	Oid role; /* InvalidOid: the bootstrap superuser */
	int slot; /* -1: stays, and nobody waits for its end */
	uint32 generation;
	Oid avoid; /* schema of the store at which the one before was ended; InvalidOid: none */
} AgmWorkerStart;

/* Fills in what a worker is for the server; `name` is that of its database. */
extern void agm_worker_describe(BackgroundWorker *worker, const AgmWorkerStart *start,
								const char *name);

/* The role that workers connect as; false, with a warning, if there is none of that name. */
extern bool agm_worker_find_role(Oid *role);

/* Whether someone holds or waits for a lock on the database that no session may have beside it. */
extern bool agm_worker_database_wanted(Oid database);

/* Slots: shared memory of a preloaded server. */
extern void agm_slots_init(void);
extern int agm_slot_take(Oid database, uint32 *generation); /* -1: none is to be had */
extern AgmWorkerEnd agm_slot_give_back(int slot,
									   Oid *store); /* its worker has ended, at that */
extern void agm_slots_adopt(void); /* a launcher begins: frees those without worker */
extern bool agm_slot_attach(int slot, uint32 generation); /* false: it is another's by now */
extern void agm_slot_say(int slot, AgmWorkerEnd end);
extern void agm_slot_store(int slot, Oid schema); /* the store at hand; InvalidOid: none */
extern void
	agm_slot_leave(SIGNAL_ARGS); /* handler of SIGTERM: whoever sends it wants the end */

/* A worker that runs. */
typedef struct AgmWorker
{
	char *database; /* its name */
	Oid extension;	/* of ours */
	bool stays;		/* between rounds */
	int slot;		/* -1: none */
	Oid avoid;		/* store at which the worker before was ended: it waits */
	bool holds; /* the lock that makes it the worker of its database; an abort releases it */
	MemoryContext context; /* lasts for a round */
	AgmWorkerEnd end;	   /* set where agm_worker_begin says no */
} AgmWorker;

/*
 * Begins a transaction with a snapshot, and with the locks by which the worker makes way; if they are
 * not to be had there is no transaction, and the worker has to end.
 */
extern bool agm_worker_begin(AgmWorker *worker);
extern void agm_worker_commit(void);

/*
 * statement_timeout is an error that code of an owner may catch.  Where it goes on nevertheless for so long, the
 * process ends.
 */
#define AGM_WORKER_GRACE_MS 2000
extern void agm_worker_overrun_init(void);
extern void agm_worker_limit(int statement_timeout); /* ms; 0: no limit */
extern void agm_worker_unlimit(void);

/* One round over the stores of the database.  AGM_WORKER_DONE, _MORE, _FAILED or, if it has to end, why. */
extern AgmWorkerEnd agm_worker_round(AgmWorker *worker);

#endif

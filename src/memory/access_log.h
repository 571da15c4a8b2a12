/*
 * access_log.h
 *		Which memories recall returned: kept in the backend, written when a transaction ends.
 *
 * Rules: src/memory/README.md, "Access log".
 */
#ifndef AGM_MEMORY_ACCESS_LOG_H
#define AGM_MEMORY_ACCESS_LOG_H

#include "postgres.h"

#include "base/store.h"

extern void agm_access_log_init(void);

/* Do recalls of the current role in this store count?  Raises nothing. */
extern bool agm_access_log_counts(const AgmStore *store);

/* A recall returned something; then each memory of it.  What has no room is lost. */
extern void agm_access_log_begin(const AgmStore *store);
extern void agm_access_log_note(Datum ns, int64 id);

/* This transaction writes memories of the store: what was noted goes with it. */
extern void agm_access_log_wrote(const AgmStore *store);

/* This process notes nothing from now on. */
extern void agm_access_log_disable(void);

/*
 * Who erases: until the transaction ends nobody writes accesses to the store, and those that were being
 * written are there.
 */
extern void agm_access_log_stop(const AgmStore *store);

#endif

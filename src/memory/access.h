/*
 * access.h
 *		Which namespaces a session may see: the setting agentmem.namespace.
 */
#ifndef AGM_MEMORY_ACCESS_H
#define AGM_MEMORY_ACCESS_H

#include "postgres.h"

extern void agm_access_init(void);

/* Is the namespace in the list?  Nothing is in an empty one. */
extern bool agm_access_listed(const char *ns, int len);

/* Rises whenever the list may have changed. */
extern uint64 agm_access_generation(void);

#endif

/*
 * guc.h
 *		The settings of agentmem as a whole; each domain defines its own.
 */
#ifndef AGM_BASE_GUC_H
#define AGM_BASE_GUC_H

/* Names of settings begin with this and a dot. */
#define AGM_GUC_CLASS "agentmem"

/* Refuses agentmem.x for any x that no domain has defined; called after they have. */
extern void agm_guc_reserve(void);

#endif

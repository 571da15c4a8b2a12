/*
 * versioning.h
 *		System time: when a table held which version of a row.
 *
 * Each function is called for one row by a trigger BEFORE the event, but for the last; rules
 * are in src/temporal/README.md.
 */
#ifndef AGM_TEMPORAL_VERSIONING_H
#define AGM_TEMPORAL_VERSIONING_H

#include "postgres.h"

#include "commands/trigger.h"

/* Defines the settings of this folder. */
extern void agm_temporal_init(void);

/* The row to go on with, in the current memory context. */
extern HeapTuple agm_versioning_insert(const TriggerData *event);
extern HeapTuple agm_versioning_update(const TriggerData *event);
extern HeapTuple agm_versioning_delete(const TriggerData *event);

/* By a trigger AFTER INSERT. */
extern void agm_versioning_follow(const TriggerData *event);

#endif

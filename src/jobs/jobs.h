/*
 * jobs.h
 *		Jobs for models outside: what an answer does.
 *
 * Rules: src/jobs/README.md.
 */
#ifndef AGM_JOBS_JOBS_H
#define AGM_JOBS_JOBS_H

#include "postgres.h"

#include "utils/jsonb.h"

#include "memory/change.h"

/* Which lease a consumer says it has. */
typedef struct AgmLease
{
	int64 job;
	bool any; /* whoever holds it */
	int32 attempt;
} AgmLease;

/*
 * Does what the answer says and takes the job out; `ids` are the memories written.
 * False: nothing was done, the lease is over or its memory has changed.  Raises 22023, 40001,
 * and what remember() and resolve() raise.
 */
extern bool agm_job_complete(AgmWriter *writer, const AgmLease *lease, Jsonb *result,
							 AgmInt64List *ids);

/* The conflict that the payload of an adjudicate job names.  Raises 22023. */
extern int64 agm_job_conflict(Jsonb *payload);

#endif

/*
 * period.h
 *		Arithmetic of periods: the ends of valid time as callers give them.
 *
 * Mechanism only; what a period means is decided in src/memory.
 */
#ifndef AGM_TEMPORAL_PERIOD_H
#define AGM_TEMPORAL_PERIOD_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* [from, to); an end that is open has its flag set and no meaning in its value. */
typedef struct AgmPeriod
{
	TimestampTz from;
	TimestampTz to;
	bool from_open;
	bool to_open;
} AgmPeriod;

/*
 * Infinities become open ends.  Raises 22000 if `to` is not later than `from`, or if
 * the period begins at infinity or ends at -infinity.
 */
extern void agm_period_normalise(AgmPeriod *period);

#endif

/*
 * span.h
 *		Periods by length, by which the index of a history finds what was held at an instant.
 *
 * Rules: src/memory/README.md, "Versions".
 */
#ifndef AGM_MEMORY_SPAN_H
#define AGM_MEMORY_SPAN_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "utils/rangetypes.h"

/*
 * Periods by length: at most a second, at most 4, 16 ... 4^16 seconds, which is 136 years; and
 * longer ones.  Of a level, those that contain an instant have begun no longer ago than that.
 */
#define AGM_PERIOD_LEVELS 18
#define AGM_PERIOD_SECONDS(level) (INT64CONST(1) << (2 * (level)))

extern int agm_span_level(RangeType *period);

/* Since when periods of a level that contain the instant began; a timestamptz[] of that, for each level. */
extern TimestampTz agm_span_began(TimestampTz at, int level);
extern Datum agm_span_since(TimestampTz at);

#endif

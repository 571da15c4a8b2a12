/*
 * span.h
 *		Keys by which the indexes of a history find what was held at an instant.
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

/* A timestamptz[] of, for each level, since when its periods that contain the instant began. */
extern Datum agm_span_since(TimestampTz at);

/* Milliseconds since 2000, both contained; they last until 2139. */
#define AGM_SPAN_BITS 42

typedef struct AgmSpan
{
	int64 from;
	int64 to;
} AgmSpan;

/* False if the period is empty.  What lies outside counts as the first or the last millisecond. */
extern bool agm_span_of(RangeType *period, AgmSpan *span);
extern AgmSpan agm_span_of_instant(TimestampTz at);

/*
 * Stretches: all time cut into pieces of a second, of 4, of 16 ...  A span is covered by a few
 * whose length is between a quarter of its own and its own; an instant lies in one of each level.
 */
#define AGM_SPAN_LEVELS 17
#define AGM_SPAN_COVER_MAX 5

extern int agm_span_cover(const AgmSpan *span, int64 *stretches);
extern void agm_span_containing(const AgmSpan *instant, int64 *stretches);

/* The key of a word of a namespace, whose own is `key`, in a stretch. */
extern int64 agm_span_key(int64 key, int64 stretch);

#endif

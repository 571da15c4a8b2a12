/*
 * span.c
 *		Milliseconds and stretches of time.
 *
 * What is on disk in a store's indexes depends on every line: a change needs REINDEX.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "memory/span.h"

/* One less than fits, so that an end that is not contained fits too. */
#define SPAN_MAX ((INT64CONST(1) << AGM_SPAN_BITS) - 2)

/* The shortest stretches have 2^10 ms; each level's are four times as long as those of the last. */
#define LEVEL_BITS(level) (10 + 2 * (level))

int
agm_span_level(RangeType *period)
{
	TypeCacheEntry *type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower;
	RangeBound upper;
	bool empty;
	int64 length;
	int level = 0;

	range_deserialize(type, period, &lower, &upper, &empty);
	if (empty)
		return 0;
	if (lower.infinite || upper.infinite ||
		pg_sub_s64_overflow(DatumGetTimestampTz(upper.val), DatumGetTimestampTz(lower.val),
							&length))
		return AGM_PERIOD_LEVELS - 1;
	while (level < AGM_PERIOD_LEVELS - 1 && AGM_PERIOD_SECONDS(level) * USECS_PER_SEC < length)
		level++;
	return level;
}

Datum
agm_span_since(TimestampTz at)
{
	Datum since[AGM_PERIOD_LEVELS];

	for (int level = 0; level < AGM_PERIOD_LEVELS; level++)
	{
		int64 began;

		if (TIMESTAMP_NOT_FINITE(at))
			began = at;
		else if (level == AGM_PERIOD_LEVELS - 1 ||
				 pg_sub_s64_overflow(at, AGM_PERIOD_SECONDS(level) * USECS_PER_SEC, &began) ||
				 began < MIN_TIMESTAMP) /* a value that has no text: EXPLAIN shows it */
			began = DT_NOBEGIN;
		since[level] = TimestampTzGetDatum(began);
	}
	return PointerGetDatum(construct_array(since, AGM_PERIOD_LEVELS, TIMESTAMPTZOID,
										   sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static int64
milliseconds(TimestampTz at)
{
	return Min(Max(at / 1000, 0), SPAN_MAX);
}

bool
agm_span_of(RangeType *period, AgmSpan *span)
{
	TypeCacheEntry *type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower;
	RangeBound upper;
	bool empty;

	range_deserialize(type, period, &lower, &upper, &empty);
	if (empty)
		return false;
	span->from = lower.infinite ? 0 : milliseconds(DatumGetTimestampTz(lower.val));
	span->to = SPAN_MAX;
	if (!upper.infinite)
	{
		TimestampTz to = DatumGetTimestampTz(upper.val);

		/* An end that is not contained ends a microsecond before. */
		if (!upper.inclusive && !TIMESTAMP_NOT_FINITE(to))
			to--;
		span->to = milliseconds(to);
	}
	return true;
}

AgmSpan
agm_span_of_instant(TimestampTz at)
{
	AgmSpan span = {milliseconds(at), milliseconds(at)};

	return span;
}

static int64
stretch(int level, int64 at)
{
	return ((int64) level << AGM_SPAN_BITS) | (at >> LEVEL_BITS(level));
}

int
agm_span_cover(const AgmSpan *span, int64 *stretches)
{
	int64 length = span->to - span->from + 1;
	int level = 0;
	int n = 0;

	while (level < AGM_SPAN_LEVELS - 1 && (INT64CONST(1) << LEVEL_BITS(level + 1)) <= length)
		level++;
	for (int64 at = stretch(level, span->from); at <= stretch(level, span->to); at++)
		stretches[n++] = at;
	Assert(n <= AGM_SPAN_COVER_MAX);
	return n;
}

void
agm_span_containing(const AgmSpan *instant, int64 *stretches)
{
	for (int level = 0; level < AGM_SPAN_LEVELS; level++)
		stretches[level] = stretch(level, instant->from);
}

int64
agm_span_key(int64 key, int64 stretch)
{
	return (int64) hash_bytes_extended((const unsigned char *) &stretch, sizeof(stretch),
									   (uint64) key);
}

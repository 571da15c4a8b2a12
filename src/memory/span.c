/*
 * span.c
 *		Periods by length.
 *
 * What is on disk in a store's indexes depends on every line: a change needs REINDEX.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "utils/array.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "memory/span.h"

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

TimestampTz
agm_span_began(TimestampTz at, int level)
{
	int64 began;

	if (TIMESTAMP_NOT_FINITE(at))
		return at;
	if (level == AGM_PERIOD_LEVELS - 1 ||
		pg_sub_s64_overflow(at, AGM_PERIOD_SECONDS(level) * USECS_PER_SEC, &began) ||
		began < MIN_TIMESTAMP) /* a value that has no text: EXPLAIN shows it */
		return DT_NOBEGIN;
	return began;
}

Datum
agm_span_since(TimestampTz at)
{
	Datum since[AGM_PERIOD_LEVELS];

	for (int level = 0; level < AGM_PERIOD_LEVELS; level++)
		since[level] = TimestampTzGetDatum(agm_span_began(at, level));
	return PointerGetDatum(construct_array(since, AGM_PERIOD_LEVELS, TIMESTAMPTZOID,
										   sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

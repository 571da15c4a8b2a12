/*
 * prefetch.h
 *		Bringing the vectors of a scan into the cache before they are needed.
 */
#ifndef AGM_VECTOR_PREFETCH_H
#define AGM_VECTOR_PREFETCH_H

#include "postgres.h"

/* Beyond this the stream is long enough for the processor to see it by itself. */
#define AGM_PREFETCH_BYTES_MAX 4096
#define AGM_CACHE_LINE_BYTES 64

static inline void
agm_prefetch(const char *start, const char *end)
{
	for (const char *line = start; line < end; line += AGM_CACHE_LINE_BYTES)
		__builtin_prefetch(line);
}

/*
 * Asks for all of a vector's cache lines at once, and for those of the vector that a scan
 * will come to next.  In a table larger than the cache each row's vector comes from memory,
 * and the processor's own prefetcher needs a few misses to see a stream that is over before
 * that has paid.  The rows of a page lie at even steps, so the next vector is as far from
 * this one as this one is from the last (*previous).  With the step to another page, which a
 * scan of a table makes from the page's first byte to the next one's last, the guess is that
 * the page after it lies behind it, and its first vector is a block away.  A wrong guess costs
 * a few nanoseconds and reads nothing.  Measured in README.md.
 */
static inline void
agm_prefetch_values(const void *values, Size bytes, const char **previous)
{
	const char *start = (const char *) values;
	intptr_t step = (intptr_t) start - (intptr_t) *previous;
	const char *next;

	*previous = start;
	if (step == 0)
		return; /* the constant of the query */
	bytes = Min(bytes, AGM_PREFETCH_BYTES_MAX);
	agm_prefetch(start, start + bytes);
	if (step > -BLCKSZ && step < BLCKSZ)
		next = start + step;
	else if (step > 0 && step < 2 * BLCKSZ)
		next = start + BLCKSZ;
	else
		return;
	agm_prefetch(next - AGM_CACHE_LINE_BYTES, next + bytes);
}

#endif

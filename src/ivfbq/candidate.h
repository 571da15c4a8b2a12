/*
 * candidate.h
 *		The least of many bounds, in little memory: what a pass keeps, and rows in order.
 *
 * A candidate is a row of a page, by the page's number in its stream and the slot there, with a lower bound
 * of its distance; or another such row that was refined.  Their order is total, by (bound, page, slot), so that
 * a later pass can go on where an earlier one stopped.  Pure: knows no pages, and memory is the caller's.
 */
#ifndef AGM_IVFBQ_CANDIDATE_H
#define AGM_IVFBQ_CANDIDATE_H

#include "postgres.h"

#include <math.h>

#include "storage/itemptr.h"

typedef struct IvfbqCandidate
{
	uint64 order; /* the bound, then the page: compared as one number */
	uint16 slot;
	ItemPointerData tid; /* of the row, where that is known */
} IvfbqCandidate;

/* About the `room` least of all that are added, beyond `from`. */
typedef struct IvfbqCandidates
{
	IvfbqCandidate *items; /* 2 * room, the caller's */
	int n;
	int room;
	bool has_cut;
	IvfbqCandidate cut; /* the last that was kept; others beyond it were not */
	bool has_from;
	IvfbqCandidate from; /* nothing up to this is taken */
} IvfbqCandidates;

/* ---------------------------------------------------------------- one candidate */

/* Bits of a float that are ordered as it is; not NaN. */
static inline uint32
ivfbq_bound_bits(float bound)
{
	uint32 bits;

	memcpy(&bits, &bound, sizeof(bits));
	return bits ^ ((uint32) ((int32) bits >> 31) | (uint32) 0x80000000);
}

static inline IvfbqCandidate
ivfbq_candidate(float bound, uint32 page, int slot)
{
	IvfbqCandidate candidate = {.order = (uint64) ivfbq_bound_bits(bound) << 32 | page,
								.slot = (uint16) slot};

	return candidate;
}

static inline float
ivfbq_candidate_bound(const IvfbqCandidate *candidate)
{
	uint32 ordered = (uint32) (candidate->order >> 32);
	uint32 bits = ordered ^ ((uint32) ((int32) ~ordered >> 31) | (uint32) 0x80000000);
	float bound;

	memcpy(&bound, &bits, sizeof(bound));
	return bound;
}

static inline uint32
ivfbq_candidate_page(const IvfbqCandidate *candidate)
{
	return (uint32) candidate->order;
}

static inline bool
ivfbq_candidate_is_less(const IvfbqCandidate *a, const IvfbqCandidate *b)
{
	if (unlikely(a->order == b->order))
		return a->slot < b->slot;
	return a->order < b->order;
}

/* The greatest float that is not above x: a bound that is certain stays so. */
static inline float
ivfbq_float_below(double x)
{
	float rounded = (float) x;

	return (double) rounded > x ? nextafterf(rounded, -INFINITY) : rounded;
}

/* ---------------------------------------------------------------- the least of them */

/* Keeps about half of what there is, sets the cut. */
extern void ivfbq_candidates_select(IvfbqCandidates *candidates);

static inline void
ivfbq_candidates_add(IvfbqCandidates *candidates, IvfbqCandidate candidate)
{
	if (candidates->has_from && !ivfbq_candidate_is_less(&candidates->from, &candidate))
		return;
	if (candidates->has_cut && ivfbq_candidate_is_less(&candidates->cut, &candidate))
		return;
	candidates->items[candidates->n++] = candidate;
	if (candidates->n == 2 * candidates->room)
		ivfbq_candidates_select(candidates);
}

/* Above this nothing would be taken. */
static inline float
ivfbq_candidates_limit(const IvfbqCandidates *candidates)
{
	return candidates->has_cut ? ivfbq_candidate_bound(&candidates->cut) : INFINITY;
}

/* ---------------------------------------------------------------- in order */

/* A heap in an array, the least first: made of n items; one put to n of them; the least taken off n. */
extern void ivfbq_heap_make(IvfbqCandidate *items, int n);
extern void ivfbq_heap_push(IvfbqCandidate *items, int n, IvfbqCandidate item);
extern void ivfbq_heap_pop(IvfbqCandidate *items, int n);

#endif

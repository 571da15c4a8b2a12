/*
 * test_ivfbq_candidate.c
 *		What passes keep and what heaps give, beside a plain sort of everything.
 */
#include "postgres.h"

#include <math.h>

#include "common/pg_prng.h"
#include "ivfbq/candidate.h"
#include "unit.h"

static int
compare(const void *a, const void *b)
{
	return ivfbq_candidate_is_less(a, b) ? -1 : ivfbq_candidate_is_less(b, a);
}

static bool
is_same(const IvfbqCandidate *a, const IvfbqCandidate *b)
{
	return a->order == b->order && a->slot == b->slot;
}

static void
test_order(void)
{
	const float bounds[] = {-INFINITY, -3e38f, -1.0f,  -0x1p-130f, -0.0f,
							0.0f,	   1e-40f, 0.125f, 3e38f,	   INFINITY};
	bool ordered = true;
	bool same = true;

	for (int i = 0; i < (int) lengthof(bounds); i++)
	{
		IvfbqCandidate low = ivfbq_candidate(bounds[i], PG_UINT32_MAX, 65535);
		float bound = ivfbq_candidate_bound(&low);

		same &= memcmp(&bound, &bounds[i], sizeof(bound)) == 0;
		same &= ivfbq_candidate_page(&low) == PG_UINT32_MAX && low.slot == 65535;
		if (i + 1 < (int) lengthof(bounds))
		{
			IvfbqCandidate high = ivfbq_candidate(bounds[i + 1], 0, 0);

			ordered &= ivfbq_candidate_is_less(&low, &high);
			ordered &= !ivfbq_candidate_is_less(&high, &low);
		}
	}
	UNIT_CHECK(same, "a candidate has the bound, page and slot that it was made of");
	UNIT_CHECK(ordered, "candidates are ordered as their bounds");
	UNIT_CHECK(sizeof(IvfbqCandidate) == 16, "a candidate takes 16 bytes");
}

static void
test_rounding(void)
{
	pg_prng_state random;
	bool below = true;
	bool near = true;

	pg_prng_seed(&random, 1);
	for (int i = 0; i < 10000; i++)
	{
		double x =
			ldexp(pg_prng_double(&random) - 0.5, (int) (pg_prng_uint32(&random) % 40) - 20);
		float rounded = ivfbq_float_below(x);

		below &= (double) rounded <= x;
		near &= (double) nextafterf(rounded, INFINITY) > x;
	}
	UNIT_CHECK(below && near, "a bound is rounded down, and no further than it must");
	UNIT_CHECK(ivfbq_float_below(-HUGE_VAL) == -INFINITY && ivfbq_float_below(0.0) == 0.0f &&
				   ivfbq_float_below(-1e300) == -INFINITY,
			   "what is too small for a float is minus infinity");
}

/* `total` candidates in passes of `room`: each pass must go on where the last one was cut. */
static bool
passes_give_all(pg_prng_state *random, int total, int room, int different)
{
	IvfbqCandidate *all = palloc(sizeof(IvfbqCandidate) * total);
	IvfbqCandidate *sorted = palloc(sizeof(IvfbqCandidate) * total);
	IvfbqCandidates kept = {.items = palloc(sizeof(IvfbqCandidate) * 2 * room), .room = room};
	int done = 0;
	bool good = true;

	for (int i = 0; i < total; i++)
		all[i] = sorted[i] = ivfbq_candidate(
			(float) (pg_prng_uint32(random) % different) - 3.0f, i / 32, i % 32);
	qsort(sorted, total, sizeof(IvfbqCandidate), compare);
	do
	{
		kept.n = 0;
		kept.has_from = done > 0;
		kept.from = kept.cut;
		kept.has_cut = false;
		for (int i = 0; i < total; i++)
			if (ivfbq_candidate_bound(&all[i]) <= ivfbq_candidates_limit(&kept))
				ivfbq_candidates_add(&kept, all[i]);
		ivfbq_heap_make(kept.items, kept.n);
		while (kept.n > 0)
		{
			good = good && done < total && is_same(&kept.items[0], &sorted[done]);
			done++;
			ivfbq_heap_pop(kept.items, kept.n--);
		}
	} while (kept.has_cut && good);
	return good && done == total;
}

static void
test_passes(void)
{
	pg_prng_state random;

	pg_prng_seed(&random, 2);
	for (int total = 0; total < 700; total += 1 + total / 7)
		for (int room = 1; room < 400; room += 1 + room)
			for (int different = 1; different < 5000; different *= 40)
				UNIT_CHECK(passes_give_all(&random, total, room, different),
						   "passes give all candidates in order: %d by %d, %d bounds", total,
						   room, different);
}

static void
test_heap(void)
{
	IvfbqCandidate items[200];
	pg_prng_state random;
	bool ordered = true;
	int n = 0;

	pg_prng_seed(&random, 3);
	for (int round = 0; round < 2000; round++)
	{
		bool grow = n == 0 || (n < (int) lengthof(items) && (pg_prng_uint32(&random) & 1));

		if (grow)
		{
			ivfbq_heap_push(items, n,
							ivfbq_candidate((float) (pg_prng_uint32(&random) % 50), 0, round));
			n++;
		}
		else
			ivfbq_heap_pop(items, n--);
		for (int i = 1; i < n; i++)
			ordered &= !ivfbq_candidate_is_less(&items[i], &items[0]);
	}
	UNIT_CHECK(ordered, "the first of a heap is its least");
}

void
agm_unit_ivfbq_candidate(void)
{
	test_order();
	test_rounding();
	test_passes();
	test_heap();
}

/*
 * candidate.c
 *		The least of many bounds, and rows in order (candidate.h).
 */
#include "postgres.h"

#include "ivfbq/candidate.h"

/* Of so many items the median is taken for that of all. */
#define SAMPLE 31

/* The median of some that lie evenly among all; an item like any other, so that neither half is empty. */
static IvfbqCandidate
about_median(const IvfbqCandidate *items, int n)
{
	IvfbqCandidate sample[SAMPLE];
	int count = Min(n, SAMPLE);

	for (int i = 0; i < count; i++)
	{
		IvfbqCandidate item = items[(int64) i * n / count];
		int at = i;

		for (; at > 0 && ivfbq_candidate_is_less(&item, &sample[at - 1]); at--)
			sample[at] = sample[at - 1];
		sample[at] = item;
	}
	return sample[(count - 1) / 2];
}

/* About half of them: which half is what matters, not how many it has to the last. */
void
ivfbq_candidates_select(IvfbqCandidates *candidates)
{
	IvfbqCandidate *items = candidates->items;
	IvfbqCandidate median = about_median(items, candidates->n);
	int kept = 0;

	/* No branch: it would be guessed wrong every other time. */
	for (int i = 0; i < candidates->n; i++)
	{
		IvfbqCandidate item = items[i];

		items[kept] = item;
		kept += !ivfbq_candidate_is_less(&median, &item);
	}
	candidates->n = kept;
	candidates->cut = median;
	candidates->has_cut = true;
}

/* Puts an item where place `at`, which is empty, or a place below it, may have it. */
static void
sift_down(IvfbqCandidate *items, int n, int at, IvfbqCandidate item)
{
	for (;;)
	{
		int child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n)
			child += ivfbq_candidate_is_less(&items[child + 1], &items[child]);
		if (!ivfbq_candidate_is_less(&items[child], &item))
			break;
		items[at] = items[child];
		at = child;
	}
	items[at] = item;
}

void
ivfbq_heap_make(IvfbqCandidate *items, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		sift_down(items, n, i, items[i]);
}

/* Puts an item where place `at`, which is empty, or a place above it, may have it. */
static void
sift_up(IvfbqCandidate *items, int at, IvfbqCandidate item)
{
	while (at > 0)
	{
		int parent = (at - 1) / 2;

		if (!ivfbq_candidate_is_less(&item, &items[parent]))
			break;
		items[at] = items[parent];
		at = parent;
	}
	items[at] = item;
}

void
ivfbq_heap_push(IvfbqCandidate *items, int n, IvfbqCandidate item)
{
	sift_up(items, n, item);
}

/* The last item was a leaf and will be one again, or nearly: it is not compared on the way down. */
void
ivfbq_heap_pop(IvfbqCandidate *items, int n)
{
	int rest = n - 1;
	int at = 0;
	int child;

	for (child = 1; child + 1 < rest; child = 2 * at + 1)
	{
		child += ivfbq_candidate_is_less(&items[child + 1], &items[child]);
		items[at] = items[child];
		at = child;
	}
	if (child + 1 == rest)
	{
		items[at] = items[child];
		at = child;
	}
	if (rest > 0)
		sift_up(items, at, items[rest]);
}

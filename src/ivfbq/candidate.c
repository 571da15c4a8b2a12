/*
 * candidate.c
 *		The least of many bounds, and rows in order (candidate.h).
 */
#include "postgres.h"

#include "ivfbq/candidate.h"

/* The `wanted` least to the front, in no order; the last of them stands at its end. */
static void
select_least(IvfbqCandidate *items, int n, int wanted)
{
	int low = 0;
	int high = n - 1;
	int target = wanted - 1;

	while (low < high)
	{
		IvfbqCandidate pivot = items[low + (high - low) / 2];
		int i = low;
		int j = high;

		while (i <= j)
		{
			while (ivfbq_candidate_is_less(&items[i], &pivot))
				i++;
			while (ivfbq_candidate_is_less(&pivot, &items[j]))
				j--;
			if (i <= j)
			{
				IvfbqCandidate swapped = items[i];

				items[i++] = items[j];
				items[j--] = swapped;
			}
		}
		if (target <= j)
			high = j;
		else if (target >= i)
			low = i;
		else
			return;
	}
}

void
ivfbq_candidates_select(IvfbqCandidates *candidates)
{
	select_least(candidates->items, candidates->n, candidates->room);
	candidates->n = candidates->room;
	candidates->cut = candidates->items[candidates->room - 1];
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

void
ivfbq_heap_push(IvfbqCandidate *items, int n, IvfbqCandidate item)
{
	int at = n;

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
ivfbq_heap_pop(IvfbqCandidate *items, int n)
{
	if (n > 1)
		sift_down(items, n - 1, 0, items[n - 1]);
}

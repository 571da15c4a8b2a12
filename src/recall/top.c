/*
 * top.c
 *		The best hits of a stream: a heap whose root is the worst of those kept.
 */
#include "postgres.h"

#include <math.h>

#include "recall/top.h"

static int
compare_worst(Datum a, Datum b, void *arg)
{
	const AgmHit *x = (const AgmHit *) DatumGetPointer(a);
	const AgmHit *y = (const AgmHit *) DatumGetPointer(b);

	(void) arg;
	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

void
agm_top_init(AgmTop *top, int depth)
{
	top->hits.hits = palloc(sizeof(AgmHit) * depth);
	top->hits.n = 0;
	top->depth = depth;
	top->heap = binaryheap_allocate(depth, compare_worst, NULL);
}

void
agm_top_add(AgmTop *top, int64 id, double score, AgmPlace place)
{
	AgmHit hit = {id, score, place};
	AgmHit *worst;

	if (top->hits.n < top->depth)
	{
		AgmHit *place = &top->hits.hits[top->hits.n++];

		*place = hit;
		binaryheap_add(top->heap, PointerGetDatum(place));
		return;
	}
	worst = (AgmHit *) DatumGetPointer(binaryheap_first(top->heap));
	if (compare_worst(PointerGetDatum(&hit), PointerGetDatum(worst), NULL) >= 0)
		return;
	*worst = hit;
	binaryheap_replace_first(top->heap, PointerGetDatum(worst));
}

double
agm_top_worst(const AgmTop *top)
{
	if (top->hits.n < top->depth)
		return -INFINITY;
	return ((const AgmHit *) DatumGetPointer(binaryheap_first(top->heap)))->score;
}

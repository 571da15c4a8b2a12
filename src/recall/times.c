/*
 * times.c
 *		The temporal channel: how near a memory's time is to what the query says of time.
 *
 * README rule 16.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/timestamp.h"

#include "lexical/lexical.h"
#include "recall/times.h"

struct AgmTimes
{
	AgmTimeSpan *spans;
	int n;
};

AgmTimes *
agm_times_open(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmTimes times = {NULL, 0};
	AgmTimes *result;

	if (recall->query == NULL || recall->weights[AGM_TEMPORAL] <= 0 ||
		recall->filter.during != NULL)
		return NULL;
	/* The first of the namespace's languages in which it says something. */
	for (int i = 0; i < searched->nconfigs && times.n == 0; i++)
		times.spans = agm_time_expressions(
			VARDATA_ANY(recall->query), VARSIZE_ANY_EXHDR(recall->query),
			recall->filter.has_valid_at ? recall->filter.valid_at : recall->filter.now,
			searched->languages[i], &times.n);
	if (times.n == 0)
		return NULL;
	result = palloc(sizeof(AgmTimes));
	*result = times;
	return result;
}

/* Of what occurs, the time is when it began. */
void
agm_times_columns(const AgmTimes *times, const AgmRecall *recall, StringInfo sql,
				  AgmParams *params)
{
	if (times == NULL)
	{
		appendStringInfoString(sql,
							   ", NULL::pg_catalog.timestamptz, NULL::pg_catalog.timestamptz");
		return;
	}
	appendStringInfo(
		sql,
		", pg_catalog.lower(c.valid_period),"
		" CASE WHEN c.kind OPERATOR(pg_catalog.=) ANY ($%d) THEN "
		"pg_catalog.lower(c.valid_period)"
		" ELSE pg_catalog.upper(c.valid_period) END",
		agm_param(params, TEXTARRAYOID, PointerGetDatum(recall->filter.occurrences), false));
}

/* 1 if the span has a part of it; else less, by how many spans' lengths, days at least, lie between. */
static double
nearness(const AgmTimeSpan *span, double from, double to)
{
	double start = span->from_open ? -INFINITY : (double) span->from;
	double end = span->to_open ? INFINITY : (double) span->to;
	double length = Max(end - start, (double) USECS_PER_DAY);
	double gap = from >= end ? from - end : to < start ? start - to : 0;

	return gap > 0 && length < INFINITY ? 1 / (1 + gap / length) : gap > 0 ? 0 : 1;
}

double
agm_times_score(const AgmTimes *times, TupleTableSlot *slot, int first)
{
	double best = 0;
	bool from_open;
	bool to_open;
	Datum from = slot_getattr(slot, first, &from_open);
	Datum to = slot_getattr(slot, first + 1, &to_open);

	for (int i = 0; i < times->n; i++)
		best = Max(best, nearness(&times->spans[i],
								  from_open ? -INFINITY : (double) DatumGetTimestampTz(from),
								  to_open ? INFINITY : (double) DatumGetTimestampTz(to)));
	return best;
}

/*
 * semantic.c
 *		The semantic channel: nearest embeddings under the filter, exactly.
 *
 * By an ordinary ORDER BY distance, or, where BM25 needs the namespace counted anyway, by
 * reading all of it once.  Of equal distances the smaller id comes first in both: the same
 * question has the same answer every time.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"

#include "recall/top.h"

/* README rule 3: raw similarity is 0 or more and finite, whatever the metric. */
double
agm_semantic_similarity(const AgmRecall *recall, double distance)
{
	if (isnan(distance))
		return 0; /* cosine of a zero vector */
	switch (recall->metric)
	{
		case 'l':
			return 1 / (1 + distance);
		case 'i':
			return Min(Max(0, -distance), FLT_MAX);
		default:
			return Max(0, 1 - distance);
	}
}

typedef struct Reader
{
	const AgmRecall *recall;
	AgmHits hits;
} Reader;

/* Columns: id, distance; nearest first. */
static void
read_hit(TupleTableSlot *slot, void *arg)
{
	Reader *reader = arg;
	AgmHit *hit = &reader->hits.hits[reader->hits.n++];
	bool isnull;

	hit->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	hit->score =
		agm_semantic_similarity(reader->recall, DatumGetFloat8(slot_getattr(slot, 2, &isnull)));
}

/* An ordinary ORDER BY distance, id LIMIT n: what serves it is the planner's choice. */
static AgmHits
search_ordered(const AgmRecall *recall, const AgmSearched *searched, AgmParams *params)
{
	StringInfoData sql;
	Reader reader = {recall, {palloc(sizeof(AgmHit) * recall->depth), 0}};

	agm_param(params, INT8OID, Int64GetDatum(recall->depth), false);
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT m.id, m.embedding OPERATOR(agentmem.%s) $2 FROM {store}.memory m"
					 " WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.embedding IS NOT NULL",
					 recall->distance_operator);
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, params);
	appendStringInfo(&sql, " ORDER BY m.embedding OPERATOR(agentmem.%s) $2, m.id LIMIT $3",
					 recall->distance_operator);
	(void) agm_execute(&recall->store, sql.data, params, AGM_READ | AGM_PLAN_CUSTOM, "ld",
					   read_hit, &reader);
	return reader.hits;
}

typedef struct CountingScan
{
	AgmTop top;
	AgmStatistics *counted;
} CountingScan;

/* Columns: id, tokens, distance if it passes the filter and has one. */
static void
read_memory(TupleTableSlot *slot, void *arg)
{
	CountingScan *scan = arg;
	bool isnull;
	Datum value;

	scan->counted->memories++;
	scan->counted->tokens += DatumGetInt32(slot_getattr(slot, 2, &isnull));
	value = slot_getattr(slot, 3, &isnull);
	if (!isnull)
	{
		double distance = DatumGetFloat8(value);

		/* Nearest is best; a zero vector's cosine comes after all others, as in ORDER BY. */
		agm_top_add(&scan->top, DatumGetInt64(slot_getattr(slot, 1, &isnull)),
					isnan(distance) ? -INFINITY : -distance);
	}
}

/* Every row of the namespace once: its nearest, its number and its length. */
static AgmHits
search_counting(const AgmRecall *recall, const AgmSearched *searched, AgmParams *params,
				AgmStatistics *counted)
{
	StringInfoData sql;
	CountingScan scan;

	memset(counted, 0, sizeof(*counted));
	scan.counted = counted;
	agm_top_init(&scan.top, recall->depth);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, m.tokens, CASE WHEN m.embedding IS NOT NULL");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, params);
	appendStringInfo(&sql,
					 " THEN m.embedding OPERATOR(agentmem.%s) $2 END FROM {store}.memory m"
					 " WHERE m.namespace OPERATOR(pg_catalog.=) $1",
					 recall->distance_operator);
	(void) agm_execute(&recall->store, sql.data, params, AGM_READ | AGM_PLAN_CUSTOM, "lid?",
					   read_memory, &scan);
	return scan.top.hits;
}

AgmHits
agm_semantic_search(const AgmRecall *recall, const AgmSearched *searched,
					AgmStatistics *counted)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, agm_type_oid("vector"), PointerGetDatum(recall->embedding), false);
	return counted == NULL ? search_ordered(recall, searched, &params)
						   : search_counting(recall, searched, &params, counted);
}

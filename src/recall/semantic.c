/*
 * semantic.c
 *		The semantic channel: nearest embeddings under the filter.
 *
 * An ordinary ORDER BY distance, which the store's ivfbq index serves where that pays.  Of equal
 * distances the smaller id comes first: the same question has the same answer every time.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/guc.h"

#include "memory/memory.h"
#include "recall/rows.h"
#include "recall/top.h"

/* README rule 3. */
double
agm_semantic_similarity(const AgmRecall *recall, double distance)
{
	return agm_similarity(recall->metric, distance);
}

typedef struct HitReader
{
	const AgmRecall *recall;
	AgmSource source;
	AgmTop *top;
} HitReader;

/* Columns: id, place, distance; nearest first, a zero vector's cosine after all others. */
static void
read_hit(TupleTableSlot *slot, void *arg)
{
	const HitReader *reader = arg;
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	double distance = DatumGetFloat8(slot_getattr(slot, 3, &isnull));

	agm_top_add(reader->top, id, isnan(distance) ? -INFINITY : -distance,
				agm_place_of(reader->recall, reader->source, slot, 2));
}

/*
 * A tie-breaker would keep the planner from the index, which gives distances in order and no more:
 * instead all ties of the last row are asked for, and of these the smallest ids stay.
 */
static void
search_source(const AgmRecall *recall, const AgmSearched *searched, AgmSource source,
			  AgmTop *top)
{
	AgmParams params = {0};
	StringInfoData sql;
	HitReader reader = {recall, source, top};

	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, agm_type_oid("vector"), PointerGetDatum(recall->embedding), false);
	agm_param(&params, INT8OID, Int64GetDatum(recall->depth), false);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT m.id, m.ctid, m.embedding OPERATOR(agentmem.%s) $2",
					 recall->distance_operator);
	agm_filter_from(&recall->filter, source, AGM_ANY_INDEX, "", &sql, &params);
	appendStringInfoString(&sql, " AND m.embedding IS NOT NULL");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfo(&sql,
					 " ORDER BY m.embedding OPERATOR(agentmem.%s) $2"
					 " FETCH FIRST ($3) ROWS WITH TIES",
					 recall->distance_operator);
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "lcd",
					   read_hit, &reader);
}

AgmHits
agm_semantic_search(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmTop top;
	int level = NewGUCNestLevel();

	if (recall->exact)
		(void) set_config_option("agentmem.ivfbq_exact", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	agm_top_init(&top, recall->depth);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
		if (agm_filter_needs(&recall->filter, source))
			search_source(recall, searched, source, &top);
	AtEOXact_GUC(true, level);
	return top.hits;
}

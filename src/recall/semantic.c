/*
 * semantic.c
 *		The semantic channel: nearest embeddings under the filter.
 *
 * An ordinary ORDER BY distance, which the store's ivfbq index serves where that pays.  Of equal
 * distances the smaller id comes first among those that were found.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/guc.h"

#include "recall/recall.h"

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

/*
 * A tie-breaker would keep the planner from the index, which gives distances in order and no more;
 * so it is only there where every row is looked at anyway.
 */
static void
append_search(const AgmRecall *recall, const AgmSearched *searched, StringInfo sql,
			  AgmParams *params)
{
	appendStringInfo(sql,
					 "SELECT m.id, m.embedding OPERATOR(agentmem.%s) $2 FROM {store}.memory m"
					 " WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.embedding IS NOT NULL",
					 recall->distance_operator);
	agm_filter_append(&recall->filter, searched->has_hidden, sql, params);
	appendStringInfo(sql, " ORDER BY m.embedding OPERATOR(agentmem.%s) $2%s LIMIT $3",
					 recall->distance_operator, recall->exact ? ", m.id" : "");
}

AgmHits
agm_semantic_search(const AgmRecall *recall, const AgmSearched *searched)
{
	AgmParams params = {0};
	StringInfoData sql;
	Reader reader = {recall, {palloc(sizeof(AgmHit) * recall->depth), 0}};
	int level = NewGUCNestLevel();

	if (recall->exact)
		(void) set_config_option("agentmem.ivfbq_exact", "on", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, agm_type_oid("vector"), PointerGetDatum(recall->embedding), false);
	agm_param(&params, INT8OID, Int64GetDatum(recall->depth), false);
	initStringInfo(&sql);
	append_search(recall, searched, &sql, &params);
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "ld",
					   read_hit, &reader);
	AtEOXact_GUC(true, level);
	return reader.hits;
}

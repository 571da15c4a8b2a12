/*
 * semantic.c
 *		The semantic channel: nearest embeddings under the filter.
 *
 * An ordinary ORDER BY distance, which the store's ivfbq index serves where that pays.  Of equal
 * distances the smaller id comes first: the same question has the same answer every time.
 */
#include "postgres.h"

#include <math.h>

#include "access/relation.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/tables.h"
#include "ivfbq/prefilter.h"
#include "memory/memory.h"
#include "recall/held.h"
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
			  AgmAccess access, AgmTop *top)
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
	agm_filter_from(&recall->filter, source, access, "", &sql, &params);
	appendStringInfoString(&sql, " AND m.embedding IS NOT NULL");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfo(&sql,
					 " ORDER BY m.embedding OPERATOR(agentmem.%s) $2"
					 " FETCH FIRST ($3) ROWS WITH TIES",
					 recall->distance_operator);
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "lcd",
					   read_hit, &reader);
}

static bool
is_held(void *arg, const ItemPointerData *tid)
{
	return agm_held_has(arg, tid);
}

/*
 * Most of a history was not held at the instant.  The executor would compute each version's distance
 * before it looks at its period; so the index asks for that first.
 */
static void
search_history(const AgmRecall *recall, const AgmSearched *searched, AgmTop *top)
{
	Relation table =
		agm_table_open(&recall->store, "memory_history", DatumGetTextPP(searched->name),
					   AGM_READS_ROWS, GetActiveSnapshot());
	const IvfbqPrefilter *before;
	IvfbqPrefilter prefilter;
	AgmHeld *held;

	if (table == NULL)
	{
		search_source(recall, searched, AGM_HISTORY, AGM_ANY_INDEX, top);
		return;
	}
	held = agm_held_open(recall, AGM_HISTORY, table, DatumGetTextPP(searched->name),
						 GetActiveSnapshot());
	prefilter = (IvfbqPrefilter){RelationGetRelid(table), is_held, held};
	before = agm_ivfbq_set_prefilter(&prefilter);
	PG_TRY();
	{
		search_source(recall, searched, AGM_HISTORY, AGM_OTHER_INDEX, top);
	}
	PG_FINALLY();
	{
		(void) agm_ivfbq_set_prefilter(before);
	}
	PG_END_TRY();
	agm_held_close(held);
	relation_close(table, NoLock);
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
	search_source(recall, searched, AGM_MEMORY, AGM_ANY_INDEX, &top);
	if (agm_filter_needs(&recall->filter, AGM_HISTORY))
		search_history(recall, searched, &top);
	AtEOXact_GUC(true, level);
	return top.hits;
}

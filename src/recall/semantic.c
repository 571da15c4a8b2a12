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
#include "utils/array.h"
#include "utils/guc.h"

#include "base/compat.h"
#include "ivfbq/prefilter.h"
#include "memory/memory.h"
#include "recall/held.h"
#include "recall/rows.h"
#include "recall/top.h"

/* If there are no more versions held at an instant than this for each that is wanted, all are read. */
#define HELD_FEW 4

/* Else the index gives so many that were not held, before all that were held are read, unless there are more than this. */
#define HELD_PATIENCE 5000
#define HELD_MANY 200000

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

/* The rows of a history that were held, each by where it lies: for a few. */
static void
search_held(const AgmRecall *recall, const AgmSearched *searched, AgmHeld *held, AgmTop *top)
{
	AgmParams params = {0};
	StringInfoData sql;
	HitReader reader = {recall, AGM_HISTORY, top};
	int n;
	ItemPointerData *tids = agm_held_rows(held, &n);
	Datum *values = palloc(sizeof(Datum) * Max(n, 1));

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		values[i] = PointerGetDatum(&tids[i]);
	agm_param(&params, TEXTOID, searched->name, false);
	agm_param(&params, agm_type_oid("vector"), PointerGetDatum(recall->embedding), false);
	agm_param(&params, TIDARRAYOID,
			  PointerGetDatum(construct_array(values, n, TIDOID, sizeof(ItemPointerData), false,
											  TYPALIGN_SHORT)),
			  false);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT m.id, m.ctid, m.embedding OPERATOR(agentmem.%s) $2",
					 recall->distance_operator);
	agm_filter_from(&recall->filter, AGM_HISTORY,
					recall->store.partitioned ? AGM_OTHER_INDEX : AGM_NO_INDEX, "", &sql,
					&params);
	appendStringInfoString(
		&sql, " AND m.ctid OPERATOR(pg_catalog.=) ANY ($3) AND m.embedding IS NOT NULL");
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_GENERIC, "lcd",
					   read_hit, &reader);
}

typedef struct HeldFilter
{
	AgmHeld *held;
	int64 patience; /* so many entries that were not held; -1: any number */
	bool ended;		/* it was exceeded */
} HeldFilter;

static IvfbqWanted
is_held(void *arg, const ItemPointerData *tid)
{
	HeldFilter *filter = arg;

	if (agm_held_has(filter->held, tid))
		return IVFBQ_WANTED;
	if (filter->patience == 0)
	{
		filter->ended = true;
		return IVFBQ_ENOUGH;
	}
	if (filter->patience > 0)
		filter->patience--;
	return IVFBQ_UNWANTED;
}

/*
 * By the vector index, which asks whether a version was held before the executor computes its distance;
 * false if it went through too many in vain.
 */
static bool
search_index(const AgmRecall *recall, const AgmSearched *searched, HeldFilter *filter,
			 AgmTop *top)
{
	IvfbqPrefilter prefilter = {.table = agm_held_table(filter->held),
								.vector = (const struct varlena *) recall->embedding,
								.wanted = is_held,
								.arg = filter};

	agm_ivfbq_begin_prefilter(&prefilter);
	PG_TRY();
	{
		search_source(recall, searched, AGM_HISTORY, AGM_OTHER_INDEX, top);
	}
	PG_FINALLY();
	{
		agm_ivfbq_end_prefilter(&prefilter);
	}
	PG_END_TRY();
	return !filter->ended;
}

/* README rule 21. */
static void
search_history(const AgmRecall *recall, const AgmSearched *searched, AgmTop *top)
{
	AgmHeld *held = agm_held_of(recall, searched, AGM_HISTORY);
	HeldFilter filter = {held, HELD_PATIENCE, false};
	AgmTop found;

	if (held == NULL)
	{
		search_source(recall, searched, AGM_HISTORY, AGM_ANY_INDEX, top);
		return;
	}
	if (agm_held_collect(held, (int64) recall->depth * HELD_FEW) >= 0)
	{
		search_held(recall, searched, held, top);
		return;
	}
	agm_top_init(&found, recall->depth);
	if (search_index(recall, searched, &filter, &found))
	{
		for (int i = 0; i < found.hits.n; i++)
			agm_top_add(top, found.hits.hits[i].id, found.hits.hits[i].score,
						found.hits.hits[i].place);
		return;
	}
	if (agm_held_collect(held, HELD_MANY) >= 0)
	{
		search_held(recall, searched, held, top);
		return;
	}
	filter = (HeldFilter){held, -1, false};
	(void) search_index(recall, searched, &filter, top);
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

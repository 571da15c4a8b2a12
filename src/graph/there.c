/*
 * there.c
 *		Which memories, and which concepts, are there for a walk.
 *
 * By their indexes and rows directly or, where that may not be, by one statement that says the same.
 * README, "Edges", 1 and 5.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/rangetypes.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "base/order.h"
#include "graph/scope.h"

static char *
make_sql(AgmScope *scope, AgmParams *params)
{
	StringInfoData sql;

	*params = scope->base;
	agm_param(params, INT8ARRAYOID, 0, true);
	initStringInfo(&sql);
	for (AgmSource source = AGM_MEMORY; source < AGM_NSOURCES; source++)
	{
		if (!agm_filter_needs(&scope->filter, source))
			continue;
		appendStringInfo(&sql,
						 "%sSELECT i.id, %d::pg_catalog.int8, m.ctid"
						 " FROM pg_catalog.unnest($2) i(id)"
						 " CROSS JOIN LATERAL (SELECT * FROM ",
						 source == AGM_MEMORY ? "" : " UNION ALL ", (int) source);
		agm_filter_version(&scope->filter, source, "c.id OPERATOR(pg_catalog.=) i.id", &sql,
						   params);
		appendStringInfoString(&sql, " OFFSET 0) m WHERE true");
		agm_filter_append(&scope->filter, scope->hidden, &sql, params);
	}
	if (!scope->memories_only && agm_store_has(scope->store, "concept"))
		appendStringInfoString(
			&sql,
			" UNION ALL SELECT i.id, 0::pg_catalog.int8, '(0,1)'::pg_catalog.tid"
			" FROM pg_catalog.unnest($2) i(id)"
			" WHERE i.id OPERATOR(pg_catalog.<) 0 AND (SELECT true FROM {store}.concept c"
			" WHERE " AGM_OF_NAMESPACE("c") " AND c.id OPERATOR(pg_catalog.=) i.id LIMIT 1)");
	return sql.data;
}

typedef struct Looker
{
	AgmScope *scope;
	const int64 *ids;
	AgmCountFn fn;
	void *arg;
} Looker;

static void
found(const Looker *looker, int64 id, AgmSource source, const ItemPointerData *tid)
{
	AgmScope *scope = looker->scope;

	if (scope->seen != NULL)
	{
		if (scope->nseen == scope->seen_room)
		{
			scope->seen_room *= 2;
			scope->seen = repalloc_huge(scope->seen, sizeof(AgmSeen) * scope->seen_room);
		}
		scope->seen[scope->nseen++] = (AgmSeen){id, source, *tid};
	}
	looker->fn(id, 1, looker->arg);
}

/* Columns: id, source, ctid. */
static void
read_seen(TupleTableSlot *slot, void *arg)
{
	found(arg, DatumGetInt64(slot->tts_values[0]),
		  (AgmSource) DatumGetInt64(slot->tts_values[1]),
		  (ItemPointer) DatumGetPointer(slot->tts_values[2]));
}

static const AgmDirectColumn id_columns[] = {{"namespace", TEXTOID, false},
											 {"id", INT8OID, false}};

static AgmDirect *
open_table(const AgmScope *scope, const char *table)
{
	return agm_direct_open(scope->store, table, id_columns, 2, 2, scope->base.values[0],
						   GetActiveSnapshot());
}

/* May rows be read directly?  Not where a memory's state has to be looked up, nor of the past. */
static bool
is_direct(AgmScope *scope)
{
	if (scope->looks)
		return scope->memories != NULL;
	scope->looks = true;
	if (scope->filter.has_known_at || scope->hidden || !scope->filter.default_states)
		return false;
	scope->has_concepts = !scope->memories_only && agm_store_has(scope->store, "concept");
	if (scope->has_concepts && (scope->concept_ids = open_table(scope, "concept")) == NULL)
		return false;
	scope->memories = open_table(scope, "memory");
	if (scope->memories == NULL)
		return false;
	scope->kind = agm_direct_attribute(scope->memories, "kind", TEXTOID);
	scope->valid_period = agm_direct_attribute(scope->memories, "valid_period", TSTZRANGEOID);
	scope->expires_at = agm_direct_attribute(scope->memories, "expires_at", TIMESTAMPTZOID);
	if (scope->kind > 0 && scope->valid_period > 0 && scope->expires_at > 0)
		return true;
	agm_direct_close(scope->memories);
	scope->memories = NULL;
	return false;
}

static void
read_row(int i, TupleTableSlot *slot, void *arg)
{
	const Looker *looker = arg;
	AgmScope *scope = looker->scope;
	bool no_kind;
	bool no_period;
	bool no_end;
	Datum kind = slot_getattr(slot, scope->kind, &no_kind);
	Datum period = slot_getattr(slot, scope->valid_period, &no_period);
	TimestampTz end = DatumGetTimestampTz(slot_getattr(slot, scope->expires_at, &no_end));

	if (agm_filter_holds(&scope->filter, no_kind ? NULL : DatumGetTextPP(kind),
						 no_period ? NULL : DatumGetRangeTypeP(period), no_end ? NULL : &end))
		found(looker, looker->ids[i], AGM_MEMORY, &slot->tts_tid);
}

/* The ids below 0 are concepts, and come first. */
static void
look_directly(Looker *looker, const int64 *ids, int n)
{
	AgmScope *scope = looker->scope;
	int nconcepts = 0;
	int *counts;

	while (nconcepts < n && ids[nconcepts] < 0)
		nconcepts++;
	if (scope->has_concepts && nconcepts > 0)
	{
		counts = palloc(sizeof(int) * nconcepts);
		agm_direct_counts(scope->concept_ids, ids, nconcepts, 1, counts);
		for (int i = 0; i < nconcepts; i++)
			if (counts[i] > 0)
			{
				ItemPointerData nowhere;

				ItemPointerSet(&nowhere, 0, 1);
				found(looker, ids[i], AGM_MEMORY, &nowhere);
			}
		pfree(counts);
	}
	looker->ids = ids + nconcepts;
	agm_direct_rows(scope->memories, looker->ids, n - nconcepts, read_row, looker);
}

static void
look_by_statement(Looker *looker, const int64 *ids, int n)
{
	AgmScope *scope = looker->scope;
	AgmParams *params = &scope->there_params;

	if (scope->there_sql == NULL)
		scope->there_sql = make_sql(scope, params);
	params->values[1] = agm_int8_array(ids, n);
	params->nulls[1] = false;
	(void) agm_execute(scope->store, scope->there_sql, params, AGM_READ | AGM_PLAN_GENERIC,
					   "llc", read_seen, looker);
	pfree(DatumGetPointer(params->values[1]));
}

void
agm_scope_visible(AgmScope *scope, const int64 *ids, int n, AgmCountFn fn, void *arg)
{
	Looker looker = {scope, NULL, fn, arg};
	int64 *sorted;

	if (n == 0)
		return;
	sorted = palloc(sizeof(int64) * n);
	memcpy(sorted, ids, sizeof(int64) * n);
	qsort(sorted, n, sizeof(int64), agm_compare_int64);
	if (is_direct(scope))
		look_directly(&looker, sorted, n);
	else
		look_by_statement(&looker, sorted, n);
	pfree(sorted);
}

void
agm_there_close(AgmScope *scope)
{
	if (scope->memories != NULL)
		agm_direct_close(scope->memories);
	if (scope->concept_ids != NULL)
		agm_direct_close(scope->concept_ids);
	scope->memories = scope->concept_ids = NULL;
	scope->looks = false;
}

/*
 * duplicate.c
 *		Merging memories that say the same, by maintenance.
 *
 * Rules: src/memory/README.md, "Conflicts", and src/consolidate/README.md, "Duplicates".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "memory/change.h"
#include "memory/resolve.h"

/* $1 namespace, $2 the winner, $3 the losers, $4 the operation. */
static void
merge_params(const AgmWriter *writer, const int64 *ids, int n, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(ids[0]), false);
	agm_param(params, INT8ARRAYOID, agm_int8_array(ids + 1, n - 1), false);
	agm_param(params, INT8OID, Int64GetDatum(writer->operation), false);
}

#define LOSERS "l.namespace OPERATOR(pg_catalog.=) $1 AND l.id OPERATOR(pg_catalog.=) ANY ($3)"

/*
 * It holds since the first of them did, on the best of their words: what merging by resolve()
 * leaves to the winner, because there the two say different things.
 */
static void
unite(AgmWriter *writer, const AgmParams *params)
{
	(void) agm_execute(
		&writer->store,
		"WITH old AS MATERIALIZED (SELECT l.* FROM {store}.memory l WHERE " LOSERS "),"
		/* A bound that is open is NULL, which min() would pass over. */
		" new AS (SELECT CASE WHEN pg_catalog.bool_or(pg_catalog.lower_inf(o.valid_period))"
		"   THEN NULL ELSE pg_catalog.min(pg_catalog.lower(o.valid_period)) END AS since,"
		"  pg_catalog.max(o.confidence) AS confidence,"
		"  pg_catalog.min(pg_catalog.array_position(r.ranks, o.provenance)) AS place,"
		"  (pg_catalog.array_agg(o.source ORDER BY o.id)"
		"   FILTER (WHERE o.source IS NOT NULL))[1] AS source,"
		"  (pg_catalog.array_agg(o.actor ORDER BY o.id)"
		"   FILTER (WHERE o.actor IS NOT NULL))[1] AS actor,"
		"  (pg_catalog.array_agg(o.session ORDER BY o.id)"
		"   FILTER (WHERE o.session IS NOT NULL))[1] AS session,"
		"  (pg_catalog.array_agg(o.title ORDER BY o.id)"
		"   FILTER (WHERE o.title IS NOT NULL))[1] AS title, r.ranks"
		"  FROM old o, (SELECT '{validated,corrected,stated,observed,imported,inferred}'"
		"   ::pg_catalog.text[] AS ranks) r GROUP BY r.ranks),"
		" value AS (SELECT"
		"  CASE WHEN pg_catalog.lower_inf(m.valid_period) OR n.since IS NULL THEN NULL"
		"   ELSE least(pg_catalog.lower(m.valid_period), n.since) END AS since,"
		"  CASE WHEN m.confidence IS NULL THEN NULL"
		"   ELSE greatest(m.confidence, n.confidence) END AS confidence,"
		"  n.ranks[least(n.place, pg_catalog.array_position(n.ranks, m.provenance))]"
		"   AS provenance, coalesce(m.source, n.source) AS source,"
		"  coalesce(m.actor, n.actor) AS actor, coalesce(m.session, n.session) AS session,"
		"  coalesce(m.title, n.title) AS title"
		"  FROM new n, {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		"  AND m.id OPERATOR(pg_catalog.=) $2)"
		" UPDATE {store}.memory m SET operation = $4, valid_period ="
		"  pg_catalog.tstzrange(v.since, pg_catalog.upper(m.valid_period)),"
		"  confidence = v.confidence, provenance = v.provenance, source = v.source,"
		"  actor = v.actor, session = v.session, title = v.title"
		" FROM value v WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2"
		" AND (pg_catalog.lower(m.valid_period), m.confidence, m.provenance, m.source,"
		"  m.actor, m.session, m.title) IS DISTINCT FROM (v.since, v.confidence,"
		"  v.provenance, v.source, v.actor, v.session, v.title)",
		params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

typedef struct Counts
{
	int64 confirmations;
	int64 accesses;
} Counts;

static void
read_counts(TupleTableSlot *slot, void *arg)
{
	Counts *counts = arg;
	bool isnull;

	counts->confirmations = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	counts->accesses = DatumGetInt64(slot_getattr(slot, 2, &isnull));
}

/* Confirmations come with each merge; what was recalled of the losers was this. */
static Counts
add_accesses(AgmWriter *writer, const AgmParams *params, int nlosers)
{
	AgmParams first = *params;
	Counts counts = {0};

	first.n = 3;
	(void) agm_execute(&writer->store,
					   "SELECT coalesce(pg_catalog.sum(l.confirmations), 0)::pg_catalog.int8,"
					   " coalesce(pg_catalog.sum(l.accesses), 0)::pg_catalog.int8"
					   " FROM {store}.activity l WHERE ($2 IS NOT NULL) AND " LOSERS,
					   &first, AGM_WRITE | AGM_PLAN_GENERIC, "ll", read_counts, &counts);
	counts.confirmations += nlosers;
	if (counts.accesses > 0)
		(void) agm_execute(
			&writer->store,
			"INSERT INTO {store}.activity AS a (namespace, id, accesses, last_access)"
			" SELECT $1, $2, pg_catalog.sum(l.accesses), pg_catalog.max(l.last_access)"
			" FROM {store}.activity l WHERE " LOSERS " ON CONFLICT (namespace, id) DO UPDATE"
			" SET accesses = a.accesses OPERATOR(pg_catalog.+) excluded.accesses,"
			" last_access = greatest(a.last_access, excluded.last_access)",
			&first, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	return counts;
}

static void
read_other(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	agm_int64_add(arg, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
}

/*
 * Edges of the losers do not count any more; the winner gets the same ones.  Not those to concepts,
 * which follow from its content, nor those among them.
 */
static void
copy_edges(AgmWriter *writer, const AgmParams *params)
{
	AgmParams all = *params;
	AgmInt64List others = {0};
	AgmKept kept;

	all.n = 3;
	(void) agm_execute(&writer->store,
					   "SELECT e.target FROM {store}.edge e"
					   " WHERE e.namespace OPERATOR(pg_catalog.=) $1"
					   " AND e.source OPERATOR(pg_catalog.=) ANY ($3)"
					   " AND e.target OPERATOR(pg_catalog.>) 0"
					   " AND e.target OPERATOR(pg_catalog.<>) ALL ($3)"
					   " AND e.target OPERATOR(pg_catalog.<>) $2"
					   " UNION ALL SELECT e.source FROM {store}.edge e"
					   " WHERE e.namespace OPERATOR(pg_catalog.=) $1"
					   " AND e.target OPERATOR(pg_catalog.=) ANY ($3)"
					   " AND e.source OPERATOR(pg_catalog.<>) ALL ($3)"
					   " AND e.source OPERATOR(pg_catalog.<>) $2",
					   &all, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_other, &others);
	if (others.n == 0)
		return;
	agm_int64_sort(&others);
	kept = agm_rows_keep(writer, others.items, others.n, true);
	all = *params;
	agm_param(&all, INT8ARRAYOID, agm_int8_array(kept.ids, kept.n), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.edge (namespace, source, target, type, weight, operation,"
		" valid_period) SELECT DISTINCT ON (c.source, c.target, c.type)"
		" $1, c.source, c.target, c.type, c.weight, $4, c.valid_period FROM ("
		"  SELECT $2 AS source, e.target, e.type, e.weight, e.valid_period"
		"  FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
		"  AND e.source OPERATOR(pg_catalog.=) ANY ($3)"
		"  AND e.target OPERATOR(pg_catalog.=) ANY ($5)"
		"  UNION ALL SELECT e.source, $2, e.type, e.weight, e.valid_period"
		"  FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
		"  AND e.target OPERATOR(pg_catalog.=) ANY ($3)"
		"  AND e.source OPERATOR(pg_catalog.=) ANY ($5)) c"
		" ORDER BY c.source, c.target, c.type, c.weight DESC, c.valid_period"
		" ON CONFLICT (namespace, source, target, type) DO NOTHING",
		&all, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

bool
agm_merge_duplicates(AgmWriter *writer, const int64 *ids, int n)
{
	AgmParams params = {0};
	Counts counts;
	char *details;
	int64 *locks = palloc(sizeof(int64) * AGM_LOCKS_MAX * Max(n, 1));
	int nheld;
	AgmHeld *held = agm_held_read(writer, ids, n, &nheld);

	agm_writer_lock(writer, locks, agm_held_locks(held, nheld, locks));
	if (n < 2 || nheld < n || !agm_held_confirm(writer, held, nheld))
		return false;
	merge_params(writer, ids, n, &params);
	unite(writer, &params);
	counts = add_accesses(writer, &params, n - 1);
	copy_edges(writer, &params);
	for (int i = 1; i < n; i++)
		/* The same statement: who erases one erases all of them. */
		agm_merge(writer, ids[0], ids[i], "continues");
	/* Each once: restore() brings back what is named here. */
	writer->ntouched = 0;
	for (int i = 0; i < n; i++)
		agm_operation_touch(writer, ids[i]);
	details = psprintf("{\"into\": " INT64_FORMAT ", \"confirmations\": " INT64_FORMAT
					   ", \"accesses\": " INT64_FORMAT "}",
					   ids[0], counts.confirmations, counts.accesses);
	agm_operation_record(
		writer, "merge",
		DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(details))));
	return true;
}

/*
 * newest.c
 *		With nothing asked: the newest memories of a namespace, now or at an instant of knowledge.
 *
 * README rule 1; which indexes find them at an instant: src/memory/README.md, "Versions", 8.
 */
#include "postgres.h"

#include <float.h>

#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"

#include "recall/newest.h"
#include "recall/rows.h"

typedef struct NewestReader
{
	AgmPool *pool;
	AgmSource source;
	bool is_cut; /* there are more than were looked at */
} NewestReader;

/* Columns: id, bytes, beginning, place; newest first.  All null: the list is cut. */
static void
read_newest(TupleTableSlot *slot, void *arg)
{
	NewestReader *reader = arg;
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	AgmCandidate *candidate;
	Datum started;

	reader->is_cut |= isnull;
	if (isnull)
		return;
	candidate = agm_pool_add(reader->pool, id,
							 agm_place_of(reader->pool->recall, reader->source, slot, 4));
	candidate->bytes = DatumGetInt32(slot_getattr(slot, 2, &isnull));
	started = slot_getattr(slot, 3, &isnull);
	/* Microseconds since 2000 are exact in a double up to the year 2285; open ends last. */
	candidate->score = isnull ? -DBL_MAX : (double) DatumGetTimestampTz(started);
}

#define AHEAD                                                                                  \
	" AND (pg_catalog.lower(m.valid_period) OPERATOR(pg_catalog.-)"                            \
	"      pg_catalog.lower(m.system_period)) OPERATOR(pg_catalog.>)"                          \
	" '1 hour'::pg_catalog.interval"

/*
 * Of an instant of knowledge, $3: those that had begun about then, which an index finds going
 * back from there; those that were to begin later, for which the history has an index of its own
 * (most of what begins later was not known yet); and those without beginning.
 */
static const struct
{
	const char *where;
	const char *ahead;
} known_parts[] = {
	{" AND pg_catalog.lower(m.valid_period) OPERATOR(pg_catalog.<=)"
	 " ($3 OPERATOR(pg_catalog.+) '1 hour'::pg_catalog.interval)",
	 ""},
	{" AND pg_catalog.lower(m.valid_period) OPERATOR(pg_catalog.>)"
	 " ($3 OPERATOR(pg_catalog.+) '1 hour'::pg_catalog.interval)",
	 AHEAD},
	{" AND pg_catalog.lower(m.valid_period) IS NULL", ""},
};

static void
newest_params(const AgmRecall *recall, const AgmSearched *searched, AgmParams *params)
{
	agm_param(params, TEXTOID, searched->name, false);
	agm_param(params, INT8OID, Int64GetDatum(recall->k), false);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(recall->filter.known_at), false);
}

static void
list_newest_of(AgmPool *pool, const AgmSearched *searched, AgmSource source, AgmAccess access,
			   const char *where, const char *ahead)
{
	const AgmRecall *recall = pool->recall;
	NewestReader reader = {pool, source, false};
	AgmParams params = {0};
	StringInfoData sql;

	newest_params(recall, searched, &params);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, pg_catalog.octet_length(m.content),"
								 " pg_catalog.lower(m.valid_period), m.ctid");
	agm_filter_from(&recall->filter, source, access, "", &sql, &params);
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	appendStringInfo(&sql,
					 "%s%s ORDER BY pg_catalog.lower(m.valid_period) DESC NULLS LAST,"
					 " m.id DESC LIMIT $2",
					 where, ahead);
	(void) agm_execute(&recall->store, sql.data, &params, AGM_READ | AGM_PLAN_CUSTOM, "l?iz?c?",
					   read_newest, &reader);
}

/* So many are looked at by a plan that is kept, before one is made for the values. */
#define FIRST(recall) (20 * (int64) (recall)->k + 100)

static void
first_params(const AgmRecall *recall, const AgmSearched *searched, AgmParams *params)
{
	newest_params(recall, searched, params);
	agm_param(params, INT8OID, Int64GetDatum(FIRST(recall)), false);
}

/* Adds what the statement finds; nothing, and false, if it says that it has not looked at all. */
static bool
add_unless_cut(AgmPool *pool, AgmSource source, const char *sql, const AgmParams *params)
{
	NewestReader reader = {pool, source, false};
	int before = pool->n;

	(void) agm_execute(&pool->recall->store, sql, params, AGM_READ | AGM_PLAN_ORDERED,
					   "l?iz?c?", read_newest, &reader);
	if (reader.is_cut)
		pool->n = before;
	return !reader.is_cut;
}

/*
 * The same of a part, if they are among the first so many in the order of the index, whether they
 * pass or not: by a plan that is kept, while one for the values takes longer to make than to run.
 */
static bool
list_first_of(AgmPool *pool, const AgmSearched *searched, AgmSource source, const char *where,
			  const char *ahead)
{
	const AgmRecall *recall = pool->recall;
	bool in_history = source == AGM_HISTORY;
	/* The index of what is ahead has no nulls, and so no place for them. */
	const char *order = in_history && *ahead != '\0' ? "" : " NULLS LAST";
	char *from = psprintf(" FROM {store}.%s m WHERE m.namespace OPERATOR(pg_catalog.=) $1%s%s"
						  " ORDER BY pg_catalog.lower(m.valid_period) DESC%s, m.id DESC",
						  in_history ? "memory_history" : "memory", where,
						  in_history ? ahead : "", order);
	AgmParams params = {0};
	StringInfoData sql;

	first_params(recall, searched, &params);
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "(SELECT m.id, pg_catalog.octet_length(m.content),"
					 " pg_catalog.lower(m.valid_period), m.ctid"
					 " FROM (SELECT m.*, m.ctid%s LIMIT $4) m"
					 " WHERE m.system_period OPERATOR(pg_catalog.@>) $3%s",
					 from, in_history ? "" : ahead);
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	/* Reached only if the first are fewer than are wanted. */
	appendStringInfo(&sql,
					 " LIMIT $2) UNION ALL (SELECT NULL, 0, NULL, NULL"
					 " FROM (SELECT%s OFFSET $4 LIMIT 1) more) LIMIT $2",
					 from);
	return add_unless_cut(pool, source, sql.data, &params);
}

/*
 * All of memory that was known then, if it is few by now: of what has changed since, the history
 * has the version.
 */
static bool
list_unchanged(AgmPool *pool, const AgmSearched *searched)
{
	static const char from[] =
		" FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND pg_catalog.lower(m.system_period) OPERATOR(pg_catalog.<=) $3"
		" ORDER BY pg_catalog.lower(m.system_period)";
	const AgmRecall *recall = pool->recall;
	AgmParams params = {0};
	StringInfoData sql;

	first_params(recall, searched, &params);
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT NULL, 0, NULL, NULL FROM (SELECT%s OFFSET $4 LIMIT 1) more"
					 " UNION ALL SELECT m.id, pg_catalog.octet_length(m.content),"
					 " pg_catalog.lower(m.valid_period), m.ctid"
					 " FROM (SELECT m.*, m.ctid%s LIMIT $4) m"
					 " WHERE m.system_period OPERATOR(pg_catalog.@>) $3",
					 from, from);
	agm_filter_append(&recall->filter, searched->has_hidden, &sql, &params);
	return add_unless_cut(pool, AGM_MEMORY, sql.data, &params);
}

/* README rule 1: nothing asked, so the newest that pass the filter. */
void
agm_newest_list(AgmPool *pool, const AgmSearched *searched)
{
	if (!pool->recall->filter.has_known_at)
	{
		list_newest_of(pool, searched, AGM_MEMORY, AGM_ANY_INDEX, "", "");
		return;
	}
	for (AgmSource source = list_unchanged(pool, searched) ? AGM_HISTORY : AGM_MEMORY;
		 source < AGM_NSOURCES; source++)
		for (size_t i = 0; i < lengthof(known_parts); i++)
			if (!list_first_of(pool, searched, source, known_parts[i].where,
							   known_parts[i].ahead))
				list_newest_of(pool, searched, source, i == 0 ? AGM_ANY_INDEX : AGM_OTHER_INDEX,
							   known_parts[i].where, known_parts[i].ahead);
}

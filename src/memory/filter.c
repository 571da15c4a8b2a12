/*
 * filter.c
 *		From filter arguments to conditions of SQL.
 *
 * Only conditions that were asked for are written, so that the planner sees the query a
 * person would have written by hand.  What each argument means: src/memory/README.md.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "memory/filter.h"
#include "memory/span.h"

/* The life of a memory; the first three are recalled unless others are asked for. */
static const char *const all_states[] = {"active", "warm", "cold", "archived", "forgotten"};
#define NSHOWN 3

void
agm_check_array(ArrayType *array, const char *argument)
{
	if (array == NULL)
		return;
	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
						errmsg("%s must be a one-dimensional array", argument),
						errhint("For example '{a,b}'.")));
	if (array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("%s must not contain null", argument),
						errhint("Remove the null elements, or leave the argument out.")));
}

static int
array_strings(ArrayType *array, char ***strings)
{
	Datum *items;
	int n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &items, NULL, &n);
	*strings = palloc(sizeof(char *) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*strings)[i] = TextDatumGetCString(items[i]);
	return n;
}

static bool
contains(char **strings, int n, const char *word)
{
	for (int i = 0; i < n; i++)
		if (strcmp(strings[i], word) == 0)
			return true;
	return false;
}

static void
check_states(AgmFilter *filter)
{
	char **states;
	int n;

	if (filter->states == NULL)
		return;
	n = array_strings(filter->states, &states);
	for (int i = 0; i < n; i++)
	{
		bool known = false;

		for (size_t j = 0; j < lengthof(all_states); j++)
			known |= strcmp(states[i], all_states[j]) == 0;
		if (!known)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("unknown state \"%s\"", states[i]),
							errhint("Use active, warm, cold, archived or forgotten.")));
	}
	filter->default_states =
		!contains(states, n, "archived") && !contains(states, n, "forgotten");
	for (int i = 0; i < NSHOWN; i++)
		filter->default_states &= contains(states, n, all_states[i]);
	if (filter->has_known_at && !filter->default_states)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("states and known_at cannot be given together"),
						errdetail("What state a memory was in is not kept."),
						errhint("Leave states out.")));
}

typedef struct KindsReader
{
	char *unknown; /* the first kind asked for that the store does not have */
	ArrayType *occurrences;
	ArrayType *vault;
} KindsReader;

static void
read_kinds(TupleTableSlot *slot, void *arg)
{
	KindsReader *reader = arg;
	bool isnull;
	Datum value;

	value = slot_getattr(slot, 1, &isnull);
	reader->unknown = isnull ? NULL : TextDatumGetCString(value);
	value = slot_getattr(slot, 2, &isnull);
	reader->occurrences = isnull ? NULL : DatumGetArrayTypePCopy(value);
	value = slot_getattr(slot, 3, &isnull);
	reader->vault = isnull ? NULL : DatumGetArrayTypePCopy(value);
}

ArrayType *
agm_shown_states(void)
{
	Datum states[] = {CStringGetTextDatum("active"), CStringGetTextDatum("warm"),
					  CStringGetTextDatum("cold")};

	return construct_array(states, lengthof(states), TEXTOID, -1, false, TYPALIGN_INT);
}

/* The store's kinds, seen once: does it have those asked for, and which are occurrences? */
static void
check_kinds(AgmFilter *filter, const AgmStore *store)
{
	AgmParams params = {0};
	KindsReader reader = {NULL, NULL, NULL};

	agm_param(&params, TEXTARRAYOID, PointerGetDatum(filter->kinds), filter->kinds == NULL);
	(void) agm_execute(
		store,
		"SELECT (SELECT w.name FROM pg_catalog.unnest($1) WITH ORDINALITY w(name, i)"
		"        WHERE NOT EXISTS (SELECT FROM {store}.kind k"
		"                          WHERE k.name OPERATOR(pg_catalog.=) w.name)"
		"        ORDER BY w.i LIMIT 1),"
		"       (SELECT pg_catalog.array_agg(k.name) FROM {store}.kind k"
		"        WHERE k.validity OPERATOR(pg_catalog.=) 'occurrence'),"
		"       (SELECT pg_catalog.array_agg(k.name) FROM {store}.kind k"
		"        WHERE k.class OPERATOR(pg_catalog.=) 'vault')",
		&params, AGM_READ | AGM_PLAN_GENERIC, "t?T?T?", read_kinds, &reader);
	if (reader.unknown != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown kind \"%s\"", reader.unknown),
						errhint("SELECT name FROM %s.kind lists the kinds of this store.",
								store->quoted)));
	filter->occurrences = reader.occurrences;
	filter->vault = reader.vault;
}

void
agm_filter_check(AgmFilter *filter, const AgmStore *store)
{
	agm_check_array(filter->kinds, "kinds");
	agm_check_array(filter->tags, "tags");
	agm_check_array(filter->tags_any, "tags_any");
	agm_check_array(filter->states, "states");
	check_states(filter);
	if (filter->has_valid_at && filter->during != NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("valid_at and during cannot be given together"),
						errhint("valid_at asks for an instant, during for a span of time.")));

	/*
	 * The clock, not the transaction's start: what this transaction has just remembered
	 * holds from an instant after its start, and must be found.
	 */
	filter->now = filter->has_known_at ? filter->known_at : GetCurrentTimestamp();
	check_kinds(filter, store);
}

void
agm_filter_take(AgmFilter *filter, const AgmFilter *checked)
{
	check_states(filter);
	filter->now = checked->now;
	filter->occurrences = checked->occurrences;
	filter->vault = checked->vault;
}

bool
agm_filter_needs(const AgmFilter *filter, AgmSource source)
{
	return source == AGM_MEMORY || filter->has_known_at;
}

static int
known_param(const AgmFilter *filter, AgmParams *params)
{
	return agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(filter->known_at), false);
}

static int
since_param(const AgmFilter *filter, AgmParams *params)
{
	return agm_param(params, TIMESTAMPTZARRAYOID, agm_span_since(filter->known_at), false);
}

/* Reads nothing but the index of time: look-ups in it, one a level. */
static void
from_time_index(int known, int since, StringInfo sql)
{
	appendStringInfo(
		sql,
		" FROM pg_catalog.unnest($%d) WITH ORDINALITY l(since, n) CROSS JOIN LATERAL"
		" (SELECT h.tokens FROM {store}.memory_history h"
		"  WHERE h.namespace OPERATOR(pg_catalog.=) $1"
		"  AND agentmem.history_level(h.system_period) OPERATOR(pg_catalog.=)"
		"   (l.n OPERATOR(pg_catalog.-) 1)"
		"  AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.>) l.since"
		"  AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.<=) $%d"
		"  AND pg_catalog.upper(h.system_period) OPERATOR(pg_catalog.>) $%d OFFSET 0) m"
		" WHERE true",
		since, known, known);
}

/* The same as alternatives, from which the planner can make a bitmap or not. */
static void
append_levels(int known, int since, StringInfo sql)
{
	for (int level = 0; level < AGM_PERIOD_LEVELS; level++)
		appendStringInfo(
			sql,
			"%s (agentmem.history_level(m.system_period) OPERATOR(pg_catalog.=) %d"
			" AND pg_catalog.lower(m.system_period) OPERATOR(pg_catalog.>) ($%d)[%d]"
			" AND pg_catalog.lower(m.system_period) OPERATOR(pg_catalog.<=) $%d"
			" AND pg_catalog.upper(m.system_period) OPERATOR(pg_catalog.>) $%d)",
			level == 0 ? " AND (" : " OR", level, since, level + 1, known, known);
	appendStringInfoChar(sql, ')');
}

/* README, "Versions": how the index of time is used. */
void
agm_filter_from(const AgmFilter *filter, AgmSource source, AgmAccess access, const char *join,
				StringInfo sql, AgmParams *params)
{
	int known = filter->has_known_at ? known_param(filter, params) : 0;

	if (source == AGM_HISTORY && access == AGM_TIME_INDEX)
	{
		from_time_index(known, since_param(filter, params), sql);
		return;
	}
	appendStringInfo(sql,
					 " FROM {store}.%s m%s WHERE (m.namespace OPERATOR(pg_catalog.=) $1)%s",
					 source == AGM_MEMORY ? "memory" : "memory_history", join,
					 access == AGM_NO_INDEX ? " IS TRUE" : "");
	if (!filter->has_known_at)
		return;
	appendStringInfo(sql, " AND m.system_period OPERATOR(pg_catalog.@>) $%d", known);
	if (access == AGM_OTHER_INDEX || access == AGM_NO_INDEX)
		return;
	if (source == AGM_MEMORY)
		appendStringInfo(
			sql, " AND pg_catalog.lower(m.system_period) OPERATOR(pg_catalog.<=) $%d", known);
	else
		append_levels(known, since_param(filter, params), sql);
}

/*
 * One that has ended is found by the history's primary key, since periods are ordered by their
 * beginning: it is the last of those that had begun.
 */
void
agm_filter_version(const AgmFilter *filter, AgmSource source, const char *which, StringInfo sql,
				   AgmParams *params)
{
	int known;

	if (source == AGM_MEMORY)
		appendStringInfo(sql,
						 "(SELECT c.*, c.ctid FROM {store}.memory c WHERE c.namespace "
						 "OPERATOR(pg_catalog.=) $1 AND %s) c WHERE true",
						 which);
	if (!filter->has_known_at)
		return;
	known = known_param(filter, params);
	if (source == AGM_HISTORY)
		appendStringInfo(
			sql,
			"(SELECT c.*, c.ctid FROM {store}.memory_history c"
			" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND %s"
			" AND c.system_period OPERATOR(pg_catalog.<=) pg_catalog.tstzrange($%d, NULL)"
			" ORDER BY c.system_period DESC LIMIT 1) c WHERE true",
			which, known);
	appendStringInfo(sql, " AND c.system_period OPERATOR(pg_catalog.@>) $%d", known);
}

/*
 * Valid time.  A state must hold at the instant; an occurrence is found whenever it was,
 * unless the caller asks for an instant.  A span replaces the instant for both.
 */
static void
append_validity(const AgmFilter *filter, StringInfo sql, AgmParams *params)
{
	if (filter->during != NULL)
	{
		appendStringInfo(
			sql, " AND m.valid_period OPERATOR(pg_catalog.&&) $%d",
			agm_param(params, TSTZRANGEOID, RangeTypePGetDatum(filter->during), false));
		return;
	}
	if (filter->has_valid_at)
	{
		appendStringInfo(
			sql, " AND m.valid_period OPERATOR(pg_catalog.@>) $%d",
			agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(filter->valid_at), false));
		return;
	}
	appendStringInfoString(sql, " AND (");
	if (filter->occurrences != NULL)
		appendStringInfo(
			sql, "m.kind OPERATOR(pg_catalog.=) ANY ($%d) OR ",
			agm_param(params, TEXTARRAYOID, PointerGetDatum(filter->occurrences), false));
	appendStringInfo(
		sql, "m.valid_period OPERATOR(pg_catalog.@>) $%d)",
		agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(filter->now), false));
}

/*
 * States.  Most memories have no row in activity and are active; the few that are hidden
 * by default have an index of their own, which the words of this condition must match.
 */
static void
append_states(const AgmFilter *filter, bool hidden, StringInfo sql, AgmParams *params)
{
	/* Bookkeeping has no versions: of an instant of knowledge nothing is asked. */
	if (filter->states == NULL || filter->has_known_at)
		return;
	if (filter->default_states)
	{
		if (hidden)
			appendStringInfoString(sql, " AND NOT EXISTS (SELECT FROM {store}.activity a"
										" WHERE a.namespace OPERATOR(pg_catalog.=) $1"
										" AND a.id OPERATOR(pg_catalog.=) m.id"
										" AND a.state OPERATOR(pg_catalog.<>) ALL "
										"('{active,warm,cold}'::pg_catalog.text[]))");
		return;
	}
	appendStringInfo(sql,
					 " AND coalesce((SELECT a.state FROM {store}.activity a"
					 " WHERE a.namespace OPERATOR(pg_catalog.=) $1"
					 " AND a.id OPERATOR(pg_catalog.=) m.id), 'active')"
					 " OPERATOR(pg_catalog.=) ANY ($%d)",
					 agm_param(params, TEXTARRAYOID, PointerGetDatum(filter->states), false));
}

static void
append_text(StringInfo sql, AgmParams *params, const char *condition, Oid type, void *value)
{
	if (value != NULL)
		appendStringInfo(sql, " AND %s $%d", condition,
						 agm_param(params, type, PointerGetDatum(value), false));
}

/* Subject and predicate are stored as written and compared folded. */
static void
append_folded(StringInfo sql, AgmParams *params, const char *column, text *value)
{
	if (value != NULL)
		appendStringInfo(sql,
						 " AND m.%s IS NOT NULL AND agentmem.fold(m.%s)"
						 " OPERATOR(pg_catalog.=) agentmem.fold($%d)",
						 column, column,
						 agm_param(params, TEXTOID, PointerGetDatum(value), false));
}

void
agm_filter_append(const AgmFilter *filter, bool hidden, StringInfo sql, AgmParams *params)
{
	append_validity(filter, sql, params);
	appendStringInfo(
		sql, " AND (m.expires_at IS NULL OR m.expires_at OPERATOR(pg_catalog.>) $%d)",
		agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(filter->now), false));
	if (filter->kinds != NULL)
		appendStringInfo(
			sql, " AND m.kind OPERATOR(pg_catalog.=) ANY ($%d)",
			agm_param(params, TEXTARRAYOID, PointerGetDatum(filter->kinds), false));
	if (filter->hides_vault && filter->vault != NULL)
		appendStringInfo(
			sql, " AND m.kind OPERATOR(pg_catalog.<>) ALL ($%d)",
			agm_param(params, TEXTARRAYOID, PointerGetDatum(filter->vault), false));
	/* Every memory contains nothing, also one whose column is NULL. */
	if (filter->tags != NULL && ARR_NDIM(filter->tags) > 0)
		append_text(sql, params, "m.tags OPERATOR(pg_catalog.@>)", TEXTARRAYOID, filter->tags);
	append_text(sql, params, "m.tags OPERATOR(pg_catalog.&&)", TEXTARRAYOID, filter->tags_any);
	if (filter->attributes != NULL &&
		!(JB_ROOT_IS_OBJECT(filter->attributes) && JB_ROOT_COUNT(filter->attributes) == 0))
		append_text(sql, params, "m.attributes OPERATOR(pg_catalog.@>)", JSONBOID,
					filter->attributes);
	append_text(sql, params, "m.session OPERATOR(pg_catalog.=)", TEXTOID, filter->session);
	append_folded(sql, params, "subject", filter->subject);
	append_folded(sql, params, "predicate", filter->predicate);
	append_states(filter, hidden, sql, params);
}

static bool
is_among(const text *name, ArrayType *names)
{
	ArrayIterator iterator = array_create_iterator(names, 0, NULL);
	bool among = false;
	bool isnull;
	Datum item;

	while (!among && array_iterate(iterator, &item, &isnull))
	{
		const text *other = DatumGetTextPP(item);

		among = VARSIZE_ANY_EXHDR(other) == VARSIZE_ANY_EXHDR(name) &&
				memcmp(VARDATA_ANY(other), VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0;
	}
	array_free_iterator(iterator);
	return among;
}

bool
agm_filter_holds(const AgmFilter *filter, const text *kind, const RangeType *valid_period,
				 const TimestampTz *expires_at)
{
	Assert(filter->default_states && !filter->has_known_at && filter->during == NULL);
	if (expires_at != NULL && *expires_at <= filter->now)
		return false;
	if (!filter->has_valid_at && kind != NULL && filter->occurrences != NULL &&
		is_among(kind, filter->occurrences))
		return true;
	return valid_period != NULL &&
		   range_contains_elem_internal(
			   lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO), valid_period,
			   TimestampTzGetDatum(filter->has_valid_at ? filter->valid_at : filter->now));
}

/*
 * hold.c
 *		Holding a category: the row of cache_state that everyone locks who writes its entries.
 *
 * Rules: src/cache/README.md, invariants 3, 4, 7 and 8.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "lib/qunique.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache.h"

/* Claims that nobody ended go so long after their lease; until then a late answer is taken. */
#define STALE_CLAIM "'1 hour'::pg_catalog.interval"

/* Rows of cache_log that are folded at once; of what they say was hit, so much is marked. */
#define LOG_ROWS 64
#define LOG_IDS_MAX 65536

/* A row that is there and cannot be seen, by a policy of the owner's, never comes. */
#define HOLD_TRIES 10

#define OF_KEY(t)                                                                              \
	t ".namespace OPERATOR(pg_catalog.=) $1 AND " t ".category OPERATOR(pg_catalog.=) $2"

static uint64
run(const AgmCache *cache, const char *sql, const AgmParams *params, int flags)
{
	return agm_execute(&cache->store, sql, params, AGM_WRITE | flags, NULL, NULL, NULL);
}

/*
 * Who writes here keeps the namespace's row from being locked by erase(), which so waits for all
 * that is under way and then finds it.  As the owner: no privilege is needed to be in order.  But
 * nobody keeps the erase of a namespace waiting that a policy hides from him.
 */
void
agm_cache_wait_for_erase(AgmCache *cache)
{
	AgmParams params = cache->key;

	params.n = 1;
	if (cache->under_policy &&
		run(cache,
			"SELECT FROM {store}.namespace n WHERE n.namespace OPERATOR(pg_catalog.=) $1",
			&params, AGM_PLAN_GENERIC) == 0)
		return;
	(void) run(cache,
			   "SELECT FROM {store}.namespace n WHERE n.namespace OPERATOR(pg_catalog.=) $1"
			   " FOR KEY SHARE OF n",
			   &params, AGM_PLAN_GENERIC | AGM_AS_OWNER);
}

static void
read_state(TupleTableSlot *slot, void *arg)
{
	AgmCacheHold *hold = arg;
	bool isnull;

	hold->entries = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	hold->fresh = DatumGetInt64(slot_getattr(slot, 2, &isnull));
	hold->phase = DatumGetInt64(slot_getattr(slot, 3, &isnull));
	hold->seed = DatumGetInt64(slot_getattr(slot, 4, &isnull));
	hold->evicted = DatumGetInt64(slot_getattr(slot, 5, &isnull));
}

#define STATE " t.entries, t.fresh, t.phase, t.seed, t.evicted"

/* Locks the category's row.  False: there is none, or (not `wait`) somebody else holds it. */
bool
agm_cache_hold(AgmCache *cache, AgmCacheHold *hold, bool wait)
{
	memset(hold, 0, sizeof(*hold));
	hold->cache = cache;
	return agm_execute(
			   &cache->store,
			   wait ? "SELECT" STATE
					  " FROM {store}.cache_state t WHERE " OF_KEY("t") " FOR UPDATE OF t"
					: "SELECT" STATE " FROM {store}.cache_state t WHERE " OF_KEY(
						  "t") " FOR UPDATE OF t SKIP LOCKED",
			   &cache->key, AGM_WRITE | AGM_PLAN_GENERIC, "lllll", read_state, hold) > 0;
}

/* The same, and makes the row where there is none; again, if another made it and took it away. */
void
agm_cache_hold_or_make(AgmCache *cache, AgmCacheHold *hold)
{
	for (int tries = 0; !agm_cache_hold(cache, hold, true); tries++)
	{
		if (tries == HOLD_TRIES)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("category \"%s\" of the cache was changed meanwhile",
								   TextDatumGetCString(cache->category)),
							errhint("Try the transaction again.")));
		if (agm_execute(&cache->store,
						"INSERT INTO {store}.cache_state AS t (namespace, category)"
						" VALUES ($1, $2) ON CONFLICT (namespace, category) DO NOTHING"
						" RETURNING" STATE,
						&cache->key, AGM_WRITE | AGM_PLAN_GENERIC, "lllll", read_state,
						hold) > 0)
			return;
	}
}

/* With this an entry's draw is another in each phase, and the same for the same seed. */
int64
agm_cache_draw_salt(const AgmCacheHold *hold)
{
	return hold->seed ^ (hold->phase * INT64CONST(0x5851F42D4C957F2D));
}

/* A part of the log: rows from `from` on; then from where the next ones are. */
typedef struct LogPart
{
	AgmCacheCounts *counts;
	TimestampTz from;
} LogPart;

static void
read_log(TupleTableSlot *slot, void *arg)
{
	LogPart *part = arg;
	AgmCacheCounts *counts = part->counts;
	bool isnull;
	TimestampTz created = DatumGetTimestampTz(slot_getattr(slot, 5, &isnull));
	Datum *items;
	int n;

	if (created != DT_NOEND)
		part->from = Max(part->from, created + 1);

	counts->hits += DatumGetInt64(slot_getattr(slot, 1, &isnull));
	counts->misses += DatumGetInt64(slot_getattr(slot, 2, &isnull));
	counts->get_us += DatumGetInt64(slot_getattr(slot, 3, &isnull));
	deconstruct_array(DatumGetArrayTypeP(slot_getattr(slot, 4, &isnull)), INT8OID,
					  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items, NULL, &n);
	for (int i = 0; i < n && counts->nids < LOG_IDS_MAX; i++)
	{
		int64 id = DatumGetInt64(items[i]);

		agm_counts_add_ids(counts, &id, 1);
	}
}

/* Namespace and ids: with the category too, a plan could go by an index that begins with both. */
#define OF_IDS(t)                                                                              \
	t ".namespace OPERATOR(pg_catalog.=) $1 AND " t ".id OPERATOR(pg_catalog.=) ANY ($2)"

static AgmParams
ids_params(const AgmCacheHold *hold, const int64 *ids, int n)
{
	AgmParams params = hold->cache->key;

	params.n = 1;
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	return params;
}

/* Those that were hit are in the present phase from now on; `which`: of those in what phase. */
static uint64
mark(AgmCacheHold *hold, const char *which)
{
	AgmParams params = ids_params(hold, hold->counts.ids, hold->counts.nids);

	agm_param(&params, INT8OID, Int64GetDatum(hold->phase), false);
	agm_param(&params, INT8OID, Int64GetDatum(agm_cache_draw_salt(hold)), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(hold->cache->now), false);
	return run(hold->cache,
			   psprintf("UPDATE {store}.cache_use u SET phase = $3,"
						" draw = pg_catalog.hashint8extended(u.id, $4), last_hit = $5"
						" WHERE " OF_IDS("u") " AND %s",
						which),
			   &params, AGM_PLAN_CUSTOM);
}

static int
compare_ids(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return (x > y) - (x < y);
}

static void
mark_hit(AgmCacheHold *hold)
{
	AgmCacheCounts *counts = &hold->counts;

	if (counts->nids == 0)
		return;
	qsort(counts->ids, counts->nids, sizeof(int64), compare_ids);
	counts->nids = (int) qunique(counts->ids, counts->nids, sizeof(int64), compare_ids);
	hold->fresh -= mark(hold, "u.phase OPERATOR(pg_catalog.=) 0");
	(void) mark(hold, "u.phase OPERATOR(pg_catalog.<) $3");
}

/*
 * Takes the oldest rows of a part of the log, and (`marks`) marks what was hit.  False: there are no
 * more.  By the index, whatever it is thought to cost: the log may have grown long.
 */
static bool
fold_part(AgmCacheHold *hold, LogPart *part, bool marks)
{
	AgmParams params = hold->cache->key;
	uint64 rows;

	agm_param(&params, INT8OID, Int64GetDatum(LOG_ROWS), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(part->from), false);
	rows = agm_execute(
		&hold->cache->store,
		"DELETE FROM {store}.cache_log g WHERE g.namespace OPERATOR(pg_catalog.=) $1"
		" AND g.category OPERATOR(pg_catalog.=) $2 AND g.created OPERATOR(pg_catalog.>=) $4"
		" AND g.created OPERATOR(pg_catalog.<=) (SELECT pg_catalog.max(o.created) FROM"
		"  (SELECT l.created FROM {store}.cache_log l"
		"   WHERE l.namespace OPERATOR(pg_catalog.=) $1 AND l.category OPERATOR(pg_catalog.=) "
		"$2"
		"   AND l.created OPERATOR(pg_catalog.>=) $4"
		"   ORDER BY l.namespace, l.category, l.created LIMIT $3) o)"
		" RETURNING g.hits, g.misses, g.get_us, g.ids, g.created",
		&params, AGM_WRITE | AGM_PLAN_ORDERED, "lllLz", read_log, part);
	if (marks)
		mark_hit(hold);
	hold->counts.nids = 0;
	return rows >= LOG_ROWS;
}

/* What a put takes of the log. */
void
agm_cache_fold(AgmCacheHold *hold)
{
	LogPart part = {&hold->counts, DT_NOBEGIN};

	(void) fold_part(hold, &part, true);
}

/* All of it; each part begins behind the last one, so as not to pass by what was deleted. */
static void
fold_all(AgmCacheHold *hold, bool marks)
{
	LogPart part = {&hold->counts, DT_NOBEGIN};
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "agentmem cache log",
												ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(batch);
	bool more = true;

	while (more)
	{
		more = fold_part(hold, &part, marks);
		hold->counts.ids = NULL;
		hold->counts.capacity = 0;
		MemoryContextReset(batch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(batch);
}

typedef struct Removed
{
	int64 entries;
	int64 fresh;
} Removed;

static void
read_removed(TupleTableSlot *slot, void *arg)
{
	Removed *removed = arg;
	bool isnull;

	removed->entries++;
	removed->fresh += DatumGetInt64(slot_getattr(slot, 1, &isnull)) == 0;
}

/* Removes entries; how many there were. */
int64
agm_cache_remove(AgmCacheHold *hold, const int64 *ids, int n)
{
	AgmParams params = ids_params(hold, ids, n);
	Removed removed = {0};
	uint64 entries;

	entries = run(hold->cache, "DELETE FROM {store}.cache c WHERE " OF_IDS("c"), &params,
				  AGM_PLAN_CUSTOM);
	(void) agm_execute(
		&hold->cache->store,
		"DELETE FROM {store}.cache_use u WHERE " OF_IDS("u") " RETURNING u.phase", &params,
		AGM_WRITE | AGM_PLAN_CUSTOM, "l", read_removed, &removed);
	hold->entries -= removed.entries;
	hold->fresh -= removed.fresh;
	return Max(removed.entries, (int64) entries);
}

static void
read_counted(TupleTableSlot *slot, void *arg)
{
	AgmCacheHold *hold = arg;
	bool isnull;

	hold->entries = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	hold->fresh = DatumGetInt64(slot_getattr(slot, 2, &isnull));
}

void
agm_cache_recount(AgmCacheHold *hold)
{
	(void) agm_execute(&hold->cache->store,
					   "SELECT pg_catalog.count(*), pg_catalog.count(*)"
					   " FILTER (WHERE u.phase OPERATOR(pg_catalog.=) 0)"
					   " FROM {store}.cache_use u WHERE " OF_KEY("u"),
					   &hold->cache->key, AGM_WRITE | AGM_PLAN_CUSTOM, "ll", read_counted,
					   hold);
}

/* Writes what the call has changed of the category's row. */
void
agm_cache_settle(AgmCacheHold *hold)
{
	AgmParams params = hold->cache->key;
	const int64 values[] = {hold->entries,		 hold->fresh,		  hold->phase,
							hold->puts,			 hold->evicted,		  hold->counts.hits,
							hold->counts.misses, hold->counts.get_us, hold->counts.fills,
							hold->counts.fill_us};

	for (size_t i = 0; i < lengthof(values); i++)
		agm_param(&params, INT8OID, Int64GetDatum(values[i]), false);
	(void) run(hold->cache,
			   "UPDATE {store}.cache_state t SET entries = $3, fresh = $4, phase = $5,"
			   " puts = t.puts OPERATOR(pg_catalog.+) $6,"
			   " evicted = $7,"
			   " hits = t.hits OPERATOR(pg_catalog.+) $8,"
			   " misses = t.misses OPERATOR(pg_catalog.+) $9,"
			   " get_us = t.get_us OPERATOR(pg_catalog.+) $10,"
			   " fills = t.fills OPERATOR(pg_catalog.+) $11,"
			   " fill_us = t.fill_us OPERATOR(pg_catalog.+) $12 WHERE " OF_KEY("t"),
			   &params, AGM_PLAN_GENERIC);
}

typedef struct Categories
{
	List *names;
} Categories;

static void
read_category_name(TupleTableSlot *slot, void *arg)
{
	Categories *categories = arg;

	categories->names = lappend(categories->names, agm_slot_text(slot, 1));
}

/* The categories that the namespace has entries or counters of, in the order of their locks. */
static List *
categories_of(AgmCache *cache)
{
	Categories categories = {NIL};
	AgmParams params = cache->key;

	params.n = 1;
	(void) agm_execute(&cache->store,
					   "SELECT t.category FROM {store}.cache_state t"
					   " WHERE t.namespace OPERATOR(pg_catalog.=) $1 ORDER BY t.category",
					   &params, AGM_WRITE | AGM_PLAN_CUSTOM, "t", read_category_name,
					   &categories);
	return categories.names;
}

/* Everything of one category that is held. */
static int64
clear_category(AgmCache *cache)
{
	AgmCacheHold hold;
	int64 n;

	if (!agm_cache_hold(cache, &hold, true))
		return 0;
	n = (int64) run(cache, "DELETE FROM {store}.cache c WHERE " OF_KEY("c"), &cache->key,
					AGM_PLAN_CUSTOM);
	(void) run(cache, "DELETE FROM {store}.cache_use u WHERE " OF_KEY("u"), &cache->key,
			   AGM_PLAN_CUSTOM);
	fold_all(&hold, false);
	agm_cache_recount(&hold);
	agm_cache_settle(&hold);
	return n;
}

/* Answers and claims of the category, or of all categories of the namespace. */
int64
agm_cache_clear(AgmCache *cache)
{
	int64 n = 0;
	ListCell *cell;

	agm_cache_wait_for_erase(cache);
	(void) run(cache,
			   cache->key.n > 1 ? "DELETE FROM {store}.cache_claim c WHERE " OF_KEY("c")
								: "DELETE FROM {store}.cache_claim c"
								  " WHERE c.namespace OPERATOR(pg_catalog.=) $1",
			   &cache->key, AGM_PLAN_CUSTOM);
	if (cache->key.n > 1)
		return clear_category(cache);
	foreach (cell, categories_of(cache))
	{
		AgmCache one;

		agm_cache_of(cache, CStringGetTextDatum(lfirst(cell)), &one);
		n += clear_category(&one);
	}
	return n;
}

static int64
sweep_category(AgmCache *cache, int64 limit)
{
	AgmCacheHold hold;
	int64 n;
	int64 over;

	if (!agm_cache_hold(cache, &hold, false))
		return 0;
	fold_all(&hold, true);
	agm_cache_recount(&hold);
	n = agm_cache_expire(&hold, cache->policy.kept_from, limit);
	over = hold.entries - cache->policy.quota;
	if (over > 0 && n < limit)
		n += agm_cache_evict(&hold, over, limit - n);
	agm_cache_settle(&hold);
	return n;
}

int64
agm_cache_sweep(AgmCache *cache, int64 limit)
{
	AgmParams params = cache->key;
	int64 n = 0;
	ListCell *cell;

	agm_cache_wait_for_erase(cache);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(cache->now), false);
	(void) run(
		cache,
		"DELETE FROM {store}.cache_claim c WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		" AND c.prompt_hash OPERATOR(pg_catalog.=) ANY (ARRAY("
		"  SELECT k.prompt_hash FROM {store}.cache_claim k"
		"  WHERE k.namespace OPERATOR(pg_catalog.=) $1 AND k.leased_until"
		"  OPERATOR(pg_catalog.<) ($2 OPERATOR(pg_catalog.-) " STALE_CLAIM ")"
		"  FOR UPDATE SKIP LOCKED))"
		" AND c.leased_until OPERATOR(pg_catalog.<) ($2 OPERATOR(pg_catalog.-) " STALE_CLAIM
		")",
		&params, AGM_PLAN_CUSTOM);
	foreach (cell, categories_of(cache))
	{
		AgmCache one;

		if (n >= limit)
			break;
		agm_cache_of(cache, CStringGetTextDatum(lfirst(cell)), &one);
		n += sweep_category(&one, limit - n);
	}
	return n;
}

/*
 * tally.c
 *		Counts of look-ups that a backend keeps until something is written anyway.
 *
 * A look-up must not cost a write.  What it counts is taken by the next cache_put of the category,
 * or by one row of cache_log where there was none for a while.  It lives in a context below
 * TopMemoryContext and is lost at exit.  Rules: src/cache/README.md, invariants 5 and 6.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache.h"

/* All that a backend keeps, in bytes; of a tally the ids, which are doubled as they come. */
#define BYTES_MAX (1024 * 1024)
#define IDS_FIRST 8
#define IDS_MAX 256
#define FLUSH_MS 10000

typedef struct Tally
{
	uint64 hash; /* of store, namespace and category */
	dlist_node node;
	Oid relid;
	text *ns;
	text *category;
	TimestampTz since;
	bool is_seen; /* the category is visible, so that a row may be written about it as owner */
	AgmCacheCounts counts;
	bool has_missed;
	pg_uuid_t missed; /* the last prompt that was missed */
	TimestampTz missed_at;
} Tally;

static HTAB *tallies = NULL;
static MemoryContext tally_context = NULL;
static dlist_head by_use = DLIST_STATIC_INIT(by_use); /* the last used first */
static Size bytes = 0;

void
agm_counts_add_ids(AgmCacheCounts *counts, const int64 *ids, int n)
{
	if (n == 0)
		return;
	if (counts->nids + n > counts->capacity)
	{
		counts->capacity = Max(counts->nids + n, counts->capacity * 2);
		counts->ids = counts->ids == NULL
						  ? palloc(sizeof(int64) * counts->capacity)
						  : repalloc_huge(counts->ids, sizeof(int64) * counts->capacity);
	}
	memcpy(counts->ids + counts->nids, ids, sizeof(int64) * n);
	counts->nids += n;
}

static bool
same_text(text *a, Datum b)
{
	text *other = DatumGetTextPP(b);
	Size len = VARSIZE_ANY_EXHDR(a);

	return len == VARSIZE_ANY_EXHDR(other) &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(other), len) == 0;
}

static void
empty_counts(Tally *tally, TimestampTz now)
{
	tally->counts.hits = tally->counts.misses = tally->counts.get_us = 0;
	tally->counts.nids = 0;
	tally->since = now;
}

static uint64
tally_hash(const AgmCache *cache)
{
	text *ns = DatumGetTextPP(cache->ns);
	text *category = DatumGetTextPP(cache->category);
	uint64 hash = hash_bytes_extended((unsigned char *) VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns),
									  cache->relid);

	return hash_bytes_extended((unsigned char *) VARDATA_ANY(category),
							   VARSIZE_ANY_EXHDR(category), hash);
}

static Size
tally_bytes(const Tally *tally)
{
	return sizeof(Tally) + VARSIZE_ANY(tally->ns) + VARSIZE_ANY(tally->category) +
		   sizeof(int64) * tally->counts.capacity;
}

static Tally *
find_tally(const AgmCache *cache)
{
	uint64 hash = tally_hash(cache);
	Tally *tally = tallies == NULL ? NULL : hash_search(tallies, &hash, HASH_FIND, NULL);

	if (tally == NULL || tally->relid != cache->relid || !same_text(tally->ns, cache->ns) ||
		!same_text(tally->category, cache->category))
		return NULL;
	dlist_move_head(&by_use, &tally->node);
	return tally;
}

static void
free_tally(Tally *tally)
{
	bytes -= tally_bytes(tally);
	dlist_delete(&tally->node);
	pfree(tally->ns);
	pfree(tally->category);
	pfree(tally->counts.ids);
	(void) hash_search(tallies, &tally->hash, HASH_REMOVE, NULL);
}

/*
 * What was counted goes into the log, as the owner: that the category is visible was seen before.
 * A trigger may bring us here again, so the tally may be another or gone afterwards.
 */
static void
write_log(AgmCache *cache, Tally *tally, bool frees)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, datumCopy(PointerGetDatum(tally->ns), false, -1), false);
	agm_param(&params, TEXTOID, datumCopy(PointerGetDatum(tally->category), false, -1), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.hits), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.misses), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.get_us), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(tally->counts.ids, tally->counts.nids),
			  false);
	if (frees)
		free_tally(tally);
	else
		empty_counts(tally, cache->now);
	(void) agm_execute(
		&cache->store,
		"INSERT INTO {store}.cache_log (namespace, category, hits, misses, get_us, ids)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
}

/*
 * The one that was not used for longest.  What it counted is written, but not into another store:
 * a look-up neither waits for what is locked there nor fails by it; nor for what may be on another server.
 */
static void
give_way(AgmCache *cache)
{
	Tally *tally = dlist_tail_element(Tally, node, &by_use);

	if (tally->relid == cache->relid && tally->is_seen &&
		(!cache->store.distributed || same_text(tally->ns, cache->ns)) &&
		tally->counts.hits + tally->counts.misses > 0)
		write_log(cache, tally, true);
	else
		free_tally(tally);
}

static void
create_tallies(void)
{
	HASHCTL ctl = {0};

	tally_context = AllocSetContextCreate(TopMemoryContext, "agentmem cache tallies",
										  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(Tally);
	ctl.hcxt = tally_context;
	tallies =
		hash_create("agentmem cache tallies", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static Tally *
make_tally(AgmCache *cache)
{
	MemoryContext old;
	Tally made = {0};
	Tally *tally;
	bool found;

	if (tallies == NULL)
		create_tallies();
	made.hash = tally_hash(cache);
	made.relid = cache->relid;
	made.since = cache->now;
	old = MemoryContextSwitchTo(tally_context);
	made.ns = DatumGetTextPCopy(cache->ns);
	made.category = DatumGetTextPCopy(cache->category);
	made.counts.capacity = IDS_FIRST;
	made.counts.ids = palloc(sizeof(int64) * IDS_FIRST);
	MemoryContextSwitchTo(old);
	while (bytes + tally_bytes(&made) > BYTES_MAX && !dlist_is_empty(&by_use))
		give_way(cache);
	/* There is one only of the same hash by accident, or if a trigger looked the same up. */
	tally = hash_search(tallies, &made.hash, HASH_FIND, NULL);
	if (tally != NULL)
		free_tally(tally);
	tally = hash_search(tallies, &made.hash, HASH_ENTER, &found);
	Assert(!found);
	*tally = made;
	dlist_push_head(&by_use, &tally->node);
	bytes += tally_bytes(tally);
	return tally;
}

/* Makes room for one more id; false: there is none left. */
static bool
reserve_id(Tally *tally)
{
	AgmCacheCounts *counts = &tally->counts;
	Size more = sizeof(int64) * counts->capacity;

	if (counts->nids < counts->capacity)
		return true;
	if (counts->capacity >= IDS_MAX || bytes + more > BYTES_MAX)
		return false;
	counts->ids = repalloc(counts->ids, 2 * more);
	counts->capacity *= 2;
	bytes += more;
	return true;
}

/* Who may not write is not counted. */
static bool
may_count(const AgmCache *cache)
{
	Oid log;

	if (XactReadOnly || RecoveryInProgress() || IsInParallelMode())
		return false;
	log = get_relname_relid("cache_log", get_namespace_oid(cache->store.name, false));
	return OidIsValid(log) && pg_class_aclcheck(log, GetUserId(), ACL_INSERT) == ACLCHECK_OK;
}

static Tally *
count_into(AgmCache *cache, int64 us)
{
	Tally *tally;

	if (!may_count(cache))
		return NULL;
	tally = find_tally(cache);
	if (tally == NULL)
		tally = make_tally(cache);
	tally->is_seen |= cache->policy.is_seen;
	tally->counts.get_us += us;
	return tally;
}

static void
flush_if_due(AgmCache *cache, Tally *tally)
{
	if (tally->is_seen && (tally->counts.nids == IDS_MAX ||
						   TimestampDifferenceExceeds(tally->since, cache->now, FLUSH_MS)))
		write_log(cache, tally, false);
}

void
agm_tally_hit(AgmCache *cache, int64 id, int64 us)
{
	Tally *tally = count_into(cache, us);
	bool known = false;

	if (tally == NULL)
		return;
	tally->is_seen = true; /* the entry was */
	tally->counts.hits++;
	for (int i = 0; i < tally->counts.nids && !known; i++)
		known = tally->counts.ids[i] == id;
	if (!known && !reserve_id(tally))
	{
		write_log(cache, tally, false);
		tally = find_tally(cache);
		if (tally == NULL || !reserve_id(tally))
			return;
	}
	if (!known)
		tally->counts.ids[tally->counts.nids++] = id;
	flush_if_due(cache, tally);
}

void
agm_tally_miss(AgmCache *cache, const pg_uuid_t *hash, int64 us)
{
	Tally *tally = count_into(cache, us);

	if (tally == NULL)
		return;
	tally->counts.misses++;
	tally->has_missed = hash != NULL;
	if (hash != NULL)
	{
		tally->missed = *hash;
		tally->missed_at = cache->now;
	}
	flush_if_due(cache, tally);
}

void
agm_tally_take(AgmCache *cache, const pg_uuid_t *hash, AgmCacheCounts *counts)
{
	Tally *tally = find_tally(cache);

	if (tally == NULL)
		return;
	counts->hits += tally->counts.hits;
	counts->misses += tally->counts.misses;
	counts->get_us += tally->counts.get_us;
	agm_counts_add_ids(counts, tally->counts.ids, tally->counts.nids);
	if (hash != NULL && tally->has_missed && counts->fills == 0 &&
		memcmp(&tally->missed, hash, sizeof(pg_uuid_t)) == 0)
	{
		counts->fills = 1;
		counts->fill_us = Max(0, cache->now - tally->missed_at);
	}
	tally->has_missed = false;
	empty_counts(tally, cache->now);
}

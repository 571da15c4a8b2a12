/*
 * tally.c
 *		Counts of look-ups that a backend keeps until something is written anyway.
 *
 * A look-up must not cost a write.  What it counts is taken by the next cache_put of the category,
 * or by one row of cache_log where there was none for a while.  It lives in TopMemoryContext and is
 * lost at exit.  Rules: src/cache/README.md, invariants 5 and 6.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache.h"

#define TALLIES_MAX 64
#define IDS_MAX 256
#define FLUSH_MS 10000

typedef struct Tally
{
	Oid relid; /* InvalidOid: free */
	text *ns;
	text *category;
	TimestampTz since;
	bool is_seen; /* the category is visible, so that a row may be written about it as owner */
	AgmCacheCounts counts;
	bool has_missed;
	pg_uuid_t missed; /* the last prompt that was missed */
	TimestampTz missed_at;
} Tally;

static Tally *tallies = NULL;

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

static Tally *
find_tally(const AgmCache *cache)
{
	for (int i = 0; tallies != NULL && i < TALLIES_MAX; i++)
		if (tallies[i].relid == cache->relid && same_text(tallies[i].ns, cache->ns) &&
			same_text(tallies[i].category, cache->category))
			return &tallies[i];
	return NULL;
}

static void
free_tally(Tally *tally)
{
	pfree(tally->ns);
	pfree(tally->category);
	pfree(tally->counts.ids);
	memset(tally, 0, sizeof(*tally));
}

/* A tally of the category; where all are in use the oldest gives way, with what it counted. */
static Tally *
make_tally(const AgmCache *cache)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	Tally *tally;
	text *ns;
	text *category;
	int64 *ids;

	if (tallies == NULL)
		tallies = palloc0(sizeof(Tally) * TALLIES_MAX);
	ns = DatumGetTextPCopy(cache->ns);
	category = DatumGetTextPCopy(cache->category);
	ids = palloc(sizeof(int64) * IDS_MAX);
	tally = &tallies[0];
	for (int i = 0; i < TALLIES_MAX && OidIsValid(tally->relid); i++)
		if (!OidIsValid(tallies[i].relid) || tallies[i].since < tally->since)
			tally = &tallies[i];
	if (OidIsValid(tally->relid))
		free_tally(tally);
	tally->relid = cache->relid;
	tally->ns = ns;
	tally->category = category;
	tally->counts.ids = ids;
	tally->counts.capacity = IDS_MAX;
	tally->since = cache->now;
	MemoryContextSwitchTo(old);
	return tally;
}

/* What was counted goes into the log, as the owner: that the category is visible was seen before. */
static void
write_log(AgmCache *cache, Tally *tally)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, PointerGetDatum(tally->ns), false);
	agm_param(&params, TEXTOID, PointerGetDatum(tally->category), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.hits), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.misses), false);
	agm_param(&params, INT8OID, Int64GetDatum(tally->counts.get_us), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(tally->counts.ids, tally->counts.nids),
			  false);
	empty_counts(tally, cache->now);
	(void) agm_execute(
		&cache->store,
		"INSERT INTO {store}.cache_log (namespace, category, hits, misses, get_us, ids)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
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
		write_log(cache, tally);
}

void
agm_tally_hit(AgmCache *cache, int64 id, int64 us)
{
	Tally *tally = count_into(cache, us);

	if (tally == NULL)
		return;
	tally->is_seen = true; /* the entry was */
	tally->counts.hits++;
	for (int i = 0; i < tally->counts.nids; i++)
		if (tally->counts.ids[i] == id)
		{
			flush_if_due(cache, tally);
			return;
		}
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

/*
 * cache.h
 *		The semantic cache: answers that were given before.
 *
 * Rules: src/cache/README.md.
 */
#ifndef AGM_CACHE_CACHE_H
#define AGM_CACHE_CACHE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/uuid.h"

#include "base/spi.h"
#include "base/store.h"
#include "vector/vector.h"

/* What holds for the category at this instant. */
typedef struct AgmCachePolicy
{
	float4 threshold;
	TimestampTz given_from; /* older entries are not given */
	TimestampTz kept_from;	/* older entries are removed */
	int64 quota;			/* PG_INT64_MAX: none */
	char metric;
	int dimensions; /* 0: text only */
	bool is_seen;	/* the caller sees the category's row of cache_state */
} AgmCachePolicy;

/* A category of a namespace, for the time of a call. */
typedef struct AgmCache
{
	AgmStore store;
	Oid relid;		/* of table cache: tells stores of one name apart */
	Datum ns;		/* text */
	Datum category; /* text; 0: all of the namespace */
	TimestampTz now;
	bool
		under_policy; /* row security may hide namespaces from the caller; told to writers only */
	AgmCachePolicy policy;
	AgmParams key; /* namespace and category, which every statement begins with */
} AgmCache;

/* What look-ups added up to. */
typedef struct AgmCacheCounts
{
	int64 hits;
	int64 misses;
	int64 get_us;
	int64 fills;
	int64 fill_us;
	int64 *ids; /* entries that were hit, perhaps twice */
	int nids;
	int capacity;
} AgmCacheCounts;

/* The category while its row of cache_state is locked. */
typedef struct AgmCacheHold
{
	AgmCache *cache;
	int64 entries;
	int64 fresh; /* those in phase 0 */
	int64 phase;
	int64 seed;
	int64 evicted; /* so far */
	int64 puts;	   /* to be added, as the counts are */
	AgmCacheCounts counts;
} AgmCacheHold;

/* policy.c */
extern void agm_cache_open(FunctionCallInfo fcinfo, AgmCache *cache, const char *writes);
extern void agm_cache_open_category(FunctionCallInfo fcinfo, AgmCache *cache,
									const char *writes);
extern void agm_cache_of(const AgmCache *cache, Datum category, AgmCache *other);
extern void agm_cache_require(bool missing, const char *argument);

/* get.c: whether there is an answer; `row` gets response, similarity's distance, created, id, attributes. */
extern bool agm_cache_find_prompt(AgmCache *cache, const pg_uuid_t *hash, AgmRowFn row,
								  void *arg);
extern bool agm_cache_find_similar(AgmCache *cache, Datum embedding, AgmRowFn row, void *arg);

/* put.c */
typedef struct AgmAnswer
{
	Datum prompt; /* text */
	pg_uuid_t hash;
	Datum embedding;
	bool has_embedding;
	Datum response; /* text */
	Datum attributes;
	bool has_attributes;
	int64 claim; /* 0: none is given */
} AgmAnswer;

/* The entry; 0: nothing was kept. */
extern int64 agm_cache_put(AgmCache *cache, const AgmAnswer *answer);
extern bool agm_cache_forget(AgmCache *cache, const pg_uuid_t *hash);

/* hold.c */
extern void agm_cache_wait_for_erase(AgmCache *cache);
extern bool agm_cache_hold(AgmCache *cache, AgmCacheHold *hold, bool wait);
extern void agm_cache_hold_or_make(AgmCache *cache, AgmCacheHold *hold);
extern void agm_cache_fold(AgmCacheHold *hold);
extern int64 agm_cache_draw_salt(const AgmCacheHold *hold);
extern int64 agm_cache_remove(AgmCacheHold *hold, const int64 *ids, int n);
extern void agm_cache_recount(AgmCacheHold *hold);
extern void agm_cache_settle(AgmCacheHold *hold);
extern int64 agm_cache_clear(AgmCache *cache);
extern int64 agm_cache_sweep(AgmCache *cache, int64 limit);

/* evict.c: at most `limit` entries; how many went. */
extern int64 agm_cache_expire(AgmCacheHold *hold, TimestampTz before, int64 limit);
extern int64 agm_cache_evict(AgmCacheHold *hold, int64 over, int64 limit);

/* claim.c */
typedef enum AgmClaimState
{
	AGM_CLAIM_FILL,
	AGM_CLAIM_WAIT,
	AGM_CLAIM_READY
} AgmClaimState;

typedef struct AgmClaim
{
	int64 claim;
	TimestampTz leased_until;
} AgmClaim;

/*
 * How long to wait, and for how long what is taken is leased: the ends of both are computed anew.
 * It waits less long if others wait for it.
 */
extern AgmClaimState agm_cache_claim(AgmCache *cache, const pg_uuid_t *hash, Datum lease,
									 TimestampTz deadline, AgmClaim *claim);
/* Ends a claim, that of this number or (0) any: false if there is none; *since: when it was taken. */
extern bool agm_cache_end_claim(AgmCache *cache, const pg_uuid_t *hash, int64 claim,
								TimestampTz *since);

/* tally.c */
extern void agm_tally_hit(AgmCache *cache, int64 id, int64 us);
extern void agm_tally_miss(AgmCache *cache, const pg_uuid_t *hash, int64 us);
/* Moves what was counted for the category, and how long the answer to that prompt took, into counts. */
extern void agm_tally_take(AgmCache *cache, const pg_uuid_t *hash, AgmCacheCounts *counts);
extern void agm_counts_add_ids(AgmCacheCounts *counts, const int64 *ids, int n);

#endif

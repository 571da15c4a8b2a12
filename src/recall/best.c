/*
 * best.c
 *		Top-k by BM25 over posting lists: rows are read by what their score may be at most, and no row
 *		for which that is less than the score of the k-th best.
 *
 * Exact: a row that is read is scored as keyword.c scores all matches, in the same order of words.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "recall/best.h"
#include "recall/rows.h"
#include "recall/top.h"

/* If there are no more than this many rows for each that is wanted, all are read: other channels ask for their scores, too. */
#define ALL_FACTOR 4

/* Else at first this many; then, while too few pass, more by this. */
#define FIRST_FACTOR 2
#define NEXT_FACTOR 4

/* Rows that one statement reads. */
#define BATCH 10000

/* Bounds are summed up in floats, in another order than scores. */
#define ROUNDING 1e-4

/* Levels by which bounds are counted. */
#define LEVELS 4096

/* A row and the greatest score that its words' classes allow. */
typedef struct Bound
{
	uint64 entry;
	float most;
	char status; /* of the hash table */
} Bound;

#define SH_PREFIX bounds
#define SH_ELEMENT_TYPE Bound
#define SH_KEY_TYPE uint64
#define SH_KEY entry
#define SH_HASH_KEY(table, key) murmurhash32((uint32) (key) ^ (uint32) ((key) >> 32))
#define SH_EQUAL(table, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct Search
{
	const AgmRecall *recall;
	const AgmSearched *searched;
	const AgmWeights *weights;
	AgmPostings *postings;
	Bound *rows; /* all that match */
	int64 n;
	float highest; /* of their bounds */

	/* changes */
	float below; /* rows whose bound is not below have been read */
	AgmTop top;
	AgmHits known;
	int capacity; /* of known */
	MemoryContext row_context;
} Search;

double
agm_row_score(const AgmWeights *weights, TSVector lexemes, int32 tokens)
{
	double score = 0;

	for (int i = 0; i < weights->n; i++)
	{
		int frequency = agm_lexeme_frequency(lexemes, &weights->terms[i]);

		if (frequency > 0)
			score += agm_bm25_term(weights->idf[i], Min(frequency, AGM_FREQUENCY_MAX), tokens,
								   weights->mean_length);
	}
	return score;
}

static int
compare_hits(const void *a, const void *b, void *arg)
{
	int64 x = ((const AgmHit *) a)->id;
	int64 y = ((const AgmHit *) b)->id;

	(void) arg;
	return (x > y) - (x < y);
}

void
agm_hits_sort(AgmHits *hits)
{
	qsort_interruptible(hits->hits, hits->n, sizeof(AgmHit), compare_hits, NULL);
}

static void
add_list(bounds_hash *table, const AgmPostingList *list, float most)
{
	for (int64 i = 0; i < list->n; i++)
	{
		bool found;
		Bound *bound = bounds_insert(table, list->entries[i], &found);

		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		bound->most = found ? bound->most + most : most;
	}
}

/* All rows that match, each once, with its bound. */
static void
bound_rows(Search *search, const AgmWordLists *lists)
{
	const AgmWeights *weights = search->weights;
	bounds_hash *table;
	bounds_iterator iterator;
	Bound *bound;
	int64 longest = 0;

	for (int i = 0; i < weights->n; i++)
		longest = Max(longest, lists[i].n);
	table = bounds_create(CurrentMemoryContext, (uint32) Min(longest, PG_INT32_MAX / 4), NULL);
	for (int i = 0; i < weights->n; i++)
		for (int class = 0; class < AGM_KEY_CLASSES; class ++)
		{
			int32 frequency;
			int32 length;

			agm_key_class_bounds(class, &frequency, &length);
			add_list(table, &lists[i].classes[class],
					 (float) agm_bm25_term(weights->idf[i], Min(frequency, AGM_FREQUENCY_MAX),
										   length, weights->mean_length));
		}
	search->rows =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Bound) * Max(table->members, 1));
	bounds_start_iterate(table, &iterator);
	while ((bound = bounds_iterate(table, &iterator)) != NULL)
	{
		search->rows[search->n++] = *bound;
		search->highest = Max(search->highest, bound->most);
	}
	bounds_destroy(table);
}

/* The bound that at least `wanted` rows not read yet reach; 0 if there are not so many. */
static float
bound_of(const Search *search, int64 wanted)
{
	int64 *counts = palloc0(sizeof(int64) * LEVELS);
	float step = search->highest / (LEVELS - 1);
	int64 n = 0;
	int level;

	if (step <= 0)
		return 0;
	for (int64 i = 0; i < search->n; i++)
		if (search->rows[i].most < search->below)
			counts[(int) (search->rows[i].most / step)]++;
	for (level = LEVELS - 1; level > 0; level--)
	{
		n += counts[level];
		if (n >= wanted)
			break;
	}
	pfree(counts);
	return level * step;
}

static void
keep_known(Search *search, int64 id, double score, AgmPlace place)
{
	if (search->known.n == search->capacity)
	{
		search->capacity *= 2;
		search->known.hits =
			repalloc_huge(search->known.hits, sizeof(AgmHit) * search->capacity);
	}
	search->known.hits[search->known.n++] = (AgmHit){id, score, place};
}

typedef struct RowReader
{
	Search *search;
	AgmSource source;
} RowReader;

/* Columns: id, tokens, lexemes, place. */
static void
read_row(TupleTableSlot *slot, void *arg)
{
	const RowReader *reader = arg;
	Search *search = reader->search;
	MemoryContext old = MemoryContextSwitchTo(search->row_context);
	bool isnull;
	TSVector lexemes = DatumGetTSVector(slot_getattr(slot, 3, &isnull));
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	double score =
		agm_row_score(search->weights, lexemes, DatumGetInt32(slot_getattr(slot, 2, &isnull)));
	AgmPlace place = agm_place_of(search->recall, reader->source, slot, 4);

	MemoryContextSwitchTo(old);
	MemoryContextReset(search->row_context);
	/* No word: another word's key collided. */
	if (score == 0)
		return;
	keep_known(search, id, score, place);
	agm_top_add(&search->top, id, score, place);
}

/* By statement, so that the caller's rights, policies and filter hold. */
static void
read_rows(Search *search, AgmSource source, Datum *tids, int n)
{
	RowReader reader = {search, source};
	AgmParams params = {0};
	StringInfoData sql;

	if (n == 0)
		return;
	agm_param(&params, TEXTOID, search->searched->name, false);
	agm_param(&params, TIDARRAYOID,
			  PointerGetDatum(construct_array(tids, n, TIDOID, sizeof(ItemPointerData), false,
											  TYPALIGN_SHORT)),
			  false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT m.id, m.tokens, m.lexemes, m.ctid");
	/* Of the store's partitions only the namespace's can have it. */
	agm_filter_from(&search->recall->filter, source,
					search->recall->store.partitioned ? AGM_ANY_INDEX : AGM_NO_INDEX, "", &sql,
					&params);
	appendStringInfoString(&sql, " AND m.ctid OPERATOR(pg_catalog.=) ANY ($2)");
	agm_filter_append(&search->recall->filter, search->searched->has_hidden, &sql, &params);
	(void) agm_execute(&search->recall->store, sql.data, &params, AGM_READ | AGM_PLAN_GENERIC,
					   "livc", read_row, &reader);
}

static int
compare_entries(const void *a, const void *b, void *arg)
{
	uint64 x = *(const uint64 *) a;
	uint64 y = *(const uint64 *) b;

	(void) arg;
	return (x > y) - (x < y);
}

/* Reads the rows not read yet whose bound reaches `reached`, in the order of the table. */
static void
read_bounded(Search *search, float reached)
{
	uint64 *entries =
		MemoryContextAllocHuge(CurrentMemoryContext, sizeof(uint64) * Max(search->n, 1));
	ItemPointerData *tids = palloc(sizeof(ItemPointerData) * BATCH);
	Datum *values = palloc(sizeof(Datum) * BATCH);
	int64 n = 0;
	int seen = 0;
	AgmSource source = AGM_MEMORY;

	for (int64 i = 0; i < search->n; i++)
		if (search->rows[i].most < search->below && search->rows[i].most >= reached)
			entries[n++] = search->rows[i].entry;
	search->below = reached;
	qsort_interruptible(entries, n, sizeof(uint64), compare_entries, NULL);
	for (int64 i = 0; i < n; i++)
	{
		AgmSource of;
		ItemPointerData tid;

		if ((i & 127) == 0)
			CHECK_FOR_INTERRUPTS();
		if (!agm_postings_row(search->postings, entries[i], &of, &tid))
			continue;
		/* One source's come after the other's. */
		if (seen == BATCH || of != source)
		{
			read_rows(search, source, values, seen);
			seen = 0;
			source = of;
		}
		tids[seen] = tid;
		values[seen] = PointerGetDatum(&tids[seen]);
		seen++;
	}
	read_rows(search, source, values, seen);
	pfree(values);
	pfree(tids);
	pfree(entries);
}

AgmBest
agm_best_search(const AgmRecall *recall, const AgmSearched *searched, const AgmWeights *weights,
				AgmPostings *postings, const AgmWordLists *lists)
{
	Search search = {.recall = recall,
					 .searched = searched,
					 .weights = weights,
					 .postings = postings,
					 .below = INFINITY};
	int64 wanted = (int64) recall->depth * FIRST_FACTOR;

	bound_rows(&search, lists);
	if (search.n > PG_INT32_MAX / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("too many memories match the query"),
						errhint("Narrow the search by kinds, tags or time.")));
	agm_top_init(&search.top, recall->depth);
	search.capacity = 4 * recall->depth;
	search.known.hits = palloc(sizeof(AgmHit) * search.capacity);
	search.row_context =
		AllocSetContextCreate(CurrentMemoryContext, "agentmem match", ALLOCSET_SMALL_SIZES);
	if (search.n <= (int64) recall->depth * ALL_FACTOR)
		read_bounded(&search, 0);
	/* Until there are enough, more and more; then those that may be better than the worst of them. */
	while (search.top.hits.n < recall->depth && search.below > 0)
	{
		read_bounded(&search, bound_of(&search, wanted));
		wanted *= NEXT_FACTOR;
	}
	if (search.below > 0)
		read_bounded(&search, (float) (agm_top_worst(&search.top) * (1 - ROUNDING)));
	agm_hits_sort(&search.known);
	return (AgmBest){search.top.hits, search.known, search.below <= 0};
}

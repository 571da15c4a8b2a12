/*
 * stream.c
 *		The rows of some lists, nearest first, as long as somebody asks (stream.h).
 *
 * README.md, "Scan".  A pass reads the code pages of all chains and keeps the best candidates by
 * (bound, block, slot), no more than fit; the rest is cut off.  They are refined in this order, as
 * long as a candidate may be nearer than the nearest refined row.  When they are used up, the next
 * pass begins where the last one was cut, with room for more.
 */
#include "postgres.h"

#include <math.h>

#include "ivfbq/stream.h"
#include "lib/binaryheap.h"
#include "lib/pairingheap.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

/* Candidates of the first pass, and how many times more each further one keeps. */
#define FIRST_CANDIDATES 256
#define FIRST_CERTAIN 4096
#define GROWTH 8

typedef struct Candidate
{
	double bound;
	BlockNumber block; /* of codes */
	uint16 slot;
	uint16 tagged;		 /* geometry: of a node's page */
	BlockNumber refine;	 /* where its row is; certain: unused */
	ItemPointerData tid; /* certain: of the row */
} Candidate;

typedef struct Chain
{
	IvfbqListRef ref;
	BlockNumber head;
	IvfbqTerms terms;
	uint32 *tags; /* NULL: all rows */
	bool *wanted; /* NULL: all tags count */
} Chain;

typedef struct Refined
{
	pairingheap_node node;
	IvfbqHit hit;
	char row[FLEXIBLE_ARRAY_MEMBER];
} Refined;

struct IvfbqStream
{
	/* set once */
	Relation index;
	const IvfbqIndex *info;
	const IvfbqQuery *query;
	double epsilon;
	bool certain;
	Size memory;
	MemoryContext context;

	/* what is read */
	Chain *chains;
	int nchains;
	int chains_max;
	int first_chain; /* those before it have been read to their end */
	double distance_limit;

	/* the pass */
	bool ran;
	int room; /* candidates that are kept */
	Candidate *candidates;
	int n;
	bool has_cut;
	Candidate cut; /* the last one that was kept; what is beyond comes in the next pass */
	bool has_from;
	Candidate from; /* where this pass begins: beyond it */

	binaryheap *heap;	  /* of candidates, the least first */
	pairingheap *refined; /* the least first */
	Refined *given;		  /* by the last call */
	IvfbqStreamCounts counts;
};

static int
compare_candidates(const Candidate *a, const Candidate *b)
{
	if (a->bound != b->bound)
		return a->bound < b->bound ? -1 : 1;
	if (a->block != b->block)
		return a->block < b->block ? -1 : 1;
	return (int) a->slot - (int) b->slot;
}

/* binaryheap has the greatest first. */
static int
compare_heap(Datum a, Datum b, void *arg pg_attribute_unused())
{
	return -compare_candidates((const Candidate *) DatumGetPointer(a),
							   (const Candidate *) DatumGetPointer(b));
}

static int
compare_refined(const pairingheap_node *a, const pairingheap_node *b,
				void *arg pg_attribute_unused())
{
	double x = ((const Refined *) a)->hit.bound;
	double y = ((const Refined *) b)->hit.bound;

	return x < y ? 1 : x > y ? -1 : 0;
}

IvfbqStream *
ivfbq_stream_new(Relation index, const IvfbqIndex *info, const IvfbqQuery *query,
				 double epsilon, bool certain, Size memory)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "agentmem ivfbq stream",
												  ALLOCSET_DEFAULT_SIZES);
	IvfbqStream *stream = MemoryContextAllocZero(context, sizeof(IvfbqStream));

	stream->index = index;
	stream->info = info;
	stream->query = query;
	stream->epsilon = epsilon;
	stream->certain = certain;
	stream->memory = memory;
	stream->context = context;
	stream->distance_limit = INFINITY;
	stream->room = certain ? FIRST_CERTAIN : FIRST_CANDIDATES;
	return stream;
}

void
ivfbq_stream_free(IvfbqStream *stream)
{
	MemoryContextDelete(stream->context);
}

void
ivfbq_stream_counts(const IvfbqStream *stream, IvfbqStreamCounts *counts)
{
	*counts = stream->counts;
}

void
ivfbq_stream_limit(IvfbqStream *stream, double key_distance)
{
	stream->distance_limit = key_distance;
}

void
ivfbq_stream_add(IvfbqStream *stream, IvfbqListRef ref, BlockNumber head, const IvfbqBase *base,
				 const uint32 *tags, const bool *wanted)
{
	int nkeys = stream->info->nkeys;
	MemoryContext old = MemoryContextSwitchTo(stream->context);
	Chain *chain;

	/* What was read before is used up. */
	if (stream->ran)
	{
		stream->first_chain = stream->nchains;
		stream->ran = stream->has_from = stream->has_cut = false;
	}
	if (stream->nchains == stream->chains_max)
	{
		stream->chains_max = Max(16, 2 * stream->chains_max);
		stream->chains =
			stream->chains == NULL
				? palloc(sizeof(Chain) * stream->chains_max)
				: repalloc_huge(stream->chains, sizeof(Chain) * stream->chains_max);
	}
	chain = &stream->chains[stream->nchains++];
	memset(chain, 0, sizeof(*chain));
	chain->ref = ref;
	chain->head = head;
	ivfbq_terms(stream->query, base, stream->epsilon, &chain->terms);
	if (tags != NULL)
	{
		chain->tags = palloc(sizeof(uint32) * nkeys);
		memcpy(chain->tags, tags, sizeof(uint32) * nkeys);
	}
	if (tags != NULL && wanted != NULL)
	{
		chain->wanted = palloc(sizeof(bool) * nkeys);
		memcpy(chain->wanted, wanted, sizeof(bool) * nkeys);
	}
	MemoryContextSwitchTo(old);
}

/* ---------------------------------------------------------------- a pass */

/* The `wanted` least candidates to the front, in no order; the last of them stands at its end. */
static void
select_least(Candidate *candidates, int n, int wanted)
{
	int low = 0;
	int high = n - 1;
	int target = wanted - 1;

	while (low < high)
	{
		Candidate pivot = candidates[low + (high - low) / 2];
		int i = low;
		int j = high;

		while (i <= j)
		{
			while (compare_candidates(&candidates[i], &pivot) < 0)
				i++;
			while (compare_candidates(&candidates[j], &pivot) > 0)
				j--;
			if (i <= j)
			{
				Candidate swapped = candidates[i];

				candidates[i++] = candidates[j];
				candidates[j--] = swapped;
			}
		}
		if (target <= j)
			high = j;
		else if (target >= i)
			low = i;
		else
			return;
	}
}

static void
add_candidate(IvfbqStream *stream, const Candidate *candidate)
{
	if (stream->has_from && compare_candidates(candidate, &stream->from) <= 0)
		return;
	if (stream->has_cut && compare_candidates(candidate, &stream->cut) > 0)
		return;
	stream->candidates[stream->n++] = *candidate;
	if (stream->n == 2 * stream->room)
	{
		select_least(stream->candidates, stream->n, stream->room);
		stream->n = stream->room;
		stream->cut = stream->candidates[stream->room - 1];
		stream->has_cut = true;
	}
}

/* Which rows of a block have the tags that are asked for. */
static uint32
match_tags(const Chain *chain, const IvfbqGeometry *geometry, const char *block)
{
	uint32 mask = ~(uint32) 0;

	for (int column = 0; column < geometry->ntags; column++)
	{
		const uint32 *tags =
			(const uint32 *) (block + geometry->tags_offset) + column * geometry->block_slots;
		uint32 same = 0;

		if (chain->wanted != NULL && !chain->wanted[column])
			continue;
		for (int i = 0; i < geometry->block_slots; i++)
			same |= (uint32) (tags[i] == chain->tags[column]) << i;
		mask &= same;
	}
	return mask;
}

/* 1-bit bounds of one block; `live` are the rows that count. */
static void
estimate_block(IvfbqStream *stream, const Chain *chain, const IvfbqGeometry *geometry,
			   Page page, BlockNumber block, int number, uint32 live)
{
	double limit = Min(stream->distance_limit, stream->has_cut ? stream->cut.bound : INFINITY);
	float bounds[IVFBQ_BLOCK_SLOTS];
	uint32 mask =
		live & ivfbq_block_bounds(stream->query, &chain->terms, geometry,
								  ivfbq_block(geometry, page, number), (float) limit, bounds);

	stream->counts.estimated += geometry->block_slots;
	while (mask != 0)
	{
		int i = pg_rightmost_one_pos32(mask);
		Candidate candidate = {.bound = bounds[i], .block = block};
		int refine;
		int offset;

		mask &= mask - 1;
		candidate.slot = (uint16) (number * geometry->block_slots + i);
		candidate.tagged = geometry->ntags > 0;
		ivfbq_row_place(geometry, candidate.slot, &refine, &offset);
		/* A row that straddles is looked up through its code page. */
		if (offset + geometry->row_bytes > (int) IVFBQ_REFINE_BYTES)
			candidate.refine = InvalidBlockNumber;
		else
			candidate.refine = ivfbq_refine_blocks(geometry, page)[refine];
		add_candidate(stream, &candidate);
	}
}

/* Certain bounds of a page's rows, from its refine pages, which lie on one another's heels. */
static void
refine_page(IvfbqStream *stream, const IvfbqGeometry *geometry, Page page, BlockNumber block,
			const uint32 *masks)
{
	char *row = palloc(geometry->row_bytes);
	Buffer buffer = InvalidBuffer;
	BlockNumber held = InvalidBlockNumber;

	for (int slot = 0; slot < ivfbq_codes(page)->nslots; slot++)
	{
		Candidate candidate = {.block = block, .slot = (uint16) slot};
		const char *bytes = row;
		IvfbqRowHeadData head;
		int number;
		int offset;

		if (((masks[slot / geometry->block_slots] >> (slot % geometry->block_slots)) & 1) == 0)
			continue;
		ivfbq_row_place(geometry, slot, &number, &offset);
		if (offset + geometry->row_bytes > (int) IVFBQ_REFINE_BYTES)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			buffer = InvalidBuffer;
			held = InvalidBlockNumber;
			ivfbq_row_read(stream->index, geometry, page, block, slot, row);
		}
		else
		{
			BlockNumber refine = ivfbq_refine_blocks(geometry, page)[number];

			if (number >= ivfbq_codes(page)->nrefine)
				ivfbq_corrupted(stream->index, block, "Row %d has no refine page.", slot);
			if (refine != held)
			{
				if (BufferIsValid(buffer))
					UnlockReleaseBuffer(buffer);
				buffer =
					ivfbq_read(stream->index, refine, IVFBQ_PAGE_REFINE, BUFFER_LOCK_SHARE);
				held = refine;
			}
			bytes = (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START + offset;
		}
		ivfbq_row_head(bytes, &head);
		stream->counts.refined++;
		candidate.bound = ivfbq_row_bound(stream->query, bytes);
		candidate.tid = head.tid;
		candidate.tagged = geometry->ntags > 0;
		if (candidate.bound <= stream->distance_limit)
			add_candidate(stream, &candidate);
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
	pfree(row);
}

static void
read_page(IvfbqStream *stream, const Chain *chain, Page page, BlockNumber block)
{
	const IvfbqGeometry *geometry = ivfbq_page_geometry(stream->info, page);
	int nslots = ivfbq_codes(page)->nslots;
	int blocks = (nslots + geometry->block_slots - 1) / geometry->block_slots;
	const uint32 *live = ivfbq_live(geometry, page);
	uint32 *masks = NULL;

	ivfbq_check_owner(stream->index, block, page, chain->ref);
	ivfbq_check_counts(stream->index, block, page, geometry);
	if (stream->certain)
		masks = palloc0(sizeof(uint32) * geometry->blocks);
	for (int i = 0; i < blocks; i++)
	{
		uint32 mask = live[i];

		if (mask != 0 && chain->tags != NULL)
			mask &= match_tags(chain, geometry, ivfbq_block(geometry, page, i));
		if (stream->certain)
			masks[i] = mask;
		else if (mask != 0)
			estimate_block(stream, chain, geometry, page, block, i, mask);
	}
	if (stream->certain)
	{
		refine_page(stream, geometry, page, block, masks);
		pfree(masks);
	}
}

static void
read_chain(IvfbqStream *stream, const Chain *chain)
{
	BlockNumber block = chain->head;
	BlockNumber pages = 0;
	BlockNumber all = RelationGetNumberOfBlocks(stream->index);

	while (block != InvalidBlockNumber)
	{
		Buffer buffer = ivfbq_read(stream->index, block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
		Page page = BufferGetPage(buffer);
		BlockNumber next = ivfbq_codes(page)->next;

		if (next != InvalidBlockNumber && next < all)
			(void) PrefetchBuffer(stream->index, MAIN_FORKNUM, next);
		read_page(stream, chain, page, block);
		UnlockReleaseBuffer(buffer);
		stream->counts.pages++;
		/* Pages that were added since do no harm: their rows are invisible. */
		if (++pages > all)
			all = RelationGetNumberOfBlocks(stream->index);
		if (pages > all)
			ivfbq_corrupted(stream->index, block, "The pages of a list run in a circle.");
		block = next;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
run_pass(IvfbqStream *stream)
{
	MemoryContext old = MemoryContextSwitchTo(stream->context);

	stream->n = 0;
	stream->has_cut = false;
	if (stream->candidates != NULL)
		pfree(stream->candidates);
	stream->candidates = palloc_extended(sizeof(Candidate) * 2 * stream->room, MCXT_ALLOC_HUGE);
	for (int i = stream->first_chain; i < stream->nchains; i++)
		read_chain(stream, &stream->chains[i]);

	if (stream->heap != NULL)
		binaryheap_free(stream->heap);
	stream->heap = binaryheap_allocate(Max(stream->n, 1), compare_heap, NULL);
	for (int i = 0; i < stream->n; i++)
		binaryheap_add_unordered(stream->heap, PointerGetDatum(&stream->candidates[i]));
	binaryheap_build(stream->heap);
	if (stream->refined == NULL)
		stream->refined = pairingheap_allocate(compare_refined, NULL);
	stream->ran = true;
	MemoryContextSwitchTo(old);
}

/* What the last pass cut off. */
static void
next_pass(IvfbqStream *stream)
{
	int most = (int) Min(stream->memory / (2 * sizeof(Candidate)), (Size) 1 << 26);

	stream->from = stream->cut;
	stream->has_from = true;
	if (stream->room < most)
		stream->room = (int) Min((int64) stream->room * GROWTH, most);
	run_pass(stream);
}

/* ---------------------------------------------------------------- refining */

static void
refine(IvfbqStream *stream, const Candidate *candidate)
{
	const IvfbqIndex *info = stream->info;
	const IvfbqGeometry *geometry = candidate->tagged ? &info->tagged_rows : &info->rows;
	Refined *refined = MemoryContextAlloc(stream->context,
										  offsetof(Refined, row) + (Size) geometry->row_bytes);
	IvfbqRowHeadData head;
	Buffer buffer;
	int number;
	int offset;

	ivfbq_row_place(geometry, candidate->slot, &number, &offset);
	if (candidate->refine == InvalidBlockNumber)
	{
		buffer =
			ivfbq_read(stream->index, candidate->block, IVFBQ_PAGE_CODES, BUFFER_LOCK_SHARE);
		ivfbq_row_read(stream->index, geometry, BufferGetPage(buffer), candidate->block,
					   candidate->slot, refined->row);
	}
	else
	{
		IvfbqRefineData *page_head;

		buffer =
			ivfbq_read(stream->index, candidate->refine, IVFBQ_PAGE_REFINE, BUFFER_LOCK_SHARE);
		page_head = (IvfbqRefineData *) IVFBQ_CONTENT(BufferGetPage(buffer));
		if (page_head->codes_block != candidate->block)
			ivfbq_corrupted(stream->index, candidate->refine,
							"The page is a refine page of block %u, not %u.",
							page_head->codes_block, candidate->block);
		memcpy(refined->row, (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START + offset,
			   geometry->row_bytes);
	}
	UnlockReleaseBuffer(buffer);
	stream->counts.refined++;

	ivfbq_row_head(refined->row, &head);
	refined->hit.bound = ivfbq_row_bound(stream->query, refined->row);
	/* A slot that was freed meanwhile is all zeros: its row is dead to everybody. */
	if (!ItemPointerIsValid(&head.tid) || refined->hit.bound > stream->distance_limit)
	{
		pfree(refined);
		return;
	}
	refined->hit.tid = head.tid;
	refined->hit.block = candidate->block;
	refined->hit.slot = candidate->slot;
	refined->hit.row = refined->row;
	pairingheap_add(stream->refined, &refined->node);
}

static const Candidate *
least_candidate(const IvfbqStream *stream)
{
	return binaryheap_empty(stream->heap)
			   ? NULL
			   : (const Candidate *) DatumGetPointer(binaryheap_first(stream->heap));
}

/* A pass with certain bounds has nothing to refine: its candidates are the rows. */
static bool
next_certain(IvfbqStream *stream, IvfbqHit *hit)
{
	for (;;)
	{
		const Candidate *candidate = least_candidate(stream);

		if (candidate != NULL)
		{
			hit->bound = candidate->bound;
			hit->tid = candidate->tid;
			hit->block = candidate->block;
			hit->slot = candidate->slot;
			hit->row = NULL;
			(void) binaryheap_remove_first(stream->heap);
			if (ItemPointerIsValid(&hit->tid))
				return true;
		}
		else if (stream->has_cut)
			next_pass(stream);
		else
			return false;
	}
}

bool
ivfbq_stream_next(IvfbqStream *stream, IvfbqHit *hit)
{
	if (stream->given != NULL)
		pfree(stream->given);
	stream->given = NULL;
	if (!stream->ran)
		run_pass(stream);
	if (stream->certain)
		return next_certain(stream, hit);

	for (;;)
	{
		const Candidate *candidate = least_candidate(stream);
		Refined *best = pairingheap_is_empty(stream->refined)
							? NULL
							: (Refined *) pairingheap_first(stream->refined);
		double ahead = candidate != NULL ? candidate->bound
					   : stream->has_cut ? stream->cut.bound
										 : INFINITY;

		if (best != NULL && best->hit.bound <= ahead)
		{
			(void) pairingheap_remove_first(stream->refined);
			stream->given = best;
			*hit = best->hit;
			return true;
		}
		if (candidate != NULL)
		{
			refine(stream, candidate);
			(void) binaryheap_remove_first(stream->heap);
		}
		else if (stream->has_cut)
			next_pass(stream);
		else
			return false;
	}
}

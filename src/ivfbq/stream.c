/*
 * stream.c
 *		The rows of some lists, nearest first, as long as somebody asks (stream.h).
 *
 * README.md, "Scan".  A pass reads the code pages of all chains and keeps the best candidates by
 * (bound, page, slot), no more than fit; the rest is cut off.  They are refined in this order, as
 * long as a candidate may be nearer than the nearest refined row.  When they are used up, the next
 * pass reads the same pages again, from where the last one was cut, with room for more.
 */
#include "postgres.h"

#include <math.h>

#include "ivfbq/candidate.h"
#include "ivfbq/stream.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"
#include "vector/prefetch.h"

/* Candidates of the first pass, and how many times more each further one keeps. */
#define FIRST_CANDIDATES 256
#define FIRST_CERTAIN 4096
#define GROWTH 8

/* Of a code page: no code has fewer bits. */
#define BLOCKS_MAX (BLCKSZ / (IVFBQ_MIN_CODE_DIM * IVFBQ_BLOCK_SLOTS / 8))

typedef struct Chain
{
	IvfbqListRef ref;
	BlockNumber head;
	IvfbqTerms terms;
	const uint32 *tags;		   /* NULL: all rows */
	const IvfbqTarget *target; /* NULL: all rows */
	uint32 first_page;		   /* of the stream's pages, once it was read; */
	uint32 npages;			   /* 0: it was not */
} Chain;

/* A code page that was read: candidates know it by its number. */
typedef struct CodePage
{
	BlockNumber block;
	uint32 refine; /* where in stream->refine the numbers of its refine pages are */
	bool tagged;   /* geometry: of a node's page */
	bool known;	   /* refine is set */
} CodePage;

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
	float float_limit; /* the same, rounded up */
	BlockNumber all;   /* of the index, as known: chains are not longer */

	/* what was read */
	CodePage *pages;
	uint32 npages;
	uint32 pages_max;
	BlockNumber *refine;
	uint32 nrefine;
	uint32 refine_max;

	/* the pass: when it is over, the items are a heap */
	bool ran;
	IvfbqCandidates candidates;

	/* rows by their certain bounds: a heap */
	IvfbqCandidate *refined;
	int nrefined;
	int refined_max;
	char *row; /* one that straddles */
	IvfbqStreamCounts counts;
};

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
	ivfbq_stream_limit(stream, INFINITY);
	stream->all = RelationGetNumberOfBlocks(index);
	stream->candidates.room = certain ? FIRST_CERTAIN : FIRST_CANDIDATES;
	agm_recent_fit(info->recent, info->context, stream->all);
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
	stream->float_limit = -ivfbq_float_below(-key_distance);
}

/* An array with room for `more` behind the first n. */
static void *
with_room(const IvfbqStream *stream, void *items, Size size, uint32 n, uint32 more, uint32 *max)
{
	if (likely(*max - n >= more))
		return items;
	*max = Max(n + more, Max(2 * *max, 64));
	return items == NULL ? MemoryContextAllocHuge(stream->context, size * *max)
						 : repalloc_huge(items, size * *max);
}

void
ivfbq_stream_add(IvfbqStream *stream, IvfbqListRef ref, BlockNumber head,
				 const IvfbqPlace *place, const uint32 *tags, const IvfbqTarget *target)
{
	uint32 max = (uint32) stream->chains_max;
	Chain *chain;

	/* What was read before is used up. */
	if (stream->ran)
	{
		stream->first_chain = stream->nchains;
		stream->npages = 0;
		stream->ran = stream->candidates.has_from = stream->candidates.has_cut = false;
	}
	stream->chains =
		with_room(stream, stream->chains, sizeof(Chain), (uint32) stream->nchains, 1, &max);
	stream->chains_max = (int) max;
	chain = &stream->chains[stream->nchains++];
	memset(chain, 0, sizeof(*chain));
	chain->ref = ref;
	chain->head = head;
	chain->tags = tags;
	chain->target = target;
	ivfbq_terms(stream->query, place, stream->epsilon, &chain->terms);
}

/* ---------------------------------------------------------------- a pass */

/* Which rows of a block, of those that are live, have the tags that are asked for. */
static uint32
match_tags(const Chain *chain, const IvfbqGeometry *geometry, const char *block, uint32 live)
{
	const uint32 *all = (const uint32 *) (block + geometry->tags_offset);
	uint32 mask = 0;

	if (chain->tags != NULL)
	{
		for (int column = 0; column < geometry->ntags; column++)
		{
			const uint32 *tags = all + column * geometry->block_slots;
			uint32 same = 0;

			for (int i = 0; i < geometry->block_slots; i++)
				same |= (uint32) (tags[i] == chain->tags[column]) << i;
			live &= same;
		}
		return live;
	}
	for (; live != 0; live &= live - 1)
	{
		int i = pg_rightmost_one_pos32(live);
		uint32 tags[IVFBQ_MAX_KEYS];

		for (int column = 0; column < geometry->ntags; column++)
			tags[column] = all[column * geometry->block_slots + i];
		if (ivfbq_target_matches(chain->target, geometry->ntags, tags))
			mask |= (uint32) 1 << i;
	}
	return mask;
}

/* For the rows of a page that has candidates: where they will be refined. */
static void
note_refine_pages(IvfbqStream *stream, const IvfbqGeometry *geometry, Page page, uint32 number)
{
	CodePage *code_page = &stream->pages[number];
	int n = geometry->refine_pages;

	if (code_page->known)
		return;
	stream->refine = with_room(stream, stream->refine, sizeof(BlockNumber), stream->nrefine,
							   (uint32) n, &stream->refine_max);
	memcpy(stream->refine + stream->nrefine, ivfbq_refine_blocks(geometry, page),
		   sizeof(BlockNumber) * n);
	code_page->refine = stream->nrefine;
	code_page->known = true;
	stream->nrefine += (uint32) n;
}

/* 1-bit bounds of one block; `live` are the rows that count. */
static void
estimate_block(IvfbqStream *stream, const Chain *chain, const IvfbqGeometry *geometry,
			   Page page, uint32 number, int block, uint32 live)
{
	float limit = Min(stream->float_limit, ivfbq_candidates_limit(&stream->candidates));
	float bounds[IVFBQ_BLOCK_SLOTS];
	uint32 mask;

	mask = live & ivfbq_block_bounds(stream->query, &chain->terms, geometry,
									 ivfbq_block(geometry, page, block), limit, bounds);
	if (mask != 0)
		note_refine_pages(stream, geometry, page, number);
	for (; mask != 0; mask &= mask - 1)
	{
		int i = pg_rightmost_one_pos32(mask);

		ivfbq_candidates_add(
			&stream->candidates,
			ivfbq_candidate(bounds[i], number, block * geometry->block_slots + i));
	}
}

/* Certain bounds of a page's rows, from its refine pages, which lie on one another's heels. */
static void
refine_page(IvfbqStream *stream, const IvfbqGeometry *geometry, Page page, uint32 number,
			const uint32 *masks)
{
	BlockNumber block = stream->pages[number].block;
	Buffer buffer = InvalidBuffer;
	BlockNumber held = InvalidBlockNumber;

	for (int slot = 0; slot < ivfbq_codes(page)->nslots; slot++)
	{
		IvfbqCandidate candidate;
		const char *bytes = stream->row;
		IvfbqRowHeadData head;
		double bound;
		int part;
		int offset;

		if (((masks[slot / geometry->block_slots] >> (slot % geometry->block_slots)) & 1) == 0)
			continue;
		ivfbq_row_place(geometry, slot, &part, &offset);
		if (offset + geometry->row_bytes > (int) IVFBQ_REFINE_BYTES)
		{
			if (BufferIsValid(buffer))
				UnlockReleaseBuffer(buffer);
			buffer = InvalidBuffer;
			held = InvalidBlockNumber;
			ivfbq_row_read(stream->index, geometry, page, block, slot, stream->row);
		}
		else
		{
			BlockNumber refine = ivfbq_refine_blocks(geometry, page)[part];

			if (part >= ivfbq_codes(page)->nrefine)
				ivfbq_corrupted(stream->index, block, "Row %d has no refine page.", slot);
			if (refine != held)
			{
				if (BufferIsValid(buffer))
					UnlockReleaseBuffer(buffer);
				buffer = ivfbq_read_recent(stream->index, stream->info->recent, refine,
										   IVFBQ_PAGE_REFINE);
				held = refine;
			}
			bytes = (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START + offset;
		}
		ivfbq_row_head(bytes, &head);
		stream->counts.refined++;
		bound = ivfbq_row_bound(stream->query, bytes);
		if (bound > stream->distance_limit || !ItemPointerIsValid(&head.tid))
			continue;
		candidate = ivfbq_candidate(ivfbq_float_below(bound), number, slot);
		candidate.tid = head.tid;
		ivfbq_candidates_add(&stream->candidates, candidate);
	}
	if (BufferIsValid(buffer))
		UnlockReleaseBuffer(buffer);
}

/* ahead: the page that will be read next, NULL if it is not known where it is. */
static void
read_page(IvfbqStream *stream, const Chain *chain, Page page, uint32 number, const char *ahead)
{
	const IvfbqGeometry *geometry = ivfbq_page_geometry(stream->info, page);
	BlockNumber block = stream->pages[number].block;
	int nslots = ivfbq_codes(page)->nslots;
	int blocks = (nslots + geometry->block_slots - 1) / geometry->block_slots;
	const uint32 *live = ivfbq_live(geometry, page);
	uint32 masks[BLOCKS_MAX];

	ivfbq_check_owner(stream->index, block, page, chain->ref);
	ivfbq_check_counts(stream->index, block, page, geometry);
	stream->pages[number].tagged = geometry->ntags > 0;
	for (int i = 0; i < blocks; i++)
	{
		masks[i] = live[i];
		if (geometry->ntags > 0 && masks[i] != 0 &&
			(chain->tags != NULL || chain->target != NULL))
			masks[i] = match_tags(chain, geometry, ivfbq_block(geometry, page, i), masks[i]);
		if (stream->certain)
			continue;
		if (ahead != NULL)
		{
			const char *start = ahead + geometry->blocks_offset + i * geometry->block_bytes;

			agm_prefetch(start, start + geometry->block_bytes);
		}
		if (masks[i] != 0)
			estimate_block(stream, chain, geometry, page, number, i, masks[i]);
		stream->counts.estimated += geometry->block_slots;
	}
	if (stream->certain)
		refine_page(stream, geometry, page, number, masks);
}

/* The number-th page of the stream; returns the next of its chain.  after: what is read if there is none. */
static BlockNumber
visit_page(IvfbqStream *stream, const Chain *chain, uint32 number, BlockNumber after)
{
	Buffer buffer = ivfbq_read_recent(stream->index, stream->info->recent,
									  stream->pages[number].block, IVFBQ_PAGE_CODES);
	Page page = BufferGetPage(buffer);
	BlockNumber next = ivfbq_codes(page)->next;
	BlockNumber soon = next != InvalidBlockNumber ? next : after;

	read_page(stream, chain, page, number,
			  ivfbq_prefetch(stream->index, stream->info->recent, soon));
	UnlockReleaseBuffer(buffer);
	stream->counts.pages++;
	CHECK_FOR_INTERRUPTS();
	return next;
}

/* For the first time: its pages get their numbers. */
static void
walk_chain(IvfbqStream *stream, Chain *chain, BlockNumber after)
{
	BlockNumber block = chain->head;

	chain->first_page = stream->npages;
	while (block != InvalidBlockNumber)
	{
		uint32 number = stream->npages;

		stream->pages =
			with_room(stream, stream->pages, sizeof(CodePage), number, 1, &stream->pages_max);
		stream->pages[number] = (CodePage){.block = block};
		stream->npages++;
		block = visit_page(stream, chain, number, after);
		if (unlikely(stream->npages - chain->first_page > stream->all))
			stream->all = RelationGetNumberOfBlocks(stream->index);
		if (unlikely(stream->npages - chain->first_page > stream->all))
			ivfbq_corrupted(stream->index, chain->head, "The pages of a list run in a circle.");
	}
	chain->npages = stream->npages - chain->first_page;
}

/* Again.  Pages that were added since are not missed: their rows are invisible. */
static void
read_chain_again(IvfbqStream *stream, const Chain *chain)
{
	for (uint32 i = chain->first_page; i < chain->first_page + chain->npages; i++)
	{
		stream->pages[i].known = false;
		(void) visit_page(stream, chain, i, InvalidBlockNumber);
	}
}

static void
run_pass(IvfbqStream *stream)
{
	IvfbqCandidates *candidates = &stream->candidates;

	candidates->n = 0;
	candidates->has_cut = false;
	if (candidates->items != NULL)
		pfree(candidates->items);
	candidates->items =
		MemoryContextAllocHuge(stream->context, sizeof(IvfbqCandidate) * 2 * candidates->room);
	if (stream->row == NULL)
		stream->row = MemoryContextAlloc(stream->context, stream->info->rows.row_bytes);
	stream->nrefine = 0;
	for (int i = stream->first_chain; i < stream->nchains; i++)
	{
		Chain *chain = &stream->chains[i];

		if (candidates->has_from)
			read_chain_again(stream, chain);
		else
			walk_chain(stream, chain,
					   i + 1 < stream->nchains ? chain[1].head : InvalidBlockNumber);
	}
	ivfbq_heap_make(candidates->items, candidates->n);
	stream->ran = true;
}

/* What the last pass cut off. */
static void
next_pass(IvfbqStream *stream)
{
	IvfbqCandidates *candidates = &stream->candidates;
	int most = (int) Min(stream->memory / (2 * sizeof(IvfbqCandidate)), (Size) 1 << 26);

	candidates->from = candidates->cut;
	candidates->has_from = true;
	if (candidates->room < most)
		candidates->room = (int) Min((int64) candidates->room * GROWTH, most);
	run_pass(stream);
}

/* ---------------------------------------------------------------- refining */

static const IvfbqGeometry *
geometry_of(const IvfbqStream *stream, uint32 page)
{
	return stream->pages[page].tagged ? &stream->info->tagged_rows : &stream->info->rows;
}

/* Where a candidate's row lies; false: on more than one page. */
static bool
find_row(const IvfbqStream *stream, const IvfbqCandidate *candidate, BlockNumber *block,
		 int *offset)
{
	uint32 page = ivfbq_candidate_page(candidate);
	const IvfbqGeometry *geometry = geometry_of(stream, page);
	int part;

	ivfbq_row_place(geometry, candidate->slot, &part, offset);
	*block = stream->refine[stream->pages[page].refine + (uint32) part];
	return *offset + geometry->row_bytes <= (int) IVFBQ_REFINE_BYTES;
}

/* The row of the candidate that is likely to be the next. */
static void
prefetch_row(IvfbqStream *stream, const IvfbqCandidate *candidate)
{
	BlockNumber block;
	int offset;
	const char *page;

	if (!find_row(stream, candidate, &block, &offset))
		return;
	page = ivfbq_prefetch(stream->index, stream->info->recent, block);
	if (page != NULL)
	{
		page += IVFBQ_REFINE_START + offset;
		agm_prefetch(page, page + Min(stream->info->rows.row_bytes, AGM_PREFETCH_BYTES_MAX));
	}
}

/* A row's certain bound and TID, from its bytes. */
static void
refine_row(IvfbqStream *stream, const IvfbqCandidate *candidate, const char *row)
{
	double bound = ivfbq_row_bound(stream->query, row);
	uint32 max = (uint32) stream->refined_max;
	IvfbqRowHeadData head;
	IvfbqCandidate refined;

	stream->counts.refined++;
	ivfbq_row_head(row, &head);
	/* A slot that was freed meanwhile is all zeros: its row is dead to everybody. */
	if (!ItemPointerIsValid(&head.tid) || bound > stream->distance_limit)
		return;
	refined = ivfbq_candidate(ivfbq_float_below(bound), ivfbq_candidate_page(candidate),
							  candidate->slot);
	refined.tid = head.tid;
	stream->refined = with_room(stream, stream->refined, sizeof(IvfbqCandidate),
								(uint32) stream->nrefined, 1, &max);
	stream->refined_max = (int) max;
	ivfbq_heap_push(stream->refined, stream->nrefined++, refined);
}

static void
refine(IvfbqStream *stream, const IvfbqCandidate *candidate)
{
	uint32 number = ivfbq_candidate_page(candidate);
	BlockNumber codes_block = stream->pages[number].block;
	BlockNumber block;
	Buffer buffer;
	int offset;

	if (find_row(stream, candidate, &block, &offset))
	{
		IvfbqRefineData *head;

		buffer =
			ivfbq_read_recent(stream->index, stream->info->recent, block, IVFBQ_PAGE_REFINE);
		head = (IvfbqRefineData *) IVFBQ_CONTENT(BufferGetPage(buffer));
		if (head->codes_block != codes_block)
			ivfbq_corrupted(stream->index, block,
							"The page is a refine page of block %u, not %u.", head->codes_block,
							codes_block);
		refine_row(stream, candidate,
				   (char *) BufferGetPage(buffer) + IVFBQ_REFINE_START + offset);
	}
	else
	{
		buffer = ivfbq_read_recent(stream->index, stream->info->recent, codes_block,
								   IVFBQ_PAGE_CODES);
		ivfbq_row_read(stream->index, geometry_of(stream, number), BufferGetPage(buffer),
					   codes_block, candidate->slot, stream->row);
		refine_row(stream, candidate, stream->row);
	}
	UnlockReleaseBuffer(buffer);
}

/* The least candidate leaves the heap. */
static void
drop_candidate(IvfbqStream *stream)
{
	IvfbqCandidates *candidates = &stream->candidates;

	ivfbq_heap_pop(candidates->items, candidates->n--);
}

static void
give(const IvfbqStream *stream, const IvfbqCandidate *candidate, IvfbqHit *hit)
{
	hit->bound = ivfbq_candidate_bound(candidate);
	hit->tid = candidate->tid;
	hit->block = stream->pages[ivfbq_candidate_page(candidate)].block;
	hit->slot = candidate->slot;
}

/* A pass with certain bounds has nothing to refine: its candidates are the rows. */
static bool
next_certain(IvfbqStream *stream, IvfbqHit *hit)
{
	while (stream->candidates.n == 0)
	{
		if (!stream->candidates.has_cut)
			return false;
		next_pass(stream);
	}
	give(stream, &stream->candidates.items[0], hit);
	drop_candidate(stream);
	return true;
}

bool
ivfbq_stream_next(IvfbqStream *stream, IvfbqHit *hit)
{
	IvfbqCandidates *candidates = &stream->candidates;

	if (!stream->ran)
		run_pass(stream);
	if (stream->certain)
		return next_certain(stream, hit);

	for (;;)
	{
		float ahead = candidates->n > 0 ? ivfbq_candidate_bound(&candidates->items[0])
										: ivfbq_candidates_limit(candidates);

		if (stream->nrefined > 0 && ivfbq_candidate_bound(&stream->refined[0]) <= ahead)
		{
			give(stream, &stream->refined[0], hit);
			ivfbq_heap_pop(stream->refined, stream->nrefined--);
			return true;
		}
		if (candidates->n > 0)
		{
			IvfbqCandidate candidate = candidates->items[0];

			drop_candidate(stream);
			if (candidates->n > 0)
				prefetch_row(stream, &candidates->items[0]);
			refine(stream, &candidate);
		}
		else if (candidates->has_cut)
			next_pass(stream);
		else
			return false;
	}
}

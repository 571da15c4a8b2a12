/*
 * recent.c
 *		In which buffers pages of an index were found before.
 */
#include "postgres.h"

#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "storage/buf_internals.h"
#include "utils/memutils.h"

#include "base/compat.h"
#include "base/recent.h"

/*
 * Before 19 a page that is found by its old place does not count as used, and would be thrown out as if nobody
 * had wanted it: every so many pages are read the usual way.
 */
#define TURNS 16

#define SIZE_MIN 1024
#define SIZE_MAX_BLOCKS (256 * 1024)

/* Of so many btrees a backend knows where their pages were. */
#define INDEXES 8

typedef struct Known
{
	Oid index;
	AgmRecent recent;
} Known;

static Known known[INDEXES];
static int next_known = 0;

void
agm_recent_fit(AgmRecent *recent, MemoryContext context, BlockNumber blocks)
{
	uint32 size = Min(pg_nextpower2_32(Max(blocks, SIZE_MIN)), SIZE_MAX_BLOCKS);

	if (likely(recent->size >= size))
		return;
	if (recent->buffers != NULL)
		pfree(recent->buffers);
	recent->size = 0;
	recent->buffers = NULL;
	recent->buffers = MemoryContextAllocZero(context, sizeof(Buffer) * size);
	recent->size = size;
}

AgmRecent *
agm_recent_of(Relation index)
{
	Known *place = NULL;

	for (int i = 0; i < INDEXES && place == NULL; i++)
		if (known[i].index == RelationGetRelid(index))
			place = &known[i];
	if (place == NULL)
	{
		/* In turn: its buffers are of another index, which the server will tell. */
		place = &known[next_known];
		next_known = (next_known + 1) % INDEXES;
		place->index = RelationGetRelid(index);
	}
	agm_recent_fit(&place->recent, TopMemoryContext, Max(index->rd_rel->relpages, 0));
	return &place->recent;
}

bool
agm_recent_pin(Relation index, AgmRecent *recent, BlockNumber block, const Buffer *place)
{
	if (place == NULL || !BufferIsValid(*place) || ++recent->turn % TURNS == 0 ||
		!agm_read_recent_buffer(index, block, *place))
		return false;
	pgstat_count_buffer_read(index);
	pgstat_count_buffer_hit(index);
	return true;
}

const char *
agm_recent_call(Buffer buffer)
{
	__builtin_prefetch(GetBufferDescriptor(buffer - 1), 1);
	return (const char *) BufferGetBlock(buffer);
}

/*
 * rowset.c
 *		A set of rows by where they lie in their table.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "recall/rowset.h"

/* The places that a page needs, as a power of two. */
static int
shift_of(const uint64 *entries, int64 n)
{
	OffsetNumber greatest = 0;
	int shift = 0;

	for (int64 i = 0; i < n; i++)
		greatest = Max(greatest, AGM_ENTRY_OFFSET(entries[i]));
	while (greatest >> shift != 0)
		shift++;
	return shift;
}

AgmRowSet *
agm_rowset_make(const uint64 *entries, int64 n)
{
	AgmRowSet *set = palloc0(sizeof(AgmRowSet));
	BlockNumber last = 0;

	set->shift = shift_of(entries, n);
	for (int64 i = 0; i < n; i++)
		last = Max(last, AGM_ENTRY_BLOCK(entries[i]));
	set->nchunks = (((uint64) last + 1) << set->shift) / AGM_ROWSET_CHUNK_BITS + 1;
	set->chunks =
		palloc_extended(sizeof(uint64 *) * set->nchunks, MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int64 i = 0; i < n; i++)
	{
		uint64 place =
			(uint64) AGM_ENTRY_BLOCK(entries[i]) << set->shift | AGM_ENTRY_OFFSET(entries[i]);
		uint64 **chunk = &set->chunks[place / AGM_ROWSET_CHUNK_BITS];

		if ((i & 4095) == 0)
			CHECK_FOR_INTERRUPTS();
		if (*chunk == NULL)
			*chunk = palloc0(AGM_ROWSET_CHUNK_BITS / BITS_PER_BYTE);
		(*chunk)[place % AGM_ROWSET_CHUNK_BITS / 64] |= UINT64CONST(1) << place % 64;
	}
	return set;
}

void
agm_rowset_free(AgmRowSet *set)
{
	for (uint64 i = 0; i < set->nchunks; i++)
		if (set->chunks[i] != NULL)
			pfree(set->chunks[i]);
	pfree(set->chunks);
	pfree(set);
}

/*
 * ids.c
 *		Numbers for 64-bit ids.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "graph/ids.h"

#define FIRST_CAPACITY 1024

/* Multiplied by an odd constant and folded: ids that follow each other lie apart. */
static inline uint32
slot_of(const AgmIds *ids, int64 id)
{
	uint64 h = (uint64) id * UINT64CONST(0x9E3779B97F4A7C15);

	return (uint32) (h ^ (h >> 32)) & ids->mask;
}

void
agm_ids_init(AgmIds *ids, MemoryContext context)
{
	memset(ids, 0, sizeof(*ids));
	ids->context = context;
	ids->capacity = FIRST_CAPACITY;
	ids->ids = MemoryContextAlloc(context, sizeof(int64) * FIRST_CAPACITY);
	ids->slots = MemoryContextAllocZero(context, sizeof(uint32) * FIRST_CAPACITY * 2);
	ids->mask = FIRST_CAPACITY * 2 - 1;
}

/* Half of the slots at most are taken. */
static void
grow(AgmIds *ids)
{
	Size capacity = (Size) ids->capacity * 2;

	if (capacity > PG_INT32_MAX / 2)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("a graph cannot have more than %u nodes", ids->capacity)));
	ids->ids = repalloc_huge(ids->ids, sizeof(int64) * capacity);
	pfree(ids->slots);
	ids->slots = MemoryContextAllocExtended(ids->context, sizeof(uint32) * capacity * 2,
											MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	ids->capacity = (uint32) capacity;
	ids->mask = (uint32) (capacity * 2 - 1);
	for (uint32 i = 0; i < ids->n; i++)
	{
		uint32 slot = slot_of(ids, ids->ids[i]);

		while (ids->slots[slot] != 0)
			slot = (slot + 1) & ids->mask;
		ids->slots[slot] = i + 1;
	}
}

uint32
agm_ids_add(AgmIds *ids, int64 id, bool *is_new)
{
	uint32 slot = slot_of(ids, id);

	for (; ids->slots[slot] != 0; slot = (slot + 1) & ids->mask)
		if (ids->ids[ids->slots[slot] - 1] == id)
		{
			if (is_new != NULL)
				*is_new = false;
			return ids->slots[slot] - 1;
		}
	if (is_new != NULL)
		*is_new = true;
	if (ids->n == ids->capacity)
	{
		grow(ids);
		for (slot = slot_of(ids, id); ids->slots[slot] != 0; slot = (slot + 1) & ids->mask)
			;
	}
	ids->ids[ids->n] = id;
	ids->slots[slot] = ++ids->n;
	return ids->n - 1;
}

uint32
agm_ids_find(const AgmIds *ids, int64 id)
{
	for (uint32 slot = slot_of(ids, id); ids->slots[slot] != 0; slot = (slot + 1) & ids->mask)
		if (ids->ids[ids->slots[slot] - 1] == id)
			return ids->slots[slot] - 1;
	return AGM_NO_NODE;
}

Size
agm_ids_size(const AgmIds *ids)
{
	return (Size) ids->capacity * (sizeof(int64) + 2 * sizeof(uint32));
}

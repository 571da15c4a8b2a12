/*
 * sort.c
 *		Rows sorted by a number (sort.h): tuplesort with one integer before the row.
 *
 * Comparing integers that lie in the sort's own array is what makes this fast; tags are compared only
 * within a number, and only if there are several (one tag follows from its hash).
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_operator_d.h"
#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "ivfbq/sort.h"

/*
 * What a sort keeps in memory is written without a look for interrupts when it is full, and given back when the sort
 * ends: more of it would make a cancel wait, and saves no pass as long as a merge takes hundreds of runs.
 */
#define MEMORY_MAX ((Size) 64 * 1024 * 1024)
/* Numbers are many more in as many bytes. */
#define NUMBERS_MEMORY_MAX ((Size) 16 * 1024 * 1024)

/* Columns before the tags, and the row behind them. */
#define COLUMNS_MAX (IVFBQ_MAX_KEYS + 2)

struct IvfbqSort
{
	/* set once */
	int ntags;
	Tuplesortstate *state;
	TupleTableSlot *in;
	TupleTableSlot *out;

	/* changes */
	char *value; /* the row as a bytea, of so many bytes */
	int value_bytes;
};

/* tuplesort sorts signed numbers. */
static inline Datum
number_datum(uint64 number)
{
	return Int64GetDatum((int64) (number ^ (UINT64CONST(1) << 63)));
}

static inline uint64
datum_number(Datum datum)
{
	return (uint64) DatumGetInt64(datum) ^ (UINT64CONST(1) << 63);
}

/* What tuplesort is given as its memory, in kB. */
static int
kilobytes(Size memory, Size most)
{
	return (int) (Max(Min(memory, most) / 1024, 64));
}

IvfbqSort *
ivfbq_sort_new(int ntags, Size memory, SortCoordinate coordinate)
{
	IvfbqSort *sort = palloc0(sizeof(IvfbqSort));
	TupleDesc desc = CreateTemplateTupleDesc(ntags + 2);
	AttrNumber columns[COLUMNS_MAX];
	Oid operators[COLUMNS_MAX];
	Oid collations[COLUMNS_MAX] = {0};
	bool nulls_first[COLUMNS_MAX] = {0};

	sort->ntags = ntags;
	TupleDescInitEntry(desc, 1, "number", INT8OID, -1, 0);
	for (int i = 0; i < ntags; i++)
		TupleDescInitEntry(desc, (AttrNumber) (i + 2), "tag", INT4OID, -1, 0);
	TupleDescInitEntry(desc, (AttrNumber) (ntags + 2), "row", BYTEAOID, -1, 0);
	agm_tupdesc_finish(desc);
	for (int i = 0; i <= ntags; i++)
	{
		columns[i] = (AttrNumber) (i + 1);
		operators[i] = i == 0 ? Int8LessOperator : Int4LessOperator;
	}
	sort->state = tuplesort_begin_heap(desc, ntags > 1 ? ntags + 1 : 1, columns, operators,
									   collations, nulls_first, kilobytes(memory, MEMORY_MAX),
									   coordinate, TUPLESORT_NONE);
	sort->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	sort->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	return sort;
}

void
ivfbq_sort_put(IvfbqSort *sort, uint64 number, const uint32 *tags, const char *bytes, int n)
{
	TupleTableSlot *slot = sort->in;

	if (sort->value_bytes < n + VARHDRSZ)
	{
		if (sort->value != NULL)
			pfree(sort->value);
		sort->value_bytes = n + VARHDRSZ;
		sort->value = MemoryContextAlloc(GetMemoryChunkContext(sort), sort->value_bytes);
	}
	memcpy(VARDATA(sort->value), bytes, n);
	SET_VARSIZE(sort->value, n + VARHDRSZ);

	ExecClearTuple(slot);
	memset(slot->tts_isnull, 0, sizeof(bool) * (sort->ntags + 2));
	slot->tts_values[0] = number_datum(number);
	for (int i = 0; i < sort->ntags; i++)
		slot->tts_values[i + 1] = UInt32GetDatum(tags[i]);
	slot->tts_values[sort->ntags + 1] = PointerGetDatum(sort->value);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(sort->state, slot);
}

void
ivfbq_sort_perform(IvfbqSort *sort)
{
	tuplesort_performsort(sort->state);
}

bool
ivfbq_sort_next(IvfbqSort *sort, uint64 *number, uint32 *tags, const char **bytes, int *n)
{
	const char *value;

	if (!tuplesort_gettupleslot(sort->state, true, false, sort->out, NULL))
		return false;
	slot_getallattrs(sort->out);
	*number = datum_number(sort->out->tts_values[0]);
	for (int i = 0; i < sort->ntags; i++)
		tags[i] = DatumGetUInt32(sort->out->tts_values[i + 1]);
	value = DatumGetPointer(sort->out->tts_values[sort->ntags + 1]);
	*bytes = VARDATA_ANY(value);
	*n = (int) VARSIZE_ANY_EXHDR(value);
	return true;
}

void
ivfbq_sort_free(IvfbqSort *sort)
{
	/* Slots first: what they show is the sort's. */
	ExecDropSingleTupleTableSlot(sort->in);
	ExecDropSingleTupleTableSlot(sort->out);
	tuplesort_end(sort->state);
	if (sort->value != NULL)
		pfree(sort->value);
	pfree(sort);
}

/* ---------------------------------------------------------------- numbers alone */

Tuplesortstate *
ivfbq_numbers_new(Size memory, SortCoordinate coordinate)
{
	return tuplesort_begin_datum(INT8OID, Int8LessOperator, InvalidOid, false,
								 kilobytes(memory, NUMBERS_MEMORY_MAX), coordinate,
								 TUPLESORT_NONE);
}

void
ivfbq_numbers_put(Tuplesortstate *numbers, uint64 number)
{
	tuplesort_putdatum(numbers, number_datum(number), false);
}

bool
ivfbq_numbers_next(Tuplesortstate *numbers, uint64 *number)
{
	Datum value;
	bool isnull;

	if (!agm_tuplesort_getdatum(numbers, &value, &isnull))
		return false;
	*number = datum_number(value);
	return true;
}

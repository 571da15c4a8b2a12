/*
 * target.c
 *		What a scan asks for, out of its scan keys (target.h).
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "executor/executor.h"
#include "ivfbq/target.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

/* More combinations of keys than this are looked for by a walk of the directory. */
#define COMBINATIONS_MAX 10000

/* The hashes that one condition on a key column allows. */
static uint64 *
condition_hashes(Relation index, const ScanKeyData *key, int *n)
{
	int column = key->sk_attno - 1;
	uint64 *hashes;

	*n = 0;
	if (key->sk_flags & SK_SEARCHARRAY)
	{
		ArrayType *array = DatumGetArrayTypeP(key->sk_argument);
		Oid type = ARR_ELEMTYPE(array);
		int16 length;
		bool by_value;
		char align;
		Datum *values;
		bool *nulls;
		int count;

		get_typlenbyvalalign(type, &length, &by_value, &align);
		deconstruct_array(array, type, length, by_value, align, &values, &nulls, &count);
		hashes = palloc(sizeof(uint64) * Max(count, 1));
		for (int i = 0; i < count; i++)
			if (!nulls[i])
				hashes[(*n)++] =
					ivfbq_column_hash(index, column, key->sk_subtype, values[i], false);
		return hashes;
	}
	hashes = palloc(sizeof(uint64));
	hashes[(*n)++] = ivfbq_column_hash(index, column, key->sk_subtype, key->sk_argument, false);
	return hashes;
}

static int
compare_uint32(const void *a, const void *b)
{
	uint32 x = *(const uint32 *) a;
	uint32 y = *(const uint32 *) b;

	return (x > y) - (x < y);
}

/* A condition on a key column: the tags it allows, less those that others do not. */
static void
add_condition(IvfbqTarget *target, Relation index, const ScanKeyData *key)
{
	int column = key->sk_attno - 1;
	int n;
	uint64 *hashes = condition_hashes(index, key, &n);
	uint32 *tags = palloc(sizeof(uint32) * Max(n, 1));
	int kept = 0;

	for (int i = 0; i < n; i++)
		tags[i] = IVFBQ_TAG(hashes[i]);
	qsort(tags, n, sizeof(uint32), compare_uint32);
	for (int i = 0; i < n; i++)
	{
		if (i > 0 && tags[i] == tags[i - 1])
			continue;
		if (target->wanted[column] &&
			bsearch(&tags[i], target->tags[column], target->ntags[column], sizeof(uint32),
					compare_uint32) == NULL)
			continue;
		tags[kept++] = tags[i];
	}
	target->wanted[column] = target->any_given = true;
	target->tags[column] = tags;
	target->ntags[column] = kept;
	if (kept == 0)
		target->nothing = true;
}

/* All combinations of the columns' tags, if all columns are given and there are not too many. */
static void
combine(IvfbqTarget *target, int ncolumns)
{
	int64 n = 1;

	for (int i = 0; i < ncolumns; i++)
	{
		if (!target->wanted[i])
			return;
		n *= target->ntags[i];
		if (n > COMBINATIONS_MAX)
			return;
	}
	target->complete = true;
	target->nkeys = (int) n;
	target->keys = palloc0(sizeof(IvfbqKey) * n);
	for (int64 i = 0; i < n; i++)
	{
		int64 rest = i;

		for (int column = 0; column < ncolumns; column++)
		{
			target->keys[i].tags[column] = target->tags[column][rest % target->ntags[column]];
			rest /= target->ntags[column];
		}
		target->keys[i].hash = ivfbq_tags_hash(target->keys[i].tags, ncolumns);
	}
}

bool
ivfbq_target_matches(const IvfbqTarget *target, int ncolumns, const uint32 *tags)
{
	for (int i = 0; i < ncolumns; i++)
		if (target->wanted[i] && bsearch(&tags[i], target->tags[i], target->ntags[i],
										 sizeof(uint32), compare_uint32) == NULL)
			return false;
	return true;
}

/* sphere(center, radius): a composite value.  Nothing is within NULL or NaN. */
static void
add_range(IvfbqTarget *target, const IvfbqType *type, Datum value)
{
	HeapTupleHeader tuple = DatumGetHeapTupleHeader(value);
	bool isnull[2];
	Datum center = GetAttributeByNum(tuple, 1, &isnull[0]);
	Datum radius = GetAttributeByNum(tuple, 2, &isnull[1]);
	double r;

	if (isnull[0] || isnull[1])
	{
		target->nothing = true;
		return;
	}
	r = DatumGetFloat8(radius);
	if (isnan(r))
	{
		target->nothing = true;
		return;
	}
	/* Of two ranges the first serves; the executor checks both. */
	if (target->ranged)
		return;
	target->ranged = true;
	target->center = type->floats(center, &target->center_dim);
	target->radius = r;
}

void
ivfbq_target_init(IvfbqTarget *target, Relation index, ScanKey keys, int nkeys,
				  ScanKey orderbys, int norderbys)
{
	int ncolumns = IndexRelationGetNumberOfKeyAttributes(index) - 1;
	const IvfbqType *type = &ivfbq_index(index)->type;

	memset(target, 0, sizeof(*target));
	target->wanted = palloc0(sizeof(bool) * (ncolumns + 1));
	target->tags = palloc0(sizeof(uint32 *) * (ncolumns + 1));
	target->ntags = palloc0(sizeof(int) * (ncolumns + 1));
	for (int i = 0; i < nkeys; i++)
	{
		if (keys[i].sk_flags & SK_ISNULL)
			target->nothing = true;
		else if (keys[i].sk_strategy == IVFBQ_SPHERE_STRATEGY)
			add_range(target, type, keys[i].sk_argument);
		else
			add_condition(target, index, &keys[i]);
	}
	if (!target->nothing)
		combine(target, ncolumns);

	if (norderbys > 1)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("an ivfbq index orders by one distance only")));
	if (norderbys == 1)
	{
		target->ordered = true;
		if (orderbys[0].sk_flags & SK_ISNULL)
			target->null_query = true;
		else
			target->query = type->floats(orderbys[0].sk_argument, &target->query_dim);
	}
}

/*
 * seeds.c
 *		Checks seeds and weights.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"

#include "graph/seeds.h"
#include "memory/filter.h"

static double *
read_weights(ArrayType *weights, int expected)
{
	Oid type = ARR_ELEMTYPE(weights);
	double *result;
	Datum *items;
	int n;

	agm_check_array(weights, "weights");
	if (type == FLOAT4OID)
		deconstruct_array(weights, FLOAT4OID, sizeof(float4), true, TYPALIGN_INT, &items, NULL,
						  &n);
	else
		deconstruct_array(weights, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE,
						  &items, NULL, &n);
	if (n != expected)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there are %d weights for %d seeds", n, expected),
						errhint("Give one weight for each seed, or no weights.")));
	result = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
	{
		result[i] = type == FLOAT4OID ? DatumGetFloat4(items[i]) : DatumGetFloat8(items[i]);
		if (!(result[i] >= 0) || isinf(result[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the weight of a seed must be finite and not negative, not %g",
							result[i])));
	}
	return result;
}

void
agm_seeds_read(const char *argument, ArrayType *seeds, ArrayType *weights, AgmSeeds *result)
{
	Datum *items;

	agm_check_array(seeds, argument);
	deconstruct_array(seeds, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items,
					  NULL, &result->n);
	result->ids = palloc(sizeof(int64) * Max(result->n, 1));
	for (int i = 0; i < result->n; i++)
		result->ids[i] = DatumGetInt64(items[i]);
	if (weights != NULL)
	{
		result->weights = read_weights(weights, result->n);
		return;
	}
	result->weights = palloc(sizeof(double) * Max(result->n, 1));
	for (int i = 0; i < result->n; i++)
		result->weights[i] = 1;
}

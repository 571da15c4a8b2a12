/*
 * strength_fn.c
 *		Strength, retention, and the states that follow from it.
 *
 * Rules and source: src/consolidate/README.md, "Strength and retention".
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "base/compat.h"

PG_FUNCTION_INFO_V1(agm_fn_strength);
PG_FUNCTION_INFO_V1(agm_fn_retention);
PG_FUNCTION_INFO_V1(agm_fn_next_state);
PG_FUNCTION_INFO_V1(agm_fn_state_bits);

/* Of states that are held: best first.  `bound` is the retention above which a memory is in it. */
static const struct
{
	const char *name;
	double bound;
	int bits;
} states[] = {
	{"active", 0.8, 32},
	{"warm", 0.5, 16},
	{"cold", 0.2, 8},
	{"archived", 0.05, 1},
};

/* Where a memory stays in its state on either side of a bound, as a share of the bound. */
#define HYSTERESIS 0.05

static int
find_state(text *name)
{
	for (int i = 0; i < (int) lengthof(states); i++)
		if (strlen(states[i].name) == VARSIZE_ANY_EXHDR(name) &&
			memcmp(states[i].name, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) == 0)
			return i;
	return -1;
}

Datum
agm_fn_strength(PG_FUNCTION_ARGS)
{
	double accesses = PG_ARGISNULL(1) ? 0 : (double) PG_GETARG_INT64(1);
	double importance = PG_ARGISNULL(2) ? 0 : PG_GETARG_FLOAT4(2);
	double confirmations = PG_ARGISNULL(3) ? 0 : PG_GETARG_INT32(3);
	double confidence = PG_ARGISNULL(4) ? 1 : PG_GETARG_FLOAT4(4);
	double factor;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	factor =
		(1 + 2 * log1p(Max(accesses, 0)) + 1.5 * importance + log1p(Max(confirmations, 0))) /
		(1 + 2 * (1 - confidence));
	return DirectFunctionCall2(interval_mul, PG_GETARG_DATUM(0), Float8GetDatum(factor));
}

/* A month has 30 days here, as it has where intervals are compared. */
static double
seconds(const Interval *interval)
{
	return ((double) interval->month * DAYS_PER_MONTH + interval->day) * SECS_PER_DAY +
		   (double) interval->time / USECS_PER_SEC;
}

Datum
agm_fn_retention(PG_FUNCTION_ARGS)
{
	double strength;
	double unused;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_FLOAT4(1);
	strength = seconds(PG_GETARG_INTERVAL_P(0));
	unused = seconds(PG_GETARG_INTERVAL_P(1));
	if (unused <= 0)
		PG_RETURN_FLOAT4(1);
	if (strength <= 0)
		PG_RETURN_FLOAT4(0);
	PG_RETURN_FLOAT4((float4) exp2(-Min(unused / strength, 100)));
}

/* One step, if retention has passed a bound and not only come near it. */
Datum
agm_fn_next_state(PG_FUNCTION_ARGS)
{
	text *name = PG_GETARG_TEXT_PP(0);
	double retention = PG_GETARG_FLOAT4(1);
	int state = find_state(name);

	if (state < 0)
		PG_RETURN_TEXT_P(name);
	if (state > 0 && retention > states[state - 1].bound * (1 + HYSTERESIS))
		PG_RETURN_TEXT_P(cstring_to_text(states[state - 1].name));
	if (retention > states[state].bound * (1 - HYSTERESIS))
		PG_RETURN_TEXT_P(name);
	if (state + 1 == (int) lengthof(states))
		PG_RETURN_TEXT_P(cstring_to_text("forgotten"));
	PG_RETURN_TEXT_P(cstring_to_text(states[state + 1].name));
}

Datum
agm_fn_state_bits(PG_FUNCTION_ARGS)
{
	int state = find_state(PG_GETARG_TEXT_PP(0));

	PG_RETURN_INT32(state < 0 ? 1 : states[state].bits);
}

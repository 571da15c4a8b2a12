/*
 * time_fn.c
 *		SQL boundary of time expressions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "lexical/lexical.h"

PG_FUNCTION_INFO_V1(agm_fn_time_expressions);

/* time_expressions(source text, at timestamptz, language text) returns table (phrase text, during tstzrange, hard boolean) */
Datum
agm_fn_time_expressions(PG_FUNCTION_ARGS)
{
	text *source = PG_GETARG_TEXT_PP(0);
	char *language = text_to_cstring(PG_GETARG_TEXT_PP(2));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	TypeCacheEntry *range_type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	AgmTimeSpan *spans;
	int nspans;

	(void) agm_lexical_config(language, false);
	InitMaterializedSRF(fcinfo, 0);
	spans = agm_time_expressions(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source),
								 PG_GETARG_TIMESTAMPTZ(1), language, &nspans);
	for (int i = 0; i < nspans; i++)
	{
		const AgmTimeSpan *span = &spans[i];
		RangeBound lower = {.val = TimestampTzGetDatum(span->from),
							.infinite = span->from_open,
							.inclusive = true,
							.lower = true};
		RangeBound upper = {.val = TimestampTzGetDatum(span->to), .infinite = span->to_open};
		Datum values[3];
		bool nulls[3] = {false};

		values[0] = PointerGetDatum(
			cstring_to_text_with_len(VARDATA_ANY(source) + span->start, span->len));
		values[1] = RangeTypePGetDatum(agm_make_range(range_type, &lower, &upper));
		values[2] = BoolGetDatum(span->hard);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(DatumGetPointer(values[0]));
		pfree(DatumGetPointer(values[1]));
	}
	return (Datum) 0;
}

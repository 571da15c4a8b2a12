/*
 * extract_fn.c
 *		SQL boundary of extracts.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/store.h"
#include "graph/extract.h"

PG_FUNCTION_INFO_V1(agm_fn_extracts);
PG_FUNCTION_INFO_V1(agm_fn_summarize);

/* Of extracts(): so many are compared at once. */
#define SENTENCES_MAX AGM_EXTRACT_PART

/* Of summarize(): what the array of them can hold. */
#define SENTENCES_HUGE 10000000

/* (texts, number, language): the best sentences of at most `max`, *n of them, best first. */
static AgmExtract *
choose(FunctionCallInfo fcinfo, const char *number, int max, int *n)
{
	AgmExtract *sentences;
	char *language;
	int wanted;

	agm_require_not_null(PG_ARGISNULL(0), "texts");
	agm_require_not_null(PG_ARGISNULL(1), number);
	agm_require_not_null(PG_ARGISNULL(2), "language");
	wanted = PG_GETARG_INT32(1);
	if (wanted < 1 || wanted > 1000)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s must be between 1 and 1000, not %d", number, wanted)));
	language = text_to_cstring(PG_GETARG_TEXT_PP(2));
	sentences = agm_extract_read(PG_GETARG_ARRAYTYPE_P(0), language, max + 1, n);
	if (*n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("more than %d sentences", max),
				 errhint("Give fewer texts at a time.")));
	*n = agm_extract_choose(sentences, *n, language, wanted);
	return sentences;
}

/* extracts(texts, n, language) returns table (place int, sentence text, rank double precision) */
Datum
agm_fn_extracts(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AgmExtract *sentences;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	sentences = choose(fcinfo, "n", SENTENCES_MAX, &n);
	for (int i = 0; i < n; i++)
	{
		Datum values[3] = {
			Int32GetDatum(sentences[i].place + 1),
			PointerGetDatum(cstring_to_text_with_len(sentences[i].text, sentences[i].len)),
			Float8GetDatum(sentences[i].rank)};
		bool nulls[3] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* summarize(texts, sentences, language) returns text */
Datum
agm_fn_summarize(PG_FUNCTION_ARGS)
{
	AgmExtract *sentences;
	StringInfoData summary;
	int n;

	sentences = choose(fcinfo, "sentences", SENTENCES_HUGE, &n);
	if (n == 0)
		PG_RETURN_NULL();
	agm_extract_sort(sentences, n);
	initStringInfo(&summary);
	for (int i = 0; i < n; i++)
	{
		if (i > 0)
			appendStringInfoChar(&summary, ' ');
		appendBinaryStringInfo(&summary, sentences[i].text, sentences[i].len);
	}
	PG_RETURN_TEXT_P(cstring_to_text_with_len(summary.data, summary.len));
}

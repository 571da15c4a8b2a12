/*
 * concept_fn.c
 *		SQL boundary of concepts.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "lexical/lexical.h"

PG_FUNCTION_INFO_V1(agm_fn_extract_concepts);

/* extract_concepts(source text, language text, max integer) returns table (concept text, normalized text, weight real) */
Datum
agm_fn_extract_concepts(PG_FUNCTION_ARGS)
{
	text *source = PG_GETARG_TEXT_PP(0);
	int max = PG_GETARG_INT32(2);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AgmConcept *concepts;
	int nconcepts;

	if (max < 1 || max > AGM_CONCEPTS_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("max must be between 1 and %d", AGM_CONCEPTS_MAX),
						errdetail("It is %d.", max)));
	InitMaterializedSRF(fcinfo, 0);
	concepts = agm_concepts(text_to_cstring(PG_GETARG_TEXT_PP(1)), VARDATA_ANY(source),
							VARSIZE_ANY_EXHDR(source), max, &nconcepts);
	for (int i = 0; i < nconcepts; i++)
	{
		Datum values[3] = {CStringGetTextDatum(concepts[i].concept),
						   CStringGetTextDatum(concepts[i].lexemes),
						   Float4GetDatum(concepts[i].weight)};
		bool nulls[3] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

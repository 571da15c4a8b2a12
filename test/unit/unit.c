/*
 * unit.c
 *		Collects the checks of one suite and hands them out as rows.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "unit.h"

PG_MODULE_MAGIC;

typedef struct UnitResult
{
	char *name;
	const char *file; /* of the first failure, NULL if there is none */
	int line;
} UnitResult;

/* The suite that runs now: its results, and the context they live in. */
static List *results = NIL;
static MemoryContext results_context = NULL;

bool
agm_unit_check(bool ok, const char *file, int line, const char *name, ...)
{
	MemoryContext caller = MemoryContextSwitchTo(results_context);
	UnitResult *result = results == NIL ? NULL : llast(results);
	char text[1024];
	va_list args;

	va_start(args, name);
	vsnprintf(text, sizeof(text), name, args);
	va_end(args);

	if (result == NULL || strcmp(result->name, text) != 0)
	{
		result = palloc0(sizeof(UnitResult));
		result->name = pstrdup(text);
		results = lappend(results, result);
	}
	if (!ok && result->file == NULL)
	{
		result->file = file;
		result->line = line;
	}
	MemoryContextSwitchTo(caller);
	return ok;
}

static void
run_suite(const char *suite)
{
#define UNIT_SUITE(s)                                                                          \
	if (strcmp(suite, #s) == 0)                                                                \
	{                                                                                          \
		agm_unit_##s();                                                                        \
		return;                                                                                \
	}
#include "suites.inc"
#undef UNIT_SUITE
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("unit suite \"%s\" does not exist", suite)));
}

/* unit_run(suite text) returns setof (ok boolean, name text) */
PG_FUNCTION_INFO_V1(agm_fn_unit_run);
Datum
agm_fn_unit_run(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	results = NIL;
	results_context = CurrentMemoryContext;
	run_suite(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	foreach (cell, results)
	{
		UnitResult *result = lfirst(cell);
		char *name = result->name;
		Datum values[2];
		bool nulls[2] = {false, false};

		if (result->file != NULL)
			name = psprintf("%s (%s:%d)", name, result->file, result->line);
		values[0] = BoolGetDatum(result->file == NULL);
		values[1] = CStringGetTextDatum(name);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

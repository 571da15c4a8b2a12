/*
 * options.c
 *		Reloptions and settings (options.h).
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "ivfbq/options.h"
#include "utils/guc.h"

double ivfbq_recall = 0.98;
double ivfbq_epsilon = -1;
bool ivfbq_exact = false;

static relopt_kind kind;

void
ivfbq_init(void)
{
	kind = add_reloption_kind();
	add_int_reloption(kind, "flat_limit", "Rows up to which a key is one list",
					  IVFBQ_DEFAULT_FLAT_LIMIT, IVFBQ_MIN_FLAT_LIMIT, IVFBQ_MAX_FLAT_LIMIT,
					  ShareUpdateExclusiveLock);
	add_int_reloption(kind, "list_size", "Rows of a list of a larger key",
					  IVFBQ_DEFAULT_LIST_SIZE, IVFBQ_MIN_LIST_SIZE, IVFBQ_MAX_LIST_SIZE,
					  ShareUpdateExclusiveLock);
	add_int_reloption(kind, "refine", "Bits a dimension that rows are refined by",
					  IVFBQ_DEFAULT_REFINE, IVFBQ_DEFAULT_REFINE, IVFBQ_DEFAULT_REFINE,
					  AccessExclusiveLock);

	DefineCustomRealVariable(
		"agentmem.ivfbq_epsilon",
		"Sets how many standard errors below its estimate a row is bounded.",
		"Rows of which the bound is too far are not looked at. -1: 2.5 to 3.5 for keys "
		"that are one list, 2.2 to 2.5 for others.",
		&ivfbq_epsilon, -1, -1, 100, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable(
		"agentmem.ivfbq_exact", "Sets whether an ivfbq index looks at every row of a key.",
		"The order is exact then.", &ivfbq_exact, false, PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomRealVariable("agentmem.ivfbq_recall",
							 "Sets the share of the nearest rows that a search is to find.",
							 "Keys that are one list are searched as a whole.", &ivfbq_recall,
							 0.98, 0.5, 1, PGC_USERSET, 0, NULL, NULL, NULL);
}

bytea *
ivfbqoptions(Datum reloptions, bool validate)
{
	static const relopt_parse_elt table[] = {
		{.optname = "flat_limit",
		 .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(IvfbqOptions, flat_limit)},
		{.optname = "list_size",
		 .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(IvfbqOptions, list_size)},
		{.optname = "refine",
		 .opttype = RELOPT_TYPE_INT,
		 .offset = offsetof(IvfbqOptions, refine)},
	};

	return (bytea *) build_reloptions(reloptions, validate, kind, sizeof(IvfbqOptions), table,
									  lengthof(table));
}

int
ivfbq_flat_limit(Relation index)
{
	IvfbqOptions *options = (IvfbqOptions *) index->rd_options;

	return options == NULL ? IVFBQ_DEFAULT_FLAT_LIMIT : options->flat_limit;
}

int
ivfbq_list_size(Relation index)
{
	IvfbqOptions *options = (IvfbqOptions *) index->rd_options;

	return options == NULL ? IVFBQ_DEFAULT_LIST_SIZE : options->list_size;
}

/*
 * validate.c
 *		What an operator class must have, and which columns an index may have (validate.h).
 */
#include "postgres.h"

#include "access/amvalidate.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_amproc.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "ivfbq/meta.h"
#include "ivfbq/validate.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* What is looked at, and what was found. */
typedef struct Validation
{
	const char *class;
	const char *family;
	Oid input;
	bool ok;
	bool has_distance;
	bool has_equality;
	bool has_hash;
	bool has_type;
} Validation;

static void
fault(Validation *validation, const char *what, const char *object, int number)
{
	ereport(INFO, (errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				   errmsg("operator family \"%s\" of access method ivfbq contains %s %s with "
						  "number %d",
						  validation->family, what, object, number)));
	validation->ok = false;
}

static void
check_function(Validation *validation, Form_pg_amproc procedure)
{
	bool good;

	switch (procedure->amprocnum)
	{
		case IVFBQ_HASH_PROC:
			good = check_amproc_signature(procedure->amproc, INT8OID, false, 2, 2,
										  procedure->amproclefttype, INT8OID);
			break;
		case IVFBQ_TYPE_PROC:
			good =
				check_amproc_signature(procedure->amproc, INTERNALOID, true, 1, 1, INTERNALOID);
			break;
		default:
			fault(validation, "the unknown function", format_procedure(procedure->amproc),
				  procedure->amprocnum);
			return;
	}
	if (!good)
		fault(validation, "a function with a wrong signature",
			  format_procedure(procedure->amproc), procedure->amprocnum);
	if (procedure->amproclefttype == validation->input)
	{
		validation->has_hash |= procedure->amprocnum == IVFBQ_HASH_PROC;
		validation->has_type |= procedure->amprocnum == IVFBQ_TYPE_PROC;
	}
}

static void
check_operator(Validation *validation, Form_pg_amop operator)
{
	bool is_distance = operator->amopstrategy == IVFBQ_DISTANCE_STRATEGY;
	Oid result = is_distance ? FLOAT8OID : BOOLOID;

	if (operator->amopstrategy<1 || operator->amopstrategy> IVFBQ_STRATEGIES)
		fault(validation, "the unknown operator",
			  format_operator(operator->amopopr), operator->amopstrategy);
	if ((operator->amoppurpose == AMOP_ORDER) != is_distance ||
		(is_distance && !opfamily_can_sort_type(operator->amopsortfamily, FLOAT8OID)))
		fault(validation, "an operator of the wrong purpose",
			  format_operator(operator->amopopr), operator->amopstrategy);
	if (!check_amop_signature(operator->amopopr,
							  result, operator->amoplefttype, operator->amoprighttype))
		fault(validation, "an operator with a wrong signature",
			  format_operator(operator->amopopr), operator->amopstrategy);
	if (operator->amoplefttype == validation->input)
	{
		validation->has_distance |= is_distance;
		validation->has_equality |= operator->amopstrategy == IVFBQ_EQUAL_STRATEGY;
	}
}

bool
ivfbqvalidate(Oid opclass)
{
	HeapTuple class_tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	HeapTuple family_tuple;
	Form_pg_opclass class;
	Validation validation = {.ok = true};
	CatCList *procedures;
	CatCList *operators;

	if (!HeapTupleIsValid(class_tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	class = (Form_pg_opclass) GETSTRUCT(class_tuple);
	validation.class = NameStr(class->opcname);
	family_tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(class->opcfamily));
	if (!HeapTupleIsValid(family_tuple))
		elog(ERROR, "cache lookup failed for operator family %u", class->opcfamily);
	validation.family = NameStr(((Form_pg_opfamily) GETSTRUCT(family_tuple))->opfname);
	validation.input = class->opcintype;

	procedures = SearchSysCacheList1(AMPROCNUM, ObjectIdGetDatum(class->opcfamily));
	for (int i = 0; i < procedures->n_members; i++)
		check_function(&validation, (Form_pg_amproc) GETSTRUCT(&procedures->members[i]->tuple));
	operators = SearchSysCacheList1(AMOPSTRATEGY, ObjectIdGetDatum(class->opcfamily));
	for (int i = 0; i < operators->n_members; i++)
		check_operator(&validation, (Form_pg_amop) GETSTRUCT(&operators->members[i]->tuple));

	if (!(validation.has_type && validation.has_distance && !validation.has_equality) &&
		!(validation.has_hash && validation.has_equality && !validation.has_distance))
	{
		ereport(INFO,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("operator class \"%s\" of access method ivfbq is neither for keys nor "
						"for vectors",
						validation.class),
				 errdetail("For keys it has operator %d and function %d, for vectors operator "
						   "%d and function %d.",
						   IVFBQ_EQUAL_STRATEGY, IVFBQ_HASH_PROC, IVFBQ_DISTANCE_STRATEGY,
						   IVFBQ_TYPE_PROC)));
		validation.ok = false;
	}
	ReleaseCatCacheList(procedures);
	ReleaseCatCacheList(operators);
	ReleaseSysCache(family_tuple);
	ReleaseSysCache(class_tuple);
	return validation.ok;
}

void
ivfbq_check_columns(Relation index)
{
	int n = IndexRelationGetNumberOfKeyAttributes(index);

	for (int i = 0; i < n; i++)
	{
		bool is_vector = OidIsValid(index_getprocid(index, i + 1, IVFBQ_TYPE_PROC));

		if (is_vector == (i == n - 1))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 is_vector ? errmsg("an ivfbq index cannot have a column after its vectors")
						   : errmsg("an ivfbq index must end with a column of vectors"),
				 errhint("Name the columns that rows are selected by first, then one column of "
						 "vectors.")));
	}
}

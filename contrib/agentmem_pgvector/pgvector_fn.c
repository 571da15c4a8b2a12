/*
 * pgvector_fn.c
 *		What the casts between agentmem's vectors and pgvector's need in C: telling the
 *		planner which casts change nothing, and dequantizing for pgvector, which knows
 *		single precision only.
 *
 * Nothing here is linked with agentmem: its functions are looked up when first called.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(agm_fn_pgvector_support);
PG_FUNCTION_INFO_V1(agm_fn_to_pgvector);

/* A function of agentmem by its C name; raises 42883 if an older agentmem lacks it. */
static PGFunction
agentmem_function(const char *name)
{
	return (PGFunction) load_external_function("$libdir/agentmem", name, true, NULL);
}

/*
 * Support function of the casts between types of the same layout: the value is the result,
 * unless the type modifier has yet to be checked.  A modifier is the number of dimensions in
 * both extensions, so that an argument known to have the modifier asked for has been checked.
 *
 * CREATE CAST ... WITHOUT FUNCTION says the same of a type, but the planner forgets the
 * modifier over it: ALTER TABLE would check, and so rewrite, each column with a dimension.
 */
Datum
agm_fn_pgvector_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);
	Node *result = NULL;

	if (IsA(request, SupportRequestSimplify))
	{
		FuncExpr *cast = ((SupportRequestSimplify *) request)->fcall;
		Node *source = (Node *) linitial(cast->args);
		Node *typmod = (Node *) lsecond(cast->args);

		if (IsA(typmod, Const) && !((Const *) typmod)->constisnull)
		{
			int32 wanted = DatumGetInt32(((Const *) typmod)->constvalue);

			if (wanted < 0 || wanted == exprTypmod(source))
				result = applyRelabelType(source, cast->funcresulttype, wanted, InvalidOid,
										  COERCE_EXPLICIT_CAST, cast->location, false);
		}
	}

	PG_RETURN_POINTER(result);
}

/* The vector itself if it is in single precision, else its values; checked for the modifier. */
Datum
agm_fn_to_pgvector(PG_FUNCTION_ARGS)
{
	static PGFunction quantize = NULL;
	static PGFunction check_typmod = NULL;
	Datum vector;

	if (quantize == NULL)
		quantize = agentmem_function("agm_fn_quantize");
	if (check_typmod == NULL)
		check_typmod = agentmem_function("agm_fn_vector");

	vector = DirectFunctionCall2(quantize, PG_GETARG_DATUM(0), Int32GetDatum(32));
	return DirectFunctionCall3(check_typmod, vector, PG_GETARG_DATUM(1), PG_GETARG_DATUM(2));
}

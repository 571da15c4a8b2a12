/*
 * support_fn.c
 *		What the planner is told of functions of one namespace: README, "Citus", 4.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"

#include "base/shards.h"

PG_FUNCTION_INFO_V1(agm_fn_routed_support);

/* Without a namespace there is no server to send the call to; Citus would look for it all the same. */
Datum
agm_fn_routed_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestSimplify))
	{
		const FuncExpr *call = ((SupportRequestSimplify *) request)->fcall;
		const Node *ns = list_length(call->args) < 2 ? NULL : lsecond(call->args);

		if (ns != NULL && IsA(ns, Const) && ((const Const *) ns)->constisnull &&
			agm_is_sent(call->funcid))
			agm_require_not_null(true, "namespace");
	}
	PG_RETURN_POINTER(NULL);
}

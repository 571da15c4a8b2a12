/*
 * plan.c
 *		Calls that Citus must not send: README, "Citus", 5.
 *
 * Citus looks for a call to send in the statement as the planner has left it, and deparses that: one in which the planner has
 * pulled up a subquery cannot be, and ends the server.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "base/compat.h"
#include "base/shards.h"
#include "scale/scale.h"

static planner_hook_type next_planner = NULL;

static bool
has_sent_call(Node *node, void *arg)
{
	Oid schema = *(Oid *) arg;

	if (node == NULL)
		return false;
	if (IsA(node, FuncExpr) && get_func_namespace(((FuncExpr *) node)->funcid) == schema &&
		agm_is_sent(((FuncExpr *) node)->funcid))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_sent_call, arg, 0);
	return expression_tree_walker(node, has_sent_call, arg);
}

static bool
has_subquery(const Query *query)
{
	ListCell *cell;

	foreach (cell, query->rtable)
		if (((RangeTblEntry *) lfirst(cell))->rtekind == RTE_SUBQUERY)
			return true;
	return query->cteList != NIL;
}

/* True, and not seen to be so by the planner: with any condition Citus sends nothing. */
static Node *
condition(void)
{
	NullTest *test = makeNode(NullTest);

	test->arg = (Expr *) makeFuncExpr(F_PG_BACKEND_PID, INT4OID, NIL, InvalidOid, InvalidOid,
									  COERCE_EXPLICIT_CALL);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	return (Node *) test;
}

static PlannedStmt *
plan(Query *query, const char *text, int options, ParamListInfo params AGM_PLANNER_MORE)
{
	if (query->commandType == CMD_SELECT && query->setOperations == NULL &&
		query->jointree != NULL && query->jointree->quals == NULL && has_subquery(query) &&
		OidIsValid(get_relname_relid("pg_dist_object", PG_CATALOG_NAMESPACE)))
	{
		Oid schema = get_namespace_oid("agentmem", true);

		if (OidIsValid(schema) && has_sent_call((Node *) query, &schema))
			query->jointree->quals = condition();
	}
	if (next_planner != NULL)
		return next_planner(query, text, options, params AGM_PLANNER_PASS);
	return standard_planner(query, text, options, params AGM_PLANNER_PASS);
}

void
agm_plan_init(void)
{
	next_planner = planner_hook;
	planner_hook = plan;
}

/*
 * access_fn.c
 *		SQL boundary of row security: the two conditions that policies are made of.
 *
 * Asked once a row, and nearly always for the namespace of the row before: the last answer
 * is kept for the statement.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/supportnodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "base/compat.h"
#include "memory/access.h"

PG_FUNCTION_INFO_V1(agm_fn_namespace_is_set);
PG_FUNCTION_INFO_V1(agm_fn_namespace_is_role);
PG_FUNCTION_INFO_V1(agm_fn_namespace_support);

/* Longer names are rare and looked up each time. */
#define KEPT_BYTES_MAX 512

typedef struct Answer
{
	uint64 generation;
	Oid user;
	int len; /* -1: none yet */
	bool visible;
	char ns[KEPT_BYTES_MAX];
} Answer;

static Answer *
last_answer(FunctionCallInfo fcinfo)
{
	Answer *answer = fcinfo->flinfo->fn_extra;

	if (answer == NULL)
	{
		answer = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(Answer));
		answer->len = -1;
		fcinfo->flinfo->fn_extra = answer;
	}
	return answer;
}

/* A role of this name that the current one is a member of; no such role is no error. */
static bool
is_role(const char *ns, int len)
{
	char name[NAMEDATALEN];
	Oid role;

	if (len >= NAMEDATALEN)
		return false;
	memcpy(name, ns, len);
	name[len] = '\0';
	role = get_role_oid(name, true);
	return OidIsValid(role) && is_member_of_role(GetUserId(), role);
}

static Datum
answer_for(FunctionCallInfo fcinfo, bool (*visible)(const char *, int))
{
	text *value = PG_GETARG_TEXT_PP(0);
	const char *ns = VARDATA_ANY(value);
	int len = VARSIZE_ANY_EXHDR(value);
	Answer *answer = last_answer(fcinfo);

	if (answer->len == len && answer->user == GetUserId() &&
		answer->generation == agm_access_generation() && memcmp(answer->ns, ns, len) == 0)
		PG_RETURN_BOOL(answer->visible);
	answer->visible = visible(ns, len);
	answer->user = GetUserId();
	answer->generation = agm_access_generation();
	answer->len = len <= KEPT_BYTES_MAX ? len : -1;
	memcpy(answer->ns, ns, Max(answer->len, 0));
	PG_RETURN_BOOL(answer->visible);
}

Datum
agm_fn_namespace_is_set(PG_FUNCTION_ARGS)
{
	return answer_for(fcinfo, agm_access_listed);
}

Datum
agm_fn_namespace_is_role(PG_FUNCTION_ARGS)
{
	return answer_for(fcinfo, is_role);
}

/*
 * Every statement names its namespace, and is asked by who may see it: the policy takes
 * nothing away.  The planner's guess of a third would make other plans than without one.
 */
Datum
agm_fn_namespace_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if (!IsA(request, SupportRequestSelectivity))
		PG_RETURN_POINTER(NULL);
	((SupportRequestSelectivity *) request)->selectivity = 1;
	PG_RETURN_POINTER(request);
}

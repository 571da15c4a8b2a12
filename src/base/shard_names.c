/*
 * shard_names.c
 *		Statements that name tables, while one shard is meant: the setting agentmem.shard.
 *
 * For functions in plpgsql, whose statements have the names of a store's tables in them.  Rules: src/base/README.md,
 * "Shards".
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "access/relation.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/shards.h"

static char *shard_setting = NULL;
static post_parse_analyze_hook_type next_hook = NULL;

/* Finding out what is meant runs statements of its own. */
static bool looking = false;

/* Have both the same columns in the same places?  A shard that was made after a column was dropped has not. */
static void
require_same_columns(Oid table, Oid shard)
{
	Relation a = relation_open(table, AccessShareLock);
	Relation b = relation_open(shard, AccessShareLock);
	TupleDesc x = RelationGetDescr(a);
	TupleDesc y = RelationGetDescr(b);
	bool same = x->natts == y->natts;

	for (int i = 0; same && i < x->natts; i++)
		same = TupleDescAttr(x, i)->attisdropped == TupleDescAttr(y, i)->attisdropped &&
			   (TupleDescAttr(x, i)->attisdropped ||
				(TupleDescAttr(x, i)->atttypid == TupleDescAttr(y, i)->atttypid &&
				 namestrcmp(&TupleDescAttr(x, i)->attname,
							NameStr(TupleDescAttr(y, i)->attname)) == 0));
	if (!same)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("shard \"%s\" has other columns than table \"%s\"",
							   RelationGetRelationName(b), RelationGetRelationName(a)),
						errdetail("A column was dropped before the shard was made here."),
						errhint("Export the namespaces, and import them into a new store.")));
	relation_close(b, NoLock);
	relation_close(a, NoLock);
}

static bool
rename_tables(Node *node, void *arg)
{
	Query *query = (Query *) node;
	ListCell *cell;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, rename_tables, arg);
	foreach (cell, query->rtable)
	{
		RangeTblEntry *entry = lfirst(cell);
		Oid shard;

		if (entry->rtekind != RTE_RELATION)
			continue;
		shard = agm_shard_at(*(int64 *) arg, entry->relid);
		if (!OidIsValid(shard))
			continue;
		LockRelationOid(shard,
						entry->rellockmode == NoLock ? AccessShareLock : entry->rellockmode);
		require_same_columns(entry->relid, shard);
		agm_set_entry_relation(query, entry, shard);
	}
	return query_tree_walker(query, rename_tables, arg, 0);
}

static void
after_analysis(ParseState *state, Query *query, AgmJumbleState *jumble)
{
	if (next_hook != NULL)
		next_hook(state, query, jumble);
	if (shard_setting == NULL || shard_setting[0] == '\0' || looking ||
		query->commandType == CMD_UTILITY)
		return;
	looking = true;
	PG_TRY();
	{
		int64 shard = pg_strtoint64(shard_setting);

		(void) rename_tables((Node *) query, &shard);
	}
	PG_FINALLY();
	{
		looking = false;
	}
	PG_END_TRY();
}

static bool
check_shard(char **value, void **extra, GucSource source)
{
	(void) extra;
	(void) source;
	return *value == NULL || strspn(*value, "0123456789") == strlen(*value);
}

void
agm_shards_init(void)
{
	DefineCustomStringVariable(
		AGM_GUC_CLASS ".shard",
		"Sets the shard that statements on tables of a distributed store read and write.",
		"For functions of agentmem, which set it for themselves; empty: none.", &shard_setting,
		"", PGC_USERSET, GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE, check_shard, NULL, NULL);
	next_hook = post_parse_analyze_hook;
	post_parse_analyze_hook = after_analysis;
}

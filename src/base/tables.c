/*
 * tables.c
 *		A store's table below SQL: which relation has a namespace's rows, whether it may be read
 *		directly, and by which of its indexes.
 *
 * README, "Reading an index directly".
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rowsecurity.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "base/shards.h"
#include "base/spi.h"
#include "base/tables.h"

/* Does every policy judge a row by its namespace alone, so that of one all rows or none are seen? */
static bool
policies_by_namespace(Relation table)
{
	AttrNumber ns = get_attnum(RelationGetRelid(table), "namespace");
	ListCell *cell;

	if (table->rd_rsdesc == NULL || row_security_policy_hook_permissive != NULL ||
		row_security_policy_hook_restrictive != NULL)
		return false;
	foreach (cell, table->rd_rsdesc->policies)
	{
		RowSecurityPolicy *policy = lfirst(cell);
		Bitmapset *columns = NULL;

		if (policy->qual == NULL)
			continue;
		if (policy->hassublinks || contain_volatile_functions((Node *) policy->qual))
			return false;
		pull_varattnos((Node *) policy->qual, 1, &columns);
		columns = bms_del_member(columns, ns - FirstLowInvalidHeapAttributeNumber);
		if (!bms_is_empty(columns))
			return false;
	}
	return true;
}

/* The partition that has the namespace; InvalidOid if it is not one of those that create_store makes. */
static Oid
partition_of(Relation table, text *ns)
{
	PartitionKey key = RelationGetPartitionKey(table);
	PartitionDesc desc = RelationGetPartitionDesc(table, true);
	PartitionBoundInfo bounds = desc->boundinfo;
	Datum value = PointerGetDatum(ns);
	bool isnull = false;
	uint64 hash;
	int part;

	if (key->strategy != PARTITION_STRATEGY_HASH || key->partnatts != 1 ||
		key->parttypid[0] != TEXTOID || bounds == NULL || bounds->nindexes == 0)
		return InvalidOid;
	hash =
		compute_partition_hash_value(1, key->partsupfunc, key->partcollation, &value, &isnull);
	part = bounds->indexes[hash % bounds->nindexes];
	return part >= 0 && desc->is_leaf[part] ? desc->oids[part] : InvalidOid;
}

/* By statement, to which policies apply. */
static bool
sees_some(const AgmStore *store, const char *name, text *ns)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, PointerGetDatum(ns), false);
	return agm_execute(store,
					   psprintf("SELECT true FROM {store}.%s t"
								" WHERE t.namespace OPERATOR(pg_catalog.=) $1 LIMIT 1",
								name),
					   &params, AGM_READ | AGM_PLAN_GENERIC, "b", NULL, NULL) > 0;
}

static bool
may_read(const AgmStore *store, const char *name, Oid relid, text *ns, AgmTableRights rights)
{
	Relation table;
	bool may;

	if (rights == AGM_READS_ROWS)
		return true;
	if (rights == AGM_READS_ALL &&
		pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
		return false;
	if (check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED)
		return true;
	table = relation_open(relid, AccessShareLock);
	may = policies_by_namespace(table);
	relation_close(table, NoLock);
	/* Who sees one row of the namespace sees all. */
	return may && (rights != AGM_READS_ALL || sees_some(store, name, ns));
}

Relation
agm_table_open(const AgmStore *store, const char *name, text *ns, AgmTableRights rights,
			   Snapshot snapshot)
{
	Oid relid = agm_store_table(store, name);
	Relation table;
	Oid part;

	if (IsolationIsSerializable() || !IsMVCCSnapshot(snapshot) || !OidIsValid(relid) ||
		agm_is_distributed(relid) || !may_read(store, name, relid, ns, rights))
		return NULL;
	table = relation_open(relid, AccessShareLock);
	if (table->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		part = partition_of(table, ns);
		relation_close(table, NoLock);
		if (!OidIsValid(part))
			return NULL;
		table = relation_open(part, AccessShareLock);
	}
	if (table->rd_rel->relkind == RELKIND_RELATION &&
		table->rd_rel->relam == HEAP_TABLE_AM_OID && !table->rd_rel->relhassubclass)
		return table;
	relation_close(table, NoLock);
	return NULL;
}

/* Is it complete, also for rows that are older than itself? */
static bool
is_usable(Relation index, Oid am)
{
	return index->rd_rel->relam == am && index->rd_index->indisvalid &&
		   index->rd_index->indisready && RelationGetIndexPredicate(index) == NIL &&
		   (!index->rd_index->indcheckxmin ||
			TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
								  TransactionXmin));
}

Relation
agm_table_index(Relation table, Oid am, AgmIndexFn suits, void *arg)
{
	List *list = RelationGetIndexList(table);
	Relation found = NULL;
	ListCell *cell;

	foreach (cell, list)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);

		if (is_usable(index, am) && suits(table, index, arg))
		{
			found = index;
			break;
		}
		index_close(index, AccessShareLock);
	}
	list_free(list);
	return found;
}

bool
agm_is_column(Relation table, const Node *node, const char *name)
{
	return IsA(node, Var) && ((const Var *) node)->varattno > 0 &&
		   strcmp(NameStr(
					  TupleDescAttr(RelationGetDescr(table), ((const Var *) node)->varattno - 1)
						  ->attname),
				  name) == 0;
}

bool
agm_is_call(const Node *node, const char *schema, const char *name, int nargs)
{
	const FuncExpr *call = (const FuncExpr *) node;

	return IsA(node, FuncExpr) && list_length(call->args) == nargs &&
		   get_func_namespace(call->funcid) == get_namespace_oid(schema, false) &&
		   strcmp(get_func_name(call->funcid), name) == 0;
}

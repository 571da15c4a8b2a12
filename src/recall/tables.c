/*
 * tables.c
 *		A table of the store below SQL: which relation has a namespace's rows, and whether it is one
 *		that may be read directly.
 *
 * README rule 19.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "rewrite/rowsecurity.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "base/compat.h"
#include "recall/tables.h"

bool
agm_tables_are_here(void)
{
	return !IsolationIsSerializable() && IsMVCCSnapshot(GetActiveSnapshot()) &&
		   !OidIsValid(get_extension_oid("citus", true));
}

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

Relation
agm_table_open(const AgmRecall *recall, AgmSource source, text *ns, bool by_namespace)
{
	Oid relid = get_relname_relid(source == AGM_MEMORY ? "memory" : "memory_history",
								  get_namespace_oid(recall->store.name, false));
	Relation table;
	Oid part;

	if (!OidIsValid(relid))
		return NULL;
	table = relation_open(relid, AccessShareLock);
	if (by_namespace && check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED &&
		!policies_by_namespace(table))
	{
		relation_close(table, NoLock);
		return NULL;
	}
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

bool
agm_index_is_usable(Relation index)
{
	return index->rd_index->indisvalid && index->rd_index->indisready &&
		   (!index->rd_index->indcheckxmin ||
			TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
								  TransactionXmin));
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

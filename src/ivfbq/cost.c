/*
 * cost.c
 *		amcostestimate: what a scan of an ivfbq index costs.
 *
 * Before the first row comes out, the codes of the chosen lists are read and some rows are refined;
 * each row costs little more than its visit to the heap, which the caller adds.
 */
#include "postgres.h"

#include <math.h>

#include "access/genam.h"
#include "base/compat.h"
#include "ivfbq/cost.h"
#include "ivfbq/geometry.h"
#include "ivfbq/meta.h"
#include "ivfbq/options.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/float.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/spccache.h"

/* Preparing a query: its rotation and tables, as so many operators. */
#define QUERY_OPERATORS 400
/* Rows that are refined before the first comes out, and what one costs. */
#define REFINED_ROWS 100
#define REFINE_OPERATORS 8
/* A code is estimated in this part of an operator's time. */
#define CODE_OPERATORS 0.05
/* Share of the lists that a search of a clustered key reads, if it has a thousand of them. */
#define LISTS_SHARE 0.03

/* Rows that are looked at in one key of so many. */
static double
rows_read(double rows, double flat_limit, double list_size)
{
	double lists = rows / list_size;

	if (rows <= flat_limit || ivfbq_exact)
		return rows;
	/* More of them, the fewer there are. */
	return rows * Min(1, LISTS_SHARE * sqrt(1000 / Max(lists, 1)));
}

/* Of a share of the table, as a predicate of the index is part of it. */
static double
rows_of(const IndexOptInfo *info, Selectivity selectivity)
{
	return Max(1, Min(info->tuples, selectivity * info->rel->tuples));
}

/*
 * Rows of the keys that are asked for.  A range does not lessen them: what is outside is known only
 * once its row has been looked at.
 */
static double
rows_of_keys(PlannerInfo *root, IndexPath *path, bool *ranged)
{
	IndexOptInfo *info = path->indexinfo;
	List *conditions = NIL;
	ListCell *cell;

	*ranged = false;
	foreach (cell, path->indexclauses)
	{
		IndexClause *clause = lfirst_node(IndexClause, cell);

		if (clause->indexcol == info->nkeycolumns - 1)
			*ranged = true;
		else
			conditions = lappend(conditions, clause->rinfo);
	}
	conditions = add_predicate_to_index_quals(info, conditions);
	return rows_of(
		info, clauselist_selectivity(root, conditions, info->rel->relid, JOIN_INNER, NULL));
}

void
ivfbqcostestimate(PlannerInfo *root, IndexPath *path, double loop_count, Cost *startup,
				  Cost *total, Selectivity *selectivity, double *correlation, double *pages)
{
	IndexOptInfo *info = path->indexinfo;
	GenericCosts costs = {0};
	Relation index;
	bool ranged;
	double rows;
	double key_rows;
	double read;
	double code_pages;
	double flat_limit;
	double list_size;
	int dim;
	IvfbqGeometry geometry;
	Cost random_page_cost_here;

	/*
	 * Never with two distances, which a scan refuses; and never without the table, as core would count all
	 * rows: no pin keeps VACUUM from freeing a row that has been read, and saying that all of its page is visible.
	 */
	if (list_length(path->indexorderbys) > 1 || path->path.pathtype == T_IndexOnlyScan)
	{
		agm_disable_path(&path->path);
		*startup = *total = get_float8_infinity();
		*selectivity = *correlation = 0;
		*pages = 0;
		return;
	}

	index = index_open(info->indexoid, NoLock);
	flat_limit = ivfbq_flat_limit(index);
	list_size = ivfbq_list_size(index);
	dim = ivfbq_index(index)->dim;
	index_close(index, NoLock);

	genericcostestimate(root, path, loop_count, &costs);
	get_tablespace_page_costs(info->reltablespace, &random_page_cost_here, NULL);
	rows = rows_of(info, costs.indexSelectivity);
	key_rows = rows_of_keys(root, path, &ranged);
	/* A range, and what is in no order, looks at all rows of the keys. */
	if (path->indexorderbys == NIL || ranged)
		read = key_rows;
	else
		read = rows_read(key_rows, flat_limit, list_size);

	ivfbq_geometry_init(&geometry, Max(dim, 1), 0);
	code_pages = ceil(read / geometry.slots) + log2(2 + info->tuples / IVFBQ_MIN_CODE_DIM);

	*startup =
		cpu_operator_cost * (QUERY_OPERATORS + read * CODE_OPERATORS * Max(dim, 64) / 384 +
							 Min(read, REFINED_ROWS) * REFINE_OPERATORS) +
		code_pages * (random_page_cost_here * 0.25 + 20 * cpu_operator_cost);
	*total = *startup + rows * (cpu_index_tuple_cost + REFINE_OPERATORS * cpu_operator_cost);
	/* Without an order there are cheaper indexes for equality, and no better ones for a range. */
	if (path->indexorderbys == NIL)
		*total += read * random_page_cost_here * geometry.row_bytes / BLCKSZ;
	*selectivity = costs.indexSelectivity;
	*correlation = 0;
	*pages = code_pages + Min(read, REFINED_ROWS);
}

/*
 * forget.c
 *		Taking out all memories that pass a filter; counting which memories helped.
 *
 * Rules: src/memory/README.md, "Operations".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "memory/change.h"

/* An id and at most three locks, each here and in the array that a statement is given. */
#define BYTES_A_MEMORY (2 * sizeof(int64) * (1 + AGM_LOCKS_MAX))

/* The memories that pass, and their locks. */
typedef struct Matching
{
	AgmInt64List ids;
	AgmInt64List locks;
} Matching;

/* Columns: id, content_hash, key_hash, key. */
static void
read_matching(TupleTableSlot *slot, void *arg)
{
	Matching *matching = arg;
	bool isnull;

	if ((matching->ids.n + 1) * BYTES_A_MEMORY > (Size) maintenance_work_mem * 1024)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("more than %d memories match", matching->ids.n),
						errdetail("Their ids and locks need more than maintenance_work_mem."),
						errhint("Forget them in parts, with the argument n, or raise "
								"maintenance_work_mem.")));
	agm_int64_add(&matching->ids, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
	agm_add_locks(&matching->locks, slot, 2);
}

#define COLUMNS "m.id, m.content_hash, m.key_hash, m.key"
#define TYPES "luu?t?"

static Matching
find_matching(AgmWriter *writer, const AgmForgetting *forgetting)
{
	AgmParams params = {0};
	Matching matching;
	StringInfoData sql;

	memset(&matching, 0, sizeof(matching));
	agm_param(&params, TEXTOID, writer->ns, false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT " COLUMNS);
	agm_filter_from(&forgetting->filter, AGM_MEMORY, AGM_ANY_INDEX, "", &sql, &params);
	agm_filter_append(&forgetting->filter, true, &sql, &params);
	appendStringInfoString(&sql, " ORDER BY m.id");
	if (forgetting->limit > 0)
		appendStringInfo(&sql, " LIMIT $%d",
						 agm_param(&params, INT8OID, Int64GetDatum(forgetting->limit), false));
	(void) agm_execute(&writer->store, sql.data, &params, AGM_WRITE | AGM_PLAN_CUSTOM, TYPES,
					   read_matching, &matching);
	agm_int64_sort(&matching.locks);
	return matching;
}

/* What was taken out, and the locks that are held. */
typedef struct Removal
{
	AgmWriter *writer;
	const AgmInt64List *locks;
	AgmInt64List ids;
} Removal;

/* One that states something else by now has locks that are not held. */
static void
read_removed(TupleTableSlot *slot, void *arg)
{
	Removal *removal = arg;
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	int64 items[AGM_LOCKS_MAX];
	AgmInt64List locks = {items, 0, AGM_LOCKS_MAX};

	agm_add_locks(&locks, slot, 2);
	for (int i = 0; i < locks.n; i++)
		if (!agm_int64_has(removal->locks, locks.items[i]))
			agm_changed_meanwhile(id);
	agm_int64_add(&removal->ids, id);
	agm_operation_touch(removal->writer, id);
}

/*
 * The row is looked at again as it is deleted: what no longer passes, because another call or an
 * UPDATE by hand changed it while this one waited, stays.
 */
AgmInt64List
agm_forget_where(AgmWriter *writer, const AgmForgetting *forgetting)
{
	Matching matching = find_matching(writer, forgetting);
	Removal removal = {writer, &matching.locks, {0}};
	AgmParams params = {0};
	StringInfoData sql;

	if (forgetting->dry_run || matching.ids.n == 0)
		return matching.ids;
	agm_writer_lock(writer, matching.locks.items, matching.locks.n);
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(matching.ids.items, matching.ids.n), false);
	initStringInfo(&sql);
	appendStringInfoString(&sql, "DELETE FROM {store}.memory m"
								 " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
								 " AND m.id OPERATOR(pg_catalog.=) ANY ($2)");
	agm_filter_append(&forgetting->filter, true, &sql, &params);
	appendStringInfoString(&sql, " RETURNING " COLUMNS);
	(void) agm_execute(&writer->store, sql.data, &params, AGM_WRITE | AGM_PLAN_CUSTOM, TYPES,
					   read_removed, &removal);
	agm_int64_sort(&removal.ids);
	return removal.ids;
}

/*
 * The locks of its statement keep erase() away, which would otherwise leave these counters.  No
 * version: nothing that the memory states has changed.
 */
bool
agm_feedback(AgmWriter *writer, int64 id, bool useful)
{
	AgmParams params = {0};
	int64 locks[AGM_LOCKS_MAX];
	int nheld;
	AgmHeld *held = agm_held_read(writer, &id, 1, &nheld);

	agm_writer_lock(writer, locks, agm_held_locks(held, nheld, locks));
	if (nheld == 0 || !agm_held_confirm(writer, held, nheld))
		return false;
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(&writer->store,
					   useful ? "INSERT INTO {store}.activity AS a"
								" (namespace, id, useful, confirmations, last_confirmed)"
								" VALUES ($1, $2, 1, 1, pg_catalog.clock_timestamp())"
								" ON CONFLICT (namespace, id) DO UPDATE"
								" SET useful = a.useful OPERATOR(pg_catalog.+) 1,"
								" confirmations = a.confirmations OPERATOR(pg_catalog.+) 1,"
								" last_confirmed = excluded.last_confirmed"
							  : "INSERT INTO {store}.activity AS a (namespace, id, useless)"
								" VALUES ($1, $2, 1)"
								" ON CONFLICT (namespace, id) DO UPDATE"
								" SET useless = a.useless OPERATOR(pg_catalog.+) 1",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	return true;
}

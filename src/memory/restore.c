/*
 * restore.c
 *		Undoing an operation from what history has of the memories that it touched.
 *
 * Rules: src/memory/README.md, "Operations".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "memory/change.h"
#include "memory/json.h"
#include "memory/resolve.h"
#include "memory/secret.h"

/* What a version is made of, but for its period in the store and its operation. */
#define VERSION_COLUMNS(t)                                                                     \
	t "kind, " t "valid_period, " t "expires_at, " t "tokens, " t "embedding, " t              \
	  "lexemes, " t "content, " t "title, " t "subject, " t "predicate, " t "object, " t       \
	  "tags, " t "attributes, " t "confidence, " t "importance, " t "provenance, " t           \
	  "source, " t "actor, " t "session, " t "parent, " t "pinned, " t "key, " t               \
	  "language, " t "model, " t "content_hash, " t "key_hash"

/* The last operation on a memory. */
typedef struct Operation
{
	bool found;
	bool final; /* leaves nothing to go back to */
	int64 id;
	TimestampTz at;
	int64 *ids;
	int nids;
} Operation;

static void
read_operation(TupleTableSlot *slot, void *arg)
{
	Operation *operation = arg;
	bool isnull;
	Datum *items;
	char *action;

	operation->found = true;
	operation->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	operation->at = DatumGetTimestampTz(slot_getattr(slot, 2, &isnull));
	deconstruct_array(DatumGetArrayTypeP(slot_getattr(slot, 3, &isnull)), INT8OID,
					  sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &items, NULL,
					  &operation->nids);
	action = agm_slot_text(slot, 4);
	operation->final = strcmp(action, "erase") == 0 || strcmp(action, "import") == 0;
	operation->ids = palloc(sizeof(int64) * operation->nids);
	for (int i = 0; i < operation->nids; i++)
		operation->ids[i] = DatumGetInt64(items[i]);
}

/* Who read a secret is in the audit too. */
#define CHANGES " AND a.action OPERATOR(pg_catalog.<>) 'reveal'"

#define OPERATIONS                                                                             \
	"SELECT a.id, a.at, a.ids, a.action FROM {store}.audit a"                                  \
	" WHERE a.namespace OPERATOR(pg_catalog.=) $1"                                             \
	" AND a.ids OPERATOR(agentmem.&&&) $2" CHANGES

/*
 * The last operation on any of these memories: that of the greatest number.  Servers of a distributed store draw
 * numbers of their own, each above a bound that is its own: of the one that was here last.
 */
static Operation
last_operation(AgmWriter *writer, const int64 *ids, int n)
{
	AgmParams params = {0};
	Operation operation = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	(void) agm_execute(&writer->store,
					   writer->store.distributed ? OPERATIONS
						   " ORDER BY pg_catalog.max(a.at) OVER (PARTITION BY"
						   "  a.id OPERATOR(pg_catalog.>>) 48) DESC, a.id DESC LIMIT 1"
												 : OPERATIONS " ORDER BY a.id DESC LIMIT 1",
					   &params, AGM_WRITE | AGM_PLAN_CUSTOM, "lzLt", read_operation,
					   &operation);
	return operation;
}

/* What became of a memory that an operation touched. */
typedef struct Touched
{
	int64 id;
	bool held;	  /* there is a current version */
	bool written; /* ... which the operation wrote */
	bool has_version;
	TimestampTz version; /* since when the last version in history was held */
	AgmHeld past;		 /* that version's locks and period */
} Touched;

static void
read_touched(TupleTableSlot *slot, void *arg)
{
	Touched *touched = arg;
	bool isnull;
	Datum value;

	touched->held = DatumGetBool(slot_getattr(slot, 1, &isnull));
	touched->written = DatumGetBool(slot_getattr(slot, 2, &isnull));
	value = slot_getattr(slot, 3, &isnull);
	touched->has_version = !isnull;
	if (isnull)
		return;
	touched->version = DatumGetTimestampTz(value);
	touched->past.id = touched->id;
	touched->past.statement = *DatumGetUUIDP(slot_getattr(slot, 4, &isnull));
	value = slot_getattr(slot, 5, &isnull);
	touched->past.has_key_hash = !isnull;
	if (!isnull)
		touched->past.key_hash = *DatumGetUUIDP(value);
	value = slot_getattr(slot, 6, &isnull);
	touched->past.has_key = !isnull;
	if (!isnull)
		touched->past.key = PointerGetDatum(DatumGetTextPCopy(value));
	value = slot_getattr(slot, 7, &touched->past.period.from_open);
	touched->past.period.from = DatumGetTimestampTz(value);
	value = slot_getattr(slot, 8, &touched->past.period.to_open);
	touched->past.period.to = DatumGetTimestampTz(value);
}

/*
 * What there is of a memory, and its last version in history, or that of an instant.  A memory
 * that is held by a version of the instant has none to go back to.
 */
static Touched
look_at(AgmWriter *writer, int64 id, const Operation *operation, const TimestampTz *known_at)
{
	AgmParams params = {0};
	Touched touched = {.id = id};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, INT8OID, Int64GetDatum(operation->id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(known_at == NULL ? 0 : *known_at),
			  known_at == NULL);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(operation->at), false);
	(void) agm_execute(
		&writer->store,
		"SELECT m.id IS NOT NULL, coalesce(m.operation OPERATOR(pg_catalog.=) $3"
		" AND pg_catalog.lower(m.system_period) OPERATOR(pg_catalog.>=) $5, false),"
		" pg_catalog.lower(h.system_period), h.content_hash, h.key_hash, h.key,"
		" pg_catalog.lower(h.valid_period), pg_catalog.upper(h.valid_period)"
		" FROM (SELECT $2 AS id) i"
		" LEFT JOIN (SELECT * FROM {store}.memory c WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		"            AND c.id OPERATOR(pg_catalog.=) $2) m ON true"
		" LEFT JOIN LATERAL (SELECT * FROM {store}.memory_history v"
		"   WHERE v.namespace OPERATOR(pg_catalog.=) $1 AND v.id OPERATOR(pg_catalog.=) $2"
		"   AND ($4 IS NULL OR v.system_period OPERATOR(pg_catalog.@>) $4)"
		"   AND ($4 IS NULL OR m.id IS NULL"
		"        OR NOT m.system_period OPERATOR(pg_catalog.@>) $4)"
		/* Of a memory that is held, what the current version followed. */
		"   AND ($4 IS NOT NULL OR m.id IS NULL OR pg_catalog.upper(v.system_period)"
		"        OPERATOR(pg_catalog.=) pg_catalog.lower(m.system_period))"
		"   ORDER BY pg_catalog.lower(v.system_period) DESC LIMIT 1) h ON true",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "bbz?u?u?t?z?z?", read_touched, &touched);
	return touched;
}

/* Takes the locks of what is held and of what comes back, then looks again. */
static Touched *
lock_touched(AgmWriter *writer, const int64 *ids, int n, const Operation *operation,
			 const TimestampTz *known_at)
{
	Touched *touched = palloc(sizeof(Touched) * n);
	int nheld;
	AgmHeld *held = agm_held_read(writer, ids, n, &nheld);
	int64 *locks = palloc(sizeof(int64) * AGM_LOCKS_MAX * 2 * n);
	int nlocks = agm_held_locks(held, nheld, locks);

	for (int i = 0; i < n; i++)
	{
		touched[i] = look_at(writer, ids[i], operation, known_at);
		if (touched[i].has_version)
			nlocks += agm_held_locks(&touched[i].past, 1, locks + nlocks);
	}
	agm_writer_lock(writer, locks, nlocks);
	(void) agm_held_confirm(writer, held, nheld);
	for (int i = 0; i < n; i++)
	{
		TimestampTz version = touched[i].version;
		bool had_version = touched[i].has_version;

		touched[i] = look_at(writer, ids[i], operation, known_at);
		/* One that has none any more was purged: it must not look as if the operation had made it. */
		if (touched[i].has_version ? touched[i].version != version : had_version)
			agm_changed_meanwhile(touched[i].id);
	}
	return touched;
}

static void
version_params(const AgmWriter *writer, const Touched *touched, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8OID, Int64GetDatum(touched->id), false);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(touched->version), false);
	agm_param(params, INT8OID, Int64GetDatum(writer->operation), false);
}

#define VERSION_FROM                                                                           \
	" FROM {store}.memory_history h WHERE h.namespace OPERATOR(pg_catalog.=) $1"               \
	" AND h.id OPERATOR(pg_catalog.=) $2"                                                      \
	" AND pg_catalog.lower(h.system_period) OPERATOR(pg_catalog.=) $3"

/*
 * Locks the version of history, as its owner: 40001 if it was erased after this transaction's
 * snapshot; who erases what it was made of waits, and then finds what came back.
 */
static void
lock_version(AgmWriter *writer, const AgmParams *params)
{
	if (agm_execute(&writer->store, "SELECT" VERSION_FROM " FOR SHARE OF h", params,
					AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL) == 0)
		ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						errmsg("memory " INT64_FORMAT " was changed meanwhile",
							   DatumGetInt64(params->values[1])),
						errhint("Try the transaction again.")));
}

/* Not before the last version ended: another transaction may have ended it after our now(). */
#define BEGINNING                                                                              \
	"(SELECT pg_catalog.tstzrange(CASE"                                                        \
	" WHEN pg_catalog.max(pg_catalog.upper(v.system_period))"                                  \
	"  OPERATOR(pg_catalog.>) pg_catalog.now()"                                                \
	" THEN pg_catalog.max(pg_catalog.upper(v.system_period))"                                  \
	"  OPERATOR(pg_catalog.+) '1 microsecond'::pg_catalog.interval"                            \
	" ELSE pg_catalog.now() END, NULL) FROM {store}.memory_history v"                          \
	" WHERE v.namespace OPERATOR(pg_catalog.=) $1 AND v.id OPERATOR(pg_catalog.=) $2)"

/* The version of history becomes the current one. */
static void
bring_back(AgmWriter *writer, const Touched *touched)
{
	AgmParams params = {0};

	version_params(writer, touched, &params);
	lock_version(writer, &params);
	if (touched->held)
		(void) agm_execute(&writer->store,
						   "UPDATE {store}.memory m SET (" VERSION_COLUMNS(
							   "") ", operation)"
								   " = (SELECT " VERSION_COLUMNS(
									   "h.") ", $4" VERSION_FROM ")"
											 " WHERE m.namespace OPERATOR(pg_catalog.=) $1"
											 " AND m.id OPERATOR(pg_catalog.=) $2",
						   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	else
		(void) agm_execute(
			&writer->store,
			"INSERT INTO {store}.memory (namespace, id, " VERSION_COLUMNS(
				"") ", operation, system_period) SELECT h.namespace, "
					"h.id, " VERSION_COLUMNS("h"
											 ".") ", $4, " BEGINNING VERSION_FROM,
			&params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_GIVEN, NULL, NULL, NULL);
	agm_held_check_attributes(writer, touched->id);
	agm_secret_return(writer, touched->id, touched->version);
	agm_edges_refresh(writer, touched->id);
	agm_operation_touch(writer, touched->id);
}

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

/* Raises 23P01 if its time or its name has been taken by another memory. */
static void
check_free(AgmWriter *writer, const Touched *touched)
{
	AgmParams params = {0};
	const AgmHeld *past = &touched->past;
	int64 blocking = 0;

	if (past->has_key_hash)
		agm_timeline_check(writer, &past->key_hash, touched->id, &past->period);
	if (!past->has_key)
		return;
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(touched->id), false);
	agm_param(&params, TEXTOID, past->key, false);
	if (agm_execute(&writer->store,
					"SELECT m.id FROM {store}.memory m"
					" WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					" AND m.key OPERATOR(pg_catalog.=) $3 AND m.id OPERATOR(pg_catalog.<>) $2",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &blocking) > 0)
		ereport(ERROR, (errcode(ERRCODE_EXCLUSION_VIOLATION),
						errmsg("memory " INT64_FORMAT " has the key \"%s\" now", blocking,
							   TextDatumGetCString(past->key)),
						errhint("Forget it first, or leave this one forgotten.")));
}

/* What merging duplicates gave, as the audit says. */
static void
undo_counts(AgmWriter *writer, const AgmParams *params)
{
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.activity a SET"
		" confirmations = greatest(0, a.confirmations OPERATOR(pg_catalog.-)"
		"  (o.details OPERATOR(pg_catalog.->>) 'confirmations')::pg_catalog.int4),"
		" accesses = greatest(0, a.accesses OPERATOR(pg_catalog.-)"
		"  (o.details OPERATOR(pg_catalog.->>) 'accesses')::pg_catalog.int8)"
		" FROM {store}.audit o WHERE o.namespace OPERATOR(pg_catalog.=) $1"
		" AND o.id OPERATOR(pg_catalog.=) $3 AND o.action OPERATOR(pg_catalog.=) 'merge'"
		" AND a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=)"
		"  (o.details OPERATOR(pg_catalog.->>) 'into')::pg_catalog.int8"
		" AND a.id OPERATOR(pg_catalog.=) ANY ($2)",
		params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* What a merge gave: the other's confirmations, which has kept them, and one more. */
static void
undo_confirmations(AgmWriter *writer, const AgmParams *params)
{
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.activity a SET confirmations = greatest(0, a.confirmations"
		"  OPERATOR(pg_catalog.-) 1 OPERATOR(pg_catalog.-) coalesce("
		"  (SELECT l.confirmations FROM {store}.activity l"
		"   WHERE l.namespace OPERATOR(pg_catalog.=) $1 AND l.id OPERATOR(pg_catalog.=)"
		"   CASE WHEN c.side OPERATOR(pg_catalog.=) c.a THEN c.b ELSE c.a END), 0))"
		" FROM {store}.conflict c WHERE c.namespace OPERATOR(pg_catalog.=) $1"
		" AND c.a OPERATOR(pg_catalog.=) ANY ($2) AND c.operation OPERATOR(pg_catalog.=) $3"
		" AND c.resolution OPERATOR(pg_catalog.=) 'merge'"
		" AND a.namespace OPERATOR(pg_catalog.=) $1 AND a.id OPERATOR(pg_catalog.=) c.side",
		params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/*
 * Who was merged and is parted is two again, and erase() of one is to leave the other: of the edges
 * that said that they are one, not even the history stays.  As its owner.
 */
static void
undo_continuing(AgmWriter *writer, const AgmParams *params)
{
	if (!agm_store_has(&writer->store, "edge_history"))
		return;
	(void) agm_execute(
		&writer->store,
		"DELETE FROM {store}.edge_history e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
		" AND (e.source OPERATOR(pg_catalog.=) ANY ($2)"
		"  OR e.target OPERATOR(pg_catalog.=) ANY ($2))"
		" AND e.operation OPERATOR(pg_catalog.=) $3"
		" AND e.type OPERATOR(pg_catalog.=) 'continues'"
		" AND EXISTS (SELECT FROM {store}.audit o WHERE o.namespace OPERATOR(pg_catalog.=) $1"
		"  AND o.id OPERATOR(pg_catalog.=) $3 AND o.action OPERATOR(pg_catalog.=) 'merge')",
		params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
}

/* Edges that the operation made go; conflicts that it settled are open again. */
static bool
undo_marks(AgmWriter *writer, const Operation *operation)
{
	AgmParams params = {0};
	uint64 undone;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(operation->ids, operation->nids), false);
	agm_param(&params, INT8OID, Int64GetDatum(operation->id), false);
	undone =
		agm_execute(&writer->store,
					"DELETE FROM {store}.edge e WHERE e.namespace OPERATOR(pg_catalog.=) $1"
					" AND (e.source OPERATOR(pg_catalog.=) ANY ($2)"
					"  OR e.target OPERATOR(pg_catalog.=) ANY ($2))"
					" AND e.operation OPERATOR(pg_catalog.=) $3",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	undo_continuing(writer, &params);
	undo_confirmations(writer, &params);
	undo_counts(writer, &params);
	undone += agm_execute(&writer->store,
						  "UPDATE {store}.conflict c SET resolution = NULL, side = NULL,"
						  " note = NULL, resolved_at = NULL, operation = NULL"
						  " WHERE c.namespace OPERATOR(pg_catalog.=) $1"
						  " AND c.a OPERATOR(pg_catalog.=) ANY ($2)"
						  " AND c.operation OPERATOR(pg_catalog.=) $3",
						  &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	return undone > 0;
}

pg_noreturn static void
cannot_undo(const Operation *operation, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("operation " INT64_FORMAT " cannot be undone", operation->id),
					errdetail("%s", why),
					errhint("Undo later operations first, or restore() a version by "
							"known_at.")));
	pg_unreachable();
}

static void
read_nothing(TupleTableSlot *slot, void *arg)
{
	(void) slot;
	*(bool *) arg = true;
}

/*
 * A transaction leaves one version of a row, so what lies between two of its operations is not
 * in history.
 */
static bool
shares_transaction(AgmWriter *writer, const Operation *operation)
{
	AgmParams params = {0};
	bool found = false;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(operation->id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(operation->at), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(operation->ids, operation->nids), false);
	(void) agm_execute(&writer->store,
					   "SELECT FROM {store}.audit a WHERE a.namespace OPERATOR(pg_catalog.=) $1"
					   " AND a.at OPERATOR(pg_catalog.=) $3 AND a.id OPERATOR(pg_catalog.<) $2"
					   " AND a.ids OPERATOR(agentmem.&&&) $4" CHANGES " LIMIT 1",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "", read_nothing, &found);
	return found;
}

/* What it replaced is not in history, and would look as if there had been nothing. */
static bool
was_purged(AgmWriter *writer, const Operation *operation)
{
	AgmParams params = {0};
	bool found = false;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(operation->at), false);
	(void) agm_execute(
		&writer->store,
		"SELECT FROM {store}.namespace n WHERE n.namespace OPERATOR(pg_catalog.=)"
		" $1 AND n.purged OPERATOR(pg_catalog.>=) $2",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "", read_nothing, &found);
	return found;
}

bool
agm_restore_last(AgmWriter *writer, int64 id)
{
	Operation operation = last_operation(writer, &id, 1);
	Touched *touched;
	bool marks;

	if (!operation.found || operation.final)
		return false;
	touched = lock_touched(writer, operation.ids, operation.nids, &operation, NULL);
	/* Behind the look that counts: maintenance purges without these locks. */
	if (was_purged(writer, &operation))
		cannot_undo(&operation, "History from before it is not kept any more.");
	if (last_operation(writer, operation.ids, operation.nids).id != operation.id)
		cannot_undo(&operation, "A memory that it touched was changed later.");
	if (shares_transaction(writer, &operation))
		cannot_undo(&operation, "The transaction had changed one of its memories before.");

	/* What it made goes first, then what it cut grows back: what it took out may need the room. */
	for (int i = 0; i < operation.nids; i++)
		if (touched[i].written && !touched[i].has_version)
			agm_memory_remove(writer, touched[i].id);
	for (int i = 0; i < operation.nids; i++)
		if (touched[i].written && touched[i].has_version)
			bring_back(writer, &touched[i]);
	for (int i = 0; i < operation.nids; i++)
	{
		if (!touched[i].has_version || (touched[i].held && !touched[i].written))
			continue;
		check_free(writer, &touched[i]);
		if (!touched[i].held)
			bring_back(writer, &touched[i]);
	}
	marks = undo_marks(writer, &operation);
	if (!marks && writer->ntouched == 0)
		cannot_undo(&operation, "It left no version: what it changed is none.");
	for (int i = 0; i < operation.nids; i++)
		agm_operation_touch(writer, operation.ids[i]);
	agm_operation_record(
		writer, "restore",
		agm_json_pair("undone", CStringGetTextDatum(psprintf(INT64_FORMAT, operation.id))));
	return true;
}

bool
agm_restore_version(AgmWriter *writer, int64 id, TimestampTz known_at)
{
	Operation none = {0};
	Touched *touched = lock_touched(writer, &id, 1, &none, &known_at);

	if (!touched->has_version)
		return false;
	check_free(writer, touched);
	bring_back(writer, touched);
	agm_operation_record(
		writer, "restore",
		agm_json_pair("known_at", CStringGetTextDatum(timestamptz_to_str(known_at))));
	return true;
}

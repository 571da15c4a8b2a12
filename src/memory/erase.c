/*
 * erase.c
 *		Removing memories with every version, and all that refers to them.
 *
 * Rules: src/memory/README.md, "Erasing".
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "lexical/lexical.h"
#include "memory/access_log.h"
#include "memory/change.h"
#include "memory/erase.h"
#include "memory/json.h"

/* Ids, each once, in the order in which they were found. */
typedef struct IdSet
{
	HTAB *seen;
	int64 *ids;
	int n;
	int capacity;
} IdSet;

static void
set_add(IdSet *set, int64 id)
{
	bool found;

	if (set->seen == NULL)
	{
		HASHCTL ctl = {0};

		ctl.keysize = sizeof(int64);
		ctl.entrysize = sizeof(int64);
		ctl.hcxt = CurrentMemoryContext;
		set->seen =
			hash_create("erased ids", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	(void) hash_search(set->seen, &id, HASH_ENTER, &found);
	if (found)
		return;
	if (set->n == set->capacity)
	{
		set->capacity = Max(64, set->capacity * 2);
		set->ids = set->ids == NULL ? palloc(sizeof(int64) * set->capacity)
									: repalloc_huge(set->ids, sizeof(int64) * set->capacity);
	}
	set->ids[set->n++] = id;
}

static bool
set_has(const IdSet *set, int64 id)
{
	return set->seen != NULL && hash_search(set->seen, &id, HASH_FIND, NULL) != NULL;
}

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	set_add(arg, DatumGetInt64(slot_getattr(slot, 1, &isnull)));
}

/* Adds what a query finds in a table; `select` has a %s for its name.  As the caller. */
static void
add_from(AgmWriter *writer, IdSet *set, const char *select, const char *table,
		 const AgmParams *params)
{
	if (agm_store_has(&writer->store, table))
		(void) agm_execute(&writer->store, psprintf(select, table), params,
						   AGM_WRITE | AGM_PLAN_CUSTOM, "l", read_id, set);
}

static void
ids_params(const AgmWriter *writer, const int64 *ids, int n, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, INT8ARRAYOID, agm_int8_array(ids, n), false);
}

#define OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"
#define OF_IDS(column) column " OPERATOR(pg_catalog.=) ANY ($2)"
#define SELECT_VERSIONS "SELECT v.id FROM {store}.%s v WHERE " OF_NAMESPACE("v")

/* The memories asked for, as the caller sees them: held now, or in history. */
static void
add_selected(AgmWriter *writer, const AgmErasure *erasure, IdSet *set)
{
	static const char *const versions[] = {"memory", "memory_history"};
	AgmParams params = {0};
	const char *select = SELECT_VERSIONS;

	agm_param(&params, TEXTOID, writer->ns, false);
	if (erasure->by_ids)
	{
		agm_param(&params, INT8ARRAYOID, erasure->ids, false);
		select = SELECT_VERSIONS " AND " OF_IDS("v.id");
	}
	else if (erasure->by_subject)
	{
		text *subject = DatumGetTextPP(erasure->subject);
		int len;
		char *folded = agm_lexical_fold(VARDATA_ANY(subject), VARSIZE_ANY_EXHDR(subject), &len);

		if (len == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("subject must not be empty"),
					 errhint("Give the name of whom the memories to be erased are about.")));
		agm_param(&params, TEXTOID, PointerGetDatum(cstring_to_text_with_len(folded, len)),
				  false);
		select = SELECT_VERSIONS " AND (agentmem.fold(v.subject) OPERATOR(pg_catalog.=) $2"
								 " OR agentmem.fold(v.object) OPERATOR(pg_catalog.=) $2)";
	}
	for (size_t i = 0; i < lengthof(versions); i++)
		add_from(writer, set, select, versions[i], &params);
	if (!erasure->everything)
		return;
	/* What is left of memories of which nothing else is. */
	add_from(writer, set, SELECT_VERSIONS, "activity", &params);
	add_from(writer, set, "SELECT e.source FROM {store}.%s e WHERE " OF_NAMESPACE("e"), "edge",
			 &params);
	/* A target below zero is a concept: its id is a hash of what may be a person's name. */
	add_from(writer, set,
			 "SELECT e.target FROM {store}.%s e WHERE " OF_NAMESPACE(
				 "e") " AND e.target OPERATOR(pg_catalog.>) 0",
			 "edge", &params);
	add_from(writer, set, "SELECT c.memory FROM {store}.%s c WHERE " OF_NAMESPACE("c"),
			 "concept", &params);
	add_from(writer, set, "SELECT c.a FROM {store}.%s c WHERE " OF_NAMESPACE("c"), "conflict",
			 &params);
	add_from(writer, set, "SELECT c.b FROM {store}.%s c WHERE " OF_NAMESPACE("c"), "conflict",
			 &params);
}

/*
 * What says the same as, or was made of, those in the set, until nothing is added.  One
 * that continues another is the same statement, whichever of the two was named.
 */
static void
add_derived(AgmWriter *writer, bool derived, IdSet *set)
{
	static const char *const edges[] = {"edge", "edge_history"};
	static const char *const versions[] = {"memory", "memory_history"};

	for (int done = 0; done < set->n;)
	{
		AgmParams params = {0};

		ids_params(writer, set->ids + done, set->n - done, &params);
		done = set->n;
		for (size_t i = 0; i < lengthof(edges); i++)
		{
			add_from(
				writer, set,
				"SELECT e.source FROM {store}.%s e WHERE " OF_NAMESPACE("e") " AND " OF_IDS(
					"e.target") " AND e.type OPERATOR(pg_catalog.=) 'continues'",
				edges[i], &params);
			add_from(
				writer, set,
				"SELECT e.target FROM {store}.%s e WHERE " OF_NAMESPACE("e") " AND " OF_IDS(
					"e.source") " AND e.type OPERATOR(pg_catalog.=) 'continues'",
				edges[i], &params);
			if (derived)
				add_from(
					writer, set,
					"SELECT e.source FROM {store}.%s e WHERE " OF_NAMESPACE("e") " AND " OF_IDS(
						"e.target") " AND e.type OPERATOR(pg_catalog.=) ANY"
									" ('{derived_from,derived_from_fact,summary_of,part_of}')",
					edges[i], &params);
		}
		for (size_t i = 0; derived && i < lengthof(versions); i++)
			add_from(writer, set, SELECT_VERSIONS " AND " OF_IDS("v.parent"), versions[i],
					 &params);
	}
}

/* The locks of every version of the memories, in ascending order. */
static AgmInt64List
locks_of(AgmWriter *writer, const IdSet *set)
{
	static const char *const versions[] = {"memory", "memory_history"};
	AgmInt64List list = {0};
	AgmParams params = {0};

	ids_params(writer, set->ids, set->n, &params);
	for (size_t i = 0; i < lengthof(versions); i++)
		if (agm_store_has(&writer->store, versions[i]))
			(void) agm_execute(
				&writer->store,
				psprintf("SELECT v.content_hash, v.key_hash, v.key FROM {store}.%s v"
						 " WHERE " OF_NAMESPACE("v") " AND " OF_IDS("v.id"),
						 versions[i]),
				&params, AGM_WRITE | AGM_PLAN_CUSTOM, "uu?t?", agm_read_locks, &list);
	agm_int64_sort(&list);
	return list;
}

pg_noreturn static void
changed_meanwhile(void)
{
	ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					errmsg("what is to be erased was changed meanwhile"),
					errhint("Try the transaction again.")));
	pg_unreachable();
}

static uint64
run(AgmWriter *writer, const char *sql, const AgmParams *params, int flags)
{
	return agm_execute(&writer->store, sql, params, AGM_WRITE | AGM_PLAN_CUSTOM | flags, NULL,
					   NULL, NULL);
}

/* Who refers to one of them keeps it until its transaction ends. */
static void
wait_for_references(AgmWriter *writer, const IdSet *set)
{
	AgmParams params = {0};

	ids_params(writer, set->ids, set->n, &params);
	(void) run(writer,
			   "SELECT FROM {store}.memory t WHERE " OF_NAMESPACE("t") " AND " OF_IDS(
				   "t.id") " ORDER BY t.id FOR UPDATE OF t",
			   &params, AGM_AS_OWNER);
}

/*
 * The memories to erase, with the locks of all their versions held: looks again once it holds
 * them, as what was added before then has locks that it does not hold, and must not wait for.
 */
static IdSet
lock_selected(AgmWriter *writer, const AgmErasure *erasure, AgmInt64List *held)
{
	IdSet set = {0};
	IdSet now = {0};
	AgmInt64List locks;
	AgmInt64List taken;

	add_selected(writer, erasure, &set);
	add_derived(writer, erasure->derived, &set);
	*held = locks_of(writer, &set);
	taken = *held;
	if (taken.n > 0)
	{
		taken.items = palloc_extended(sizeof(int64) * taken.n, MCXT_ALLOC_HUGE);
		memcpy(taken.items, held->items, sizeof(int64) * taken.n);
	}
	agm_writer_lock(writer, taken.items, taken.n);
	wait_for_references(writer, &set);

	add_selected(writer, erasure, &now);
	add_derived(writer, erasure->derived, &now);
	for (int i = 0; i < now.n; i++)
		if (!set_has(&set, now.ids[i]))
			changed_meanwhile();
	locks = locks_of(writer, &now);
	for (int i = 0; i < locks.n; i++)
		if (!agm_int64_has(held, locks.items[i]))
			changed_meanwhile();
	return now;
}

/* Where rows of memories are; `where` finds them, their ids being $2. */
typedef struct ErasedTable
{
	const char *name;
	const char *where;
	int flags;
	bool any; /* with everything erased, also what names no memory */
} ErasedTable;

#define OF_ENDS "(" OF_IDS("t.source") " OR " OF_IDS("t.target") ")"

/*
 * memory comes first: who may not delete from it deletes nothing as the owner either.  job comes last, as its rows
 * are the last locks of who completes one.
 */
static const ErasedTable erased_tables[] = {
	{"memory", OF_IDS("t.id"), 0, false},
	{"memory_history", OF_IDS("t.id"), AGM_AS_OWNER, false},
	{"secret", OF_IDS("t.id"), AGM_AS_OWNER, false},
	{"activity", OF_IDS("t.id"), 0, false},
	{"access", OF_IDS("t.id"), AGM_AS_OWNER, true},
	{"edge", OF_ENDS, 0, false},
	{"edge_history", OF_ENDS, AGM_AS_OWNER, false},
	{"concept", OF_IDS("t.memory"), 0, false},
	{"conflict", "(" OF_IDS("t.a") " OR " OF_IDS("t.b") ")", 0, false},
	/* An answer may quote what is erased, and nothing says which: all go.  Claims first, as who has one holds no more. */
	{"cache_claim", "true", AGM_AS_OWNER, true},
	{"cache_state", "true", AGM_AS_OWNER, true},
	{"cache", "true", AGM_AS_OWNER, true},
	{"cache_use", "true", AGM_AS_OWNER, true},
	{"cache_log", "true", AGM_AS_OWNER, true},
	{"job", "t.ids OPERATOR(agentmem.&&&) $2", AGM_AS_OWNER, true},
};

/* What went from each table, for the receipt. */
typedef struct Counts
{
	Datum names[lengthof(erased_tables) + 3];
	int64 counts[lengthof(erased_tables) + 3];
	int n;
} Counts;

static void
count(Counts *counts, const char *table, uint64 n)
{
	Assert(counts->n < (int) lengthof(counts->names));
	counts->names[counts->n] = CStringGetTextDatum(table);
	counts->counts[counts->n++] = (int64) n;
}

/* A policy can let one see a row and not delete it: then its history stays too. */
static void
check_deleted(AgmWriter *writer, const AgmParams *params)
{
	IdSet left = {0};

	(void) agm_execute(&writer->store,
					   "SELECT v.id FROM {store}.memory v WHERE " OF_NAMESPACE(
						   "v") " AND " OF_IDS("v.id") " LIMIT 1",
					   params, AGM_WRITE | AGM_PLAN_CUSTOM | AGM_AS_OWNER, "l", read_id, &left);
	if (left.n > 0)
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("memory " INT64_FORMAT " cannot be deleted", left.ids[0]),
						errdetail("A trigger or a policy of row security keeps it.")));
}

static void
clear_parents_in(AgmWriter *writer, const char *table, const AgmParams *params, int flags)
{
	if (agm_store_has(&writer->store, table))
		(void) run(writer,
				   psprintf("UPDATE {store}.%s t SET parent = NULL WHERE " OF_NAMESPACE(
								"t") " AND " OF_IDS("t.parent"),
							table),
				   params, flags);
}

/*
 * What is kept no longer names what is erased.  History comes first, too: who is bringing a version
 * back holds it there, and what came back is in memory then.
 */
static void
clear_parents(AgmWriter *writer, const AgmParams *params)
{
	clear_parents_in(writer, "memory_history", params, AGM_AS_OWNER);
	clear_parents_in(writer, "memory", params, 0);
	clear_parents_in(writer, "memory_history", params, AGM_AS_OWNER);
}

/*
 * A concept that others mention too is named by one of them, by its words as all of them have
 * them; how the erased memory wrote it goes with that.
 */
static void
name_concepts(AgmWriter *writer, const AgmParams *params)
{
	if (!agm_store_has(&writer->store, "concept"))
		return;
	(void) run(
		writer,
		"INSERT INTO {store}.concept (namespace, id, memory, concept, normalized)"
		" SELECT DISTINCT $1, c.id, e.source, c.normalized, c.normalized"
		" FROM {store}.concept c CROSS JOIN LATERAL (SELECT e.source FROM {store}.edge e"
		"  WHERE " OF_NAMESPACE(
			"e") " AND e.target OPERATOR(pg_catalog.=) c.id"
				 "  AND NOT " OF_IDS(
					 "e.source") " ORDER BY e.source LIMIT 1) e"
								 " WHERE " OF_NAMESPACE("c") " AND " OF_IDS(
									 "c.memory") " AND NOT EXISTS (SELECT FROM"
												 " {store}.concept o"
												 " WHERE " OF_NAMESPACE(
													 "o") " AND o.id"
														  " OPERATOR(pg_catalog.=) c.id"
														  " AND NOT " OF_IDS("o.memory") ")",
		params, 0);
}

void
agm_erase_names(AgmWriter *writer, const int64 *ids, int n)
{
	AgmParams params = {0};

	if (!agm_store_has(&writer->store, "concept"))
		return;
	ids_params(writer, ids, n, &params);
	name_concepts(writer, &params);
	(void) run(
		writer,
		"DELETE FROM {store}.concept t WHERE " OF_NAMESPACE("t") " AND " OF_IDS("t.memory"),
		&params, 0);
}

/* The rows of the locks name statements by their hashes. */
static uint64
delete_locks(AgmWriter *writer, const AgmErasure *erasure, const AgmInt64List *held)
{
	AgmParams params = {0};
	uint64 n;

	ids_params(writer, held->items, held->n, &params);
	n = run(writer,
			"DELETE FROM {store}.key_lock t WHERE " OF_NAMESPACE("t") " AND " OF_IDS("t.hash"),
			&params, 0);
	/* Of statements that are gone already; who holds one now is writing it again. */
	if (erasure->everything)
	{
		params.n = 1;
		n += run(writer,
				 "DELETE FROM {store}.key_lock t WHERE " OF_NAMESPACE(
					 "t") " AND t.hash OPERATOR(pg_catalog.=) ANY (ARRAY("
						  "SELECT k.hash FROM {store}.key_lock k WHERE " OF_NAMESPACE(
							  "k") " FOR UPDATE SKIP LOCKED))",
				 &params, 0);
	}
	return n;
}

#define CLEAR_DETAILS                                                                          \
	"UPDATE {store}.audit t SET details = NULL WHERE " OF_NAMESPACE(                           \
		"t") " AND t.action OPERATOR(pg_catalog.<>) ALL ('{erase,hold}') AND t.details IS "    \
			 "NOT NULL"

/* Reasons and notes of what was done with the memories, which may quote them. */
static uint64
clear_details(AgmWriter *writer, const AgmErasure *erasure, const AgmParams *params)
{
	AgmParams all = *params;

	all.n = 1;
	return erasure->everything
			   ? run(writer, CLEAR_DETAILS, &all, AGM_AS_OWNER)
			   : run(writer, CLEAR_DETAILS " AND t.ids OPERATOR(agentmem.&&&) $2", params,
					 AGM_AS_OWNER);
}

#define NO_MEMORY " AND NOT EXISTS (SELECT FROM {store}.memory m WHERE " OF_NAMESPACE("m") ")"

/* `foreign`: no policy lets the caller have the namespace, so that nothing there is for the owner to delete. */
static void
delete_all(AgmWriter *writer, const AgmErasure *erasure, const IdSet *set,
		   const AgmInt64List *held, bool foreign, Counts *counts)
{
	AgmParams params = {0};

	ids_params(writer, set->ids, set->n, &params);
	agm_access_log_stop(&writer->store);
	for (size_t i = 0; i < lengthof(erased_tables); i++)
	{
		const ErasedTable *table = &erased_tables[i];

		if (!agm_store_has(&writer->store, table->name))
			continue;
		/* The trigger has just made the last version: it goes with the others. */
		count(counts, table->name,
			  run(writer,
				  psprintf("DELETE FROM {store}.%s t WHERE " OF_NAMESPACE("t") " AND %s",
						   table->name,
						   erasure->everything && table->any ? "true" : table->where),
				  &params, foreign && table->any ? 0 : table->flags));
		if (i == 0)
		{
			check_deleted(writer, &params);
			clear_parents(writer, &params);
			if (!erasure->everything)
				name_concepts(writer, &params);
		}
	}
	count(counts, "key_lock", delete_locks(writer, erasure, held));
	count(counts, "audit", foreign ? 0 : clear_details(writer, erasure, &params));
	if (!erasure->everything)
		return;
	params.n = 1;
	/*
	 * One that was there at first is locked already.  One that came meanwhile may be locked by who
	 * waits for what is deleted by now (src/cache/README.md, 8), and is in use again: it stays.
	 */
	count(counts, "namespace",
		  run(writer,
			  "DELETE FROM {store}.namespace t WHERE " OF_NAMESPACE("t") NO_MEMORY
			  " AND EXISTS (SELECT FROM {store}.namespace k WHERE " OF_NAMESPACE(
				  "k") " FOR UPDATE OF k SKIP LOCKED)",
			  &params, 0));
}

/*
 * A transaction whose snapshot is older than what it waited for does not see what that left: is
 * there anything?
 */
static void
check_newest(AgmWriter *writer, const IdSet *set)
{
	IdSet left = {0};
	AgmParams params = {0};

	if (!IsolationUsesXactSnapshot() || set->n == 0)
		return;
	ids_params(writer, set->ids, set->n, &params);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	for (size_t i = 0; i < lengthof(erased_tables); i++)
		if (agm_store_has(&writer->store, erased_tables[i].name))
			(void) agm_execute(
				&writer->store,
				psprintf("SELECT 1::pg_catalog.int8 FROM {store}.%s t WHERE " OF_NAMESPACE(
							 "t") " AND %s LIMIT 1",
						 erased_tables[i].name, erased_tables[i].where),
				&params, AGM_READ | AGM_PLAN_CUSTOM | AGM_AS_OWNER, "l", read_id, &left);
	(void) agm_execute(&writer->store,
					   "SELECT 1::pg_catalog.int8 FROM {store}.memory t WHERE " OF_NAMESPACE(
						   "t") " AND " OF_IDS("t.parent") " LIMIT 1",
					   &params, AGM_READ | AGM_PLAN_CUSTOM | AGM_AS_OWNER, "l", read_id, &left);
	PopActiveSnapshot();
	if (left.n > 0)
		changed_meanwhile();
}

static void
read_jsonb(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(Jsonb **) arg = DatumGetJsonbPCopy(slot_getattr(slot, 1, &isnull));
}

static int
counts_params(Counts *counts, AgmParams *params)
{
	agm_param(params, TEXTARRAYOID,
			  PointerGetDatum(
				  construct_array(counts->names, counts->n, TEXTOID, -1, false, TYPALIGN_INT)),
			  false);
	return agm_param(params, INT8ARRAYOID, agm_int8_array(counts->counts, counts->n), false);
}

#define COUNTS_OBJECT                                                                          \
	"(SELECT pg_catalog.jsonb_object_agg(u.name, u.n)"                                         \
	" FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) u(name, n))"

static Jsonb *
erased_details(AgmWriter *writer, const AgmErasure *erasure, Counts *counts)
{
	AgmParams params = {0};
	Jsonb *details = NULL;

	(void) counts_params(counts, &params);
	agm_param(&params, TEXTOID,
			  CStringGetTextDatum(erasure->by_ids		? "ids"
								  : erasure->by_subject ? "subject"
														: "everything"),
			  false);
	(void) agm_execute(&writer->store,
					   "SELECT pg_catalog.jsonb_build_object('by', $3, 'erased', " COUNTS_OBJECT
					   ")",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, "j", read_jsonb, &details);
	return details;
}

static Jsonb *
receipt(AgmWriter *writer, const IdSet *set, Counts *counts)
{
	AgmParams params = {0};
	Jsonb *result = NULL;

	(void) counts_params(counts, &params);
	agm_param(&params, TEXTOID, CStringGetTextDatum(writer->store.name), false);
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(set->ids, set->n), false);
	(void) agm_execute(
		&writer->store,
		"SELECT pg_catalog.jsonb_build_object('store', $3, 'namespace', $4, 'operation', $5,"
		" 'at', pg_catalog.now(),"
		" 'ids', (SELECT coalesce(pg_catalog.jsonb_agg(i.id ORDER BY i.id), '[]')"
		"         FROM pg_catalog.unnest($6) i(id)),"
		" 'erased', " COUNTS_OBJECT ","
		" 'relations', (SELECT pg_catalog.jsonb_agg(pg_catalog.format('%I.%I', $3, u.name)"
		"                      ORDER BY u.i) OPERATOR(pg_catalog.||) "
		"'[\"pg_catalog.pg_statistic\"]'"
		"               FROM pg_catalog.unnest($1) WITH ORDINALITY u(name, i)))",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "j", read_jsonb, &result);
	return result;
}

typedef struct Hold
{
	bool found;
	char *reason;
} Hold;

static void
read_hold(TupleTableSlot *slot, void *arg)
{
	Hold *hold = arg;

	hold->found = true;
	hold->reason = agm_slot_text(slot, 1);
}

/* Locks the namespace's row, which comes before all other locks. */
static Hold
lock_namespace(AgmWriter *writer)
{
	AgmParams params = {0};
	Hold hold = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	(void) agm_execute(
		&writer->store,
		"SELECT n.hold FROM {store}.namespace n WHERE " OF_NAMESPACE("n") " FOR UPDATE OF n",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "t?", read_hold, &hold);
	return hold;
}

Jsonb *
agm_erase(AgmWriter *writer, const AgmErasure *erasure)
{
	Hold hold = lock_namespace(writer);
	AgmInt64List held = {0};
	Counts counts = {0};
	IdSet set;
	bool foreign;

	if (hold.reason != NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("namespace \"%s\" is held", TextDatumGetCString(writer->ns)),
						errdetail("Reason: %s", hold.reason),
						errhint("agentmem.release(store, namespace) ends the hold.")));
	set = lock_selected(writer, erasure, &held);
	foreign = !hold.found && set.n == 0 &&
			  check_enable_rls(writer->store.memory, InvalidOid, true) == RLS_ENABLED;
	delete_all(writer, erasure, &set, &held, foreign, &counts);
	check_newest(writer, &set);
	writer->touched = set.ids;
	writer->ntouched = set.n;
	agm_operation_record(writer, "erase", erased_details(writer, erasure, &counts));
	return receipt(writer, &set, &counts);
}

static void
set_hold(AgmWriter *writer, Datum reason, bool isnull)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, TEXTOID, reason, isnull);
	(void) run(writer, "UPDATE {store}.namespace n SET hold = $2 WHERE " OF_NAMESPACE("n"),
			   &params, 0);
	agm_operation_note(writer, isnull ? "release" : "hold",
					   isnull ? NULL : agm_json_pair("reason", reason));
}

void
agm_hold(AgmWriter *writer, Datum reason)
{
	if (VARSIZE_ANY_EXHDR(DatumGetTextPP(reason)) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("reason must not be empty"),
				 errhint("Say why nothing may be erased.")));
	if (!lock_namespace(writer).found)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("namespace \"%s\" does not exist", TextDatumGetCString(writer->ns)),
				 errhint("The first memory of a namespace makes it.")));
	agm_writer_lock(writer, NULL, 0);
	set_hold(writer, reason, false);
}

bool
agm_release(AgmWriter *writer)
{
	if (lock_namespace(writer).reason == NULL)
		return false;
	agm_writer_lock(writer, NULL, 0);
	set_hold(writer, (Datum) 0, true);
	return true;
}

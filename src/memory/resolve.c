/*
 * resolve.c
 *		Settling a conflict.
 *
 * Rules: src/memory/README.md, "Conflicts".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "memory/change.h"
#include "memory/json.h"
#include "memory/resolve.h"

typedef struct Pair
{
	int64 a;
	int64 b;
	bool settled;
} Pair;

static void
read_pair(TupleTableSlot *slot, void *arg)
{
	Pair *pair = arg;
	bool isnull;

	pair->a = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	pair->b = DatumGetInt64(slot_getattr(slot, 2, &isnull));
	pair->settled = DatumGetBool(slot_getattr(slot, 3, &isnull));
}

/* The two memories of a conflict that is open. */
static Pair
read_conflict(AgmWriter *writer, int64 conflict, const char *sql)
{
	AgmParams params = {0};
	Pair pair = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(conflict), false);
	if (agm_execute(&writer->store, sql, &params, AGM_WRITE | AGM_PLAN_GENERIC, "llb",
					read_pair, &pair) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_NO_DATA_FOUND),
				 errmsg("conflict " INT64_FORMAT " does not exist in this namespace", conflict),
				 errhint("agentmem.conflicts() lists those that are open.")));
	if (pair.settled)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("conflict " INT64_FORMAT " is settled already", conflict),
						errhint("agentmem.restore() of one of its memories undoes that.")));
	return pair;
}

#define CONFLICT                                                                               \
	"SELECT c.a, c.b, c.resolution IS NOT NULL FROM {store}.conflict c"                        \
	" WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND c.id OPERATOR(pg_catalog.=) $2"

static TimestampTz
start_of(const AgmHeld *held)
{
	return held->period.from_open ? DT_NOBEGIN : held->period.from;
}

/* The loser holds until the winner begins; one that began no earlier was never right. */
static void
supersede(AgmWriter *writer, const AgmHeld *winner, const AgmHeld *loser)
{
	AgmParams params = {0};
	TimestampTz end = start_of(winner);

	agm_add_edge(writer, winner->id, loser->id, "supersedes");
	if (!loser->period.to_open && loser->period.to <= end)
		return;
	if (start_of(loser) >= end)
	{
		agm_memory_remove(writer, loser->id);
		return;
	}
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(loser->id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(end), false);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.memory m SET operation = $4,"
		" valid_period = pg_catalog.tstzrange(pg_catalog.lower(m.valid_period), $3)"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* What the loser adds, as a repetition of the winner would, and how often it was confirmed. */
void
agm_merge(AgmWriter *writer, int64 winner, int64 loser, const char *edge)
{
	AgmParams params = {0};
	AgmMemory memory;

	(void) agm_memory_load(writer, loser, &memory);
	agm_memory_prepare(writer, &memory);
	memory.period.to_open = true; /* the winner's period is its own */
	agm_add_edge(writer, winner, loser, edge);
	/* Before the winner may take over its key. */
	agm_memory_remove(writer, loser);
	agm_memory_merge(writer, &memory, winner);
	/* The loser's may be of another kind, or older than a declaration. */
	agm_held_check_attributes(writer, winner);

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(winner), false);
	agm_param(&params, INT8OID, Int64GetDatum(loser), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.activity AS a (namespace, id, confirmations, last_confirmed)"
		" VALUES ($1, $2, 1 OPERATOR(pg_catalog.+) coalesce((SELECT l.confirmations"
		"   FROM {store}.activity l WHERE l.namespace OPERATOR(pg_catalog.=) $1"
		"   AND l.id OPERATOR(pg_catalog.=) $3), 0), pg_catalog.clock_timestamp())"
		" ON CONFLICT (namespace, id) DO UPDATE"
		" SET confirmations = a.confirmations OPERATOR(pg_catalog.+) excluded.confirmations,"
		" last_confirmed = excluded.last_confirmed",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

static void
settle(AgmWriter *writer, int64 conflict, const char *resolution, int64 side, Datum note,
	   bool no_note)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(conflict), false);
	agm_param(&params, TEXTOID, CStringGetTextDatum(resolution), false);
	agm_param(&params, INT8OID, Int64GetDatum(side), false);
	agm_param(&params, TEXTOID, note, no_note);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(&writer->store,
					   "UPDATE {store}.conflict c SET resolution = $3, side = $4, note = $5,"
					   " resolved_at = pg_catalog.now(), operation = $6"
					   " WHERE c.namespace OPERATOR(pg_catalog.=) $1"
					   " AND c.id OPERATOR(pg_catalog.=) $2",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/* The side that was chosen; by default the one that began later. */
static int
winner_of(const AgmHeld *held, int nheld, const Pair *pair, const int64 *side)
{
	if (side != NULL && *side != pair->a && *side != pair->b)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("memory " INT64_FORMAT " is no side of this conflict", *side),
						errhint("Its sides are " INT64_FORMAT " and " INT64_FORMAT ".", pair->a,
								pair->b)));
	if (nheld < 2)
		return 0;
	if (side != NULL)
		return *side == held[0].id ? 0 : 1;
	return start_of(&held[0]) > start_of(&held[1]) ? 0 : 1;
}

void
agm_resolve(AgmWriter *writer, int64 conflict, const char *resolution, const int64 *side,
			Datum note, bool no_note)
{
	static const char *const known[] = {"supersede", "retain", "annotate", "merge"};
	Pair pair = read_conflict(writer, conflict, CONFLICT);
	int64 ids[2] = {pair.a, pair.b};
	int64 locks[2 * AGM_LOCKS_MAX];
	AgmHeld *held;
	int nheld;
	int winner;
	size_t what;

	for (what = 0; what < lengthof(known) && strcmp(known[what], resolution) != 0; what++)
		;
	if (what == lengthof(known))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unknown resolution \"%s\"", resolution),
						errhint("Use supersede, retain, annotate or merge.")));
	held = agm_held_read(writer, ids, 2, &nheld);
	agm_writer_lock(writer, locks, agm_held_locks(held, nheld, locks));
	(void) read_conflict(writer, conflict, CONFLICT " FOR UPDATE OF c");
	if (strcmp(resolution, "retain") != 0 &&
		(nheld < 2 || !agm_held_confirm(writer, held, nheld)))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("one of memories " INT64_FORMAT " and " INT64_FORMAT
							   " is not held any more",
							   pair.a, pair.b),
						errhint("Use retain, or restore it first.")));
	winner = winner_of(held, nheld, &pair, side);

	if (strcmp(resolution, "supersede") == 0)
		supersede(writer, &held[winner], &held[1 - winner]);
	else if (strcmp(resolution, "merge") == 0)
		agm_merge(writer, held[winner].id, held[1 - winner].id, "supersedes");
	else if (strcmp(resolution, "annotate") == 0)
		agm_add_edge(writer, pair.a, pair.b, "contradicts");
	settle(writer, conflict, resolution,
		   nheld == 2	  ? held[winner].id
		   : side != NULL ? *side
						  : pair.b,
		   note, no_note);
	agm_operation_touch(writer, pair.a);
	agm_operation_touch(writer, pair.b);
	agm_operation_record(writer, "resolve",
						 agm_json_pair("resolution", CStringGetTextDatum(resolution)));
}

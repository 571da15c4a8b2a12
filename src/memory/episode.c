/*
 * episode.c
 *		An episode follows the one before it: the edge "next".
 *
 * src/memory/README.md, "Episodes".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "memory/memory.h"

#define EPISODE "episode"

/* Without a session: what is at most so old, among so many memories before it. */
#define GAP "1 hour"
#define LOOK_BACK "64"

static void
read_previous(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

#define BEFORE                                                                                 \
	" FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"                       \
	" AND pg_catalog.lower(m.valid_period) OPERATOR(pg_catalog.<=) $2"                         \
	" AND m.id OPERATOR(pg_catalog.<>) $3"
#define LATEST " ORDER BY pg_catalog.lower(m.valid_period) DESC NULLS LAST, m.id DESC LIMIT "

static int64
find_previous(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};
	int64 previous = 0;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.from), false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	if (!memory->isnull[AGM_SESSION])
		agm_param(&params, TEXTOID, memory->value[AGM_SESSION], false);
	(void) agm_execute(
		&writer->store,
		!memory->isnull[AGM_SESSION]
			? "SELECT m.id" BEFORE " AND m.session OPERATOR(pg_catalog.=) $4"
			  " AND m.kind OPERATOR(pg_catalog.=) '" EPISODE "'" LATEST "1"
			: "SELECT p.id FROM (SELECT m.id, m.kind, m.session" BEFORE
			  " AND pg_catalog.lower(m.valid_period) OPERATOR(pg_catalog.>=)"
			  " ($2 OPERATOR(pg_catalog.-) '" GAP "'::pg_catalog.interval)" LATEST LOOK_BACK
			  ") p WHERE p.session IS NULL AND p.kind OPERATOR(pg_catalog.=) '" EPISODE
			  "' LIMIT 1",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->reads, "l", read_previous, &previous);
	return previous;
}

/* Of the session NULL is none. */
static bool
continues(const char *session, TimestampTz from, const AgmMemory *memory)
{
	if (from > memory->period.from)
		return false;
	if (memory->isnull[AGM_SESSION])
		return session == NULL && memory->period.from - from <= USECS_PER_HOUR;
	return session != NULL &&
		   strcmp(session, TextDatumGetCString(memory->value[AGM_SESSION])) == 0;
}

static bool
same_session(const AgmWriter *writer, const AgmMemory *memory)
{
	return writer->episode != 0 &&
		   continues(writer->episode_session, writer->episode_from, memory);
}

/* Has it a place among the episodes? */
bool
agm_episode_is(const AgmMemory *memory)
{
	return strcmp(memory->kind->name, EPISODE) == 0 && !memory->period.from_open;
}

/* Is the one before it known: `before`, which is yet to be written, or without it the call's last? */
bool
agm_episode_follows(const AgmWriter *writer, const AgmMemory *before, const AgmMemory *memory)
{
	if (before == NULL)
		return same_session(writer, memory);
	return continues(
		before->isnull[AGM_SESSION] ? NULL : TextDatumGetCString(before->value[AGM_SESSION]),
		before->period.from, memory);
}

void
agm_episode_link(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	int64 previous;

	if (!agm_episode_is(memory))
		return;
	/* Of a batch, the one before is mostly the element before. */
	if (same_session(writer, memory))
		previous = writer->episode;
	else
	{
		previous = find_previous(writer, memory, id);
		/* One that is being taken out is none to follow. */
		if (previous != 0 && agm_rows_keep(writer, &previous, 1, true).n == 0)
			previous = 0;
	}
	if (previous != 0)
		agm_add_edge(writer, previous, id, "next");
	if (!same_session(writer, memory))
		writer->episode_session =
			memory->isnull[AGM_SESSION]
				? NULL
				: MemoryContextStrdup(writer->context,
									  TextDatumGetCString(memory->value[AGM_SESSION]));
	writer->episode = id;
	writer->episode_from = memory->period.from;
}

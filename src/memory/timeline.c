/*
 * timeline.c
 *		Places a value among those that its key had before and has after.
 *
 * The rows of one key never overlap.  The caller holds the key's row of key_lock, so what is read
 * here stays true until commit.  Rules: src/memory/README.md, "Timeline".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "memory/memory.h"
#include "memory/secret.h"

/* A row of the timeline; open ends are -infinity and infinity, which compare as they should. */
typedef struct Span
{
	int64 id;
	TimestampTz from;
	TimestampTz to;
	bool same; /* states what is to be placed */
} Span;

typedef struct Timeline
{
	AgmWriter *writer;
	AgmMemory *memory;
	AgmWritten *written;
	TimestampTz from;
	TimestampTz to;
	bool to_given;
	Span *spans; /* by their beginning: those that end after `from` */
	int n;
	int capacity;
} Timeline;

static void
read_span(TupleTableSlot *slot, void *arg)
{
	Timeline *line = arg;
	Span *span;
	bool isnull;
	Datum value;

	if (line->n == line->capacity)
	{
		line->capacity *= 2;
		line->spans = repalloc(line->spans, sizeof(Span) * line->capacity);
	}
	span = &line->spans[line->n++];
	span->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	value = slot_getattr(slot, 2, &isnull);
	span->from = isnull ? DT_NOBEGIN : DatumGetTimestampTz(value);
	value = slot_getattr(slot, 3, &isnull);
	span->to = isnull ? DT_NOEND : DatumGetTimestampTz(value);
	span->same = DatumGetBool(slot_getattr(slot, 4, &isnull));
}

static void
read_spans(Timeline *line)
{
	AgmParams params = {0};
	const AgmMemory *memory = line->memory;

	line->capacity = 8;
	line->spans = palloc(sizeof(Span) * line->capacity);
	agm_param(&params, TEXTOID, line->writer->ns, false);
	agm_param(&params, UUIDOID, UUIDPGetDatum(&memory->key_hash), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(line->from), false);
	agm_param(&params, UUIDOID, UUIDPGetDatum(&memory->statement), false);
	agm_param(&params, JSONBOID, memory->value[AGM_ATTRIBUTES], memory->isnull[AGM_ATTRIBUTES]);
	(void) agm_execute(
		&line->writer->store,
		"SELECT m.id, pg_catalog.lower(m.valid_period), pg_catalog.upper(m.valid_period),"
		" m.content_hash OPERATOR(pg_catalog.=) $4"
		" AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(m.attributes) o,"
		"                      pg_catalog.jsonb_each($5) n"
		"                 WHERE o.key OPERATOR(pg_catalog.=) n.key"
		"                 AND o.value OPERATOR(pg_catalog.<>) n.value)"
		" FROM {store}.memory m"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.key_hash OPERATOR(pg_catalog.=) $2"
		" AND (pg_catalog.upper_inf(m.valid_period)"
		"      OR pg_catalog.upper(m.valid_period) OPERATOR(pg_catalog.>) $3)"
		" ORDER BY pg_catalog.lower(m.valid_period) NULLS FIRST FOR NO KEY UPDATE OF m",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "lz?z?b", read_span, line);
}

static void
set_period(Timeline *line, int64 id, TimestampTz from, TimestampTz to)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, line->writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(from), TIMESTAMP_IS_NOBEGIN(from));
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(to), TIMESTAMP_IS_NOEND(to));
	agm_param(&params, INT8OID, Int64GetDatum(line->writer->operation), false);
	(void) agm_execute(
		&line->writer->store,
		"UPDATE {store}.memory m SET valid_period = pg_catalog.tstzrange($3, $4),"
		" operation = $5"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_operation_touch(line->writer, id);
	agm_written_relate(line->written, id);
}

static void
remove_row(Timeline *line, int64 id)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, line->writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(
		&line->writer->store,
		"DELETE FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_operation_touch(line->writer, id);
	agm_written_relate(line->written, id);
}

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

/* What the old row said goes on after the new value's end, as a memory of its own. */
static void
continue_row(Timeline *line, const Span *span)
{
	AgmParams params = {0};
	int64 id = 0;

	agm_param(&params, TEXTOID, line->writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(span->id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(line->to), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(span->to),
			  TIMESTAMP_IS_NOEND(span->to));
	agm_param(&params, INT8OID, Int64GetDatum(line->writer->operation), false);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(line->writer->store.ids), false);
	(void) agm_execute(
		&line->writer->store,
		"INSERT INTO {store}.memory"
		" (namespace, valid_period, operation, kind, expires_at, tokens, embedding, lexemes,"
		"  content, title, subject, predicate, object, tags, attributes, confidence,"
		"  importance, provenance, source, actor, session, parent, pinned, language, model,"
		"  content_hash, key_hash, id)"
		" SELECT m.namespace, pg_catalog.tstzrange($3, $4), $5, m.kind, m.expires_at, m.tokens,"
		"  m.embedding, m.lexemes, m.content, m.title, m.subject, m.predicate, m.object,"
		"  m.tags, m.attributes, m.confidence, m.importance, m.provenance, m.source, m.actor,"
		"  m.session, m.parent, m.pinned, m.language, m.model, m.content_hash, m.key_hash,"
		"  pg_catalog.nextval($6)"
		" FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.id OPERATOR(pg_catalog.=) $2 RETURNING id",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &id);
	agm_operation_touch(line->writer, id);
	agm_written_relate(line->written, id);
	if (line->memory->kind->vault)
		agm_secret_copy(line->writer, span->id, id);
	agm_add_edge(line->writer, id, span->id, "continues");
}

/* README "Timeline" (b): the same value again; its period grows into free time only. */
static void
reinforce(Timeline *line, const Span *span, const Span *next)
{
	AgmPeriod *period = &line->memory->period;

	if (line->to_given && next != NULL && line->to > next->from)
		period->to = next->from;
	agm_memory_merge(line->writer, line->memory, span->id);
	agm_written_relate(line->written, span->id);
	line->written->id = span->id;
	line->written->action = AGM_REINFORCED;
}

/* (f): a given end ends what lies within, and what straddles it begins there. */
static void
clear_until_end(Timeline *line, int first)
{
	for (int i = first; i < line->n && line->spans[i].from < line->to; i++)
	{
		const Span *span = &line->spans[i];

		if (span->to <= line->to)
			remove_row(line, span->id);
		else
			set_period(line, span->id, line->to, span->to);
	}
}

/*
 * Places `memory`, whose period is complete but for an end that was not given.  Says whether it
 * was reinforced; else it is in the store now, by an id of its own or as a correction.
 */
bool
agm_timeline_place(AgmWriter *writer, AgmMemory *memory, AgmWritten *written)
{
	Timeline line = {.writer = writer, .memory = memory, .written = written};
	AgmPeriod *period = &memory->period;
	const Span *holder = NULL;
	const Span *next = NULL;

	line.from = period->from_open ? DT_NOBEGIN : period->from;
	line.to_given = !period->to_open;
	read_spans(&line);
	if (line.n > 0 && line.spans[0].from <= line.from)
		holder = &line.spans[0];
	if (line.n > (holder != NULL))
		next = &line.spans[holder != NULL];
	line.to = line.to_given ? period->to : next != NULL ? next->from : DT_NOEND;

	if (holder != NULL && holder->same)
	{
		reinforce(&line, holder, next);
		return true;
	}

	period->to = line.to;
	period->to_open = TIMESTAMP_IS_NOEND(line.to);
	if (holder != NULL && line.to < holder->to)
		continue_row(&line, holder);
	if (next != NULL)
		clear_until_end(&line, holder != NULL);
	if (holder != NULL && holder->from == line.from)
	{
		agm_memory_overwrite(writer, memory, holder->id);
		agm_written_relate(written, holder->id);
		written->id = holder->id;
	}
	else
	{
		if (holder != NULL)
			set_period(&line, holder->id, holder->from, line.from);
		written->id = agm_memory_insert(writer, memory);
	}
	written->action = written->nrelated > 0 ? AGM_SUPERSEDED : AGM_INSERTED;
	for (int i = 0; i < line.n && line.spans[i].from < line.to; i++)
		if (line.spans[i].id != written->id)
			agm_add_edge(writer, written->id, line.spans[i].id, "supersedes");
	return false;
}

/* Raises 23P01 if another memory of the key holds at an instant of the period. */
void
agm_timeline_check(AgmWriter *writer, const pg_uuid_t *key_hash, int64 id,
				   const AgmPeriod *period)
{
	AgmParams params = {0};
	int64 blocking = 0;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, UUIDOID, UUIDPGetDatum(key_hash), false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(period->from), period->from_open);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(period->to), period->to_open);
	if (agm_execute(&writer->store,
					"SELECT m.id FROM {store}.memory m"
					" WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					" AND m.key_hash OPERATOR(pg_catalog.=) $2"
					" AND m.id OPERATOR(pg_catalog.<>) $3"
					" AND m.valid_period OPERATOR(pg_catalog.&&) pg_catalog.tstzrange($4, $5)"
					" LIMIT 1",
					&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->reads, "l", read_id,
					&blocking) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_EXCLUSION_VIOLATION),
				 errmsg("memory " INT64_FORMAT " holds another value at that time", blocking),
				 writer->operation == 0
					 ? errhint("Values of one subject and predicate do not overlap: remember() "
							   "ends the one where the other begins.")
					 : errhint("Values of one subject and predicate do not overlap: change its "
							   "period or forget it first.")));
}

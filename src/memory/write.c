/*
 * write.c
 *		One prepared memory into the store: reinforces what is already held, or inserts.
 *
 * The caller holds the rows of key_lock that the memory named, so what is read here
 * stays true until commit.  Rules: src/memory/README.md, "Writing".
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "memory/memory.h"
#include "memory/secret.h"

/* The columns that an insert takes straight from the caller, in order. */
static const AgmField copied[] = {
	AGM_KIND,	  AGM_CONTENT,	  AGM_TITLE,	  AGM_SUBJECT,	  AGM_PREDICATE,  AGM_OBJECT,
	AGM_TAGS,	  AGM_ATTRIBUTES, AGM_CONFIDENCE, AGM_IMPORTANCE, AGM_PROVENANCE, AGM_SOURCE,
	AGM_ACTOR,	  AGM_SESSION,	  AGM_PARENT,	  AGM_PINNED,	  AGM_EXPIRES_AT, AGM_KEY,
	AGM_LANGUAGE, AGM_MODEL,	  AGM_EMBEDDING,
};

/* A memory found in the store. */
typedef struct Found
{
	bool found;
	int64 id;
	bool same;		 /* the same statement as the one to be written */
	bool contains;	 /* ... and it holds when that begins */
	bool comparable; /* of the same kind and timeline */
	AgmPeriod period;
} Found;

/* The oldest of those found. */
static void
read_found(TupleTableSlot *slot, void *arg)
{
	Found *found = arg;
	bool isnull;
	int64 id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	Datum value;

	if (found->found && found->id < id)
		return;
	found->found = true;
	found->id = id;
	found->same = DatumGetBool(slot_getattr(slot, 2, &isnull));
	found->contains = DatumGetBool(slot_getattr(slot, 3, &isnull));
	found->comparable = DatumGetBool(slot_getattr(slot, 4, &isnull));
	value = slot_getattr(slot, 5, &found->period.from_open);
	found->period.from = DatumGetTimestampTz(value);
	value = slot_getattr(slot, 6, &found->period.to_open);
	found->period.to = DatumGetTimestampTz(value);
}

static void
read_id(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(int64 *) arg = DatumGetInt64(slot_getattr(slot, 1, &isnull));
}

static void
read_bool(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	*(bool *) arg = DatumGetBool(slot_getattr(slot, 1, &isnull));
}

static int
field_param(AgmParams *params, const AgmMemory *memory, AgmField field)
{
	return agm_param(params, agm_field_type(field), memory->value[field],
					 memory->isnull[field]);
}

/* Infinity stands for an open end here: a range's bound compares with it as it should. */
static Datum
period_start(const AgmPeriod *period)
{
	return TimestampTzGetDatum(period->from_open ? DT_NOBEGIN : period->from);
}

/* Does memory m state what is to be written, no attribute contradicting? */
#define SAME_STATEMENT                                                                         \
	" m.content_hash OPERATOR(pg_catalog.=) $2"                                                \
	" AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(m.attributes) o,"                      \
	"                      pg_catalog.jsonb_each($4) n"                                        \
	"                 WHERE o.key OPERATOR(pg_catalog.=) n.key"                                \
	"                 AND o.value OPERATOR(pg_catalog.<>) n.value)"
#define FOUND_PERIOD " pg_catalog.lower(m.valid_period), pg_catalog.upper(m.valid_period)"
#define FOUND_COLUMNS "lbbbz?z?"

static void
statement_params(const AgmWriter *writer, const AgmMemory *memory, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, UUIDOID, UUIDPGetDatum(&memory->statement), false);
	agm_param(params, TIMESTAMPTZOID, period_start(&memory->period), false);
	field_param(params, memory, AGM_ATTRIBUTES);
	field_param(params, memory, AGM_KEY);
}

static Found
find_key(AgmWriter *writer, const AgmMemory *memory)
{
	AgmParams params = {0};
	Found found = {0};

	statement_params(writer, memory, &params);
	field_param(&params, memory, AGM_KIND);
	agm_param(&params, UUIDOID, UUIDPGetDatum(&memory->key_hash), !memory->has_key_hash);
	(void) agm_execute(
		&writer->store,
		"SELECT m.id," SAME_STATEMENT ", m.valid_period OPERATOR(pg_catalog.@>) $3,"
		" m.kind OPERATOR(pg_catalog.=) $6"
		" AND coalesce(m.key_hash OPERATOR(pg_catalog.=) $7, m.key_hash IS NULL AND $7 IS "
		"NULL)," FOUND_PERIOD
		" FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
		" AND m.key OPERATOR(pg_catalog.=) $5 FOR NO KEY UPDATE OF m",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, FOUND_COLUMNS, read_found, &found);
	return found;
}

/*
 * One that the application calls by another key is another memory.  Locked, so that what a call
 * with another key makes of it meanwhile is seen.
 */
static Found
find_statement(AgmWriter *writer, const AgmMemory *memory)
{
	AgmParams params = {0};
	Found found = {0};

	statement_params(writer, memory, &params);
	(void) agm_execute(&writer->store,
					   "SELECT m.id, true, true, true," FOUND_PERIOD " FROM {store}.memory m"
					   " WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND" SAME_STATEMENT
					   " AND m.valid_period OPERATOR(pg_catalog.@>) $3"
					   " AND ($5 IS NULL OR m.key IS NULL OR m.key OPERATOR(pg_catalog.=) $5)"
					   " FOR NO KEY UPDATE OF m",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, FOUND_COLUMNS, read_found,
					   &found);
	return found;
}

static void
confirm(AgmWriter *writer, int64 id)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(&writer->store,
					   "INSERT INTO {store}.activity AS a"
					   " (namespace, id, confirmations, last_confirmed)"
					   " VALUES ($1, $2, 1, pg_catalog.clock_timestamp())"
					   " ON CONFLICT (namespace, id) DO UPDATE"
					   " SET confirmations = a.confirmations OPERATOR(pg_catalog.+) 1,"
					   " last_confirmed = excluded.last_confirmed",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
}

/*
 * What the repetition adds to the memory's own row.  The row is left alone if that is
 * nothing, which is the rule: 10,000 confirmations must not make 10,000 versions.  It is
 * locked before it is read: an UPDATE by hand does not take the lock of the statement, and
 * what it wrote meanwhile must be merged with, not overwritten.
 */
void
agm_memory_merge(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};
	bool changed = false;

	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	field_param(&params, memory, AGM_TAGS);
	field_param(&params, memory, AGM_ATTRIBUTES);
	field_param(&params, memory, AGM_IMPORTANCE);
	field_param(&params, memory, AGM_PINNED);
	field_param(&params, memory, AGM_EXPIRES_AT);
	agm_param(&params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.to),
			  memory->period.to_open);
	field_param(&params, memory, AGM_EMBEDDING);
	field_param(&params, memory, AGM_MODEL);
	field_param(&params, memory, AGM_KEY);
	agm_param(&params, INT8OID, Int64GetDatum(writer->operation), false);
	(void) agm_execute(
		&writer->store,
		"WITH old AS MATERIALIZED ("
		" SELECT m.*,"
		"  coalesce(m.tags, '{}') OPERATOR(pg_catalog.||) ARRAY(SELECT DISTINCT t.tag"
		"    FROM pg_catalog.unnest($3) t(tag)"
		"    WHERE NOT t.tag OPERATOR(pg_catalog.=) ANY (coalesce(m.tags, '{}')) ORDER BY "
		"t.tag) AS new_tags,"
		"  coalesce($4, '{}') OPERATOR(pg_catalog.||) coalesce(m.attributes, '{}') AS "
		"new_attributes,"
		"  greatest(m.importance, $5) AS new_importance,"
		"  m.pinned OR $6 AS new_pinned,"
		"  CASE WHEN m.expires_at IS NULL OR $7 IS NULL THEN NULL"
		"       ELSE greatest(m.expires_at, $7) END AS new_expires_at,"
		"  CASE WHEN pg_catalog.upper(m.valid_period) OPERATOR(pg_catalog.<) $8"
		"       THEN pg_catalog.tstzrange(pg_catalog.lower(m.valid_period), $8)"
		"       ELSE m.valid_period END AS new_valid_period,"
		"  m.embedding IS NULL AND $9 IS NOT NULL AS fills,"
		"  m.key IS NULL AND $11 IS NOT NULL AS names"
		" FROM {store}.memory m"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) $2"
		" FOR NO KEY UPDATE OF m),"
		" new AS ("
		" SELECT o.*, pg_catalog.cardinality(o.new_tags) OPERATOR(pg_catalog.>)"
		"   pg_catalog.cardinality(coalesce(o.tags, '{}'))"
		"  OR o.new_attributes OPERATOR(pg_catalog.<>) coalesce(o.attributes, '{}')"
		"  OR coalesce(o.new_importance OPERATOR(pg_catalog.<>) o.importance,"
		"              o.new_importance IS NOT NULL)"
		"  OR (o.new_pinned AND NOT o.pinned)"
		"  OR coalesce(o.new_expires_at OPERATOR(pg_catalog.<>) o.expires_at,"
		"              o.expires_at IS NOT NULL)"
		"  OR o.new_valid_period OPERATOR(pg_catalog.<>) o.valid_period AS changes"
		" FROM old o)"
		"UPDATE {store}.memory m SET"
		" tags = CASE WHEN pg_catalog.cardinality(n.new_tags) OPERATOR(pg_catalog.>) 0"
		"             THEN n.new_tags ELSE n.tags END,"
		" attributes = CASE WHEN n.new_attributes OPERATOR(pg_catalog.<>) '{}'"
		"                   THEN n.new_attributes ELSE n.attributes END,"
		" importance = n.new_importance, pinned = n.new_pinned, expires_at = n.new_expires_at,"
		" valid_period = n.new_valid_period,"
		" embedding = coalesce(m.embedding, $9),"
		" model = CASE WHEN n.fills THEN $10 ELSE m.model END,"
		" key = coalesce(m.key, $11),"
		" operation = CASE WHEN n.changes THEN $12 ELSE m.operation END"
		" FROM new n"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) $2"
		" AND (n.changes OR n.fills OR n.names) RETURNING n.changes",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "b", read_bool, &changed);
	if (changed)
		agm_operation_touch(writer, id);
}

static bool
from_recall(const AgmMemory *memory)
{
	return !memory->isnull[AGM_SOURCE] &&
		   strcmp(TextDatumGetCString(memory->value[AGM_SOURCE]), "recall") == 0;
}

void
agm_memory_check_parent(AgmWriter *writer, const AgmMemory *memory)
{
	AgmParams params = {0};

	int64 parent;

	if (memory->isnull[AGM_PARENT])
		return;
	parent = DatumGetInt64(memory->value[AGM_PARENT]);
	(void) agm_rows_keep(writer, &parent, 1, false);
	agm_param(&params, TEXTOID, writer->ns, false);
	field_param(&params, memory, AGM_PARENT);
	if (agm_execute(&writer->store,
					"SELECT FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					" AND m.id OPERATOR(pg_catalog.=) $2",
					&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->reads, NULL, NULL,
					NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
				 errmsg("parent " INT64_FORMAT " does not exist in this namespace", parent),
				 errhint("Remember the parent first; a memory and its parent share a "
						 "namespace.")));
}

void
agm_memory_row_params(const AgmWriter *writer, const AgmMemory *memory, AgmParams *params)
{
	agm_param(params, TEXTOID, writer->ns, false);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.from),
			  memory->period.from_open);
	agm_param(params, TIMESTAMPTZOID, TimestampTzGetDatum(memory->period.to),
			  memory->period.to_open);
	agm_param(params, UUIDOID, UUIDPGetDatum(&memory->statement), false);
	agm_param(params, INT4OID, Int32GetDatum(memory->tokens), false);
	agm_param(params, TSVECTOROID, TSVectorGetDatum(memory->lexemes), false);
	for (size_t i = 0; i < lengthof(copied); i++)
		field_param(params, memory, copied[i]);
	agm_param(params, UUIDOID, UUIDPGetDatum(&memory->key_hash), !memory->has_key_hash);
	agm_param(params, INT8OID, Int64GetDatum(writer->operation), false);
}

int64
agm_memory_insert(AgmWriter *writer, const AgmMemory *memory)
{
	AgmParams params = {0};
	int64 id = 0;

	agm_memory_check_parent(writer, memory);
	agm_memory_row_params(writer, memory, &params);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(writer->store.ids), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.memory"
		" (namespace, valid_period, content_hash, tokens, lexemes,"
		"  kind, content, title, subject, predicate, object, tags, attributes,"
		"  confidence, importance, provenance, source, actor, session, parent,"
		"  pinned, expires_at, key, language, model, embedding, key_hash, operation, id)"
		" VALUES ($1, pg_catalog.tstzrange($2, $3), $4, $5, $6,"
		"  $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
		"  $22, $23, $24, $25, $26, $27, $28, $29, pg_catalog.nextval($30))"
		" RETURNING id",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, "l", read_id, &id);
	agm_operation_made(writer, id);
	return id;
}

#define INSERT_VERSION(table)                                                                  \
	"INSERT INTO {store}." table " (namespace, valid_period, content_hash, tokens, lexemes,"   \
	"  kind, content, title, subject, predicate, object, tags, attributes,"                    \
	"  confidence, importance, provenance, source, actor, session, parent,"                    \
	"  pinned, expires_at, key, language, model, embedding, key_hash, operation,"              \
	"  id, system_period)"                                                                     \
	" VALUES ($1, pg_catalog.tstzrange($2, $3), $4, $5, $6,"                                   \
	"  $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"                \
	"  $22, $23, $24, $25, $26, $27, $28, $29, $30, pg_catalog.tstzrange($31, $32))"

/* As it was: nothing is looked for, and its parent need not be held. */
void
agm_memory_insert_version(AgmWriter *writer, const AgmMemory *memory, const AgmVersion *version)
{
	AgmParams params = {0};

	agm_memory_row_params(writer, memory, &params);
	/* The operation that wrote it was another store's. */
	if (version->history)
		params.nulls[params.n - 1] = true;
	agm_param(&params, INT8OID, Int64GetDatum(version->id), false);
	agm_param(&params, TIMESTAMPTZOID, version->from, false);
	agm_param(&params, TIMESTAMPTZOID, version->to, version->to_open);
	if (version->history)
		(void) agm_execute(&writer->store, INSERT_VERSION("memory_history"), &params,
						   AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
	else
		(void) agm_execute(&writer->store, INSERT_VERSION("memory"), &params,
						   AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_GIVEN, NULL, NULL, NULL);
}

/* A new version under the same id; the application's name for it stays. */
void
agm_memory_overwrite(AgmWriter *writer, const AgmMemory *memory, int64 id)
{
	AgmParams params = {0};

	agm_memory_check_parent(writer, memory);
	agm_memory_row_params(writer, memory, &params);
	agm_param(&params, INT8OID, Int64GetDatum(id), false);
	(void) agm_execute(
		&writer->store,
		"UPDATE {store}.memory m SET valid_period = pg_catalog.tstzrange($2, $3),"
		" content_hash = $4, tokens = $5, lexemes = $6, kind = $7, content = $8, title = $9,"
		" subject = $10, predicate = $11, object = $12, tags = $13, attributes = $14,"
		" confidence = $15, importance = $16, provenance = $17, source = $18, actor = $19,"
		" session = $20, parent = $21, pinned = $22, expires_at = $23,"
		" key = coalesce($24, m.key), language = $25, model = $26, embedding = $27,"
		" key_hash = $28, operation = $29"
		" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) $30",
		&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL);
	agm_operation_touch(writer, id);
}

void
agm_written_relate(AgmWritten *written, int64 id)
{
	for (int i = 0; i < written->nrelated; i++)
		if (written->related[i] == id)
			return;
	/* Powers of two from eight on. */
	if (written->nrelated == 0)
		written->related = palloc(sizeof(int64) * 8);
	else if (written->nrelated >= 8 && (written->nrelated & (written->nrelated - 1)) == 0)
		written->related =
			repalloc(written->related, sizeof(int64) * 2 * (size_t) written->nrelated);
	written->related[written->nrelated++] = id;
}

/* A kind whose repetitions count gets here by its key: a retry, which adds nothing. */
static void
reinforce(AgmWriter *writer, AgmMemory *memory, const Found *found, AgmWritten *written)
{
	if (memory->kind->reinforce)
	{
		if (!from_recall(memory))
			confirm(writer, found->id);
		agm_memory_merge(writer, memory, found->id);
	}
	written->id = found->id;
	written->action = AGM_REINFORCED;
	agm_written_relate(written, found->id);
}

/* The application's key names a memory that says something else: its next version. */
static void
revise_named(AgmWriter *writer, AgmMemory *memory, const Found *found, AgmWritten *written)
{
	if (!found->comparable)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("key \"%s\" already names memory " INT64_FORMAT
						", of another kind or subject",
						TextDatumGetCString(memory->value[AGM_KEY]), found->id),
				 errhint("A memory keeps its kind, subject and predicate: use another key.")));
	if (memory->isnull[AGM_VALID_FROM])
	{
		memory->period.from = found->period.from;
		memory->period.from_open = found->period.from_open;
	}
	if (memory->isnull[AGM_VALID_TO])
	{
		memory->period.to = found->period.to;
		memory->period.to_open = found->period.to_open;
	}
	agm_period_normalise(&memory->period);
	if (memory->has_key_hash)
		agm_timeline_check(writer, &memory->key_hash, found->id, &memory->period);
	agm_memory_overwrite(writer, memory, found->id);
	written->id = found->id;
	written->action = AGM_REVISED;
	agm_written_relate(written, found->id);
	agm_conflict_search(writer, memory, written);
}

static void
write_memory(AgmWriter *writer, AgmMemory *memory, AgmWritten *written)
{
	Found found = {0};

	if (memory->kind->retired)
		agm_memory_refuse_retired(memory);
	/* The clock is read with the lock held: who waited comes after whom it waited for. */
	if (memory->isnull[AGM_VALID_FROM])
	{
		memory->period.from = GetCurrentTimestamp();
		memory->period.from_open = false;
		agm_period_normalise(&memory->period);
	}
	if (!memory->isnull[AGM_KEY])
	{
		found = find_key(writer, memory);
		if (found.found && !(found.same && (found.contains || memory->isnull[AGM_VALID_FROM])))
		{
			revise_named(writer, memory, &found, written);
			return;
		}
	}
	if (memory->has_key_hash && (!found.found || found.contains))
	{
		if (agm_timeline_place(writer, memory, written))
		{
			if (!from_recall(memory))
				confirm(writer, written->id);
		}
		else
			agm_conflict_search(writer, memory, written);
		return;
	}
	if (!found.found && memory->kind->reinforce)
		found = find_statement(writer, memory);
	if (found.found)
	{
		reinforce(writer, memory, &found, written);
		return;
	}
	written->id = agm_memory_insert(writer, memory);
	written->action = AGM_INSERTED;
	agm_episode_link(writer, memory, written->id);
	agm_conflict_search(writer, memory, written);
}

/*
 * Whether the value of a secret is the one that is held is not told: whoever may write could
 * guess.  So the same caption again always sets it.
 */
void
agm_memory_write(AgmWriter *writer, AgmMemory *memory, AgmWritten *written)
{
	memset(written, 0, sizeof(*written));
	if (memory->kind->vault && !memory->has_secret)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a memory of kind \"%s\" needs a value", memory->kind->name),
				 errhint("content is its caption; attributes => '{\"value\": \"...\"}' the "
						 "value, which is kept apart.")));
	agm_edges_gather(writer);
	write_memory(writer, memory, written);
	if (written->action != AGM_REINFORCED)
		agm_mentions_write(writer, memory, written->id, written->action == AGM_INSERTED);
	agm_edges_write(writer);
	if (!memory->kind->vault)
		return;
	agm_secret_write(writer, memory, written->id);
	if (written->action == AGM_REINFORCED)
		written->action = AGM_REVISED;
}

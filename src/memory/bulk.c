/*
 * bulk.c
 *		The new memories of a batch, inserted by one statement.
 *
 * An executor for each row, the table's CHECKs read anew for each, and each word looked up for
 * each are most of what writing a row costs.  Which memories may be taken together, so that the
 * result is that of one after the other: src/memory/README.md, "Batches".
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rewrite/rowsecurity.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "base/compat.h"
#include "base/shards.h"
#include "lexical/postings.h"
#include "memory/bulk.h"
#include "memory/change.h"

/* What waits at most: rows, and words (of 24 bytes each) of all of them. */
#define WAITING_MAX 1000
#define WORDS_MAX 500000

/* By name in the statement; no table can be found instead of it. */
#define ROWS "agentmem_rows"

/* Triggers other than ours may look at what was written before. */
static bool
has_foreign_trigger(Relation table)
{
	Oid schema = get_namespace_oid("agentmem", false);

	for (int i = 0; table->trigdesc != NULL && i < table->trigdesc->numtriggers; i++)
		if (get_func_namespace(table->trigdesc->triggers[i].tgfoid) != schema)
			return true;
	return false;
}

/* ... and so may policies. */
static bool
has_foreign_policy(Relation table)
{
	ListCell *cell;

	if (table->rd_rsdesc == NULL)
		return false;
	foreach (cell, table->rd_rsdesc->policies)
		if (((RowSecurityPolicy *) lfirst(cell))->hassublinks)
			return true;
	return false;
}

static Relation
open_memories(const AgmWriter *writer)
{
	return table_open(agm_store_table(&writer->store, "memory"), RowExclusiveLock);
}

/* Says whether it is seen for the first time. */
static bool
see(AgmBulk *bulk, int64 lock)
{
	bool found;

	(void) hash_search(bulk->seen, &lock, HASH_ENTER, &found);
	return !found;
}

#define HELD(array, condition)                                                                 \
	"SELECT m.content_hash, m.key_hash, m.key FROM pg_catalog.unnest(" array ") h(hash)"       \
	" CROSS JOIN LATERAL (SELECT c.content_hash, c.key_hash, c.key FROM {store}.memory c"      \
	"  WHERE c.namespace OPERATOR(pg_catalog.=) $1 AND " condition                             \
	"  OPERATOR(pg_catalog.=) h.hash OFFSET 0) m"

static void
look_up(AgmBulk *bulk, const char *sql, Oid type, Oid array, Datum *items, int n)
{
	AgmParams params = {0};
	AgmInt64List locks = {0};
	ArrayType *values;

	if (n == 0)
		return;
	values = type == UUIDOID
				 ? construct_array(items, n, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR)
				 : construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT);
	agm_param(&params, TEXTOID, bulk->writer->ns, false);
	agm_param(&params, array, PointerGetDatum(values), false);
	(void) agm_execute(&bulk->writer->store, sql, &params, AGM_WRITE | AGM_PLAN_GENERIC,
					   "uu?t?", agm_read_locks, &locks);
	for (int i = 0; i < locks.n; i++)
		(void) see(bulk, locks.items[i]);
}

/* What is held of the statements, timelines and keys of the batch. */
static void
look_up_all(AgmBulk *bulk, AgmMemory **memories, int n)
{
	Datum *statements = palloc(sizeof(Datum) * Max(n, 1));
	Datum *timelines = palloc(sizeof(Datum) * Max(n, 1));
	Datum *keys = palloc(sizeof(Datum) * Max(n, 1));
	int nstatements = 0;
	int ntimelines = 0;
	int nkeys = 0;

	for (int i = 0; i < n; i++)
	{
		const AgmMemory *memory = memories[i];

		if (memory->kind->reinforce)
			statements[nstatements++] = UUIDPGetDatum(&memory->statement);
		if (memory->has_key_hash)
			timelines[ntimelines++] = UUIDPGetDatum(&memory->key_hash);
		if (!memory->isnull[AGM_KEY])
			keys[nkeys++] = memory->value[AGM_KEY];
	}
	look_up(bulk, HELD("$2", "c.content_hash"), UUIDOID, UUIDARRAYOID, statements, nstatements);
	look_up(bulk, HELD("$2", "c.key_hash"), UUIDOID, UUIDARRAYOID, timelines, ntimelines);
	look_up(bulk, HELD("$2", "c.key"), TEXTOID, TEXTARRAYOID, keys, nkeys);
}

void
agm_bulk_open(AgmBulk *bulk, AgmWriter *writer, AgmMemory **memories, int n)
{
	HASHCTL ctl = {0};
	Relation table;

	memset(bulk, 0, sizeof(*bulk));
	bulk->writer = writer;
	table = open_memories(writer);
	bulk->closed = n < 3 || has_foreign_trigger(table) || has_foreign_policy(table);
	table_close(table, NoLock);
	if (bulk->closed)
		return;
	bulk->memories = palloc(sizeof(AgmMemory *) * WAITING_MAX);
	bulk->written = palloc(sizeof(AgmWritten *) * WAITING_MAX);
	bulk->rows = palloc(sizeof(ItemPointerData) * WAITING_MAX);
	ctl.keysize = sizeof(int64);
	ctl.entrysize = sizeof(int64);
	ctl.hcxt = CurrentMemoryContext;
	bulk->seen =
		hash_create("agentmem batch", 1024, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	look_up_all(bulk, memories, n);
}

/* Is its parent there?  One that is not may be among those that wait. */
static bool
has_parent(AgmBulk *bulk, const AgmMemory *memory)
{
	AgmParams params = {0};
	int64 parent;

	if (memory->isnull[AGM_PARENT])
		return true;
	parent = DatumGetInt64(memory->value[AGM_PARENT]);
	if (bulk->n > 0 && bulk->parent == parent && parent != 0)
		return true;
	agm_param(&params, TEXTOID, bulk->writer->ns, false);
	agm_param(&params, INT8OID, Int64GetDatum(parent), false);
	if (agm_execute(&bulk->writer->store,
					"SELECT FROM {store}.memory m WHERE m.namespace OPERATOR(pg_catalog.=) $1"
					" AND m.id OPERATOR(pg_catalog.=) $2",
					&params, AGM_WRITE | AGM_PLAN_GENERIC, NULL, NULL, NULL) == 0)
		return false;
	bulk->parent = parent;
	return true;
}

bool
agm_bulk_take(AgmBulk *bulk, AgmMemory *memory, AgmWritten *written)
{
	bool fresh = true;
	bool episode;

	if (bulk->closed)
		return false;
	for (int i = 0; i < memory->nlocks; i++)
		fresh &= see(bulk, memory->locks[i]);
	if (!fresh || memory->kind->vault || memory->kind->retired || bulk->n == WAITING_MAX ||
		bulk->words + memory->lexemes->size > WORDS_MAX || !has_parent(bulk, memory))
		return false;
	if (memory->isnull[AGM_VALID_FROM])
	{
		memory->period.from = GetCurrentTimestamp();
		memory->period.from_open = false;
		agm_period_normalise(&memory->period);
	}
	episode = agm_episode_is(memory);
	if (episode &&
		(memory->has_key_hash || !agm_episode_follows(bulk->writer, bulk->episode, memory)))
		return false;
	if (episode)
		bulk->episode = memory;
	bulk->words += memory->lexemes->size;
	bulk->memories[bulk->n] = memory;
	bulk->written[bulk->n++] = written;
	return true;
}

/* Columns: id, ctid. */
static void
read_row(TupleTableSlot *slot, void *arg)
{
	AgmBulk *bulk = arg;
	bool isnull;

	if (bulk->at >= bulk->n)
		elog(ERROR, "more rows were inserted than given");
	bulk->written[bulk->at]->id = DatumGetInt64(slot_getattr(slot, 1, &isnull));
	bulk->rows[bulk->at] = *(ItemPointer) DatumGetPointer(slot_getattr(slot, 2, &isnull));
	/* Before the statement ends: then come triggers, which may look for words. */
	if (++bulk->at == bulk->n)
	{
		bulk->at--; /* what an error is about */
		agm_postings_flush(bulk->rows, bulk->n);
		bulk->at++;
	}
}

static TupleDesc
describe(const AgmParams *params)
{
	TupleDesc desc = CreateTemplateTupleDesc(params->n);

	for (int i = 0; i < params->n; i++)
		TupleDescInitEntry(desc, (AttrNumber) (i + 1), psprintf("c%d", i + 1), params->types[i],
						   -1, 0);
	agm_tupdesc_finish(desc);
	return desc;
}

static void
insert_rows(AgmBulk *bulk)
{
	/* Not on the stack: it is known to SPI until agm_bulk_reset(). */
	EphemeralNamedRelation rows = palloc0(sizeof(EphemeralNamedRelationData));
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	AgmParams ns = {0};
	Relation table = open_memories(bulk->writer);

	for (int i = 0; i < bulk->n; i++)
	{
		AgmParams params = {0};

		agm_memory_row_params(bulk->writer, bulk->memories[i], &params);
		if (rows->md.tupdesc == NULL)
			rows->md.tupdesc = describe(&params);
		tuplestore_putvalues(store, rows->md.tupdesc, params.values, params.nulls);
	}
	rows->md.name = ROWS;
	rows->md.enrtype = ENR_NAMED_TUPLESTORE;
	rows->md.enrtuples = bulk->n;
	rows->reldata = store;
	agm_param(&ns, TEXTOID, bulk->writer->ns, false);
	agm_param(&ns, REGCLASSOID, ObjectIdGetDatum(bulk->writer->store.ids), false);
	if (SPI_register_relation(rows) != SPI_OK_REL_REGISTER)
		elog(ERROR, "could not register the rows of a batch");
	PG_TRY();
	{
		agm_postings_begin(table);
		(void) agm_execute(
			&bulk->writer->store,
			"INSERT INTO {store}.memory"
			" (namespace, valid_period, content_hash, tokens, lexemes,"
			"  kind, content, title, subject, predicate, object, tags, attributes,"
			"  confidence, importance, provenance, source, actor, session, parent,"
			"  pinned, expires_at, key, language, model, embedding, key_hash, operation, id)"
			" SELECT $1, pg_catalog.tstzrange(c2, c3), c4, c5, c6, c7, c8, c9, c10, c11, c12,"
			"  c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28,"
			"  c29, pg_catalog.nextval($2) FROM " ROWS " RETURNING id, ctid",
			&ns, AGM_WRITE | AGM_PLAN_CUSTOM, "lc", read_row, bulk);
	}
	PG_FINALLY();
	{
		agm_postings_end();
	}
	PG_END_TRY();
	tuplestore_end(store);
	table_close(table, NoLock);
}

static void
write_rows(AgmBulk *bulk)
{
	AgmWriter *writer = bulk->writer;

	insert_rows(bulk);
	if (bulk->at != bulk->n)
		ereport(ERROR,
				(errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
				 errmsg("%d of %d memories were not inserted", bulk->n - bulk->at, bulk->n),
				 errhint("A trigger of the table suppressed them.")));
	for (bulk->at = 0; bulk->at < bulk->n; bulk->at++)
	{
		const AgmMemory *memory = bulk->memories[bulk->at];
		AgmWritten *written = bulk->written[bulk->at];

		agm_operation_made(writer, written->id);
		agm_edges_gather(writer);
		agm_episode_link(writer, memory, written->id);
		agm_conflict_search(writer, memory, written);
		agm_mentions_write(writer, memory, written->id, true);
		agm_edges_write(writer);
	}
}

void
agm_bulk_write(AgmBulk *bulk)
{
	AgmWriter *writer = bulk->writer;

	bulk->at = 0;
	for (int i = 0; i < bulk->n; i++)
	{
		memset(bulk->written[i], 0, sizeof(AgmWritten));
		bulk->written[i]->action = AGM_INSERTED;
	}
	writer->batch = true;
	write_rows(bulk);
	writer->batch = false;
	agm_bulk_reset(bulk);
}

void
agm_bulk_reset(AgmBulk *bulk)
{
	(void) SPI_unregister_relation(ROWS);
	bulk->writer->batch = false;
	bulk->n = 0;
	bulk->words = 0;
	bulk->episode = NULL;
	bulk->parent = 0;
}

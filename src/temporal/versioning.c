/*
 * versioning.c
 *		When a row's version begins and ends, and that its earlier ones are kept.
 *
 * A version begins and ends with a transaction, at its now().  Which columns are versions and
 * where the history is, is versioned.c's to know.  Rules: src/temporal/README.md.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/datum.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/spi.h"
#include "temporal/period.h"
#include "temporal/versioned.h"
#include "temporal/versioning.h"

/* What to do with a version that begins after the transaction that ends it. */
typedef enum Conflict
{
	CONFLICT_ADJUST,
	CONFLICT_ERROR
} Conflict;

static const struct config_enum_entry conflict_options[] = {
	{"adjust", CONFLICT_ADJUST, false},
	{"error", CONFLICT_ERROR, false},
	{NULL, 0, false},
};

static int versioning_conflict = CONFLICT_ADJUST;

/*
 * A row that an UPDATE moves to another partition is updated, deleted there and inserted
 * here, with a trigger at each step.  What the first has done, for the second and third.  One
 * for each table: between the steps a trigger may write another.
 */
typedef struct Move
{
	Oid origin; /* the key: the table on which the trigger was made */
	Oid table;	/* the partition that the row leaves */
	ItemPointerData tid;
	bool kept;		   /* the old version is in the history */
	CommandId command; /* the UPDATE's; its triggers have commands of their own */
	bool deleted;	   /* the second step was taken */
	AgmPeriod period;  /* of the new row */
} Move;

static HTAB *moves = NULL;

/* Of a table, a beginning that is another transaction's though a row of ours has it. */
typedef struct Foreign
{
	Oid table;
	TimestampTz from;
} Foreign;

/* README, "Whose version is it". */
static HTAB *foreign = NULL;

static void
forget_notes(void *arg)
{
	*(HTAB **) arg = NULL;
}

/* Notes that last until the end of the transaction. */
static void
create_notes(HTAB **notes, const char *name, Size keysize, Size entrysize)
{
	HASHCTL ctl = {0};
	MemoryContextCallback *callback =
		MemoryContextAlloc(TopTransactionContext, sizeof(MemoryContextCallback));

	ctl.keysize = keysize;
	ctl.entrysize = entrysize;
	ctl.hcxt = TopTransactionContext;
	*notes = hash_create(name, 32, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	callback->func = forget_notes;
	callback->arg = notes;
	MemoryContextRegisterResetCallback(TopTransactionContext, callback);
}

static Move *
find_move(Oid origin)
{
	return moves == NULL ? NULL : hash_search(moves, &origin, HASH_FIND, NULL);
}

static void
drop_move(Oid origin)
{
	if (moves != NULL)
		(void) hash_search(moves, &origin, HASH_REMOVE, NULL);
}

/* What a rolled back part of the transaction has kept is not kept. */
static void
forget_moves(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	HASH_SEQ_STATUS seq;
	Move *move;

	(void) id;
	(void) parent;
	(void) arg;
	if (event != SUBXACT_EVENT_ABORT_SUB || moves == NULL)
		return;
	hash_seq_init(&seq, moves);
	while ((move = hash_seq_search(&seq)) != NULL)
		drop_move(move->origin);
}

void
agm_temporal_init(void)
{
	DefineCustomEnumVariable(
		AGM_GUC_CLASS ".versioning_conflict",
		"Sets what versioning does with a version that began after the transaction that ends "
		"it.",
		"adjust ends it a microsecond after its beginning, error raises 22000.",
		&versioning_conflict, CONFLICT_ADJUST, conflict_options, PGC_USERSET, 0, NULL, NULL,
		NULL);
	RegisterSubXactCallback(forget_moves, NULL);
}

static void
note_foreign(Oid table, TimestampTz from)
{
	Foreign key;

	if (foreign == NULL)
		create_notes(&foreign, "agentmem versions of others", sizeof(Foreign), sizeof(Foreign));
	memset(&key, 0, sizeof(key));
	key.table = table;
	key.from = from;
	(void) hash_search(foreign, &key, HASH_ENTER, NULL);
}

static bool
is_foreign(Oid table, TimestampTz from)
{
	Foreign key;

	if (foreign == NULL)
		return false;
	memset(&key, 0, sizeof(key));
	key.table = table;
	key.from = from;
	return hash_search(foreign, &key, HASH_FIND, NULL) != NULL;
}

static Datum
make_period(const AgmPeriod *period)
{
	TypeCacheEntry *type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower = {TimestampTzGetDatum(period->from), period->from_open, true, true};
	RangeBound upper = {TimestampTzGetDatum(period->to), period->to_open, false, false};

	return RangeTypePGetDatum(agm_make_range(type, &lower, &upper));
}

/* [now(), ): what every new version has. */
static AgmPeriod
beginning_now(void)
{
	AgmPeriod period = {GetCurrentTransactionStartTimestamp(), 0, false, true};

	return period;
}

/*
 * Reads the period of a row that the table holds.  False if it is none that versioning has
 * written: NULL, empty, ended, or without a beginning in time.
 */
static bool
read_period(Datum value, bool isnull, AgmPeriod *period)
{
	TypeCacheEntry *type = lookup_type_cache(TSTZRANGEOID, TYPECACHE_RANGE_INFO);
	RangeBound lower;
	RangeBound upper;
	bool empty;

	if (isnull)
		return false;
	range_deserialize(type, DatumGetRangeTypeP(value), &lower, &upper, &empty);
	if (empty || !upper.infinite)
		return false;
	period->from = lower.infinite ? 0 : DatumGetTimestampTz(lower.val);
	period->from_open = lower.infinite;
	period->to_open = true;
	return lower.infinite || !TIMESTAMP_IS_NOEND(period->from);
}

static void
require_period(const TriggerData *event, const AgmVersioned *versioned, bool valid, bool isnull)
{
	Relation table = event->tg_relation;
	const char *column =
		NameStr(TupleDescAttr(RelationGetDescr(table), versioned->period - 1)->attname);

	if (valid)
		return;
	ereport(
		ERROR,
		(errcode(isnull ? ERRCODE_NULL_VALUE_NOT_ALLOWED : ERRCODE_DATA_EXCEPTION),
		 errmsg("system period \"%s\" of a row of \"%s\" is not open", column,
				RelationGetRelationName(table)),
		 isnull ? errdetail("It is null.")
				: errdetail("It is empty, or it has ended, or it begins at infinity."),
		 errhint(
			 "The row was written without the trigger: with the trigger disabled, set the "
			 "column to since when the table has held it, such as tstzrange(now(), NULL).")));
}

/* Equal byte for byte; values that are stored elsewhere, and there in the same place, are not read. */
static bool
same_value(Datum a, Datum b, Form_pg_attribute attribute)
{
	if (attribute->attlen == -1 && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(a)) &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(b)) &&
		memcmp(DatumGetPointer(a), DatumGetPointer(b), VARSIZE_EXTERNAL(DatumGetPointer(a))) ==
			0)
		return true;
	return datum_image_eq(a, b, attribute->attbyval, attribute->attlen);
}

static bool
is_changed(const AgmVersioned *versioned, TupleDesc desc, HeapTuple old, HeapTuple new)
{
	for (int i = 0; i < versioned->ncompared; i++)
	{
		AttrNumber attno = versioned->compared[i];
		bool old_null;
		bool new_null;
		Datum a = heap_getattr(old, attno, desc, &old_null);
		Datum b = heap_getattr(new, attno, desc, &new_null);

		if (old_null != new_null ||
			(!old_null && !same_value(a, b, TupleDescAttr(desc, attno - 1))))
			return true;
	}
	return false;
}

static bool
was_written_here(HeapTuple row)
{
	return TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(row->t_data));
}

/* README, "Whose version is it": did this transaction begin the version that the row is? */
static bool
is_own_version(const TriggerData *event, HeapTuple row, const AgmPeriod *period)
{
	return was_written_here(row) && !period->from_open &&
		   period->from >= GetCurrentTransactionStartTimestamp() &&
		   !is_foreign(RelationGetRelid(event->tg_relation), period->from);
}

/* The row's last version began, or ended, at a time that is not before this transaction's. */
static void
note_conflict(const TriggerData *event, const char *what, TimestampTz at)
{
	if (versioning_conflict == CONFLICT_ERROR)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION),
				 errmsg("a row of \"%s\" was changed by a transaction that began later",
						RelationGetRelationName(event->tg_relation)),
				 errdetail("Its version %s at %s, this transaction began at %s.", what,
						   pstrdup(timestamptz_to_str(at)),
						   pstrdup(timestamptz_to_str(GetCurrentTransactionStartTimestamp()))),
				 errhint("Run the transaction again, or SET agentmem.versioning_conflict = "
						 "adjust.")));
}

/* Since when the next version holds: now, which must be later than the old one's beginning. */
static TimestampTz
end_of(const TriggerData *event, const AgmPeriod *period)
{
	TimestampTz now = GetCurrentTransactionStartTimestamp();

	if (period->from_open || period->from < now)
		return now;
	note_conflict(event, "began", period->from);
	return period->from + 1;
}

/*
 * When the last version with the row's key ended, of all that are committed: what this
 * transaction's snapshot sees may be older.  False if there is none.
 */
static bool
find_last_end(const TriggerData *event, const AgmVersioned *versioned, TimestampTz *end)
{
	Datum *values = palloc(sizeof(Datum) * versioned->nkey);
	AgmSession session;
	AgmOwnerScope scope;
	bool isnull;
	int rc;

	for (int i = 0; i < versioned->nkey; i++)
	{
		values[i] = heap_getattr(event->tg_trigtuple, versioned->key[i],
								 RelationGetDescr(event->tg_relation), &isnull);
		if (isnull)
			return false;
	}
	agm_spi_begin(&session);
	agm_owner_begin(&scope, versioned->owner);
	rc = SPI_execute_snapshot(versioned->last, values, NULL, GetLatestSnapshot(),
							  InvalidSnapshot, true, false, 1);
	agm_owner_end(&scope);
	if (rc != SPI_OK_SELECT)
		elog(ERROR, "could not read the history: %s", SPI_result_code_string(rc));
	isnull = true;
	if (SPI_processed > 0)
		*end = DatumGetTimestampTz(
			SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	agm_spi_end(&session);
	return !isnull;
}

/* A row with the key of one that was taken out begins no earlier than that one's last version ended. */
static bool
begin_after_last(const TriggerData *event, const AgmVersioned *versioned, AgmPeriod *period)
{
	TimestampTz end = 0;

	if (agm_row_has_new_key() || !find_last_end(event, versioned, &end) || end <= period->from)
		return false;
	note_conflict(event, "ended", end);
	period->from = end;
	return true;
}

/* Writes the row to the history, its period ended. */
static void
keep(const AgmVersioned *versioned, TupleDesc desc, HeapTuple row, Datum period)
{
	Datum *values = palloc(sizeof(Datum) * versioned->ncopied);
	char *nulls = palloc(versioned->ncopied);
	AgmSession session;
	AgmOwnerScope scope;
	int rc;

	for (int i = 0; i < versioned->ncopied; i++)
	{
		AttrNumber attno = versioned->copied[i];
		bool isnull = false;

		values[i] =
			attno == versioned->period ? period : heap_getattr(row, attno, desc, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}
	agm_spi_begin(&session);
	agm_owner_begin(&scope, versioned->owner);
	rc = SPI_execute_plan(versioned->plan, values, nulls, false, 0);
	agm_owner_end(&scope);
	if (rc != SPI_OK_INSERT)
		elog(ERROR, "could not write the history: %s", SPI_result_code_string(rc));
	agm_spi_end(&session);
}

/* The row with another period; the row itself if it has that one already. */
static HeapTuple
with_period(HeapTuple row, TupleDesc desc, const AgmVersioned *versioned, Datum period,
			bool isnull)
{
	int attno = versioned->period;
	bool was_null;
	Datum was = heap_getattr(row, attno, desc, &was_null);

	if (was_null == isnull && (isnull || datum_image_eq(was, period, false, -1)))
		return row;
	return heap_modify_tuple_by_cols(row, desc, 1, &attno, &period, &isnull);
}

/* The note of the UPDATE that this DELETE is a step of, or NULL. */
static Move *
noted_move(const AgmVersioned *versioned, const TriggerData *event)
{
	Move *move = find_move(versioned->origin);

	if (move == NULL || move->table != versioned->table ||
		!ItemPointerEquals(&event->tg_trigtuple->t_self, &move->tid))
		return NULL;
	return move->kept || move->command == GetActiveSnapshot()->curcid ? move : NULL;
}

static void
note_move(const AgmVersioned *versioned, const TriggerData *event, const AgmPeriod *period,
		  bool kept)
{
	Move *move;

	if (!event->tg_relation->rd_rel->relispartition)
		return;
	if (moves == NULL)
		create_notes(&moves, "agentmem rows that move", sizeof(Oid), sizeof(Move));
	move = hash_search(moves, &versioned->origin, HASH_ENTER, NULL);
	move->table = versioned->table;
	move->tid = event->tg_trigtuple->t_self;
	move->kept = kept;
	move->command = GetActiveSnapshot()->curcid;
	move->deleted = false;
	move->period = *period;
}

HeapTuple
agm_versioning_insert(const TriggerData *event)
{
	TupleDesc desc = RelationGetDescr(event->tg_relation);
	const AgmVersioned *versioned;
	const Move *move;
	AgmPeriod period = beginning_now();

	/* A version of another store's, imported with its period. */
	if (agm_row_is_as_given())
		return event->tg_trigtuple;
	versioned = agm_versioned_get(event->tg_relation, event->tg_trigger);
	move = find_move(versioned->origin);
	if (move != NULL && move->deleted)
		period = move->period;
	else if (versioned->nkey > 0 && !versioned->followed)
		(void) begin_after_last(event, versioned, &period);
	drop_move(versioned->origin);
	return with_period(event->tg_trigtuple, desc, versioned, make_period(&period), false);
}

/* The row to which an UPDATE of ours gives another period. */
typedef struct Moving
{
	Oid table;
	ItemPointerData tid;
} Moving;

static Moving moving;

static bool
is_moving(const TriggerData *event)
{
	return moving.table == RelationGetRelid(event->tg_relation) &&
		   ItemPointerEquals(&moving.tid, &event->tg_trigtuple->t_self);
}

static void
move_beginning(const TriggerData *event, const AgmVersioned *versioned, const AgmPeriod *period)
{
	Moving outer = moving;
	AgmSession session;
	AgmOwnerScope scope;
	Datum values[2];

	agm_spi_begin(&session);
	values[0] = make_period(period);
	values[1] = PointerGetDatum(&event->tg_trigtuple->t_self);
	agm_owner_begin(&scope, versioned->owner);
	moving.table = versioned->table;
	moving.tid = event->tg_trigtuple->t_self;
	PG_TRY();
	{
		int rc = SPI_execute_plan(versioned->move, values, NULL, false, 0);

		if (rc != SPI_OK_UPDATE)
			elog(ERROR, "could not write the system period: %s", SPI_result_code_string(rc));
	}
	PG_FINALLY();
	{
		moving = outer;
	}
	PG_END_TRY();
	agm_owner_end(&scope);
	agm_spi_end(&session);
}

/* README, "A row that comes back". */
void
agm_versioning_follow(const TriggerData *event)
{
	const AgmVersioned *versioned;
	AgmPeriod period;
	bool isnull;
	Datum held;

	if (agm_row_is_as_given())
		return;
	versioned = agm_versioned_get(event->tg_relation, event->tg_trigger);
	held = heap_getattr(event->tg_trigtuple, versioned->period,
						RelationGetDescr(event->tg_relation), &isnull);
	if (read_period(held, isnull, &period) && !period.from_open &&
		begin_after_last(event, versioned, &period))
		move_beginning(event, versioned, &period);
}

HeapTuple
agm_versioning_update(const TriggerData *event)
{
	TupleDesc desc = RelationGetDescr(event->tg_relation);
	HeapTuple old = event->tg_trigtuple;
	HeapTuple new = event->tg_newtuple;
	const AgmVersioned *versioned = agm_versioned_get(event->tg_relation, event->tg_trigger);
	AgmPeriod period;
	bool isnull;
	Datum held = heap_getattr(old, versioned->period, desc, &isnull);
	bool valid = read_period(held, isnull, &period);

	if (is_moving(event))
		return new;
	if (!is_changed(versioned, desc, old, new))
	{
		if (valid && !period.from_open && !was_written_here(old) &&
			period.from >= GetCurrentTransactionStartTimestamp())
			note_foreign(RelationGetRelid(event->tg_relation), period.from);
		if (valid)
			note_move(versioned, event, &period, false);
		return with_period(new, desc, versioned, held, isnull);
	}
	require_period(event, versioned, valid, isnull);
	if (is_own_version(event, old, &period))
	{
		note_move(versioned, event, &period, false);
		return with_period(new, desc, versioned, held, false);
	}
	period.to = end_of(event, &period);
	period.to_open = false;
	keep(versioned, desc, old, make_period(&period));
	period.from = period.to;
	period.from_open = false;
	period.to_open = true;
	note_move(versioned, event, &period, true);
	return with_period(new, desc, versioned, make_period(&period), false);
}

HeapTuple
agm_versioning_delete(const TriggerData *event)
{
	TupleDesc desc = RelationGetDescr(event->tg_relation);
	HeapTuple old = event->tg_trigtuple;
	const AgmVersioned *versioned = agm_versioned_get(event->tg_relation, event->tg_trigger);
	Move *move = noted_move(versioned, event);
	AgmPeriod period;
	bool isnull;
	Datum held = heap_getattr(old, versioned->period, desc, &isnull);

	if (move != NULL)
	{
		move->deleted = true;
		return old;
	}
	drop_move(versioned->origin);
	require_period(event, versioned, read_period(held, isnull, &period), isnull);
	if (!is_own_version(event, old, &period))
	{
		period.to = end_of(event, &period);
		period.to_open = false;
		keep(versioned, desc, old, make_period(&period));
	}
	return old;
}

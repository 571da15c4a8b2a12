/*
 * access_log.c
 *		Which memories recall returned: kept in the backend, written when a transaction ends.
 *
 * recall must not write: it is STABLE, runs in parallel queries and while the planner estimates.  So it
 * notes ids in memory, and the callback before commit inserts them.  Rules: src/memory/README.md,
 * "Access log".
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "base/compat.h"
#include "base/guc.h"
#include "base/point.h"
#include "base/shards.h"
#include "base/spi.h"
#include "memory/access_log.h"

#define IDS_MAX 1024

/* A reader's log takes two transaction ids, its own and that of the subtransaction: one for a hundred recalls. */
#define READER_RECALLS 200

/* ... or after so long, where recalls are few. */
#define READER_WAIT_MS (10 * 60 * 1000)

/* A store that nobody maintains would keep all of it for ever. */
#define UNTENDED "30 days"

/* A namespace of a store. */
typedef struct Origin
{
	Oid table; /* access */
	int len;
	char *ns;
} Origin;

typedef struct Key
{
	int64 id;
	int64 origin;
} Key;

typedef struct Access
{
	Key key;
	int32 n;
	TimestampTz last;
} Access;

static bool enabled = true;
static bool stopped = false; /* in this process nothing is noted */
static int interval_ms;

/* What is noted lives in `context`, which is there while anything is. */
static MemoryContext context = NULL;
static HTAB *noted = NULL;
static Origin *origins;
static int norigins;
static bool lossy; /* there was no room for one */
static TimestampTz oldest;

static int recalls; /* since a reader wrote last */

/* Of this transaction. */
static bool recalled = false;
static Oid written = InvalidOid; /* access of the store that a call wrote to last */

/* Of this recall. */
static Oid recall_table;
static TimestampTz recall_at;
static int recall_origin;

static Oid
access_table(const AgmStore *store)
{
	Oid schema = get_namespace_oid(store->name, true);

	return OidIsValid(schema) ? get_relname_relid("access", schema) : InvalidOid;
}

/* Whose recalls count may write there, or write memories. */
bool
agm_access_log_counts(const AgmStore *store)
{
	Oid table;
	Oid memory;

	if (!enabled || stopped || RecoveryInProgress())
		return false;
	table = access_table(store);
	if (!OidIsValid(table))
		return false;
	memory = get_relname_relid("memory", get_rel_namespace(table));
	return pg_class_aclcheck(table, GetUserId(), ACL_INSERT) == ACLCHECK_OK ||
		   pg_class_aclcheck(memory, GetUserId(), ACL_INSERT) == ACLCHECK_OK;
}

static void
create_notes(void)
{
	MemoryContext made =
		AllocSetContextCreate(TopMemoryContext, "agentmem accesses", ALLOCSET_SMALL_SIZES);
	HASHCTL ctl = {0};

	ctl.keysize = sizeof(Key);
	ctl.entrysize = sizeof(Access);
	ctl.hcxt = made;
	origins = MemoryContextAlloc(made, sizeof(Origin) * IDS_MAX);
	norigins = 0;
	noted =
		hash_create("agentmem accesses", IDS_MAX, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	oldest = recall_at;
	lossy = false;
	context = made;
}

void
agm_access_log_begin(const AgmStore *store)
{
	recall_table = access_table(store);
	recall_at = GetCurrentTimestamp();
	recall_origin = -1;
	recalled = true;
	recalls = Min(recalls + 1, READER_RECALLS);
}

static bool
is_origin(const Origin *origin, const char *ns, int len)
{
	return origin->table == recall_table && origin->len == len &&
		   memcmp(origin->ns, ns, len) == 0;
}

/* The number of the namespace; -1: there is no room for it. */
static int
find_origin(const char *ns, int len)
{
	char *copy;

	if (recall_origin >= 0 && is_origin(&origins[recall_origin], ns, len))
		return recall_origin;
	for (int i = 0; i < norigins; i++)
		if (is_origin(&origins[i], ns, len))
			return i;
	if (norigins == IDS_MAX)
		return -1;
	copy = MemoryContextAlloc(context, Max(len, 1));
	memcpy(copy, ns, len);
	origins[norigins] = (Origin){recall_table, len, copy};
	return norigins++;
}

void
agm_access_log_note(Datum ns, int64 id)
{
	text *name = DatumGetTextPP(ns);
	Key key = {id, 0};
	Access *access;
	bool found = false;

	if (context == NULL)
		create_notes();
	recall_origin = find_origin(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
	key.origin = recall_origin;
	access = recall_origin < 0
				 ? NULL
				 : hash_search(noted, &key,
							   hash_get_num_entries(noted) < IDS_MAX ? HASH_ENTER : HASH_FIND,
							   &found);
	if (access == NULL)
	{
		lossy = true;
		return;
	}
	if (!found)
		access->n = 0;
	access->n++;
	access->last = recall_at;
}

void
agm_access_log_wrote(const AgmStore *store)
{
	written = access_table(store);
}

void
agm_access_log_disable(void)
{
	stopped = true;
}

/*
 * Held shared by who writes accesses, from just before his commit to its end, and by who erases, against
 * him.  A lock of its own, as maintenance locks the table and may wait for who erases.
 */
static LOCKTAG
log_tag(Oid table)
{
	LOCKTAG tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, table, 0);
	return tag;
}

void
agm_access_log_stop(const AgmStore *store)
{
	Oid table = access_table(store);
	LOCKTAG tag = log_tag(table);

	if (OidIsValid(table))
		(void) LockAcquire(&tag, ShareLock, false, false);
}

/* A table or a partitioned one without triggers and rules, whose owner that is. */
static bool
is_plain(Oid table, Oid owner)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Form_pg_class form;
	bool plain;

	if (!HeapTupleIsValid(tuple)) /* dropped before it was locked */
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	plain = (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
			form->relowner == owner && !form->relhasrules;
	ReleaseSysCache(tuple);
	return plain;
}

/*
 * Nobody's commit waits for a VACUUM FULL, and what triggers of the owner do is no part of it.  Tables that others
 * have put in place of the owner's are none of his.
 */
static bool
lock_store(Oid table, AgmStore *store)
{
	LOCKTAG tag = log_tag(table);
	Oid schema = get_rel_namespace(table);
	Oid others[2];
	HeapTuple tuple;
	bool triggers;
	Oid owner;

	if (!OidIsValid(schema) ||
		LockAcquire(&tag, RowExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL ||
		!ConditionalLockRelationOid(table, RowExclusiveLock))
		return false;
	others[0] = get_relname_relid("memory", schema);
	others[1] = get_relname_relid("namespace", schema);
	for (size_t i = 0; i < lengthof(others); i++)
		if (!OidIsValid(others[i]) || !ConditionalLockRelationOid(others[i], AccessShareLock))
			return false;
	/* It may have been dropped before it was locked. */
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	if (!HeapTupleIsValid(tuple))
		return false;
	triggers = ((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	/* An engine has a trigger on what is but a name. */
	if ((triggers && !agm_is_distributed(table)) || !is_plain(table, owner) ||
		!is_plain(others[0], owner) || !is_plain(others[1], owner))
		return false;
	agm_store_of_table(store, others[0]);
	return true;
}

static int
compare_accesses(const void *a, const void *b)
{
	const Key *x = &((const Access *) a)->key;
	const Key *y = &((const Access *) b)->key;

	if (x->origin != y->origin)
		return x->origin < y->origin ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static Datum
array_of(Datum *items, int n, Oid type, int16 length, bool by_value, char align)
{
	return PointerGetDatum(construct_array(items, n, type, length, by_value, align));
}

/* What was erased meanwhile, or is in a namespace that nobody tends, is not written. */
#define SELECT_HELD                                                                            \
	"SELECT u.i FROM pg_catalog.unnest($2) WITH ORDINALITY u(id, i)"                           \
	" CROSS JOIN LATERAL (SELECT FROM {store}.memory m"                                        \
	"  WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) u.id"       \
	"  OFFSET 0) m"                                                                            \
	" WHERE EXISTS (SELECT FROM {store}.namespace n"                                           \
	"  WHERE n.namespace OPERATOR(pg_catalog.=) $1"                                            \
	"  AND coalesce(n.maintained, n.created) OPERATOR(pg_catalog.>)"                           \
	"   (pg_catalog.now() OPERATOR(pg_catalog.-) '" UNTENDED "'::pg_catalog.interval))"

#define INSERT_ACCESSES                                                                        \
	"INSERT INTO {store}.access (namespace, id, at, accesses)"                                 \
	" SELECT $1, u.id, u.at, u.n"                                                              \
	" FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3), pg_catalog.unnest($4))"    \
	"  u(id, at, n)"

static void
mark_held(TupleTableSlot *slot, void *arg)
{
	bool isnull;

	((bool *) arg)[DatumGetInt64(slot_getattr(slot, 1, &isnull)) - 1] = true;
}

/* Those of n accesses of one namespace that are to be written, at the beginning; how many. */
static int
keep_held(const AgmStore *store, Datum ns, Access *accesses, int n)
{
	AgmParams params = {0};
	Datum *ids = palloc(sizeof(Datum) * n);
	bool *held = palloc0(sizeof(bool) * n);
	int kept = 0;

	for (int i = 0; i < n; i++)
		ids[i] = Int64GetDatum(accesses[i].key.id);
	agm_param(&params, TEXTOID, ns, false);
	agm_param(&params, INT8ARRAYOID,
			  array_of(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE),
			  false);
	/* The newest, whatever the transaction's own is: after the lock it has what was erased. */
	PushActiveSnapshot(GetLatestSnapshot());
	(void) agm_execute(store, SELECT_HELD, &params, AGM_READ | AGM_PLAN_GENERIC | AGM_AS_OWNER,
					   "l", mark_held, held);
	PopActiveSnapshot();
	for (int i = 0; i < n; i++)
		if (held[i])
			accesses[kept++] = accesses[i];
	return kept;
}

/*
 * The store at the namespace; false where its rows are on another server, are moving there, or would
 * set off a trigger.
 */
static bool
go_to_namespace(AgmStore *store, Datum ns)
{
	Relation table;
	bool triggers;

	if (!store->distributed)
		return true;
	if (!agm_store_try_at(store, DatumGetTextPP(ns)))
		return false;
	table = try_relation_open(agm_store_table(store, "access"), RowExclusiveLock);
	if (table == NULL)
		return false;
	triggers = table->trigdesc != NULL;
	relation_close(table, NoLock);
	return !triggers;
}

/* n accesses of one namespace, as the owner: a reader is granted nothing but SELECT. */
static void
insert_accesses(AgmStore *store, const Origin *origin, Access *accesses, int n)
{
	AgmParams params = {0};
	Datum ns = PointerGetDatum(cstring_to_text_with_len(origin->ns, origin->len));
	Datum *ids = palloc(sizeof(Datum) * n);
	Datum *times = palloc(sizeof(Datum) * n);
	Datum *counts = palloc(sizeof(Datum) * n);

	if (!go_to_namespace(store, ns))
		return;
	n = keep_held(store, ns, accesses, n);
	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
	{
		ids[i] = Int64GetDatum(accesses[i].key.id);
		times[i] = TimestampTzGetDatum(accesses[i].last);
		counts[i] = Int32GetDatum(accesses[i].n);
	}
	agm_param(&params, TEXTOID, ns, false);
	agm_param(&params, INT8ARRAYOID,
			  array_of(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE),
			  false);
	agm_param(&params, TIMESTAMPTZARRAYOID,
			  array_of(times, n, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL,
					   TYPALIGN_DOUBLE),
			  false);
	agm_param(&params, INT4ARRAYOID,
			  array_of(counts, n, INT4OID, sizeof(int32), true, TYPALIGN_INT), false);
	(void) agm_execute(store, INSERT_ACCESSES, &params,
					   AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL, NULL);
}

/*
 * What can be written now; the rest is lost.  A CHECK or a function of an index is the owner's code, and a commit is no
 * place for it: nothing that it sets stays, and what would outlast it, or run once it is over, is forbidden.
 */
static void
write_accesses(const Origin *from, Access *accesses, int n)
{
	AgmSession session;
	Oid user;
	int security;
	int level;
	AgmStore store = {0};
	Oid table = InvalidOid;
	bool writable = false;
	int end;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(user, security | SECURITY_RESTRICTED_OPERATION);
	level = NewGUCNestLevel();
	PushActiveSnapshot(GetTransactionSnapshot()); /* a commit has none, and SPI wants one */
	agm_spi_begin(&session);
	CommandCounterIncrement();
	for (int start = 0; start < n; start = end)
	{
		const Origin *origin = &from[accesses[start].key.origin];

		for (end = start + 1;
			 end < n && accesses[end].key.origin == accesses[start].key.origin;)
			end++;
		if (origin->table != table)
		{
			table = origin->table;
			writable = lock_store(table, &store);
		}
		if (writable)
			insert_accesses(&store, origin, accesses + start, end - start);
	}
	AGM_POINT("accesses written");
	agm_spi_end(&session);
	PopActiveSnapshot();
	AtEOXact_GUC(false, level);
	SetUserIdAndSecContext(user, security);
}

/*
 * Nobody's commit fails with the log of what he only read.  A block that COMMIT ends is in a state to which the server
 * does not expect to come back from a subtransaction that failed, so that there is one more between them.
 */
static void
try_write_accesses(const Origin *from, Access *accesses, int n)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	bool block = IsTransactionBlock();

	if (block)
		BeginInternalSubTransaction(NULL);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		/* Partitions are locked by the statement. */
		(void) set_config_option("lock_timeout", "10ms", PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
		write_accesses(from, accesses, n);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		ereport(LOG, (errmsg("accesses to memories are lost: %s", error->message)));
		FreeErrorData(error);
	}
	PG_END_TRY();
	if (block)
		ReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;
}

/* Whether a transaction that only read is to write what is noted. */
static bool
reader_is_due(void)
{
	TimestampTz now;

	if (!recalled || IsolationIsSerializable())
		return false;
	now = GetCurrentTimestamp();
	if (TimestampDifferenceExceeds(oldest, now, READER_WAIT_MS))
		return true;
	return recalls >= READER_RECALLS &&
		   (lossy || TimestampDifferenceExceeds(oldest, now, interval_ms));
}

/* Did a call write to a store, and is that to be committed? */
static bool
is_writer(void)
{
	return OidIsValid(written) && TransactionIdIsValid(GetTopTransactionIdIfAny());
}

/*
 * What may be written without a subtransaction: of the store that is written to, whose owner can make that fail in any
 * case.  Not of partitions, which may be locked one by one, so that the commit would wait.
 */
static bool
goes_along(const Access *access, const Origin *from)
{
	return from[access->key.origin].table == written &&
		   get_rel_relkind(written) == RELKIND_RELATION;
}

static void
flush(void)
{
	MemoryContext old;
	MemoryContext notes = context;
	const Origin *from = origins;
	HASH_SEQ_STATUS seq;
	Access *accesses;
	const Access *access;
	int n = 0;

	if (context == NULL || XactReadOnly || IsInParallelMode() ||
		(!is_writer() && !reader_is_due()))
		return;
	/* An error below must not leave them for the next time, nor for ever. */
	MemoryContextSetParent(notes, TopTransactionContext);
	context = NULL;
	old = MemoryContextSwitchTo(notes);
	accesses = palloc(sizeof(Access) * Max(hash_get_num_entries(noted), 1));
	hash_seq_init(&seq, noted);
	while ((access = hash_seq_search(&seq)) != NULL)
		accesses[n++] = *access;
	qsort(accesses, n, sizeof(Access), compare_accesses);
	if (is_writer())
	{
		Access *others = palloc(sizeof(Access) * n);
		int nothers = 0;
		int kept = 0;

		for (int i = 0; i < n; i++)
			if (goes_along(&accesses[i], from))
				accesses[kept++] = accesses[i];
			else
				others[nothers++] = accesses[i];
		if (nothers > 0)
			try_write_accesses(from, others, nothers);
		if (kept > 0)
			write_accesses(from, accesses, kept);
	}
	else
	{
		bool had_id = TransactionIdIsValid(GetTopTransactionIdIfAny());

		recalls = 0;
		try_write_accesses(from, accesses, n);
		/* Nor does it wait for the disk. */
		if (!had_id)
			(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION,
									 GUC_ACTION_LOCAL, true, 0, false);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(notes);
}

static void
at_end(XactEvent event, void *arg)
{
	(void) arg;
	if (event == XACT_EVENT_PRE_COMMIT)
		flush();
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
			 event == XACT_EVENT_PREPARE)
	{
		recalled = false;
		written = InvalidOid;
	}
}

void
agm_access_log_init(void)
{
	DefineCustomBoolVariable(
		AGM_GUC_CLASS ".access_log", "Sets whether what recall returns counts as used.",
		"Off: for a session whose questions say nothing about what is needed.", &enabled, true,
		PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable(
		AGM_GUC_CLASS ".access_log_interval",
		"Sets for how long a session that only reads keeps what it noted.",
		"It writes it with the first recall after that, if there were 200 since it last did.",
		&interval_ms, 10 * 1000, 0, INT_MAX, PGC_USERSET, GUC_UNIT_MS, NULL, NULL, NULL);
	RegisterXactCallback(at_end, NULL);
}

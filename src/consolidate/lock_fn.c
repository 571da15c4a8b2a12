/*
 * lock_fn.c
 *		The locks of memories that maintenance is going to change.
 *
 * Rules: src/consolidate/README.md, "A call", 2.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"

#include "memory/change.h"

PG_FUNCTION_INFO_V1(agm_fn_lock_memories);

static bool
same_locks(const AgmHeld *a, const AgmHeld *b)
{
	return a->id == b->id && memcmp(&a->statement, &b->statement, sizeof(pg_uuid_t)) == 0 &&
		   a->has_key_hash == b->has_key_hash && a->has_key == b->has_key &&
		   (!a->has_key_hash || memcmp(&a->key_hash, &b->key_hash, sizeof(pg_uuid_t)) == 0);
}

/* Those that state something else once the locks are held have locks that are not. */
Datum
agm_fn_lock_memories(PG_FUNCTION_ARGS)
{
	AgmSession session;
	AgmWriter writer;
	AgmHeld *before;
	AgmHeld *now;
	Datum *items;
	int64 *ids;
	int64 *locks;
	int nbefore;
	int nnow;
	int n;
	int kept = 0;
	Datum result;

	agm_require_not_null(PG_ARGISNULL(2), "ids");
	agm_spi_begin(&session);
	agm_writer_begin(fcinfo, &writer, "maintain()");
	writer.numbered = false;
	agm_check_array(PG_GETARG_ARRAYTYPE_P(2), "ids");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT8OID, sizeof(int64), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &items, NULL, &n);
	ids = palloc(sizeof(int64) * Max(n, 1));
	for (int i = 0; i < n; i++)
		ids[i] = DatumGetInt64(items[i]);
	before = agm_held_read(&writer, ids, n, &nbefore);
	locks = palloc(sizeof(int64) * AGM_LOCKS_MAX * Max(nbefore, 1));
	agm_writer_lock(&writer, locks, agm_held_locks(before, nbefore, locks));
	now = agm_held_read(&writer, ids, n, &nnow);
	for (int i = 0, j = 0; i < nnow; i++)
	{
		while (j < nbefore && before[j].id < now[i].id)
			j++;
		if (j < nbefore && same_locks(&before[j], &now[i]))
			ids[kept++] = now[i].id;
	}
	MemoryContextSwitchTo(session.caller);
	result = agm_int8_array(ids, kept);
	agm_spi_end(&session);
	PG_RETURN_DATUM(result);
}

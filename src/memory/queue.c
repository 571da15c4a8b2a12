/*
 * queue.c
 *		Embeddings that a model outside shall make: one job for each memory that lacks one,
 *		and one for each that lacks one in the space that is being filled.
 *
 * The last statement of a call, as the row of a job is its last lock.
 * Rules: src/jobs/README.md.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/async.h"

#include "memory/memory.h"

/* Those that listen look at once; who hears nothing looks later. */
void
agm_queue_notify(const AgmStore *store)
{
	AgmParams params = {0};

	/* A transaction over several servers is prepared, and one that notifies cannot be. */
	if (store->distributed && IsTransactionBlock())
		return;
	if (agm_execute(store,
					"SELECT FROM {store}.setting s"
					" WHERE s.name OPERATOR(pg_catalog.=) 'job_notify'"
					" AND s.value OPERATOR(pg_catalog.=) 'off'",
					&params, AGM_WRITE | AGM_PLAN_GENERIC | AGM_AS_OWNER, NULL, NULL,
					NULL) == 0)
		Async_Notify("agentmem_job", store->name);
}

/* A job that is dead lives again; one that waits or is leased will find what is there by then. */
#define QUEUE(kind, column)                                                                    \
	"INSERT INTO {store}.job AS j (namespace, id, kind, ids, priority)"                        \
	" SELECT $1, pg_catalog.nextval($4), '" kind "', ARRAY[m.id], $3 FROM {store}.memory m"    \
	" WHERE m.namespace OPERATOR(pg_catalog.=) $1 AND m.id OPERATOR(pg_catalog.=) ANY ($2)"    \
	" AND m." column " IS NULL"                                                                \
	" AND NOT EXISTS (SELECT FROM {store}.kind k WHERE k.name OPERATOR(pg_catalog.=) m.kind"   \
	"                 AND k.class OPERATOR(pg_catalog.=) 'vault')"                             \
	" ORDER BY m.id"                                                                           \
	" ON CONFLICT (namespace, ids, kind, version)"                                             \
	" WHERE kind OPERATOR(pg_catalog.=) ANY ('{embed,embed_next}')"                            \
	" DO UPDATE SET state = 'queued', attempt = 0, error = NULL, run_at = pg_catalog.now()"    \
	" WHERE j.state OPERATOR(pg_catalog.=) 'dead'"

int64
agm_queue_embeddings(const AgmStore *store, AgmSpace space, Datum ns, const int64 *ids, int n,
					 int32 priority)
{
	static const char *const sql[] = {
		[AGM_SPACE_CURRENT] = QUEUE("embed", "embedding"),
		[AGM_SPACE_NEXT] = QUEUE("embed_next", "embedding_next"),
	};
	AgmParams params = {0};
	int64 queued;

	if (n == 0)
		return 0;
	agm_param(&params, TEXTOID, ns, false);
	agm_param(&params, INT8ARRAYOID, agm_int8_array(ids, n), false);
	agm_param(&params, INT4OID, Int32GetDatum(priority), false);
	agm_param(&params, REGCLASSOID, ObjectIdGetDatum(store->operations), false);
	queued = agm_execute(store, sql[space], &params, AGM_WRITE | AGM_PLAN_CUSTOM | AGM_AS_OWNER,
						 NULL, NULL, NULL);
	if (queued > 0)
		agm_queue_notify(store);
	return queued;
}

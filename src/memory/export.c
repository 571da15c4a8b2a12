/*
 * export.c
 *		A namespace of a store as lines of JSON (transfer.h).
 *
 * What follows from other columns (hashes, words) is not in the lines: import derives it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "memory/transfer.h"

#define OF_NAMESPACE(t) t ".namespace OPERATOR(pg_catalog.=) $1"
#define JOIN " OPERATOR(pg_catalog.||) "

static void
put_row(TupleTableSlot *slot, void *arg)
{
	tuplestore_puttupleslot((Tuplestorestate *) arg, slot);
}

static void
put(const AgmStore *store, const AgmParams *params, const char *sql, Tuplestorestate *lines)
{
	(void) agm_execute(store, sql, params, AGM_READ | AGM_PLAN_CUSTOM, "j", put_row, lines);
}

/* Format, and the policies that the memories were written under. */
static void
export_header(const AgmStore *store, const AgmParams *params, const char *used,
			  Tuplestorestate *lines)
{
	put(store, params,
		psprintf("SELECT pg_catalog.jsonb_build_object('line', 'header', 'format', %d,"
				 " 'store', $2, 'namespace', $1, 'exported_at', pg_catalog.now(),"
				 " 'settings', (SELECT pg_catalog.jsonb_object_agg(s.name, s.value)"
				 "              FROM {store}.setting s),"
				 " 'kinds', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(k)"
				 "                  ORDER BY k.name), '[]')"
				 "           FROM {store}.kind k"
				 "           WHERE k.name OPERATOR(pg_catalog.=) ANY (ARRAY(%s))),"
				 " 'predicates', (SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(p)"
				 "                  ORDER BY p.name), '[]')"
				 "           FROM {store}.predicate p"
				 "           WHERE p.name OPERATOR(pg_catalog.=) ANY (ARRAY(%s))))",
				 AGM_EXPORT_FORMAT, psprintf(used, "v.kind"),
				 psprintf(used, "agentmem.fold(v.predicate)")),
		lines);
}

/* Keys of "memory" are arguments of remember(), so that import reads them as it does. */
static void
export_versions(const AgmStore *store, const AgmParams *params, const char *line,
				const char *table, Tuplestorestate *lines)
{
	put(store, params,
		psprintf("SELECT pg_catalog.jsonb_build_object('line', '%s', 'id', m.id,"
				 " 'known_from', pg_catalog.lower(m.system_period),"
				 " 'known_to', pg_catalog.upper(m.system_period),"
				 " 'precision', agentmem.precision(m.embedding),"
				 " 'memory', pg_catalog.jsonb_build_object("
				 "   'content', m.content, 'kind', m.kind,"
				 "   'embedding', m.embedding::pg_catalog.text,"
				 "   'subject', m.subject, 'predicate', m.predicate, 'object', m.object,"
				 "   'importance', m.importance, 'confidence', m.confidence,"
				 "   'valid_from', coalesce(pg_catalog.lower(m.valid_period), '-infinity'),"
				 "   'valid_to', pg_catalog.upper(m.valid_period), 'tags', m.tags,"
				 "   'attributes', m.attributes, 'source', m.source, 'actor', m.actor,"
				 "   'provenance', m.provenance, 'pinned', m.pinned,"
				 "   'expires_at', m.expires_at, 'parent', m.parent, 'key', m.key,"
				 "   'session', m.session, 'title', m.title, 'language', m.language,"
				 "   'model', m.model))"
				 " FROM {store}.%s m WHERE " OF_NAMESPACE(
					 "m") " ORDER BY m.id, pg_catalog.lower(m.system_period)",
				 line, table),
		lines);
}

void
agm_export(const AgmStore *store, const AgmParams *params, bool secrets, Tuplestorestate *lines)
{
	bool history = agm_store_has(store, "memory_history");
	AgmParams header = *params;
	const char *used = "SELECT %1$s FROM {store}.memory v WHERE " OF_NAMESPACE("v");

	agm_param(&header, TEXTOID, CStringGetTextDatum(store->name), false);
	if (history)
		used = "SELECT %1$s FROM {store}.memory v WHERE " OF_NAMESPACE(
			"v") " UNION SELECT %1$s FROM {store}.memory_history v WHERE " OF_NAMESPACE("v");
	export_header(store, &header, used, lines);
	export_versions(store, params, "memory", "memory", lines);
	if (history)
		export_versions(store, params, "version", "memory_history", lines);
	for (int i = 0; i < 2; i++)
		if (i == 0 || agm_store_has(store, "edge_history"))
			put(store, params,
				psprintf("SELECT (pg_catalog.to_jsonb(e) OPERATOR(pg_catalog.-)"
						 " '{namespace,operation,system_period,valid_period}'"
						 "::pg_catalog.text[])" JOIN
						 "pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object("
						 "'line', 'edge',"
						 " 'valid_from', pg_catalog.lower(e.valid_period),"
						 " 'valid_to', pg_catalog.upper(e.valid_period),"
						 " 'known_from', pg_catalog.lower(e.system_period),"
						 " 'known_to', pg_catalog.upper(e.system_period)))"
						 " FROM {store}.%s e WHERE " OF_NAMESPACE(
							 "e") " AND e.target OPERATOR(pg_catalog.>=) 0"
								  " ORDER BY e.source, e.target, e.type, e.system_period",
						 i == 0 ? "edge" : "edge_history"),
				lines);
	put(store, params,
		"SELECT (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.-) '{namespace,id,operation}'"
		"::pg_catalog.text[])" JOIN "'{\"line\": \"conflict\"}' FROM {store}.conflict c"
		" WHERE " OF_NAMESPACE("c") " ORDER BY c.id",
		lines);
	put(store, params,
		"SELECT (pg_catalog.to_jsonb(a) OPERATOR(pg_catalog.-) '{namespace}'"
		"::pg_catalog.text[])" JOIN "'{\"line\": \"activity\"}' FROM {store}.activity a"
		" WHERE " OF_NAMESPACE("a") " ORDER BY a.id",
		lines);
	if (secrets && agm_store_has(store, "secret"))
		put(store, params,
			"SELECT (pg_catalog.to_jsonb(s) OPERATOR(pg_catalog.-) '{namespace}'"
			"::pg_catalog.text[])" JOIN "'{\"line\": \"secret\"}' FROM {store}.secret s"
			" WHERE " OF_NAMESPACE("s") " ORDER BY s.id, pg_catalog.lower(s.system_period)",
			lines);
}

/*
 * writer.c
 *		What one call of remember learns once: settings of the store, policies of kinds,
 *		languages of the namespace; and the locks of its statements.
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "base/order.h"
#include "lexical/lexical.h"
#include "memory/access_log.h"
#include "memory/memory.h"

/* Cosine from which on two are alike, if the store does not say. */
#define SIMILAR_THRESHOLD 0.5

const char *
agm_distance_operator(char metric)
{
	return metric == 'l' ? "<->" : metric == 'i' ? "<#>" : "<=>";
}

/* 0 or more and finite, whatever the metric: src/recall/README.md, 3. */
double
agm_similarity(char metric, double distance)
{
	if (isnan(distance))
		return 0; /* cosine of a zero vector */
	switch (metric)
	{
		case 'l':
			return 1 / (1 + distance);
		case 'i':
			return Min(Max(0, -distance), FLT_MAX);
		default:
			return Max(0, 1 - distance);
	}
}

/* A setting that is a number of edges; 0 where it is not set. */
static int
count_setting(TupleTableSlot *slot, int column, const char *name)
{
	char *value = agm_slot_text(slot, column);
	char *end;
	long n;

	if (value == NULL)
		return 0;
	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < 0 || n > AGM_EDGES_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("setting \"%s\" of the store is \"%s\"", name, value),
						errhint("It must be a number from 0 to %d.", AGM_EDGES_MAX)));
	return (int) n;
}

/* A setting that is a number from 0 to 1. */
static float4
share_setting(TupleTableSlot *slot, int column, const char *name, float4 otherwise)
{
	char *value = agm_slot_text(slot, column);
	char *end;
	float4 share;

	if (value == NULL)
		return otherwise;
	share = strtof(value, &end);
	if (end == value || *end != '\0' || !(share >= 0 && share <= 1))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("setting \"%s\" of the store is \"%s\"", name, value),
						errhint("It must be a number from 0 to 1.")));
	return share;
}

static void
read_settings(TupleTableSlot *slot, void *arg)
{
	AgmWriter *writer = arg;
	bool isnull;
	Datum languages;
	char *dimensions = agm_slot_text(slot, 1);

	char *metric = agm_slot_text(slot, 5);
	char *embed_jobs = agm_slot_text(slot, 10);
	char *next = agm_slot_text(slot, 11);
	Datum memories = slot_getattr(slot, 6, &isnull);

	writer->memories = isnull ? -1 : DatumGetInt64(memories);
	writer->distance_operator = agm_distance_operator(metric == NULL ? 'c' : metric[0]);
	writer->dimensions = dimensions == NULL ? 0 : pg_strtoint32(dimensions);
	writer->concepts = count_setting(slot, 7, "concepts");
	writer->similar = count_setting(slot, 8, "similar");
	writer->similar_threshold = share_setting(slot, 9, "similar_threshold", SIMILAR_THRESHOLD);
	writer->embed_jobs =
		writer->dimensions > 0 && embed_jobs != NULL && strcmp(embed_jobs, "on") == 0;
	writer->next_dimensions = next == NULL ? 0 : pg_strtoint32(next);
	writer->next_model = agm_slot_text(slot, 12);
	writer->language = agm_slot_text(slot, 2);
	writer->model = agm_slot_text(slot, 3);
	languages = slot_getattr(slot, 4, &isnull);
	if (!isnull)
	{
		Datum *items;
		int n;

		deconstruct_array(DatumGetArrayTypeP(languages), TEXTOID, -1, false, TYPALIGN_INT,
						  &items, NULL, &n);
		for (int i = 0; i < n; i++)
			writer->languages = lappend(writer->languages, TextDatumGetCString(items[i]));
	}
}

/* Settings and namespace in one statement: four more would cost more than the insert. */
void
agm_writer_open(AgmWriter *writer, const char *store, Datum ns)
{
	memset(writer, 0, sizeof(*writer));
	writer->context = CurrentMemoryContext;
	writer->ns = ns;
	agm_store_open(&writer->store, store, DatumGetTextPP(ns), ACL_INSERT | ACL_SELECT);
	if (!OidIsValid(writer->store.operations))
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("store \"%s\" has no sequence \"operation_seq\"", store),
						errhint("A table of the store was changed: compare it with that of a "
								"new store.")));
	writer->numbered = true;
	agm_writer_read(writer);
}

/* What the writer needs of store and namespace. */
void
agm_writer_read(AgmWriter *writer)
{
	AgmParams params = {0};

	agm_param(&params, TEXTOID, writer->ns, false);
	(void) agm_execute(&writer->store,
					   "SELECT (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'dimensions'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'language'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'embedding_model'),"
					   "       (SELECT n.languages FROM {store}.namespace n"
					   "        WHERE n.namespace OPERATOR(pg_catalog.=) $1),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'metric'),"
					   "       (SELECT n.memories FROM {store}.namespace n"
					   "        WHERE n.namespace OPERATOR(pg_catalog.=) $1),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'concepts'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'similar'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'similar_threshold'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'embed_jobs'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'next_dimensions'),"
					   "       (SELECT s.value FROM {store}.setting s"
					   "        WHERE s.name OPERATOR(pg_catalog.=) 'next_model')",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access,
					   "t?t?t?T?t?l?t?t?t?t?t?t?", read_settings, writer);
	if (writer->language == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("store \"%s\" has no setting \"language\"", writer->store.name),
						errhint("INSERT INTO %s.setting VALUES ('language', 'english').",
								writer->store.quoted)));
}

typedef struct KindReader
{
	AgmWriter *writer;
	AgmKindPolicy *policy;
} KindReader;

/* The last three columns, which are NULL for a kind that declares none. */
static void
read_attribute(TupleTableSlot *slot, AgmKindPolicy *policy)
{
	AgmAttribute *attribute;
	bool isnull;
	char *name = agm_slot_text(slot, 9);

	if (name == NULL)
		return;
	attribute = palloc0(sizeof(AgmAttribute));
	attribute->name = name;
	attribute->type_name = agm_slot_text(slot, 10);
	attribute->required = DatumGetBool(slot_getattr(slot, 11, &isnull));
	policy->attributes = lappend(policy->attributes, attribute);
}

/* A kind has a row for each of its attributes, and one if it has none. */
static void
read_kind(TupleTableSlot *slot, void *arg)
{
	KindReader *reader = arg;
	AgmKindPolicy *policy = reader->policy;
	bool low_null;
	bool high_null;
	bool threshold_null;
	Datum low = slot_getattr(slot, 4, &low_null);
	Datum high = slot_getattr(slot, 5, &high_null);
	char *supersede = agm_slot_text(slot, 6);
	Datum threshold = slot_getattr(slot, 7, &threshold_null);

	if (policy != NULL)
	{
		read_attribute(slot, policy);
		return;
	}
	policy = palloc0(sizeof(AgmKindPolicy));
	policy->replace = strcmp(supersede, "replace") == 0;
	policy->annotate = strcmp(supersede, "annotate") == 0;
	policy->has_threshold = !threshold_null;
	if (policy->has_threshold)
		policy->conflict_threshold = DatumGetFloat4(threshold);
	policy->name = agm_slot_text(slot, 1);
	policy->vault = strcmp(agm_slot_text(slot, 2), "vault") == 0;
	policy->episodic = strcmp(agm_slot_text(slot, 2), "episodic") == 0;
	policy->structural = strcmp(agm_slot_text(slot, 2), "structural") == 0;
	policy->reinforce = strcmp(agm_slot_text(slot, 3), "reinforce") == 0;
	policy->has_band = !low_null && !high_null;
	if (policy->has_band)
	{
		policy->confidence_low = DatumGetFloat4(low);
		policy->confidence_high = DatumGetFloat4(high);
	}
	policy->retired = DatumGetBool(slot_getattr(slot, 8, &low_null));
	read_attribute(slot, policy);
	reader->policy = policy;
	reader->writer->kinds = lappend(reader->writer->kinds, policy);
}

const AgmKindPolicy *
agm_writer_kind(AgmWriter *writer, Datum kind)
{
	char *name = TextDatumGetCString(kind);
	AgmParams params = {0};
	KindReader reader = {writer, NULL};
	MemoryContext old;
	ListCell *cell;

	foreach (cell, writer->kinds)
	{
		AgmKindPolicy *policy = lfirst(cell);

		if (strcmp(policy->name, name) == 0)
			return policy;
	}
	agm_param(&params, TEXTOID, kind, false);
	old = MemoryContextSwitchTo(writer->context);
	(void) agm_execute(&writer->store,
					   "SELECT k.name, k.class, k.repeat, k.confidence_low, k.confidence_high,"
					   " k.supersede, k.conflict_threshold, k.retired, a.name, a.type,"
					   " a.required"
					   " FROM {store}.kind k LEFT JOIN {store}.kind_attribute a"
					   " ON a.kind OPERATOR(pg_catalog.=) $1"
					   " WHERE k.name OPERATOR(pg_catalog.=) $1",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access,
					   "tttf?f?tf?bt?t?b?", read_kind, &reader);
	MemoryContextSwitchTo(old);
	if (reader.policy == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown kind \"%s\"", name),
				 errhint("SELECT name FROM %s.kind lists the kinds of this store.",
						 writer->store.quoted)));
	return reader.policy;
}

/* What table predicate says of one; one that is not there has one value at a time. */
typedef struct AgmPredicate
{
	char *name;
	bool many;
} AgmPredicate;

static void
read_many(TupleTableSlot *slot, void *arg)
{
	*(bool *) arg = strcmp(agm_slot_text(slot, 1), "many") == 0;
}

bool
agm_writer_predicate_has_many(AgmWriter *writer, const char *folded, int len)
{
	AgmParams params = {0};
	AgmPredicate *predicate;
	MemoryContext old;
	ListCell *cell;

	foreach (cell, writer->predicates)
	{
		predicate = lfirst(cell);
		if ((int) strlen(predicate->name) == len && memcmp(predicate->name, folded, len) == 0)
			return predicate->many;
	}
	old = MemoryContextSwitchTo(writer->context);
	predicate = palloc0(sizeof(AgmPredicate));
	predicate->name = pnstrdup(folded, len);
	agm_param(&params, TEXTOID, CStringGetTextDatum(predicate->name), false);
	(void) agm_execute(&writer->store,
					   "SELECT p.cardinality FROM {store}.predicate p"
					   " WHERE p.name OPERATOR(pg_catalog.=) $1",
					   &params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access, "t", read_many,
					   &predicate->many);
	writer->predicates = lappend(writer->predicates, predicate);
	MemoryContextSwitchTo(old);
	return predicate->many;
}

/* Remembers that a memory of this call is of the language; see agm_writer_lock. */
void
agm_writer_use_language(AgmWriter *writer, char *language)
{
	ListCell *cell;

	foreach (cell, writer->languages)
		if (strcmp(lfirst(cell), language) == 0)
			return;
	foreach (cell, writer->new_languages)
		if (strcmp(lfirst(cell), language) == 0)
			return;
	writer->new_languages = lappend(writer->new_languages, language);
}

/*
 * Notes new languages in the namespace's row; the first memory of a namespace makes the
 * row.  Later writes find them noted and touch nothing.  Before any lock of a statement:
 * who holds one of those and waits for this row could be waited for by the row's holder.
 */
static void
note_languages(AgmWriter *writer)
{
	AgmParams params = {0};
	int n = list_length(writer->new_languages);
	Datum *items;

	if (n == 0)
		return;
	items = palloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		items[i] = CStringGetTextDatum(list_nth(writer->new_languages, i));
	agm_param(&params, TEXTOID, writer->ns, false);
	agm_param(&params, TEXTARRAYOID,
			  PointerGetDatum(construct_array(items, n, TEXTOID, -1, false, TYPALIGN_INT)),
			  false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.namespace AS n (namespace, languages) VALUES ($1, $2)"
		" ON CONFLICT (namespace) DO UPDATE"
		" SET languages = n.languages OPERATOR(pg_catalog.||)"
		"  ARRAY(SELECT l.name FROM pg_catalog.unnest(excluded.languages) l(name)"
		"        WHERE NOT l.name OPERATOR(pg_catalog.=) ANY (n.languages))"
		" WHERE NOT n.languages OPERATOR(pg_catalog.@>) excluded.languages",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access, NULL, NULL, NULL);
	writer->languages = list_concat(writer->languages, writer->new_languages);
	writer->new_languages = NIL;
}

/*
 * Takes the rows of key_lock in ascending order, each once: two callers can then only
 * wait for each other in one direction.  Sorts `hashes` in place.
 */
static void
lock_hashes(AgmWriter *writer, int64 *hashes, int n)
{
	AgmParams params = {0};
	int distinct = 0;

	if (n == 0)
		return;
	qsort(hashes, n, sizeof(int64), agm_compare_int64);
	for (int i = 0; i < n; i++)
		if (i == 0 || hashes[i] != hashes[distinct - 1])
			hashes[distinct++] = hashes[i];
	agm_param(&params, TEXTOID, writer->ns, false);
	if (distinct == 1)
	{
		agm_param(&params, INT8OID, Int64GetDatum(hashes[0]), false);
		(void) agm_execute(
			&writer->store,
			"INSERT INTO {store}.key_lock AS l (namespace, hash, n) VALUES ($1, $2, 1)"
			" ON CONFLICT (namespace, hash) DO UPDATE"
			" SET n = l.n OPERATOR(pg_catalog.+) 1",
			&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access, NULL, NULL, NULL);
		return;
	}
	agm_param(&params, INT8ARRAYOID, agm_int8_array(hashes, distinct), false);
	(void) agm_execute(
		&writer->store,
		"INSERT INTO {store}.key_lock AS l (namespace, hash, n)"
		" SELECT $1, h.hash, 1 FROM pg_catalog.unnest($2) WITH ORDINALITY AS h(hash, i)"
		" ORDER BY h.i"
		" ON CONFLICT (namespace, hash) DO UPDATE"
		" SET n = l.n OPERATOR(pg_catalog.+) 1",
		&params, AGM_WRITE | AGM_PLAN_GENERIC | writer->access, NULL, NULL, NULL);
}

/*
 * All locks of a call; the namespace's row, where it needs a change, comes before them all.  The
 * operation's number comes after them: so of two on one memory the later has the greater.
 */
void
agm_writer_lock(AgmWriter *writer, int64 *hashes, int n)
{
	agm_access_log_wrote(&writer->store);
	note_languages(writer);
	lock_hashes(writer, hashes, n);
	if (writer->numbered)
		writer->operation = DatumGetInt64(
			DirectFunctionCall1(nextval_oid, ObjectIdGetDatum(writer->store.operations)));
}

/* The arguments every writing call begins with. */
void
agm_writer_begin(FunctionCallInfo fcinfo, AgmWriter *writer, const char *what)
{
	text *ns;

	agm_require_not_null(PG_ARGISNULL(0), "store");
	agm_require_not_null(PG_ARGISNULL(1), "namespace");
	agm_require_writable(what);
	ns = PG_GETARG_TEXT_PP(1);
	agm_check_namespace(VARDATA_ANY(ns), VARSIZE_ANY_EXHDR(ns));
	agm_writer_open(writer, NameStr(*PG_GETARG_NAME(0)), PointerGetDatum(ns));
}
